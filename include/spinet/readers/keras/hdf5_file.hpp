// SPDX-License-Identifier: BSD-3-Clause
/// HDF5 files, read by the C library under limits: groups, strings and arrays of numbers. Needs libhdf5 and
/// zlib.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <hdf5.h>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

#if !H5_VERSION_GE(1, 10, 5)
#error "spinet needs HDF5 1.10.5 or newer, which can say which chunks of a data set are there"
#endif

namespace spinet::detail {

/// Closes what it holds.
class hdf5_handle {
public:
    using closing = herr_t (*)(hid_t);

    hdf5_handle() = default;
    /// Negative where a call of the library failed.
    hdf5_handle(hid_t id, closing close) : id_(id), close_(close) {}
    hdf5_handle(hdf5_handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    hdf5_handle& operator=(hdf5_handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(close_, other.close_);
        return *this;
    }
    ~hdf5_handle() {
        if (id_ >= 0) close_(id_);
    }

    [[nodiscard]] hid_t get() const noexcept { return id_; }
    [[nodiscard]] explicit operator bool() const noexcept { return id_ >= 0; }

private:
    hid_t id_ = -1;
    closing close_ = nullptr;
};

/// While it lives, one thread reads, the library prints no errors and loads no filters from outside: the
/// state of that is the program's, and goes back to what it was. The library may have been built without
/// locks of its own (Debian's 1.10.8 has them), so that a program which uses it in other threads too has to
/// see to that.
class hdf5_session {
public:
    hdf5_session() : lock_(mutex()) {
        H5open();
        H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
        plugins_known_ = H5PLget_loading_state(&plugins_) >= 0;
        if (plugins_known_) H5PLset_loading_state(0);
    }
    hdf5_session(hdf5_session const&) = delete;
    hdf5_session& operator=(hdf5_session const&) = delete;
    ~hdf5_session() {
        if (plugins_known_) H5PLset_loading_state(plugins_);
        H5Eset_auto2(H5E_DEFAULT, print_, data_);
    }

private:
    static std::mutex& mutex() {
        static std::mutex one;
        return one;
    }

    std::scoped_lock<std::mutex> lock_;
    H5E_auto2_t print_ = nullptr;
    void* data_ = nullptr;
    unsigned plugins_ = 0;
    bool plugins_known_ = false;
};

/// What went wrong last, in the words of the library: the innermost of the calls that failed.
[[nodiscard]] inline std::string hdf5_reason() {
    std::string found;
    H5Ewalk2(
        H5E_DEFAULT, H5E_WALK_UPWARD,
        [](unsigned depth, H5E_error2_t const* about, void* text) -> herr_t {
            try {
                if (depth == 0 && about->desc != nullptr) *static_cast<std::string*>(text) = about->desc;
            } catch (...) {
                return -1;
            }
            return 0;
        },
        &found);
    return found.empty() ? "HDF5 gives no reason" : in_quotes(found);
}

/// The length of what the bytes unpack to by zlib, or nothing where they do not, or to more than `most`.
[[nodiscard]] inline std::optional<std::uint64_t> inflated_size(std::span<std::byte> packed,
                                                                std::uint64_t most) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return std::nullopt;
    std::unique_ptr<z_stream, int (*)(z_stream*)> const closing(&stream, &inflateEnd);
    std::array<Bytef, 1 << 14> out;
    std::uint64_t size = 0;
    for (int code = Z_OK; code != Z_STREAM_END;) {
        if (stream.avail_in == 0) {
            // where nothing is left, what zlib holds back is still to come, or else its error
            auto const part = std::min<std::size_t>(packed.size(), 1u << 30);
            stream.next_in = reinterpret_cast<Bytef*>(packed.data());
            stream.avail_in = static_cast<uInt>(part);
            packed = packed.subspan(part);
        }
        stream.next_out = out.data();
        stream.avail_out = static_cast<uInt>(out.size());
        code = inflate(&stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END) return std::nullopt;
        size += out.size() - stream.avail_out;
        if (size > most) return std::nullopt;
    }
    return size;
}

/// An array in the file.
struct hdf5_array {
    hdf5_handle set;
    std::string path;
    std::optional<dtype> type;  ///< none: elements that spinet does not compute with
    std::string type_name;
    std::vector<std::uint64_t> shape;

