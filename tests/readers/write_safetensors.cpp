// SPDX-License-Identifier: BSD-3-Clause
/// Writing safetensors files: byte for byte what others write, and what is refused.
#include "../files.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/write_safetensors.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::dtype;
using spinet::safetensors;
using spinet::tensor;
using spinet::write_safetensors;

namespace {

auto const data = std::filesystem::path(SPINET_SOURCE_DIR) / "tests" / "data";

std::string read_bytes(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string written(std::vector<tensor> const& tensors, spinet::safetensors_metadata const& metadata = {}) {
    temporary_directory const directory;
    auto const path = directory.path() / "out.safetensors";
    write_safetensors(path, tensors, metadata);
    CHECK_FALSE(std::filesystem::exists(path.string() + ".part"));
    return read_bytes(path);
}

template <class... Arguments>
std::string refused(Arguments const&... arguments) {
    temporary_directory const directory;
    auto const path = directory.path() / "out.safetensors";
    auto const why = refusal(path, [&] { write_safetensors(path, arguments...); });
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(std::filesystem::exists(path.string() + ".part"));
    return why;
}

tensor bytes_tensor(std::string const& name, dtype type, std::vector<std::size_t> const& shape,
                    std::string const& bytes) {
    auto const stored = std::make_shared<std::vector<std::byte>>(bytes.size());
    if (!bytes.empty()) std::memcpy(stored->data(), bytes.data(), bytes.size());
    return {name, type, shape, stored};
}

tensor ones(std::string const& name) { return {xt::xtensor<float, 1>{1, 1}, name}; }

}  // namespace

// The files below are those of the reference implementation's own tests: safetensors/src/tensor.rs of
// https://github.com/huggingface/safetensors, test_serialization, test_serialization_forced_alignement,
// test_empty.
TEST_CASE("as the reference implementation writes it", "[network]") {
    xt::xtensor<float, 3> const values{{{0, 1, 2}, {3, 4, 5}}};
    auto const numbers = bytes_of<float>({0, 1, 2, 3, 4, 5});
    CHECK(written({tensor(values, "attn.0")}) ==
          with_length(R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})", numbers));
    auto const shorter =
        std::string(R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}})") + "       ";
    REQUIRE(shorter.size() == 72);
    CHECK(written({tensor(values, "attn0").reshaped({1, 1, 2, 3})}) == with_length(shorter, numbers));
    CHECK(written({}) == with_length("{}      "));
    CHECK(written({}, {{"framework", "pt"}}) == with_length(R"({"__metadata__":{"framework":"pt"}}     )"));
}

TEST_CASE("every type, as a writer of NumPy and json has it, byte for byte", "[network]") {
    auto const expected = read_bytes(data / "four_types.safetensors");
    REQUIRE(expected.size() == 774);
    temporary_directory const directory;
    auto const path = directory.path() / "again.safetensors";
    spinet::safetensors_metadata const metadata{{"made by", "safetensors_reference.py"},
                                                {"\u00e9", "\u00fc\n"}};
    write_safetensors(path, spinet::safetensors{}(data / "four_types.safetensors"), metadata);
    CHECK(read_bytes(path) == expected);
    // the same from two shards; and onto the file that the tensors are windows on
    write_safetensors(path, spinet::safetensors{}(data / "four_types.safetensors.index.json"), metadata);
    CHECK(read_bytes(path) == expected);
    auto const net = spinet::safetensors{}(path);
    write_safetensors(path, net, metadata);
    write_safetensors(path, net, metadata);
    CHECK(read_bytes(path) == expected);
}

TEST_CASE("the values of every type are those NumPy and PyTorch stored", "[network]") {
    std::map<std::string, tensor> found;
    for (auto const* name : {"four_types.safetensors", "four_types.safetensors.index.json"}) {
        for (auto const& layer : dense_chain(spinet::safetensors{}(data / name))) {
            found.insert_or_assign(layer.weight.name(), layer.weight);
            found.insert_or_assign(layer.bias->name(), *layer.bias);
        }
        std::ifstream lines(data / "four_types.txt");
        std::size_t count = 0;
        for (std::string line; std::getline(lines, line); ++count) {
            std::istringstream words(line);
            std::string tensor_name, type, word;
            words >> tensor_name >> type;
            CAPTURE(name, tensor_name);
            auto const& each = found.at(tensor_name);
            CHECK(each.type() == (type == "F16"    ? dtype::f16
                                  : type == "BF16" ? dtype::bf16
                                  : type == "F32"  ? dtype::f32
                                                   : dtype::f64));
            std::vector<double> values(each.size()), expected;
            each.copy_to(std::span<double>(values));
            while (words >> word) expected.push_back(std::strtod(word.c_str(), nullptr));
            CHECK(bytes_of(values) == bytes_of(expected));  // zeros have their signs
        }
        CHECK(count == 8);
        CHECK(found.size() == 8);
        found.clear();
    }
}

