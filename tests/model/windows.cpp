// SPDX-License-Identifier: BSD-3-Clause
/// Couplings of windows against the definition of a convolution, written out as a matrix.
#include "pair_laws.hpp"
#include <spinet/model/window_block.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

using namespace pair_laws;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

struct padded_extent {
    std::size_t from, kernel, stride, before, after, dilation;

    [[nodiscard]] window_extent extent() const {
        std::size_t const to = (from + before + after - (kernel - 1) * dilation - 1) / stride + 1;
        return {from, to, kernel, stride, before, dilation};
    }
};

struct geometry {
    std::size_t channels_from, channels_to, groups;
    padded_extent y, x;
};

template <class Real>
std::vector<Real> kernel_of(window_shape const& shape, std::uint32_t key) {
    return random_fields<Real>(shape.kernel_size(), key);
}

/// out[o, y, x] = sum over c, ky, kx of w[o, c, ky, kx] in[c, y s + ky d - p, x s + kx d - p], zeros outside.
template <class Real>
void add_to_table(table& naive, window_shape const& s, std::vector<Real> const& kernel,
                  std::size_t first_from, std::size_t first_to) {
    std::size_t const per_group_in = s.channels_from / s.groups, per_group_out = s.channels_to / s.groups;
    for (std::size_t o = 0; o < s.channels_to; ++o)
        for (std::size_t y = 0; y < s.y.to; ++y)
            for (std::size_t x = 0; x < s.x.to; ++x)
                for (std::size_t c = 0; c < per_group_in; ++c)
                    for (std::size_t ky = 0; ky < s.y.kernel; ++ky)
                        for (std::size_t kx = 0; kx < s.x.kernel; ++kx) {
                            auto const at = [](std::size_t p, window_extent const& e, std::size_t k) {
                                return static_cast<long>(p * e.stride + k * e.dilation) -
                                       static_cast<long>(e.before);
                            };
                            long const iy = at(y, s.y, ky), ix = at(x, s.x, kx);
                            if (iy < 0 || ix < 0 || iy >= static_cast<long>(s.y.from) ||
                                ix >= static_cast<long>(s.x.from))
                                continue;
                            std::size_t const channel = o / per_group_out * per_group_in + c;
                            std::size_t const i = first_to + (o * s.y.to + y) * s.x.to + x;
                            std::size_t const j =
                                first_from + (channel * s.y.from + static_cast<std::size_t>(iy)) * s.x.from +
                                static_cast<std::size_t>(ix);
                            double const w = static_cast<double>(
                                kernel[((o * per_group_in + c) * s.y.kernel + ky) * s.x.kernel + kx]);
                            naive.couplings[i][j] += w;
                            naive.couplings[j][i] += w;
                        }
}

window_shape shape_of(geometry const& g) {
    return {g.channels_from, g.channels_to, g.groups, g.y.extent(), g.x.extent()};
}

template <class Real>
glass_case<Real> glass_of(geometry const& g) {
    auto const shape = shape_of(g);
    std::size_t const n = shape.from_size() + shape.to_size();
    table naive(n);
    auto const fields = random_fields<Real>(n, 7);
    for (std::size_t i = 0; i < n; ++i) naive.fields[i] = static_cast<double>(fields[i]);
    auto const kernel = kernel_of<Real>(shape, 3);
    add_to_table(naive, shape, kernel, 0, shape.from_size());
    return {network_glass<Real>({{"maps", 0, shape.from_size()}, {"result", 0, shape.to_size()}}, fields,
                                {window_block<Real>(0, 1, shape, kernel)}),
            naive};
}

// {from, kernel, stride, before, after, dilation} along y and x.
std::vector<geometry> const geometries{
    {1, 1, 1, {1, 1, 1, 0, 0, 1}, {1, 1, 1, 0, 0, 1}},  {2, 3, 1, {5, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}},
    {3, 4, 1, {6, 5, 1, 2, 2, 1}, {5, 3, 1, 0, 0, 1}},   // by products of matrices
    {4, 8, 2, {6, 3, 2, 1, 0, 1}, {7, 3, 2, 1, 1, 1}},   // groups, by products
    {4, 4, 4, {4, 2, 2, 0, 0, 1}, {6, 2, 2, 0, 0, 1}},   // pooling
    {3, 6, 3, {5, 3, 2, 1, 1, 1}, {5, 2, 3, 0, 1, 1}},   // two results of each channel
    {2, 5, 1, {9, 3, 1, 2, 2, 2}, {8, 2, 1, 0, 0, 3}},   // dilated
    {2, 4, 1, {9, 3, 2, 1, 3, 2}, {8, 3, 3, 2, 2, 2}},   // dilated with strides
    {8, 16, 1, {4, 1, 1, 0, 0, 1}, {3, 1, 1, 0, 0, 1}},  // 1 x 1: columns are the maps themselves
    {8, 4, 1, {4, 1, 2, 0, 0, 1}, {5, 1, 2, 0, 0, 1}},   // 1 x 1 with a stride
    {1, 6, 1, {1, 1, 1, 0, 0, 1}, {12, 5, 1, 2, 2, 1}},  // one axis
    {2, 3, 1, {2, 2, 1, 3, 4, 1}, {3, 4, 2, 5, 5, 1}},   // windows that see padding only
    {1, 2, 1, {7, 2, 5, 0, 0, 1}, {7, 3, 4, 0, 2, 1}},   // sources that no window reads
};

}  // namespace

