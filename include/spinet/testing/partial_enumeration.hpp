// SPDX-License-Identifier: BSD-3-Clause
/// Exact results for networks of real size: one colour of a two-coloured model is summed out in closed form,
/// the other, of at most 20 spins, is enumerated.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/testing/enumeration.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet::testing {

/// Given the few spins t of one colour, all other spins are independent: P(t) is proportional to
/// exp(beta b.t) prod_i 2 cosh(beta h_i(t)), and <s_i> given t is tanh(beta h_i(t)). Everything in double.
class partial_enumeration {
public:
    /// Enumerates the colour with fewer spins. Throws spinet::error unless the model has two colours, one of
    /// them of at most 20 spins, and the temperature is positive.
    template <BlockModel M>
    partial_enumeration(M const& model, double temperature) : sites_(model.size()), beta_(1.0 / temperature) {
        if (!(temperature > 0) || !std::isfinite(temperature))
            throw error("partial_enumeration: the temperature must be positive and finite");
        if (model.colours() != 2)
            throw error("partial_enumeration: the model has ", static_cast<std::size_t>(model.colours()),
                        " colours, not 2");
        auto first = sites_of(model.colour(0)), second = sites_of(model.colour(1));
        few_ = first.size() <= second.size() ? first : second;
        many_ = first.size() <= second.size() ? second : first;
        if (few_.size() > 20)
            throw error("partial_enumeration: the smaller colour has ", few_.size(),
                        " spins; at most 20 are enumerated");
        copy_couplings(model);
        enumerate();
    }

    [[nodiscard]] double mean_energy() const noexcept { return mean_energy_; }
    [[nodiscard]] double log_partition() const noexcept { return log_partition_; }

    /// <q^2> over two independent replicas = (1/N^2) sum_ij <s_i s_j>^2.
    [[nodiscard]] double mean_square_overlap() const {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < sites_; ++i) all.push_back(i);
        return mean_square_overlap(all);
    }

    /// The same over the spins of a group of sites only.
    [[nodiscard]] double mean_square_overlap(std::vector<std::size_t> const& sites) const {
        auto const correlations = correlation_matrix(sites);
        std::size_t const n = sites.size();
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            sum += 1;
            for (std::size_t j = i + 1; j < n; ++j)
                sum += 2 * correlations[i * n + j] * correlations[i * n + j];
        }
        return sum / static_cast<double>(n * n);
    }

    /// <s_i> of every spin.
    template <class Real = double>
    [[nodiscard]] std::vector<Real> mean_spins() const {
        std::vector<Real> means(sites_, Real{0});
        for (std::uint64_t k = 0; k < probabilities_.size(); ++k) {
            for (std::size_t a = 0; a < few_.size(); ++a) means[few_[a]] += probabilities_[k] * sign(k, a);
            for (std::size_t i = 0; i < many_.size(); ++i)
                means[many_[i]] += probabilities_[k] * std::tanh(beta_ * field(i, k));
        }
        return means;
    }

    /// An exact, independent sample; takes draws 0, 1, ... of the stream.
    template <class Real>
    void draw(stream const& draws, std::span<Real> spins) const {
        auto const state = drawn_entry(cumulated_, uniform<double>(draws.bits(0)));
        for (std::size_t a = 0; a < few_.size(); ++a) spins[few_[a]] = static_cast<Real>(sign(state, a));
        for (std::size_t i = 0; i < many_.size(); ++i) {
            double const up = 1.0 / (1.0 + std::exp(-2 * beta_ * field(i, state)));
            spins[many_[i]] =
                uniform<double>(draws.bits(static_cast<std::uint32_t>(1 + i))) < up ? Real{1} : Real{-1};
        }
    }

