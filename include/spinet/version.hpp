// SPDX-License-Identifier: BSD-3-Clause
/// The version of spinet, as macros for the preprocessor and as a string for metadata.
#pragma once

#include <spinet/detail/language.hpp>

#define SPINET_VERSION_MAJOR 0
#define SPINET_VERSION_MINOR 1
#define SPINET_VERSION_PATCH 0

namespace spinet {

/// "major.minor.patch"; written into checkpoints, which are refused by any other version.
inline constexpr char const* version = "0.1.0";

}  // namespace spinet
