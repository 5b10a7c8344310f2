// SPDX-License-Identifier: BSD-3-Clause
/// The descriptor of a network that is too large to simulate, estimated from sub-samples of its neurons.
#pragma once

#include <spinet/ensemble/tempering.hpp>
#include <spinet/error.hpp>
#include <spinet/mapping/subsample.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/descriptor.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/size_extrapolation.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Sub-samples of sizes fraction * spins, `repeats` of each, drawn with seeds from `seed` on; each twice,
/// with both kinds of kept_modes.
struct subsample_plan {
    std::size_t spins = 1000;  ///< of the largest sub-samples
    std::vector<double> fractions = {1.0, 0.75, 0.5};
    std::size_t repeats = 8;
    std::uint64_t seed = 1;

    /// Spins of the sub-samples of one size.
    [[nodiscard]] std::size_t size(double fraction) const {
        return static_cast<std::size_t>(std::lround(fraction * static_cast<double>(spins)));
    }

    /// Throws spinet::error where the plan cannot be carried out for a network of so many spins, of which a
    /// sub-sample has at least `fewest`.
    void check(std::size_t of_network, std::size_t fewest = 1) const {
        if (repeats < 2)
            throw error("subsample_plan: ", repeats,
                        " repeats; error bars come from different sub-samples and need at least 2");
        if (fractions.empty()) throw error("subsample_plan: no sizes");
        for (double const f : fractions)
            if (!(f > 0 && f <= 1)) throw error("subsample_plan: a size of ", f, ", not in (0, 1]");
        double const smallest = *std::min_element(fractions.begin(), fractions.end());
        if (size(smallest) < fewest)
            throw error("subsample_plan: the smallest sub-samples have ", size(smallest),
                        " spins, but those of this network at least ", fewest, ": ask for ",
                        static_cast<std::size_t>(std::ceil((static_cast<double>(fewest) + 0.5) / smallest)),
                        " or more, or (of a sequence) describe fewer steps");
        if (spins >= of_network)
            throw error("subsample_plan: sub-samples of ", spins, " spins of a network of ", of_network,
                        ": sample it whole");
    }
};

/// One run on one sub-sample, with what it says of each part (0: the whole) at each temperature.
struct subsample_result {
    kept_modes modes;
    std::uint64_t seed;
    std::size_t spins;
    std::vector<double> inverse_size;       ///< of each part, see extrapolate_size
    std::vector<curve> mean_abs, abs_mean;  ///< of each part
};

namespace detail {

/// What plays the part of 1/N: the variance of the overlap of random spins, of the whole and of each group.
[[nodiscard]] inline std::vector<double> inverse_sizes(std::span<spin_group const> groups) {
    std::vector<double> sizes(1, 0.0);
    double all = 0;
    for (auto const& group : groups) all += group.weight * static_cast<double>(group.size);
    for (auto const& group : groups) {
        double const share = group.weight * static_cast<double>(group.size) / all;
        sizes[0] += share * share / static_cast<double>(group.size);
        if (groups.size() > 1) sizes.push_back(1 / static_cast<double>(group.size));
    }
    return sizes;
}
/// The same for the whole network.
[[nodiscard]] inline std::vector<double> inverse_sizes(wiring const& of) {
    std::vector<spin_group> groups;
    for (std::size_t p = 0; p < of.parts.size(); ++p) {
        if (p == 0 || of.parts[p].group != of.parts[p - 1].group) groups.push_back({of.parts[p].name, 0, 0});
        groups.back().size += of.parts[p].size();
    }
    return inverse_sizes(std::span<spin_group const>(groups));
}

/// sqrt of an estimate of the square, with the larger of its two deviations.
[[nodiscard]] inline std::pair<double, double> root_of(double square, double error) {
    double const root = std::sqrt(std::max(0.0, square)), above = std::sqrt(std::max(0.0, square + error)),
                 below = std::sqrt(std::max(0.0, square - error));
    return {root, std::max(above - root, root - below)};
}

}  // namespace detail

