// SPDX-License-Identifier: BSD-3-Clause
/// One of two translation units that include every header: a function that is not inline fails to link.
#include <all_headers.hpp>

char const* version_seen_by_second();

int main() { return version_seen_by_second() == spinet::version ? 0 : 1; }
