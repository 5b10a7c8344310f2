// SPDX-License-Identifier: BSD-3-Clause
/// How far the evaluation of a plane or a line has come, and its values so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace spinet {

/// The values of a plane or a line that was stopped: resume_plane and resume_line go on from it, bitwise,
/// with the same objective, section and axes. `identity` tells those apart.
struct plane_checkpoint {
    std::uint64_t identity = 0;
    std::string version;         ///< of spinet
    std::vector<double> values;  ///< of the first points, in the order of the plane: a runs fastest
};

/// What watchers of a plane or a line see. A watcher is a callback, bool(plane_progress const&), that returns
/// false to stop the evaluation, or a std::stop_token.
struct plane_progress {
    std::size_t points_done = 0;
    std::size_t points_total = 0;
    bool last = false;                       ///< the evaluation ends after this call
    std::function<plane_checkpoint()> save;  ///< freezes the evaluation as it is now
};

}  // namespace spinet
