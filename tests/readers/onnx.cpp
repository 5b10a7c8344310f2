// SPDX-License-Identifier: BSD-3-Clause
/// ONNX models: those that PyTorch exported compute what PyTorch computed, and each operation is what it
/// says.
#include "onnx_models.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/onnx/onnx.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <tuple>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::activation_kind;
using spinet::onnx_model;

namespace {

std::filesystem::path const exported = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/exported";

nlohmann::json reference_of(std::string const& name) {
    std::ifstream file(exported / (name + ".reference.json"));
    return nlohmann::json::parse(file);
}

/// As docs/studies/exported/export.py has it.
numbers example_input(nlohmann::json const& reference) {
    std::size_t count = 1;
    for (auto const& size : reference["input"]["shape"]) count *= size.get<std::size_t>();
    numbers x;
    for (std::size_t k = 0; k < count; ++k)
        x.push_back(reference["input"]["rule"] == "tokens"
                        ? static_cast<double>((7 * k + 3) % reference["input"]["words"].get<std::size_t>())
                        : std::sin(static_cast<double>(k + 1)));
    return x;
}

double sum_of(numbers const& values) {
    double sum = 0;
    for (auto const x : values) sum += x;
    return sum;
}

/// Every tensor whose name the state dict knows has its shape, its sum and its first values.
std::size_t check_tensors(spinet::network const& net, nlohmann::json const& tensors) {
    std::size_t known = 0;
    for (auto const& node : net.nodes()) {
        for (auto const* each : spinet::detail::onnx_reading::tensors_of(node.op)) {
            auto const at = tensors.find(each->name());
            if (at == tensors.end() || (*at)["shape"] != each->shape()) continue;
            ++known;
            auto const values = numbers_of(*each);
            CAPTURE(each->name());
            CHECK(std::abs(sum_of(values) - (*at)["sum"].get<double>()) < 1e-9);
            auto const first = (*at)["first"].get<numbers>();
            CHECK(std::equal(first.begin(), first.end(), values.begin()));
        }
    }
    return known;
}

/// Results of nodes that bear a module's name.
std::size_t check_values(std::map<std::string, evaluated, std::less<>> const& results,
                         nlohmann::json const& values) {
    std::size_t known = 0;
    for (auto const& [name, result] : results) {
        auto const at = values.find(name);
        if (at == values.end()) continue;
        ++known;
        CAPTURE(name);
        REQUIRE((*at)["shape"] == result.shape);
        numbers some;
        for (std::size_t k = 0; k < result.values.size(); k += (*at)["every"].get<std::size_t>())
            some.push_back(result.values[k]);
        check_close(some, (*at)["values"].get<numbers>());
    }
    return known;
}

/// The numbers of tensors and of nodes that were compared, and the network.
std::tuple<std::size_t, std::size_t, spinet::network> compare(std::string const& file,
                                                              std::string const& name) {
    CAPTURE(file);
    auto net = spinet::load_network(exported / (file + ".onnx"), spinet::safetensors{}, onnx_model{});
    auto const reference = reference_of(name);
    auto const results = evaluate(net, example_input(reference));
    check_close(results.find(net.nodes().back().name)->second.values, reference["output"].get<numbers>());
    std::size_t tensors = 0, values = 0;
    if (reference.contains("tensors")) tensors = check_tensors(net, reference["tensors"]);
    if (reference.contains("values")) values = check_values(results, reference["values"]);
    return {tensors, values, std::move(net)};
}

template <class Op>
std::size_t count_of(spinet::network const& net) {
    return static_cast<std::size_t>(std::count_if(
        net.nodes().begin(), net.nodes().end(), [](auto const& node) { return node.op.template is<Op>(); }));
}

}  // namespace

TEST_CASE("onnx: what PyTorch exported computes what PyTorch computed", "[network]") {
    CHECK(std::get<0>(compare("mlp", "mlp")) == 6);
    auto const [tensors, values, lenet] = compare("lenet", "lenet");
    CHECK(tensors == 10);
    CHECK(values == 5);
    CHECK(count_of<spinet::convolution>(lenet) == 2);
    CHECK(count_of<spinet::flatten>(lenet) == 1);
    CHECK(noted(lenet, "'/pool2/Pad'"));
    auto const folded = std::get<2>(compare("resnet_block", "resnet_block"));
    CHECK(count_of<spinet::addition>(folded) == 2);
    CHECK(count_of<spinet::batch_normalisation>(folded) == 0);
    auto const unfolded = compare("resnet_block_unfolded", "resnet_block");
    CHECK(std::get<0>(unfolded) == 32);
    CHECK(std::get<1>(unfolded) == 13);
    CHECK(count_of<spinet::batch_normalisation>(std::get<2>(unfolded)) == 6);
}

TEST_CASE("onnx: recurrent networks that PyTorch exported", "[network]") {
    auto const lstm = std::get<2>(compare("lstm", "lstm"));
    CHECK(count_of<spinet::recurrent>(lstm) == 2);
    CHECK(last<spinet::recurrent>(lstm).kind == spinet::recurrent_kind::lstm);
    CHECK(last<spinet::recurrent>(lstm).units() == 7);
    CHECK_FALSE(last<spinet::select_step>(lstm).index.has_value());
    auto const gru = std::get<2>(compare("gru", "gru"));
    CHECK(last<spinet::recurrent>(gru).kind == spinet::recurrent_kind::gru);
    CHECK(noted(gru, "second axis"));  // steps come first
    CHECK(std::get<1>(compare("rnn", "rnn")) == 1);
    CHECK(std::get<1>(compare("rnn_dynamic", "rnn")) == 1);
}

TEST_CASE("onnx: the gates are those of the state dict", "[network]") {
    for (std::string const kind : {"lstm", "gru", "rnn"}) {
        CAPTURE(kind);
        auto const tensors = reference_of(kind)["tensors"];
        auto const net = onnx_model{}(exported / (kind + ".onnx"));
        std::size_t layer = 0;
        for (auto const& node : net.nodes()) {
            auto const* cell = node.op.get_if<spinet::recurrent>();
            if (cell == nullptr) continue;
            auto const end = "_l" + std::to_string(layer++);
            for (auto const& [name, found] : {std::pair(kind + ".weight_ih" + end, cell->input_weight),
                                              std::pair(kind + ".weight_hh" + end, cell->hidden_weight),
                                              std::pair(kind + ".bias_ih" + end, *cell->input_bias),
                                              std::pair(kind + ".bias_hh" + end, *cell->hidden_bias)}) {
                CAPTURE(name);
                CHECK(tensors[name]["shape"] == found.shape());
                auto const values = numbers_of(found);
                CHECK(std::abs(sum_of(values) - tensors[name]["sum"].get<double>()) < 1e-9);
            }
        }
        CHECK(layer == (kind == "lstm" ? 2 : 1));
    }
}