/// The curve of the whole network from runs on sub-samples. The squares of <|q|> are extrapolated in the
/// inverse size, once for each kind of kept_modes; the estimate is the mean of the two, and half their
/// difference is added in quadrature to its error. A point counts as equilibrated where nine of ten runs say
/// so. Each point's tau is the largest of its runs. Throws spinet::error for less than two runs of a size and
/// kind.
[[nodiscard]] inline descriptor estimated_curve(std::vector<subsample_result> const& runs,
                                                wiring const& whole, std::string name) {
    if (runs.empty()) throw error("estimated_curve: no runs");
    auto const sizes = detail::inverse_sizes(whole);
    descriptor curves{std::move(name), {}};
    std::vector<std::string> names{""};
    for (std::size_t p = 0; p < whole.parts.size(); ++p)
        if (p == 0 || whole.parts[p].group != whole.parts[p - 1].group) names.push_back(whole.parts[p].name);
    auto const estimate = [&](std::size_t part, std::size_t k, auto which) {
        double value = 0, variance = 0, difference = 0;
        for (auto const kind : {kept_modes::rescaled, kept_modes::orthonormal}) {
            std::vector<size_sample> samples;
            for (auto const& run : runs) {
                if (run.modes != kind) continue;
                double const q = (run.*which)[part][k].value, x = run.inverse_size[part];
                auto found = std::find_if(samples.begin(), samples.end(), [&](auto const& of) {
                    return std::abs(of.inverse_size - x) <= 1e-6 * x;
                });
                if (found == samples.end()) found = samples.insert(found, {x, {}});
                found->values.push_back(q * q);
            }
            auto const found = extrapolate_size(samples, sizes[part]);
            value += found.value / 2;
            variance += found.error * found.error / 4;
            difference += (kind == kept_modes::rescaled ? 0.5 : -0.5) * found.value;
        }
        auto const [root, error] = detail::root_of(value, std::sqrt(variance + difference * difference));
        curve_point at = runs[0].mean_abs[part][k];
        at.value = std::min(1.0, root);
        at.error = error;
        at.effective_samples = 0;
        std::size_t equilibrated = 0;
        for (auto const& run : runs) {
            at.tau = std::max(at.tau, run.mean_abs[part][k].tau);
            at.effective_samples += run.mean_abs[part][k].effective_samples;
            equilibrated += run.mean_abs[part][k].equilibrated ? 1 : 0;
        }
        at.equilibrated = 10 * equilibrated >= 9 * runs.size();
        return at;
    };
    for (std::size_t part = 0; part < sizes.size(); ++part) {
        overlap_curve of_part{names[part], {}, {}};
        for (std::size_t k = 0; k < runs[0].mean_abs[part].size(); ++k) {
            of_part.mean_abs.push_back(estimate(part, k, &subsample_result::mean_abs));
            of_part.abs_mean.push_back(estimate(part, k, &subsample_result::abs_mean));
        }
        curves.parts.push_back(std::move(of_part));
    }
    return curves;
}

/// The runs of a plan, by `kernel` under parallel tempering over `temperatures`, each on a sub-sample of its
/// own. `watch(done, planned, now)` is asked after each piece of each run (now.last at its end) and stops
/// everything by returning false; runs that were completed are returned. Sub-samples of different sizes and
/// kinds take turns, so that what is there after a stop is of use. Throws as sample and subsampler::draw do.
template <class Kernel, class Exec, class Watch>
[[nodiscard]] std::vector<subsample_result> sample_subsamples(subsampler const& of, Kernel const& kernel,
                                                              ladder const& temperatures,
                                                              subsample_plan const& plan,
                                                              run_plan const& each, Exec const& executor,
                                                              Watch&& watch) {
    plan.check(of.spins(), of.fewest());
    if (each.starts.shape()[0] > 0)
        throw error(
            "sample_subsamples: the plan has starts, which are states of one model; sub-samples differ");
    std::vector<subsample_result> results;
    std::size_t const planned = 2 * plan.repeats * plan.fractions.size();
    auto const method = parallel_tempering(kernel, temperatures);
    for (std::size_t repeat = 0; repeat < plan.repeats; ++repeat)
        for (double const fraction : plan.fractions)
            for (auto const modes : {kept_modes::rescaled, kept_modes::orthonormal}) {
                auto const glass = of.draw<float>(plan.size(fraction), plan.seed + repeat, modes);
                auto own = each;
                own.seed =
                    child_seed(each.seed, purpose::subsample, static_cast<std::uint32_t>(results.size()));
                auto const until = [&](progress const& now) { return watch(results.size(), planned, now); };
                auto const run =
                    sample(glass, method, observables{energy{}, overlap{}}, own, executor, until);
                if (!run.complete()) return results;
                subsample_result result{
                    modes, plan.seed + repeat, glass.size(), detail::inverse_sizes(glass.groups()), {}, {}};
                for (std::size_t part = 0; part < moments::parts(run.groups); ++part) {
                    result.mean_abs.push_back(mean_abs_overlap(run, part));
                    result.abs_mean.push_back(abs_mean_overlap(run, part));
                }
                results.push_back(std::move(result));
            }
    return results;
}

}  // namespace spinet
