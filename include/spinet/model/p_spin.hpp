// SPDX-License-Identifier: BSD-3-Clause
/// Models in which p spins interact at a time, by a full tensor of couplings: Ising spins, and spins on a
/// sphere.
#pragma once

#include <spinet/detail/symmetric_tensor.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// The two normalisations of random p-spin energies. For two states of overlap q, the covariance of their
/// energies is N q^p or half of that (up to O(1/N) for Ising spins), so energies, temperatures and gradients
/// of the first are sqrt(2) times those of the second.
enum class p_spin_scale {
    auffinger_ben_arous_cerny,  ///< N q^p: arXiv 1003.1129
    crisanti_sommers,           ///< N q^p / 2: Z. Phys. B 87, 341 (1992); at p = 2 Sherrington-Kirkpatrick's
};

/// H(s) = -sum over i1 < ... < ip of J_{i1 ... ip} s_i1 ... s_ip, Ising spins. Multilinear, but no pair
/// model. Keeps N^p numbers.
template <class Real = float>
class ising_p_spin {
public:
    using spin_type = detail::checked_spin_type<Real>;

    /// `tensor` holds J of all N^p indices, an xtensor expression of p equal dimensions: symmetric, and 0
    /// where an index comes twice. Throws spinet::error naming the first entry for which that is not so, and
    /// for other shapes.
    ///
    /// `paramagnet_above` is a temperature above which the model is known to be a paramagnet, if one is: no
    /// eigenvalue tells it. Without it no run is certified as equilibrated.
    template <detail::xtensor_expression Tensor>
    explicit ising_p_spin(Tensor const& tensor,
                          double paramagnet_above = std::numeric_limits<double>::quiet_NaN())
        : ising_p_spin(detail::symmetric_tensor<Real>("ising_p_spin", tensor, true), paramagnet_above) {}

    ising_p_spin(detail::symmetric_tensor<Real> couplings, double paramagnet_above)
        : couplings_(std::move(couplings)), paramagnet_above_(paramagnet_above) {
        count_orders();
    }

    [[nodiscard]] std::size_t size() const noexcept { return couplings_.size(); }
    /// How many spins interact.
    [[nodiscard]] std::size_t p() const noexcept { return couplings_.order(); }

    [[nodiscard]] double energy(std::span<Real const> spins) const {
        std::vector<Real> workspace;
        auto const products = couplings_.times(spins, 1, workspace);
        return -detail::dot(products.data(), spins.data(), size()) / (static_cast<double>(p()) * orders_);
    }

    [[nodiscard]] double energy_change(std::span<Real const> spins, std::size_t site, Real value) const {
        std::vector<Real> workspace;
        auto const products = couplings_.slice_times(site, spins, 1, workspace);
        return -(static_cast<double>(value) - static_cast<double>(spins[site])) *
               detail::dot(products.data(), spins.data(), size()) / orders_;
    }

    void fields(rows_view<Real const> spins, rows_view<Real> out) const {
        couplings_.times_rows(spins.rows, spins.data, spins.stride, out.data, out.stride);
        for (std::size_t r = 0; r < out.rows; ++r)
            for (Real& h : out.row(r)) h /= static_cast<Real>(orders_);
    }

    /// The energy of a state from its fields: each interaction is in the fields of p spins.
    [[nodiscard]] double energy_from_fields(std::span<Real const> spins,
                                            std::span<Real const> fields) const noexcept {
        return -detail::dot(fields.data(), spins.data(), size()) / static_cast<double>(p());
    }

    [[nodiscard]] double paramagnet_above() const noexcept { return paramagnet_above_; }

    /// Sum of J^2: that of E over all states.
    [[nodiscard]] double variance_at_infinite_temperature() const noexcept {
        auto const all = couplings_.values();
        return detail::dot(all.data(), all.data(), all.size()) / (static_cast<double>(p()) * orders_);
    }

