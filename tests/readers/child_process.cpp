// SPDX-License-Identifier: BSD-3-Clause
/// A process of its own: what it returns, and how its end, its silence and its talk are reported.
#include "../files.hpp"
#include <spinet/readers/child_process.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;

#if SPINET_HAS_CHILD_PROCESS

TEST_CASE("a process of its own returns bytes and leaves this one as it was", "[network]") {
    using spinet::detail::in_child_process;
    int here = 1;
    auto const many = in_child_process(5'000'000, std::chrono::seconds(20), [&] {
        here = 2;
        std::vector<std::byte> bytes(5'000'000);
        for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::byte>(k % 251);
        return bytes;
    });
    CHECK(here == 1);
    REQUIRE(many.size() == 5'000'000);
    CHECK(many[4'999'999] == static_cast<std::byte>(4'999'999 % 251));
    CHECK(in_child_process(0, std::chrono::seconds(20), [] { return std::vector<std::byte>(); }).empty());
}

TEST_CASE("a process that dies, does not end or says too much is reported", "[network]") {
    using spinet::detail::in_child_process;
    auto const says = [](auto const& work, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        return error_of([&] { (void)in_child_process(100, limit, work); });
    };
    CHECK(says([]() -> std::vector<std::byte> {
              ::raise(SIGKILL);
              return {};
          }) == "the process that reads it has died");
    CHECK(says([]() -> std::vector<std::byte> { ::_exit(0); }) == "the process that reads it has died");
    CHECK_THAT(says([] { return std::vector<std::byte>(101); }), ContainsSubstring("says more than it can"));
    auto const start = std::chrono::steady_clock::now();
    CHECK_THAT(says(
                   []() -> std::vector<std::byte> {
                       for (;;) ::pause();
                   },
                   std::chrono::milliseconds(100)),
               ContainsSubstring("without an end"));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

#endif
