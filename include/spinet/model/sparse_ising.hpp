// SPDX-License-Identifier: BSD-3-Clause
/// Ising spins on a graph: few couplings to a spin, kept as lists (compressed sparse rows).
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/magnitude.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A coupling J between two different spins.
template <class Real>
struct bond {
    std::uint32_t first;
    std::uint32_t second;
    Real coupling;
};

/// H(s) = -sum_bonds J s_first s_second - sum_i b_i s_i. Several bonds between the same two spins add up.
/// `fields`, an xtensor expression or std::vector, has one number per spin or is empty. Throws spinet::error
/// naming the bond or spin for sites out of range, a bond of a spin to itself, or a number that is not
/// finite.
template <class Real = float>
class sparse_ising {
public:
    using spin_type = detail::checked_spin_type<Real>;

    template <class B = std::vector<Real>>
    sparse_ising(std::size_t spins, std::vector<bond<Real>> const& bonds, B const& fields = {})
        : fields_(detail::fields_or_zeros<Real>(fields, spins, "sparse_ising: fields")) {
        check(spins, bonds);
        build(bonds);
        detail::require_fields_fit(
            *this, [](std::size_t i) { return detail::text("sparse_ising: the field of spin ", i); });
    }

    /// The bonds are the entries of a symmetric N x N matrix that are not 0, an xtensor expression of any
    /// kind. Throws spinet::error for another shape, and naming the first entry that is not symmetric, too.
    template <detail::xtensor_expression J, class B = std::vector<Real>>
    explicit sparse_ising(J const& couplings, B const& fields = {})
        : sparse_ising(of_matrix(detail::as_row_major<Real, 2>(couplings, "sparse_ising: couplings")),
                       fields) {}

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] std::span<Real const> external_fields() const noexcept { return fields_; }

    /// The spins that spin i is coupled to, in increasing order, and the couplings to them.
    [[nodiscard]] std::span<std::uint32_t const> neighbours(std::size_t i) const noexcept {
        return {neighbours_.data() + starts_[i], starts_[i + 1] - starts_[i]};
    }
    [[nodiscard]] std::span<Real const> neighbour_couplings(std::size_t i) const noexcept {
        return {couplings_.data() + starts_[i], starts_[i + 1] - starts_[i]};
    }

    [[nodiscard]] double energy(std::span<Real const> spins) const noexcept {
        double total = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            double const field = field_of(spins, i), external = static_cast<double>(fields_[i]);
            total -= static_cast<double>(spins[i]) * (field + external) / 2;
        }
        return total;
    }

    [[nodiscard]] double energy_change(std::span<Real const> spins, std::size_t site,
                                       Real value) const noexcept {
        return -(static_cast<double>(value) - static_cast<double>(spins[site])) * field_of(spins, site);
    }

    void fields(rows_view<Real const> spins, rows_view<Real> out) const noexcept {
        for (std::size_t r = 0; r < spins.rows; ++r)
            for (std::size_t i = 0; i < size(); ++i)
                out.row(r)[i] = static_cast<Real>(field_of(spins.row(r), i));
    }

    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        auto const sites = neighbours(site);
        auto const couplings = neighbour_couplings(site);
        for (std::size_t k = 0; k < sites.size(); ++k)
            visit(static_cast<std::size_t>(sites[k]), couplings.subspan(k, 1));
    }

private:
    struct spins_and_bonds {
        std::size_t spins;
        std::vector<bond<Real>> bonds;
    };
    template <class B>
    sparse_ising(spins_and_bonds const& of, B const& fields) : sparse_ising(of.spins, of.bonds, fields) {}

    [[nodiscard]] static spins_and_bonds of_matrix(row_major_array<Real, 2> const& j) {
        spins_and_bonds found{j.shape()[0], {}};
        if (j.shape()[1] != found.spins)
            throw error("sparse_ising: couplings of shape ", detail::tuple_text(j.shape()));
        for (std::uint32_t i = 0; i < found.spins; ++i)
            for (std::uint32_t k = 0; k <= i; ++k) {
                if (!(j(i, k) == j(k, i)) && !(std::isnan(j(i, k)) && std::isnan(j(k, i))))
                    throw error("sparse_ising: coupling (", i, ", ", k, ") is ", static_cast<double>(j(i, k)),
                                ", but coupling (", k, ", ", i, ") is ", static_cast<double>(j(k, i)),
                                "; (J + xt::transpose(J)) / 2 is symmetric");
                if (j(i, k) != 0) found.bonds.push_back({k, i, j(i, k)});
            }
        return found;
    }

    [[nodiscard]] double field_of(std::span<Real const> spins, std::size_t i) const noexcept {
        double field = static_cast<double>(fields_[i]);
        auto const sites = neighbours(i);
        auto const couplings = neighbour_couplings(i);
        for (std::size_t k = 0; k < sites.size(); ++k)
            field += static_cast<double>(couplings[k]) * static_cast<double>(spins[sites[k]]);
        return field;
    }

    void check(std::size_t spins, std::vector<bond<Real>> const& bonds) const {
        if (spins == 0) throw error("sparse_ising: no spins");
        if (spins > std::numeric_limits<std::uint32_t>::max()) throw error("sparse_ising: too many spins");
        if (fields_.size() != spins)
            throw error("sparse_ising: ", spins, " spins, but ", fields_.size(), " fields");
        for (std::size_t i = 0; i < spins; ++i)
            if (!std::isfinite(fields_[i])) throw error("sparse_ising: field ", i, " is not finite");
        for (std::size_t k = 0; k < bonds.size(); ++k) {
            auto const& b = bonds[k];
            std::string const name =
                detail::text("sparse_ising: bond ", k, " (", b.first, ", ", b.second, ")");
            if (b.first >= spins || b.second >= spins)
                throw error(name, " names a spin beyond the last, ", spins - 1);
            if (b.first == b.second) throw error(name, " joins a spin to itself");
            if (!std::isfinite(b.coupling)) throw error(name, " is not finite");
        }
    }

    void build(std::vector<bond<Real>> const& bonds) {
        std::vector<std::vector<std::pair<std::uint32_t, Real>>> lists(size());
        for (auto const& b : bonds) {
            lists[b.first].emplace_back(b.second, b.coupling);
            lists[b.second].emplace_back(b.first, b.coupling);
        }
        starts_.push_back(0);
        for (auto& list : lists) {
            std::stable_sort(list.begin(), list.end(),
                             [](auto const& a, auto const& b) { return a.first < b.first; });
            for (std::size_t k = 0; k < list.size(); ++k)
                if (k > 0 && list[k].first == list[k - 1].first) {
                    couplings_.back() += list[k].second;
                } else {
                    neighbours_.push_back(list[k].first);
                    couplings_.push_back(list[k].second);
                }
            starts_.push_back(neighbours_.size());
        }
    }

    std::vector<Real> fields_;
    std::vector<std::size_t> starts_;
    std::vector<std::uint32_t> neighbours_;
    std::vector<Real> couplings_;
};

template <detail::xtensor_expression J, class B = std::vector<double>>
sparse_ising(J const&, B const& = {}) -> sparse_ising<detail::spin_type_for<J>>;

}  // namespace spinet
