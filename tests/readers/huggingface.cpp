// SPDX-License-Identifier: BSD-3-Clause
/// Models of Hugging Face's transformers, tiny and random (docs/studies/huggingface_fixtures.py), against
/// NumPy's forward passes of them.
#include "../files.hpp"
#include "evaluate.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/torch/state_dict.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace spinet;
using network_test::numbers;
using network_test::temporary_directory;

namespace {

std::string const models = SPINET_SOURCE_DIR "/tests/data/huggingface/";

nlohmann::json json_of(std::string const& file) { return nlohmann::json::parse(std::ifstream(file)); }

std::string text_of(std::filesystem::path const& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

/// The files of a model, copied, with its config.json changed.
struct changed_model {
    temporary_directory place;
    nlohmann::json config;

    explicit changed_model(std::string const& name) : config(json_of(models + name + "/config.json")) {
        for (auto const& each : std::filesystem::directory_iterator(models + name))
            std::filesystem::copy(each.path(), place.path() / each.path().filename());
    }
    network load() {
        place.write("config.json", config.dump());
        return load_network(place.path());
    }
    std::string refusal() {
        try {
            static_cast<void>(load());
        } catch (file_error const& fault) {
            return fault.what();
        }
        return "";
    }
};

bool holds(std::string const& text, std::string const& part) {
    INFO(text);
    return text.find(part) != text.npos;
}

std::size_t notes_with(network const& net, std::string const& part) {
    return static_cast<std::size_t>(
        std::count_if(net.notes().begin(), net.notes().end(),
                      [&](auto const& note) { return note.find(part) != note.npos; }));
}

std::vector<std::string> const tokens{"bert",
                                      "bert_classifier",
                                      "bert_bare",
                                      "roberta",
                                      "roberta_classifier",
                                      "distilbert",
                                      "gpt2",
                                      "gpt_neox",
                                      "gpt_neox_serial",
                                      "llama",
                                      "mistral",
                                      "qwen2",
                                      "gemma"};

}  // namespace

TEST_CASE("models of transformers compute what their equations say", "[readers][huggingface]") {
    auto names = tokens;
    names.insert(names.end(), {"vit", "resnet_basic", "resnet_bottleneck"});
    for (auto const& name : names) {
        INFO(name);
        bool const image = name.substr(0, 6) == "resnet";
        std::vector<std::size_t> const shape = image           ? std::vector<std::size_t>{2, 14, 14}
                                               : name == "vit" ? std::vector<std::size_t>{}
                                                               : std::vector<std::size_t>{3};
        auto const net = load_network(models + name, huggingface<>{shape});
        auto const reference = json_of(models + name + "/reference.json");
        auto computed = network_test::evaluate(net, reference["input"].get<numbers>());
        for (auto const& node : net.nodes())  // the projections inside of attention
            if (auto const* op = node.op.get_if<attention>()) {
                for (auto const* part : {&op->query, &op->key, &op->value}) {
                    auto const& tensor = part->weight.name();
                    computed[tensor.substr(0, tensor.rfind('.'))].values =
                        network_test::value_of(*part, computed.find(node.inputs[0])->second.values);
                }
                auto const& output = op->output.weight.name();
                computed[output.substr(0, output.rfind('.'))] = computed.find(node.name)->second;
            }
        CHECK(reference["layers"].size() > 12);
        for (auto const& [layer, values] : reference["layers"].items()) {
            INFO(layer);
            if (layer.ends_with("c_attn") || layer.ends_with("query_key_value")) continue;  // taken apart
            auto const found = computed.find(layer);
            REQUIRE(found != computed.end());
            auto const expected = values.get<numbers>();
            REQUIRE(expected.size() == found->second.values.size());
            for (std::size_t k = 0; k < expected.size(); ++k)
                REQUIRE(found->second.values[k] == Approx(expected[k]).epsilon(1e-6).margin(1e-6));
        }
        // Every matrix of the network is in the reference: no layer goes unchecked.
        for (auto const& node : net.nodes())
            if (node.op.is<dense>() || node.op.is<convolution>() || node.op.is<layer_normalisation>() ||
                node.op.is<attention>() || node.op.is<batch_normalisation>())
                CHECK(reference["layers"].contains(node.name));
        CHECK(notes_with(net, "the architecture is that of model_type") == 1);
        CHECK(notes_with(net, "left out tensor") == 0);
        CHECK(to_spin_glass(net).size() > 0);
    }
}

TEST_CASE("a folder, its file, its index and its config.json are one network", "[readers][huggingface]") {
    auto const same = [](network const& a, network const& b) {
        REQUIRE(a.nodes().size() == b.nodes().size());
        auto const x = to_spin_glass(a), y = to_spin_glass(b);
        REQUIRE(x.size() == y.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            REQUIRE(x.external_fields()[i] == y.external_fields()[i]);
            std::vector<float> of_x(x.size(), 0.0F), of_y(of_x);
            x.for_each_coupling(i, [&](std::size_t first, auto const& run) {
                for (std::size_t k = 0; k < run.size(); ++k) of_x[first + k] += run[k];
            });
            y.for_each_coupling(i, [&](std::size_t first, auto const& run) {
                for (std::size_t k = 0; k < run.size(); ++k) of_y[first + k] += run[k];
            });
            REQUIRE(of_x == of_y);
        }
    };
    auto const folder = load_network(models + "gpt2");
    CHECK(folder.source() == models + "gpt2");
    same(folder, load_network(models + "gpt2/model.safetensors"));
    same(folder, load_network(models + "gpt2/config.json"));
    same(folder, load_network(models + "gpt2/"));

    same(folder, load_network(models + "gpt2_torch", huggingface<>{}, huggingface<state_dict>{}));
    same(folder, load_network(models + "gpt2_torch/pytorch_model.bin", huggingface<state_dict>{}));

    changed_model renamed("gpt2");
    std::filesystem::rename(renamed.place.path() / "model.safetensors",
                            renamed.place.path() / "model.fp32.safetensors");
    same(folder, renamed.load());
    auto const sharded = load_network(models + "llama");
    same(sharded, load_network(models + "llama/model.safetensors.index.json"));
}

TEST_CASE("options win over config.json, and files of another network are read as they are",
          "[readers][huggingface]") {
    SECTION("layers, ignored tensors and an architecture") {
        std::string const file = models + "bert_classifier/model.safetensors";
        auto const net = load_network(file, huggingface<>{{}, {.layers = {"classifier"}}},
                                      safetensors{.layers = {"classifier"}});
        CHECK(dense_chain(net).size() == 1);
        network_architecture given{
            .nodes = {{.name = "x", .op = "input", .shape = {8}}, {.name = "classifier", .op = "dense"}}};
        CHECK(
            load_network(file, huggingface<>{{}, {.architecture = given}}, safetensors{.architecture = given})
                .nodes()
                .size() == 2);
        CHECK_FALSE(huggingface<>{{}, {.ignored = {"classifier.bias"}}}.recognises(file));
        CHECK(huggingface<>{}.recognises(file));
    }
    SECTION("the reader of safetensors alone never looks at config.json") {
        CHECK_THROWS_AS(load_network(models + "gpt2/model.safetensors", safetensors{}), file_error);
    }
    SECTION("a plain network that happens to lie beside the config.json of a model") {
        changed_model model("bert");
        auto const file = model.place.write(
            "mine.safetensors",
            network_test::with_length(R"({"fc.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})",
                                      network_test::bytes_of(std::vector<float>{1, 2})));
        auto const net = load_network(file);
        CHECK(dense_chain(net).size() == 1);
        CHECK(notes_with(net, "it was not used") == 1);
    }
    SECTION("a config.json of a type that spinet does not know") {
        changed_model model("bert");
        model.config["model_type"] = "mamba\n";
        CHECK(holds(model.refusal(), "model_type 'mamba?', which spinet does not know"));
        CHECK_FALSE(huggingface<>{}.recognises(model.place.path() / "model.safetensors"));
    }
}

