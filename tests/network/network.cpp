// SPDX-License-Identifier: BSD-3-Clause
/// Networks as graphs, as chains of dense layers, and from arrays.
#include "../files.hpp"
#include <spinet/network/mlp.hpp>
#include <spinet/network/network.hpp>

#include <limits>
#include <optional>

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#else
#include <xtensor/xarray.hpp>
#endif

using namespace network_test;
using spinet::activation_kind;
using spinet::dense;
using spinet::tensor;

namespace {

/// All values 0.5.
template <class Real = float>
xt::xtensor<Real, 2> matrix(std::size_t out, std::size_t in) {
    auto result = xt::xtensor<Real, 2>::from_shape({out, in});
    result.fill(Real(0.5));
    return result;
}

template <class Real = float>
xt::xtensor<Real, 1> vector(std::size_t size) {
    auto result = xt::xtensor<Real, 1>::from_shape({size});
    result.fill(Real(0.25));
    return result;
}

spinet::network two_layers() {
    spinet::network net;
    net.add({"in", spinet::input{4}});
    net.add({"a", dense{{matrix(3, 4), "a.weight"}, tensor(vector(3), "a.bias")}, {"in"}});
    net.add({"f", spinet::activation{activation_kind::tanh}, {"a"}});
    net.add({"b", dense{{matrix(2, 3), "b.weight"}}, {"f"}});
    return net;
}

}  // namespace

TEST_CASE("a network is a list of nodes", "[network]") {
    auto net = two_layers();
    REQUIRE(net.nodes().size() == 4);
    CHECK(net.nodes()[2].name == "f");
    CHECK(net.nodes()[2].inputs == std::vector<std::string>{"a"});
    REQUIRE(net.find("b") != nullptr);
    CHECK(net.find("b")->op.get_if<dense>()->weight.name() == "b.weight");
    CHECK(net.find("c") == nullptr);
    CHECK(net.source().empty());
    CHECK(net.notes().empty());
    net.add_note("a note");
    CHECK(net.notes() == std::vector<std::string>{"a note"});
    CHECK(spinet::network("dir/file").source() == "dir/file");
}

TEST_CASE("nodes that do not fit are refused, and the network stays as it was", "[network]") {
    auto net = two_layers();
    CHECK(error_of([&] { net.add({"", spinet::input{1}}); }) == "a node of a network needs a name");
    CHECK(error_of([&] { net.add({"a", spinet::input{1}}); }) == "the network already has a node 'a'");
    CHECK(error_of([&] { net.add({"c", spinet::input{0}}); }) == "node 'c': the input has size 0");
    CHECK(error_of([&] {
              net.add({"c", spinet::activation{}, {"z"}});
          }) == "node 'c' takes 'z', which the network does not have (yet)");
    CHECK(error_of([&] {
              net.add({"c", spinet::activation{}, {"a", "b"}});
          }) == "node 'c' (activation) has 2 inputs instead of 1");
    CHECK(error_of([&] {
              net.add({"c", spinet::input{1}, {"a"}});
          }) == "node 'c' (input) has 1 inputs instead of 0");
    CHECK(error_of([&] {
              net.add({"c", dense{{vector(2), "w"}}, {"a"}});
          }) ==
          "node 'c': tensor 'w' of shape (2) has rank 1; the weight of a dense layer has rank 2, (out, in)");
    CHECK(error_of([&] {
              net.add({"c", dense{{matrix(0, 2), "w"}}, {"a"}});
          }) == "node 'c': tensor 'w' of shape (0, 2) has a dimension of size 0");
    CHECK(error_of([&] {
              net.add({"c", dense{{matrix(2, 2), "w"}, tensor(matrix(2, 1), "b")}, {"a"}});
          }) ==
          "node 'c': tensor 'b' of shape (2, 1) has rank 2; the bias of a dense layer has rank 1, (out)");
    CHECK(error_of([&] {
              net.add({"c", dense{{matrix(2, 3), "w"}, tensor(vector(3), "b")}, {"a"}});
          }) ==
          "node 'c': tensor 'b' of shape (3) has length 3, but its weight, tensor 'w' of shape (2, 3), gives "
          "2 values");
    auto bad = matrix(2, 3);
    bad(1, 0) = -std::numeric_limits<float>::infinity();
    CHECK(error_of([&] {
              net.add({"c", dense{{bad, "w"}}, {"a"}});
          }) == "node 'c': tensor 'w' of shape (2, 3) holds -inf at (1, 0); every weight has to be finite");
    auto bias = vector(2);
    bias(1) = std::numeric_limits<float>::quiet_NaN();
    CHECK(error_of([&] {
              net.add({"c", dense{{matrix(2, 3), "w"}, tensor(bias, "b")}, {"a"}});
          }) == "node 'c': tensor 'b' of shape (2) holds nan at (1); every weight has to be finite");
    CHECK(net.nodes().size() == 4);
    CHECK(net.find("c") == nullptr);
}

