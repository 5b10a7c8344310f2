// SPDX-License-Identifier: BSD-3-Clause
/// Architectures: from JSON, and from the weights of networks which PyTorch exported.
#include "../files.hpp"
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

std::string const exported = SPINET_SOURCE_DIR "/tests/data/exported/";

network load(std::string const& name) {
    return load_network(exported + name + ".safetensors",
                        safetensors{.architecture = read_architecture(exported + name + ".json")});
}

}  // namespace

TEST_CASE("architecture: networks which PyTorch exported have its shapes", "[network]") {
    for (std::string const name : {"mlp", "lenet", "resnet_block", "rnn", "gru", "lstm", "transformer"}) {
        INFO(name);
        auto const net = load(name);
        for (auto const& note : net.notes())
            CHECK_THAT(note,
                       ContainsSubstring("left out tensor") && ContainsSubstring("num_batches_tracked"));
        auto const shapes = result_shapes(net);
        auto const reference = nlohmann::json::parse(std::ifstream(exported + name + ".reference.json"));
        std::size_t compared = 0;
        for (auto const& [node, values] : reference["values"].items())
            if (net.find(node) != nullptr) {
                INFO(node);
                CHECK(shapes[net.position(node)] == values["shape"].get<value_shape>());
                ++compared;
            }
        CHECK(compared >= 1);
    }
}

namespace {

network_architecture read(std::string const& text) {
    network_test::temporary_directory const directory;
    return read_architecture(directory.write("architecture.json", text));
}
std::string refused(std::string const& text) {
    return error_of([&] { read(text); });
}
std::string unfit(std::string const& nodes, std::string const& weights = "lenet") {
    return error_of([&] {
        (void)load_network(exported + weights + ".safetensors",
                           safetensors{.architecture = read("{\"nodes\": [" + nodes + "]}")});
    });
}

}  // namespace

