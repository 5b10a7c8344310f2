// SPDX-License-Identifier: BSD-3-Clause
/// Networks in several safetensors files with an index: what is read, and what is refused.
#include "../files.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::safetensors;

namespace {

std::string const first = "model-00001-of-00002.safetensors";
std::string const second = "model-00002-of-00002.safetensors";

using listing = std::vector<std::pair<std::string, std::string>>;

/// Laid out as the Hugging Face libraries do it, with an indent of two.
std::string index_text(listing const& weight_map, std::string const& metadata = R"({"total_size": 92})") {
    std::string entries;
    for (auto const& [name, file] : weight_map) {
        entries += entries.empty() ? "\n    \"" : ",\n    \"";
        entries += name + "\": \"" + file + "\"";
    }
    return "{\n  \"metadata\": " + metadata + ",\n  \"weight_map\": {" + entries + "\n  }\n}\n";
}

listing const sound{{"0.weight", first}, {"0.bias", first}, {"2.weight", second}, {"2.bias", second}};

/// Two shards of a network 4-3-2, and an index.
struct sharded_files {
    explicit sharded_files(std::string const& index = index_text(sound)) {
        directory.write(first, safetensors_file({counted("0.bias", {3}, 50), counted("0.weight", {3, 4})},
                                                R"("__metadata__":{"format":"pt"})"));
        directory.write(second,
                        safetensors_file({counted("2.weight", {2, 3}, 20), counted("2.bias", {2}, 90)}));
        path = directory.write("model.safetensors.index.json", index);
    }

    std::string refused() const {
        return refusal(path, [&] { (void)safetensors{}(path); });
    }
    std::string shard_refused(std::string const& shard) const {
        return refusal(directory.path() / shard, [&] { (void)safetensors{}(path); });
    }

    temporary_directory directory;
    std::filesystem::path path;
};

std::string refused_index(std::string const& index) { return sharded_files(index).refused(); }

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

/// Loads it, and then all is finite, or refuses it, naming one of the files.
bool loads(sharded_files const& files) {
    try {
        for (auto const& layer : dense_chain(safetensors{}(files.path)))
            for (auto const x : values_of(layer.weight)) REQUIRE(std::isfinite(x));
        return true;
    } catch (spinet::file_error const& reason) {
        REQUIRE(std::filesystem::path(reason.path()).parent_path() == files.directory.path());
        return false;
    }
}

}  // namespace

TEST_CASE("a network in two files", "[network]") {
    sharded_files const files;
    CHECK(safetensors{}.recognises(files.path));
    auto const net = spinet::load_network(files.path);
    CHECK(net.source() == files.path);
    CHECK(net.notes().empty());
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "0");
    CHECK(chain[0].weight.shape() == std::vector<std::size_t>{3, 4});
    CHECK(values_of(chain[0].weight) == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    CHECK(values_of(*chain[0].bias) == std::vector<double>{50, 51, 52});
    CHECK(values_of(chain[1].weight) == std::vector<double>{20, 21, 22, 23, 24, 25});
    CHECK(values_of(*chain[1].bias) == std::vector<double>{90, 91});
    // the options of the reader are about all shards
    auto const last = safetensors{.layers = {"2"}, .output = spinet::activation_kind::softmax}(files.path);
    CHECK(dense_chain(last).size() == 1);
    CHECK(last.notes().size() == 2);
}

TEST_CASE("a relative path, a link, one shard only, other things beside weight_map", "[network]") {
    sharded_files const files(index_text(
        sound, R"({"total_size": 92.0, "by": [null, true, -1, "x", {"y": [[]]}], "weight_map": {"a": 3}})"));
    CHECK(loads(files));
    auto const before = std::filesystem::current_path();
    std::filesystem::current_path(files.directory.path());
    CHECK(safetensors{}("model.safetensors.index.json").nodes().size() == 5);
    std::filesystem::current_path(before);

    temporary_directory const links;  // as in the cache of the Hugging Face hub
    for (auto const& name : {first, second, std::string("model.safetensors.index.json")})
        std::filesystem::create_symlink(files.directory.path() / name, links.path() / name);
    CHECK(safetensors{}(links.path() / "model.safetensors.index.json").nodes().size() == 5);

    CHECK(loads(sharded_files("{\"weight_map\":{\"2.weight\":\"" + second + "\",\"2.bias\":\"" + second +
                              "\"},\"extra\":{}}")));
    // an index is known by its name alone
    CHECK_FALSE(safetensors{}.recognises(files.directory.write("index.json", index_text(sound))));
    CHECK_FALSE(spinet::is_safetensors_index("safetensors.index.json"));
    CHECK(spinet::is_safetensors_index("some/where/x.safetensors.index.json"));
}

TEST_CASE("tensors of shards which the index does not list get a note", "[network]") {
    sharded_files const files(index_text({{"0.weight", first}, {"2.weight", second}, {"2.bias", second}}));
    auto const net = safetensors{}(files.path);
    CHECK_FALSE(dense_chain(net)[0].bias);
    CHECK(net.notes() ==
          std::vector<std::string>{"ignored tensor '0.bias' of dtype F32: it is in the file '" + first +
                                   "', but not in the index"});
}