TEST_CASE("onnx: transformers that PyTorch exported", "[network]") {
    auto const plain = compare("transformer", "transformer");
    auto const& net = std::get<2>(plain);
    CHECK(std::get<1>(plain) == 12);  // embedding, head and five parts of each layer
    CHECK(count_of<spinet::attention>(net) == 2);
    CHECK(count_of<spinet::layer_normalisation>(net) == 4);
    auto const* heads = net.find("encoder.layers.0.self_attn")->op.get_if<spinet::attention>();
    REQUIRE(heads != nullptr);
    CHECK(heads->heads == 2);
    CHECK_FALSE(heads->causal);
    CHECK(heads->query.weight.shape() == std::vector<std::size_t>{8, 8});
    CHECK(net.find("positions")->op.get_if<spinet::offset>()->values.shape() ==
          std::vector<std::size_t>{6, 8});
    // in_proj_weight is those of queries, keys and values, one below the other
    auto const stacked = reference_of("transformer")["tensors"]["encoder.layers.0.self_attn.in_proj_weight"];
    numbers const query = numbers_of(heads->query.weight), first = stacked["first"].get<numbers>();
    CHECK(std::equal(first.begin(), first.end(), query.begin()));
    CHECK(std::abs(sum_of(query) + sum_of(numbers_of(heads->key.weight)) +
                   sum_of(numbers_of(heads->value.weight)) - stacked["sum"].get<double>()) < 1e-9);
    auto const causal = std::get<2>(compare("transformer_causal", "transformer_causal"));
    CHECK(last<spinet::attention>(causal).causal);
    CHECK(causal.find("/encoder/layers.0/Mul")->op.get_if<spinet::activation>()->kind ==
          activation_kind::gelu);
}

TEST_CASE("onnx: a multilayer perceptron is the same chain as from safetensors, bit for bit", "[network]") {
    auto const expected = dense_chain(spinet::load_network(exported / "mlp.safetensors"));
    auto const chain = dense_chain(onnx_model{}(exported / "mlp.onnx"));
    REQUIRE(chain.size() == expected.size());
    for (std::size_t l = 0; l < chain.size(); ++l) {
        CHECK(chain[l].name == expected[l].name);
        CHECK(chain[l].weight.type() == expected[l].weight.type());
        CHECK(chain[l].weight.name() == expected[l].weight.name());
        CHECK(std::ranges::equal(chain[l].weight.bytes(), expected[l].weight.bytes()));
        CHECK(std::ranges::equal(chain[l].bias->bytes(), expected[l].bias->bytes()));
        CHECK(chain[l].activation ==
              (l + 1 < chain.size() ? activation_kind::relu : activation_kind::identity));
    }
}

TEST_CASE("onnx: Gemm with factors, MatMul with and without Add", "[network]") {
    // y = 2 (x W) + 3 c, W of shape (in, out)
    one_node gemm({1, 2}, "Gemm", {"x", "w", "c"});
    gemm.made.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
    gemm.made.floats("c", {1}, {10});
    with(gemm.node, "alpha", 2.0F);
    with(gemm.node, "beta", 3.0F);
    CHECK(result_of(read(gemm.made), {1, 2}) == numbers{48, 54, 60});
    one_node transposed({1, 2}, "Gemm", {"x", "w"});
    transposed.made.floats("w", {2, 2}, {1, 2, 3, 4});
    with(transposed.node, "transA", std::int64_t{1});
    CHECK_THAT(refused(transposed.made), ContainsSubstring("'Gemm y' (Gemm of 'x', 'w')"));

    one_node bare({1, 2}, "MatMul", {"x", "w"});
    bare.made.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
    auto const net = read(bare.made);
    CHECK_FALSE(last<spinet::dense>(net).bias.has_value());
    CHECK(numbers_of(last<spinet::dense>(net).weight) == numbers{1, 4, 2, 5, 3, 6});
    CHECK(result_of(net, {1, 2}) == numbers{9, 12, 15});
    for (bool const first : {false, true}) {  // of a sequence, too
        model made({1, 4, 2});
        made.floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
        made.floats("layer.bias", {3}, {1, 0, -1});
        made.node("MatMul", {"x", "w"}, {"m"});
        made.node(
            "Add",
            first ? std::vector<std::string>{"layer.bias", "m"} : std::vector<std::string>{"m", "layer.bias"},
            {"y"});
        auto const sum = read(made);
        REQUIRE(sum.nodes().size() == 2);
        CHECK(sum.nodes()[1].name == "layer");
        CHECK(result_of(sum, {1, 2, 0, 0, 0, 1, -1, 0}) == numbers{10, 12, 14, 1, 0, -1, 5, 5, 5, 0, -2, -4});
    }
    model channels({1, 3, 2, 2});  // MatMul on the last axis of an image
    channels.floats("w", {2, 2}, {1, 2, 3, 4});
    channels.node("MatMul", {"x", "w"}, {"y"});
    CHECK(result_of(read(channels), {1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 0, 0}) ==
          numbers{1, 2, 3, 4, 4, 6, 2, 4, 6, 8, 0, 0});
}

TEST_CASE("onnx: every type of element and place for it", "[network]") {
    numbers const expected{1, -2, 0.5, 4, 0, 8};
    auto const loaded = [](int type, auto fill) {
        one_node dense({1, 3}, "Gemm", {"x", "fc.weight"});
        with(dense.node, "transB", std::int64_t{1});
        fill(dense.made.tensor("fc.weight", {2, 3}, type));
        return numbers_of(last<spinet::dense>(read(dense.made)).weight);
    };
    std::vector<float> const floats{1, -2, 0.5F, 4, 0, 8};
    std::vector<double> const doubles{1, -2, 0.5, 4, 0, 8};
    std::vector<std::uint16_t> const halves{0x3C00, 0xC000, 0x3800, 0x4400, 0, 0x4800},
        uppers{0x3F80, 0xC000, 0x3F00, 0x4080, 0, 0x4100};
    using onnx::TensorProto;
    auto const raw = [](auto const& values) {
        return [&](TensorProto& to) { to.set_raw_data(bytes_of(values)); };
    };
    auto const as_ints = [](auto const& values) {
        return [&](TensorProto& to) {
            for (auto const x : values) to.add_int32_data(x);
        };
    };
    CHECK(loaded(TensorProto::FLOAT, raw(floats)) == expected);
    CHECK(loaded(TensorProto::DOUBLE, raw(doubles)) == expected);
    CHECK(loaded(TensorProto::FLOAT16, raw(halves)) == expected);
    CHECK(loaded(TensorProto::BFLOAT16, raw(uppers)) == expected);
    CHECK(loaded(TensorProto::FLOAT16, as_ints(halves)) == expected);
    CHECK(loaded(TensorProto::BFLOAT16, as_ints(uppers)) == expected);
    CHECK(loaded(TensorProto::FLOAT, [&](TensorProto& to) {
              to.mutable_float_data()->Assign(floats.begin(), floats.end());
          }) == expected);
    CHECK(loaded(TensorProto::DOUBLE, [&](TensorProto& to) {
              to.mutable_double_data()->Assign(doubles.begin(), doubles.end());
          }) == expected);
}

