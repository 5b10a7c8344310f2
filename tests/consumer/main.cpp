// SPDX-License-Identifier: BSD-3-Clause
/// A user's program: everything it includes comes from the package.
#include <spinet/network/load.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>

int main() {
    try {
        (void)spinet::load_network("no such file.safetensors");
    } catch (spinet::error const& refused) {
        std::printf("spinet %s refuses: %s\n", spinet::version, refused.what());
        return 0;
    }
    return 1;
}
