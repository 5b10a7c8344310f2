// SPDX-License-Identifier: BSD-3-Clause
/// Zip files, as NumPy's and PyTorch's are: their entries, sizes believed only up to a bound. Needs libzip.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <zip.h>

namespace spinet::detail {

[[nodiscard]] inline bool begins_as_zip(input_file& file) { return begins_with(file, "PK\x03\x04"); }

/// A zip file, opened for reading. Throws `file_error`, which names the file, for what libzip finds wrong.
class zip_reader {
public:
    explicit zip_reader(input_file const& file) : file_(&file), zip_(nullptr, &zip_discard) {
        int code = 0;
        zip_.reset(zip_open(file.path().c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
        if (zip_) return;
        zip_error_t why;
        zip_error_init_with_code(&why, code);
        refuse_archive("is no valid zip file: ", why);
    }
    /// A zip file that is an entry of the file.
    zip_reader(input_file const& file, byte_source bytes)
        : file_(&file), bytes_(std::move(bytes)), zip_(nullptr, &zip_discard) {
        zip_error_t why;
        zip_error_init(&why);
        auto* const source = zip_source_buffer_create(bytes_.bytes().data(), bytes_.size(), 0, &why);
        if (source != nullptr) zip_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &why));
        if (!zip_) {
            zip_source_free(source);
            refuse_archive("has an entry that is no valid zip file: ", why);
        }
        zip_error_fini(&why);
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
        if (count > 100'000) file_->refuse("has ", count, " entries");
        std::uint64_t all = 0;
        std::uint64_t const most = memory_for(file_->size());
        for (std::uint64_t k = 0; k < static_cast<std::uint64_t>(count); ++k) {
            zip_stat_t about;
            zip_stat_init(&about);
            if (zip_stat_index(zip_.get(), k, 0, &about) != 0 || (about.valid & ZIP_STAT_NAME) == 0 ||
                (about.valid & ZIP_STAT_SIZE) == 0)
                file_->refuse("entry ", k, " cannot be examined");
            entry each{about.name, k, about.size};
            if ((about.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && about.encryption_method != ZIP_EM_NONE)
                file_->refuse("entry ", in_quotes(each.name), " is encrypted");
            if ((about.valid & ZIP_STAT_COMP_METHOD) != 0 && about.comp_method == ZIP_CM_STORE &&
                (about.valid & ZIP_STAT_COMP_SIZE) != 0 && about.comp_size != each.size)
                file_->refuse("entry ", in_quotes(each.name), " has ", about.comp_size, " bytes, not the ",
                              each.size, " that the file says");
            if (each.size > most || all > most - each.size)
                file_->refuse("would unpack to more than ", most, " bytes, ten times its size and 64 MiB");
            all += each.size;
            found.push_back(std::move(each));
        }
        return found;
    }

    /// The first bytes of an entry, or, with as many as it has, all of it, checked against its sum.
    void read(entry const& of, std::span<std::byte> out) const {
        std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> const open(zip_fopen_index(zip_.get(), of.index, 0),
                                                                     &zip_fclose);
        if (!open) file_->refuse("entry ", in_quotes(of.name), " cannot be read: ", zip_strerror(zip_.get()));
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
    [[noreturn]] void refuse_archive(char const* what, zip_error_t& why) const {
        std::string const text = zip_error_strerror(&why);
        zip_error_fini(&why);
        file_->refuse(what, text);
    }
    [[noreturn]] void refuse(entry const& of, zip_file_t& open) const {
        std::string const why = zip_file_strerror(&open);
        file_->refuse("entry ", in_quotes(of.name), " is damaged or not as long as the file says: ", why);
    }

    input_file const* file_;
    byte_source bytes_;  ///< outlives what reads it
    std::unique_ptr<zip_t, void (*)(zip_t*)> zip_;
};

}  // namespace spinet::detail
