// SPDX-License-Identifier: BSD-3-Clause
/// ONNX models as TensorFlow's, Keras', MATLAB's, Unity's and quantising exporters write them: each computes
/// what PyTorch computes of it (docs/studies/exported/onnx_fixtures.py).
#include "onnx_models.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/write_safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::activation_kind;
using spinet::onnx_model;

namespace {

std::filesystem::path const fixtures = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/onnx";

/// The kinds of the operations, in order.
std::vector<std::string> labels_of(spinet::network const& net) {
    std::vector<std::string> labels;
    for (auto const& node : net.nodes()) labels.emplace_back(node.op.label());
    return labels;
}

}  // namespace

TEST_CASE("onnx: what other exporters write computes what PyTorch computes of it", "[network]") {
    std::ifstream file(fixtures / "reference.json");
    auto const references = nlohmann::json::parse(file);
    CHECK(references.size() == 23);
    for (auto const& [name, reference] : references.items()) {
        CAPTURE(name);
        auto const net = onnx_model{}(fixtures / (name + ".onnx"));
        check_close(result_of(net, reference["listed"].get<numbers>()), reference["output"].get<numbers>());
        CHECK(spinet::to_spin_glass(net).size() > 0);
    }
}

TEST_CASE("onnx: arithmetic with constants leaves no operation of its own where a layer takes it",
          "[network]") {
    std::vector<std::string> const images{"input", "convolution", "activation", "flatten", "dense layer"};
    CHECK(labels_of(onnx_model{}(fixtures / "standardised.onnx")) == images);
    CHECK(labels_of(onnx_model{}(fixtures / "normalised_by_hand.onnx")) == images);
    // Zeros that are padded are not standardised, so it stays before the convolution.
    CHECK(labels_of(onnx_model{}(fixtures / "standardised_padded.onnx"))[1] == "batch normalisation");
    CHECK(labels_of(onnx_model{}(fixtures / "unity.onnx")) ==
          std::vector<std::string>{"input", "dense layer", "activation", "dense layer"});
    CHECK(labels_of(onnx_model{}(fixtures / "scaled_embedding.onnx"))[1] == "embedding");
    CHECK(labels_of(onnx_model{}(fixtures / "keras_lstm.onnx"))[1] == "recurrent layer");
    // A layer that something else reads, too, keeps its weights: both read the same spins.
    model shared({1, 2});
    shared.floats("w", {2, 2}, {1, 2, 3, 4});
    shared.floats("s", {2}, {10, 100});
    shared.node("MatMul", {"x", "w"}, {"a"});
    shared.node("Mul", {"a", "s"}, {"b"});
    shared.node("Add", {"a", "b"}, {"y"});
    auto const net = read(shared);
    CHECK(numbers_of(last<spinet::dense>(net).weight) == numbers{1, 3, 2, 4});
    CHECK(result_of(net, {1, 1}) == numbers{44, 606});
}

TEST_CASE("onnx: channels last, weights get the order of the values that they multiply", "[network]") {
    auto const net = onnx_model{}(fixtures / "tf2onnx.onnx");
    CHECK(noted(
        net,
        "the input of shape (8, 8, 2) is used, and listed, as (2, 8, 8), with its axes in another order"));
    CHECK(net.find("Conv_1")->op.get_if<spinet::convolution>()->bias->name() == "conv/bias");
    // An input of channels first whose values are flattened channels last: columns c0 c1 c0 c1 become c0 c0
    // c1 c1.
    model made({1, 2, 1, 2});
    made.floats("w", {1, 4}, {1, 10, 100, 1000});
    with(made.node("Transpose", {"x"}, {"t"}), "perm", sizes{0, 2, 3, 1});
    made.node("Flatten", {"t"}, {"f"});
    with(made.node("Gemm", {"f", "w"}, {"y"}), "transB", std::int64_t{1});
    CHECK(numbers_of(last<spinet::dense>(read(made)).weight) == numbers{1, 100, 10, 1000});
    // A sum of an input and its transpose is no sum of the same values.
    model sum({1, 2, 2});
    sum.floats("w", {1, 4}, {1, 1, 1, 1});
    with(sum.node("Transpose", {"x"}, {"t"}), "perm", sizes{0, 2, 1});
    sum.node("Add", {"x", "t"}, {"s"});
    sum.node("Flatten", {"s"}, {"f"});
    with(sum.node("Gemm", {"f", "w"}, {"y"}), "transB", std::int64_t{1});
    CHECK_THAT(refused(sum), ContainsSubstring("'Add s'"));
}

