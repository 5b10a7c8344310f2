// SPDX-License-Identifier: BSD-3-Clause
/// Files that are not what they should be: each is refused with its own message, and none does harm.
#include "../files.hpp"
#include <spinet/readers/safetensors/safetensors.hpp>

#include <limits>

using namespace network_test;
using spinet::safetensors;

namespace {

/// What the reader says of these bytes.
std::string refused(std::string const& bytes) {
    temporary_directory const directory;
    auto const path = directory.write("bad.safetensors", bytes);
    return refusal(path, [&] { (void)safetensors{}(path); });
}

/// What it says of a header with one entry and 16 bytes of data.
std::string refused_entry(std::string const& type, std::string const& shape, std::string const& offsets) {
    return refused(
        with_length("{" + entry_text("w.weight", type, shape, offsets) + "}", std::string(16, '\0')));
}

std::string refused_header(std::string const& header) { return refused(with_length(header)); }

std::string refused_tensors(std::vector<file_tensor> const& tensors) {
    return refused(safetensors_file(tensors));
}

std::string const good = safetensors_file({counted("0.weight", {3, 4}), counted("0.bias", {3})});

}  // namespace

TEST_CASE("refused: no file, a directory, a device, nothing in it", "[network]") {
    temporary_directory const directory;
    auto const missing = directory.path() / "none.safetensors";
    CHECK(refusal(missing, [&] { (void)safetensors{}(missing); }) == "no such file");
    CHECK(refusal(directory.path(), [&] { (void)safetensors{}(directory.path()); }) ==
          "is a directory, not a file");
    auto const through = directory.write("file", "x") / "inside.safetensors";
    CHECK(refusal(through, [&] { (void)safetensors{}(through); }) != "nothing was thrown");
    if (std::filesystem::exists("/dev/zero"))
        CHECK(refusal("/dev/zero", [&] { (void)safetensors{}("/dev/zero"); }) == "is not a regular file");
    CHECK(refused("") == "the file is empty");
}

TEST_CASE("refused: files cut short at every byte", "[network]") {
    CHECK(refused("abcdefg") ==
          "truncated: the file has 7 bytes, less than the 8 with which a safetensors file begins");
    auto const header = good.size() - 8 - 15 * sizeof(float);
    CHECK(refused(good.substr(0, 20)) ==
          "truncated: the header should have " + std::to_string(header) + " bytes, but only 12 follow");
    CHECK(refused(good.substr(0, good.size() - 1)) ==
          "tensor '0.bias': data_offsets [48, 60] reach beyond the 59 bytes of data: the file is truncated, "
          "or the "
          "offsets are wrong");
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        CHECK(refused(good.substr(0, size)) != "nothing was thrown");
    }
    temporary_directory const directory;
    CHECK_NOTHROW(safetensors{}(directory.write("good.safetensors", good)));
}

TEST_CASE("refused: other formats and absurd lengths of the header", "[network]") {
    CHECK(refused("PK\3\4 and the rest of a zip file") ==
          "not a safetensors file: its first 8 bytes give a header of 7236828441365138256 bytes, over the "
          "limit of "
          "100000000");
    CHECK(refused(bytes_of<std::uint64_t>({100'000'001}) + "{}") ==
          "not a safetensors file: its first 8 bytes give a header of 100000001 bytes, over the limit of "
          "100000000");
    CHECK(refused(bytes_of<std::uint64_t>({100'000'000}) + "{}") ==
          "truncated: the header should have 100000000 bytes, but only 2 follow");
    CHECK(refused(bytes_of<std::uint64_t>({~std::uint64_t{0}}) + "{}") ==
          "not a safetensors file: its first 8 bytes give a header of 18446744073709551615 bytes, over the "
          "limit of "
          "100000000");
    CHECK(refused(std::string(8, '\0')) ==
          "not a safetensors file: its first 8 bytes give a header of 0 bytes, too short for an object");
    CHECK(refused_header("[]") == "not a safetensors file: the header begins with '[', not with '{'");
    CHECK(refused_header(" {}") == "not a safetensors file: the header begins with ' ', not with '{'");
    CHECK(refused_header("\"text\"") == "not a safetensors file: the header begins with '\"', not with '{'");
}

