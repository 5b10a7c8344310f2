// expect: no matching function for call to
// SPDX-License-Identifier: BSD-3-Clause
/// An error about a file has to name the file.
#include <spinet/error.hpp>

int main() {
#ifdef CONTROL
    spinet::file_error const refused("weights.safetensors", "truncated");
#else
    spinet::file_error const refused("truncated");
#endif
    return refused.path().empty();
}