TEST_CASE("onnx: weights as constants in nodes and as inputs of the graph", "[network]") {
    auto made = small_model();
    auto const expected = numbers{2 * 5 - 7 + 3};
    CHECK(result_of(read(made), {5, 7}) == expected);
    made.add_input("fc.weight");
    made.add_input("fc.bias");
    CHECK(result_of(read(made), {5, 7}) == expected);
    model nodes({1, 2});
    auto& constant = nodes.node("Constant", {}, {"w"});
    auto& tensor = *attribute(constant, "value", onnx::AttributeProto::TENSOR).mutable_t();
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (int const size : {1, 2}) tensor.add_dims(size);
    for (float const x : {2.0F, -1.0F}) tensor.add_float_data(x);
    auto& list = attribute(nodes.node("Constant", {}, {"b"}), "value_floats", onnx::AttributeProto::FLOATS);
    list.add_floats(3);
    with(nodes.node("Gemm", {"x", "w", "b"}, {"y"}), "transB", std::int64_t{1});
    auto const net = read(nodes);
    CHECK(result_of(net, {5, 7}) == expected);
    CHECK(net.nodes().back().name == "Gemm y");
}

TEST_CASE("onnx: external files", "[network]") {
    temporary_directory const place;
    auto made = small_model();
    auto& weight = *made.graph().mutable_initializer(0);
    weight.clear_float_data();
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    auto const entry = [&](std::string const& key, std::string const& value) {
        for (auto& each : *weight.mutable_external_data())
            if (each.key() == key) return each.set_value(value);
        auto& added = *weight.add_external_data();
        added.set_key(key);
        added.set_value(value);
    };
    entry("location", "weights.bin");
    entry("offset", "4");
    entry("length", "8");
    (void)place.write("weights.bin", bytes_of<float>({9, 2, -1, 9}));
    auto const load = [&] { return onnx_model{}(place.write("made.onnx", made.bytes())); };
    CHECK(result_of(load(), {5, 7}) == numbers{6});
    auto const says = [&] {
        auto const path = place.write("made.onnx", made.bytes());
        return refusal(path, [&] { (void)onnx_model{}(path); });
    };
    entry("length", "9");
    CHECK_THAT(says(),
               ContainsSubstring(
                   "tensor 'fc.weight' of shape (1, 2) needs 8 bytes, but its external length is '9'"));
    entry("length", "8");
    entry("offset", "12");
    CHECK_THAT(says(), ContainsSubstring("has 16"));
    entry("offset", "17");
    CHECK_THAT(says(), ContainsSubstring("behind the end"));
    for (std::string const bad : {"-1", "x", "", "18446744073709551616", "4 "}) {
        entry("offset", bad);
        CHECK_THAT(says(), ContainsSubstring("gives the offset of its external file as '" + bad + "'"));
    }
    entry("offset", "4");
    for (std::string const bad : {"../weights.bin", "/etc/passwd", "..", ".", "", "a/weights.bin", "a\\b"}) {
        entry("location", bad);
        CHECK_THAT(says(), ContainsSubstring("not a plain file name"));
    }
    entry("location", "none.bin");
    CHECK_THAT(error_of([&] { (void)load(); }), ContainsSubstring("none.bin: no such file"));
    entry("location", "weights.bin");
    weight.set_raw_data("12345678");
    CHECK_THAT(says(), ContainsSubstring("holds data beside its external file"));
}

TEST_CASE("onnx: weights in external files may be larger than the model by any factor", "[network]") {
    temporary_directory const place;
    one_node dense({1, 3000}, "MatMul", {"x", "w"});
    auto& weight = dense.made.tensor("w", {3000, 3000}, onnx::TensorProto::FLOAT);
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& entry = *weight.add_external_data();
    entry.set_key("location");
    entry.set_value("w.bin");
    std::vector<float> values(9'000'000);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(k % 1000);
    (void)place.write("w.bin", bytes_of(values));
    auto const net = onnx_model{}(place.write("made.onnx", dense.made.bytes()));
    auto const found = numbers_of(last<spinet::dense>(net).weight);
    CHECK(found[3000 * 7 + 2] == static_cast<double>((3000 * 2 + 7) % 1000));
}

TEST_CASE("onnx: convolutions", "[network]") {
    // (1, 5) with the kernel (1, 10, 100), by hand
    auto const convolved = [](auto change) {
        one_node windows({1, 1, 5}, "Conv", {"x", "w"});
        windows.made.floats("w", {1, 1, 3}, {1, 10, 100});
        change(windows.node);
        return result_of(read(windows.made), {1, 2, 3, 4, 5});
    };
    CHECK(convolved([](auto&) {}) == numbers{321, 432, 543});
    CHECK(convolved([](auto& node) { with(node, "pads", sizes{2, 0}); }) == numbers{100, 210, 321, 432, 543});
    CHECK(convolved([](auto& node) { with(node, "strides", sizes{2}); }) == numbers{321, 543});
    CHECK(convolved([](auto& node) { with(node, "dilations", sizes{2}); }) == numbers{531});
    CHECK(convolved([](auto& node) { with(node, "auto_pad", "VALID"); }) == numbers{321, 432, 543});
    // SAME gives ceil(5 / 2) = 3 positions, with 2 zeros in all
    auto const same = [](char const* rule) {
        return [rule](auto& node) {
            with(node, "auto_pad", rule);
            with(node, "strides", sizes{2});
        };
    };
    CHECK(convolved(same("SAME_UPPER")) == numbers{210, 432, 54});
    CHECK(convolved(same("SAME_LOWER")) == numbers{210, 432, 54});
    // an even kernel shows which side gets more: 1 zero, behind or before
    auto const even = [](char const* rule) {
        one_node windows({1, 1, 3}, "Conv", {"x", "w"});
        windows.made.floats("w", {1, 1, 2}, {1, 10});
        with(windows.node, "auto_pad", rule);
        return result_of(read(windows.made), {1, 2, 3});
    };
    CHECK(even("SAME_UPPER") == numbers{21, 32, 3});
    CHECK(even("SAME_LOWER") == numbers{10, 21, 32});
    // two axes, two groups, a bias; pads as (top, left, bottom, right)
    one_node image({1, 2, 2, 2}, "Conv", {"x", "c.weight", "c.bias"});
    image.made.floats("c.weight", {2, 1, 2, 2}, {1, 10, 100, 1000, 1, 1, 1, 1});
    image.made.floats("c.bias", {2}, {0.5, -1});
    with(image.node, "group", std::int64_t{2});
    with(image.node, "pads", sizes{1, 0, 0, 0});
    with(image.node, "kernel_shape", sizes{2, 2});
    auto const net = read(image.made);
    CHECK(net.nodes().back().name == "c");
    CHECK(result_of(net, {1, 2, 3, 4, 1, 1, 1, 1}) == numbers{2100.5, 4321.5, 1, 3});
    with(image.node, "auto_pad", "NEAREST");
    CHECK_THAT(refused(image.made), ContainsSubstring("unknown auto_pad 'NEAREST'"));
    one_node wrong({1, 2, 2, 2}, "Conv", {"x", "w"});
    wrong.made.floats("w", {1, 3, 1, 1}, {1, 1, 1});
    CHECK_THAT(refused(wrong.made), ContainsSubstring("3 channels"));
}

