// SPDX-License-Identifier: BSD-3-Clause
/// The main function of all test programs: Catch2's own. Version 3 brings it in a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
