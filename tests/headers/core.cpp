// SPDX-License-Identifier: BSD-3-Clause
/// What other compilers and standard libraries read: the core, and two readers.
#include <spinet/readers/load.hpp>
#include <spinet/readers/numpy/npy.hpp>
#include <spinet/spinet.hpp>

struct flag {
    bool stop_requested() const { return true; }
};
static_assert(spinet::Watcher<flag>);
