// SPDX-License-Identifier: BSD-3-Clause
/// Keras: archives that are damaged, configurations that say something else than the weights, and what has no
/// place in a network.
#include "../files.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/mapping/wire_network.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/keras/keras.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zip.h>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using spinet::keras_hdf5;

namespace {

std::filesystem::path const place = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/keras/networks";

std::string const fine = "nothing was thrown";

using entries = std::vector<std::pair<std::string, std::string>>;

void write_zip(std::filesystem::path const& path, entries const& of, bool packed = false) {
    std::filesystem::remove(path);
    zip_t* const zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_EXCL, nullptr);
    REQUIRE(zip != nullptr);
    for (auto const& [name, data] : of) {
        auto* const source = zip_source_buffer(zip, data.data(), data.size(), 0);
        auto const at = zip_file_add(zip, name.c_str(), source, 0);
        REQUIRE(at >= 0);
        auto const method = packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
        REQUIRE(zip_set_file_compression(zip, static_cast<zip_uint64_t>(at), method, 0) == 0);
    }
    REQUIRE(zip_close(zip) == 0);
}

entries read_zip(std::filesystem::path const& path) {
    spinet::input_file const file(path);
    spinet::detail::zip_reader const zip(file);
    entries found;
    for (auto const& each : zip.entries()) {
        std::string data(static_cast<std::size_t>(each.size), '\0');
        zip.read(each, std::as_writable_bytes(std::span(data)));
        found.emplace_back(each.name, std::move(data));
    }
    return found;
}

std::string& entry(entries& of, std::string_view name) {
    for (auto& each : of)
        if (each.first == name) return each.second;
    throw std::logic_error("no such entry");
}

/// What the reader says of a network of the fixtures whose configuration was changed.
class changed {
public:
    explicit changed(std::string const& name) : entries_(read_zip(place / (name + ".keras"))) {}

    std::string operator()(std::function<void(json& layers)> const& change,
                           keras_hdf5 const& reader = {}) const {
        return whole([&](json& model) { change(model["config"]["layers"]); }, reader);
    }
    std::string whole(std::function<void(json& model)> const& change, keras_hdf5 const& reader = {}) const {
        auto copy = entries_;
        auto& text = entry(copy, "config.json");
        auto model = json::parse(text);
        change(model);
        text = model.dump();
        auto const path = place_.path() / "x.keras";
        write_zip(path, copy);
        spinet::network made;
        auto const read = refusal(path, [&] { made = reader(path); });
        return read == fine ? error_of([&] { (void)wire_network(made); }) : read;
    }

private:
    entries entries_;
    temporary_directory place_;
};

json& config_of(json& layers, std::string const& name) {
    for (auto& each : layers)
        if (each["config"]["name"] == name) return each["config"];
    throw std::logic_error("no such layer");
}

json& class_of(json& layers, std::string const& name) {
    for (auto& each : layers)
        if (each["config"]["name"] == name) return each["class_name"];
    throw std::logic_error("no such layer");
}

}  // namespace

