// SPDX-License-Identifier: BSD-3-Clause
/// One of two translation units that include every header: a function that is not inline fails to link.
#include <all_headers.hpp>

char const* const* version_of_second_unit();

int main() { return version_of_second_unit() == &spinet::version ? 0 : 1; }
