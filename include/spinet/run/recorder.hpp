// SPDX-License-Identifier: BSD-3-Clause
/// What a run remembers of one observable at one temperature: sums for each unit and stage of the run, and
/// one series of means over the units.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/memory.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/run/centred_sums.hpp>
#include <spinet/run/series.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Stages are logarithmic in time: with n planned measurements, stage 0 is [0, n/8), then [n/8, n/4),
/// [n/4, n/2) and [n/2, n). Knows nothing of spins: it adds up blocks of numbers. Memory: stages x units x
/// components doubles.
class recorder {
public:
    static constexpr std::size_t stages = 4;

    recorder() = default;
    /// Each `replicas_per_block` consecutive replicas depend on each other. Throws spinet::error for no
    /// components, a `lead` that is none of them, and for more numbers than memory holds.
    recorder(unit_kind unit, std::size_t replicas, std::vector<std::string> components, std::size_t lead,
             std::size_t replicas_per_block = 1)
        : unit_(std::move(unit)),
          replicas_(replicas),
          replicas_per_block_(replicas_per_block),
          components_(std::move(components)),
          lead_(lead),
          counts_(stages, 0) {
        if (lead_ >= width())
            throw error("recorder: expected a lead component below ", width(), ", found ", lead_);
        units_ = unit_.size > 0 ? unit_.count(replicas_) : 1 + replicas_ / replicas_per_block_;
        auto const what = [&] {
            return detail::text("the sums of ", width(), " numbers for each ", unit_.name, " of ", replicas_,
                                " replicas");
        };
        sums_ = detail::within_memory(what, bytes(),
                                      [&] { return std::vector<double>(stages * units_ * width(), 0.0); });
    }

    [[nodiscard]] unit_kind const& unit() const noexcept { return unit_; }
    [[nodiscard]] std::size_t replicas() const noexcept { return replicas_; }
    [[nodiscard]] std::size_t replicas_per_block() const noexcept { return replicas_per_block_; }
    /// Blocks of one measurement. For a cohort: the cohort without each block of replicas in turn, then all
    /// of it.
    [[nodiscard]] std::size_t units() const noexcept { return units_; }
    [[nodiscard]] std::size_t width() const noexcept { return components_.size(); }
    [[nodiscard]] std::vector<std::string> const& components() const noexcept { return components_; }
    [[nodiscard]] coarsened_series const& series() const noexcept { return series_; }

    /// The stage that measurement k of n belongs to.
    [[nodiscard]] static std::size_t stage_of(std::uint64_t k, std::uint64_t n) noexcept {
        return k >= n / 2 ? 3 : k >= n / 4 ? 2 : k >= n / 8 ? 1 : 0;
    }

    /// Adds one measurement: units() blocks of width() numbers.
    void add(std::size_t stage, std::span<double const> blocks) {
        double* const sums = sums_.data() + stage * units() * width();
        double lead = 0;
        for (std::size_t k = 0; k < blocks.size(); ++k) sums[k] += blocks[k];
        std::size_t const first = unit_.size > 0 ? 0 : units() - 1;  // of a cohort, the whole alone
        for (std::size_t u = first; u < units(); ++u) {
            double const x = blocks[u * width() + lead_];
            lead += x;
            leads_.add(x);
        }
        ++counts_[stage];
        series_.add(lead / static_cast<double>(units() - first));
    }

    /// Adds what another recorder of the same replicas holds, whose measurements came after these: as if both
    /// had been recorded here, stage by stage (up to rounding; of series see coarsened_series::merge). One
    /// that was given no components, recorder{}, is the neutral element, and so is one without measurements.
    /// Throws spinet::error for a recorder of something else.
    void merge(recorder const& other) {
        if (other.components_.empty()) return;
        if (components_.empty()) {
            *this = other;
            return;
        }
        if (other.unit_.name != unit_.name || other.replicas_ != replicas_ ||
            other.replicas_per_block_ != replicas_per_block_ || other.components_ != components_ ||
            other.lead_ != lead_)
            throw error("recorder: expected the same observable and ", replicas_, " replicas in blocks of ",
                        replicas_per_block_, ", found ", other.replicas_, " in blocks of ",
                        other.replicas_per_block_);
        for (std::size_t s = 0; s < stages; ++s) counts_[s] += other.counts_[s];
        for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] += other.sums_[k];
        leads_.merge(other.leads_);
        series_.merge(other.series_);
    }

    /// What was recorded, in the stages of a plan with 2^times as many measurements: each doubling puts stage
    /// s into s - 1, and stage 0 stays.
    void double_plan(std::size_t times) {
        std::size_t const of_stage = units() * width();
        for (; times > 0; --times)
            for (std::size_t s = 1; s < stages; ++s) {
                counts_[s - 1] += counts_[s];
                counts_[s] = 0;
                for (std::size_t k = 0; k < of_stage; ++k) {
                    sums_[(s - 1) * of_stage + k] += sums_[s * of_stage + k];
                    sums_[s * of_stage + k] = 0;
                }
            }
    }

    [[nodiscard]] std::uint64_t count(std::size_t stage) const noexcept { return counts_[stage]; }
    [[nodiscard]] std::uint64_t count() const noexcept {
        std::uint64_t total = 0;
        for (auto const n : counts_) total += n;
        return total;
    }
    /// Sum of one component over the measurements of a stage, for one unit.
    [[nodiscard]] double sum(std::size_t stage, std::size_t unit, std::size_t component) const noexcept {
        return sums_[(stage * units() + unit) * width() + component];
    }

    [[nodiscard]] std::size_t lead() const noexcept { return lead_; }
    /// The memory of the sums, in bytes.
    [[nodiscard]] double bytes() const noexcept {
        return static_cast<double>(stages * sizeof(double)) * static_cast<double>(units_) *
               static_cast<double>(width());
    }

    /// Variance of the lead component over measurements and over units.
    [[nodiscard]] double lead_variance() const noexcept { return leads_.variance(); }

    void save(archive_writer& out) const {
        leads_.save(out);
        out.put(counts_);
        out.put(sums_);
        series_.save(out);
    }
    void load(archive_reader& in) {
        leads_.load(in);
        counts_ = in.get_exactly<std::uint64_t>(counts_.size());
        sums_ = in.get_exactly<double>(sums_.size());
        series_.load(in);
    }

private:
    unit_kind unit_;
    std::size_t replicas_ = 0;
    std::size_t replicas_per_block_ = 1;
    std::size_t units_ = 0;
    std::vector<std::string> components_;
    std::size_t lead_ = 0;
    centred_sums leads_;
    std::vector<std::uint64_t> counts_;
    std::vector<double> sums_;
    coarsened_series series_;
};

/// What accumulates, merged: merge(a, b) holds what a and then b were given. For centred_sums,
/// coarsened_series and recorder.
template <class Accumulator>
    requires requires(Accumulator& a, Accumulator const& b) { a.merge(b); }
[[nodiscard]] Accumulator merge(Accumulator a, Accumulator const& b) {
    a.merge(b);
    return a;
}

}  // namespace spinet
