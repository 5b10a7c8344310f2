// SPDX-License-Identifier: BSD-3-Clause
/// The other of the two translation units that include every header.
#include <all_headers.hpp>

char const* const* version_of_second_unit();
char const* const* version_of_second_unit() { return &spinet::version; }
