// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: the reader of pickles, given any bytes, makes values that can be walked through or throws
/// spinet::error; and so does what finds the tensors in them.
#include "fuzz.hpp"
#include <spinet/readers/torch/state_dict.hpp>

namespace {

/// Any file will do: the listing only names it.
spinet::input_file const& some_file() {
    static spinet::input_file const file("/proc/self/exe");
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    namespace detail = spinet::detail;
    fuzz::memory_bound const bound(fuzz::allowance(size));
    detail::memory_allowance memory(size);
    try {
        auto const values =
            detail::read_pickle(std::string(reinterpret_cast<char const*>(data), size), memory);
        auto const root = values.root();
        std::size_t count = 0;
        if (values.is_dict(root)) {
            values.for_each(root, [&](detail::pickle_ref key, detail::pickle_ref value) {
                static_cast<void>(values.kind(key));
                static_cast<void>(values.kind(value));
                ++count;
            });
            fuzz::require(count == values.count(root), "a dict whose size is not its number of keys");
        }
        // Every tensor that is listed lies in its storage, here one of bytes 0 to its size.
        for (char const* const entry : {"", "a", "state_dict.a"}) {
            detail::memory_allowance more(size);
            try {
                auto const found = detail::checkpoint_listing(some_file(), values, more).run(entry);
                for (auto const& [name, place] : found.places) {
                    if (place.storage_size > 100'000) continue;
                    auto const wanted = detail::checked_product(place.sizes, std::uint64_t{place.type->size});
                    fuzz::require(wanted.has_value(), "a tensor of more than 2^64 bytes");
                    if (*wanted == 0 || *wanted > 100'000) continue;
                    std::vector<std::byte> const storage(static_cast<std::size_t>(place.storage_size) *
                                                         place.type->size);
                    std::vector<std::byte> out(static_cast<std::size_t>(*wanted));
                    detail::gather(place, storage, out);
                    if (detail::is_contiguous(place))
                        fuzz::require(place.offset * place.type->size + *wanted <= storage.size(),
                                      "a tensor that leaves its storage");
                }
            } catch (spinet::file_error const&) {
            }
        }
    } catch (spinet::error const&) {
    }
    return 0;
}
