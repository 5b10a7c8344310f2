// SPDX-License-Identifier: BSD-3-Clause
/// ONNX files that are not what they should be: each is refused by name, and none does harm.
#include "onnx_models.hpp"
#include <spinet/io/atomic_file.hpp>

#include <cmath>
#include <limits>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::onnx_model;

namespace {

std::string const nothing = "nothing was thrown";

/// Refused, or a network of finite values (which `network::add` sees to).
bool loads(std::string const& bytes) { return refused(bytes) == nothing; }

/// A field of protobuf's wire format: number, and the bytes of a submessage.
std::string block(unsigned number, std::string const& bytes) {
    std::string text(1, static_cast<char>(number << 3U | 2U));
    auto size = bytes.size();
    for (; size >= 128; size >>= 7U) text += static_cast<char>((size & 127U) | 128U);
    return text + static_cast<char>(size) + bytes;
}

std::string repeated(std::string const& piece, std::size_t count) {
    std::string text;
    text.reserve(piece.size() * count);
    for (std::size_t k = 0; k < count; ++k) text += piece;
    return text;
}

std::string refused_tensor(int type, sizes const& shape, void (*fill)(onnx::TensorProto&)) {
    auto made = small_model();
    auto& weight = *made.graph().mutable_initializer(0);
    weight.clear_float_data();
    weight.set_data_type(type);
    weight.clear_dims();
    for (auto const size : shape) weight.add_dims(size);
    fill(weight);
    return refused(made);
}

}  // namespace

TEST_CASE("onnx, refused: no model", "[network]") {
    CHECK(refused("").find("empty") != std::string::npos);
    for (std::string const& bytes :
         {std::string("no model at all"), std::string(100, '\0'), std::string("\x08\x07"),
          std::string("PK\3\4"), std::string(1000, '\xFF')})
        CHECK(refused(bytes) != nothing);
    CHECK_FALSE(onnx_model{}.recognises("a.safetensors"));
    CHECK(onnx_model{}.recognises("a.onnx"));
}

TEST_CASE("onnx, refused: files cut short at every byte", "[network]") {
    auto const whole = small_model().bytes();
    CHECK(loads(whole));
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CAPTURE(n);
        CHECK_FALSE(loads(whole.substr(0, n)));
    }
    auto const larger =
        spinet::read_whole(std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/exported/rnn_dynamic.onnx");
    for (std::size_t n = 1; n < larger.size(); n += 3) CHECK_FALSE(loads(larger.substr(0, n)));
}

TEST_CASE("onnx: no bit that is flipped does harm", "[network]") {
    auto const flip_all = [](std::string const& whole, std::size_t step) {
        std::size_t harmless = 0, tried = 0;
        for (std::size_t bit = 0; bit < 8 * whole.size(); bit += step, ++tried) {
            auto flipped = whole;
            flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
            harmless += loads(flipped) ? 1U : 0U;
        }
        return static_cast<double>(harmless) / static_cast<double>(tried);
    };
    CHECK(flip_all(small_model().bytes(), 1) < 0.5);  // values, names, versions
    std::filesystem::path const exported = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/exported";
    CHECK(flip_all(spinet::read_whole(exported / "rnn_dynamic.onnx"), 13) < 0.7);
    CHECK(flip_all(spinet::read_whole(exported / "transformer.onnx"), 997) < 0.9);
}

