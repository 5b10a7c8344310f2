// SPDX-License-Identifier: BSD-3-Clause
/// The mean of every single spin.
#pragma once

#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Per replica: the magnetisation of a set of spins, then each of these spins by itself: of all spins, or of
/// those of one group. Memory: 4 numbers for each spin, replica and temperature. Throws spinet::error for a
/// group that the model does not have.
struct local_magnetisations {
    using unit = each_replica;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;

    std::optional<std::size_t> group = {};

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        auto const [first, size] = sites(groups);
        std::vector<std::string> names{"m"};
        for (std::size_t i = first; i < first + size; ++i) names.push_back("s_" + std::to_string(i));
        return names;
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        auto const [first, size] = sites(seen.groups);
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            double* const to = out.data() + r * (1 + size);
            if (seen.bits.empty()) {
                auto const spins = seen.spins.row(r).subspan(first, size);
                for (std::size_t i = 0; i < size; ++i) to[1 + i] = static_cast<double>(spins[i]);
            } else {
                unpack(seen, r, to + 1);
            }
            for (std::size_t i = 0; i < size; ++i) to[0] += to[1 + i] / static_cast<double>(size);
        }
    }

private:
    struct range {
        std::size_t first, size;
    };
    [[nodiscard]] range sites(std::span<spin_group const> groups) const {
        if (!group) return {0, groups.back().first + groups.back().size};
        if (*group >= groups.size())
            throw error("local_magnetisations: expected a group below ", groups.size(), ", found ", *group);
        return {groups[*group].first, groups[*group].size};
    }

    /// Each group begins a new word.
    template <class Real>
    void unpack(cohort<Real> const& seen, std::size_t row, double* to) const {
        std::uint64_t const* words = seen.bits[row];
        for (std::size_t g = 0; g < seen.groups.size(); ++g) {
            std::size_t const size = seen.groups[g].size;
            if (!group || *group == g)
                for (std::size_t i = 0; i < size; ++i)
                    *to++ = (words[i / 64] >> i % 64 & 1) != 0 ? 1.0 : -1.0;
            words += (size + 63) / 64;
        }
    }
};

}  // namespace spinet
