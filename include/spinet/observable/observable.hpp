// SPDX-License-Identifier: BSD-3-Clause
/// The observables of a run.
#pragma once

#include <spinet/observable/concepts.hpp>

#include <tuple>
#include <utility>

namespace spinet {

/// The observables of a run: `observables{energy{}, overlap{}}`.
template <class... Os>
struct observables {
    std::tuple<Os...> all;
    explicit observables(Os... each) : all(std::move(each)...) {}
};

}  // namespace spinet