TEST_CASE("onnx, refused: what the model lacks or has beside its graph", "[network]") {
    auto const says = [](auto change) {
        auto made = small_model();
        change(made);
        return refused(made);
    };
    CHECK_THAT(says([](model& m) { m.proto.clear_graph(); }), ContainsSubstring("holds no graph"));
    CHECK_THAT(says([](model& m) { m.proto.clear_opset_import(); }), ContainsSubstring("names no version"));
    CHECK_THAT(says([](model& m) { m.proto.add_opset_import()->set_version(13); }),
               ContainsSubstring("twice"));
    CHECK_THAT(says([](model& m) { m.proto.mutable_opset_import(0)->set_version(-1); }),
               ContainsSubstring("-1"));
    CHECK_THAT(says([](model& m) { m.proto.add_functions()->set_name("f"); }),
               ContainsSubstring("defines the function 'f'"));
    CHECK_THAT(says([](model& m) { m.graph().add_sparse_initializer(); }), ContainsSubstring("sparse"));
    CHECK_THAT(says([](model& m) { m.graph().clear_output(); }), ContainsSubstring("no output"));
    CHECK_THAT(says([](model& m) { m.graph().mutable_output(0)->set_name("z"); }), ContainsSubstring("'z'"));
    CHECK_THAT(says([](model& m) { m.graph().mutable_output(0)->set_name("fc.bias"); }),
               ContainsSubstring("depends on no input"));
    CHECK_THAT(says([](model& m) { m.graph().clear_input(); }),
               ContainsSubstring("takes 'x', which nothing gives"));
    CHECK_THAT(says([](model& m) {
                   m.add_input("x2");
                   m.graph().mutable_node(0)->set_input(2, "x2");
               }),
               ContainsSubstring("its input 'x2' is no tensor"));
    CHECK_THAT(says([](model& m) { m.graph().mutable_input(0)->mutable_type()->mutable_sequence_type(); }),
               ContainsSubstring("is no tensor"));
    CHECK_THAT(says([](model& m) { m.input_type().set_elem_type(onnx::TensorProto::STRING); }),
               ContainsSubstring("has the type STRING"));
    CHECK_THAT(says([](model& m) { m.input_type().set_elem_type(77); }), ContainsSubstring("number 77"));
}

TEST_CASE("onnx, refused: sizes of the input", "[network]") {
    auto const says = [](sizes const& shape) { return refused(model(shape)); };
    auto const of = [](std::int64_t size) {
        auto made = small_model();
        made.input_type().mutable_shape()->mutable_dim(1)->set_dim_value(size);
        return refused(made);
    };
    CHECK_THAT(of(-5), ContainsSubstring("has a dimension of -5"));
    CHECK_THAT(of(std::numeric_limits<std::int64_t>::max()), ContainsSubstring("has a dimension of"));
    CHECK_THAT(of(std::numeric_limits<std::int64_t>::min()), ContainsSubstring("has a dimension of"));
    CHECK_THAT(of(3), ContainsSubstring("'Gemm y'"));
    CHECK_THAT(of(0), ContainsSubstring("input_shape"));
    CHECK(says({1, std::int64_t{1} << 30, std::int64_t{1} << 30}) != nothing);
    model made({1, 1, 1, 1, 1, 1, 1});
    made.node("Relu", {"x"}, {"y"});
    CHECK_THAT(refused(made), ContainsSubstring("has 7 axes"));
}

TEST_CASE("onnx, refused: tensors", "[network]") {
    using onnx::TensorProto;
    auto const none = [](TensorProto&) {};
    auto const largest = std::numeric_limits<std::int64_t>::max();
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {1, -2}, none),
               ContainsSubstring("tensor 'fc.weight' has a dimension of -2"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {largest, largest}, none),
               ContainsSubstring("too many elements"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {largest}, none), ContainsSubstring("too many elements"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {1 << 20, 1 << 20}, none),
               ContainsSubstring("but 0 are in"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, sizes(40, 1), none),
               ContainsSubstring("has 40 dimensions"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {0, 2}, none), ContainsSubstring("'Gemm y'"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {1, 2}, [](TensorProto& t) { t.set_raw_data("1234567"); }),
               ContainsSubstring("needs 8 bytes, but 7 are in raw_data"));
    CHECK_THAT(
        refused_tensor(TensorProto::FLOAT, {1, 2}, [](TensorProto& t) { t.set_raw_data("123456789"); }),
        ContainsSubstring("but 9 are in raw_data"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {1, 2},
                              [](TensorProto& t) {
                                  t.set_raw_data("12345678");
                                  t.add_float_data(1);
                              }),
               ContainsSubstring("twice"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT, {1, 2},
                              [](TensorProto& t) {
                                  t.add_double_data(1);
                                  t.add_double_data(2);
                              }),
               ContainsSubstring("another type than its own"));
    CHECK_THAT(refused_tensor(TensorProto::DOUBLE, {1, 2},
                              [](TensorProto& t) {
                                  t.add_float_data(1);
                                  t.add_float_data(2);
                              }),
               ContainsSubstring("another type than its own"));
    CHECK_THAT(refused_tensor(TensorProto::FLOAT16, {1, 2},
                              [](TensorProto& t) {
                                  t.add_int32_data(1);
                                  t.add_int32_data(65536);
                              }),
               ContainsSubstring("holds 65536 at index 1 of int32_data"));
    for (int const type :
         {int{TensorProto::STRING}, int{TensorProto::COMPLEX64}, int{TensorProto::UNDEFINED}, 99, -1})
        CHECK_THAT(refused_tensor(type, {1, 2}, none), ContainsSubstring("which is no real number"));
    CHECK_THAT(refused_tensor(TensorProto::INT64, {1, 2},
                              [](TensorProto& t) {
                                  t.add_int64_data(1);
                                  t.add_int64_data(2);
                              }),
               ContainsSubstring("takes as input 1 no constant of real numbers"));
    CHECK_THAT(
        refused_tensor(TensorProto::FLOAT, {1, 2}, [](TensorProto& t) { t.mutable_segment()->set_begin(0); }),
        ContainsSubstring("segment"));
    for (float const bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        auto made = small_model();
        made.graph().mutable_initializer(0)->set_float_data(1, bad);
        CHECK_THAT(refused(made), ContainsSubstring("tensor 'fc.weight' of shape (1, 2) holds ") &&
                                      ContainsSubstring("at (0, 1)"));
    }
}