TEST_CASE("refused: shards that are missing, damaged, or hold other tensors", "[network]") {
    {
        sharded_files const files;
        std::filesystem::remove(files.directory.path() / second);
        CHECK(files.shard_refused(second) == "no such file");
        std::filesystem::create_directory(files.directory.path() / second);
        CHECK(files.shard_refused(second) == "is a directory, not a file");
    }
    {
        sharded_files const files;
        files.directory.write(first, "short");
        CHECK_THAT(files.shard_refused(first), ContainsSubstring("truncated: the file has 5 bytes"));
    }
    auto moved = sound;
    moved[1].second = second;
    CHECK(sharded_files(index_text(moved)).shard_refused(first) ==
          "tensor '0.bias' is in this file, but the index puts it into '" + second + "'");
    auto more = sound;
    more.emplace_back("4.weight", second);
    CHECK(refused_index(index_text(more)) ==
          "tensor '4.weight' is not in the file '" + second + "', into which the index puts it");
    {
        sharded_files const files;
        files.directory.write(second,
                              safetensors_file({counted("2.weight", {2, 3}), counted("0.bias", {3})}));
        CHECK(files.shard_refused(second) ==
              "tensor '0.bias' is in this file, but the index puts it into '" + first + "'");
    }
    {
        sharded_files const files;
        files.directory.write(
            second,
            safetensors_file({counted("2.bias", {2}), {"2.weight", "F32", {2, 3}, std::string(24, '\xFF')}}));
        CHECK(
            files.refused() ==
            "node '2': tensor '2.weight' of shape (2, 3) holds nan at (0, 0); every weight has to be finite");
    }
    CHECK(refused_index(R"({"weight_map":{}})") == "no dense layer: the file has no tensor NAME.weight");
}

TEST_CASE("refused: files outside of the directory of the index", "[network]") {
    auto const into = [](std::string const& file) {
        return refused_index("{\"weight_map\":{\"0.weight\":\"" + file + "\"}}");
    };
    std::string const no = ", which is not the name of a file in its own directory";
    std::string const start = "the index puts tensor '0.weight' into ";
    CHECK(into("../" + first) == start + "'../" + first + "'" + no);
    CHECK(into("/etc/passwd") == start + "'/etc/passwd'" + no);
    CHECK(into("..") == start + "'..'" + no);
    CHECK(into(".") == start + "'.'" + no);
    CHECK(into("") == start + "''" + no);
    CHECK(into("a/b.safetensors") == start + "'a/b.safetensors'" + no);
    CHECK(into("./" + first) == start + "'./" + first + "'" + no);
    CHECK(into("a\\\\b.safetensors") == start + "'a\\b.safetensors'" + no);
    CHECK(into("C:model") == start + "'C:model'" + no);
    CHECK(into(first + "\\u0000.txt") == start + "'" + first + "?.txt'" + no);
    CHECK(into("a\\nb") == start + "'a?b'" + no);
    CHECK(into(std::string(1'000'000, 'x')).size() < 300);
    CHECK(into(std::string(256, 'x')).size() < 300);
}

TEST_CASE("refused: an index that names itself, or what is no safetensors file", "[network]") {
    CHECK_THAT(refused_index(R"({"weight_map":{"0.weight":"model.safetensors.index.json"}})"),
               ContainsSubstring("not a safetensors file"));
    sharded_files const files(R"({"weight_map":{"0.weight":"other.safetensors.index.json"}})");
    files.directory.write("other.safetensors.index.json",
                          R"({"weight_map":{"0.weight":"model.safetensors.index.json"}})");
    CHECK_THAT(files.shard_refused("other.safetensors.index.json"),
               ContainsSubstring("not a safetensors file"));
    // the same shard under two names: each tensor would be there twice
    sharded_files const linked(index_text({{"0.weight", first}, {"0.bias", "again.safetensors"}}));
    std::filesystem::create_symlink(linked.directory.path() / first,
                                    linked.directory.path() / "again.safetensors");
    CHECK(linked.shard_refused("again.safetensors") ==
          "tensor '0.weight' is in this file, but the index puts it into '" + first + "'");
    if (std::filesystem::exists("/dev/zero")) {
        sharded_files const device(R"({"weight_map":{"0.weight":"zero"}})");
        std::filesystem::create_symlink("/dev/zero", device.directory.path() / "zero");
        CHECK(device.shard_refused("zero") == "is not a regular file");
    }
}

