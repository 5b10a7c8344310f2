// SPDX-License-Identifier: BSD-3-Clause
/// Reading safetensors files: all element types, names in any order, options, a trained network.
#include "../files.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <algorithm>
#include <cmath>
#include <span>

using namespace network_test;
using spinet::activation_kind;
using spinet::safetensors;

namespace {

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

std::string names_of(spinet::network const& net) {
    std::string names;
    for (auto const& layer : dense_chain(net)) names += (names.empty() ? "" : " ") + layer.name;
    return names;
}

}  // namespace

TEST_CASE("all element types, from their bit patterns", "[network]") {
    temporary_directory const directory;
    // weight 2x2 of 1, -2, the largest value (of F64 that of float), the smallest subnormal
    std::vector<double> const half{1, -2, 65504, 0x1p-24};
    std::vector<double> const brain{1, -2, 255 * 0x1p120, 0x1p-133};
    std::vector<double> const single{1, -2, 16777215 * 0x1p104, 0x1p-149};
    std::vector<double> const twice{1, -2, 16777215 * 0x1p104, 0x1p-1074};
    auto const load = [&](std::string const& type, std::string const& bytes) {
        auto const path =
            directory.write(type + ".safetensors", safetensors_file({{"0.weight", type, {2, 2}, bytes}}));
        auto const chain = dense_chain(safetensors{}(path));
        REQUIRE(chain.size() == 1);
        CHECK(chain[0].weight.name() == "0.weight");
        CHECK(chain[0].weight.shape() == std::vector<std::size_t>{2, 2});
        return chain[0].weight;
    };
    auto const f16 = load("F16", bytes_of<std::uint16_t>({0x3C00, 0xC000, 0x7BFF, 0x0001}));
    CHECK(f16.type() == spinet::dtype::f16);
    CHECK(values_of(f16) == half);
    auto const bf16 = load("BF16", bytes_of<std::uint16_t>({0x3F80, 0xC000, 0x7F7F, 0x0001}));
    CHECK(bf16.type() == spinet::dtype::bf16);
    CHECK(values_of(bf16) == brain);
    auto const f32 = load("F32", bytes_of<std::uint32_t>({0x3F800000, 0xC0000000, 0x7F7FFFFF, 0x00000001}));
    CHECK(f32.type() == spinet::dtype::f32);
    CHECK(values_of(f32) == single);
    auto const f64 = load("F64", bytes_of<std::uint64_t>({0x3FF0000000000000, 0xC000000000000000,
                                                          0x47EFFFFFE0000000, 0x0000000000000001}));
    CHECK(f64.type() == spinet::dtype::f64);
    CHECK(values_of(f64) == twice);
}

TEST_CASE("a file of a state_dict: layers, biases, values, source", "[network]") {
    temporary_directory const directory;
    auto const path = directory.write(
        "mlp.safetensors", safetensors_file({counted("0.weight", {3, 4}, 1), counted("0.bias", {3}, 100),
                                             counted("2.weight", {2, 3}, 50), counted("2.bias", {2}, -7)},
                                            R"("__metadata__":{"format":"pt","a":"}{[\"\u00e9"})"));
    auto const net = spinet::load_network(path);
    CHECK(net.source() == path);
    CHECK(net.notes().empty());
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "0");
    CHECK(chain[1].name == "2");
    CHECK((chain[0].weight.as<float, 2>() ==
           xt::xtensor<float, 2>{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}));
    CHECK((chain[1].weight.as<double, 2>() == xt::xtensor<double, 2>{{50, 51, 52}, {53, 54, 55}}));
    REQUIRE(chain[0].bias);
    REQUIRE(chain[1].bias);
    CHECK((chain[0].bias->as<float, 1>() == xt::xtensor<float, 1>{100, 101, 102}));
    CHECK((chain[1].bias->as<float, 1>() == xt::xtensor<float, 1>{-7, -6}));
    CHECK(chain[0].activation == activation_kind::unspecified);
    CHECK(chain[1].activation == activation_kind::unspecified);
}