TEST_CASE("what stands before the names of tensors does not matter", "[readers][huggingface]") {
    auto const bare = load_network(models + "bert_bare");
    CHECK(bare.find("embeddings.word_embeddings") != nullptr);
    CHECK(load_network(models + "bert").find("bert.embeddings.word_embeddings") != nullptr);
}

TEST_CASE("folders and configs that are refused say why", "[readers][huggingface]") {
    SECTION("no config.json") {
        temporary_directory const place;
        CHECK_THROWS_WITH(
            load_network(place.path()),
            place.path().string() + ": is a directory without config.json: give the file of the network");
    }
    SECTION("no weights") {
        temporary_directory const place;
        place.write("config.json", R"({"model_type": "bert"})");
        CHECK_THROWS_WITH(load_network(place.path()),
                          Catch::Matchers::ContainsSubstring("neither model.safetensors"));
        place.write("pytorch_model.bin.index.json", "{}");
        CHECK_THROWS_WITH(load_network(place.path()),
                          Catch::Matchers::ContainsSubstring("several PyTorch files"));
    }
    SECTION("values of config.json") {
        struct change {
            char const* model;
            char const* key;
            nlohmann::json value;
            char const* reason;
        };
        for (auto const& each : std::vector<change>{
                 {"llama", "num_hidden_layers", 3, "there is no tensor 'model.layers.2.input_layernorm"},
                 {"llama", "num_hidden_layers", 1, "belongs to no layer that the architecture has"},
                 {"llama", "num_hidden_layers", 1e9, "there is no tensor"},
                 {"llama", "num_hidden_layers", 1.5, "'num_hidden_layers' is not a whole number"},
                 {"llama", "num_hidden_layers", -1, "'num_hidden_layers' is not a whole number"},
                 {"llama", "num_hidden_layers", "2", "'num_hidden_layers' is not a number"},
                 {"llama", "num_hidden_layers", nullptr, "config.json has no 'num_hidden_layers'"},
                 {"llama", "num_attention_heads", 3, "3 heads do not divide 8 features"},
                 {"llama", "num_key_value_heads", 3, "3 key and value heads do not divide 4 heads"},
                 {"llama", "num_key_value_heads", 2, "differ in shape"},
                 {"llama", "hidden_act", "mish", "the activation 'mish', which spinet does not know"},
                 {"llama", "rope_theta", -1, "the base of rotary embeddings is -1"},
                 {"llama", "rms_norm_eps", -1, "epsilon is -1"},
                 {"llama", "quantization_config", nlohmann::json::object({{"bits", 4}}), "quantised"},
                 {"bert", "position_embedding_type", "relative_key", "the only one that spinet has"},
                 {"gpt2", "add_cross_attention", true, "'add_cross_attention' is true"},
                 {"vit", "image_size", nlohmann::json::array({6, 6, 6}), "'image_size' has 3 numbers"},
                 {"vit", "image_size", 9, "does not fit the shape (10, 8)"},
                 {"vit", "image_size", 2, "input needs a shape of finite size|has size 0|does not fit"},
                 {"vit", "patch_size", 1e9, "|"},
                 {"vit", "patch_size", "3", "'patch_size' is not a list"},
                 {"resnet_basic", "depths", nlohmann::json::array({1, 3}), "there is no tensor"},
                 {"resnet_basic", "depths", nlohmann::json::array({"1", 3}),
                  "'depths' is not a list of numbers"},
                 {"resnet_basic", "layer_type", "wide", "'layer_type' is 'wide', not basic or bottleneck"},
                 {"resnet_basic", "num_channels", 3, "channels"}}) {
            changed_model model(each.model);
            model.config[each.key] = each.value;
            auto const reason = model.refusal();
            INFO(each.model << " " << each.key << ": " << reason);
            CHECK_FALSE(reason.empty());
            CHECK(std::count(reason.begin(), reason.end(), '\n') == 0);
            std::string const wanted = each.reason;
            if (wanted.find('|') == wanted.npos) CHECK(holds(reason, wanted));
        }
    }
    SECTION("rotary angles that are scaled") {
        changed_model model("llama");
        model.config["rope_scaling"] = {{"type", "linear"}, {"factor", 2.0}};
        CHECK(notes_with(model.load(), "the scaling of rotary angles, of type 'linear'") == 1);
    }
    SECTION("the shape of the input") {
        CHECK_THROWS_WITH(load_network(models + "bert", huggingface<>{{2, 3}}),
                          Catch::Matchers::ContainsSubstring("a shape of one number"));
        CHECK_THROWS_WITH(load_network(models + "bert", huggingface<>{{7}}),
                          Catch::Matchers::ContainsSubstring("'bert.embeddings.position_embeddings'"));
        CHECK_THROWS_WITH(load_network(models + "vit", huggingface<>{{3, 6, 6}}),
                          Catch::Matchers::ContainsSubstring("(2, height, width)"));
        CHECK_THROWS_WITH(load_network(models + "resnet_basic", huggingface<>{{6}}),
                          Catch::Matchers::ContainsSubstring("(2, height, width)"));
    }
    SECTION("config.json cut at every byte, or with a byte changed") {
        for (std::string const name : {"mistral", "vit"}) {
            auto const whole = text_of(models + name + "/config.json");
            changed_model const model(name);
            for (std::size_t k = 0; k < whole.size(); ++k) {
                auto changed = whole;
                changed[k] = static_cast<char>(changed[k] ^ 0x11);
                for (auto const& text : {whole.substr(0, k), changed}) {
                    model.place.write("config.json", text);
                    try {
                        static_cast<void>(load_network(model.place.path()));
                    } catch (file_error const& fault) {
                        REQUIRE(std::string(fault.what()).find('\n') == std::string::npos);
                    }
                }
            }
        }
    }
    SECTION("nesting does not hurt") {
        changed_model const model("llama");
        model.place.write("config.json", std::string(2'000'000, '['));
        CHECK_THROWS_AS(load_network(model.place.path()), file_error);
        model.place.write("config.json", R"({"model_type":"llama","x":)" + std::string(2'000'000, '{'));
        CHECK_THROWS_AS(load_network(model.place.path()), file_error);
        model.place.write("config.json", std::string(9'000'000, ' '));
        CHECK_THROWS_WITH(load_network(model.place.path()),
                          Catch::Matchers::ContainsSubstring("more than 8000000"));
    }
}
