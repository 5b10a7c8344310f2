// SPDX-License-Identifier: BSD-3-Clause
/// One measurement of a run: every cohort is shown to every observable, and the blocks go to the recorders.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/run/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

namespace spinet::detail {

/// The numbers of an observable of whole cohorts: of the cohort without each block of replicas in turn, then
/// of all of it. Replicas change places on the way, which such an observable does not see.
template <class O, class Real>
void measure_whole_cohorts(O const& observable, cohort<Real> const& seen, std::size_t replicas_per_block,
                           std::span<double> out) {
    std::size_t const n = seen.replicas(), sites = seen.sites(), blocks = n / replicas_per_block,
                      width = out.size() / (blocks + 1);
    observable.measure(seen, out.subspan(blocks * width, width));
    std::vector<Real> spins;
    for (std::size_t r = 0; seen.spins.data != nullptr && r < n; ++r) {
        auto const row = seen.spins.row(r);
        spins.insert(spins.end(), row.begin(), row.end());
    }
    std::vector<double> energies(seen.energies.begin(), seen.energies.end());
    std::vector<std::uint64_t const*> bits(seen.bits.begin(), seen.bits.end());
    std::size_t const left = n - replicas_per_block;
    auto const exchange_with_last = [&](std::size_t block) {
        for (std::size_t k = 0; block + 1 < blocks && k < replicas_per_block; ++k) {
            std::size_t const a = block * replicas_per_block + k, b = left + k;
            std::swap(energies[a], energies[b]);
            if (!bits.empty()) std::swap(bits[a], bits[b]);
            if (!spins.empty())
                std::swap_ranges(spins.begin() + static_cast<std::ptrdiff_t>(a * sites),
                                 spins.begin() + static_cast<std::ptrdiff_t>((a + 1) * sites),
                                 spins.begin() + static_cast<std::ptrdiff_t>(b * sites));
        }
    };
    for (std::size_t block = 0; block < blocks; ++block) {
        exchange_with_last(block);
        cohort<Real> part = seen;
        part.spins = {spins.empty() ? nullptr : spins.data(), left, sites, sites};
        part.energies = std::span<double const>(energies).first(left);
        if (!bits.empty()) part.bits = std::span<std::uint64_t const* const>(bits).first(left);
        observable.measure(part, out.subspan(block * width, width));
        exchange_with_last(block);
    }
}

/// What the measurements of a run need beside the ensemble.
template <Model M, class E, class... Os>
class measurements {
    using real = typename M::spin_type;
    static constexpr bool reads_bits = ((reading_of<Os> == reading::bits) || ...);
    /// Bits are signs: of spins of other values an observable sees the spins themselves.
    static constexpr bool packs = reads_bits && PackedEnsemble<E> && space_of<M> == spin_space::ising;
    static constexpr bool copies = (reads_bits && !packs) || ((reading_of<Os> == reading::spins) || ...);

public:
    measurements(M const& model, ladder const& temperatures, observables<Os...> const& measured,
                 run<Os...>& into)
        : sites_(model.size()), temperatures_(temperatures), measured_(measured), into_(into) {
        words_ = words_of_row(into.groups);
    }

    /// Measures all cohorts of step s and adds them to the recorders, those of one rung in their order.
    template <class Team>
    void add(E& ensemble, Team& team, std::size_t s, std::size_t stage) {
        std::size_t const cohorts = ensemble.cohorts(s);
        if (cohorts == 0) return;
        if constexpr (packs) ensemble.pack(team, std::span<site_word const>(words_));
        for (std::size_t first = 0; first < cohorts; first += together) {
            std::size_t const count = std::min(together, cohorts - first);
            blocks_.resize(std::max(blocks_.size(), count * sizeof...(Os)));
            std::vector<std::size_t> start_of_rung;
            for (std::size_t c = 0; c < count; ++c)
                if (c == 0 || ensemble.rung_of(s, first + c) != ensemble.rung_of(s, first + c - 1))
                    start_of_rung.push_back(c);
            start_of_rung.push_back(count);
            team.run(count,
                     [&](std::size_t c) { measure(ensemble, ensemble.rung_of(s, first + c), first + c, c); });
            team.run(start_of_rung.size() - 1, [&](std::size_t k) {
                std::size_t const rung = ensemble.rung_of(s, first + start_of_rung[k]);
                for (std::size_t c = start_of_rung[k]; c < start_of_rung[k + 1]; ++c)
                    for (std::size_t o = 0; o < sizeof...(Os); ++o)
                        into_.recorders[o][rung].add(stage, blocks_[c * sizeof...(Os) + o]);
            });
        }
    }

private:
    /// Cohorts that are measured side by side.
    static constexpr std::size_t together = 64;

    void measure(E const& ensemble, std::size_t rung, std::size_t index, std::size_t slot) {
        std::size_t const n = into_.plan.replicas;
        std::vector<real> spins(copies ? n * sites_ : 0);
        std::vector<std::uint64_t const*> bits(packs ? n : 0);
        std::vector<double> energies(n);
        ensemble.gather_energies(index, std::span<double>(energies));
        for (std::size_t r = 0; r < n; ++r)
            if (!std::isfinite(energies[r]))
                throw error("sample: the energy of replica ", r, " at T = ", temperatures_[rung], " is ",
                            energies[r]);
        if constexpr (copies) ensemble.gather_spins(index, std::span<real>(spins));
        if constexpr (packs) ensemble.gather_bits(index, std::span<std::uint64_t const*>(bits));
        cohort<real> const seen{{copies ? spins.data() : nullptr, n, sites_, sites_},
                                energies,
                                into_.groups,
                                temperatures_[rung],
                                bits,
                                space_of<M>};
        std::size_t o = 0;
        auto const show = [&]<class O>(O const& observable) {
            auto const& recorder = into_.recorders[o][rung];
            auto& block = blocks_[slot * sizeof...(Os) + o++];
            block.assign(recorder.units() * recorder.width(), 0.0);
            if constexpr (O::unit::size > 0)
                observable.measure(seen, std::span<double>(block));
            else
                measure_whole_cohorts(observable, seen, into_.replicas_per_block, std::span<double>(block));
        };
        std::apply([&](auto const&... each) { (show(each), ...); }, measured_.all);
    }

    std::size_t sites_;
    ladder const& temperatures_;
    observables<Os...> const& measured_;
    run<Os...>& into_;
    std::vector<site_word> words_;
    std::vector<std::vector<double>> blocks_;  ///< cohorts x observables; kept, for new ones cost page faults
};

}  // namespace spinet::detail