TEST_CASE("dense_chain: layers, biases and activations in order", "[network]") {
    auto const chain = dense_chain(two_layers());
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "a");
    CHECK(chain[0].inputs() == 4);
    CHECK(chain[0].outputs() == 3);
    REQUIRE(chain[0].bias);
    CHECK(chain[0].bias->name() == "a.bias");
    CHECK(chain[0].activation == activation_kind::tanh);
    CHECK(chain[1].weight.name() == "b.weight");
    CHECK_FALSE(chain[1].bias);
    CHECK(chain[1].activation == activation_kind::identity);
}

TEST_CASE("dense_chain says what breaks the chain", "[network]") {
    CHECK(error_of([] { return dense_chain(spinet::network{}); }) ==
          "the network has no dense layer (it has 0 nodes)");
    spinet::network only_input;
    only_input.add({"x", spinet::input{2}});
    CHECK(error_of([&] { return dense_chain(only_input); }) ==
          "the network has no dense layer (it has 1 nodes)");

    auto branched = two_layers();
    branched.add({"side", dense{{matrix(7, 3), "side.weight"}}, {"f"}});
    CHECK(error_of([&] { return dense_chain(branched); }) ==
          "the network is not a chain: node 'f' branches into 'b' and 'side'");
    auto started_twice = two_layers();
    started_twice.add({"other", spinet::input{2}});
    CHECK(error_of([&] { return dense_chain(started_twice); }) ==
          "the network is not a chain: it starts both at node 'in' and at node 'other'");

    auto misfit = two_layers();
    misfit.add({"c", dense{{matrix(5, 3), "c.weight"}}, {"b"}});
    CHECK(error_of([&] { return dense_chain(misfit); }) ==
          "shapes do not chain: tensor 'b.weight' of shape (2, 3) of layer 'b' gives 2, but tensor "
          "'c.weight' of "
          "shape (5, 3) of layer 'c' takes 3");
    spinet::network wrong_input;
    wrong_input.add({"x", spinet::input{5}});
    wrong_input.add({"a", dense{{matrix(3, 4), "a.weight"}}, {"x"}});
    CHECK(
        error_of([&] { return dense_chain(wrong_input); }) ==
        "shapes do not chain: the input gives 5, but tensor 'a.weight' of shape (3, 4) of layer 'a' takes 4");

    auto doubled = two_layers();
    doubled.add({"g", spinet::activation{activation_kind::identity}, {"b"}});
    doubled.add({"h", spinet::activation{activation_kind::softmax}, {"g"}});
    CHECK(dense_chain(doubled)[1].activation == activation_kind::softmax);
    doubled.add({"k", spinet::activation{activation_kind::relu}, {"h"}});
    CHECK(error_of([&] { return dense_chain(doubled); }) ==
          "node 'k' applies the activation relu after softmax, without a layer between");
    spinet::network early;
    early.add({"x", spinet::input{4}});
    early.add({"f", spinet::activation{activation_kind::relu}, {"x"}});
    CHECK(error_of([&] { return dense_chain(early); }) ==
          "node 'f' applies the activation relu before the first dense layer");
}

TEST_CASE("dense_network inverts dense_chain", "[network]") {
    auto chain = dense_chain(two_layers());
    chain[1].activation = activation_kind::unspecified;
    auto const net = spinet::dense_network(chain, "some/file");
    CHECK(net.source() == "some/file");
    auto const again = dense_chain(net);
    REQUIRE(again.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(again[i].name == chain[i].name);
        CHECK(again[i].weight.bytes().data() == chain[i].weight.bytes().data());
        CHECK(again[i].bias.has_value() == chain[i].bias.has_value());
        CHECK(again[i].activation == chain[i].activation);
    }
}

TEST_CASE("dense_network: a layer keeps its name though the input or an activation would like it",
          "[network]") {
    auto const relu = activation_kind::relu;
    auto const chain =
        dense_chain(spinet::dense_network({{"input", matrix(3, 4), std::nullopt, relu},
                                           {"input activation", matrix(2, 3), std::nullopt, relu}}));
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "input");
    CHECK(chain[1].name == "input activation");
    CHECK(error_of([] {
              return spinet::dense_network({{"a", matrix(2, 2)}, {"a", matrix(2, 2)}});
          }) == "the network already has a node 'a'");
}