TEST_CASE("onnx, refused: cycles, missing values, names given twice", "[network]") {
    model cycle({1, 2});
    cycle.node("Add", {"x", "b"}, {"a"});
    cycle.node("Relu", {"a"}, {"b"});
    cycle.node("Relu", {"b"}, {"y"});
    CHECK_THAT(
        refused(cycle),
        ContainsSubstring("node 'Add a' (Add of 'x', 'b') takes 'b', which only node 'Relu b' (Relu of 'a') "
                          "gives, itself or further on: a cycle"));
    model itself({1, 2});
    itself.node("Relu", {"y"}, {"y"});
    CHECK_THAT(refused(itself), ContainsSubstring("a cycle"));
    model missing({1, 2});
    missing.node("Add", {"x", "nothing"}, {"y"});
    CHECK_THAT(refused(missing), ContainsSubstring("takes 'nothing', which nothing gives"));
    model twice({1, 2});
    twice.node("Relu", {"x"}, {"y"});
    twice.node("Tanh", {"x"}, {"y"});
    CHECK_THAT(refused(twice), ContainsSubstring("gives the value 'y' twice"));
    auto stored = small_model();
    stored.floats("fc.bias", {1}, {4});
    CHECK_THAT(refused(stored), ContainsSubstring("gives the value 'fc.bias' twice"));
    auto input = small_model();
    input.add_input("x");
    CHECK_THAT(refused(input), ContainsSubstring("gives the value 'x' twice"));
    auto overwritten = small_model();
    overwritten.graph().mutable_node(0)->add_output("fc.bias");
    CHECK_THAT(refused(overwritten), ContainsSubstring("gives the value 'fc.bias' twice"));
    auto nameless = small_model();
    nameless.floats("", {1}, {4});
    CHECK_THAT(refused(nameless), ContainsSubstring("without a name"));
    auto endless = small_model();
    endless.floats(std::string(1'000'000, 'n'), {1}, {4});
    auto const text = refused(endless);
    CHECK_THAT(text, ContainsSubstring("a name of 1000000 bytes"));
    CHECK(text.size() < 400);
}

TEST_CASE("onnx, refused: nodes", "[network]") {
    auto const says = [](std::string const& op, auto change) {
        model made({1, 2});
        change(made.node(op, {"x"}, {"y"}));
        return refused(made);
    };
    auto const plain = [](onnx::NodeProto&) {};
    CHECK_THAT(says("Einsum", plain), ContainsSubstring("node 'Einsum y' (Einsum of 'x') is not understood"));
    CHECK_THAT(says("Relu", [](auto& n) { n.set_domain("com.microsoft"); }),
               ContainsSubstring("(com.microsoft.Relu of 'x') is not understood"));
    CHECK_THAT(says("Relu", [](auto& n) { with(n, "limit", 6.0F); }),
               ContainsSubstring("has an attribute 'limit', which is not understood"));
    CHECK_THAT(says("Softmax",
                    [](auto& n) {
                        with(n, "axis", std::int64_t{1});
                        with(n, "axis", std::int64_t{1});
                    }),
               ContainsSubstring("'axis' twice"));
    CHECK_THAT(says("Softmax", [](auto& n) { with(n, "axis", 1.0F); }),
               ContainsSubstring("of the wrong type"));
    CHECK_THAT(says("Softmax", [](auto& n) { with(n, "axis", std::int64_t{2}); }),
               ContainsSubstring("names the axis 2 of 2"));
    CHECK_THAT(says("Softmax", [](auto& n) { with(n, "axis", std::numeric_limits<std::int64_t>::min()); }),
               ContainsSubstring("names the axis"));
    CHECK_THAT(
        says("If", [](auto& n) { attribute(n, "then_branch", onnx::AttributeProto::GRAPH).mutable_g(); }),
        ContainsSubstring("holds a graph of its own (attribute 'then_branch')"));
    CHECK_THAT(
        says("Relu", [](auto& n) { attribute(n, "a", onnx::AttributeProto::INT).set_ref_attr_name("b"); }),
        ContainsSubstring("from a function"));
    CHECK_THAT(says("Gemm", plain), ContainsSubstring("lacks its input 1"));
    CHECK_THAT(says("Relu", [](auto& n) { n.clear_output(); }),
               ContainsSubstring("no node gives its output 'y'"));
    for (auto const& inputs : {std::vector<std::string>{"x", ""}, std::vector<std::string>{"x"}}) {
        model lacking({1, 2});
        lacking.node("Add", inputs, {"y"});
        CHECK_THAT(refused(lacking), ContainsSubstring("lacks its input 1"));
    }
    model nowhere({1, 2});
    nowhere.node("Relu", {}, {"y"});
    CHECK_THAT(refused(nowhere), ContainsSubstring("depends on no input"));
}

