// SPDX-License-Identifier: BSD-3-Clause
/// The exact transition matrix of one sweep of a small model: invariance and irreducibility without sampling.
#pragma once

#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/testing/enumeration.hpp>

#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace spinet::testing {

/// Row-stochastic matrix over the 2^N states of a model, dense; at most 10 spins.
class transition_matrix {
public:
    explicit transition_matrix(std::size_t sites)
        : states_(std::size_t{1} << sites), entries_(states_ * states_, 0.0) {
        if (sites > most_sites) throw error("transition_matrix: ", sites, " spins; at most ", most_sites);
        for (std::size_t k = 0; k < states_; ++k) at(k, k) = 1.0;
    }

    [[nodiscard]] std::size_t states() const noexcept { return states_; }
    [[nodiscard]] double& at(std::size_t from, std::size_t to) noexcept {
        return entries_[from * states_ + to];
    }
    [[nodiscard]] double at(std::size_t from, std::size_t to) const noexcept {
        return entries_[from * states_ + to];
    }

    /// Follows this matrix by an update of one site that flips in state k with probability flip[k].
    void then_site(std::size_t site, std::vector<double> const& flip) {
        std::uint64_t const bit = std::uint64_t{1} << site;
        for (std::size_t from = 0; from < states_; ++from)
            for (std::size_t k = 0; k < states_; ++k) {
                if ((k & bit) != 0) continue;
                double const down = at(from, k), up = at(from, k | bit);
                at(from, k) = down * (1 - flip[k]) + up * flip[k | bit];
                at(from, k | bit) = up * (1 - flip[k | bit]) + down * flip[k];
            }
    }

    /// Largest |(pi P)_k - pi_k| for a distribution pi.
    [[nodiscard]] double invariance_error(std::vector<double> const& pi) const {
        double worst = 0;
        for (std::size_t to = 0; to < states_; ++to) {
            double sum = 0;
            for (std::size_t from = 0; from < states_; ++from) sum += pi[from] * at(from, to);
            worst = std::max(worst, std::abs(sum - pi[to]));
        }
        return worst;
    }

    /// Number of closed classes of states: 1 if the chain forgets where it started (up to transient states).
    /// Transitions below `negligible` count as impossible.
    [[nodiscard]] std::size_t closed_classes(double negligible = 0.0) const {
        auto const to = reached(negligible);
        std::size_t classes = 0;
        for (std::size_t from = 0; from < states_; ++from) {
            bool closed = true, first = true;  // there is a way back from all it reaches, none before it
            for (std::size_t k = 0; k < states_; ++k) {
                if (!to[from][k]) continue;
                closed = closed && to[k][from];
                first = first && k >= from;
            }
            classes += closed && first ? 1 : 0;
        }
        return classes;
    }

    /// Every state can be reached from every state.
    [[nodiscard]] bool irreducible(double negligible = 0.0) const {
        for (auto const& states : reached(negligible))
            if (states.count() != states_) return false;
        return true;
    }

private:
    static constexpr std::size_t most_sites = 10;

    /// [from][to]: is there a way, of no steps or more (Warshall)?
    [[nodiscard]] std::vector<std::bitset<(1u << most_sites)>> reached(double negligible) const {
        std::vector<std::bitset<(1u << most_sites)>> to(states_);
        for (std::size_t from = 0; from < states_; ++from)
            for (std::size_t k = 0; k < states_; ++k) to[from][k] = from == k || at(from, k) > negligible;
        for (std::size_t over = 0; over < states_; ++over)
            for (auto& states : to)
                if (states[over]) states |= to[over];
        return to;
    }

    std::size_t states_;
    std::vector<double> entries_;
};

/// The matrix of one sweep of an acceptance rule in a given order on a model, at inverse temperature beta.
/// For random_scan, one random update (a sweep is its N-th power: same invariant distribution, same classes).
template <AcceptanceRule Rule, class Scan, Model M>
[[nodiscard]] transition_matrix exact_sweep(M const& model, double beta, zero_cost zero) {
    auto const energies = all_energies(model);
    auto const flips = [&](std::size_t site) {
        std::vector<double> p(energies.size());
        for (std::uint64_t k = 0; k < p.size(); ++k)
            p[k] =
                flip_probability<Rule>(beta * (energies[k ^ (std::uint64_t{1} << site)] - energies[k]), zero);
        return p;
    };
    using order = scan_for<Scan, M>;
    transition_matrix sweep(model.size());
    if constexpr (std::is_same_v<order, random_scan>) {
        transition_matrix mixed(model.size());
        for (std::size_t k = 0; k < mixed.states(); ++k) mixed.at(k, k) = 0;
        for (std::size_t site = 0; site < model.size(); ++site) {
            transition_matrix one(model.size());
            one.then_site(site, flips(site));
            for (std::size_t a = 0; a < one.states(); ++a)
                for (std::size_t b = 0; b < one.states(); ++b)
                    mixed.at(a, b) += one.at(a, b) / static_cast<double>(model.size());
        }
        return mixed;
    } else if constexpr (std::is_same_v<order, layer_blocks>) {
        for (std::size_t c = 0; c < model.colours(); ++c)
            for (site_range const range : model.colour(c))
                for (std::size_t i = range.first; i < range.first + range.size; ++i)
                    sweep.then_site(i, flips(i));
    } else {
        for (std::size_t site = 0; site < model.size(); ++site) sweep.then_site(site, flips(site));
    }
    return sweep;
}

}  // namespace spinet::testing