TEST_CASE("onnx: pooling", "[network]") {
    auto const pooled = [](std::string const& op, auto change) {
        one_node windows({1, 1, 5}, op);
        with(windows.node, "kernel_shape", sizes{2});
        change(windows.node);
        return result_of(read(windows.made), {1, 5, 2, 4, 3});
    };
    auto const plain = [](auto&) {};
    CHECK(pooled("MaxPool", plain) == numbers{5, 5, 4, 4});
    CHECK(pooled("AveragePool", plain) == numbers{3, 3.5, 3, 3.5});
    auto const strided = [](auto& node) { with(node, "strides", sizes{2}); };
    CHECK(pooled("MaxPool", strided) == numbers{5, 4});
    auto const padded = [](auto& node) {
        with(node, "strides", sizes{2});
        with(node, "pads", sizes{1, 0});
    };
    CHECK(pooled("AveragePool", padded) == numbers{1, 3.5, 3.5});
    CHECK(pooled("AveragePool", [&](auto& node) {
              padded(node);
              with(node, "count_include_pad", std::int64_t{1});
          }) == numbers{0.5, 3.5, 3.5});
    CHECK(pooled("MaxPool", [&](auto& node) {  // 6 positions are whole windows of stride 2
              padded(node);
              with(node, "ceil_mode", std::int64_t{1});
          }) == numbers{1, 5, 4});
    one_node up({1, 1, 5}, "MaxPool");
    with(up.node, "kernel_shape", sizes{2});
    with(up.node, "strides", sizes{2});
    with(up.node, "ceil_mode", std::int64_t{1});
    CHECK(result_of(read(up.made), {1, 5, 2, 4, 3}) == numbers{5, 4, 3});
    up.node.set_op_type("AveragePool");  // zeros outside are not counted, unless asked for
    CHECK(result_of(read(up.made), {1, 5, 2, 4, 3}) == numbers{3, 3, 3});
    with(up.node, "count_include_pad", std::int64_t{1});
    CHECK_THAT(refused(up.made), ContainsSubstring("ceil_mode"));
    // padding by a node of its own counts; what PyTorch writes for count_include_pad
    model made({1, 1, 5});
    made.integers("pads", {6}, {0, 0, 1, 0, 0, 0});
    made.node("Pad", {"x", "pads"}, {"p"});
    auto& pool = made.node("AveragePool", {"p"}, {"y"});
    with(pool, "kernel_shape", sizes{2});
    with(pool, "strides", sizes{2});
    CHECK(result_of(read(made), {1, 5, 2, 4, 3}) == numbers{0.5, 3.5, 3.5});
    pool.set_op_type("MaxPool");
    CHECK_THAT(refused(made), ContainsSubstring("pools zeros"));
    pool.set_op_type("Relu");
    pool.clear_attribute();
    CHECK_THAT(refused(made), ContainsSubstring("'Pad p' (Pad of 'x', 'pads') is padding"));
    CHECK(result_of(read(one_node({1, 2, 2, 2}, "GlobalMaxPool").made), {1, 2, 3, 4, 8, 7, 6, 5}) ==
          numbers{4, 8});
    CHECK(result_of(read(one_node({1, 2, 2, 2}, "GlobalAveragePool").made), {1, 2, 3, 4, 8, 7, 6, 5}) ==
          numbers{2.5, 6.5});
    one_node mean({1, 2, 2, 2}, "ReduceMean");  // the same, spelt out
    with(mean.node, "axes", sizes{-1, 2});
    with(mean.node, "keepdims", std::int64_t{0});
    CHECK(result_of(read(mean.made), {1, 2, 3, 4, 8, 7, 6, 5}) == numbers{2.5, 6.5});
}

TEST_CASE("onnx: normalisation", "[network]") {
    one_node batch({1, 2, 1, 2}, "BatchNormalization", {"x", "s", "b", "m", "v"});
    batch.made.floats("s", {2}, {2, 1});
    batch.made.floats("b", {2}, {1, 0});
    batch.made.floats("m", {2}, {1, 2});
    batch.made.floats("v", {2}, {3, 15});
    with(batch.node, "epsilon", 1.0F);
    CHECK(result_of(read(batch.made), {1, 3, 2, 6}) == numbers{1, 3, 0, 1});
    with(batch.node, "training_mode", std::int64_t{1});
    CHECK_THAT(refused(batch.made), ContainsSubstring("as in training"));
    // rows with mean 2 and variance 1, or mean 0 and variance 4
    one_node layer({1, 2, 2}, "LayerNormalization", {"x", "s"}, 17);
    layer.made.floats("s", {2}, {1, 10});
    with(layer.node, "epsilon", 0.0F);
    CHECK(result_of(read(layer.made), {1, 3, 2, -2}) == numbers{-1, 10, 1, -10});
    with(layer.node, "axis", std::int64_t{1});
    CHECK_THAT(refused(layer.made), ContainsSubstring("more than the last axis"));
}

