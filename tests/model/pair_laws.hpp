// SPDX-License-Identifier: BSD-3-Clause
/// The laws of pair models against naive loops over a table of couplings, shared by the tests of this room.
#pragma once

#include "../files.hpp"
#include <spinet/concepts.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/statistics/distributions.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pair_laws {

using namespace spinet;

template <class Real>
using matrix = xt::xtensor<Real, 2>;

inline stream draws_of(std::uint32_t row) { return {20'240'601, 0, row, purpose::testing}; }

template <class Real>
matrix<Real> random_matrix(std::size_t rows, std::size_t columns, std::uint32_t key) {
    auto result = matrix<Real>::from_shape({rows, columns});
    for (std::size_t k = 0; k < result.size(); ++k)
        result.data()[k] = static_cast<Real>(normal(draws_of(key), static_cast<std::uint32_t>(k)));
    return result;
}

template <class Real>
std::vector<Real> random_fields(std::size_t size, std::uint32_t key) {
    std::vector<Real> result(size);
    for (std::size_t k = 0; k < size; ++k)
        result[k] = static_cast<Real>(normal(draws_of(1000 + key), static_cast<std::uint32_t>(k)));
    return result;
}

template <class Real>
std::vector<Real> random_spins(std::size_t size, std::uint32_t key) {
    std::vector<Real> result(size);
    for (std::size_t k = 0; k < size; ++k)
        result[k] = draws_of(2000 + key).bits(static_cast<std::uint32_t>(k)) >> 31 != 0 ? Real{1} : Real{-1};
    return result;
}

/// A model as a table: J (0 where there is no coupling, upper triangle used) and b.
struct table {
    std::vector<std::vector<double>> couplings;
    std::vector<double> fields;

    explicit table(std::size_t n) : couplings(n, std::vector<double>(n, 0.0)), fields(n, 0.0) {}

    /// H = -sum_{i<j} J_ij s_i s_j - sum_i b_i s_i
    template <class Real>
    [[nodiscard]] double energy(std::vector<Real> const& spins) const {
        double sum = 0;
        for (std::size_t i = 0; i < spins.size(); ++i) {
            sum -= fields[i] * static_cast<double>(spins[i]);
            for (std::size_t j = i + 1; j < spins.size(); ++j)
                sum -= couplings[i][j] * static_cast<double>(spins[i]) * static_cast<double>(spins[j]);
        }
        return sum;
    }
};

template <class Real>
table table_of(matrix<Real> const& couplings, std::vector<Real> const& fields) {
    table result(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        result.fields[i] = static_cast<double>(fields[i]);
        for (std::size_t j = 0; j < fields.size(); ++j)
            result.couplings[i][j] = static_cast<double>(couplings(i, j));
    }
    return result;
}

struct edge {
    std::size_t from, to;
};

/// A glass on any graph of groups, and the same as a table.
template <class Real>
struct glass_case {
    network_glass<Real> glass;
    table naive;
};

template <class Real>
glass_case<Real> glass_on(std::vector<std::size_t> const& sizes, std::vector<edge> const& edges) {
    std::vector<spin_group> groups;
    std::vector<std::size_t> first;
    std::size_t n = 0;
    for (std::size_t g = 0; g < sizes.size(); ++g) {
        groups.push_back({"g" + std::to_string(g), 12345, sizes[g]});  // `first` is the glass's own business
        first.push_back(n);
        n += sizes[g];
    }
    table naive(n);
    auto const fields = random_fields<Real>(n, 7);
    for (std::size_t i = 0; i < n; ++i) naive.fields[i] = static_cast<double>(fields[i]);
    std::vector<coupling_block<Real>> blocks;
    for (std::size_t e = 0; e < edges.size(); ++e) {
        auto const [from, to] = edges[e];
        auto const w = random_matrix<Real>(sizes[to], sizes[from], static_cast<std::uint32_t>(e));
        for (std::size_t i = 0; i < sizes[to]; ++i)
            for (std::size_t j = 0; j < sizes[from]; ++j) {
                std::size_t const a = first[to] + i, b = first[from] + j;
                naive.couplings[a][b] += static_cast<double>(w(i, j));
                naive.couplings[b][a] += static_cast<double>(w(i, j));
            }
        blocks.push_back(dense_block<Real>(from, to, w));
    }
    return {network_glass<Real>(groups, fields, blocks), naive};
}

