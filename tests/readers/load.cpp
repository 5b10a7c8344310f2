// SPDX-License-Identifier: BSD-3-Clause
/// load_network: which reader gets the file.
#include "../files.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/testing/archetype_reader.hpp>

#include <string_view>

using namespace network_test;
using spinet::safetensors;

namespace {

/// A reader of one's own: a network of one layer for files that begin with '#'.
struct comment_reader {
    std::string_view name() const { return "comment"; }
    bool recognises(std::filesystem::path const& path) const { return std::ifstream(path).get() == '#'; }
    spinet::network operator()(std::filesystem::path const&) const {
        return spinet::dense_network({{"comment", xt::xtensor<float, 2>{{1, 2}}}});
    }
};

struct no_reader {
    spinet::network operator()(std::filesystem::path const&) const;
};

static_assert(spinet::NetworkReader<safetensors>);
static_assert(spinet::NetworkReader<comment_reader>);
static_assert(!spinet::NetworkReader<no_reader>);

}  // namespace

TEST_CASE("safetensors files are recognised by extension or content", "[network]") {
    temporary_directory const directory;
    auto const bytes = safetensors_file({counted("0.weight", {2, 2})});
    CHECK(safetensors{}.recognises(directory.write("a.safetensors", bytes)));
    CHECK(safetensors{}.recognises(directory.write("a.bin", bytes)));
    CHECK(safetensors{}.recognises(directory.write("broken.safetensors", "x")));
    CHECK_FALSE(safetensors{}.recognises(directory.write("text.txt", "a text which is none")));
    CHECK_FALSE(safetensors{}.recognises(directory.write("short.txt", "x")));
    CHECK_FALSE(safetensors{}.recognises(directory.write("cut.bin", bytes.substr(0, 20))));
    CHECK_FALSE(safetensors{}.recognises(directory.path() / "none.bin"));
    CHECK_FALSE(safetensors{}.recognises(directory.path()));
    CHECK(spinet::load_network(directory.path() / "a.bin").nodes().size() == 3);
}

TEST_CASE("the first reader that recognises the file reads it", "[network]") {
    temporary_directory const directory;
    auto const weights = directory.write("a.safetensors", safetensors_file({counted("0.weight", {2, 2})}));
    auto const comment = directory.write("b.txt", "# a comment");
    auto const first = [](auto const& path, auto const&... readers) {
        return dense_chain(spinet::load_network(path, readers...)).front().name;
    };
    CHECK(first(weights) == "0");
    CHECK(first(weights, comment_reader{}, safetensors{}) == "0");
    CHECK(first(comment, comment_reader{}, safetensors{}) == "comment");
    CHECK(first(comment, safetensors{}, comment_reader{}) == "comment");
    auto const options =
        safetensors{.hidden = spinet::activation_kind::relu, .output = spinet::activation_kind::tanh};
    CHECK(dense_chain(spinet::load_network(weights, comment_reader{}, options))[0].activation ==
          spinet::activation_kind::tanh);
}

TEST_CASE("load_network adds the file to what a reader gives or refuses", "[network]") {
    temporary_directory const directory;
    auto const path = directory.write("a.txt", "hello");
    spinet::testing::archetypes::reader const accepts(nullptr), refuses("of no use");
    CHECK(spinet::load_network(path, accepts).source() == path);
    CHECK(refusal(path, [&] { (void)spinet::load_network(path, refuses); }) == "of no use");
    CHECK(refusal(path, [&] { (void)spinet::load_network(path, safetensors{}, refuses); }) == "of no use");
    // a source that the reader gives, and an error of another file, stay
    struct : comment_reader {
        bool recognises(std::filesystem::path const&) const { return true; }
        spinet::network operator()(std::filesystem::path const&) const {
            return spinet::network("elsewhere");
        }
    } const elsewhere;
    CHECK(spinet::load_network(path, elsewhere).source() == "elsewhere");
    auto const other = directory.path() / "none.safetensors";
    struct : comment_reader {
        std::filesystem::path other;
        bool recognises(std::filesystem::path const&) const { return true; }
        spinet::network operator()(std::filesystem::path const&) const { return safetensors{}(other); }
    } indirect;
    indirect.other = other;
    CHECK(refusal(other, [&] { (void)spinet::load_network(path, indirect); }) == "no such file");
}

TEST_CASE("files that no reader takes", "[network]") {
    temporary_directory const directory;
    auto const text = directory.write("a.txt", "hello");
    CHECK(refusal(text, [&] { (void)spinet::load_network(text); }) ==
          "no reader recognises this file; tried: huggingface, safetensors");
    CHECK(refusal(text, [&] { (void)spinet::load_network(text, safetensors{}, comment_reader{}); }) ==
          "no reader recognises this file; tried: safetensors, comment");
    auto const missing = directory.path() / "none.txt";
    CHECK(refusal(missing, [&] { (void)spinet::load_network(missing); }) == "no such file");
    CHECK(refusal(missing, [&] { (void)spinet::load_network(missing, comment_reader{}); }) == "no such file");
    CHECK(refusal(directory.path(), [&] { (void)spinet::load_network(directory.path()); }) ==
          "is a directory without config.json: give the file of the network");
    auto const empty = directory.write("e.txt", "");
    CHECK(refusal(empty, [&] { (void)spinet::load_network(empty); }) == "the file is empty");
    // recognised by its extension, so the reader says what is wrong
    auto const broken = directory.write("b.safetensors", "hello");
    CHECK(refusal(broken, [&] { (void)spinet::load_network(broken); }) ==
          "truncated: the file has 5 bytes, less than the 8 with which a safetensors file begins");
}
