// SPDX-License-Identifier: BSD-3-Clause
/// Networks which PyTorch exported (docs/studies/exported): the fields of their spins, read forwards, are
/// what PyTorch computed.
#include "../files.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

using namespace spinet;

namespace {

std::string const exported = SPINET_SOURCE_DIR "/tests/data/exported/";

using numbers = std::vector<double>;

network_glass<double> glass_of(std::string const& name) {
    return to_spin_glass<double>(
        load_network(exported + name + ".safetensors",
                     safetensors{.architecture = read_architecture(exported + name + ".json")}));
}

nlohmann::json reference_of(std::string const& name) {
    return nlohmann::json::parse(std::ifstream(exported + name + ".reference.json"));
}

/// Each group's field h_i = b_i + sum of J_ij s_j over the spins j before it, s of the input being sin(1),
/// sin(2), ... and s of each part after it activation(group, h).
template <class Activation>
std::vector<numbers> forward(network_glass<double> const& glass, Activation activation) {
    numbers s(glass.size(), 0.0);
    std::vector<numbers> fields;
    for (auto const& group : glass.groups()) {
        fields.emplace_back();
        for (std::size_t i = group.first; i < group.first + group.size; ++i) {
            double h = glass.external_fields()[i];
            glass.for_each_coupling(i, [&](std::size_t first, std::span<double const> j) {
                for (std::size_t k = 0; k < j.size() && first + k < i; ++k) h += j[k] * s[first + k];
            });
            fields.back().push_back(h);
            s[i] = group.first == 0 ? std::sin(static_cast<double>(i + 1)) : activation(group.name, h);
        }
    }
    return fields;
}

numbers const& fields_of(network_glass<double> const& glass, std::vector<numbers> const& fields,
                         std::string const& name) {
    for (std::size_t g = 0; g < glass.groups().size(); ++g)
        if (glass.groups()[g].name == name) return fields[g];
    throw std::runtime_error("there is no group " + name);
}

/// Every n-th value, as the reference has them; PyTorch computed in float.
void check_values(numbers const& found, nlohmann::json const& reference) {
    auto const every = reference["every"].get<std::size_t>();
    auto const values = reference["values"].get<numbers>();
    REQUIRE(values.size() == (found.size() + every - 1) / every);
    double worst = 0, sum = 0;
    for (std::size_t k = 0; k < values.size(); ++k)
        worst = std::max(worst, std::abs(found[every * k] - values[k]));
    for (double const h : found) sum += h;
    CHECK(worst < 1e-5);
    CHECK(std::abs(sum - reference["sum"].get<double>()) < 1e-5 * static_cast<double>(found.size()));
}

double relu(double h) { return std::max(0.0, h); }

}  // namespace

TEST_CASE("the couplings of a residual network with batch normalisation give its activations", "[mapping]") {
    auto const glass = glass_of("resnet_block");
    auto const reference = reference_of("resnet_block");
    auto const fields = forward(glass, [](std::string const& group, double h) {
        return group == "pool" || group == "fc" ? h : relu(h);
    });
    // Pre-activations, normalised: the folding is exact.
    check_values(fields_of(glass, fields, "conv1"), reference["values"]["bn1"]);
    check_values(fields_of(glass, fields, "block1.conv1"), reference["values"]["block1.bn1"]);
    check_values(fields_of(glass, fields, "block2.conv1"), reference["values"]["block2.bn1"]);
    for (std::string const block : {"block1", "block2"}) {
        auto sums = fields_of(glass, fields, block + ".add");
        std::transform(sums.begin(), sums.end(), sums.begin(), relu);
        check_values(sums, reference["values"][block + ".relu2"]);
    }
    check_values(fields_of(glass, fields, "pool"), reference["values"]["flatten"]);
    check_values(fields_of(glass, fields, "fc"), reference["values"]["fc"]);
}

TEST_CASE("the couplings of a recurrent network, unrolled, give its states", "[mapping]") {
    auto const glass = glass_of("rnn");
    auto const reference = reference_of("rnn");
    auto const fields =
        forward(glass, [](std::string const& group, double h) { return group == "fc" ? h : std::tanh(h); });
    auto states = fields_of(glass, fields, "rnn.0");
    std::transform(states.begin(), states.end(), states.begin(), [](double h) { return std::tanh(h); });
    check_values(states, reference["values"]["rnn"]);
    check_values(fields_of(glass, fields, "fc"), reference["values"]["fc"]);
}

TEST_CASE("the couplings of a convolutional network give its activations up to its pooling", "[mapping]") {
    auto const glass = glass_of("lenet");
    auto const fields = forward(glass, [](std::string const&, double h) { return relu(h); });
    check_values(fields_of(glass, fields, "conv1"), reference_of("lenet")["values"]["conv1"]);
    std::vector<std::string> names;
    for (auto const& group : glass.groups()) names.push_back(group.name + ":" + std::to_string(group.size));
    CHECK(names == std::vector<std::string>{"input:784", "conv1:1568", "pool1:392", "conv2:300", "pool2:75",
                                            "fc1:8", "fc2:9", "fc3:10"});
}
