// SPDX-License-Identifier: BSD-3-Clause
/// Philox4x32-10 against Random123's known answers, and its vector lanes against it.
#include "../catch.hpp"
#include <spinet/random/philox.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

using spinet::philox4x32_10;
using spinet::philox_counter;
using spinet::philox_key;

namespace {

constexpr std::uint32_t ones = 0xffffffffu;

// tests/kat_vectors of Random123 (D. E. Shaw Research), philox4x32 with 10 rounds; at compile time, too.
static_assert(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
              philox_counter{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
static_assert(philox4x32_10({ones, ones, ones, ones}, {ones, ones}) ==
              philox_counter{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
static_assert(philox4x32_10({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                            {0xa4093822u, 0x299f31d0u}) ==
              philox_counter{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of Random123", "[random]") {
    // The same as above through run-time arguments.
    volatile std::uint32_t const zero = 0, one = ones;
    std::uint32_t const z = zero, o = one;
    CHECK(philox4x32_10({z, z, z, z}, {z, z}) ==
          philox_counter{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
    CHECK(philox4x32_10({o, o, o, o}, {o, o}) ==
          philox_counter{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
    CHECK(
        philox4x32_10({0x243f6a88u + z, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
        philox_counter{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("the vector lanes are Philox of consecutive counters", "[random]") {
    std::vector<philox_counter> const counters{{0, 0, 0, 0},
                                               {ones - 20, ones, ones, ones},
                                               {ones, 1, 2, 3},
                                               {ones - 7, 0, ones, 0},
                                               {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                                               {16, 77, 0x80000000u, 0x00010001u}};
    for (auto const& counter : counters)
        for (philox_key const key :
             {philox_key{0, 0}, philox_key{ones, ones}, philox_key{0xa4093822u, 0x299f31d0u}}) {
            std::vector<std::uint32_t> out(66, 0xabcdef01u), expected(66, 0xabcdef01u);
            for (std::uint32_t lane = 0; lane < 16; ++lane) {
                auto const block = philox4x32_10({counter[0] + lane, counter[1], counter[2], counter[3]},
                                                 key);  // wraps at 2^32
                for (std::size_t word = 0; word < 4; ++word) expected[1 + 16 * word + lane] = block[word];
            }
            spinet::detail::philox_16<0>(counter, key,
                                         out.data() + 1);  // not aligned, and not a word more
            CHECK(out == expected);
        }
}