TEST_CASE("mlp: the short calls", "[network]") {
    auto const w1 = matrix<float>(3, 4);
    auto const b1 = vector<double>(3);
    auto const w2 = matrix<double>(2, 3);
    auto const b2 = vector<float>(2);

    auto const full = dense_chain(spinet::mlp({{w1, b1}, {w2, b2}}, activation_kind::relu));
    REQUIRE(full.size() == 2);
    CHECK(full[0].name == "layer 0");
    CHECK((full[0].weight.as<float, 2>() == w1));
    REQUIRE(full[0].bias);
    CHECK((full[0].bias->as<double, 1>() == b1));
    CHECK(full[1].weight.type() == spinet::dtype::f64);
    CHECK(full[0].activation == activation_kind::relu);
    CHECK(full[1].activation == activation_kind::identity);

    auto const bare = dense_chain(spinet::mlp({w1, w2}));
    REQUIRE(bare.size() == 2);
    CHECK_FALSE(bare[0].bias);
    CHECK(bare[0].activation == activation_kind::unspecified);
    CHECK(bare[1].activation == activation_kind::unspecified);

    CHECK(dense_chain(spinet::mlp({w1})).size() == 1);
    CHECK(dense_chain(spinet::mlp({{w1, b1}})).size() == 1);
    CHECK(dense_chain(spinet::mlp({{w1, b1}, w2})).size() == 2);
    CHECK(dense_chain(spinet::mlp({{w1, b1}})).front().bias.has_value());
    auto const kinds = dense_chain(spinet::mlp({w1, w2}, activation_kind::tanh, activation_kind::softmax));
    CHECK(kinds[0].activation == activation_kind::tanh);
    CHECK(kinds[1].activation == activation_kind::softmax);

    xt::xarray<double> const dynamic = w1;
    CHECK(dense_chain(spinet::mlp({dynamic, w2})).size() == 2);
    std::vector<spinet::mlp_layer> layers;
    layers.emplace_back(w1, b1);
    layers.emplace_back(w2);
    CHECK(dense_chain(spinet::mlp(layers)).size() == 2);
}

TEST_CASE("mlp: errors give the index of the layer", "[network]") {
    auto const w1 = matrix(3, 4);
    auto const w2 = matrix(2, 3);
    CHECK(error_of([] { return spinet::mlp({}); }) == "a chain of dense layers needs at least one layer");
    CHECK(error_of([&] {
              return spinet::mlp({w1, w1});
          }) ==
          "shapes do not chain: tensor 'layer 0 weight' of shape (3, 4) of layer 'layer 0' gives 3, but "
          "tensor 'layer "
          "1 weight' of shape (3, 4) of layer 'layer 1' takes 4");
    CHECK(error_of([&] {
              return spinet::mlp({{w1, vector(3)}, {w2, vector(3)}});
          }) ==
          "node 'layer 1': tensor 'layer 1 bias' of shape (3) has length 3, but its weight, tensor 'layer 1 "
          "weight' of "
          "shape (2, 3), gives 2 values");
    CHECK(error_of([&] {
              return spinet::mlp({w1, vector(3)});
          }) ==
          "node 'layer 1': tensor 'layer 1 weight' of shape (3) has rank 1; the weight of a dense layer has "
          "rank 2, "
          "(out, in)");
    auto nan = w2;
    nan(1, 2) = std::numeric_limits<float>::quiet_NaN();
    CHECK(error_of([&] {
              return spinet::mlp({w1, nan});
          }) ==
          "node 'layer 1': tensor 'layer 1 weight' of shape (2, 3) holds nan at (1, 2); every weight has to "
          "be finite");
    auto infinite = vector(3);
    infinite(0) = std::numeric_limits<float>::infinity();
    CHECK(
        error_of([&] {
            return spinet::mlp({{w1, infinite}, {w2}});
        }) ==
        "node 'layer 0': tensor 'layer 0 bias' of shape (3) holds inf at (0); every weight has to be finite");
}

TEST_CASE("layers of integers, lazy expressions and column-major arrays", "[network]") {
    xt::xarray<int> const weight{{1, 2, 3}, {4, 5, 6}};
    xt::xtensor<float, 1> const bias{1, 2};
    std::vector<spinet::mlp_layer> const layers{
        {weight, 0.5 * bias}, {xt::xtensor<double, 2, xt::layout_type::column_major>{{1, 2}, {3, 4}}}};
    auto const chain = spinet::dense_chain(spinet::mlp(layers));
    CHECK((chain[0].weight.as<double, 2>() == weight));
    CHECK((chain[0].bias->as<double, 1>() == 0.5 * bias));
    CHECK(chain[1].weight.as<float, 2>()(0, 1) == 2);
    CHECK(chain[1].weight.as<float, 2>()(1, 0) == 3);
}