TEST_CASE("onnx: layer normalisation spelt out, and what looks like it", "[network]") {
    auto const spelt = [](std::string const& mean_of, std::string const& power,
                          std::string const& spread_of) {
        model made({1, 2, 2});
        made.floats("two", {}, {2});
        made.floats("three", {}, {3});
        made.floats("e", {}, {0.5});
        made.floats("s", {2}, {1, 10});
        made.node("Relu", {"x"}, {"r"});
        with(made.node("ReduceMean", {mean_of}, {"m"}), "axes", sizes{-1});
        made.node("Sub", {"x", "m"}, {"c"});
        made.node("Pow", {"c", power}, {"q"});
        with(made.node("ReduceMean", {spread_of}, {"v"}), "axes", sizes{2});
        made.node("Add", {"v", "e"}, {"ve"});
        made.node("Sqrt", {"ve"}, {"d"});
        made.node("Div", {"c", "d"}, {"n"});
        made.node("Mul", {"s", "n"}, {"y"});
        return made;
    };
    auto const net = read(spelt("x", "two", "q"));
    REQUIRE(net.nodes().size() == 2);
    auto const& op = last<spinet::layer_normalisation>(net);
    CHECK(op.epsilon == 0.5);
    CHECK(numbers_of(*op.scale) == numbers{1, 10});
    CHECK_FALSE(op.shift.has_value());
    CHECK_THAT(refused(spelt("r", "two", "q")), ContainsSubstring("'Sub c'"));
    CHECK_THAT(refused(spelt("x", "three", "q")), ContainsSubstring("'Pow q'"));
    CHECK_THAT(refused(spelt("x", "two", "c")), ContainsSubstring("'Sqrt d'"));
}

TEST_CASE("onnx: activations", "[network]") {
    for (auto const& [op, kind] :
         {std::pair("Relu", activation_kind::relu), std::pair("Tanh", activation_kind::tanh),
          std::pair("Sigmoid", activation_kind::sigmoid), std::pair("Softplus", activation_kind::softplus),
          std::pair("Softmax", activation_kind::softmax),
          std::pair("LogSoftmax", activation_kind::log_softmax), std::pair("Gelu", activation_kind::gelu)}) {
        CAPTURE(op);
        auto const net = read(one_node({1, 3}, op).made);
        CHECK(last<spinet::activation>(net).kind == kind);
        CHECK(net.notes().empty());
    }
    one_node leaky({1, 3}, "LeakyRelu");
    with(leaky.node, "alpha", 0.25F);
    auto const net = read(leaky.made);
    CHECK(last<spinet::activation>(net).kind == activation_kind::unspecified);
    CHECK(noted(net, "'LeakyRelu y' (LeakyRelu of 'x') is a function that no activation_kind names"));
    CHECK(noted(net, "alpha 0.25"));
    one_node other({1, 3, 2}, "Softmax");
    with(other.node, "axis", std::int64_t{1});
    CHECK_THAT(refused(other.made), ContainsSubstring("another axis than the last"));
}

TEST_CASE("onnx: SiLU and GELU spelt out", "[network]") {
    model silu({1, 3});
    silu.node("Sigmoid", {"x"}, {"s"});
    silu.node("Mul", {"x", "s"}, {"y"});
    auto const net = read(silu);
    REQUIRE(net.nodes().size() == 2);
    CHECK(last<spinet::activation>(net).kind == activation_kind::silu);
    // x/sqrt 2 as quotient or product; the half before, after, or on the other factor
    for (int const form : {0, 1, 2}) {
        model made({1, 3});
        made.floats("root", {}, {std::sqrt(2.0F)});
        made.floats("inverse", {}, {std::sqrt(0.5F)});
        made.floats("one", {}, {1});
        made.floats("half", {}, {0.5});
        made.node(form == 0 ? "Div" : "Mul", {"x", form == 0 ? "root" : "inverse"}, {"a"});
        made.node("Erf", {"a"}, {"e"});
        made.node("Add", {"e", "one"}, {"p"});
        made.node("Mul", {form == 1 ? "x" : form == 0 ? "x" : "p", "half"}, {"h"});
        if (form == 2) {
            made.node("Mul", {"x", "h"}, {"y"});
        } else if (form == 1) {
            made.node("Mul", {"h", "p"}, {"y"});
        } else {
            made.node("Mul", {"x", "p"}, {"m"});
            made.node("Mul", {"m", "half"}, {"y"});
        }
        auto const gelu = read(made);
        REQUIRE(gelu.nodes().size() == 2);
        CHECK(last<spinet::activation>(gelu).kind == activation_kind::gelu);
        made.graph().mutable_initializer(form == 0 ? 0 : 1)->set_float_data(0, 1.5F);
        auto const other = read(made);
        CHECK(last<spinet::activation>(other).kind == activation_kind::unspecified);
        CHECK(noted(other, "a function of each value, which no activation_kind names"));
    }
    model half({1, 3});
    half.floats("half", {}, {0.5});
    half.node("Mul", {"x", "half"}, {"y"});
    CHECK(result_of(read(half), {1, 2, 3}) == numbers{0.5, 1, 1.5});
    model gated({1, 3});  // of two functions of different values
    gated.node("Softmax", {"x"}, {"s"});
    gated.node("Mul", {"x", "s"}, {"y"});
    CHECK_THAT(refused(gated), ContainsSubstring("multiplies two computed values"));
}

TEST_CASE("onnx: sums", "[network]") {
    model residual({1, 2});
    residual.node("Relu", {"x"}, {"r"});
    residual.node("Add", {"r", "x"}, {"y"});
    CHECK(result_of(read(residual), {1, -3}) == numbers{2, -3});
    for (auto const& shape : {sizes{2, 2}, sizes{1, 2, 2}}) {
        one_node positions({1, 2, 2}, "Add", {"x", "p"});
        positions.made.floats("p", shape, {1, 2, 3, 4});
        CHECK(result_of(read(positions.made), {1, 1, 1, 1}) == numbers{2, 3, 4, 5});
    }
    one_node last_axis({1, 2, 2}, "Add", {"p", "x"});
    last_axis.made.floats("p", {2}, {1, 2});
    CHECK(result_of(read(last_axis.made), {1, 1, 1, 1}) == numbers{2, 3, 2, 3});
    one_node number({1, 2}, "Sub", {"x", "p"});
    number.made.floats("p", {}, {3});
    CHECK(result_of(read(number.made), {1, 4}) == numbers{-2, 1});
    one_node first_axis({1, 2, 3}, "Add", {"x", "p"});
    first_axis.made.floats("p", {2, 1}, {1, 2});
    CHECK(result_of(read(first_axis.made), {1, 1, 1, 1, 1, 1}) == numbers{2, 2, 2, 3, 3, 3});
    model unequal({1, 2, 2});
    with(unequal.node("Transpose", {"x"}, {"t"}), "perm", sizes{0, 2, 1});
    unequal.node("Add", {"x", "t"}, {"y"});
    CHECK_THAT(refused(unequal), ContainsSubstring("'Add y'"));
    model bias({1, 1, 2, 2});  // of channels, after a convolution without one
    bias.floats("w", {2, 1, 1, 1}, {1, -1});
    bias.floats("b", {2, 1, 1}, {10, 20});
    bias.node("Conv", {"x", "w"}, {"c"});
    bias.node("Add", {"c", "b"}, {"y"});
    CHECK(result_of(read(bias), {1, 2, 3, 4}) == numbers{11, 12, 13, 14, 19, 18, 17, 16});
}

