// SPDX-License-Identifier: BSD-3-Clause
/// Samples without labels, such as images, from an IDX or a NumPy file.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/io/idx.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/numpy/npy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

namespace spinet {

namespace detail {

/// The first `rows` entries along the first dimension of an array of bytes or floats in a .npy file.
[[nodiscard]] inline row_major_array<double, 2> samples_of_npy(std::filesystem::path const& path,
                                                               std::size_t rows) {
    input_file file(path);
    auto const header =
        read_npy_header(file.size(), [&](std::uint64_t at, std::span<std::byte> out) { file.read(at, out); });
    check_npy_size(header, file.size() - header.data_begin);
    bool const bytes = header.descr == "|u1";
    auto const type = npy_type_of(header.descr);
    if (header.shape.size() < 2 || header.fortran_order || (!bytes && !type.type))
        throw error("an array of shape ", tuple_text(header.shape), " and type ", in_quotes(header.descr),
                    "; samples have shape (samples, ...), rows first, of uint8, float16, float32 or float64");
    std::size_t const count = std::min<std::size_t>(rows, static_cast<std::size_t>(header.shape[0]));
    auto const total = static_cast<std::size_t>(checked_product(header.shape, std::uint64_t{1}).value());
    std::size_t const each = header.shape[0] == 0 ? 0 : total / static_cast<std::size_t>(header.shape[0]);
    auto samples = row_major_array<double, 2>::from_shape({count, each});
    std::vector<std::byte> read(count * each * static_cast<std::size_t>(type.size));
    file.read(header.data_begin, read);
    if (bytes) {
        std::transform(read.begin(), read.end(), samples.data(),
                       [](std::byte b) { return std::to_integer<int>(b) / 255.0; });
        return samples;
    }
    npy_header part = header;
    part.shape = {count, each};
    return npy_tensor(path.filename().string(), part, std::move(read)).template as<double, 2>();
}

}  // namespace detail

/// The first `rows` samples in a file, each a row of numbers: an IDX file (also gzipped), whose numbers are
/// divided by 255, or a .npy file of shape (samples, ...) of float16, float32, float64 or of uint8, which is
/// divided by 255. Fewer where the file has fewer. Throws spinet::file_error where the file is neither, is
/// cut or damaged, has no samples, or a number is not finite.
[[nodiscard]] inline row_major_array<double, 2> load_samples(std::filesystem::path const& path,
                                                             std::size_t rows) {
    row_major_array<double, 2> samples;
    bool is_npy = false;
    {
        input_file file(path);
        is_npy = detail::begins_with(file, detail::start_of_npy);
    }
    if (is_npy) {
        samples = detail::naming_file(path, [&] { return detail::samples_of_npy(path, rows); });
    } else {
        auto const found = load_idx(path);
        if (found.shape.size() < 2)
            throw file_error(path.string(), "holds no samples: its shape has ", found.shape.size(),
                             " dimensions");
        std::size_t const count = std::min(rows, found.shape[0]),
                          each = found.shape[0] == 0 ? 0 : found.numbers.size() / found.shape[0];
        samples = row_major_array<double, 2>::from_shape({count, each});
        std::transform(found.numbers.begin(),
                       found.numbers.begin() + static_cast<std::ptrdiff_t>(count * each), samples.data(),
                       [](double number) { return number / 255; });
    }
    if (samples.size() == 0) throw file_error(path.string(), "holds no samples");
    for (std::size_t k = 0; k < samples.size(); ++k)
        if (!std::isfinite(samples.data()[k]))
            throw file_error(path.string(), "number ", k, " is not finite");
    return samples;
}

}  // namespace spinet
