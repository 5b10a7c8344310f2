// SPDX-License-Identifier: BSD-3-Clause
// flags: -fno-exceptions
// expect: spinet reports errors by exceptions
#include <spinet/spinet.hpp>
