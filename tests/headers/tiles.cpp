// SPDX-License-Identifier: BSD-3-Clause
/// What a machine with AMX tiles compiles.
#include <spinet/model/dense_ising.hpp>

#if !defined(SPINET_HAS_TILES)
#error "this file is to be compiled for tiles"
#endif

static_assert(sizeof(spinet::dense_ising<float>) == sizeof(spinet::dense_ising<double>));
template class spinet::dense_ising<float>;