TEMPLATE_TEST_CASE("window_block: the couplings of a convolution", "[model]", float, double) {
    for (auto const& g : geometries) {
        INFO(g.channels_from << " to " << g.channels_to << " channels, kernel " << g.y.kernel << " x "
                             << g.x.kernel << ", stride " << g.x.stride << ", dilation " << g.x.dilation);
        auto const of = glass_of<TestType>(g);
        check_laws(of.glass, of.naive, sizeof(TestType) == 4 ? 1e-5 : 1e-13);
        check_colours(of, 2);
        std::size_t pairs = 0;
        for (auto const& row : of.naive.couplings)
            for (double const j : row) pairs += j != 0 ? 1 : 0;
        CHECK(shape_of(g).couplings() == pairs / 2);
    }
}

TEMPLATE_TEST_CASE("window_block: blocks between the same parts add up", "[model]", float, double) {
    geometry const conv{4, 4, 1, {5, 3, 1, 1, 1, 1}, {6, 5, 1, 2, 2, 1}};
    // An identity, a dilated and a grouped kernel beside it, and a window that reads with another stride.
    std::vector<geometry> const others{{4, 4, 4, {5, 1, 1, 0, 0, 1}, {6, 1, 1, 0, 0, 1}},
                                       {4, 4, 1, {5, 3, 1, 2, 2, 2}, {6, 3, 1, 1, 1, 1}},
                                       {4, 4, 2, {5, 3, 1, 1, 1, 1}, {6, 5, 1, 2, 2, 1}},
                                       {4, 4, 1, {5, 1, 2, 0, 4, 1}, {6, 2, 1, 0, 1, 1}}};
    for (auto const& other : others)
        for (bool const turned : {false, true}) {
            auto const shape = shape_of(conv), second = shape_of(other);
            REQUIRE(second.to_size() == shape.to_size());
            std::size_t const n = shape.from_size() + shape.to_size();
            table naive(n);
            auto const kernel = kernel_of<TestType>(shape, 3), more = kernel_of<TestType>(second, 5);
            add_to_table(naive, shape, kernel, 0, shape.from_size());
            add_to_table(naive, second, more, turned ? shape.from_size() : 0, turned ? 0 : shape.from_size());
            network_glass<TestType> const glass(
                {{"a", 0, shape.from_size()}, {"b", 0, shape.to_size()}},
                std::vector<TestType>(n, TestType{0}),
                {window_block<TestType>(0, 1, shape, kernel),
                 window_block<TestType>(turned ? 1 : 0, turned ? 0 : 1, second, more)});
            CHECK(glass.blocks().size() == 1);
            check_laws(glass, naive, sizeof(TestType) == 4 ? 1e-5 : 1e-13);
        }
}

TEST_CASE("network_glass: groups of several parts", "[model]") {
    std::vector<spin_group> const parts{{"x", 0, 2}, {"h", 0, 3}, {"h", 0, 3}, {"y", 0, 1}};
    auto const w = random_matrix<double>(3, 2, 1), u = random_matrix<double>(3, 3, 2);
    std::vector<coupling_block<double>> const blocks{
        dense_block<double>(0, 1, w), dense_block<double>(0, 2, w), dense_block<double>(1, 2, u),
        dense_block<double>(2, 3, random_matrix<double>(1, 3, 3))};
    std::vector<double> const none(9, 0.0);
    network_glass<double> const glass(parts, none, blocks, {}, {1, 2, 1});
    REQUIRE(glass.groups().size() == 3);
    CHECK(glass.groups()[1].name == "h");
    CHECK(glass.groups()[1].first == 2);
    CHECK(glass.groups()[1].size == 6);
    CHECK(glass.parts().size() == 4);
    CHECK(glass.colours() == 3);
    for (auto const& wrong : std::vector<std::vector<std::size_t>>{{1, 2}, {1, 2, 2}, {4, 0}, {0, 4}, {5}})
        CHECK_THAT(error_of([&] { network_glass<double>(parts, none, blocks, {}, wrong); }),
                   ContainsSubstring("the groups do not share out the 4 parts"));
}

TEST_CASE("window_block: what does not fit is refused", "[model]") {
    auto const shape = shape_of({2, 3, 1, {5, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}});
    auto const kernel = kernel_of<float>(shape, 3);
    CHECK_THAT(error_of([&] {
                   window_block<float>(0, 1, shape, {1.0F, 2.0F});
               }),
               ContainsSubstring("2 entries are no kernel of 2 to 3 channels in 1 groups"));
    auto const with = [&](std::vector<float> taps, std::size_t from, std::size_t to,
                          std::size_t missing = 0) {
        std::size_t const n = shape.from_size() + shape.to_size() - missing;
        network_glass<float>({{"a", 0, shape.from_size()}, {"b", 0, shape.to_size() - missing}},
                             std::vector<float>(n, 0.0F),
                             {window_block<float>(from, to, shape, std::move(taps))});
    };
    CHECK_THAT(error_of([&] { with(kernel, 0, 1, 1); }),
               ContainsSubstring("block 0 couples 60 to 90 spins, but joins a (60 spins) to b (89 spins)"));
    CHECK_THAT(error_of([&] { with(kernel, 1, 1); }), ContainsSubstring("joins group b to itself"));
    CHECK_THAT(error_of([&] { with(kernel, 0, 2); }), ContainsSubstring("does not exist"));
    auto broken = kernel;
    broken[7] = std::numeric_limits<float>::infinity();
    CHECK_THAT(error_of([&] { with(broken, 0, 1); }),
               ContainsSubstring("entry 7 of its kernel is not finite"));
}