    [[nodiscard]] std::string described() const {
        return detail::text("data set ", in_quotes(path), " of shape ", tuple_text(shape));
    }
};

/// A group in the file.
struct hdf5_group {
    hdf5_handle id;
    std::string path;  ///< empty: the root
    [[nodiscard]] std::string described() const {
        return path.empty() ? "the root group" : "group " + in_quotes(path);
    }
    [[nodiscard]] std::string path_of(std::string_view name) const {
        std::string result = path;
        if (!result.empty()) result += '/';
        return result.append(name);
    }
};

/// An HDF5 file, opened for reading. Every member throws `file_error`, naming group or data set, where the
/// file does not hold what is asked for. Only hard links are followed, so nothing outside the file is read.
class hdf5_file {
public:
    /// `image`: the bytes of an HDF5 file that was packed in `file`; empty: `file` itself.
    explicit hdf5_file(input_file const& file, std::span<std::byte> image = {})
        : file_(&file),
          size_(image.empty() ? file.size() : image.size()),
          remaining_(memory_for(file.size())) {
        hdf5_handle const access(H5Pcreate(H5P_FILE_ACCESS), &H5Pclose);
        if (!image.empty() &&
            (H5Pset_fapl_core(access.get(), std::size_t{1} << 16, 0) < 0 ||
             H5Pset_file_image(access.get(), image.data(), image.size()) < 0))
            file.refuse("the HDF5 file in it cannot be opened: ", hdf5_reason());
        // the library refuses an image by the name of a file
        auto const name = file.path() + (image.empty() ? "" : "/model.weights.h5");
        opened_ = {H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()), &H5Fclose};
        if (!opened_) file.refuse("is no valid HDF5 file: ", hdf5_reason());
    }

    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void refuse(Pieces const&... what) const {
        file_->refuse(what...);
    }


    [[nodiscard]] hdf5_group root() const {
        hdf5_group group{{H5Gopen2(opened_.get(), "/", H5P_DEFAULT), &H5Gclose}, {}};
        if (!group.id) refuse("its root group cannot be opened: ", hdf5_reason());
        return group;
    }

    /// Whether the group has a link of that name (without '/').
    [[nodiscard]] bool has(hdf5_group const& group, std::string const& name) const {
        return H5Lexists(group.id.get(), name.c_str(), H5P_DEFAULT) > 0;
    }

    /// Whether the group itself has a group of that name (without '/').
    [[nodiscard]] bool has_group(hdf5_group const& group, std::string const& name) const {
        return has(group, name) && H5Iget_type(open(group, name).get()) == H5I_GROUP;
    }

    /// Names of links, sorted, at most `most`.
    [[nodiscard]] std::vector<std::string> names(hdf5_group const& group, std::size_t most = 10'000) const {
        listing list{most, {}};
        hsize_t at = 0;
        if (H5Literate(group.id.get(), H5_INDEX_NAME, H5_ITER_NATIVE, &at, &listing::take, &list) < 0)
            refuse(group.described(), " cannot be listed or has more than ", most, " entries");
        std::sort(list.names.begin(), list.names.end());
        return std::move(list.names);
    }

    /// The group at a path below, such as "dense/vars".
    [[nodiscard]] hdf5_group group(hdf5_group const& below, std::string const& path) const {
        hdf5_group found{walk(below, path), below.path_of(path)};
        if (H5Iget_type(found.id.get()) != H5I_GROUP) refuse(in_quotes(found.path), " is no group");
        return found;
    }

    /// The array at a path below.
    [[nodiscard]] hdf5_array array(hdf5_group const& below, std::string const& path) const {
        hdf5_array found{walk(below, path), below.path_of(path), std::nullopt, {}, {}};
        if (H5Iget_type(found.set.get()) != H5I_DATASET) refuse(in_quotes(found.path), " is no data set");
        read_shape(found);
        read_type(found);
        return found;
    }