/// Every law of a pair model, at a relative tolerance.
template <class M>
void check_laws(M const& model, table const& naive, double tolerance) {
    using real = typename M::spin_type;
    std::size_t const n = model.size(), states = 4, stride = n + 3;
    REQUIRE(n == naive.fields.size());
    double scale = 1;
    for (auto const& row : naive.couplings)
        for (double const j : row) scale += std::abs(j);
    double const margin = tolerance * scale;

    std::vector<real> rows(states * stride, real{1}), fields(states * stride, real{77});
    for (std::size_t r = 0; r < states; ++r) {
        auto const s = random_spins<real>(n, static_cast<std::uint32_t>(r));
        std::copy(s.begin(), s.end(), rows.begin() + static_cast<std::ptrdiff_t>(r * stride));
    }
    rows_view<real const> const view{rows.data(), states, n, stride};
    model.fields(view, {fields.data(), states, n, stride});
    bool padding_untouched = true;
    double worst_energy = 0, worst_change = 0, worst_stay = 0, worst_field = 0;
    for (std::size_t r = 0; r < states; ++r) {
        auto const row = view.row(r);
        std::vector<real> spins(row.begin(), row.end());
        double const energy = naive.energy(spins);
        worst_energy = std::max(worst_energy, std::abs(model.energy(spins) - energy));
        for (std::size_t i = 0; i < n; ++i) {
            real const old = spins[i];
            worst_stay = std::max(worst_stay, std::abs(model.energy_change(spins, i, old)));
            double const claimed = model.energy_change(spins, i, -old);
            spins[i] = -old;
            double const actual = naive.energy(spins) - energy;
            spins[i] = old;
            worst_change = std::max(worst_change, std::abs(claimed - actual));
            worst_field = std::max(worst_field, std::abs(2 * static_cast<double>(old) *
                                                             static_cast<double>(fields[r * stride + i]) -
                                                         actual));
        }
        for (std::size_t i = n; i < stride; ++i)
            padding_untouched = padding_untouched && fields[r * stride + i] == real{77};
    }
    CHECK(worst_energy <= margin);
    CHECK(worst_change <= margin);
    CHECK(worst_field <= margin);
    CHECK(worst_stay == 0.0);
    CHECK(padding_untouched);

    std::vector<double> b;
    for (auto const x : model.external_fields()) b.push_back(static_cast<double>(x));
    CHECK(b == naive.fields);
    // The segments of a site are its row of J.
    double worst_coupling = 0;
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<double> row(n, 0.0);
        model.for_each_coupling(i, [&](std::size_t first, std::span<real const> couplings) {
            REQUIRE(first + couplings.size() <= n);
            for (std::size_t j = 0; j < couplings.size(); ++j)
                row[first + j] += static_cast<double>(couplings[j]);
        });
        for (std::size_t j = 0; j < n; ++j)
            worst_coupling = std::max(worst_coupling, std::abs(row[j] - naive.couplings[i][j]));
    }
    CHECK(worst_coupling <= tolerance);
}

/// Colours cover every site once, hold no coupling inside, and their fields are those of `fields`, written
/// nowhere else.
template <class Real>
void check_colours(glass_case<Real> const& of, std::size_t expected) {
    auto const& glass = of.glass;
    std::size_t const n = glass.size();
    CHECK(glass.colours() == expected);
    std::vector<std::size_t> colour_of(n, glass.colours());
    for (std::size_t c = 0; c < glass.colours(); ++c) {
        CHECK_FALSE(glass.colour(c).empty());
        for (auto const range : glass.colour(c))
            for (std::size_t i = 0; i < range.size; ++i) {
                REQUIRE(range.first + i < n);
                REQUIRE(colour_of[range.first + i] == glass.colours());
                colour_of[range.first + i] = c;
            }
    }
    CHECK(std::count(colour_of.begin(), colour_of.end(), glass.colours()) == 0);
    std::size_t inside = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
            inside += i != j && colour_of[i] == colour_of[j] && of.naive.couplings[i][j] != 0.0 ? 1 : 0;
    CHECK(inside == 0);

    std::size_t const states = 3;
    std::vector<Real> spins, all(states * n), one(states * n);
    for (std::uint32_t r = 0; r < states; ++r)
        for (Real const s : random_spins<Real>(n, 50 + r)) spins.push_back(s);
    rows_view<Real const> const view{spins.data(), states, n, n};
    glass.fields(view, {all.data(), states, n, n});
    for (std::size_t c = 0; c < glass.colours(); ++c) {
        for (std::size_t k = 0; k < states * n; ++k)
            one[k] = colour_of[k % n] == c ? glass.external_fields()[k % n] : Real{1e6};
        glass.add_block_fields(c, view, {one.data(), states, n, n});
        bool equal = true, untouched = true;
        for (std::size_t k = 0; k < states * n; ++k) {
            if (colour_of[k % n] == c)
                equal = equal && one[k] == all[k];
            else
                untouched = untouched && one[k] == Real{1e6};
        }
        CHECK(equal);
        CHECK(untouched);
    }
}

}  // namespace pair_laws