TEST_CASE("onnx: the batch is axis 0, whatever its size", "[network]") {
    auto const shape = [](sizes const& input, auto fill) {
        model made(input);
        fill(made);
        auto const net = read(made);
        return result_shapes(net)[net.position("x")];
    };
    using spinet::value_shape;
    auto const dense = [](model& m) {
        m.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
        m.node("MatMul", {"x", "w"}, {"y"});
    };
    CHECK(shape({64, 3}, dense) == value_shape{3});
    CHECK(shape({64, -1}, [&](model& m) {
              dense(m);
              m.input_type().mutable_shape()->mutable_dim(1)->set_dim_value(3);
          }) == value_shape{3});
    // Reshape to the batch that the file has
    CHECK(shape({4, 3, 2}, [](model& m) {
              m.integers("s", {2}, {4, 6});
              m.floats("w", {6, 1}, {1, 2, 3, 4, 5, 6});
              m.node("Reshape", {"x", "s"}, {"r"});
              m.node("MatMul", {"r", "w"}, {"y"});
          }) == value_shape{6});
    // a batch of images of one channel, or steps of a recurrent layer
    CHECK(shape({64, 1, 5}, [](model& m) {
              m.floats("w", {2, 1, 3}, {1, 2, 3, 4, 5, 6});
              m.node("Conv", {"x", "w"}, {"y"});
          }) == value_shape{1, 5});
    CHECK(shape({64, 1, 5}, [](model& m) {
              m.floats("w", {1, 5}, {1, 2, 3, 4, 5});
              m.node("Flatten", {"x"}, {"f"});
              with(m.node("Gemm", {"f", "w"}, {"y"}), "transB", std::int64_t{1});
          }) == value_shape{5});
    CHECK(shape({64, 1, 1}, [](model& m) {
              m.floats("w", {1, 1, 1}, {1});
              m.node("RNN", {"x", "w", "w"}, {"a", "y"});
          }) == value_shape{64, 1});
    // columns
    CHECK(shape({3, 1}, [](model& m) {
              m.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
              m.node("MatMul", {"w", "x"}, {"y"});
          }) == value_shape{3});
    // one sample without a batch, and the message of the usual choice where none fits
    CHECK(shape({3}, dense) == value_shape{3});
    model wrong({64, 4});
    dense(wrong);
    CHECK_THAT(refused(wrong), ContainsSubstring("multiplies values of shape (1, 4)"));
}

TEST_CASE("onnx: several outputs", "[network]") {
    model made({1, 2});
    made.graph().mutable_output(0)->set_name("version");
    for (auto const* name : {"largest", "value", "policy"}) made.graph().add_output()->set_name(name);
    made.floats("three", {1}, {3});
    made.floats("w", {1, 2}, {1, 2});
    made.floats("v", {2, 2}, {1, 2, 3, 4});
    made.node("Identity", {"three"}, {"version"});
    made.node("ArgMax", {"x"}, {"largest"});
    with(made.node("Gemm", {"x", "w"}, {"value"}), "transB", std::int64_t{1});
    with(made.node("Gemm", {"x", "v"}, {"policy"}), "transB", std::int64_t{1});
    // Constants are passed over, and so is what cannot be read, in this order.
    CHECK(result_of(read(made), {1, 1}) == numbers{3});
    CHECK(noted(read(made), "left out outputs but 'value': 'version', 'largest', 'policy'"));
    CHECK(result_of(read(made, {.output_name = "policy"}), {1, 1}) == numbers{3, 7});
    CHECK_THAT(refused(made, {.output_name = "largest"}), ContainsSubstring("'ArgMax largest'"));
    CHECK_THAT(refused(made, {.output_name = "version"}),
               ContainsSubstring("its output 'version' depends on no input"));
    CHECK_THAT(refused(made, {.output_name = "action"}),
               ContainsSubstring("has no output 'action' (option output_name); it has 'version', 'largest', "
                                 "'value', 'policy'"));
}