    /// The strings of an attribute of a group or data set: one, or a list of them. Nothing where it has no
    /// such attribute. An empty list has any type: h5py writes one as numbers.
    [[nodiscard]] std::optional<std::vector<std::string>> strings(hid_t object, std::string const& described,
                                                                  std::string const& name) const {
        if (H5Aexists(object, name.c_str()) <= 0) return std::nullopt;
        auto const what = detail::text("attribute ", in_quotes(name), " of ", described);
        hdf5_handle const attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), &H5Aclose);
        if (!attribute) refuse(what, " cannot be opened: ", hdf5_reason());
        hdf5_handle const space(H5Aget_space(attribute.get()), &H5Sclose);
        hdf5_handle const type(H5Aget_type(attribute.get()), &H5Tclose);
        auto const count = space ? H5Sget_simple_extent_npoints(space.get()) : -1;
        if (!type || count < 0) refuse(what, " cannot be examined: ", hdf5_reason());
        if (count == 0) return std::vector<std::string>();
        if (H5Tget_class(type.get()) != H5T_STRING) refuse(what, " holds no text");
        auto const number = static_cast<std::uint64_t>(count);
        return H5Tis_variable_str(type.get()) > 0 ? variable_strings(attribute, type, number, what)
                                                  : fixed_strings(attribute, type, number, what);
    }

    [[nodiscard]] std::optional<std::vector<std::string>> strings(hdf5_group const& group,
                                                                  std::string const& name) const {
        return strings(group.id.get(), group.described(), name);
    }

    /// The only string of an attribute.
    [[nodiscard]] std::optional<std::string> text(hdf5_group const& group, std::string const& name) const {
        auto found = strings(group, name);
        if (!found) return std::nullopt;
        if (found->size() != 1)
            refuse("attribute ", in_quotes(name), " of ", group.described(), " holds ", found->size(),
                   " texts instead of one");
        return std::move(found->front());
    }

    /// The numbers of an array, in the order of the file. All arrays read from one file together take at most
    /// ten times its size and 64 MiB.
    [[nodiscard]] std::vector<std::byte> read(hdf5_array const& array) {
        auto const bytes = checked_size(array);
        hdf5_handle const plist(H5Dget_create_plist(array.set.get()), &H5Pclose);
        if (!plist) refuse(array.described(), " cannot be examined: ", hdf5_reason());
        if (H5Pget_external_count(plist.get()) != 0)
            refuse(array.described(), " is stored in other files, which are not read");
        auto const layout = H5Pget_layout(plist.get());
        if (layout == H5D_CHUNKED)
            check_chunks(array, plist);
        else if (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT)
            check_stored(array, bytes);
        else
            refuse(array.described(), " is virtual: its numbers are not in it");
        remaining_ -= bytes;
        std::vector<std::byte> result(static_cast<std::size_t>(bytes));
        auto const type = memory_type(array);
        if (H5Dread(array.set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, result.data()) < 0)
            refuse(array.described(), " cannot be read: ", hdf5_reason());
        return result;
    }

