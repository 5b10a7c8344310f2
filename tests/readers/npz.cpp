// SPDX-License-Identifier: BSD-3-Clause
/// NumPy's files: the same network as from safetensors, all element types and orders, and what is refused.
#include "../files.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/numpy/npz.hpp>

#include <cmath>
#include <span>
#include <vector>
#include <zip.h>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::npy;
using spinet::npz;

namespace {

std::string header_text(std::string const& descr, std::string const& order, std::string const& shape) {
    return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

/// As numpy.lib.format has it: padded to a multiple of 64 bytes.
std::string array_of(std::string header, std::string const& bytes, char version = 1) {
    std::size_t const before = version == 1 ? 10 : 12;
    header += std::string((64 - (before + header.size() + 1) % 64) % 64, ' ') + "\n";
    std::string file = std::string("\x93NUMPY") + version + '\0';
    for (std::size_t k = 8; k < before; ++k) file += static_cast<char>(header.size() >> (8 * (k - 8)) & 255);
    return file + header + bytes;
}

struct zipped {
    std::string name, bytes;
};

std::filesystem::path write_zip(temporary_directory const& place, std::string const& name,
                                std::vector<zipped> const& entries, int method = ZIP_CM_STORE) {
    auto const path = place.path() / name;
    std::filesystem::remove(path);
    int code = 0;
    zip_t* const zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_EXCL, &code);
    REQUIRE(zip != nullptr);
    for (auto const& each : entries) {
        auto* const source = zip_source_buffer(zip, each.bytes.data(), each.bytes.size(), 0);
        auto const index = zip_file_add(zip, each.name.c_str(), source, ZIP_FL_ENC_UTF_8);
        REQUIRE(index >= 0);
        REQUIRE(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), method, 0) == 0);
    }
    REQUIRE(zip_close(zip) == 0);
    return path;
}

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

std::vector<zipped> good() {
    return {{"0.weight.npy",
             array_of(header_text("<f4", "False", "(2, 3)"), bytes_of<float>({1, 2, 3, 4, 5, 6}))},
            {"0.bias.npy", array_of(header_text("<f4", "False", "(2,)"), bytes_of<float>({-1, 1}))},
            {"2.weight.npy", array_of(header_text("<f8", "True", "(1, 2)"), bytes_of<double>({0.5, -0.5}))}};
}

}  // namespace

TEST_CASE("the same network from npz, stored and deflated, and from safetensors", "[network]") {
    temporary_directory const place;
    auto const expected = spinet::load_network(place.write(
        "a.safetensors", safetensors_file({{"0.weight", "F32", {2, 3}, bytes_of<float>({1, 2, 3, 4, 5, 6})},
                                           {"0.bias", "F32", {2}, bytes_of<float>({-1, 1})},
                                           {"2.weight", "F64", {1, 2}, bytes_of<double>({0.5, -0.5})}})));
    for (int const method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
        auto const path = write_zip(place, "a.npz", good(), method);
        CHECK(npz{}.recognises(path));
        CHECK_FALSE(spinet::safetensors{}.recognises(path));
        auto const chain = dense_chain(spinet::load_network(path, spinet::safetensors{}, npz{})),
                   wanted = dense_chain(expected);
        REQUIRE(chain.size() == 2);
        for (std::size_t l = 0; l < 2; ++l) {
            CHECK(chain[l].name == wanted[l].name);
            CHECK(values_of(chain[l].weight) == values_of(wanted[l].weight));
            CHECK(chain[l].bias.has_value() == wanted[l].bias.has_value());
        }
        CHECK(values_of(*chain[0].bias) == values_of(*wanted[0].bias));
    }
    CHECK(npz{}.recognises(write_zip(place, "other.zip", good())));
    CHECK_FALSE(npz{}.recognises(write_zip(place, "text.zip", {{"text", "no array"}})));
    CHECK_FALSE(npz{}.recognises(place.path() / "none"));
}

TEST_CASE("arrays of every real type, order of bytes and of memory, and version", "[network]") {
    temporary_directory const place;
    std::vector<double> const expected{1, -2, 0.5, 4, 0, 8};
    auto const load = [&](std::string const& descr, std::string const& order, std::string const& bytes,
                          char version = 1) {
        auto const path = place.write("w.npy", array_of(header_text(descr, order, "(2, 3)"), bytes, version));
        CHECK(npy{}.recognises(path));
        auto const chain = dense_chain(spinet::load_network(path, npy{}));
        REQUIRE(chain.size() == 1);
        CHECK(chain[0].name == "w");
        return values_of(chain[0].weight);
    };
    CHECK(load("<f4", "False", bytes_of<float>({1, -2, 0.5f, 4, 0, 8})) == expected);
    CHECK(load("<f8", "False", bytes_of<double>({1, -2, 0.5, 4, 0, 8}), 2) == expected);
    CHECK(load("<f2", "False", bytes_of<std::uint16_t>({0x3C00, 0xC000, 0x3800, 0x4400, 0, 0x4800}), 3) ==
          expected);
    CHECK(load("<f4", "True", bytes_of<float>({1, 4, -2, 0, 0.5f, 8})) == expected);
    auto swapped = bytes_of<float>({1, -2, 0.5f, 4, 0, 8});
    for (std::size_t k = 0; k < swapped.size(); k += 4) {
        std::swap(swapped[k], swapped[k + 3]);
        std::swap(swapped[k + 1], swapped[k + 2]);
    }
    CHECK(load(">f4", "False", swapped) == expected);
}

