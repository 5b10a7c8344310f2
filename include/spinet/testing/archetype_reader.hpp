// SPDX-License-Identifier: BSD-3-Clause
/// The least type that satisfies NetworkReader.
#pragma once

#include <spinet/detail/xtensor.hpp>
#include <spinet/error.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/concepts.hpp>
#include <spinet/testing/convertible_only.hpp>

#include <filesystem>
#include <string_view>

namespace spinet::testing::archetypes {

/// Recognises every file. Gives a network of one layer without a source, or throws `error` with `refusal`.
struct reader {
    explicit reader(char const* why) : refusal(why) {}
    reader(reader const&) = delete;
    reader& operator=(reader const&) = delete;

    convertible_only<std::string_view> name() const { return {"archetype"}; }
    convertible_only<bool> recognises(std::filesystem::path const&) const { return {true}; }
    convertible_only<network> operator()(std::filesystem::path const&) const {
        if (refusal != nullptr) throw error(refusal);
        return {mlp({xt::xtensor<float, 2>{{1, 2}}})};
    }

    char const* refusal;
};

static_assert(NetworkReader<reader>);

}  // namespace spinet::testing::archetypes