private:
    struct listing {
        std::size_t most;
        std::vector<std::string> names;

        static herr_t take(hid_t, char const* name, H5L_info_t const*, void* list) {
            auto& found = *static_cast<listing*>(list);
            try {
                if (found.names.size() == found.most) return -1;
                found.names.emplace_back(name);
            } catch (...) {
                return -1;
            }
            return 0;
        }
    };

    /// Follows one hard link.
    [[nodiscard]] hdf5_handle open(hdf5_group const& group, std::string const& name) const {
        auto const what = detail::text("link ", in_quotes(name), " of ", group.described());
        H5L_info_t about{};
        if (name.empty() || name == "." || name.find('/') != name.npos ||
            H5Lget_info(group.id.get(), name.c_str(), &about, H5P_DEFAULT) < 0)
            refuse(group.described(), " has no entry ", in_quotes(name));
        if (about.type == H5L_TYPE_SOFT) refuse(what, " is a soft link, which is not followed");
        if (about.type != H5L_TYPE_HARD) refuse(what, " leads out of the file and is not followed");
        hdf5_handle object(H5Oopen(group.id.get(), name.c_str(), H5P_DEFAULT), &H5Oclose);
        if (!object) refuse(what, " cannot be opened: ", hdf5_reason());
        return object;
    }

    [[nodiscard]] hdf5_handle walk(hdf5_group const& below, std::string const& path) const {
        hdf5_group at{{}, below.path};
        hdf5_group const* from = &below;
        for (std::size_t begin = 0;;) {
            auto const end = std::min(path.find('/', begin), path.size());
            auto const name = path.substr(begin, end - begin);
            auto object = open(*from, name);
            if (end == path.size()) return object;
            at.path = from->path_of(name);
            at.id = std::move(object);
            from = &at;
            if (H5Iget_type(at.id.get()) != H5I_GROUP) refuse(in_quotes(at.path), " is no group");
            begin = end + 1;
        }
    }

    void read_shape(hdf5_array& array) const {
        hdf5_handle const space(H5Dget_space(array.set.get()), &H5Sclose);
        auto const kind = space ? H5Sget_simple_extent_type(space.get()) : H5S_NO_CLASS;
        if (kind == H5S_SCALAR) return;
        if (kind != H5S_SIMPLE) refuse("data set ", in_quotes(array.path), " has no shape");
        std::array<hsize_t, H5S_MAX_RANK> lengths{};
        auto const rank = H5Sget_simple_extent_ndims(space.get());
        if (rank < 0 || rank > H5S_MAX_RANK ||
            H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr) < 0)
            refuse("data set ", in_quotes(array.path), " has no shape: ", hdf5_reason());
        array.shape.assign(lengths.begin(), lengths.begin() + rank);
    }

    /// A floating-point type of the library's, little-endian.
    [[nodiscard]] static hdf5_handle float_type(dtype type) {
        hdf5_handle made(H5Tcopy(type == dtype::f64 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE), &H5Tclose);
        if (size_of(type) == 2) {  // the library of version 1.10 has no names for them
            std::size_t const exponent = type == dtype::f16 ? 5 : 8, mantissa = 15 - exponent;
            H5Tset_fields(made.get(), 15, mantissa, exponent, 0, mantissa);
            H5Tset_size(made.get(), 2);
            H5Tset_ebias(made.get(), (std::size_t{1} << (exponent - 1)) - 1);
        }
        return made;
    }

    void read_type(hdf5_array& array) const {
        hdf5_handle const type(H5Dget_type(array.set.get()), &H5Tclose);
        if (!type) refuse(array.described(), " has no type: ", hdf5_reason());
        auto const kind = H5Tget_class(type.get());
        auto const bits = std::to_string(8 * H5Tget_size(type.get()));
        if (kind == H5T_FLOAT) {
            array.type_name = "float of " + bits + " bits";
            for (auto const each : {dtype::f16, dtype::bf16, dtype::f32, dtype::f64}) {
                auto const known = float_type(each);
                if (H5Tequal(type.get(), known.get()) > 0) array.type = each;
                H5Tset_order(known.get(), H5T_ORDER_BE);
                if (H5Tequal(type.get(), known.get()) > 0) array.type = each;
            }
        } else if (kind == H5T_OPAQUE && H5Tget_size(type.get()) == 2) {
            // Keras 3 writes bfloat16 so, and says it beside
            auto const said = strings(array.set.get(), array.described(), "dtype");
            if (said && said->size() == 1 && said->front() == "bfloat16") array.type = dtype::bf16;
            array.type_name = "opaque of 16 bits";
        } else {
            array.type_name = kind == H5T_INTEGER ? "integer of " + bits + " bits" : "that is no number";
        }
    }

    /// What the elements become; opaque ones are copied.
    [[nodiscard]] static hdf5_handle memory_type(hdf5_array const& array) {
        hdf5_handle stored(H5Dget_type(array.set.get()), &H5Tclose);
        if (H5Tget_class(stored.get()) == H5T_OPAQUE) return stored;
        return float_type(*array.type);
    }

    [[nodiscard]] std::uint64_t checked_size(hdf5_array const& array) const {
        if (!array.type)
            refuse(array.described(), " has elements of type ", array.type_name,
                   "; float16, bfloat16, float32 and float64 are read");
        auto const bytes = checked_product(array.shape, std::uint64_t{size_of(*array.type)});
        if (!bytes || *bytes == 0) refuse(array.described(), (bytes ? " is empty" : " is larger than 2^64"));
        if (*bytes > remaining_ || *bytes > std::numeric_limits<std::size_t>::max() / 2)
            refuse(array.described(), " needs ", *bytes,
                   " bytes; with what was read before that is more than ten times the size of the file and "
                   "64 MiB");
        return *bytes;
    }

    void check_stored(hdf5_array const& array, std::uint64_t bytes) const {
        auto const stored = H5Dget_storage_size(array.set.get());
        if (stored != bytes || stored > size_)
            refuse(array.described(), " needs ", bytes, " bytes, but ", stored, " are stored");
    }

    /// What happens to each chunk when it is stored. A bit of the chunk's mask leaves a filter out.
    struct filters {
        std::array<H5Z_filter_t, 3> ids{};
        std::size_t count = 0;

        /// Bytes added by checksums at places [from, to).
        [[nodiscard]] std::uint64_t sums(std::size_t from, std::size_t to, std::uint32_t mask) const {
            std::uint64_t added = 0;
            for (auto k = from; k < to; ++k)
                if (ids[k] == H5Z_FILTER_FLETCHER32 && (mask >> k & 1) == 0) added += 4;
            return added;
        }
        /// The place of gzip, `count` where there is none.
        [[nodiscard]] std::size_t gzip(std::uint32_t mask) const {
            for (std::size_t k = 0; k < count; ++k)
                if (ids[k] == H5Z_FILTER_DEFLATE && (mask >> k & 1) == 0) return k;
            return count;
        }
    };

    [[nodiscard]] filters checked_filters(hdf5_array const& array, hdf5_handle const& plist) const {
        filters found;
        auto const number = H5Pget_nfilters(plist.get());
        if (number < 0) refuse(array.described(), " cannot be examined: ", hdf5_reason());
        for (unsigned k = 0; k < static_cast<unsigned>(number); ++k) {
            unsigned flags = 0;
            std::size_t values = 0;
            auto const id = H5Pget_filter2(plist.get(), k, &flags, &values, nullptr, 0, nullptr, nullptr);
            if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32)
                refuse(array.described(), " is packed by filter ", id,
                       " of HDF5; gzip, shuffle and fletcher32 are read");
            auto const end = found.ids.begin() + static_cast<std::ptrdiff_t>(found.count);
            if (std::find(found.ids.begin(), end, id) != end)
                refuse(array.described(), " is packed twice by filter ", id, " of HDF5");
            found.ids[found.count++] = id;
        }
        return found;
    }

    /// Every chunk has to be there, and to unpack to just the size of a chunk: the library (1.10) unpacks
    /// without a limit, and believes the size.
    void check_chunks(hdf5_array const& array, hdf5_handle const& plist) const {
        auto const rank = array.shape.size();
        std::array<hsize_t, H5S_MAX_RANK> chunk{};
        if (rank == 0 ||
            H5Pget_chunk(plist.get(), static_cast<int>(rank), chunk.data()) != static_cast<int>(rank))
            refuse(array.described(), " has no valid chunks");
        std::vector<std::uint64_t> const lengths(chunk.begin(),
                                                 chunk.begin() + static_cast<std::ptrdiff_t>(rank));
        auto const size = checked_product(lengths, std::uint64_t{size_of(*array.type)});
        if (!size || *size == 0 || *size > remaining_)
            refuse(array.described(), " has chunks of shape ", tuple_text(lengths),
                   ", too large for the file");
        std::uint64_t count = 1;
        for (std::size_t axis = 0; axis < rank; ++axis) {
            auto const along = (array.shape[axis] - 1) / lengths[axis] + 1;
            if (along > size_ || count > size_ / along)
                refuse(array.described(), " should have more chunks than the file has bytes");
            count *= along;
        }
        auto const packed = checked_filters(array, plist);
        std::vector<std::byte> buffer;
        std::array<hsize_t, H5S_MAX_RANK> at{};
        for (std::uint64_t k = 0; k < count; ++k) {
            check_chunk(array, packed, at, *size, buffer);
            for (auto axis = rank; axis-- > 0;) {
                at[axis] += lengths[axis];
                if (at[axis] < array.shape[axis]) break;
                at[axis] = 0;
            }
        }
    }

    void check_chunk(hdf5_array const& array, filters const& packed,
                     std::array<hsize_t, H5S_MAX_RANK> const& at, std::uint64_t size,
                     std::vector<std::byte>& buffer) const {
        auto const what = [&] {
            return detail::text("the chunk at ", tuple_text(std::span(at).first(array.shape.size())), " of ",
                                array.described());
        };
        hsize_t stored = 0;
        if (H5Dget_chunk_storage_size(array.set.get(), at.data(), &stored) < 0 || stored == 0)
            refuse(what(), " is not in the file");
        if (stored > size_) refuse(what(), " is larger than the file");
        buffer.resize(static_cast<std::size_t>(stored));
        std::uint32_t mask = 0;
        if (H5Dread_chunk(array.set.get(), H5P_DEFAULT, at.data(), &mask, buffer.data()) < 0)
            refuse(what(), " cannot be read: ", hdf5_reason());
        auto const gzip = packed.gzip(mask);
        auto const before = size + packed.sums(0, gzip, mask);
        if (gzip == packed.count) {
            if (stored != before) refuse(what(), " has ", stored, " bytes instead of ", before);
            return;
        }
        auto const after = packed.sums(gzip + 1, packed.count, mask);
        if (stored < after || inflated_size(std::span(buffer).first(buffer.size() - after), before) != before)
            refuse(what(), " does not unpack to ", before, " bytes");
    }

    [[nodiscard]] std::vector<std::string> fixed_strings(hdf5_handle const& attribute,
                                                         hdf5_handle const& type, std::uint64_t count,
                                                         std::string const& what) const {
        std::uint64_t const width = H5Tget_size(type.get());
        // they are all in the file
        if (width == 0 || width > size_ || count > size_ / width)
            refuse(what, " is larger than the file");
        std::string all(static_cast<std::size_t>(count * width), '\0');
        if (H5Aread(attribute.get(), type.get(), all.data()) < 0)
            refuse(what, " cannot be read: ", hdf5_reason());
        bool const blanks = H5Tget_strpad(type.get()) == H5T_STR_SPACEPAD;
        std::vector<std::string> found;
        for (std::size_t k = 0; k < all.size(); k += static_cast<std::size_t>(width)) {
            auto text = std::string_view(all).substr(k, static_cast<std::size_t>(width));
            text = text.substr(0, text.find('\0'));
            while (blanks && !text.empty() && text.back() == ' ') text.remove_suffix(1);
            found.emplace_back(text);
        }
        return found;
    }

    [[nodiscard]] std::vector<std::string> variable_strings(hdf5_handle const& attribute,
                                                            hdf5_handle const& type, std::uint64_t count,
                                                            std::string const& what) const {
        // A reference to a text takes 16 bytes. What all texts take is limited only by the memory of the
        // process, since each of them may be one and the same text of the file.
        if (count > size_ / 16) refuse(what, " is larger than the file");
        hdf5_handle const wanted(H5Tcopy(H5T_C_S1), &H5Tclose);
        hdf5_handle const space(H5Aget_space(attribute.get()), &H5Sclose);
        H5Tset_size(wanted.get(), H5T_VARIABLE);
        H5Tset_cset(wanted.get(), H5Tget_cset(type.get()));
        std::vector<char*> texts(static_cast<std::size_t>(count), nullptr);
        bool const read = H5Aread(attribute.get(), wanted.get(), texts.data()) >= 0;
        if (!read) refuse(what, " cannot be read: ", hdf5_reason());
        std::vector<std::string> found;
        for (auto const* text : texts) found.emplace_back(text == nullptr ? "" : text);
#if H5_VERSION_GE(1, 12, 0)
        H5Treclaim(wanted.get(), space.get(), H5P_DEFAULT, texts.data());
#else
        H5Dvlen_reclaim(wanted.get(), space.get(), H5P_DEFAULT, texts.data());
#endif
        return found;
    }

    input_file const* file_;
    std::uint64_t size_;  ///< of the HDF5 file
    std::uint64_t remaining_;
    hdf5_handle opened_;
};

}  // namespace spinet::detail
