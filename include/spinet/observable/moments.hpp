// SPDX-License-Identifier: BSD-3-Clause
/// The four moments x, |x|, x^2, x^4 that overlaps and magnetisations record, for the whole and for each
/// layer.
#pragma once

#include <spinet/model/concepts.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Places of the moments in a block; the whole comes first, then each group (if there are several).
struct moments {
    static constexpr std::size_t mean = 0, absolute = 1, square = 2, fourth = 3, count = 4;

    static void write(double x, double* out) noexcept {
        out[mean] = x;
        out[absolute] = std::abs(x);
        out[square] = x * x;
        out[fourth] = x * x * x * x;
    }

    /// Parts that are reported: 1, or 1 + the number of groups.
    [[nodiscard]] static std::size_t parts(std::span<spin_group const> groups) noexcept {
        return groups.size() > 1 ? 1 + groups.size() : 1;
    }

    [[nodiscard]] static std::vector<std::string> names(std::string const& x,
                                                        std::span<spin_group const> groups) {
        std::vector<std::string> all;
        for (std::size_t part = 0; part < parts(groups); ++part) {
            std::string const of = part == 0 ? "" : " of " + groups[part - 1].name;
            for (auto const& name : {x, "|" + x + "|", x + "^2", x + "^4"}) all.push_back(name + of);
        }
        return all;
    }
};

}  // namespace spinet