TEST_CASE("refused: an index of the wrong form", "[network]") {
    CHECK(refused_index("") == "the file is empty");
    CHECK_THAT(refused_index("model"), ContainsSubstring("the index is not valid JSON at its byte 1"));
    CHECK_THAT(refused_index("{\"weight_map\":{}"), ContainsSubstring("the index is not valid JSON"));
    CHECK_THAT(refused_index("{\"weight_map\":{}} {}"), ContainsSubstring("the index is not valid JSON"));
    CHECK_THAT(refused_index("{\"x\":1e999}"), ContainsSubstring("the index is not valid JSON"));
    CHECK(refused_index(index_text(sound) + std::string(1, '\0')) ==
          "the index holds a zero at its byte " + std::to_string(index_text(sound).size() + 1));
    CHECK(refused_index("{}") == "the index has no weight_map");
    CHECK(refused_index(R"({"metadata":{"weight_map":{}}})") == "the index has no weight_map");
    CHECK(refused_index("[]") == "the index is an array, not an object");
    CHECK(refused_index("3") == "the index is a number, not an object");
    CHECK(refused_index("-3") == "the index is a number, not an object");
    CHECK(refused_index("\"text\"") == "the index is a string, not an object");
    CHECK(refused_index("null") == "the index is null, not an object");
    CHECK(refused_index("true") == "the index is a boolean, not an object");
    CHECK(refused_index(R"({"weight_map":[]})") == "the weight_map of the index is an array, not an object");
    CHECK(refused_index(R"({"weight_map":"x"})") == "the weight_map of the index is a string, not an object");
    CHECK(refused_index(R"({"weight_map":0})") == "the weight_map of the index is a number, not an object");
    CHECK(refused_index(R"({"weight_map":null})") == "the weight_map of the index is null, not an object");
    std::string const no = ", not into a file, whose name would be a string";
    CHECK(refused_index(R"({"weight_map":{"w":1}})") == "the index puts tensor 'w' into a number" + no);
    CHECK(refused_index(R"({"weight_map":{"w":1.5}})") == "the index puts tensor 'w' into a number" + no);
    CHECK(refused_index(R"({"weight_map":{"w":{}}})") == "the index puts tensor 'w' into an object" + no);
    CHECK(refused_index(R"({"weight_map":{"w":["a"]}})") == "the index puts tensor 'w' into an array" + no);
    CHECK(refused_index(R"({"weight_map":{"w":null}})") == "the index puts tensor 'w' into null" + no);
}

TEST_CASE("refused: duplicate keys of an index", "[network]") {
    CHECK(refused_index(R"({"weight_map":{},"weight_map":{}})") == "duplicate key 'weight_map' in the index");
    CHECK(refused_index(R"({"metadata":1,"metadata":2})") == "duplicate key 'metadata' in the index");
    auto twice = sound;
    twice.emplace_back("0.bias", second);
    CHECK(refused_index(index_text(twice)) == "duplicate key '0.bias' in the weight_map of the index");
}

TEST_CASE("refused: an index that is deep, wide or long", "[network]") {
    std::string const deep = "the index nests more than 32 levels";
    CHECK(refused_index("{\"metadata\":" + std::string(5'000'000, '[')) == deep);
    std::string objects;
    for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
    CHECK(refused_index(objects) == deep);
    CHECK(refused_index("{\"weight_map\":{\"w\":" + std::string(1'000'000, '[')) ==
          "the index puts tensor 'w' into an array, not into a file, whose name would be a string");
    std::string wide = "{\"weight_map\":{";
    for (int i = 0; i < 100'000; ++i) wide += "\"" + std::to_string(i) + "\":\"a\",";
    CHECK(refused_index(wide) == "the index has more than 100000 keys");
    CHECK(refused_index("{\"weight_map\":{\"" + std::string(1'000'000, 'x') + "\":3}}").size() < 300);

    sharded_files const files;
    std::filesystem::resize_file(files.path, 100'000'001);  // most of it is on no disk
    CHECK(files.refused() == "the index has 100000001 bytes, over the limit of 100000000");
}

TEST_CASE("an index cut short at every byte, and every bit of it flipped", "[network]") {
    auto const text = index_text(sound);
    auto const whole = text.find_last_of('}') + 1;
    sharded_files const files;
    for (std::size_t size = 0; size < whole; ++size) {
        files.directory.write("model.safetensors.index.json", text.substr(0, size));
        CAPTURE(size);
        REQUIRE_FALSE(loads(files));
    }
    int loaded = 0;
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
        auto flipped = text;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        files.directory.write("model.safetensors.index.json", flipped);
        CAPTURE(bit);
        loaded += loads(files);
    }
    CHECK(loaded > 20);  // the name and the value of metadata
    CHECK(loaded < static_cast<int>(text.size()) * 4);
}

TEST_CASE("a shard cut short at every byte, and every bit of it flipped", "[network]") {
    sharded_files const files;
    std::string text;
    std::getline(std::ifstream(files.directory.path() / second, std::ios::binary), text, '\n');
    REQUIRE(text.size() == std::filesystem::file_size(files.directory.path() / second));
    for (std::size_t size = 0; size < text.size(); ++size) {
        files.directory.write(second, text.substr(0, size));
        CAPTURE(size);
        REQUIRE_FALSE(loads(files));
    }
    int loaded = 0;
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
        auto flipped = text;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        files.directory.write(second, flipped);
        CAPTURE(bit);
        loaded += loads(files);
    }
    CHECK(loaded > 8 * 8 * 4 / 2);  // mostly bits of the eight numbers
}