TEST_CASE("onnx, refused: shapes and indices that are absurd", "[network]") {
    auto const largest = std::numeric_limits<std::int64_t>::max(),
               least = std::numeric_limits<std::int64_t>::min();
    auto const reshaped = [](sizes const& to) {
        model made({1, 4});
        made.integers("s", {static_cast<std::int64_t>(to.size())}, to);
        made.node("Reshape", {"x", "s"}, {"r"});
        made.node("Relu", {"r"}, {"y"});
        return refused(made);
    };
    for (auto const& to : {sizes{-1, -1}, sizes{-2, 2}, sizes{3, -1}, sizes{5}, sizes{largest, largest},
                           sizes{least}, sizes{0, 0, 0}, sizes(100, 1), sizes{0}, sizes{largest, 2, -1}})
        CHECK_THAT(reshaped(to), ContainsSubstring("node 'Reshape r' (Reshape of 'x', 's')"));
    auto const sliced = [](std::int64_t begin, std::int64_t end, std::int64_t axis, std::int64_t step) {
        model made({1, 4, 2});
        made.integers("b", {1}, {begin});
        made.integers("e", {1}, {end});
        made.integers("a", {1}, {axis});
        made.integers("t", {1}, {step});
        made.node("Slice", {"x", "b", "e", "a", "t"}, {"s"});
        made.node("Relu", {"s"}, {"y"});
        return refused(made);
    };
    CHECK_THAT(sliced(3, 1, 1, 1), ContainsSubstring("gives no values"));
    CHECK_THAT(sliced(0, 4, 1, -1), ContainsSubstring("with the step -1"));
    CHECK_THAT(sliced(0, 4, 1, least), ContainsSubstring("with the step"));
    CHECK_THAT(sliced(0, 4, 3, 1), ContainsSubstring("names the axis 3"));
    CHECK(sliced(least, largest, 1, 1) == nothing);
    CHECK(sliced(0, 4, 1, largest) == nothing);
    auto const filled = [](sizes const& to) {
        model made({1, 4});
        made.integers("s", {static_cast<std::int64_t>(to.size())}, to);
        made.node("ConstantOfShape", {"s"}, {"c"});
        made.node("Add", {"x", "c"}, {"y"});
        return refused(made);
    };
    CHECK_THAT(filled({largest, largest}), ContainsSubstring("makes the shape"));
    CHECK_THAT(filled({-1}), ContainsSubstring("'ConstantOfShape c'"));
    CHECK_THAT(filled({1 << 20, 1 << 20, 4}), ContainsSubstring("'Add y'"));
    model weights({1, 1 << 20});  // 2^40 zeros as the weights of a layer
    weights.integers("s", {2}, {1 << 20, 1 << 20});
    weights.node("ConstantOfShape", {"s"}, {"c"});
    weights.node("MatMul", {"x", "c"}, {"y"});
    CHECK_THAT(refused(weights), ContainsSubstring("too much memory"));
    model range({1, 4});
    range.integers("a", {}, {0});
    range.integers("b", {}, {largest});
    range.integers("c", {}, {1});
    range.node("Range", {"a", "b", "c"}, {"r"});
    range.node("Reshape", {"x", "r"}, {"y"});
    CHECK_THAT(refused(range), ContainsSubstring("'Range r'"));
    model zero({1, 4});
    zero.integers("a", {1}, {least});
    zero.integers("b", {1}, {-1});
    zero.integers("c", {1}, {0});
    auto& node = zero.node("Div", {"a", "b"}, {"s"});
    zero.node("Reshape", {"x", "s"}, {"y"});
    CHECK_THAT(refused(zero), ContainsSubstring("beyond 2^31"));
    node.set_input(1, "c");
    CHECK_THAT(refused(zero), ContainsSubstring("divides by 0"));
    model window({1, 1, 4});
    auto& pool = window.node("MaxPool", {"x"}, {"y"});
    with(pool, "kernel_shape", sizes{largest});
    CHECK_THAT(refused(window), ContainsSubstring("kernel_shape"));
    pool.mutable_attribute(0)->set_ints(0, 1'000'000'000);
    CHECK_THAT(refused(window), ContainsSubstring("its window does not fit"));
    with(pool, "pads", sizes{1'000'000'000, 1'000'000'000});
    CHECK(refused(window) != "x");
}

TEST_CASE("onnx, refused: bombs", "[network]") {
    // two bytes each in the file, hundreds in memory: nodes, attributes, dimensions, in graphs and out of
    // them
    std::string const node = block(1, ""), attribute = block(5, ""), opset = block(8, "");
    for (auto const& bytes :
         {block(7, repeated(node, 1'000'000)), block(7, block(1, repeated(attribute, 1'000'000))),
          repeated(opset, 1'000'000), repeated(block(25, ""), 1'000'000),
          block(7, repeated(block(11, ""), 1'000'000)), repeated(block(30, ""), 1'000'000)})
        CHECK_THAT(refused(bytes), ContainsSubstring("bytes of memory, too many for a file of") ||
                                       ContainsSubstring("is no ONNX model"));
    // one byte each in the file, eight in memory
    CHECK_THAT(refused(block(7, block(5, block(7, std::string(5'000'000, '\1'))))),
               ContainsSubstring("bytes of memory, too many"));
    // graphs within attributes within nodes within graphs
    std::string deep;
    for (int k = 0; k < 10'000; ++k) deep = block(1, block(5, block(6, deep)));
    CHECK_THAT(refused(block(7, deep)), ContainsSubstring("deeper than 100"));
    std::string group(1'000'000, '\x0B');  // a group in a group in a group
    CHECK_THAT(refused(group), ContainsSubstring("is no ONNX model"));
    // a weight that is copied by every one of many nodes
    model copies({1, 300});
    copies.floats("w", {300, 300}, std::vector<float>(90'000, 0.5F));
    for (int k = 0; k < 2000; ++k)
        copies.node("MatMul", {k == 0 ? "x" : "v" + std::to_string(k), "w"},
                    {k == 1999 ? "y" : "v" + std::to_string(k + 1)});
    CHECK_THAT(refused(copies), ContainsSubstring("too much memory"));
    // and one that every node looks at
    model shared({1, 300});
    shared.floats("s", {300}, std::vector<float>(300, 0.5F));
    for (int k = 0; k < 20'000; ++k)
        shared.node("Add", {k == 0 ? "x" : "v" + std::to_string(k), "s"},
                    {k == 19'999 ? "y" : "v" + std::to_string(k + 1)});
    CHECK(refused(shared).size() < 1000);
    // integers that double, node by node
    model doubling({1, 4});
    doubling.integers("v0", {1}, {1});
    for (int k = 0; k < 60; ++k) {
        auto const from = "v" + std::to_string(k);
        with(doubling.node("Concat", {from, from}, {"v" + std::to_string(k + 1)}), "axis", std::int64_t{0});
    }
    doubling.node("Reshape", {"x", "v60"}, {"y"});
    CHECK_THAT(refused(doubling), ContainsSubstring("too many integers"));
}

TEST_CASE("onnx, refused: axes that grow, node by node", "[network]") {
    model made({1, 4});
    made.integers("a", {1}, {0});
    for (int k = 0; k < 100; ++k)
        made.node("Unsqueeze", {k == 0 ? "x" : "v" + std::to_string(k), "a"},
                  {k == 99 ? "y" : "v" + std::to_string(k + 1)});
    CHECK_THAT(refused(made), ContainsSubstring("makes too large an array"));
}
