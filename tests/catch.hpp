// SPDX-License-Identifier: BSD-3-Clause
/// Catch2, version 2 or 3: every test includes this header as "catch.hpp" and writes what version 3 has.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

using Catch::Approx;
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch {

using Detail::Approx;

namespace Matchers {

/// What version 2 calls Contains, for strings.
inline auto ContainsSubstring(std::string const& text) { return Contains(text); }  // NOLINT: Catch2's name

}  // namespace Matchers
}  // namespace Catch
#endif
