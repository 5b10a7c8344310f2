// SPDX-License-Identifier: BSD-3-Clause
/// The order of layers from names and shapes: natural sort, counted names, unique and ambiguous shapes.
#include "../files.hpp"
#include <spinet/readers/layer_order.hpp>

#include <algorithm>
#include <random>

using namespace network_test;
using spinet::dense_layer;
using spinet::natural_less;

namespace {

dense_layer layer(std::string const& name, std::size_t out, std::size_t in) {
    return {name, {xt::xtensor<float, 2>::from_shape({out, in}), name + ".weight"}};
}

/// The names in the order found, for every order (or, with many layers, 100 orders) in which they can be
/// given.
std::string order_of(std::vector<dense_layer> layers) {
    std::string expected;
    std::mt19937 random(1);
    for (int trial = 0; trial < 100; ++trial) {
        std::string found;
        auto const ordered = spinet::ordered_layers(layers);
        for (auto const& one : ordered.first) found += (found.empty() ? "" : " ") + one.name;
        if (!ordered.second) found += " (by shape)";
        if (trial > 0 && found != expected) return "depends on the order given: " + expected + " or " + found;
        expected = found;
        std::shuffle(layers.begin(), layers.end(), random);
    }
    return expected;
}

}  // namespace

TEST_CASE("natural order of names", "[network]") {
    std::vector<std::string> const sorted{"",
                                          ".",
                                          "0",
                                          "1",
                                          "01x",
                                          "2",
                                          "10",
                                          "a",
                                          "a1",
                                          "a1.b2",
                                          "a1.b10",
                                          "a2",
                                          "a02b",
                                          "a10",
                                          "fc",
                                          "fc2",
                                          "fc10",
                                          "fc18446744073709551616",
                                          "fc18446744073709551617",
                                          "fca",
                                          "g"};
    for (std::size_t i = 0; i < sorted.size(); ++i)
        for (std::size_t j = 0; j < sorted.size(); ++j) {
            CAPTURE(sorted[i], sorted[j]);
            CHECK(natural_less(sorted[i], sorted[j]) == (i < j));
        }
    CHECK(natural_less("fc02", "fc2"));  // equal numbers: still a total order
    CHECK_FALSE(natural_less("fc2", "fc02"));
    CHECK(natural_less("fc02.a", "fc2.b"));
    CHECK_FALSE(natural_less("fc02.b", "fc2.a"));
}

TEST_CASE("counted names keep their order even where shapes allow others", "[network]") {
    CHECK(order_of({layer("fc2", 5, 5), layer("fc10", 5, 5), layer("fc1", 5, 5)}) == "fc1 fc2 fc10");
    CHECK(order_of({layer("0", 16, 784), layer("2", 10, 16)}) == "0 2");
    CHECK(order_of({layer("layers.0.linear", 4, 4), layer("layers.1.linear", 4, 4),
                    layer("layers.11.linear", 4, 4)}) == "layers.0.linear layers.1.linear layers.11.linear");
    std::vector<dense_layer> many;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        many.push_back(layer("fc" + std::to_string(i), 2, 2));
        expected += (i == 0 ? "fc" : " fc") + std::to_string(i);
    }
    CHECK(order_of(many) == expected);
}

TEST_CASE("counted names and others: shapes place the others", "[network]") {
    CHECK(order_of({layer("fc1", 8, 6), layer("fc2", 8, 8), layer("fc3", 8, 8), layer("classifier", 3, 8)}) ==
          "fc1 fc2 fc3 classifier (by shape)");
    CHECK(order_of({layer("embed", 8, 6), layer("fc1", 8, 8), layer("fc2", 8, 8), layer("out", 3, 8)}) ==
          "embed fc1 fc2 out");
}

TEST_CASE("shapes decide where names do not", "[network]") {
    CHECK(order_of({layer("hidden", 5, 4), layer("output", 3, 5), layer("z_in", 4, 9)}) ==
          "z_in hidden output (by shape)");
    CHECK(order_of({layer("a", 5, 4), layer("b", 3, 5)}) == "a b");
    // counted from the output: the numbers cannot be the order, the shapes are
    CHECK(order_of({layer("fc1", 2, 3), layer("fc2", 3, 4), layer("fc3", 4, 5)}) == "fc3 fc2 fc1 (by shape)");
    CHECK(order_of({layer("only", 3, 7)}) == "only");
}

TEST_CASE("ambiguous orders are refused", "[network]") {
    // alphabetical order would turn an autoencoder inside out
    CHECK(
        error_of([] {
            return spinet::ordered_layers({layer("encoder", 3, 9), layer("decoder", 9, 3)});
        }) ==
        "the order of the layers is ambiguous: their shapes allow 'decoder', 'encoder' as well as 'encoder', "
        "'decoder', and their names do not settle it; give their order in the option 'layers' (--layers "
        "NAME,NAME,...)");
    CHECK(order_of({layer("encoder", 3, 9), layer("decoder", 8, 3)}) == "encoder decoder (by shape)");
    CHECK_THAT(error_of([] {
                   return spinet::ordered_layers({layer("a", 4, 4), layer("b", 4, 4), layer("c", 4, 4)});
               }),
               Catch::Matchers::ContainsSubstring("'a', 'b', 'c' as well as 'a', 'c', 'b'"));
    CHECK_THAT(error_of([] {
                   return spinet::ordered_layers({layer("encoder.0", 5, 9), layer("encoder.2", 3, 5),
                                                  layer("decoder.0", 5, 3), layer("decoder.2", 9, 5)});
               }),
               Catch::Matchers::ContainsSubstring("ambiguous"));
}

TEST_CASE("layers that do not chain are refused with both tensors and shapes", "[network]") {
    CHECK(error_of([] {
              return spinet::ordered_layers({layer("fc2", 3, 8), layer("fc1", 5, 4)});
          }) ==
          "shapes do not chain in any order of the layers; by name, tensor 'fc1.weight' of shape (5, 4) "
          "gives 5, but "
          "tensor 'fc2.weight' of shape (3, 8) takes 8");
    CHECK(error_of([] {
              return spinet::ordered_layers({layer("a", 2, 1), layer("b", 3, 1), layer("c", 1, 5)});
          }).rfind("shapes do not chain in any order of the layers; by name, tensor 'a.weight'", 0) == 0);
}

TEST_CASE("layers of a wrong shape are refused", "[network]") {
    CHECK(error_of([] {
              return spinet::ordered_layers(
                  {layer("a", 2, 1), {"b", {xt::xtensor<float, 1>{1, 2}, "b.weight"}}});
          }) ==
          "node 'b': tensor 'b.weight' of shape (2) has rank 1; the weight of a dense layer has rank 2, "
          "(out, in)");
    CHECK(error_of([] { return spinet::ordered_layers({}); }) == "there are no layers to order");
}

TEST_CASE("a search that cannot end is refused", "[network]") {
    // 24 layers, complete on a few widths but with one that fits nowhere: exponentially many dead ends
    std::vector<dense_layer> layers{layer("misfit", 100, 200)};
    for (std::size_t i = 0; i < 23; ++i)
        layers.push_back(layer(std::string(1, "abcdefghijklmnopqrstuvw"[i]), 2 + i % 3, 2 + i / 3 % 3));
    CHECK(error_of([&] { return spinet::ordered_layers(layers); }) ==
          "the order of the 24 layers is ambiguous: there are too many to try, and their names do not settle "
          "it; "
          "give their order in the option 'layers' (--layers NAME,NAME,...)");
}