TEST_CASE("onnx: nodes that move values", "[network]") {
    auto const relu_after = [](sizes const& input, auto moves) {
        model made(input);
        moves(made);
        made.floats("w", {1, 6}, {1, 10, 100, 1000, 10000, 100000});
        with(made.node("Gemm", {"m", "w"}, {"y"}), "transB", std::int64_t{1});
        return made;
    };
    numbers const six{1, 2, 3, 4, 5, 6};
    auto const flat = [&](auto moves) { return result_of(read(relu_after({1, 2, 3}, moves)), six); };
    CHECK(flat([](model& m) { m.node("Flatten", {"x"}, {"m"}); }) == numbers{654321});
    CHECK(flat([](model& m) {
              m.integers("s", {2}, {0, -1});
              m.node("Reshape", {"x", "s"}, {"m"});
          }) == numbers{654321});
    CHECK(flat([](model& m) {  // there and back
              with(m.node("Transpose", {"x"}, {"a"}), "perm", sizes{2, 0, 1});
              with(m.node("Transpose", {"a"}, {"b"}), "perm", sizes{1, 2, 0});
              m.integers("axis", {1}, {0});
              m.node("Squeeze", {"b", "axis"}, {"c"});
              m.node("Unsqueeze", {"c", "axis"}, {"d"});
              m.node("Flatten", {"d"}, {"m"});
          }) == numbers{654321});
    // another order than that of rows: 1 4 2 5 3 6, by which the weights are put into the order of the input
    CHECK(flat([](model& m) {
              with(m.node("Transpose", {"x"}, {"t"}), "perm", sizes{0, 2, 1});
              m.node("Flatten", {"t"}, {"m"});
          }) == numbers{635241});
    CHECK_THAT(refused(relu_after({1, 7},
                                  [](model& m) {
                                      m.integers("b", {1}, {0});
                                      m.integers("e", {1}, {6});
                                      m.integers("a", {1}, {1});
                                      m.node("Slice", {"x", "b", "e", "a"}, {"m"});
                                  })),
               ContainsSubstring("in an order or a selection that no operation of spinet gives"));
    // an input of features that is at once an image
    model image({1, 4});
    image.integers("s", {4}, {1, 1, 2, 2});
    image.node("Reshape", {"x", "s"}, {"i"});
    image.node("GlobalMaxPool", {"i"}, {"y"});
    auto const net = read(image);
    CHECK(result_shapes(net)[net.position("x")] == spinet::value_shape{1, 2, 2});
    CHECK(noted(net, "the input of shape (4) is used, and listed, as (1, 2, 2)"));
}

TEST_CASE("onnx: steps of sequences", "[network]") {
    auto const chosen = [](auto moves) {
        model made({1, 3, 2});
        made.node("Relu", {"x"}, {"r"});
        moves(made);
        made.node("Tanh", {"m"}, {"y"});
        return read(made);
    };
    auto const at = [&](std::int64_t index) {
        return last<spinet::select_step>(chosen([&](model& m) {
                   m.integers("i", {}, {index});
                   with(m.node("Gather", {"r", "i"}, {"m"}), "axis", std::int64_t{1});
               }))
            .index;
    };
    CHECK(at(0) == std::optional<std::size_t>(0));
    CHECK(at(1) == std::optional<std::size_t>(1));
    CHECK(at(2) == std::nullopt);
    CHECK(at(-1) == std::nullopt);
    auto const sliced = chosen([](model& m) {
        m.integers("b", {1}, {-1});
        m.integers("e", {1}, {std::numeric_limits<std::int64_t>::max()});
        m.integers("a", {1}, {1});
        m.node("Slice", {"r", "b", "e", "a"}, {"s"});
        m.node("Squeeze", {"s", "a"}, {"m"});
    });
    CHECK(last<spinet::select_step>(sliced).index == std::nullopt);
    CHECK(sliced.find("Squeeze m") != nullptr);
    auto const mean = chosen([](model& m) {
        auto& node = m.node("ReduceMean", {"r"}, {"m"});
        with(node, "axes", sizes{1});
        with(node, "keepdims", std::int64_t{0});
    });
    CHECK(result_shapes(mean)[mean.position("Tanh y")] == spinet::value_shape{2});
    CHECK(evaluate(mean, {1, 2, 3, 4, 8, 9}).find("ReduceMean m")->second.values == numbers{4, 5});
}

