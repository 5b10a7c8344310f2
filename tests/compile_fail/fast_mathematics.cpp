// SPDX-License-Identifier: BSD-3-Clause
// flags: -ffast-math
// expect: spinet needs NaN and infinity
#include <spinet/spinet.hpp>