TEST_CASE("the order of tensors in the file does not matter", "[network]") {
    temporary_directory const directory;
    std::vector<file_tensor> tensors{counted("fc1.weight", {3, 4}, 1), counted("fc1.bias", {3}, 100),
                                     counted("fc2.weight", {3, 3}, 50), counted("fc10.weight", {3, 3}, 70),
                                     counted("fc10.bias", {3}, -7)};
    std::sort(tensors.begin(), tensors.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    int permutations = 0;
    do {
        auto const net = safetensors{}(directory.write("p.safetensors", safetensors_file(tensors)));
        auto const chain = dense_chain(net);
        REQUIRE(chain.size() == 3);
        REQUIRE(names_of(net) == "fc1 fc2 fc10");
        REQUIRE(values_of(chain[0].weight)[11] == 12);
        REQUIRE(values_of(chain[1].weight)[0] == 50);
        REQUIRE(values_of(chain[2].weight)[8] == 78);
        REQUIRE(values_of(chain[0].bias.value()) == std::vector<double>{100, 101, 102});
        REQUIRE_FALSE(chain[1].bias);
        REQUIRE(values_of(chain[2].bias.value()) == std::vector<double>{-7, -6, -5});
        ++permutations;
    } while (std::next_permutation(tensors.begin(), tensors.end(),
                                   [](auto const& a, auto const& b) { return a.name < b.name; }));
    CHECK(permutations == 120);
}

TEST_CASE("names of layers", "[network]") {
    temporary_directory const directory;
    auto const names = [&](std::vector<file_tensor> const& tensors) {
        return names_of(safetensors{}(directory.write("n.safetensors", safetensors_file(tensors))));
    };
    CHECK(names({counted("encoder.layers.10.weight", {3, 3}), counted("encoder.layers.9.weight", {3, 3})}) ==
          "encoder.layers.9 encoder.layers.10");
    CHECK(names({counted("weight", {3, 4}), counted("bias", {3})}) == "linear");
    CHECK(names({counted("input.weight", {3, 4}), counted("input activation.weight", {2, 3})}) ==
          "input input activation");
    auto const by_shape = safetensors{}(directory.write(
        "s.safetensors", safetensors_file({counted("hidden.weight", {5, 4}), counted("output.weight", {3, 5}),
                                           counted("z.weight", {4, 9})})));
    CHECK(names_of(by_shape) == "z hidden output");
    CHECK(by_shape.notes() ==
          std::vector<std::string>{"ordered the layers by their shapes, since their names do not: "
                                   "'z', 'hidden', 'output'"});
}

TEST_CASE("bookkeeping tensors of integers are skipped, and it is said", "[network]") {
    temporary_directory const directory;
    auto const net = safetensors{}(directory.write(
        "n.safetensors", safetensors_file({{"1.num_batches_tracked", "I64", {}, std::string(8, '\1')},
                                           counted("0.weight", {2, 2}),
                                           {"mask", "BOOL", {0, 3}, ""},
                                           {"z", "U8", {3}, "abc"}})));
    CHECK(names_of(net) == "0");
    CHECK(net.notes() ==
          std::vector<std::string>{
              "ignored tensor '1.num_batches_tracked' of dtype I64: it is neither the weight nor the bias of "
              "a layer",
              "ignored tensor 'mask' of dtype BOOL: it is neither the weight nor the bias of a layer",
              "ignored tensor 'z' of dtype U8: it is neither the weight nor the bias of a layer"});
}

TEST_CASE("options: order of layers, tensors to ignore, activations", "[network]") {
    temporary_directory const directory;
    auto const path = directory.write(
        "auto.safetensors",
        safetensors_file({counted("decoder.weight", {9, 3}), counted("encoder.weight", {3, 9}),
                          counted("encoder.bias", {3}), counted("norm.running_mean", {3}),
                          counted("conv.weight", {1, 1, 2, 2})}));
    auto const net = safetensors{.layers = {"encoder", "decoder"}}(path);
    CHECK(names_of(net) == "encoder decoder");
    CHECK(net.notes() ==
          std::vector<std::string>{"ignored tensor 'conv.weight' of dtype F32: as asked",
                                   "ignored tensor 'norm.running_mean' of dtype F32: as asked"});
    CHECK(names_of(safetensors{.layers = {"decoder"}}(path)) == "decoder");
    CHECK(names_of(safetensors{.ignored = {"decoder.weight", "norm.running_mean", "conv.weight"}}(path)) ==
          "encoder");
    CHECK(refusal(path, [&] {
              (void)safetensors{.layers = {"encoder", "head"}}(path);
          }) == "there is no layer 'head', which the option 'layers' names");
    CHECK(refusal(path, [&] { (void)safetensors{.ignored = {"nothing"}}(path); }) ==
          "there is no tensor 'nothing', which the option 'ignored' names");
    CHECK(refusal(path, [&] {
              (void)safetensors{.layers = {"encoder", "encoder"}}(path);
          }) == "the network already has a node 'encoder'");
    CHECK(
        refusal(path,
                [&] {
                    (void)safetensors{.ignored = {"norm.running_mean", "conv.weight"}}(path);
                }) ==
        "the order of the layers is ambiguous: their shapes allow 'decoder', 'encoder' as well as 'encoder', "
        "'decoder', and their names do not settle it; give their order in the option 'layers' (--layers "
        "NAME,NAME,...)");

    auto const chain =
        dense_chain(safetensors{.layers = {"encoder", "decoder"}, .hidden = activation_kind::relu}(path));
    CHECK(chain[0].activation == activation_kind::relu);
    CHECK(chain[1].activation == activation_kind::unspecified);
    CHECK(dense_chain(safetensors{.layers = {"encoder"}, .output = activation_kind::softmax}(path))[0]
              .activation == activation_kind::softmax);
}

TEST_CASE("a header padded with blanks, or spaced out", "[network]") {
    temporary_directory const directory;
    std::string const header = "{" + entry_text("w.weight", "F32", "[1,1]", "[0,4]") + "}   \n ";
    auto const data = bytes_of<float>({2.5F});
    auto const padded = safetensors{}(directory.write("p.safetensors", with_length(header, data)));
    CHECK(values_of(dense_chain(padded)[0].weight) == std::vector<double>{2.5});
    // spaces inside, keys in another order
    auto const spaced = with_length(
        R"({ "w.weight" : { "data_offsets" : [ 0 , 4 ] , "shape" : [ 1 , 1 ] , "dtype" : "F32" } })", data);
    CHECK(values_of(dense_chain(safetensors{}(directory.write("s.safetensors", spaced)))[0].weight) ==
          std::vector<double>{2.5});
}

TEST_CASE("a network outlives its file", "[network]") {
    auto const net = [] {
        temporary_directory const directory;
        return safetensors{}(
            directory.write("n.safetensors", safetensors_file({counted("0.weight", {2, 2})})));
    }();
    CHECK_FALSE(std::filesystem::exists(net.source()));
    CHECK(values_of(dense_chain(net)[0].weight) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("tensors are windows on the file, and a file replaced changes none", "[network]") {
    temporary_directory const directory;
    auto const file = [](float start) {
        return safetensors_file({counted("0.weight", {2, 2}, start), counted("0.bias", {2}, start + 50)});
    };
    auto const path = directory.write("n.safetensors", file(1));
    auto const chain = dense_chain(safetensors{}(path));
    CHECK(chain[0].bias->bytes().data() == chain[0].weight.bytes().data() + 16);
    std::filesystem::rename(directory.write("other", file(100)), path);
    CHECK(values_of(chain[0].weight) == std::vector<double>{1, 2, 3, 4});
    CHECK(values_of(dense_chain(safetensors{}(path))[0].weight) == std::vector<double>{100, 101, 102, 103});
}

TEST_CASE("a file of 5 GiB, most of it a hole on the disk", "[network]") {
    temporary_directory const directory;
    std::uint64_t const hole = std::uint64_t{5} << 30;
    auto const header = "{" + entry_text("0.weight", "F32", "[1,2]", "[0,8]") + "," +
                        entry_text("large", "F16", "[" + std::to_string(hole / 2) + "]",
                                   "[8," + std::to_string(hole + 8) + "]") +
                        "," +
                        entry_text("1.weight", "F32", "[1,1]",
                                   "[" + std::to_string(hole + 8) + "," + std::to_string(hole + 12) + "]") +
                        "}";
    auto const path = directory.write("5.safetensors", with_length(header, bytes_of<float>({1, 2})));
    std::filesystem::resize_file(path, 8 + header.size() + hole + 8);
    std::ofstream(path, std::ios::binary | std::ios::app) << bytes_of<float>({3});
    CHECK(refusal(path, [&] { (void)safetensors{}(path); }).substr(0, 14) == "tensor 'large'");
    auto const chain = dense_chain(safetensors{.ignored = {"large"}}(path));
    CHECK(values_of(chain[0].weight) == std::vector<double>{1, 2});
    CHECK(values_of(chain[1].weight) == std::vector<double>{3});
}

TEST_CASE("a trained network", "[network]") {
    auto const path =
        std::filesystem::path(SPINET_SOURCE_DIR) / "tests" / "data" / "fashion_784-16-10_trained.safetensors";
    auto const net = spinet::load_network(path);
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].weight.shape() == std::vector<std::size_t>{16, 784});
    CHECK(chain[1].weight.shape() == std::vector<std::size_t>{10, 16});
    REQUIRE(chain[0].bias);
    REQUIRE(chain[1].bias);
    CHECK(chain[0].bias->shape() == std::vector<std::size_t>{16});
    CHECK(chain[1].bias->shape() == std::vector<std::size_t>{10});
    CHECK(net.notes().empty());

    // the card of the file, tests/data/README.md: mean and standard deviation, to five decimals
    auto const check = [](spinet::tensor const& tensor, double mean, double deviation) {
        CAPTURE(tensor.name());
        auto const values = values_of(tensor);
        double sum = 0, squares = 0;
        for (auto const x : values) sum += x;
        auto const found = sum / static_cast<double>(values.size());
        for (auto const x : values) squares += (x - found) * (x - found);
        CHECK(found == Catch::Approx(mean).margin(0.6e-5).epsilon(0));
        CHECK(std::sqrt(squares / static_cast<double>(values.size())) ==
              Catch::Approx(deviation).margin(0.6e-5).epsilon(0));
    };
    check(chain[0].weight, 0.01173, 0.14742);
    check(*chain[0].bias, 0.09099, 0.40386);
    check(chain[1].weight, -0.03597, 0.35356);
    check(*chain[1].bias, -0.05728, 0.39375);
}