    /// Brings the fields in line with s_site having grown by `change`; the other spins are these. Costs
    /// N^(p-1).
    void change_fields(std::span<Real const> spins, std::size_t site, Real change,
                       std::span<Real> fields) const {
        thread_local std::vector<Real> workspace;
        auto const products = couplings_.slice_times(site, spins, 1, workspace);
        Real const by = change / static_cast<Real>(orders_ / static_cast<double>(p() - 1));
        for (std::size_t j = 0; j < fields.size(); ++j) fields[j] += by * products[j];
    }

private:
    /// (p - 1)!, the orders of the other spins of an interaction.
    void count_orders() noexcept {
        for (std::size_t k = 2; k < p(); ++k) orders_ *= static_cast<double>(k);
    }

    detail::symmetric_tensor<Real> couplings_;
    double paramagnet_above_;
    double orders_ = 1;
};

template <detail::xtensor_expression Tensor>
ising_p_spin(Tensor const&, double = 0) -> ising_p_spin<detail::spin_type_for<Tensor>>;

/// H(s) = -sum over all i1, ..., ip of T_{i1 ... ip} s_i1 ... s_ip with T symmetric, for states on the sphere
/// |s|^2 = N. Keeps N^p numbers. Energies, gradients and products with the Hessian are
/// those of the polynomial, in all of space.
template <class Real = double>
class spherical_p_spin {
public:
    using spin_type = detail::checked_spin_type<Real>;
    static constexpr spin_space space = spin_space::sphere;

    /// `tensor` holds T of all N^p indices, an xtensor expression of p equal dimensions. Throws spinet::error
    /// naming the first entry that is not finite or not symmetric, and for other shapes. `paramagnet_above`
    /// as for ising_p_spin.
    template <detail::xtensor_expression Tensor>
    explicit spherical_p_spin(Tensor const& tensor,
                              double paramagnet_above = std::numeric_limits<double>::quiet_NaN())
        : spherical_p_spin(detail::symmetric_tensor<Real>("spherical_p_spin", tensor, false),
                           paramagnet_above) {}

    spherical_p_spin(detail::symmetric_tensor<Real> tensor, double paramagnet_above)
        : tensor_(std::move(tensor)), paramagnet_above_(paramagnet_above) {}

    [[nodiscard]] std::size_t size() const noexcept { return tensor_.size(); }
    [[nodiscard]] std::size_t p() const noexcept { return tensor_.order(); }

    [[nodiscard]] double energy(std::span<Real const> spins) const {
        std::vector<Real> workspace;
        return -detail::dot(tensor_.times(spins, 1, workspace).data(), spins.data(), size());
    }

    [[nodiscard]] double paramagnet_above() const noexcept { return paramagnet_above_; }

    /// By the polynomial: the state with s_site = value is in general not on the sphere.
    [[nodiscard]] double energy_change(std::span<Real const> spins, std::size_t site, Real value) const {
        std::vector<Real> moved(spins.begin(), spins.end());
        moved[site] = value;
        return energy(moved) - energy(spins);
    }

    /// dE/ds_i in space, N numbers; its part along s is -p E / N times s, by Euler's theorem. Returns E.
    double gradient(std::span<Real const> spins, std::span<Real> out) const {
        thread_local std::vector<Real> workspace;
        auto const products = tensor_.times(spins, 1, workspace);
        double const along = detail::dot(products.data(), spins.data(), size());
        auto const by = static_cast<Real>(-static_cast<double>(p()));
        for (std::size_t i = 0; i < size(); ++i) out[i] = by * products[i];
        return -along;
    }

    /// The Hessian in space times v, N numbers.
    void hessian_vector(std::span<Real const> spins, std::span<Real const> v, std::span<Real> out) const {
        thread_local std::vector<Real> workspace;
        auto const matrix = tensor_.times(spins, 2, workspace);
        auto const by = -static_cast<double>(p() * (p() - 1));
        for (std::size_t i = 0; i < size(); ++i)
            out[i] = static_cast<Real>(by * detail::dot(matrix.data() + i * size(), v.data(), size()));
    }

private:
    detail::symmetric_tensor<Real> tensor_;
    double paramagnet_above_;
};

template <detail::xtensor_expression Tensor>
spherical_p_spin(Tensor const&, double = 0) -> spherical_p_spin<detail::spin_type_for<Tensor>>;

