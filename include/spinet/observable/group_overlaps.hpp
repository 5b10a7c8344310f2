// SPDX-License-Identifier: BSD-3-Clause
/// How the overlaps of different layers go together.
#pragma once

#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/moments.hpp>
#include <spinet/observable/overlap.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Per pair of replicas: q_g q_h for all groups g <= h of the model, q_g being the overlap of group g. Where
/// g and h are joined by a full block of couplings this is the link overlap of that block. Throws
/// spinet::error for a model of one group.
struct group_overlaps {
    using unit = each_pair;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;

    /// The component that holds q_g q_h, of a model of so many groups.
    [[nodiscard]] static std::size_t component(std::size_t groups, std::size_t g, std::size_t h) {
        if (g >= groups || h >= groups)
            throw error("group_overlaps: expected groups below ", groups, ", found ", g, " and ", h);
        std::size_t const low = std::min(g, h), high = std::max(g, h);
        return low * (2 * groups - low + 1) / 2 + (high - low);
    }

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        if (groups.size() < 2)
            throw error("group_overlaps: expected a model of several groups (layers), found ", groups.size());
        std::vector<std::string> names;
        for (std::size_t g = 0; g < groups.size(); ++g)
            for (std::size_t h = g; h < groups.size(); ++h)
                names.push_back("q of " + groups[g].name + " times q of " + groups[h].name);
        return names;
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t const width = moments::count * moments::parts(seen.groups), groups = seen.groups.size();
        std::vector<double> overlaps(unit::count(seen.replicas()) * width);
        overlap{}.measure(seen, std::span<double>(overlaps));
        std::size_t to = 0;
        for (double const* pair = overlaps.data(); pair != overlaps.data() + overlaps.size(); pair += width)
            for (std::size_t g = 0; g < groups; ++g)
                for (std::size_t h = g; h < groups; ++h)
                    out[to++] = pair[(1 + g) * moments::count] * pair[(1 + h) * moments::count];
    }
};

}  // namespace spinet
