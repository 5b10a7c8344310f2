// SPDX-License-Identifier: BSD-3-Clause
/// The descriptor of a network: <|q|> over temperature, of the whole network and of each layer.
#pragma once

#include <spinet/statistics/estimates.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// <|q|> and |<q>| over temperature, of a whole network or of one layer.
struct overlap_curve {
    std::string part;  ///< empty for the whole, else the name of the layer
    curve mean_abs;
    curve abs_mean;
};

/// The descriptor of one network: the curves of the whole first, then those of its layers.
struct descriptor {
    std::string network;
    std::vector<overlap_curve> parts;
};

/// The descriptor of the network from which the model of the run was made.
template <class... Os>
[[nodiscard]] descriptor describe(run<Os...> const& of, std::string network) {
    descriptor curves{std::move(network), {}};
    for (std::size_t part = 0; part < moments::parts(of.groups); ++part)
        curves.parts.push_back({part == 0 ? "" : of.groups[part - 1].name, mean_abs_overlap(of, part),
                                abs_mean_overlap(of, part)});
    return curves;
}

}  // namespace spinet