namespace detail {

/// The deviation of a coupling between p different spins in all of space, by Auffinger, Ben Arous and Cerny.
[[nodiscard]] inline double p_spin_deviation(std::size_t spins, std::size_t p, p_spin_scale scale) noexcept {
    double const deviation = std::pow(static_cast<double>(spins), -0.5 * (static_cast<double>(p) - 1));
    return scale == p_spin_scale::crisanti_sommers ? deviation / std::sqrt(2.0) : deviation;
}

/// normal(n) of the stream of the first index, n counting the interactions that have it.
template <class Real, class Deviation>
[[nodiscard]] symmetric_tensor<Real> random_tensor(std::string const& name, std::size_t spins, std::size_t p,
                                                   bool distinct, std::uint64_t seed, Deviation&& deviation) {
    symmetric_tensor<Real> tensor(name, spins, p);
    std::size_t first = spins;
    std::uint32_t n = 0;
    tensor.for_each_ordered(distinct, [&](std::vector<std::size_t> const& indices) {
        if (indices[0] != first) n = 0;
        first = indices[0];
        stream const draws(seed, 0, static_cast<std::uint32_t>(first), purpose::couplings);
        tensor.set(indices, static_cast<Real>(deviation(indices) * normal(draws, n++)));
    });
    return tensor;
}

}  // namespace detail

/// Ising spins with independent Gaussian couplings of variance p! / N^(p-1), or half of that. Its
/// paramagnet_above() is twice the transition temperature of the random energy model of that variance, 1.2 by
/// Crisanti and Sommers: for p = 2 to 20 above the dynamic transition (1 at p = 2, 0.68 at 3, 1.06 at
/// 20). Source: Derrida, Phys. Rev. B 24, 2613 (1981). Throws spinet::error for p < 2, N < p, or a tensor too
/// large.
template <class Real = float>
[[nodiscard]] ising_p_spin<Real> random_ising_p_spin(std::size_t spins, std::size_t p, p_spin_scale scale,
                                                     std::uint64_t seed) {
    if (spins < p) throw error("random_ising_p_spin: ", spins, " spins for interactions of ", p);
    double const deviation =
        detail::p_spin_deviation(spins, p, scale) * std::sqrt(std::tgamma(static_cast<double>(p) + 1));
    double const half = scale == p_spin_scale::crisanti_sommers ? 0.5 : 1;
    return ising_p_spin<Real>(detail::random_tensor<Real>("random_ising_p_spin", spins, p, true, seed,
                                                          [&](auto const&) { return deviation; }),
                              2 * std::sqrt(half / (2 * std::numbers::ln2)));
}

/// The spherical p-spin model: H = -N^(-(p-1)/2) sum over all i1, ..., ip of J s_i1 ... s_ip with J from
/// N(0, 1), or that over sqrt(2). (The sign is that of this library's energies; the J are as likely with
/// the other one.) Its paramagnet_above() is the dynamic transition, by Crisanti and Sommers
/// sqrt(p (p - 2)^(p-2) / (2 (p - 1)^(p-1))): 0.612 at p = 3.
template <class Real = double>
[[nodiscard]] spherical_p_spin<Real> random_spherical_p_spin(std::size_t spins, std::size_t p,
                                                             p_spin_scale scale, std::uint64_t seed) {
    double const deviation = detail::p_spin_deviation(spins, p, scale);
    // The mean of m independent numbers, one for each order of the indices.
    auto tensor = detail::random_tensor<Real>(
        "random_spherical_p_spin", spins, p, false, seed,
        [&](auto const& indices) { return deviation / std::sqrt(detail::orders_of(indices)); });
    auto const order = static_cast<double>(p);
    double const half = scale == p_spin_scale::crisanti_sommers ? 0.5 : 1,
                 above = p > 2 ? std::pow(order - 2, order - 2) : 1;
    return spherical_p_spin<Real>(std::move(tensor),
                                  std::sqrt(half * order * above / std::pow(order - 1, order - 1)));
}

}  // namespace spinet