TEST_CASE("refused: arrays that are none", "[network]") {
    temporary_directory const place;
    auto const refused = [&](std::string const& bytes) {
        auto const path = place.write("w.npy", bytes);
        return refusal(path, [&] { return npy{}(path); });
    };
    std::string const six = bytes_of<float>({1, 2, 3, 4, 5, 6}),
                      whole = array_of(header_text("<f4", "False", "(2, 3)"), six);
    for (std::size_t n = 1; n < whole.size(); ++n)  // cut at every byte
        CHECK(refused(whole.substr(0, n)) != "nothing was thrown");
    CHECK_THAT(refused(whole + "x"), ContainsSubstring("needs 24 bytes, but 25 follow"));
    CHECK_THAT(refused(array_of(header_text("<f4", "False", "(18446744073709551615, 2)"), six)),
               ContainsSubstring("more than 2^64"));
    CHECK_THAT(refused(array_of(header_text("<f4", "False", "(18446744073709551616, 2)"), six)),
               ContainsSubstring("beyond 2^64"));
    CHECK_THAT(refused(array_of(header_text("<f4", "Maybe", "(2, 3)"), six)),
               ContainsSubstring("no dictionary"));
    CHECK_THAT(refused(array_of("{'descr': '<f4', 'shape': (2, 3)}", six)), ContainsSubstring("lacks one"));
    CHECK_THAT(refused(array_of("{'descr': '<f4', 'descr': '<f4'}", six)), ContainsSubstring("twice"));
    CHECK_THAT(refused(array_of("{'cry': '<f4'}", six)), ContainsSubstring("unknown key 'cry'"));
    CHECK_THAT(refused(array_of("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,)}", six)),
               ContainsSubstring("records"));
    CHECK_THAT(refused(array_of(header_text("<f4", "False", "(6,)"), six)), ContainsSubstring("shape (6)"));
    CHECK_THAT(refused(array_of(header_text("<i4", "False", "(2, 3)"), six)), ContainsSubstring("'<i4'"));
    CHECK_THAT(refused(array_of(header_text("<f4", "False", "(2, 3)"), six, 9)),
               ContainsSubstring("version 9"));
    auto bad = bytes_of<float>({1, 2, std::nanf(""), 4, 5, 6});
    CHECK_THAT(refused(array_of(header_text("<f4", "False", "(2, 3)"), bad)), ContainsSubstring("(0, 2)"));
}

TEST_CASE("refused: archives that are none, and what is in them", "[network]") {
    temporary_directory const place;
    auto const refused = [&](std::filesystem::path const& path, npz const& reader = {}) {
        return refusal(path, [&] { return reader(path); });
    };
    auto const path = write_zip(place, "a.npz", good(), ZIP_CM_DEFLATE);
    auto const whole = spinet::read_whole(path);
    for (std::size_t n = 1; n < whole.size(); n += 7)  // cut
        CHECK(refused(place.write("cut.npz", whole.substr(0, n))) != "nothing was thrown");
    std::size_t harmless = 0;
    for (std::size_t k = 0; k < whole.size(); ++k) {  // a bit of each byte flipped
        auto flipped = whole;
        flipped[k] = static_cast<char>(flipped[k] ^ (1 << k % 8));
        harmless += refused(place.write("flipped.npz", flipped)) == "nothing was thrown" ? 1u : 0u;
    }
    CHECK(harmless < whole.size() / 2);  // times of files, padding of headers
    auto entries = good();
    entries.push_back({"readme.txt", "text"});
    CHECK_THAT(refused(write_zip(place, "b.npz", entries)), ContainsSubstring("'readme.txt' is no array"));
    entries = good();
    entries.push_back(
        {"3.scale.npy", array_of(header_text("<f4", "False", "(2,)"), bytes_of<float>({1, 2}))});
    auto const more = write_zip(place, "c.npz", entries);
    CHECK_THAT(refused(more), ContainsSubstring("'3.scale'"));
    CHECK(dense_chain(npz{.ignored = {"3.scale"}}(more)).size() == 2);
    CHECK(dense_chain(npz{.layers = {"0", "2"}}(more)).size() == 2);
    entries = good();
    entries[0].bytes = "no array at all";
    CHECK_THAT(refused(write_zip(place, "d.npz", entries)), ContainsSubstring("array '0.weight'"));
    // Two entries of one name, as no writer makes them.
    auto twice = spinet::read_whole(
        write_zip(place, "e.npz", {{"0.weight.npy", good()[0].bytes}, {"1.weight.npy", good()[0].bytes}}));
    for (std::size_t at = 0; (at = twice.find("1.weight.npy", at)) != std::string::npos;) twice[at] = '0';
    CHECK_THAT(refused(place.write("twice.npz", twice)), ContainsSubstring("is no valid zip file"));
    // 200 MB of zeros in 200 KB.
    std::vector<zipped> const bomb{{"0.weight.npy", array_of(header_text("<f4", "False", "(10000, 5000)"),
                                                             std::string(200'000'000, '\0'))}};
    CHECK_THAT(refused(write_zip(place, "bomb.npz", bomb, ZIP_CM_DEFLATE)),
               ContainsSubstring("would unpack to more than"));
    CHECK_THAT(refused(write_zip(place, "empty.npz", {})), ContainsSubstring("no"));
}
