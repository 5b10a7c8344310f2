// SPDX-License-Identifier: BSD-3-Clause
/// Exact enumeration of small models: the oracle for every kernel, your own included.
#pragma once

#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spinet::testing {

/// The spins of state number `index`: bit i set means s_i = +1.
template <class Real>
void spins_of_state(std::uint64_t index, std::span<Real> spins) noexcept {
    for (std::size_t i = 0; i < spins.size(); ++i) spins[i] = (index >> i & 1u) != 0 ? Real{1} : Real{-1};
}

/// For u in (0, 1], the entry that is drawn of a distribution, given its sums up to each entry.
[[nodiscard]] inline std::uint64_t drawn_entry(std::vector<double> const& cumulated, double u) {
    auto const at = std::lower_bound(cumulated.begin(), cumulated.end(), u * cumulated.back());
    return static_cast<std::uint64_t>(std::min(at, cumulated.end() - 1) - cumulated.begin());
}

/// The number of the state with these spins.
template <class Real>
[[nodiscard]] std::uint64_t state_of_spins(std::span<Real const> spins) noexcept {
    std::uint64_t index = 0;
    for (std::size_t i = 0; i < spins.size(); ++i) index |= static_cast<std::uint64_t>(spins[i] > 0) << i;
    return index;
}

/// Energies of all 2^N states; at most 20 spins, spinet::error for more. Uses nothing of the model but
/// `energy`.
template <Model M>
[[nodiscard]] std::vector<double> all_energies(M const& model) {
    std::size_t const sites = model.size();
    if (sites > 20) throw error("enumeration: ", sites, " spins; at most 20 are enumerated");
    std::vector<double> energies(std::size_t{1} << sites);
    std::vector<typename M::spin_type> spins(sites);
    for (std::uint64_t k = 0; k < energies.size(); ++k) {
        spins_of_state(k, std::span(spins));
        energies[k] = model.energy(std::span<typename M::spin_type const>(spins));
    }
    return energies;
}

/// The Boltzmann distribution of a small model at one temperature, and what follows from it.
class exact_distribution {
public:
    template <Model M>
    exact_distribution(M const& model, double temperature)
        : exact_distribution(all_energies(model), temperature) {}

    /// From the energies of all states; the number of states is a power of two.
    exact_distribution(std::vector<double> energies, double temperature)
        : energies_(std::move(energies)), temperature_(temperature) {
        if (!(temperature > 0) || !std::isfinite(temperature))
            throw error("enumeration: the temperature must be positive and finite");
        while (std::size_t{1} << sites_ < energies_.size()) ++sites_;
        double const lowest = *std::min_element(energies_.begin(), energies_.end());
        double sum = 0;
        for (double const e : energies_) probabilities_.push_back(std::exp(-(e - lowest) / temperature));
        for (double const p : probabilities_) sum += p;
        for (double& p : probabilities_) p /= sum;
        log_partition_ = std::log(sum) - lowest / temperature;
    }

    [[nodiscard]] std::size_t sites() const noexcept { return sites_; }
    [[nodiscard]] std::vector<double> const& probabilities() const noexcept { return probabilities_; }
    [[nodiscard]] std::vector<double> const& energies() const noexcept { return energies_; }
    [[nodiscard]] double free_energy() const noexcept { return -temperature_ * log_partition_; }
    [[nodiscard]] double mean_energy() const noexcept { return mean(energies_); }
    [[nodiscard]] double heat_capacity() const {
        std::vector<double> squares(energies_);
        for (double& e : squares) e = (e - mean_energy()) * (e - mean_energy());
        return mean(squares) / (temperature_ * temperature_);
    }

    /// Thermal average of f(state index).
    template <class F>
    [[nodiscard]] double average(F&& f) const {
        double sum = 0;
        for (std::size_t k = 0; k < probabilities_.size(); ++k)
            sum += probabilities_[k] * f(static_cast<std::uint64_t>(k));
        return sum;
    }

    /// P(q): the distribution of the overlap of two independent replicas. Entry d is the probability of
    /// q = 1 - 2 d / N, where d spins differ. By Walsh-Hadamard transform, O(N 2^N).
    [[nodiscard]] std::vector<double> overlap_distribution() const {
        auto correlation = probabilities_;
        walsh_hadamard(correlation);
        for (double& c : correlation) c *= c;
        walsh_hadamard(correlation);  // now 2^N times the distribution of s^a XOR s^b
        std::vector<double> by_distance(sites_ + 1, 0.0);
        for (std::uint64_t k = 0; k < correlation.size(); ++k)
            by_distance[static_cast<std::size_t>(std::popcount(k))] +=
                correlation[k] / static_cast<double>(correlation.size());
        return by_distance;
    }

    /// <f(q)> over two independent replicas.
    template <class F>
    [[nodiscard]] double overlap_average(F&& f) const {
        auto const distribution = overlap_distribution();
        double sum = 0;
        for (std::size_t d = 0; d <= sites_; ++d)
            sum += distribution[d] * f(1.0 - 2.0 * static_cast<double>(d) / static_cast<double>(sites_));
        return sum;
    }

    /// An exact, independent draw of a state for u in (0, 1].
    [[nodiscard]] std::uint64_t draw(double u) const {
        if (cumulated_.empty()) {
            double sum = 0;
            for (double const p : probabilities_) cumulated_.push_back(sum += p);
        }
        return drawn_entry(cumulated_, u);
    }

private:
    [[nodiscard]] double mean(std::vector<double> const& values) const noexcept {
        double sum = 0;
        for (std::size_t k = 0; k < values.size(); ++k) sum += probabilities_[k] * values[k];
        return sum;
    }

    static void walsh_hadamard(std::vector<double>& values) noexcept {
        for (std::size_t half = 1; half < values.size(); half *= 2)
            for (std::size_t start = 0; start < values.size(); start += 2 * half)
                for (std::size_t k = start; k < start + half; ++k) {
                    double const a = values[k], b = values[k + half];
                    values[k] = a + b;
                    values[k + half] = a - b;
                }
    }

    std::vector<double> energies_;
    double temperature_;
    std::size_t sites_ = 0;
    std::vector<double> probabilities_;
    double log_partition_ = 0;
    mutable std::vector<double> cumulated_;
};

}  // namespace spinet::testing