TEST_CASE("onnx: recurrent nodes and their options", "[network]") {
    auto const cell = [](std::string const& op, std::int64_t gates) {
        one_node made({2, 1, 1}, op, {"x", "w", "r", "b"});
        std::vector<float> w, b;
        for (std::int64_t k = 0; k < gates; ++k) w.push_back(static_cast<float>(k + 1));
        for (std::int64_t k = 0; k < 2 * gates; ++k) b.push_back(static_cast<float>(10 * (k + 1)));
        made.made.floats("w", {1, gates, 1}, w);
        made.made.floats("r", {1, gates, 1}, w);
        made.made.floats("b", {1, 2 * gates}, b);
        with(made.node, "hidden_size", std::int64_t{1});
        return made;
    };
    // i o f c become i f g o; z r h become r z n
    auto lstm = cell("LSTM", 4);
    auto const net = read(lstm.made);
    auto const& op = last<spinet::recurrent>(net);
    CHECK(numbers_of(op.input_weight) == numbers{1, 3, 4, 2});
    CHECK(numbers_of(*op.input_bias) == numbers{10, 30, 40, 20});
    CHECK(numbers_of(*op.hidden_bias) == numbers{50, 70, 80, 60});
    CHECK(result_shapes(net).back() == spinet::value_shape{2, 1});
    auto gru = cell("GRU", 3);
    CHECK_FALSE(last<spinet::recurrent>(read(gru.made)).reset_after);
    with(gru.node, "linear_before_reset", std::int64_t{1});
    CHECK(numbers_of(last<spinet::recurrent>(read(gru.made)).hidden_weight) == numbers{2, 1, 3});
    auto reversed = cell("RNN", 1);
    with(reversed.node, "direction", "reverse");
    reversed.node.set_output(0, "all");
    reversed.node.add_output("y");
    auto const backwards = read(reversed.made);
    CHECK(last<spinet::recurrent>(backwards).reversed);
    CHECK(last<spinet::select_step>(backwards).index == std::optional<std::size_t>(0));
    auto const says = [&](auto change) {
        auto made = cell("LSTM", 4);
        change(made);
        return refused(made.made);
    };
    CHECK_THAT(says([](auto& c) { with(c.node, "direction", "bidirectional"); }),
               ContainsSubstring("is bidirectional, which spinet does not read yet"));
    CHECK_THAT(says([](auto& c) { with(c.node, "clip", 1.0F); }), ContainsSubstring("clips"));
    CHECK_THAT(says([](auto& c) { with(c.node, "layout", std::int64_t{1}); }), ContainsSubstring("layout"));
    CHECK_THAT(says([](auto& c) { with(c.node, "input_forget", std::int64_t{1}); }),
               ContainsSubstring("couples its input and forget gates"));
    CHECK_THAT(says([](auto& c) {
                   auto& list = attribute(c.node, "activations", onnx::AttributeProto::STRINGS);
                   for (auto const* name : {"Sigmoid", "Relu", "Tanh"}) list.add_strings(name);
               }),
               ContainsSubstring("other activations"));
    CHECK_THAT(says([](auto& c) {
                   c.made.floats("h", {1, 1, 1}, {0.5});
                   c.node.add_input("");
                   c.node.add_input("h");
               }),
               ContainsSubstring("begins with a state that is not zero"));
    CHECK_THAT(says([](auto& c) {
                   c.made.floats("p", {1, 3}, {0, 0, 0});
                   for (auto const* name : {"", "", "", "p"}) c.node.add_input(name);
               }),
               ContainsSubstring("peepholes"));
    CHECK_THAT(says([](auto& c) { c.made.graph().mutable_initializer(1)->set_dims(1, 2); }),
               ContainsSubstring("tensor 'r' of shape (1, 2, 1) needs 2 numbers, but 4 are in float_data"));
    CHECK_THAT(
        says([](auto& c) { c.node.set_output(0, "h"), c.node.add_output(""), c.node.add_output("y"); }),
        ContainsSubstring("'y'"));
}

TEST_CASE("onnx: embeddings", "[network]") {
    model made({1, 3});
    made.input_type().set_elem_type(onnx::TensorProto::INT64);
    made.floats("words.weight", {2, 2}, {1, 2, 3, 4});
    made.node("Gather", {"words.weight", "x"}, {"y"});
    auto const net = read(made);
    CHECK(net.nodes().back().name == "words");
    CHECK(result_of(net, {1, 0, 1}) == numbers{3, 4, 1, 2, 3, 4});
}

TEST_CASE("onnx: self-attention, and what looks like it", "[network]") {
    // One head of width 4 or two of width 2 on 3 steps of 4 features; each piece may be spoilt.
    struct options {
        std::int64_t heads = 1;
        float divisor = 2;  // the root of the width
        std::vector<float> mask = {};
        std::string key = "x", value = "x";
        bool projected = true;
    };
    auto const made_of = [](options const& o) {
        model made({1, 3, 4});
        std::vector<float> eye(16, 0);
        for (std::size_t k = 0; k < 4; ++k) eye[5 * k] = 1;
        for (auto const* name : {"wq", "wk", "wv", "wo"}) made.floats(name, {4, 4}, eye);
        made.floats("divisor", {}, {o.divisor});
        made.integers("split", {4}, {1, 3, o.heads, 4 / o.heads});
        made.integers("join", {3}, {1, 3, 4});
        made.node("Relu", {"x"}, {"other"});
        for (auto const& [name, from] :
             {std::pair(std::string("q"), std::string("x")), std::pair(std::string("k"), o.key),
              std::pair(std::string("v"), o.value)}) {
            made.node("MatMul", {from, "w" + name}, {name});
            made.node("Reshape", {name, "split"}, {name + "s"});
            with(made.node("Transpose", {name + "s"}, {name + "h"}), "perm",
                 name == "k" ? sizes{0, 2, 3, 1} : sizes{0, 2, 1, 3});
        }
        made.node("MatMul", {"qh", "kh"}, {"products"});
        made.node("Div", {"products", "divisor"}, {"scaled"});
        if (!o.mask.empty()) made.floats("mask", {3, 3}, o.mask);
        if (!o.mask.empty()) made.node("Add", {"scaled", "mask"}, {"masked"});
        made.node("Softmax", {o.mask.empty() ? "scaled" : "masked"}, {"p"});
        made.node("MatMul", {"p", "vh"}, {"mixed"});
        with(made.node("Transpose", {"mixed"}, {"back"}), "perm", sizes{0, 2, 1, 3});
        made.node("Reshape", {"back", "join"}, {"joined"});
        if (o.projected)
            made.node("MatMul", {"joined", "wo"}, {"y"});
        else
            made.node("Relu", {"joined"}, {"y"});
        return made;
    };
    // steps e0, e1, e0 + e1: products with themselves by hand
    numbers const x{1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0};
    double const e = std::exp(0.5), n = 2 * e + 1;  // of the first step: e^(1/2), 1, e^(1/2)
    auto const net = read(made_of({}));
    REQUIRE(net.nodes().size() == 2);
    auto const y = result_of(net, x);
    CHECK(std::abs(y[0] - 2 * e / n) < 1e-12);
    CHECK(std::abs(y[1] - (e + 1) / n) < 1e-12);
    float const never = -std::numeric_limits<float>::infinity();
    auto const causal = read(made_of({.mask = {0, never, never, 0, 0, never, 0, 0, 0}}));
    CHECK(last<spinet::attention>(causal).causal);
    CHECK(result_of(causal, x)[0] == 1);  // the first step sees itself only
    CHECK_FALSE(last<spinet::attention>(read(made_of({.mask = std::vector<float>(9, 0)}))).causal);
    auto const two = read(made_of({.heads = 2, .divisor = std::sqrt(2.0F)}));
    CHECK(last<spinet::attention>(two).heads == 2);
    for (bool const inverse : {false, true}) {  // the same mask as a choice
        auto chosen = made_of({.mask = std::vector<float>(9, 0)});
        auto& choice = chosen.tensor("choice", {1, 1, 3, 3}, onnx::TensorProto::BOOL);
        for (int k = 0; k < 9; ++k) choice.add_int32_data((k % 3 > k / 3) != inverse);
        chosen.floats("never", {}, {never});
        auto& add =
            *std::find_if(chosen.graph().mutable_node()->begin(), chosen.graph().mutable_node()->end(),
                          [](auto const& node) { return node.op_type() == "Add"; });
        add.set_op_type("Where");
        add.clear_input();
        for (auto const* name : {"choice", inverse ? "scaled" : "never", inverse ? "never" : "scaled"})
            add.add_input(name);
        CHECK(result_of(read(chosen), x) == result_of(causal, x));
    }
    CHECK_THAT(refused(made_of({.heads = 2})), ContainsSubstring("not divided by the root of 2"));
    CHECK_THAT(refused(made_of({.mask = {0, never, 0, 0, 0, 0, 0, 0, 0}})),
               ContainsSubstring("hiding all later"));
    CHECK_THAT(refused(made_of({.key = "other"})), ContainsSubstring("different values"));
    CHECK_THAT(refused(made_of({.value = "other"})), ContainsSubstring("do not belong to the products"));
    CHECK_THAT(refused(made_of({.projected = false})), ContainsSubstring("attention without a projection"));
    auto products = made_of({});
    products.graph().mutable_output(0)->set_name("products");
    CHECK_THAT(refused(products), ContainsSubstring("products of computed values"));
}

