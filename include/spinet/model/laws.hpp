// SPDX-License-Identifier: BSD-3-Clause
/// Does a model keep the laws of its concepts? A wrong sign in energy_change gives wrong physics without a
/// message, so every run has one look at it.
#pragma once

#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spinet::detail {

/// A sum of differences between two ways to get the same number, beside the sum of its absolute values.
struct disagreement {
    double of = 0, size = 0;

    void add(double one, double other) {
        of += std::abs(one - other);
        size += std::max(std::abs(one), std::abs(other));
    }
    /// More than a twentieth, and more than what rounding does to numbers of this magnitude? NaN counts as
    /// one.
    template <class Real>
    [[nodiscard]] bool is_real(double magnitude) const {
        return !(of <=
                 0.05 * size + 64 * static_cast<double>(std::numeric_limits<Real>::epsilon()) * magnitude);
    }
};

/// Looks at `sites` of the model, from the state `spins` on: along a path downhill, the changes of energy
/// have to add up to the difference between its ends, and fields and couplings have to give the same changes.
/// The cost is ten energies, one row of fields and an energy_change a site. Returns the first law that is
/// broken; empty if none is.
template <Model M>
[[nodiscard]] std::string broken_law(M const& model, std::vector<spin_of<M>> spins,
                                     std::span<std::size_t const> sites) {
    using real = spin_of<M>;
    double const before = static_cast<double>(model.energy(std::span<real const>(spins)));
    if (!std::isfinite(before)) return text("the energy of a state is ", before);
    std::size_t const first = sites.empty() ? 0 : sites.front();
    auto const change_at = [&](std::size_t i) {
        return static_cast<double>(model.energy_change(std::span<real const>(spins), i, -spins[i]));
    };
    if constexpr (MultilinearModel<M>) {
        std::vector<real> fields(spins.size());
        model.fields({spins.data(), 1, spins.size(), spins.size()},
                     {fields.data(), 1, spins.size(), spins.size()});
        disagreement of_fields, of_couplings;
        double magnitude = 0;
        for (std::size_t const i : sites) {
            double const s = static_cast<double>(spins[i]), change = change_at(i);
            magnitude = std::max(magnitude, std::abs(change));
            of_fields.add(change, 2 * s * static_cast<double>(fields[i]));
            if constexpr (PairModel<M>) {
                double field = static_cast<double>(std::span<real const>(model.external_fields())[i]);
                model.for_each_coupling(i, [&](std::size_t begin, std::span<real const> couplings) {
                    for (std::size_t j = 0; j < couplings.size(); ++j)
                        field += static_cast<double>(couplings[j]) * static_cast<double>(spins[begin + j]);
                });
                of_couplings.add(change, 2 * s * field);
            }
        }
        if (of_fields.is_real<real>(magnitude))
            return text(
                "energy_change and fields disagree: of spin ", first, ", ", change_at(first),
                " and 2 s h = ", 2 * static_cast<double>(spins[first]) * static_cast<double>(fields[first]));
        if (of_couplings.is_real<real>(magnitude))
            return "energy_change disagrees with for_each_coupling and external_fields";
    }
    // Of single spins: along a path, what a field adds may cancel. A large sum of floats is too inexact for
    // that.
    disagreement of_single;
    double largest = std::abs(before);
    std::size_t const singles = spins.size() > 10'000 ? 0 : std::min<std::size_t>(8, sites.size());
    for (std::size_t k = 0; k < singles; ++k) {
        std::size_t const i = sites[k * (sites.size() / singles)];
        double const change = change_at(i);
        spins[i] = -spins[i];
        double const there = static_cast<double>(model.energy(std::span<real const>(spins)));
        spins[i] = -spins[i];
        largest = std::max(largest, std::abs(there));
        of_single.add(change, there - before);
    }
    if (of_single.is_real<real>(largest * static_cast<double>(singles)))
        return text("energy_change and energy disagree: the changes of ", singles,
                    " single flips differ from those of the energy by ", of_single.of, " in all");
    double sum = 0, size = 0;
    for (std::size_t const i : sites) {
        double const change = change_at(i);
        if (!std::isfinite(change)) return text("the energy_change of spin ", i, " is ", change);
        if (change > 0) continue;
        sum += change;
        size -= change;
        spins[i] = -spins[i];
    }
    double const after = static_cast<double>(model.energy(std::span<real const>(spins)));
    if (disagreement{std::abs(after - before - sum), size}.template is_real<real>(std::abs(before) +
                                                                                  std::abs(after)))
        return text("energy_change and energy disagree: along a path of flips the changes add up to ", sum,
                    ", the energy changes by ", after - before);
    return {};
}

/// One look at a model from a random state: at all sites of a small one, and evenly at 1,000 of a large one.
/// Throws spinet::error where a law is broken.
template <Model M>
void check_laws(M const& model) {
    std::size_t const n = model.size(), count = std::min<std::size_t>(n, 1'000);
    std::vector<spin_of<M>> spins(n);
    stream(0, 8, 0, purpose::testing).fill_signs(std::span(spins));
    std::vector<std::size_t> sites(count);
    for (std::size_t k = 0; k < count; ++k) sites[k] = k * (n / count);
    if (auto const law = broken_law(model, std::move(spins), sites); !law.empty())
        throw error("the model breaks a law of its own: ", law, " (docs/concepts.md)");
}

}  // namespace spinet::detail
