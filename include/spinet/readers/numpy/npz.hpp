// SPDX-License-Identifier: BSD-3-Clause
/// The reader of npz files, as numpy.savez and numpy.savez_compressed write them. Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/numpy/npy.hpp>
#include <spinet/readers/weights.hpp>
#include <spinet/readers/zip_archive.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads arrays named `NAME.weight` of shape (out, in) and, where it is there, `NAME.bias` of shape (out), of
/// float16, float32 or float64, in any order, as dense layers: what `numpy.savez(file, **state)` makes of
/// PyTorch's state dict. Arrays of integers are skipped with a note, any other array is refused, unless
/// `layers` or `ignored` say so, as in `safetensors`.
struct npz {
    std::vector<std::string> layers = {};
    std::vector<std::string> ignored = {};
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;
    network_architecture architecture = {};  ///< as in `safetensors`
    std::string network = {};                ///< as in `safetensors`

    [[nodiscard]] static std::string_view name() noexcept { return "npz"; }

    /// A zip file whose first entry is an array, or with the extension .npz. False where it cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file and array, where the file is no valid zip file of arrays, holds
    /// no chain of dense layers or a value that is not finite, and where it would unpack to more than ten
    /// times its size and 64 MiB. Memory: the bytes of the arrays read.
    [[nodiscard]] spinet::network operator()(std::filesystem::path const& path) const;
};

inline bool npz::recognises(std::filesystem::path const& path) const {
    return detail::recognised(path, [&](input_file& file) {
        if (!detail::begins_as_zip(file)) return false;
        if (path.extension() == ".npz") return true;
        auto const entries = detail::zip_reader(file).entries();
        return !entries.empty() && entries[0].name.size() > 4 && entries[0].name.ends_with(".npy");
    });
}

inline spinet::network npz::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        detail::zip_reader const zip(file);
        struct listed_array {
            detail::zip_reader::entry entry;
            npy_header header;
        };
        std::map<std::string, listed_array, std::less<>> arrays;
        detail::listed_tensors listed;
        for (auto const& entry : zip.entries()) {
            if (entry.name.size() < 5 || !entry.name.ends_with(".npy"))
                file.refuse("entry ", detail::in_quotes(entry.name), " is no array of NumPy");
            auto const key = entry.name.substr(0, entry.name.size() - 4);
            detail::with_place(
                [&] { return "array " + detail::in_quotes(key); },
                [&] {
                    // The header is at the start: what unpacks slowly is unpacked once.
                    std::vector<std::byte> start(
                        static_cast<std::size_t>(std::min(entry.size, detail::largest_npy_header + 12)));
                    zip.read(entry, start);
                    auto header =
                        detail::read_npy_header(entry.size, [&](std::uint64_t at, std::span<std::byte> out) {
                            std::memcpy(out.data(), start.data() + at, out.size());
                        });
                    detail::check_npy_size(header, entry.size - header.data_begin);
                    auto const type = detail::npy_type_of(header.descr);
                    listed.emplace(
                        key, detail::listed_tensor{key, header.descr, type.whole, type.type, header.shape});
                    arrays.emplace(key, listed_array{entry, std::move(header)});
                });
        }
        detail::memory_allowance memory(file.size());
        return detail::chain_reading(
                   listed, {layers, ignored, hidden, output, architecture, network},
                   [&](detail::listed_tensor const& wanted) {
                       auto const& of = arrays.find(wanted.name)->second;
                       memory.take(of.entry.size);
                       std::vector<std::byte> bytes(static_cast<std::size_t>(of.entry.size));
                       zip.read(of.entry, bytes);
                       bytes.erase(bytes.begin(),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(of.header.data_begin));
                       return detail::npy_tensor(wanted.name, of.header, std::move(bytes));
                   },
                   {}, {}, &memory)
            .run();
    });
}

}  // namespace spinet
