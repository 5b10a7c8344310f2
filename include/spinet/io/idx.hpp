// SPDX-License-Identifier: BSD-3-Clause
/// Readers of IDX files, the format of MNIST and Fashion-MNIST, plain or compressed by gzip. Needs zlib.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/data_set.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>
#include <zlib.h>

namespace spinet {

/// An array of numbers as an IDX file holds it: `shape`, and the numbers in row-major order.
struct idx_array {
    std::vector<std::size_t> shape;
    std::vector<double> numbers;
};

namespace detail {

/// A file that may be compressed, read from its beginning. Throws spinet::file_error.
class gzip_reader {
public:
    explicit gzip_reader(std::filesystem::path const& path) : path_(path.string()), file_(nullptr, &gzclose) {
        std::error_code unknown;
        if (std::filesystem::is_directory(path, unknown))
            throw file_error(path_, "cannot be read: it is a directory");
        if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown))
            throw file_error(path_, "cannot be read: it is no regular file");  // a pipe would wait for ever
        file_.reset(gzopen(path_.c_str(), "rb"));
        if (!file_) throw file_error(path_, "cannot be opened");
        (void)gzbuffer(file_.get(), 1u << 17);
    }

    /// Fills `bytes` or throws: "where" is what they are.
    void read(std::vector<unsigned char>& bytes, std::string const& where) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            auto const ask = static_cast<unsigned>(std::min<std::size_t>(bytes.size() - done, 1u << 20));
            int const got = gzread(file_.get(), bytes.data() + done, ask);
            if (got < 0) refuse();
            if (got == 0) {
                require_whole();
                throw file_error(path_, "ends within ", where, ": ", done, " of ", bytes.size(),
                                 " bytes are there");
            }
            done += static_cast<std::size_t>(got);
        }
    }
    /// Throws unless nothing is left.
    void require_end() {
        unsigned char more = 0;
        int const got = gzread(file_.get(), &more, 1);
        if (got < 0) refuse();
        if (got > 0) throw file_error(path_, "goes on beyond the numbers that its shape asks for");
        require_whole();
    }

private:
    [[noreturn]] void refuse() {
        int code = 0;
        throw file_error(path_, "cannot be read: ", gzerror(file_.get(), &code));
    }
    /// zlib reports only at the end that a compressed file was cut.
    void require_whole() {
        int code = 0;
        std::string const what = gzerror(file_.get(), &code);
        if (code != Z_OK && code != Z_STREAM_END) throw file_error(path_, "is damaged: ", what);
    }

    std::string path_;
    std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

[[nodiscard]] inline std::uint64_t big_endian(unsigned char const* bytes, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t k = 0; k < count; ++k) value = value << 8 | bytes[k];
    return value;
}

/// One number of IDX type 0x08 (unsigned byte), 0x09 (signed byte), 0x0b (short), 0x0c (int), 0x0d (float) or
/// 0x0e (double).
[[nodiscard]] inline double idx_number(unsigned type, unsigned char const* at) noexcept {
    if (type == 0x08) return *at;
    if (type == 0x09) return static_cast<std::int8_t>(*at);
    if (type == 0x0b) return static_cast<std::int16_t>(big_endian(at, 2));
    if (type == 0x0e) return std::bit_cast<double>(big_endian(at, 8));
    auto const word = static_cast<std::uint32_t>(big_endian(at, 4));
    return type == 0x0c ? static_cast<std::int32_t>(word) : static_cast<double>(std::bit_cast<float>(word));
}

}  // namespace detail

/// Reads an IDX file. Throws spinet::file_error where it is missing, no IDX file, cut, longer than its shape
/// says, or where a number is not finite.
[[nodiscard]] inline idx_array load_idx(std::filesystem::path const& path) {
    detail::gzip_reader file(path);
    std::vector<unsigned char> head(4);
    file.read(head, "the first four bytes");
    unsigned const type = head[2];
    std::size_t const width = type == 0x08 || type == 0x09   ? 1
                              : type == 0x0b                 ? 2
                              : type == 0x0c || type == 0x0d ? 4
                              : type == 0x0e                 ? 8
                                                             : 0;
    if (head[0] != 0 || head[1] != 0 || width == 0 || head[3] == 0)
        throw file_error(path.string(), "is no IDX file: it begins with other bytes");
    std::vector<unsigned char> sizes(4 * std::size_t{head[3]});
    file.read(sizes, "its shape");
    idx_array found;
    std::size_t count = 1;
    constexpr std::size_t most = std::size_t{1} << 34;
    for (std::size_t d = 0; d < head[3]; ++d) {
        auto const size = static_cast<std::size_t>(detail::big_endian(sizes.data() + 4 * d, 4));
        found.shape.push_back(size);
        if (size != 0 && count > most / size)
            throw file_error(path.string(), "claims a shape of more than 2^34 numbers");
        count *= size;
    }
    // In pieces: a shape that lies must not cost memory.
    std::vector<unsigned char> piece;
    for (std::size_t done = 0; done < count;) {
        std::size_t const n = std::min<std::size_t>(count - done, 1u << 20);
        piece.resize(n * width);
        file.read(piece, detail::text("numbers ", done, " to ", done + n - 1, " of ", count));
        for (std::size_t k = 0; k < n; ++k) {
            found.numbers.push_back(detail::idx_number(type, piece.data() + k * width));
            if (!std::isfinite(found.numbers.back()))
                throw file_error(path.string(), "number ", done + k, " is not finite");
        }
        done += n;
    }
    file.require_end();
    return found;
}

/// Images and their labels as samples: one image a sample, its numbers divided by 255, as PyTorch's ToTensor
/// does. Throws spinet::file_error, also where their numbers differ or labels are no whole numbers from 0.
template <class Real = float>
[[nodiscard]] data_set<Real> load_labelled_images(std::filesystem::path const& images,
                                                  std::filesystem::path const& labels) {
    auto const pixels = load_idx(images), classes = load_idx(labels);
    if (classes.shape.size() != 1)
        throw file_error(labels.string(), "holds no list of labels: its shape has ", classes.shape.size(),
                         " dimensions");
    if (pixels.shape.size() < 2)
        throw file_error(images.string(), "holds no images: its shape has one dimension");
    if (pixels.shape[0] != classes.shape[0])
        throw file_error(labels.string(), "has ", classes.shape[0], " labels for the ", pixels.shape[0],
                         " images of ", images.string());
    data_set<Real> samples;
    samples.count = pixels.shape[0];
    samples.size = samples.count == 0 ? 0 : pixels.numbers.size() / samples.count;
    samples.inputs.reserve(pixels.numbers.size());
    for (double const each : pixels.numbers) samples.inputs.push_back(static_cast<Real>(each / 255));
    for (std::size_t k = 0; k < classes.numbers.size(); ++k) {
        double const label = classes.numbers[k];
        if (!(label >= 0 && label < 4294967296.0 && label == std::floor(label)))
            throw file_error(labels.string(), "label ", k, " is ", label, ", no whole number from 0");
        samples.labels.push_back(static_cast<std::uint32_t>(label));
    }
    return samples;
}

}  // namespace spinet