TEST_CASE("a trained network keeps its couplings", "[network]") {
    auto const shipped = std::filesystem::path(SPINET_SOURCE_DIR) / "docs" / "networks" /
                         "fashion_784-128-64-10_trained.safetensors";
    auto const net = spinet::load_network(shipped);
    temporary_directory const directory;
    auto const path = directory.path() / "copy.safetensors";
    write_safetensors(path, net);
    auto const again = spinet::load_network(path);
    auto const chain = dense_chain(net), copied = dense_chain(again);
    REQUIRE(copied.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(copied[i].name == chain[i].name);
        CHECK((copied[i].weight.as<float, 2>() == chain[i].weight.as<float, 2>()));
        CHECK((copied[i].bias->as<float, 1>() == chain[i].bias->as<float, 1>()));
    }
    auto const glass = spinet::to_spin_glass(net), other = spinet::to_spin_glass(again);
    REQUIRE(glass.size() == 784 + 128 + 64 + 10);
    using couplings = std::vector<std::pair<std::size_t, std::vector<float>>>;
    auto const of = [](auto const& model, std::size_t site) {
        couplings result;
        model.for_each_coupling(site, [&](std::size_t start, auto const& values) {
            result.emplace_back(start, std::vector<float>(values.begin(), values.end()));
        });
        return result;
    };
    std::size_t different = 0;
    for (std::size_t site = 0; site < glass.size(); ++site) different += of(glass, site) != of(other, site);
    CHECK(different == 0);
    CHECK(of(glass, 800).size() > 0);
}

TEST_CASE("any bits of any type, of any shape, come back", "[network]") {
    std::mt19937_64 random(11);
    std::uniform_int_distribution<int> byte(0, 255);
    temporary_directory const directory;
    auto const path = directory.path() / "any.safetensors";
    std::vector<std::vector<std::size_t>> const shapes{{}, {0}, {1}, {3, 5}, {2, 0, 4}, {2, 1, 3, 1, 2}};
    for (int trial = 0; trial < 50; ++trial) {
        std::map<std::string, tensor> tensors;
        for (auto const type : {dtype::f16, dtype::bf16, dtype::f32, dtype::f64})
            for (auto const& shape : shapes) {
                if (random() % 2 == 0) continue;
                std::size_t size = size_of(type);
                for (auto const length : shape) size *= length;
                std::string bytes(size, '\0');  // nan and infinity among them: a file may hold them
                for (auto& c : bytes) c = static_cast<char>(byte(random));
                std::string name = "t\"\\\n\t\x01" + std::to_string(random());
                tensors.emplace(name, bytes_tensor(name, type, shape, bytes));
            }
        write_safetensors(path, tensors);
        spinet::input_file file(path);
        auto const header = spinet::read_safetensors_header(file);
        CHECK(header.data_begin % 8 == 0);
        REQUIRE(header.tensors.size() == tensors.size());
        for (auto const& [name, entry] : header.tensors) {
            auto const& original = tensors.at(name);
            CHECK(entry.type->type == original.type());
            CHECK(std::vector<std::size_t>(entry.shape.begin(), entry.shape.end()) == original.shape());
            // what is aligned in the file is aligned in a mapping of it
            CHECK(entry.begin % size_of(original.type()) == 0);
            std::vector<std::byte> stored(static_cast<std::size_t>(entry.end - entry.begin));
            file.read(header.data_begin + entry.begin, stored);
            CHECK(std::equal(stored.begin(), stored.end(), original.bytes().begin(), original.bytes().end()));
        }
    }
}

TEST_CASE("order: wide types first, then names", "[network]") {
    auto const each = [](std::string const& name, dtype type) {
        return bytes_tensor(name, type, {}, std::string(size_of(type), '\0'));
    };
    auto const bytes = written({each("b", dtype::f16), each("a", dtype::f16), each("z", dtype::bf16),
                                each("a1", dtype::f32), each("A", dtype::f32), each("y", dtype::f64)});
    std::string names;
    for (auto const* name : {"\"y\"", "\"A\"", "\"a1\"", "\"z\"", "\"a\"", "\"b\""}) {
        auto const at = bytes.find(std::string(name) + ":{");
        REQUIRE(at != bytes.npos);
        CHECK(at == bytes.find(":{", at) - std::string(name).size());
        names += std::to_string(at) + " ";
    }
    std::istringstream places(names);
    std::vector<std::size_t> found{std::istream_iterator<std::size_t>(places), {}};
    CHECK(std::is_sorted(found.begin(), found.end()));
}

