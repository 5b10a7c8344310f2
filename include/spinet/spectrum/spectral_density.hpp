// SPDX-License-Identifier: BSD-3-Clause
/// The density of eigenvalues of a symmetric operator, by stochastic Lanczos quadrature.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/spectrum/lanczos_basis.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace spinet {

struct density_options {
    double width = 0;  ///< standard deviation of the Gaussian put on every eigenvalue; 0: 1/50 of the spread
    std::size_t points = 201;  ///< of the curve
    std::size_t vectors = 16;  ///< random vectors: the error falls as one over the root of their number
    std::size_t steps = 0;     ///< applications to each; 0: enough to resolve the width
    std::uint64_t seed = 1;
};

/// (1/n) sum over eigenvalues of a Gaussian of the given width round each, so that the density integrates
/// to 1.
struct density_curve {
    double width = 0;
    double lowest = 0, highest = 0;  ///< ends of the spectrum, as Lanczos finds them
    row_major_array<double, 1> at;   ///< where: `points` values from lowest - 4 width to highest + 4 width
    row_major_array<double, 1> density;
    row_major_array<double, 1> error;  ///< standard error, from the scatter between random vectors
};

namespace detail {

inline void require_density_options(std::size_t n, density_options const& wanted) {
    if (n == 0) throw error("spectral_density: expected an operator of size > 0, found 0");
    if (!(wanted.width >= 0 && std::isfinite(wanted.width)))
        throw error("spectral_density: expected a finite width >= 0, found ", wanted.width);
    if (wanted.points < 2) throw error("spectral_density: expected at least 2 points, found ", wanted.points);
    if (wanted.vectors < 2)
        throw error("spectral_density: expected at least 2 random vectors, for an error, found ",
                    wanted.vectors);
}

/// +-1 / sqrt(n): for any matrix A the mean of v A v is trace(A) / n.
[[nodiscard]] inline std::vector<double> random_signs(std::size_t n, std::uint64_t seed, std::size_t number) {
    std::vector<double> v(n);
    stream(seed, mean_field_draw::iteration, static_cast<std::uint32_t>(number)).fill_signs(std::span(v));
    for (double& x : v) x /= std::sqrt(static_cast<double>(n));
    return v;
}

/// Adds one vector's Gaussians: its nodes and weights are those of Gauss's quadrature of its spectral
/// measure.
inline void add_gaussians(lanczos_basis const& basis, density_curve& curve, std::vector<double>& out) {
    auto const [nodes, small] = basis.eigenpairs();
    std::size_t const m = nodes.size();
    double const height = 1 / (curve.width * std::sqrt(2 * std::numbers::pi));
    for (std::size_t p = 0; p < out.size(); ++p) {
        out[p] = 0;
        for (std::size_t k = 0; k < m; ++k) {
            double const distance = (curve.at[p] - nodes[k]) / curve.width;
            out[p] += small[k * m] * small[k * m] * height * std::exp(-distance * distance / 2);
        }
    }
}

}  // namespace detail

/// The spectral density of a real symmetric n x n operator, known by its action on a vector: the mean, over
/// random vectors of signs, of the spectral measure that Lanczos finds for each (Ubaru, Chen and Saad, SIAM
/// J. Matrix Anal. Appl. 38, 1075 (2017)). Exact on average but for the finite number of steps; as many as
/// are taken by default integrate a Gaussian of the given width to better than 1e-4 of its height.
/// Deterministic for a seed. Memory: a vector of length n for each step. Throws spinet::error for n = 0, bad
/// options, values that are not finite, and an operator that is a multiple of the identity where no width is
/// given.
template <SymmetricOperator Apply>
[[nodiscard]] density_curve spectral_density(std::size_t n, Apply&& apply,
                                             density_options const& wanted = {}) {
    detail::require_density_options(n, wanted);
    density_curve curve;
    curve.highest = largest_eigenvalue(n, apply);
    curve.lowest = -largest_eigenvalue(n, [&](std::span<double const> x, std::span<double> y) {
        apply(x, y);
        for (double& value : y) value = -value;
    });
    double const spread = std::max(0.0, curve.highest - curve.lowest);
    curve.width = wanted.width > 0 ? wanted.width : spread / 50;
    if (!(curve.width > 0))
        throw error("spectral_density: all eigenvalues are ", curve.highest, ", so a width must be given");
    double const from = curve.lowest - 4 * curve.width, to = curve.highest + 4 * curve.width;
    curve.at = curve.density = curve.error =
        row_major_array<double, 1>(std::array<std::size_t, 1>{wanted.points}, 0.0);
    for (std::size_t p = 0; p < wanted.points; ++p)
        curve.at[p] = from + (to - from) * static_cast<double>(p) / static_cast<double>(wanted.points - 1);
    // Chebyshev coefficients of a Gaussian of width w on an interval of length L fall as exp(-(2 k w / L)^2 /
    // 2), and m steps are exact up to k = 2 m - 1.
    double const enough = 10 + 1.5 * spread / curve.width;
    std::size_t const steps = wanted.steps > 0                  ? std::min(n, wanted.steps)
                              : enough < static_cast<double>(n) ? static_cast<std::size_t>(enough)
                                                                : n;
    std::vector<double> of_one(wanted.points);
    for (std::size_t v = 0; v < wanted.vectors; ++v) {
        detail::lanczos_basis basis(detail::random_signs(n, wanted.seed, v));
        do basis.advance(apply);
        while (basis.size() < steps && !basis.complete());
        detail::add_gaussians(basis, curve, of_one);
        for (std::size_t p = 0; p < wanted.points; ++p) {  // Welford's mean and sum of squares
            double const change = of_one[p] - curve.density[p];
            curve.density[p] += change / static_cast<double>(v + 1);
            curve.error[p] += change * (of_one[p] - curve.density[p]);
        }
    }
    auto const count = static_cast<double>(wanted.vectors);
    for (double& e : curve.error) e = std::sqrt(e / (count * (count - 1)));
    return curve;
}

}  // namespace spinet
