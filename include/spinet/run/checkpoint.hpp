// SPDX-License-Identifier: BSD-3-Clause
/// The frozen state of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spinet {

/// The frozen state of a run: with the same model, method, observables and plan, `resume` continues from it
/// bitwise. `identity` tells those apart; a checkpoint of another run or version is refused.
struct checkpoint {
    std::uint64_t identity = 0;
    std::string version;
    std::vector<double> temperatures;
    std::uint64_t sweeps_done = 0;  ///< of warm-up and measurement together; of the annealing during it
    std::vector<std::byte> state;
};

}  // namespace spinet
