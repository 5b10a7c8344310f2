// expect: load_network takes readers after the path
// SPDX-License-Identifier: BSD-3-Clause
/// A reader that does not say which files it recognises.
#include <spinet/readers/load.hpp>

struct reader {
    char const* name() const { return "mine"; }
#ifdef CONTROL
    bool recognises(std::filesystem::path const&) const { return true; }
#endif
    spinet::network operator()(std::filesystem::path const&) const { return {}; }
};

int main() { return spinet::load_network("a.txt", reader{}).nodes().empty() ? 0 : 1; }
