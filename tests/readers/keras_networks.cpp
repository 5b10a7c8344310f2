// SPDX-License-Identifier: BSD-3-Clause
/// Whole networks as Keras 2 and 3 save them: what each layer computes, against equations written in numpy,
/// and the same weights in other formats.
#include "../files.hpp"
#include "evaluate.hpp"
#include <spinet/mapping/wire_network.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/keras/keras.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace network_test;
using spinet::keras_hdf5;

namespace {

// Written by docs/studies/keras_networks.py.
std::filesystem::path const place = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/keras/networks";

spinet::network read(std::string const& name) { return keras_hdf5{}(place / name); }

/// The tensors of all nodes, in order.
std::vector<spinet::tensor> tensors_of(spinet::network const& net) {
    std::vector<spinet::tensor> all;
    for (auto const& node : net.nodes())
        node.op.visit([&](auto const& op) {
            for (auto const* each : spinet::detail::tensors_in(op)) all.push_back(*each);
        });
    return all;
}

void check_same_weights(spinet::network const& a, spinet::network const& b) {
    auto const x = tensors_of(a), y = tensors_of(b);
    REQUIRE(x.size() == y.size());
    for (std::size_t k = 0; k < x.size(); ++k) {
        INFO(x[k].described());
        CHECK(x[k].shape() == y[k].shape());
        CHECK(x[k].type() == y[k].type());
        CHECK(std::equal(x[k].bytes().begin(), x[k].bytes().end(), y[k].bytes().begin(), y[k].bytes().end()));
    }
}

/// Their couplings and fields are the same to the last bit.
void check_same_wiring(spinet::network const& a, spinet::network const& b) {
    auto const x = wire_network(a), y = wire_network(b);
    REQUIRE(x.parts.size() == y.parts.size());
    REQUIRE(x.wires.size() == y.wires.size());
    for (std::size_t k = 0; k < x.parts.size(); ++k) CHECK(x.parts[k].fields == y.parts[k].fields);
    for (std::size_t k = 0; k < x.wires.size(); ++k) {
        CHECK(x.wires[k].from == y.wires[k].from);
        CHECK(x.wires[k].to == y.wires[k].to);
        CHECK(x.wires[k].factor == y.wires[k].factor);
        std::vector<double> couplings, others;
        auto const into = [](std::vector<double>& all) {
            return [&](std::size_t i, std::size_t j, double w) {
                all.insert(all.end(), {static_cast<double>(i), static_cast<double>(j), w});
            };
        };
        spinet::detail::for_each_entry(*x.wires[k].map, into(couplings));
        spinet::detail::for_each_entry(*y.wires[k].map, into(others));
        CHECK(couplings == others);
    }
}

}  // namespace

TEST_CASE("Keras: each layer computes what its equations say", "[network]") {
    struct expected {
        std::string name;
        std::size_t compared;
    };
    for (auto const& [name, least] :
         {expected{"images", 19}, {"series", 7}, {"graph", 21}, {"states", 6}, {"words", 6}, {"mixed", 12}, {"text", 6}, {"branches", 9},
          {"channels_first", 5}, {"channels_moved", 4}, {"table", 5}})
        for (auto const* type : {".h5", ".keras"}) {
            INFO(name + type);
            auto const net = read(name + type);
            auto const reference = nlohmann::json::parse(std::ifstream(place / (name + ".json")));
            auto results = evaluate(net, reference["input"].get<numbers>());
            std::size_t compared = 0;
            for (auto const& [key, values] : reference["values"].items()) {
                auto at = results.find(key + " last");
                if (at == results.end()) at = results.find(key);
                if (at == results.end()) continue;
                INFO(key);
                auto wanted = values.get<numbers>();
                REQUIRE(at->second.values.size() == wanted.size());
                if (key.starts_with("flat") || key == "row") {  // in a row, where the channels come first
                    std::sort(wanted.begin(), wanted.end());
                    std::sort(at->second.values.begin(), at->second.values.end());
                }
                double largest = 0;
                for (std::size_t k = 0; k < wanted.size(); ++k)
                    largest = std::max(largest, std::abs(at->second.values[k] - wanted[k]));
                CHECK(largest < 1e-6);
                ++compared;
            }
            CHECK(compared >= least);
            CHECK_FALSE(wire_network(net).parts.empty());
        }
}

TEST_CASE("Keras: both formats hold the same network", "[network]") {
    for (std::string const name : {"images", "graph", "states", "words", "mixed"}) {
        INFO(name);
        check_same_weights(read(name + ".h5"), read(name + ".keras"));
    }
}

TEST_CASE("Keras: the same weights give the couplings of the safetensors file", "[network]") {
    auto const exported = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/exported";
    for (std::string const name : {"lenet", "gru"}) {
        INFO(name);
        auto const architecture = spinet::read_architecture(exported / (name + ".json"));
        auto const wanted = spinet::safetensors{.architecture = architecture}(exported / (name + ".safetensors"));
        for (auto const* type : {".h5", ".keras"}) {
            INFO(type);
            auto const net = read("exported_" + name + type);
            check_same_weights(net, wanted);
            check_same_wiring(net, wanted);
        }
        auto described = architecture;  // its node of the GRU takes 'gru'; the layer is called gru.0
        for (auto& node : described.nodes) node.weights.clear();
        for (auto const* type : {".weights.h5", "_named.weights.h5"}) {
            INFO(type);
            auto const net = keras_hdf5{.architecture = described}(place / ("exported_" + name + type));
            check_same_weights(net, wanted);
            check_same_wiring(net, wanted);
        }
    }
}

TEST_CASE("Keras: names of layers are those of nodes", "[network]") {
    auto const net = read("graph.keras");
    for (auto const* name : {"input_1", "a", "b", "sum", "inner", "inner_bn", "joined", "most", "row", "last"}) {
        INFO(name);
        CHECK(net.find(name) != nullptr);
    }
}
