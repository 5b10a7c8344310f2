// SPDX-License-Identifier: BSD-3-Clause
/// The other of the two translation units that include every header.
#include <all_headers.hpp>

char const* version_seen_by_second();
char const* version_seen_by_second() { return spinet::version; }