TEST_CASE("onnx: the shape of the input", "[network]") {
    auto const shape = [](sizes const& given, spinet::value_shape const& option = {}) {
        auto const net = read(one_node(given, "Relu").made, {.input_shape = option});
        return result_shapes(net)[net.position("x")];
    };
    using spinet::value_shape;
    CHECK(shape({-1, 5}) == value_shape{5});
    CHECK(shape({1, 5}) == value_shape{5});
    CHECK(shape({1, 5, 6}) == value_shape{5, 6});
    CHECK(shape({5, 1, 6}) == value_shape{5, 6});
    CHECK(shape({-1, 3, 8, 8}) == value_shape{3, 8, 8});
    CHECK(shape({-1, -1, 6}, {5, 6}) == value_shape{5, 6});
    CHECK(shape({-1, 3, -1, -1}, {3, 8, 8}) == value_shape{3, 8, 8});
    CHECK(shape({5, -1, 6}, {5, 6}) == value_shape{5, 6});
    CHECK_THAT(
        refused(one_node({-1, -1, 6}, "Relu").made),
        ContainsSubstring("its input 'x' has a free size (axis 1, 'n'): give its shape without the batch in "
                          "the option 'input_shape'"));
    CHECK_THAT(refused(one_node({-1, -1, 6}, "Relu").made, {.input_shape = {5, 7}}),
               ContainsSubstring("input_shape"));
    CHECK(shape({8, 5}) == value_shape{5});  // a batch of 8
    CHECK(shape({8, 3, 4, 4}) == value_shape{3, 4, 4});
    one_node shapeless({1, 5}, "Relu");
    shapeless.made.input_type().clear_shape();
    CHECK_THAT(refused(shapeless.made), ContainsSubstring("input_shape"));
    auto const net = read(shapeless.made, {.input_shape = {5}});
    CHECK(result_shapes(net)[net.position("x")] == value_shape{5});
}

TEST_CASE("onnx: what is left out is listed", "[network]") {
    auto made = small_model();
    made.graph().mutable_node(0)->set_output(0, "a");
    made.node("Dropout", {"a"}, {"b"});
    made.node("Identity", {"b"}, {"y"});
    made.node("Tan", {"a"}, {"z"});  // which the reader does not know, and does not need
    made.graph().add_output()->set_name("z");
    made.floats("spare", {2}, {1, 2});
    auto const net = read(made);
    CHECK(net.nodes().size() == 2);
    CHECK(dense_chain(net).size() == 1);
    CHECK(noted(net, "'Dropout b' (Dropout of 'a')"));
    CHECK(noted(net, "'Identity y'"));
    CHECK(noted(net, "left out nodes that the output does not need: 'Tan z'"));
    CHECK(noted(net, "left out outputs but 'y': 'z'"));
    CHECK(noted(net, "left out initialisers that the output does not need: 'spare'"));
}

TEST_CASE("onnx: nodes of one name are told apart", "[network]") {
    model made({1, 2});
    for (auto const& [from, to] : {std::pair("x", "a"), std::pair("a", "b"), std::pair("b", "y")})
        made.node("Relu", {from}, {to}).set_name("relu");
    auto const net = read(made);
    REQUIRE(net.nodes().size() == 4);
    CHECK(net.nodes()[1].name == "relu");
    CHECK(net.nodes()[2].name == "relu (2)");
    CHECK(net.nodes()[3].name == "relu (3)");
}

TEST_CASE("onnx: the last states of several layers, one selected", "[network]") {
    model made({2, 1, 1});
    made.floats("w", {1, 1, 1}, {1});
    made.node("RNN", {"x", "w", "w"}, {"a", "ha"});
    made.integers("axis", {1}, {1});
    made.node("Squeeze", {"a", "axis"}, {"as"});
    made.node("RNN", {"as", "w", "w"}, {"b", "hb"});
    with(made.node("Concat", {"ha", "hb"}, {"h"}), "axis", std::int64_t{0});
    auto& index = made.integers("index", {}, {-1});
    made.node("Gather", {"h", "index"}, {"g"});
    made.node("Relu", {"g"}, {"y"});
    auto const both = read(made);
    CHECK(std::count_if(both.nodes().begin(), both.nodes().end(),
                        [](auto const& node) { return node.op.template is<spinet::recurrent>(); }) == 2);
    CHECK(both.find("Gather g") != nullptr);
    index.set_int64_data(0, 0);
    CHECK(read(made).find("RNN b") == nullptr);  // the second is not needed
    made.graph().mutable_node(4)->set_op_type("Identity");
    made.graph().mutable_node(4)->mutable_input()->RemoveLast();
    CHECK_THAT(refused(made), ContainsSubstring("'Relu y'"));
}

TEST_CASE("onnx: hard swish spelt out", "[network]") {
    model made({1, 3});
    made.node("HardSigmoid", {"x"}, {"s"});
    made.node("Mul", {"s", "x"}, {"y"});
    auto const net = read(made);
    REQUIRE(net.nodes().size() == 2);
    CHECK(last<spinet::activation>(net).kind == activation_kind::unspecified);
    CHECK(noted(net, "x HardSigmoid(x)"));
}