private:
    static std::vector<std::size_t> sites_of(std::span<site_range const> ranges) {
        std::vector<std::size_t> sites;
        for (auto const range : ranges)
            for (std::size_t i = 0; i < range.size; ++i) sites.push_back(range.first + i);
        return sites;
    }

    static double sign(std::uint64_t state, std::size_t a) noexcept {
        return (state >> a & 1u) != 0 ? 1.0 : -1.0;
    }

    template <class M>
    void copy_couplings(M const& model) {
        std::vector<std::size_t> place(sites_, few_.size());
        for (std::size_t a = 0; a < few_.size(); ++a) place[few_[a]] = a;
        couplings_.assign(many_.size() * few_.size(), 0.0);
        for (std::size_t const i : many_)
            own_many_.push_back(static_cast<double>(model.external_fields()[i]));
        for (std::size_t const i : few_) own_few_.push_back(static_cast<double>(model.external_fields()[i]));
        for (std::size_t i = 0; i < many_.size(); ++i)
            model.for_each_coupling(
                many_[i], [&](std::size_t first, std::span<typename M::spin_type const> segment) {
                    for (std::size_t j = 0; j < segment.size(); ++j)
                        couplings_[i * few_.size() + place[first + j]] += static_cast<double>(segment[j]);
                });
    }

    /// Field on spin i of the many, given the few.
    [[nodiscard]] double field(std::size_t i, std::uint64_t state) const noexcept {
        double h = own_many_[i];
        for (std::size_t a = 0; a < few_.size(); ++a) h += couplings_[i * few_.size() + a] * sign(state, a);
        return h;
    }

    void enumerate() {
        std::size_t const states = std::size_t{1} << few_.size();
        std::vector<double> energies(states);
        probabilities_.resize(states);
        for (std::uint64_t k = 0; k < states; ++k) {
            double log_weight = 0, energy = 0;
            for (std::size_t a = 0; a < few_.size(); ++a) energy -= own_few_[a] * sign(k, a);
            log_weight = -beta_ * energy;
            // ln 2 cosh x = |x| + ln(1 + e) and tanh |x| = (1 - e) / (1 + e) with e = exp(-2 |x|); a
            // logarithm for every few hundred factors 1 + e.
            double product = 1;
            for (std::size_t i = 0; i < many_.size(); ++i) {
                double const h = std::abs(field(i, k)), e = std::exp(-2 * beta_ * h);
                log_weight += beta_ * h;
                energy -= h * ((1 - e) / (1 + e));
                product *= 1 + e;
                if (i % 512 == 511) log_weight += std::log(std::exchange(product, 1.0));
            }
            log_weight += std::log(product);
            probabilities_[k] = log_weight;
            energies[k] = energy;
        }
        double const top = *std::max_element(probabilities_.begin(), probabilities_.end());
        double sum = 0, energy = 0;
        for (double& p : probabilities_) sum += p = std::exp(p - top);
        for (std::size_t k = 0; k < states; ++k) energy += (probabilities_[k] /= sum) * energies[k];
        log_partition_ = top + std::log(sum);
        mean_energy_ = energy;
        double running = 0;
        for (double const p : probabilities_) cumulated_.push_back(running += p);
    }

    /// <s_i s_j> for the given sites, row-major, i <= j only (0 below): sums of tanh(beta h_i) tanh(beta h_j)
    /// over the enumerated states, as symmetric products over slices of states.
    [[nodiscard]] std::vector<double> correlation_matrix(std::vector<std::size_t> const& sites) const {
        std::size_t const n = sites.size(), states = probabilities_.size();
        std::size_t const slice = std::min<std::size_t>(states, 1024);
        std::vector<double> result(n * n, 0.0), part(n * n, 0.0), means(n * slice);
        std::vector<std::size_t> in_few(sites_, few_.size()), in_many(sites_, many_.size());
        for (std::size_t a = 0; a < few_.size(); ++a) in_few[few_[a]] = a;
        for (std::size_t i = 0; i < many_.size(); ++i) in_many[many_[i]] = i;
        for (std::size_t start = 0; start < states; start += slice) {
            for (std::size_t k = 0; k < slice; ++k) {
                double const weight = std::sqrt(probabilities_[start + k]);
                for (std::size_t j = 0; j < n; ++j) {
                    std::size_t const site = sites[j];
                    double const m =
                        in_few[site] < few_.size()
                            ? sign(start + k, in_few[site])
                            : 1 - 2 / (1 + std::exp(2 * beta_ * field(in_many[site], start + k)));
                    means[j * slice + k] = weight * m;
                }
            }
            detail::gram(n, slice, means.data(), slice, part.data(), n);
            for (std::size_t k = 0; k < result.size(); ++k) result[k] += part[k];
        }
        for (std::size_t j = 0; j < n; ++j) result[j * n + j] = 1.0;
        return result;
    }

    std::size_t sites_;
    double beta_;
    std::vector<std::size_t> few_, many_;
    std::vector<double> couplings_;  ///< (many, few)
    std::vector<double> own_few_, own_many_;
    std::vector<double> probabilities_, cumulated_;
    double mean_energy_ = 0;
    double log_partition_ = 0;
};

}  // namespace spinet::testing
