// SPDX-License-Identifier: BSD-3-Clause
/// IDX files: every type of number, compressed or not, and files that are cut, too long or no IDX files.
#include "../files.hpp"
#include <spinet/io/idx.hpp>
#include <spinet/io/samples.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <zlib.h>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

using bytes = std::string;

bytes number(std::uint64_t value, std::size_t width) {
    bytes text;
    for (std::size_t k = width; k-- > 0;) text += static_cast<char>(value >> (8 * k) & 0xff);
    return text;
}

bytes idx(unsigned char type, std::vector<std::uint32_t> const& shape, bytes const& body) {
    bytes text{'\0', '\0', static_cast<char>(type), static_cast<char>(shape.size())};
    for (auto const size : shape) text += number(size, 4);
    return text + body;
}

class files {
public:
    std::filesystem::path plain(bytes const& content, std::string const& name = "plain") const {
        auto const path = place_.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    std::filesystem::path compressed(bytes const& content) const {
        auto const path = place_.path() / "compressed.gz";
        gzFile const file = gzopen(path.c_str(), "wb");
        REQUIRE(gzwrite(file, content.data(), static_cast<unsigned>(content.size())) ==
                static_cast<int>(content.size()));
        REQUIRE(gzclose(file) == Z_OK);
        return path;
    }
    std::filesystem::path cut(std::filesystem::path const& path, std::size_t size) const {
        std::filesystem::resize_file(path, size);
        return path;
    }
    std::filesystem::path const& place() const { return place_.path(); }

private:
    network_test::temporary_directory place_;
};

std::string refusal(std::filesystem::path const& path) {
    return error_of([&] { return load_idx(path).numbers.size(); });
}

}  // namespace

TEST_CASE("IDX files of every type, plain and compressed", "[io]") {
    files const made;
    std::vector<double> const expected{1, 2, 3, 4, 5, 250};
    bytes body;
    for (double const each : expected) body += static_cast<char>(static_cast<unsigned char>(each));
    for (bool const zipped : {false, true}) {
        auto const content = idx(0x08, {2, 3}, body);
        auto const found = load_idx(zipped ? made.compressed(content) : made.plain(content));
        CHECK(found.shape == std::vector<std::size_t>{2, 3});
        CHECK(found.numbers == expected);
    }
    CHECK(load_idx(made.plain(idx(0x09, {2}, "\xff\x7f"))).numbers == std::vector<double>{-1, 127});
    CHECK(load_idx(made.plain(idx(0x0b, {2}, "\xff\xfe\x01\x02"))).numbers == std::vector<double>{-2, 258});
    CHECK(load_idx(made.plain(idx(0x0c, {1}, "\x80" + bytes(3, '\0')))).numbers ==
          std::vector<double>{-2147483648.0});
    CHECK(load_idx(made.plain(idx(0x0d, {1}, "\xbf\xc0" + bytes(2, '\0')))).numbers ==
          std::vector<double>{-1.5});
    CHECK(load_idx(made.plain(idx(0x0e, {1}, "\x40\x09\x21\xfb\x54\x44\x2d\x18"))).numbers ==
          std::vector<double>{3.141592653589793});
    CHECK(load_idx(made.plain(idx(0x08, {0}, ""))).numbers.empty());
}

TEST_CASE("what is no whole IDX file is refused, by its name", "[io]") {
    files const made;
    bytes const good = idx(0x08, {2, 3}, "abcdef");
    CHECK_THAT(refusal(made.place() / "none"), ContainsSubstring("none: cannot be opened"));
    CHECK_THAT(refusal(made.place()), ContainsSubstring("it is a directory"));
    CHECK_THAT(refusal(made.plain("")), ContainsSubstring("ends within the first four bytes: 0 of 4"));
    CHECK_THAT(refusal(made.plain("PNG\n....")), ContainsSubstring("is no IDX file"));
    CHECK_THAT(refusal(made.plain(idx(0x07, {1}, "a"))), ContainsSubstring("is no IDX file"));
    CHECK_THAT(refusal(made.plain(idx(0x08, {}, "a"))), ContainsSubstring("is no IDX file"));
    for (std::size_t size = 4; size < good.size(); ++size)
        CHECK_THAT(
            refusal(made.plain(good.substr(0, size))),
            ContainsSubstring(size < 12 ? "ends within its shape" : "ends within numbers 0 to 5 of 6"));
    CHECK_THAT(refusal(made.plain(good + "x")), ContainsSubstring("goes on beyond"));
    // A compressed file that is cut anywhere, and one that is damaged.
    auto const whole = std::filesystem::file_size(made.compressed(good));
    for (std::uintmax_t size = 1; size < whole; ++size)
        CHECK(!refusal(made.cut(made.compressed(good), static_cast<std::size_t>(size))).empty());
    auto const damaged = made.compressed(good);
    {
        std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(whole) - 6);  // in the checksum
        file.put('\x55');
    }
    CHECK(!refusal(damaged).empty());
    // Shapes that lie do not cost memory.
    CHECK_THAT(refusal(made.plain(idx(0x08, {0xffffffff, 0xffffffff}, "a"))), ContainsSubstring("2^34"));
    CHECK_THAT(refusal(made.plain(idx(0x08, {0x10000, 0x10000}, "a"))),
               ContainsSubstring("ends within numbers 0 to"));
    CHECK_THAT(refusal(made.plain(idx(0x0d, {1}, "\x7f\xc0" + bytes(2, '\0')))),
               ContainsSubstring("number 0 is not finite"));
}