TEST_CASE("onnx: several inputs", "[network]") {
    model made({1, 2});
    for (auto const* name : {"z", "mask"}) {
        auto& type = *made.add_input(name).mutable_type()->mutable_tensor_type();
        type.set_elem_type(onnx::TensorProto::FLOAT);
        type.mutable_shape()->add_dim()->set_dim_value(1);
        type.mutable_shape()->add_dim()->set_dim_value(3);
    }
    made.floats("w", {2, 1}, {1, 2});
    made.floats("v", {3, 1}, {1, 2, 3});
    made.node("MatMul", {"x", "w"}, {"a"});
    made.node("MatMul", {"z", "v"}, {"b"});
    made.node("Add", {"a", "b"}, {"y"});
    auto const net = read(made);
    CHECK(net.find("z")->op.get_if<spinet::input>()->size == 3);
    CHECK(noted(net, "left out the input 'mask', which is not needed"));
    CHECK(spinet::to_spin_glass<double>(net).size() == 6);
    made.graph().mutable_node(2)->set_op_type("Where");
    made.graph().mutable_node(2)->add_input("mask");
    CHECK_THAT(refused(made), ContainsSubstring("(Where of 'a', 'b', 'mask') chooses"));
}

TEST_CASE("onnx: functions of each value are recorded as activations", "[network]") {
    for (auto const* op :
         {"Abs", "Sign", "Exp", "Sqrt", "Sin", "Floor", "Reciprocal", "Log", "Round", "Erf"}) {
        CAPTURE(op);
        auto const net = read(one_node({1, 3}, op).made);
        CHECK(last<spinet::activation>(net).kind == activation_kind::unspecified);
    }
    for (auto const& [op, number, kind] : {std::tuple("Max", 0.0F, activation_kind::relu),
                                           std::tuple("Max", 1.0F, activation_kind::unspecified),
                                           std::tuple("Min", 0.0F, activation_kind::unspecified),
                                           std::tuple("Pow", 3.0F, activation_kind::unspecified)}) {
        one_node made({1, 3}, op, {"x", "c"});
        made.made.floats("c", {}, {number});
        CHECK(last<spinet::activation>(read(made.made)).kind == kind);
    }
    // GELU's approximation by tanh, spelt out: x/2 (1 + tanh(a (x + b x^3))), as one function of x
    model gelu({1, 3});
    gelu.floats("w", {3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
    for (auto const& [name, number] :
         {std::pair("half", 0.5F), std::pair("one", 1.0F), std::pair("three", 3.0F),
          std::pair("a", 0.7978846F), std::pair("b", 0.044715F)})
        gelu.floats(name, {}, {number});
    gelu.node("MatMul", {"x", "w"}, {"h"});
    gelu.node("Pow", {"h", "three"}, {"p"});
    gelu.node("Mul", {"b", "p"}, {"bp"});
    gelu.node("Add", {"h", "bp"}, {"s"});
    gelu.node("Mul", {"a", "s"}, {"as"});
    gelu.node("Tanh", {"as"}, {"t"});
    gelu.node("Add", {"one", "t"}, {"ot"});
    gelu.node("Mul", {"half", "h"}, {"hh"});
    gelu.node("Mul", {"hh", "ot"}, {"y"});
    CHECK(labels_of(read(gelu)) == std::vector<std::string>{"input", "dense layer", "activation"});
}

TEST_CASE("onnx: quantised weights that have no scale, or one that does not fit", "[network]") {
    auto const dense = [](int type, sizes const& shape, std::string const& bytes) {
        model made({1, 2});
        made.tensor("q", shape, type).set_raw_data(bytes);
        made.node("MatMul", {"x", "q"}, {"y"});
        return made;
    };
    auto made = dense(onnx::TensorProto::INT8, {2, 1}, "\x01\x02");
    CHECK_THAT(refused(made), ContainsSubstring("takes as input 1 the integers 'q' without their scale"));
    CHECK_THAT(refused(dense(onnx::TensorProto::INT8, {2, 1}, "\x01")), ContainsSubstring("needs 2 bytes"));
    CHECK_THAT(refused(dense(21, {3, 1}, "\x01")), ContainsSubstring("needs 2 bytes"));
    made.graph().mutable_node(0)->set_input(1, "w");
    made.floats("s", {}, {0.5});
    made.tensor("z", {}, onnx::TensorProto::INT8).set_raw_data("\xFF");
    auto& node = made.node("DequantizeLinear", {"q", "s", "z"}, {"w"});
    CHECK(numbers_of(last<spinet::dense>(read(made)).weight) == numbers{1, 1.5});
    made.floats("more", {3}, {1, 2, 3});
    node.set_input(1, "more");
    CHECK_THAT(refused(made), ContainsSubstring("has scales of shape (3) for integers of shape (2, 1)"));
    with(node, "block_size", std::int64_t{-1});
    CHECK_THAT(refused(made), ContainsSubstring("has blocks of -1"));
    // what is quantised in the graph: 1.26 / 0.5 is 2.52 and rounds to 3, -100 is cut off at -128 / 2
    model rounded({1, 2});
    rounded.floats("w", {2, 1}, {1.26F, -100});
    rounded.floats("s", {}, {0.5});
    rounded.tensor("z", {}, onnx::TensorProto::INT8).set_raw_data(std::string(1, '\0'));
    rounded.node("QuantizeLinear", {"w", "s", "z"}, {"q"});
    rounded.node("DequantizeLinear", {"q", "s", "z"}, {"d"});
    rounded.node("MatMul", {"x", "d"}, {"y"});
    CHECK(numbers_of(last<spinet::dense>(read(rounded)).weight) == numbers{1.5, -64});
    auto bits = onnx::ModelProto();
    CHECK(bits.ParseFromString(spinet::read_whole(fixtures / "n_bits.onnx")));
    bits.mutable_graph()->mutable_initializer(1)->set_dims(0, 9);
    bits.mutable_graph()->mutable_initializer(1)->mutable_raw_data()->resize(36);
    CHECK_THAT(refused(bits.SerializeAsString()), ContainsSubstring("and 9 scales, not (5, 2, 8) and 10"));
}

TEST_CASE("onnx: transposed convolutions that spread values, and paddings that cut", "[network]") {
    one_node made({1, 1, 4}, "ConvTranspose", {"x", "w"});
    made.made.floats("w", {1, 1, 3}, {1, 10, 100});
    CHECK(result_of(read(made.made), {1, 0, 0, 2}) == numbers{1, 10, 100, 2, 20, 200});
    with(made.node, "strides", sizes{2});
    CHECK_THAT(refused(made.made),
               ContainsSubstring("has strides of 2: spinet knows transposed convolutions"));
    made.node.clear_attribute();
    with(made.node, "pads", sizes{3, 0});
    CHECK_THAT(refused(made.made), ContainsSubstring("cuts off more than its kernel adds"));
}

TEST_CASE("onnx: a graph without weights is refused", "[network]") {
    temporary_directory const place;
    auto const says = [&](model const& made) {
        auto const path = place.write("made.onnx", made.bytes());
        return refusal(path, [&] { (void)onnx_model{}(path); });
    };
    CHECK_THAT(says(one_node({1, 3}, "Relu").made), ContainsSubstring("has no weights"));
    one_node sum({5}, "Add", {"x", "c"});
    sum.made.floats("c", {5}, {1, 2, 3, 4, 5});
    CHECK_THAT(says(sum.made), ContainsSubstring("has no weights"));
}

TEST_CASE("onnx: models are recognised by content", "[network]") {
    temporary_directory const place;
    auto const recognises = [&](std::string const& name, std::string const& bytes) {
        return onnx_model{}.recognises(place.write(name, bytes));
    };
    auto const bytes = small_model().bytes();
    CHECK(recognises("model", bytes));
    CHECK(recognises("model.bin", spinet::read_whole(fixtures / "tf2onnx.onnx")));
    CHECK_FALSE(recognises("cut", bytes.substr(0, bytes.size() - 1)));
    CHECK_FALSE(recognises("text", "no model at all"));
    CHECK_FALSE(recognises("zeros", std::string(100, '\0')));
    CHECK_FALSE(recognises("long", std::string(100, '\xFF')));
    CHECK_FALSE(recognises("version", "\x08\x07"));
}

TEST_CASE("onnx: external data may be named with the directory of the model", "[network]") {
    temporary_directory const place;
    auto made = small_model();
    auto& weight = *made.graph().mutable_initializer(0);
    weight.clear_float_data();
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& entry = *weight.add_external_data();
    entry.set_key("location");
    entry.set_value("./weights.bin");
    (void)place.write("weights.bin", bytes_of<float>({2, -1}));
    CHECK(result_of(onnx_model{}(place.write("made.onnx", made.bytes())), {5, 7}) == numbers{6});
    entry.set_value("./../weights.bin");
    auto const path = place.write("made.onnx", made.bytes());
    CHECK_THAT(refusal(path, [&] { (void)onnx_model{}(path); }), ContainsSubstring("not a plain file name"));
}

TEST_CASE("onnx: the same weights are the same glass, however the graph spells them", "[network]") {
    // y = V relu(W x), as rows and as columns, flat and of a shape, from ONNX and from safetensors
    std::vector<float> w(30), v(10);
    for (std::size_t k = 0; k < w.size(); ++k) w[k] = static_cast<float>(std::sin(static_cast<double>(k)));
    for (std::size_t k = 0; k < v.size(); ++k) v[k] = static_cast<float>(std::cos(static_cast<double>(k)));
    auto const rows = [&](sizes const& input, std::vector<std::string> const& before) {
        model made(input);
        made.floats("0.weight", {5, 6}, w);
        made.floats("2.weight", {2, 5}, v);
        std::string last = "x";
        for (auto const& op : before) {
            made.node(op, {last}, {last + "."});
            last += ".";
        }
        with(made.node("Gemm", {last, "0.weight"}, {"h"}), "transB", std::int64_t{1});
        made.node("Relu", {"h"}, {"r"});
        with(made.node("Gemm", {"r", "2.weight"}, {"y"}), "transB", std::int64_t{1});
        return read(made);
    };
    model columns({6, 1});
    columns.floats("0.weight", {5, 6}, w);
    columns.floats("2.weight", {2, 5}, v);
    columns.node("MatMul", {"0.weight", "x"}, {"h"});
    columns.node("Relu", {"h"}, {"r"});
    columns.node("MatMul", {"2.weight", "r"}, {"y"});
    temporary_directory const place;
    auto const plain = rows({1, 6}, {});
    spinet::write_safetensors(place.path() / "same.safetensors", plain);
    for (auto const kind :
         {spinet::scale::none, spinet::scale::layer_unit_variance, spinet::scale::t_formula}) {
        spinet::twin_hopfield const mapping{.scale = kind};
        auto const values = [&](spinet::network const& net) {
            auto const glass = spinet::to_spin_glass<float>(net, mapping);
            std::vector<float> all;
            for (std::size_t i = 0; i < glass.size(); ++i)
                glass.for_each_coupling(i, [&](std::size_t first, std::span<float const> of) {
                    all.push_back(static_cast<float>(first));
                    all.insert(all.end(), of.begin(), of.end());
                });
            return all;
        };
        auto const expected = values(spinet::load_network(place.path() / "same.safetensors"));
        CHECK(values(plain) == expected);
        CHECK(values(rows({1, 2, 3}, {"Flatten"})) == expected);
        CHECK(values(rows({1, 2, 3}, {"Flatten", "Sigmoid"})) == expected);
        CHECK(values(rows({1, 2, 3}, {"Sigmoid", "Flatten"})) == expected);
        CHECK(values(rows({16, 1, 2, 3}, {"Flatten", "Sigmoid"})) == expected);
        CHECK(values(rows({1, 6}, {"Identity"})) == expected);
        CHECK(values(read(columns)) == expected);
    }
}