TEST_CASE("networks: dense layers and activations", "[network]") {
    xt::xtensor<float, 2> const w{{1, 2}, {3, 4}, {5, 6}};
    spinet::network net;
    net.add({"x", spinet::input{2}})
        .add({"fc.1", spinet::dense{w, tensor(xt::xtensor<double, 1>{7, 8, 9})}, {"x"}})
        .add({"f", spinet::activation{spinet::activation_kind::relu}, {"fc.1"}})
        .add({"fc.2", spinet::dense{xt::xtensor<float, 2>{{1, 2, 3}}}, {"f"}});
    temporary_directory const directory;
    auto const path = directory.path() / "net.safetensors";
    write_safetensors(path, net);
    auto const chain = dense_chain(safetensors{.hidden = spinet::activation_kind::relu}(path));
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "fc.1");
    CHECK(chain[0].activation == spinet::activation_kind::relu);
    CHECK((chain[0].weight.as<float, 2>() == w));
    CHECK(chain[0].bias->type() == dtype::f64);
    CHECK(chain[0].bias->as<double, 1>()(2) == 9);
    CHECK_FALSE(chain[1].bias);

    auto const pooled = [&] {
        auto copy = net;
        return copy.add({"p'\n", spinet::mean_over_steps{}, {"fc.2"}});
    }();
    CHECK(
        refused(pooled) ==
        "cannot be written: node 'p'?' is of kind mean over steps, for whose tensors a safetensors file has "
        "no names here; dense layers and activations can be written");
    write_safetensors(path, spinet::network());
    CHECK(read_bytes(path) == with_length("{}      "));
}

TEST_CASE("refused: names that no file holds", "[network]") {
    CHECK(refused(std::vector{ones("")}) == "cannot be written: tensor '' of shape (2) has no name");
    CHECK(refused(std::vector{ones("__metadata__")}) ==
          "cannot be written: tensor '__metadata__' of shape (2) has the name of what is no tensor in a "
          "safetensors file");
    CHECK(refused(std::vector{ones("a"), ones("b"), ones("a")}) ==
          "cannot be written: two tensors have the name 'a'");
    CHECK(refused(std::vector{ones("a"), bytes_tensor("a", dtype::f16, {0}, "")}) ==
          "cannot be written: two tensors have the name 'a'");
    CHECK(refused(std::vector{ones("a\xFF")}) ==
          "cannot be written: the name of a tensor, 'a\xFF' is not UTF-8");
    CHECK(refused(std::map<std::string, tensor>{{"", ones("a")}}) ==
          "cannot be written: tensor '' of shape (2) has no name");
    CHECK(refused(std::vector{ones("a")}, spinet::safetensors_metadata{{"k", "\xC3"}}) ==
          "cannot be written: the metadata '\xC3' is not UTF-8");
    CHECK(refused(std::vector{ones("a")}, spinet::safetensors_metadata{{"\xC3", "v"}}) ==
          "cannot be written: the key of metadata '\xC3' is not UTF-8");
    CHECK(refused(std::vector{ones("a").rows(0, 1).reshaped(std::vector<std::size_t>(33, 1))}) ==
          "cannot be written: tensor 'a' of shape (1, 1, 1, 1, 1, 1, 1, 1, ...) has rank 33, over the limit "
          "of 32");
}

TEST_CASE("refused: more than a header holds", "[network]") {
    auto const one = ones("a");
    std::vector<tensor> many;
    for (int i = 0; i < 25'001; ++i) many.push_back(one.renamed(std::to_string(i)));
    CHECK(refused(many) == "cannot be written: 25001 tensors are too many for one file");
    many.pop_back();
    temporary_directory const directory;
    auto const path = directory.path() / "many.safetensors";
    write_safetensors(path, many);
    spinet::input_file file(path);
    CHECK(spinet::read_safetensors_header(file).tensors.size() == 25'000);
    CHECK(refused(many, spinet::safetensors_metadata{{"k", "v"}}) ==
          "cannot be written: 25000 tensors are too many for one file");
    CHECK(refused(std::vector{one}, spinet::safetensors_metadata{{"k", std::string(100'000'000, 'x')}}) ==
          "cannot be written: its header would have 100000080 bytes, over the limit of 100000000");
}

TEST_CASE("refused: where no file can be written; an old file stays", "[network]") {
    temporary_directory const directory;
    auto const path = directory.write("old.safetensors", "old");
    CHECK_THAT(refusal(path, [&] { write_safetensors(path, {ones("")}); }), ContainsSubstring("has no name"));
    CHECK(read_bytes(path) == "old");
    CHECK_THAT(refusal(directory.path(), [&] { write_safetensors(directory.path(), {ones("a")}); }),
               ContainsSubstring("it is a directory"));
    auto const missing = directory.path() / "none" / "x.safetensors";
    CHECK_THAT(refusal(missing, [&] { write_safetensors(missing, {ones("a")}); }),
               ContainsSubstring("cannot be written"));
    if (std::filesystem::exists("/dev/full")) {
        std::filesystem::create_symlink("/dev/full", directory.path() / "full.part");
        auto const full = directory.path() / "full";
        CHECK_THAT(refusal(full, [&] { write_safetensors(full, {ones("a")}); }),
                   ContainsSubstring("cannot be written: write"));
        CHECK_FALSE(std::filesystem::exists(full));
    }
}