TEST_CASE("images and labels become samples", "[io]") {
    files const made;
    auto const images =
                   made.plain(idx(0x08, {3, 2, 2}, bytes("\0\xff\x33\x66", 4) + bytes(8, '\x01')), "images"),
               labels = made.plain(idx(0x08, {3}, bytes("\x09\x00\x02", 3)), "labels");
    auto const found = load_labelled_images<double>(images, labels);
    CHECK(found.count == 3);
    CHECK(found.size == 4);
    CHECK(found.inputs[1] == 1);
    CHECK(found.inputs[2] == 0.2);
    CHECK(found.labels == std::vector<std::uint32_t>{9, 0, 2});
    CHECK(found.first(2).inputs.size() == 8);
    auto const with = [&](bytes const& other) {
        return error_of([&] { return load_labelled_images(images, made.plain(other, "other")).count; });
    };
    CHECK_THAT(with(idx(0x08, {2}, "ab")), ContainsSubstring("has 2 labels for the 3 images"));
    CHECK_THAT(with(idx(0x08, {3, 1}, "abc")), ContainsSubstring("no list of labels"));
    CHECK_THAT(with(idx(0x09, {3}, "\x01\x02\xff")), ContainsSubstring("label 2 is -1"));
    CHECK_THAT(error_of([&] { return load_labelled_images(labels, labels).count; }),
               ContainsSubstring("holds no images"));
}

// --- samples without labels

namespace {

bytes npy_file(std::string const& type, std::string const& shape, bytes const& body, bool fortran = false) {
    std::string dictionary = "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
                             ", 'shape': " + shape + ", }";
    while ((dictionary.size() + 11) % 64 != 0) dictionary += ' ';
    dictionary += '\n';
    return "\x93NUMPY\x01" + bytes(1, '\0') + static_cast<char>(dictionary.size() & 0xff) +
           static_cast<char>(dictionary.size() >> 8) + dictionary + body;
}

std::string samples_refusal(std::filesystem::path const& path) {
    return error_of([&] { return load_samples(path, 5).size(); });
}

}  // namespace

TEST_CASE("samples are rows of numbers from IDX and NumPy files", "[io]") {
    files const made;
    bytes const pixels("\x00\xff\x33\x66\x99\xcc", 6);
    xt::xtensor<double, 2> const expected{{0, 1, 0.2}, {0.4, 0.6, 0.8}};
    for (auto const& path :
         {made.plain(idx(0x08, {2, 1, 3}, pixels)), made.compressed(idx(0x08, {2, 3}, pixels)),
          made.plain(npy_file("|u1", "(2, 3, 1)", pixels), "a.npy")})
        CHECK(xt::allclose(load_samples(path, 9), expected));
    // A file may hold more than is asked for.
    CHECK(xt::allclose(load_samples(made.plain(idx(0x08, {2, 3}, pixels)), 1),
                       xt::xtensor<double, 2>{{0, 1, 0.2}}));
    bytes const floats("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);  // 1, -2
    CHECK(xt::allclose(load_samples(made.plain(npy_file("<f4", "(2, 1)", floats), "b.npy"), 9),
                       xt::xtensor<double, 2>{{1}, {-2}}));
    CHECK(load_samples(made.plain(npy_file("<f4", "(2, 1)", floats), "b.npy"), 1).size() == 1);
}

TEST_CASE("samples that cannot be read are refused with the name of the file", "[io]") {
    files const made;
    bytes const pixels(6, '\x40');
    auto const refused = [&](bytes const& content, std::string const& why) {
        auto const path = made.plain(content, "some.npy");
        CHECK_THAT(samples_refusal(path), ContainsSubstring("some.npy: ") && ContainsSubstring(why));
    };
    refused(npy_file("|u1", "(2, 4)", pixels), "needs 8 bytes, but 6 follow");
    refused(npy_file("|u1", "(6,)", pixels), "samples have shape");
    refused(npy_file("|u1", "(2, 3)", pixels, true), "samples have shape");
    refused(npy_file("<i4", "(1, 1)", bytes(4, '\0')), "samples have shape");
    refused(npy_file("|u1", "(0, 3)", ""), "holds no samples");
    refused(npy_file("<f4", "(1, 1)", bytes("\x00\x00\xc0\x7f", 4)), "number 0 is not finite");
    refused(npy_file("|u1", "(99999999999, 99999999999)", pixels), "its shape");
    refused(npy_file("|u1", "(2, 3)", pixels).substr(0, 40), "");
    refused(idx(0x08, {6}, pixels), "holds no samples");
    refused(idx(0x08, {2, 4}, pixels), "some.npy");
    refused("no samples", "is no IDX file");
    CHECK_THAT(samples_refusal(made.place() / "none"), ContainsSubstring("none"));
}
