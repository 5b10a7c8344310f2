// SPDX-License-Identifier: BSD-3-Clause
// flags: -std=c++17
// expect: spinet needs C++20
#include <spinet/spinet.hpp>
