// SPDX-License-Identifier: BSD-3-Clause
/// The Hessian of an objective at a point: eigenvalues, trace, spectral density, index.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/spectrum/leading_eigenpairs.hpp>
#include <spinet/spectrum/spectral_density.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>
#include <spinet/statistics/jackknife.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet {

/// The Hessian of an objective at a point, as an operator: y = H v. On the sphere it acts on the tangent
/// space, in N - 1 orthonormal coordinates, so that the radial direction is not among its eigenvectors.
/// Keeps a pointer to the objective.
template <class O>
class hessian {
    static_assert(
        TwiceDifferentiableObjective<O>,
        "spinet: not a TwiceDifferentiableObjective; it needs size(), value(x), gradient(x, out) and "
        "hessian_vector(x, v, out), see landscape/concepts.hpp");

public:
    /// Throws spinet::error for a point of another size, or one that is not finite.
    hessian(O const& f, vector_argument const& x) : f_(&f), x_(x.begin(), x.end()) {
        std::size_t const n = detail::size_of(f);
        if (x.size() != n) throw error("hessian: a point of ", x.size(), " numbers for an objective of ", n);
        for (double const each : x_)
            if (!std::isfinite(each)) throw error("hessian: the point is not finite");
        if (n == 0 || size() == 0) throw error("hessian: no direction to move in");
        if constexpr (is_on_sphere<O>) {
            // The reflection that takes the last axis to -+ x / |x|: its other columns are tangent.
            mirror_ = x_;
            double const length = detail::vector_length(x_);
            if (!detail::is_near_sphere(x_)) throw error("hessian: the point is not on the sphere |x|^2 = N");
            mirror_.back() += std::copysign(length, x_.back());
            double const of_mirror = detail::vector_length(mirror_);
            for (double& each : mirror_) each /= of_mirror;
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return is_on_sphere<O> ? x_.size() - 1 : x_.size(); }

    void operator()(std::span<double const> v, std::span<double> out) const {
        if constexpr (is_on_sphere<O>) {
            auto const full = in_space(v);
            std::vector<double> product(full.size());
            apply(full, product);
            reflect(product);
            std::copy(product.begin(), product.end() - 1, out.begin());
        } else {
            apply(v, out);
        }
    }

    /// A vector of all coordinates from one of `size()` numbers.
    [[nodiscard]] row_major_array<double, 1> in_space(vector_argument const& v) const {
        auto all = row_major_array<double, 1>::from_shape({x_.size()});
        std::copy(v.begin(), v.end(), all.begin());
        if constexpr (is_on_sphere<O>) {
            all(x_.size() - 1) = 0;
            reflect(all);
        }
        return all;
    }

    /// The `size()` coordinates of a vector: on the sphere, of its tangent part.
    [[nodiscard]] row_major_array<double, 1> coordinates_of(vector_argument const& all) const {
        std::vector<double> v(all.begin(), all.end());
        if constexpr (is_on_sphere<O>) {
            reflect(v);
            v.pop_back();
        }
        return detail::array_of(v);
    }

private:
    void apply(std::span<double const> v, std::span<double> out) const {
        f_->hessian_vector(std::span<double const>(x_), v, out);
    }
    void reflect(std::span<double> v) const {
        detail::add_multiple(v, -2 * detail::dot_product(mirror_, v), mirror_);
    }

    O const* f_;
    std::vector<double> x_, mirror_;
};

/// The whole matrix from size() products; symmetrised, because of rounding.
template <class O>
[[nodiscard]] row_major_array<double, 2> matrix_of(hessian<O> const& h) {
    std::size_t const n = h.size();
    if (n > 10'000) throw error("matrix_of: expected at most 10000 parameters, found ", n);
    auto matrix = row_major_array<double, 2>::from_shape({n, n});
    std::vector<double> unit(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        unit[i] = 1;
        h(unit, std::span(matrix.data() + i * n, n));
        unit[i] = 0;
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j) matrix(i, j) = matrix(j, i) = (matrix(i, j) + matrix(j, i)) / 2;
    return matrix;
}

/// All eigenvalues, from the smallest up, by LAPACK: up to 10,000 parameters, 8 n^2 bytes.
template <class O>
[[nodiscard]] row_major_array<double, 1> hessian_eigenvalues(hessian<O> const& h) {
    auto matrix = matrix_of(h);
    return detail::array_of(detail::symmetric_eigen(matrix, h.size(), false));
}

/// The largest `count` eigenvalues, largest first, and their vectors (in h's coordinates), by Lanczos.
template <class O>
[[nodiscard]] eigenpairs top_eigenpairs(hessian<O> const& h, std::size_t count,
                                        lanczos_options const& options = {}) {
    return leading_eigenpairs(h.size(), count, h, options);
}

/// The smallest eigenvalue, by Lanczos. The point is not a minimum if it is negative.
template <class O>
[[nodiscard]] double smallest_eigenvalue(hessian<O> const& h, lanczos_options const& options = {}) {
    return -largest_eigenvalue(
        h.size(),
        [&](std::span<double const> v, std::span<double> out) {
            h(v, out);
            for (double& each : out) each = -each;
        },
        options);
}

/// The trace by Hutchinson's estimator over random vectors of signs, with its standard error. Source: Commun.
/// Stat. Simul. Comput. 19, 433 (1990). Throws spinet::error below 2 vectors.
template <class O>
[[nodiscard]] jackknife_estimate hessian_trace(hessian<O> const& h, std::size_t vectors = 100,
                                               std::uint64_t seed = 1) {
    std::vector<double> product(h.size());
    return mean_of_draws(vectors, [&](std::size_t k) {
        auto const v = detail::random_signs(h.size(), seed, k);
        h(v, product);
        return static_cast<double>(h.size()) * detail::dot_product(v, product);
    });
}

/// The density of eigenvalues by stochastic Lanczos quadrature, with errors.
template <class O>
[[nodiscard]] density_curve hessian_density(hessian<O> const& h, density_options const& options = {}) {
    return spectral_density(h.size(), h, options);
}

/// The index of a critical point: how many eigenvalues are below -tolerance. They must be in ascending order.
[[nodiscard]] inline std::size_t index_of(vector_argument const& eigenvalues, double tolerance = 0) {
    std::size_t k = 0;
    while (k < eigenvalues.size() && eigenvalues[k] < -tolerance) ++k;
    return k;
}

}  // namespace spinet