TEST_CASE("refused: headers that are not JSON", "[network]") {
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(refused_header("{\"a"), ContainsSubstring("the header is not valid JSON at its byte 4"));
    CHECK_THAT(refused_header("{} {}"), ContainsSubstring("the header is not valid JSON at its byte 4"));
    CHECK_THAT(refused_header("{\"a\xFF\":1}"),
               ContainsSubstring("the header is not valid JSON at its byte 4"));
    CHECK_THAT(refused_header("{\"a\":}"), ContainsSubstring("the header is not valid JSON at its byte 6"));
    CHECK_THAT(refused_header("{/* no */}"), ContainsSubstring("the header is not valid JSON at its byte 2"));
    CHECK(refused_header(std::string("{}\0", 3)) == "the header holds a zero at its byte 3");
    CHECK_THAT(refused_header("{\"w\":{\"shape\":[1e999]}}"), ContainsSubstring("not valid JSON"));
    // a message stays short, whatever the file holds
    CHECK(refused_header("{\"" + std::string(1'000'000, 'x') + "\x01\":{}}").size() < 300);
    CHECK(refused_header("{\"" + std::string(1'000'000, 'x') + "\":1}").size() < 300);
    CHECK(refused_header("{\"w\":{\"shape\":[" + std::string(1'000'000, '9') + "]}}").size() < 400);
    CHECK(refused_header("{\"a\\nb\":1}") == "the header entry 'a?b' is the number 1, not an object");
}

TEST_CASE("refused: headers of the wrong form", "[network]") {
    CHECK(refused_header("{\"w\":[]}") == "the header entry 'w' is an array, not an object");
    CHECK(refused_header("{\"w\":null}") == "the header entry 'w' is null, not an object");
    CHECK(refused_header("{\"w\":true}") == "the header entry 'w' is a boolean, not an object");
    CHECK(refused_header("{\"w\":\"s\"}") == "the header entry 'w' is the string 's', not an object");
    CHECK(refused_header("{\"__metadata__\":3}") ==
          "the header entry '__metadata__' is the number 3, not an object");
    CHECK(refused_header("{\"__metadata__\":{\"a\":1}}") ==
          "__metadata__ entry 'a' is the number 1, not a string");
    CHECK(refused_header("{\"__metadata__\":{\"a\":{}}}") ==
          "__metadata__ entry 'a' is an object, not a string");
    CHECK(refused_header("{\"w\":{}}") == "tensor 'w': its dtype is missing");
    CHECK(refused_header("{\"w\":{\"dtype\":\"F32\"}}") == "tensor 'w': its shape is missing");
    CHECK(refused_header("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}") ==
          "tensor 'w': its data_offsets is missing");
    CHECK(refused_header("{\"w\":{\"dtype\":32}}") == "tensor 'w': its dtype is the number 32, not a string");
    CHECK(refused_header("{\"w\":{\"dtype\":[]}}") == "tensor 'w': its dtype is an array, not a string");
    CHECK(refused_header("{\"w\":{\"shape\":3}}") == "tensor 'w': its shape is the number 3, not an array");
    CHECK(refused_header("{\"w\":{\"shape\":\"3\"}}") ==
          "tensor 'w': its shape is the string '3', not an array");
    CHECK(refused_header("{\"w\":{\"shape\":{}}}") == "tensor 'w': its shape is an object, not an array");
    CHECK(refused_header("{\"w\":{\"strides\":[1]}}") == "tensor 'w': unknown key 'strides'");
}

TEST_CASE("refused: duplicate keys", "[network]") {
    auto const entry = entry_text("w", "F32", "[1]", "[0,4]");
    CHECK(refused_header("{" + entry + "," + entry + "}") == "duplicate key 'w' in the header");
    CHECK(refused_header("{\"__metadata__\":{},\"__metadata__\":{}}") ==
          "duplicate key '__metadata__' in the header");
    CHECK(refused_header("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}") ==
          "duplicate key 'a' in __metadata__");
    CHECK(refused_header("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}") ==
          "tensor 'w': duplicate key 'dtype'");
}

