// SPDX-License-Identifier: BSD-3-Clause
/// Eigenvalues of a model's coupling matrix: the largest, the leading modes, or all of them.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/function_ref.hpp>
#include <spinet/detail/watchers.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/magnitude.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>
#include <spinet/spectrum/leading_eigenpairs.hpp>
#include <spinet/spectrum/spectral_density.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace spinet {

namespace detail {

/// The sums over one site's couplings of J a and of J^2 b, in interleaved partial sums whose order is fixed.
/// `Squares` says whether the second is wanted.
template <bool Squares, PairModel M>
[[nodiscard]] std::pair<double, double> sums_over_couplings(M const& model, std::size_t site,
                                                            std::span<double const> a,
                                                            std::span<double const> b) {
    using real = typename M::spin_type;
    constexpr std::size_t lanes = 8;
    double linear[lanes] = {}, square[lanes] = {};
    std::size_t lane = 0;
    model.for_each_coupling(site, [&](std::size_t first, std::span<real const> couplings) {
        std::size_t const n = couplings.size();
        real const* const j = couplings.data();
        double const *const x = a.data() + first, *const y = b.data() + (Squares ? first : 0);
        std::size_t k = 0;
        for (; k + lanes <= n; k += lanes)
            for (std::size_t l = 0; l < lanes; ++l) {
                auto const coupling = static_cast<double>(j[k + l]);
                linear[l] += coupling * x[k + l];
                if constexpr (Squares) square[l] += coupling * coupling * y[k + l];
            }
        for (; k < n; ++k, lane = (lane + 1) % lanes) {  // single couplings of sparse models take turns too
            auto const coupling = static_cast<double>(j[k]);
            linear[lane] += coupling * x[k];
            if constexpr (Squares) square[lane] += coupling * coupling * y[k];
        }
    });
    auto const total = [](double const* p) {
        return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
    };
    return {total(linear), Squares ? total(square) : 0.0};
}

}  // namespace detail

/// y = J x of a model.
template <PairModel M>
void multiply_by_couplings(M const& model, std::span<double const> x, std::span<double> y) {
    for (std::size_t i = 0; i < model.size(); ++i)
        y[i] = detail::sums_over_couplings<false>(model, i, x, {}).first;
}

namespace detail {

/// y = J x for what looks for eigenvalues.
template <PairModel M>
struct coupling_product {
    M const& model;
    void operator()(std::span<double const> x, std::span<double> y) const {
        multiply_by_couplings(model, x, y);
    }
};

/// The largest eigenvalue of an operator, by code that all operators share.
template <class Apply>
[[nodiscard]] double largest_eigenvalue_of(std::size_t n, Apply&& apply,
                                           lanczos_options const& options = {}) {
    return largest_eigenvalue(n, function_ref<void(std::span<double const>, std::span<double>)>(apply),
                              options);
}

}  // namespace detail

/// The coupling matrix J of a model, N x N, symmetric with a zero diagonal. Meant for small models: throws
/// spinet::error above 20,000 spins (1.6 GB of floats).
template <PairModel M>
[[nodiscard]] row_major_array<typename M::spin_type, 2> couplings_of(M const& model) {
    using real = typename M::spin_type;
    std::size_t const n = model.size();
    if (n > 20'000)
        throw error("couplings_of: a matrix of ", n, " x ", n,
                    " couplings is too large; at most 20000 spins");
    row_major_array<real, 2> matrix = xt::zeros<real>({n, n});
    for (std::size_t i = 0; i < n; ++i)
        detail::visit_couplings(model, i, [&](std::size_t first, std::span<real const> couplings) {
            std::copy(couplings.begin(), couplings.end(), matrix.data() + i * n + first);
        });
    return matrix;
}

/// All eigenvalues of the coupling matrix J, from the smallest up, by LAPACK, for small models: memory is 8
/// N^2 bytes, time grows as N^3 (about 0.1 s for N = 1000). Throws spinet::error above 10,000 spins; see
/// spectral_density for those.
template <PairModel M>
[[nodiscard]] row_major_array<double, 1> coupling_eigenvalues(M const& model) {
    if (model.size() > 10'000)
        throw error("coupling_eigenvalues: expected at most 10000 spins, found ",
                    static_cast<std::size_t>(model.size()));
    auto matrix = detail::row_major_copy<double, 2>(couplings_of(model), "coupling_eigenvalues");
    return detail::row_major_copy<double, 1>(detail::symmetric_eigen(matrix, model.size(), false),
                                             "coupling_eigenvalues");
}

/// lambda_max(J), the *naive mean-field* transition temperature: an upper estimate, above which spinet takes
/// a model for a paramagnet (an argument, not a theorem, for couplings of both signs). The transition of a
/// random network is at about half of it (see t_formula). Throws spinet::stopped where one of the stop
/// tokens, which are asked before each product with the couplings, wants it.
template <PairModel M, StopToken... Tokens>
[[nodiscard]] double largest_coupling_eigenvalue(M const& model, Tokens const&... tokens) {
    return detail::largest_eigenvalue_of(model.size(), [&](std::span<double const> x, std::span<double> y) {
        detail::check_stop("largest_coupling_eigenvalue", tokens...);
        multiply_by_couplings(model, x, y);
    });
}

/// The eigenvectors of the `count` largest eigenvalues of a model's coupling matrix J, and these eigenvalues.
template <PairModel M>
[[nodiscard]] eigenpairs leading_modes(M const& model, std::size_t count) {
    return leading_eigenpairs(model.size(), count, detail::coupling_product<M>{model});
}

/// The spectral density of a model's coupling matrix J.
template <PairModel M>
[[nodiscard]] density_curve coupling_density(M const& model, density_options const& wanted = {}) {
    return spectral_density(model.size(), detail::coupling_product<M>{model}, wanted);
}

/// The temperature above which spinet takes a model for a paramagnet. Uses the model's member
/// paramagnet_above() if it has one; otherwise lambda_max(J) for a PairModel (times the variance of the
/// measure for soft spins); otherwise NaN.
template <Model M>
[[nodiscard]] double paramagnet_above(M const& model) {
    if constexpr (HasParamagnet<M>)
        return model.paramagnet_above();
    else if constexpr (PairModel<M> && IntervalModel<M>)
        return model.measure().variance() * largest_coupling_eigenvalue(model);
    else if constexpr (PairModel<M>)
        return largest_coupling_eigenvalue(model);
    else
        return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace spinet
