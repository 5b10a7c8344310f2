// SPDX-License-Identifier: BSD-3-Clause
/// One network in every format is one spin glass, to the last bit, and one curve.
#include "../files.hpp"
#include <spinet/readers/architecture_file.hpp>
#ifdef SPINET_PROGRAM_HAS_HDF5
#include <spinet/readers/keras/keras.hpp>
#endif
#include <spinet/readers/load.hpp>
#include <spinet/readers/nnet/nnet.hpp>
#include <spinet/readers/numpy/npz.hpp>
#include <spinet/readers/onnx/onnx.hpp>
#include <spinet/readers/safetensors/write_safetensors.hpp>
#include <spinet/readers/torch/state_dict.hpp>
#include <spinet/spinet.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <vector>

using namespace spinet;

namespace {

std::string const exported = SPINET_SOURCE_DIR "/tests/data/exported/";

using numbers = std::vector<float>;

/// Every number of a model: its fields, and the couplings of each site with their places.
struct model_numbers {
    numbers fields, couplings;
    std::vector<std::size_t> places, sizes;
    bool operator==(model_numbers const&) const = default;
};

model_numbers numbers_of(network_glass<float> const& glass) {
    model_numbers all;
    all.fields.assign(glass.external_fields().begin(), glass.external_fields().end());
    for (auto const& group : glass.groups()) all.sizes.push_back(group.size);
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(i, [&](std::size_t first, std::span<float const> couplings) {
            all.places.push_back(first);
            all.couplings.insert(all.couplings.end(), couplings.begin(), couplings.end());
        });
    return all;
}

std::vector<double> curve_of(network_glass<float> const& glass) {
    auto const run = sample(
        glass, parallel_tempering(glauber{}, geometric_temperatures(0.3, 3.0, 4)), observables{overlap{}},
        {.replicas = 4, .warmup = 5, .sweeps = 20, .measure_every = 5, .seed = 5, .annealing = 10});
    std::vector<double> values;
    for (auto const& at : mean_abs_overlap(run)) values.push_back(at.value);
    return values;
}

/// The file of the format `nnet`, without normalisation: a format of text, in which floats keep their value.
std::string as_nnet(std::vector<dense_layer> const& layers) {
    std::string text = "// written by a test\n" + std::to_string(layers.size()) + "," +
                       std::to_string(layers.front().inputs()) + "," +
                       std::to_string(layers.back().outputs()) + ",100,\n";
    std::size_t const inputs = layers.front().inputs();
    text += std::to_string(inputs) + ",";
    for (auto const& layer : layers) text += std::to_string(layer.outputs()) + ",";
    auto const repeated = [&](std::string const& value, std::size_t count) {
        for (std::size_t k = 0; k < count; ++k) text += value + ",";
        text += "\n";
    };
    text += "\n0,\n";
    repeated("-1.0", inputs);
    repeated("1.0", inputs);
    repeated("0.0", inputs + 1);
    repeated("1.0", inputs + 1);
    auto const add = [&](float x) {
        std::array<char, 32> digits{};
        auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), x).ptr;
        text.append(digits.data(), end);
        text += ",";
    };
    for (auto const& layer : layers) {
        auto const w = layer.weight.as<float, 2>();
        for (std::size_t i = 0; i < layer.outputs(); ++i) {
            for (std::size_t j = 0; j < layer.inputs(); ++j) add(w(i, j));
            text += "\n";
        }
        auto const b = layer.bias->as<float, 1>();
        for (std::size_t i = 0; i < layer.outputs(); ++i) {
            add(b(i));
            text += "\n";
        }
    }
    return text;
}

}  // namespace

TEST_CASE("a multilayer perceptron is the same in every format", "[sample]") {
    auto const first = load_network(exported + "mlp.safetensors");
    auto const glass = to_spin_glass(first);
    auto const expected = numbers_of(glass);
    auto const curve = curve_of(glass);
    network_test::temporary_directory const directory;
    auto const text = directory.write("mlp.nnet", as_nnet(dense_chain(first)));
    auto const copy = directory.path() / "copy.safetensors";
    write_safetensors(copy, first);
    auto const architecture = read_architecture(exported + "mlp.json");
    std::vector<std::pair<std::string, network>> const others{
        {"safetensors, written again", load_network(copy)},
        {"safetensors, by its architecture",
         load_network(exported + "mlp.safetensors", safetensors{.architecture = architecture})},
        {"npz", load_network(exported + "mlp.npz", npz{})},
        {"state dict", load_network(exported + "mlp.pt", state_dict{})},
        {"ONNX", load_network(exported + "mlp.onnx", onnx_model{})},
        {"NNet", load_network(text, nnet{})},
#ifdef SPINET_PROGRAM_HAS_HDF5
        {"Keras", load_network(exported + "mlp.h5", keras_hdf5{})},
#endif
    };
    for (auto const& [format, net] : others) {
        INFO(format);
        auto const other = to_spin_glass(net);
        CHECK(numbers_of(other) == expected);
        CHECK(curve_of(other) == curve);
    }
}

TEST_CASE("networks of other layers are the same in every format that can hold them", "[sample]") {
    for (std::string const name : {"lenet", "resnet_block", "rnn", "gru", "lstm", "transformer"}) {
        auto const architecture = read_architecture(exported + name + ".json");
        auto const glass = to_spin_glass(
            load_network(exported + name + ".safetensors", safetensors{.architecture = architecture}));
        auto const expected = numbers_of(glass);
        // PyTorch folds batch normalisation into convolutions, unless it is told not to.
        std::string const model = name == "resnet_block" ? "resnet_block_unfolded.onnx" : name + ".onnx";
        std::vector<std::pair<std::string, network>> const others{
            {"npz", load_network(exported + name + ".npz", npz{.architecture = architecture})},
            {"state dict", load_network(exported + name + ".pt", state_dict{.architecture = architecture})},
            {"ONNX", load_network(exported + model, onnx_model{})}};
        for (auto const& [format, net] : others) {
            INFO(name << ", " << format);
            auto const other = to_spin_glass(net);
            CHECK(numbers_of(other) == expected);
            if (name == "lenet" || name == "transformer") CHECK(curve_of(other) == curve_of(glass));
        }
    }
}

TEST_CASE("batch normalisation that PyTorch folded is what spinet folds", "[sample]") {
    auto const ours = numbers_of(to_spin_glass(
        load_network(exported + "resnet_block.safetensors",
                     safetensors{.architecture = read_architecture(exported + "resnet_block.json")})));
    auto const theirs = numbers_of(to_spin_glass(load_network(exported + "resnet_block.onnx", onnx_model{})));
    REQUIRE(ours.places == theirs.places);
    REQUIRE(ours.couplings.size() == theirs.couplings.size());
    for (std::size_t k = 0; k < ours.couplings.size(); ++k)
        if (std::abs(ours.couplings[k] - theirs.couplings[k]) > 1e-5F) FAIL("coupling " << k);
    for (std::size_t k = 0; k < ours.fields.size(); ++k)
        if (std::abs(ours.fields[k] - theirs.fields[k]) > 1e-5F) FAIL("field " << k);
}