TEST_CASE("refused: JSON bombs, deep and wide", "[network]") {
    std::string const deep(5'000'000, '[');
    CHECK(refused_header("{\"w\":" + deep) == "the header entry 'w' is an array, not an object");
    CHECK(refused_header("{\"w\":{\"shape\":" + deep) ==
          "tensor 'w': its shape holds an array at index 0, not a whole number from 0 to 2^64-1");
    CHECK(refused_header("{\"w\":{\"other\":" + deep) == "tensor 'w': unknown key 'other'");
    CHECK(refused_header("{\"__metadata__\":{\"a\":" + deep) ==
          "__metadata__ entry 'a' is an array, not a string");
    std::string objects;
    for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
    CHECK(refused_header(objects) == "tensor 'a': unknown key 'a'");
    CHECK_THAT(refused_header("{" + deep),
               Catch::Matchers::ContainsSubstring("not valid JSON at its byte 2"));

    std::string keys = "{\"__metadata__\":{";
    for (int i = 0; i < 100'000; ++i) keys += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"\"";
    CHECK(refused_header(keys + "}}") == "the header has more than 100000 keys");
    std::string numbers = "{\"w\":{\"shape\":[1";
    for (int i = 0; i < 1'000'000; ++i) numbers += ",1";
    CHECK(refused_header(numbers + "]}}") == "tensor 'w': its shape has more than 32 dimensions");
    CHECK(refused_header("{\"w\":{\"data_offsets\":[0,1,2]}}") ==
          "tensor 'w': its data_offsets have more than two numbers");
}

TEST_CASE("refused: dimensions and offsets that are no sizes", "[network]") {
    CHECK(refused_entry("F32", "[2,-2]", "[0,16]") ==
          "tensor 'w.weight': its shape holds the negative number -2 at index 1, not a whole number from 0 "
          "to 2^64-1");
    CHECK(
        refused_entry("F32", "[2.0,2]", "[0,16]") ==
        "tensor 'w.weight': its shape holds the number 2.0 at index 0, not a whole number from 0 to 2^64-1");
    CHECK(refused_entry("F32", "[2,18446744073709551616]", "[0,16]") ==
          "tensor 'w.weight': its shape holds the number 18446744073709551616 at index 1, not a whole number "
          "from 0 to "
          "2^64-1");
    CHECK(refused_entry("F32", "[null]", "[0,16]") ==
          "tensor 'w.weight': its shape holds null at index 0, not a whole number from 0 to 2^64-1");
    CHECK(refused_entry("F32", "[2,2]", "[0,-16]") ==
          "tensor 'w.weight': its data_offsets hold the negative number -16 at index 1, not a whole number "
          "from 0 to "
          "2^64-1");
    CHECK(refused_entry("F32", "[2,2]", "[16]") ==
          "tensor 'w.weight': its data_offsets have 1 numbers instead of two");
    CHECK(refused_entry("F32", "[2,2]", "[]") ==
          "tensor 'w.weight': its data_offsets have 0 numbers instead of two");
    CHECK(refused_entry("F32", "[9223372036854775808,2]", "[0,16]") ==
          "tensor 'w.weight': its size overflows: shape (9223372036854775808, 2) of F32");
    // the product of the dimensions wraps round to 4
    CHECK(refused_entry("F32", "[4294967296,4294967297,4]", "[0,16]") ==
          "tensor 'w.weight': its size overflows: shape (4294967296, 4294967297, 4) of F32");
    CHECK(refused_entry("F64", "[100000,100000]", "[0,16]") ==
          "tensor 'w.weight': data_offsets [0, 16] span 16 bytes, but shape (100000, 100000) of F64 takes "
          "80000000000");
    CHECK(refused_entry("F64", "[100000,100000]", "[0,80000000000]") ==
          "tensor 'w.weight': data_offsets [0, 80000000000] reach beyond the 16 bytes of data: the file is "
          "truncated, or "
          "the offsets are wrong");
}

TEST_CASE("refused: offsets that do not fit type, shape, file or one another", "[network]") {
    CHECK(refused_entry("F32", "[2,2]", "[0,12]") ==
          "tensor 'w.weight': data_offsets [0, 12] span 12 bytes, but shape (2, 2) of F32 takes 16");
    CHECK(refused_entry("F16", "[2,2]", "[0,16]") ==
          "tensor 'w.weight': data_offsets [0, 16] span 16 bytes, but shape (2, 2) of F16 takes 8");
    CHECK(refused_entry("F32", "[2,2]", "[16,0]") == "tensor 'w.weight': data_offsets [16, 0] are reversed");
    CHECK(refused_entry("F32", "[2,2]", "[4,20]") ==
          "tensor 'w.weight': data_offsets [4, 20] reach beyond the 16 bytes of data: the file is truncated, "
          "or the "
          "offsets are wrong");
    CHECK(refused_entry("F32", "[2,2]", "[18446744073709551599,18446744073709551615]") ==
          "tensor 'w.weight': data_offsets [18446744073709551599, 18446744073709551615] reach beyond the 16 "
          "bytes of "
          "data: the file is truncated, or the offsets are wrong");
    CHECK(refused_entry("F32", "[3,1]", "[0,12]") ==
          "trailing bytes: the tensors take 12 bytes, but 16 follow the header");
    CHECK(refused_entry("F32", "[3,1]", "[4,16]") ==
          "hole in the data: bytes 0 to 4, before tensor 'w.weight', belong to no tensor");
    CHECK(refused_entry("F4", "[3,1]", "[0,1]") ==
          "tensor 'w.weight': shape (3, 1) of F4 is not a whole number of bytes");
    auto const two = [](std::string const& a, std::string const& b) {
        return refused(with_length("{" + entry_text("b.weight", "F32", "[2,1]", b) + "," +
                                       entry_text("a.weight", "F32", "[2,1]", a) + "}",
                                   std::string(16, '\0')));
    };
    CHECK(two("[0,8]", "[0,8]") ==
          "tensors 'a.weight' and 'b.weight' overlap from byte 0 to byte 8 of the data");
    CHECK(two("[0,8]", "[4,12]") ==
          "tensors 'a.weight' and 'b.weight' overlap from byte 4 to byte 8 of the data");
    CHECK(two("[8,16]", "[4,12]") ==
          "hole in the data: bytes 0 to 4, before tensor 'b.weight', belong to no tensor");
    CHECK(two("[8,16]", "[0,8]") ==
          "shapes do not chain in any order of the layers; by name, tensor 'a.weight' of shape (2, 1) gives "
          "2, but "
          "tensor 'b.weight' of shape (2, 1) takes 1");
    // an empty tensor cannot hide a byte
    CHECK(refused(with_length("{" + entry_text("e", "U8", "[0]", "[2,2]") + "," +
                                  entry_text("w.weight", "F32", "[1,1]", "[0,4]") + "}",
                              std::string(4, '\0'))) ==
          "tensors 'w.weight' and 'e' overlap from byte 2 to byte 2 of the data");
    CHECK(refused(good + "x") == "trailing bytes: the tensors take 60 bytes, but 61 follow the header");
}

TEST_CASE("refused: element types", "[network]") {
    CHECK(refused_entry("F31", "[2,2]", "[0,16]") == "tensor 'w.weight': unknown dtype 'F31'");
    CHECK(refused_entry("f32", "[2,2]", "[0,16]") == "tensor 'w.weight': unknown dtype 'f32'");
    CHECK(refused_entry("I32", "[2,2]", "[0,16]") ==
          "tensor 'w.weight' of shape (2, 2) has dtype I32; a weight has to be F32, F64, F16 or BF16, or "
          "quantised with its scale beside it, in 'w.weight_scale'");
    CHECK(refused_entry("F8_E4M3", "[4,4]", "[0,16]") ==
          "tensor 'w.weight' of shape (4, 4) has dtype F8_E4M3; a weight has to be F32, F64, F16 or BF16, "
          "or quantised with its scale beside it, in 'w.weight_scale'");
    CHECK(refused_tensors({counted("a.weight", {2, 2}), {"a.bias", "I16", {2}, "abcd"}}) ==
          "tensor 'a.bias' of shape (2) has dtype I16; a bias has to be F32, F64, F16 or BF16, or "
          "quantised with its scale beside it, in 'a.bias_scale'");
}

TEST_CASE("refused: tensors that are no dense layer", "[network]") {
    CHECK(refused_header("{}") == "no dense layer: the file has no tensor NAME.weight");
    CHECK(refused_header("{\"__metadata__\":{\"format\":\"pt\"}}") ==
          "no dense layer: the file has no tensor NAME.weight");
    CHECK(refused_tensors({{"steps", "I64", {}, std::string(8, '\0')}}) ==
          "no dense layer: the file has no tensor NAME.weight");
    CHECK(refused_tensors({counted("a.weight", {})}) ==
          "tensor 'a.weight' of shape () has rank 0; the weight of a dense layer has rank 2, (out, in); "
          "other layers need the option 'architecture' (--architecture FILE)");
    CHECK(refused_tensors({counted("norm.weight", {3})}) ==
          "tensor 'norm.weight' of shape (3) has rank 1; the weight of a dense layer has rank 2, (out, in); "
          "other layers need the option 'architecture' (--architecture FILE)");
    CHECK(refused_tensors({counted("conv.weight", {1, 1, 2, 2})}) ==
          "tensor 'conv.weight' of shape (1, 1, 2, 2) has rank 4; the weight of a dense layer has rank 2, "
          "(out, in); other layers need the option 'architecture' (--architecture FILE)");
    CHECK(refused_tensors({counted("a.weight", {0, 3})}) ==
          "tensor 'a.weight' of shape (0, 3) has a dimension of size 0");
    CHECK(refused_tensors({counted("a.weight", {2, 2}), counted("a.bias", {2, 1})}) ==
          "tensor 'a.bias' of shape (2, 1) has rank 2; the bias of a dense layer has rank 1, (out); "
          "other layers need the option 'architecture' (--architecture FILE)");
    CHECK(refused_tensors({counted("a.weight", {2, 2}), counted("a.bias", {3})}) ==
          "node 'a': tensor 'a.bias' of shape (3) has length 3, but its weight, tensor 'a.weight' of shape "
          "(2, 2), "
          "gives 2 values");
    CHECK(refused_tensors({counted("a.weight", {2, 2}), counted("b.bias", {2})}) ==
          "tensor 'b.bias' is a bias without a weight");
    CHECK(refused_tensors({counted("bias", {2})}) == "tensor 'bias' is a bias without a weight");
    CHECK(refused_tensors({counted("a.weight", {2, 2}), counted("n.running_mean", {2})}) ==
          "tensor 'n.running_mean' of shape (2) and dtype F32 lacks the other of running_mean and "
          "running_var; if the network has other layers, describe it in the option 'architecture' "
          "(--architecture FILE); if it is meant without this tensor, name the layers in the option 'layers' "
          "(--layers NAME,NAME,...), or the tensor in 'ignored' (--ignored NAME)");
}

TEST_CASE("refused: shapes that do not chain", "[network]") {
    CHECK(refused_tensors({counted("fc1.weight", {3, 4}), counted("fc2.weight", {2, 5})}) ==
          "shapes do not chain in any order of the layers; by name, tensor 'fc1.weight' of shape (3, 4) "
          "gives 3, but "
          "tensor 'fc2.weight' of shape (2, 5) takes 5");
    temporary_directory const directory;
    auto const path = directory.write(
        "n.safetensors", safetensors_file({counted("fc1.weight", {3, 4}), counted("fc2.weight", {2, 3})}));
    CHECK(refusal(path,
                  [&] {
                      (void)safetensors{.layers = {"fc2", "fc1"}}(path);
                  }) ==
          "shapes do not chain: tensor 'fc2.weight' of shape (2, 3) of layer 'fc2' gives 2, but tensor "
          "'fc1.weight' of "
          "shape (3, 4) of layer 'fc1' takes 4");
}

TEST_CASE("refused: values that are not finite, in every type", "[network]") {
    auto const weight = [](std::string const& type, std::string const& bytes) {
        return refused_tensors({{"0.weight", type, {2, 2}, bytes}});
    };
    std::string const where = "node '0': tensor '0.weight' of shape (2, 2) holds ";
    std::string const why = "; every weight has to be finite";
    CHECK(weight("F16", bytes_of<std::uint16_t>({0, 0, 0x7C00, 0})) == where + "inf at (1, 0)" + why);
    CHECK(weight("F16", bytes_of<std::uint16_t>({0, 0x7E00, 0x7C00, 0})) == where + "nan at (0, 1)" + why);
    CHECK(weight("BF16", bytes_of<std::uint16_t>({0, 0, 0, 0xFF80})) == where + "-inf at (1, 1)" + why);
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    auto const infinity = std::numeric_limits<double>::infinity();
    CHECK(weight("F32", bytes_of<float>({static_cast<float>(nan), 0, 0, 0})) ==
          where + "nan at (0, 0)" + why);
    CHECK(weight("F64", bytes_of<double>({0, 0, -infinity, nan})) == where + "-inf at (1, 0)" + why);
    CHECK(refused_tensors(
              {counted("0.weight", {2, 2}), {"0.bias", "F64", {2}, bytes_of<double>({1, infinity})}}) ==
          "node '0': tensor '0.bias' of shape (2) holds inf at (1)" + why);
}
