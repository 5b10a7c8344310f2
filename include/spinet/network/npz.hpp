// SPDX-License-Identifier: BSD-3-Clause
/// The reader of npz files, as numpy.savez and numpy.savez_compressed write them. Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/file.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/npy.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/network/weights.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zip.h>

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

    [[nodiscard]] static std::string_view name() noexcept { return "npz"; }

    /// A zip file whose first entry is an array, or with the extension .npz. False where it cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names file and array, where the file is no valid zip file of arrays, holds
    /// no chain of dense layers or a value that is not finite, and where it would unpack to more than ten
    /// times its size and 64 MiB. Memory: the bytes of the arrays read.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// A zip file, opened for reading.
class zip_reader {
public:
    explicit zip_reader(input_file const& file) : file_(&file), zip_(nullptr, &zip_discard) {
        int code = 0;
        zip_.reset(zip_open(file.path().c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
        if (!zip_) {
            zip_error_t why;
            zip_error_init_with_code(&why, code);
            std::string const text = zip_error_strerror(&why);
            zip_error_fini(&why);
            file.refuse("is no valid zip file: " + text);
        }
    }

    struct entry {
        std::string name;
        std::uint64_t index = 0, size = 0;  ///< size: unpacked
    };

    /// Refuses encrypted entries and sizes that no network file has; libzip refuses names that are there
    /// twice.
    [[nodiscard]] std::vector<entry> entries() const {
        std::vector<entry> found;
        auto const count = zip_get_num_entries(zip_.get(), 0);
        if (count > 100'000) file_->refuse("has " + std::to_string(count) + " entries");
        std::uint64_t all = 0;
        std::uint64_t const most = 10 * file_->size() + (std::uint64_t{64} << 20);
        for (std::uint64_t k = 0; k < static_cast<std::uint64_t>(count); ++k) {
            zip_stat_t about;
            zip_stat_init(&about);
            if (zip_stat_index(zip_.get(), k, 0, &about) != 0 || (about.valid & ZIP_STAT_NAME) == 0 ||
                (about.valid & ZIP_STAT_SIZE) == 0)
                file_->refuse("entry " + std::to_string(k) + " cannot be examined");
            entry each{about.name, k, about.size};
            if ((about.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && about.encryption_method != ZIP_EM_NONE)
                file_->refuse("entry " + in_quotes(each.name) + " is encrypted");
            if (each.size > most || all > most - each.size)
                file_->refuse("would unpack to more than " + std::to_string(most) +
                              " bytes, ten times its size and 64 MiB");
            all += each.size;
            found.push_back(std::move(each));
        }
        return found;
    }

    /// The first bytes of an entry, or, with as many as it has, all of it, checked against its sum.
    void read(entry const& of, std::span<std::byte> out) const {
        std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> const open(zip_fopen_index(zip_.get(), of.index, 0),
                                                                     &zip_fclose);
        if (!open)
            file_->refuse("entry " + in_quotes(of.name) + " cannot be read: " + zip_strerror(zip_.get()));
        std::size_t done = 0;
        while (done < out.size()) {
            auto const got = zip_fread(open.get(), out.data() + done, out.size() - done);
            if (got <= 0) refuse(of, *open);
            done += static_cast<std::size_t>(got);
        }
        if (done < of.size) return;
        std::byte more{};
        if (zip_fread(open.get(), &more, 1) != 0) refuse(of, *open);
    }

private:
    [[noreturn]] void refuse(entry const& of, zip_file_t& open) const {
        std::string const why = zip_file_strerror(&open);
        file_->refuse("entry " + in_quotes(of.name) + " is damaged or not as long as the file says: " + why);
    }

    input_file const* file_;
    std::unique_ptr<zip_t, void (*)(zip_t*)> zip_;
};

}  // namespace detail

inline bool npz::recognises(std::filesystem::path const& path) const {
    try {
        input_file file(path);
        std::byte start[4] = {};
        if (file.size() < sizeof start) return false;
        file.read(0, std::span<std::byte>(start));
        if (std::memcmp(start, "PK\x03\x04", 4) != 0) return false;
        if (path.extension() == ".npz") return true;
        detail::zip_reader const zip(file);
        auto const entries = zip.entries();
        return !entries.empty() && entries[0].name.size() > 4 &&
               entries[0].name.substr(entries[0].name.size() - 4) == ".npy";
    } catch (error const&) {
        return false;
    }
}

inline network npz::operator()(std::filesystem::path const& path) const {
    input_file file(path);
    detail::zip_reader const zip(file);
    struct listed_array {
        detail::zip_reader::entry entry;
        npy_header header;
    };
    std::map<std::string, listed_array, std::less<>> arrays;
    detail::listed_tensors listed;
    for (auto const& entry : zip.entries()) {
        if (entry.name.size() < 5 || entry.name.substr(entry.name.size() - 4) != ".npy")
            file.refuse("entry " + detail::in_quotes(entry.name) + " is no array of NumPy");
        auto const key = entry.name.substr(0, entry.name.size() - 4);
        try {
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
            listed.emplace(key,
                           detail::listed_tensor{key, header.descr, type.whole, type.type, header.shape});
            arrays.emplace(key, listed_array{entry, std::move(header)});
        } catch (file_error const&) {
            throw;
        } catch (error const& reason) {
            file.refuse("array " + detail::in_quotes(key) + ": " + reason.what());
        }
    }
    return detail::chain_reading(file, listed, {layers, ignored, hidden, output, architecture},
                                 [&](detail::listed_tensor const& wanted) {
                                     auto const& of = arrays.find(wanted.name)->second;
                                     std::vector<std::byte> bytes(static_cast<std::size_t>(of.entry.size));
                                     zip.read(of.entry, bytes);
                                     bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(
                                                                                    of.header.data_begin));
                                     return detail::npy_tensor(wanted.name, of.header, std::move(bytes));
                                 })
        .run(path);
}

}  // namespace spinet
