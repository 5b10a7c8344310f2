// SPDX-License-Identifier: BSD-3-Clause
/// Stop tokens of suggested_temperatures and of the temperatures that it is made from.
#include "../catch.hpp"
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/mean_field/characteristic_temperatures.hpp>
#include <spinet/model/factories.hpp>

#include <cstddef>
#include <limits>

using namespace spinet;

namespace {

struct limited_token {
    std::size_t* asked;
    std::size_t limit = std::numeric_limits<std::size_t>::max();
    bool stop_requested() const { return ++*asked > limit; }
};

}  // namespace

TEST_CASE("the spacing of temperatures is stopped within a sweep, and a token changes nothing", "[ladder]") {
    auto const glass = random_layered_glass<float>({12, 8, 4}, {0.1, 0.1}, 3);
    std::size_t all = 0;
    auto const rungs = suggested_temperatures(glass, {.count = 6}, serial{}, limited_token{&all});
    CHECK(rungs.temperatures() == suggested_temperatures(glass, {.count = 6}).temperatures());
    // 3 rounds at least, each of 100 sweeps and 200 that count.
    CHECK(all >= 900);
    for (std::size_t const limit : {std::size_t{0}, std::size_t{17}, all / 2, all - 1}) {
        std::size_t asked = 0;
        CHECK_THROWS_AS(suggested_temperatures(glass, {.count = 6}, serial{}, limited_token{&asked, limit}),
                        stopped);
        CHECK(asked == limit + 1);
    }
}

TEST_CASE("characteristic temperatures are stopped by a token", "[ladder]") {
    auto const glass = random_layered_glass<float>({12, 8, 4}, {0.1, 0.1}, 3);
    std::size_t all = 0;
    auto const found = characteristic_temperatures(glass, limited_token{&all});
    CHECK(found.lambda_max == characteristic_temperatures(glass).lambda_max);
    for (std::size_t const limit : {std::size_t{0}, all / 2, all - 1}) {
        std::size_t asked = 0;
        CHECK_THROWS_AS(characteristic_temperatures(glass, limited_token{&asked, limit}), stopped);
    }
    std::size_t asked = 0;
    CHECK_THROWS_AS(largest_coupling_eigenvalue(glass, limited_token{&asked, 3}), stopped);
}