TEST_CASE("Keras refuses options that are none, or do not fit the weights", "[network]") {
    changed const images("images");
    CHECK(images([](json&) {}) == fine);
    auto const with = [&](std::string const& layer, std::string const& key, json const& value) {
        return images([&](json& layers) { config_of(layers, layer)[key] = value; });
    };
    auto const says = [](std::string const& text, std::string const& what) {
        CHECK_THAT(text, ContainsSubstring(what));
    };
    says(with("first", "padding", "full"), "layer 'first' of class 'Conv2D' has the padding 'full'");
    says(with("first", "padding", 3), "has an option 'padding' that is no text");
    for (auto const& bad : {json(0), json(-1), json("2"), json(1e99), json(2.5), json({1, 0}),
                            json({nullptr, 1}), json(std::uint64_t{1} << 63)})
        says(with("first", "strides", bad), "option 'strides' that holds no whole number from 1 to 10^9");
    says(with("first", "strides", {1, 1, 1}), "has 3 numbers in its option 'strides' for 2 axes");
    says(with("first", "dilation_rate", 1'000'000'000), "has a window of 2000000001 positions");
    says(with("grouped", "groups", 3), "layer 'grouped' of class 'Conv2D' has a kernel for 6 channels");
    says(with("grouped", "groups", 0), "option 'groups'");
    says(with("first", "data_format", "channels_first"), "another data_format");
    says(with("first", "activation", {{"class_name", 3}}), "option 'activation' that names no function");
    says(with("first", "use_bias", true), fine);  // the weights count
    says(with("bn", "axis", 1), "layer 'bn' of class 'BatchNormalization' normalises along another axis");
    says(with("bn", "axis", {1, 2}), "works along another axis");
    says(with("bn", "axis", -9), "works along another axis");
    says(with("bn", "epsilon", "small"), "option 'epsilon' that is no number");
    says(with("bn", "epsilon", -1.0), "epsilon is -1");
    says(with("bn", "scale", false), "more than its options say");
    says(with("bn", "scale", 1), "neither true nor false");
    says(with("flat_bn", "scale", true),
         "layer 'flat_bn' of class 'BatchNormalization' has no moving_variance");
    says(with("flat_norm", "axis", {1, 2}), "works along another axis");
    says(with("flat_norm", "rms_scaling", true), "root mean square");
    says(with("pad", "padding", {{1, 0}, {2, "x"}}), "layer 'pad' of class 'ZeroPadding2D' has a padding");
    says(with("pad", "padding", {{1, 0}, {2, 4'000'000'000}}), "larger than 10^6");
    says(with("most", "pool_size", {90, 90}), "layer 'hidden' of class 'Dense' has a kernel for 30 values");
    says(with("mean", "pool_size", 0), "option 'pool_size'");
    says(with("rescaling", "scale", {1.0, 2.0, 3.0}), "has 3 numbers for values of shape (13, 8, 2)");
    says(with("rescaling", "scale", "x"), "something else than numbers");
    says(with("rescaling", "scale", json::array()), "without numbers");
    says(with("input_1", "batch_shape", {nullptr, 13, 8, 3}),
         "layer 'first' of class 'Conv2D' has a kernel for 2");
    says(with("input_1", "batch_shape", {nullptr, 13, 8}),
         "layer 'pad' of class 'ZeroPadding2D' reads values");
    says(with("input_1", "batch_shape", {nullptr, 2, 2, 2}), "layer 'hidden'");
    says(with("input_1", "batch_shape", {nullptr, "x"}), "has a shape that is none");
    says(with("input_1", "batch_shape", {nullptr, 4'000'000'000u, 4'000'000'000u, 2}), "layer 'hidden'");
    says(with("hidden", "name", "last"), "layer 'last' comes twice in the model");
    says(images([](json& layers) { class_of(layers, "grouped") = "Conv1D"; }),
         "layer 'grouped' of class 'Conv1D' has no kernel");
    says(images([](json& layers) { class_of(layers, "deep") = "Conv2D"; }),
         "layer 'deep' of class 'Conv2D' has no kernel");
    says(images([](json& layers) { class_of(layers, "deep") = "Conv2DTranspose"; }),
         "layer 'deep' of class 'Conv2DTranspose' is not read");
    says(images([](json& layers) { class_of(layers, "most") = "UpSampling2D"; }),
         "layer 'most' of class 'UpSampling2D' is not read: spinet has no operation for it");
    says(images([](json& layers) { class_of(layers, "pad") = "Cropping2D"; }), "'Cropping2D' is not read");
    says(images([](json& layers) { class_of(layers, "first") = "Dense"; }),
         "has a kernel for 30 values, but reads values of shape (13, 8, 2)");
    says(images([](json& layers) { class_of(layers, "flat") = "GlobalMaxPooling2D"; }),
         "reads values of shape (5)");
}

TEST_CASE("Keras takes the shape of one sample where the model leaves it open", "[network]") {
    changed const images("images"), states("states"), words("words");
    auto const open = [](json& layers) {
        for (auto& each : config_of(layers, "input_1")["batch_shape"]) each = nullptr;
    };
    CHECK_THAT(images(open),
               ContainsSubstring("reads the input 'input_1', of which the model leaves the lengths "
                                 "(0, 0, 0) open") &&
                   ContainsSubstring("in the option 'input_shape'"));
    CHECK(images(open, {.input_shape = {13, 8, 2}}) == fine);
    CHECK_THAT(images(open, {.input_shape = {13, 8, 3}}), ContainsSubstring("a kernel for 2 channels"));
    CHECK_THAT(states(open), ContainsSubstring("in the option 'input_shape'"));
    CHECK(states(open, {.input_shape = {4, 3}}) == fine);
    CHECK_THAT(words(open), ContainsSubstring("in the option 'input_shape'"));
    CHECK(words(open, {.input_shape = {3}}) == fine);
}

TEST_CASE("Keras refuses what has no place in a network", "[network]") {
    changed const graph("graph"), states("states"), words("words"), branches("branches"), mixed("mixed");
    auto const says = [](std::string const& text, std::string const& what) {
        CHECK_THAT(text, ContainsSubstring(what));
    };
    auto const history = [](json& layers, std::size_t at, std::string const& layer) -> json& {
        for (auto& each : layers)
            if (each["config"]["name"] == layer) {
                auto* arg = &each["inbound_nodes"][0]["args"][0];
                if (arg->is_array()) arg = &(*arg)[at];
                return (*arg)["config"]["keras_history"];
            }
        throw std::logic_error("no such layer");
    };
    says(graph([&](json& layers) { history(layers, 0, "a")[0] = "last"; }), "read each other in a circle");
    says(graph([&](json& layers) { history(layers, 0, "a")[0] = "none"; }),
         "layer 'a' reads 'none', which the");
    says(graph([&](json& layers) { history(layers, 0, "sum")[2] = 1; }),
         "layer 'sum' of class 'Add' reads result 1 of layer 'a'");
    says(graph([&](json& layers) { history(layers, 1, "sum")[0] = "c"; }),
         "layer 'sum' of class 'Add' adds values of shapes (4, 5, 3) and (4, 5, 1)");
    says(graph([&](json& layers) { history(layers, 1, "joined")[0] = "d"; }), "read each other in a circle");
    says(graph([](json& layers) { class_of(layers, "sum") = "Multiply"; }),
         "layer 'sum' of class 'Multiply' is not read");
    says(graph([](json& layers) { config_of(layers, "joined")["axis"] = 1; }), "along another axis");
    says(graph([](json& layers) {
             for (auto& each : layers)
                 if (each["config"]["name"] == "a") each["inbound_nodes"].push_back(each["inbound_nodes"][0]);
         }),
         "layer 'a' is used 2 times");
    says(graph.whole([](json& model) { model["config"]["layers"] = 3; }), "layers that are no list");
    says(graph.whole([](json& model) { model["class_name"] = "Custom"; }),
         "the model is of the class 'Custom'");
    says(graph.whole([](json& model) { model.erase("config"); }), "a model has no config");
    says(graph.whole([](json& model) { model = json::array(); }), "is no object");
    says(graph.whole([](json& model) {
        model["config"]["layers"] = json::array();
        model["config"]["output_layers"] = json::array();
    }),
         "the model has no layer with weights");
    says(states([](json& layers) { config_of(layers, "lstm")["go_backwards"] = true; }),
         "layer 'lstm' of class 'LSTM' gives its states from the last step to the first");
    says(states([](json& layers) { config_of(layers, "lstm")["return_sequences"] = false; }),
         "layer 'gru' of class 'GRU' reads values of shape (4)");
    says(states([](json& layers) { class_of(layers, "lstm") = "GRU"; }),
         "layer 'gru_before' of class 'GRU' has no kernel");
    says(states([](json& layers) { class_of(layers, "lstm") = "ConvLSTM1D"; }), "'ConvLSTM1D' is not read");
    says(words([](json& layers) { config_of(layers, "both")["merge_mode"] = "mul"; }),
         "joins the states of its");
    says(words([](json& layers) { config_of(layers, "both")["layer"]["class_name"] = "RNN"; }),
         "is not read");
    says(words([](json& layers) { config_of(layers, "both")["layer"] = 3; }), "has no 'layer'");
    says(words([](json& layers) { config_of(layers, "each")["layer"]["class_name"] = "Conv2D"; }),
         "applies a layer of class 'Conv2D' at each step");
    says(mixed([](json& layers) { config_of(layers, "second")["groups"] = 2; }), "layer 'second'");
    // Concatenations of a value with itself, each twice as long as the one before.
    auto const doubled = branches([](json& layers) {
        auto join = *std::find_if(layers.begin(), layers.end(),
                                  [](auto const& each) { return each["config"]["name"] == "row"; });
        std::string before = "row";
        for (int k = 0; k < 40; ++k) {
            auto const name = "twice" + std::to_string(k);
            join["name"] = join["config"]["name"] = name;
            for (auto& each : join["inbound_nodes"][0]["args"][0])
                each["config"]["keras_history"][0] = before;
            layers.push_back(join);
            before = name;
        }
    });
    says(doubled, "than 2^32 values");
}

TEST_CASE("Keras refuses archives that are none, cut, packed too much or with flipped bits", "[network]") {
    temporary_directory const directory;
    auto const path = directory.path() / "x.keras";
    auto const original = read_zip(place / "table.keras");
    auto const reading = [&](keras_hdf5 const& reader = {.time_limit = std::chrono::milliseconds(500)}) {
        return refusal(path, [&] { (void)reader(path); });
    };
    write_zip(path, original, true);  // packed, as some programs do
    CHECK(reading() == fine);
    CHECK(keras_hdf5{}.recognises(path));
    for (auto const* missing : {"config.json", "model.weights.h5"}) {
        auto some = original;
        std::erase_if(some, [&](auto const& each) { return each.first == missing; });
        write_zip(path, some);
        CHECK_FALSE(keras_hdf5{}.recognises(path));
        CHECK_THAT(reading(), ContainsSubstring("is no file of Keras"));
        some.emplace_back(missing, std::string(200, 'x'));
        write_zip(path, some);
        CHECK_THAT(reading(), ContainsSubstring(missing[0] == 'c' ? "model_config is not valid JSON"
                                                                  : "does not begin as an HDF5 file does"));
    }
    auto large = original;
    entry(large, "model.weights.h5").append(100u << 20, '\0');
    write_zip(path, large, true);
    CHECK_THAT(reading(), ContainsSubstring("would unpack to more than"));
    large = original;
    entry(large, "config.json").append(5u << 20, ' ');
    write_zip(path, large, true);
    CHECK_THAT(reading(), ContainsSubstring("its config.json has"));

    auto const whole = spinet::read_whole(place / "table.keras");
    for (std::size_t n = 1; n < whole.size(); n += 5) {
        directory.write("x.keras", whole.substr(0, n));
        REQUIRE(reading() != fine);
    }
    for (std::size_t k = 0; k < whole.size(); k += 31) {
        auto flipped = whole;
        flipped[k] = static_cast<char>(flipped[k] ^ (1 << k % 8));
        directory.write("x.keras", flipped);
        (void)reading();  // refused by its sums, or the byte meant nothing
    }
    // Bits within the HDF5 file, whose sums are right.
    auto const& image = entry(large = original, "model.weights.h5");
    for (std::size_t k = 0; k < image.size(); k += 67) {
        auto flipped = original;
        entry(flipped, "model.weights.h5")[k] = static_cast<char>(image[k] ^ (1 << k % 8));
        write_zip(path, flipped);
        (void)reading();
    }
}