TEST_CASE("architecture: files that are none are refused", "[network]") {
    CHECK_THAT(refused("[1, 2]"), ContainsSubstring("not an object with the one key \"nodes\""));
    CHECK_THAT(refused(R"({"nodes": []})"), ContainsSubstring("it has no nodes"));
    CHECK_THAT(refused(R"({"nodes": [], "more": 1})"), ContainsSubstring("not an object with the one key"));
    CHECK_THAT(refused(R"({"nodes": [3]})"), ContainsSubstring("node 0 is not an object"));
    CHECK_THAT(refused(R"({"nodes": [{"name": "x"}]})"), ContainsSubstring("node 0 has no \"op\""));
    CHECK_THAT(refused(R"({"nodes": [{"op": "input", "shap": [1]}]})"),
               ContainsSubstring("node 0 has the unknown key 'shap'"));
    CHECK_THAT(refused(R"({"nodes": [{"op": "input", "shape": [-1]}]})"),
               ContainsSubstring("'shape' is not a whole number"));
    CHECK_THAT(refused(R"({"nodes": [{"op": "input", "shape": [1.5]}]})"),
               ContainsSubstring("'shape' is not a whole number"));
    CHECK_THAT(refused(R"({"nodes": [{"op": "input", "shape": 3}]})"),
               ContainsSubstring("'shape' is not a list"));
    CHECK_THAT(refused(R"({"nodes": [{"op": "input", "op": "dense"}]})"),
               ContainsSubstring("the key 'op' twice"));
    CHECK_THAT(refused(R"({"nodes": [{"op": "attention", "causal": "yes"}]})"),
               ContainsSubstring("'causal' is not true or false"));
    CHECK_THAT(refused(R"({"nodes": [)"), ContainsSubstring("not valid JSON"));
    CHECK_THAT(refused("{\"nodes\": " + std::string(100'000, '[')), ContainsSubstring("nested deeper"));
}

// The time of each of these was once the square of its length: minutes, with a million bytes.
TEST_CASE("architecture: long files take time in proportion", "[network]") {
    auto const repeated = [](std::string const& first, auto const& item) {
        std::string text = "{\"nodes\": [" + first;
        for (int k = 0; text.size() < 290'000; ++k) text.append(",").append(item(k));
        return text + "]}";
    };
    CHECK_THAT(refused(repeated("{}", [](int) { return "{}"; })), ContainsSubstring("node 0 has no \"op\""));
    CHECK_THAT(refused(repeated("0", [](int) { return "[[[]]]"; })),
               ContainsSubstring("node 0 is not an object"));
    auto const net = load_network(
        exported + "transformer.safetensors",
        safetensors{
            .architecture = read(repeated(R"({"name": "x", "op": "input", "shape": [6, 8]})", [](int k) {
                return R"({"op":"offset","weights":"positions","name":")" + std::to_string(k) + "\"}";
            }))});
    CHECK(net.nodes().size() > 5'000);
    CHECK(result_shapes(net)[net.position("5000")] == value_shape{6, 8});
    CHECK_THAT(refused(std::string(300'001, ' ')),
               ContainsSubstring("it has 300001 bytes, more than 300000"));
}

TEST_CASE("architecture: what does not fit the weights is refused", "[network]") {
    std::string const x = R"({"name": "x", "op": "input", "shape": [1, 28, 28]})";
    CHECK_THAT(unfit(x + R"(, {"name": "conv9", "op": "convolution"})"),
               ContainsSubstring("there is no tensor 'conv9.weight'") && ContainsSubstring("node 'conv9'"));
    CHECK_THAT(unfit(x + R"(, {"name": "c", "op": "convolve"})"),
               ContainsSubstring("node 'c': there is no operation 'convolve'"));
    CHECK_THAT(unfit(x + R"(, {"name": "conv1", "op": "convolution", "heads": 2})"),
               ContainsSubstring("convolution has no option 'heads'"));
    CHECK_THAT(unfit(x + R"(, {"name": "conv2", "op": "convolution"})"),
               ContainsSubstring("node 'conv2' takes 2 channels"));
    CHECK_THAT(unfit(x + R"(, {"name": "conv1", "op": "dense"})"), ContainsSubstring("has rank 4"));
    CHECK_THAT(unfit(x + R"(, {"name": "p", "op": "pooling", "kind": "median"})"),
               ContainsSubstring("pooling of kind 'median'"));
    CHECK_THAT(unfit(x + R"(, {"name": "conv1", "op": "convolution", "inputs": ["y"]})"),
               ContainsSubstring("takes 'y', which the network does not have (yet)"));
    CHECK_THAT(unfit(R"({"name": "x", "op": "input"})"), ContainsSubstring("needs a shape of finite size"));
    CHECK_THAT(unfit(R"({"name": "x", "op": "input", "shape": [4294967296, 4294967296]})"),
               ContainsSubstring("needs a shape of finite size"));
    // Without an architecture, the message says what is missing.
    CHECK_THAT(error_of([&] { (void)load_network(exported + "lenet.safetensors"); }),
               ContainsSubstring("other layers need the option 'architecture'"));
    auto const partly = load_network(
        exported + "lenet.safetensors",
        safetensors{.architecture =
                        read("{\"nodes\": [" + x +
                             R"(, {"name": "conv1", "op": "convolution", "padding": [2, 2]}]})")});
    CHECK(partly.notes().size() == 8);
    CHECK_THAT(
        partly.notes()[0],
        ContainsSubstring("left out tensor 'conv2.bias' of shape (3), which the architecture does not name"));
}

TEST_CASE("architecture: PyTorch's encoder layer in one node is its operations", "[network]") {
    for (bool const first : {false, true}) {
        auto const whole =
            load_network(exported + "transformer.safetensors",
                         safetensors{.architecture = {{{.name = "x", .op = "input", .shape = {6}},
                                                       {.name = "embedding", .op = "embedding"},
                                                       {.name = "positions", .op = "offset"},
                                                       {.name = "encoder.layers.0",
                                                        .op = "transformer_encoder_layer",
                                                        .heads = 2,
                                                        .norm_first = first}}}});
        std::vector<std::string> names;
        for (auto const& each : whole.nodes()) names.push_back(each.name);
        auto const count = [&](std::string const& name) {
            return std::count(names.begin(), names.end(), name);
        };
        CHECK(names.size() == 3 + 8);
        CHECK(count("encoder.layers.0") == 1);
        auto const* const last = whole.find("encoder.layers.0");
        REQUIRE(last != nullptr);
        CHECK(last->op.is<addition>() == first);
        auto const* const inner = whole.find("encoder.layers.0.linear1");
        REQUIRE(inner != nullptr);
        CHECK(inner->inputs ==
              std::vector<std::string>{first ? "encoder.layers.0.norm2" : "encoder.layers.0.norm1"});
        auto const& attends = *whole.find("encoder.layers.0.self_attn")->op.get_if<attention>();
        CHECK(attends.heads == 2);
        // The second third of the stacked weights are the keys.
        auto const stacked = whole.find("encoder.layers.0.self_attn");
        CHECK(stacked->inputs == std::vector<std::string>{first ? "encoder.layers.0.norm1" : "positions"});
        CHECK(attends.key.weight.bytes().data() - attends.query.weight.bytes().data() == 8 * 8 * 4);
        CHECK(attends.key.weight.shape() == std::vector<std::size_t>{8, 8});
    }
}
