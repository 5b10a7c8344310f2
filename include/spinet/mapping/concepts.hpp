// SPDX-License-Identifier: BSD-3-Clause
/// What a mapping is.
#pragma once

#include <spinet/model/concepts.hpp>
#include <spinet/network/network.hpp>

namespace spinet {

/// Turns a network into a model. `to_spin_glass` uses nothing of a `T const mapping` but
///
///     mapping.template map<Real>(net)  the model of a `network const net`, by value
///
/// for the one `Real` that the user asks for: float or double, the type of the model's spins. Laws: the same
/// network gives the same model. `map` throws `error`, naming the node, where the mapping has no place for
/// part of the network. A model with a member `made_from()` lists there the value of every option, and all
/// that the mapping discards.
template <class T, class Real = float>
concept Mapping = requires(T const& mapping, network const& net) {
    { mapping.template map<Real>(net) } -> Model;
};

}  // namespace spinet
