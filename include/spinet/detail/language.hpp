// SPDX-License-Identifier: BSD-3-Clause
/// What spinet asks of the compiler. A file that does not exist ends the compilation after the first message.
#pragma once

#if __cplusplus < 202002L
#error "spinet needs C++20: compile with -std=c++20"
#include "see the error above"
#endif

#if !defined(__cpp_exceptions)
#error "spinet reports errors by exceptions: compile without -fno-exceptions"
#include "see the error above"
#endif

// Verdicts compare with NaN and refusals look for it.
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "spinet needs NaN and infinity: compile without -ffast-math, or with -fno-finite-math-only after it"
#include "see the error above"
#endif
