// SPDX-License-Identifier: BSD-3-Clause
/// Products of spins with couplings by AMX tiles (matrix registers of newer Intel processors, here of bf16),
/// as accurate as sgemm and several times as fast.
///
/// A float has 24 significant bits, a bf16 number 8: every coupling is the sum of three bf16 numbers, without
/// error, and spins (+-1) and their changes (+-2, 0) are bf16 numbers as they stand. So one sgemm is three
/// products of AMX tiles with exact factors, added up in single precision. They flush denormal numbers, so a
/// matrix without an entry of 1e-25 or more is left to BLAS.
#pragma once

#include <spinet/detail/aligned.hpp>
#include <spinet/rows.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

// SPINET_NO_TILES leaves all to the BLAS.
#if !defined(SPINET_NO_TILES) && (defined(__AMX_TILE__) || defined(__AMXTILE__)) && \
    (defined(__AMX_BF16__) || defined(__AMXBF16__)) && defined(__AVX512BF16__) && defined(__linux__)
#define SPINET_HAS_TILES 1
#include <atomic>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace spinet::detail {

/// What a split_matrix holds, whatever the compiler's flags are: files compiled with and without tiles may
/// hand each other the same models.
struct split_numbers {
    std::size_t k_ = 0, n_ = 0;
    aligned_vector<std::uint16_t> tiles_;
};

#if defined(SPINET_HAS_TILES)
inline namespace with_tiles {

/// May this process use tiles? The kernel asks for a request: their state is large.
[[nodiscard]] inline bool tiles_permitted() noexcept {
    static bool const permitted = [] {
        constexpr long request_permission = 0x1023, tile_data = 18;  // of arch_prctl
        return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    }();
    return permitted;
}

/// The shapes of the eight tiles: 0 to 3 add up, 4 and 5 hold rows of spins, 6 and 7 couplings.
struct alignas(cache_line) tile_shapes {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t bytes[16] = {};
    std::uint8_t rows[16] = {};

    tile_shapes(std::size_t spin_rows, std::size_t columns) noexcept {
        for (std::size_t tile = 0; tile < 8; ++tile) {
            bool const of_spins = tile == 4 || tile == 5;
            bytes[tile] = static_cast<std::uint16_t>(of_spins ? 64 : 4 * columns);
            rows[tile] = static_cast<std::uint8_t>(tile < 6 ? spin_rows : 16);
        }
    }
};

/// An immutable matrix B (k x n) for products A B where every entry of A is a bf16 number.
class split_matrix : split_numbers {
public:
    split_matrix() = default;

    [[nodiscard]] static bool available() noexcept { return tiles_permitted(); }

    /// B(i, j) = from[i * row_step + j * column_step]
    split_matrix(float const* from, std::size_t k, std::size_t n, std::size_t row_step,
                 std::size_t column_step)
        : split_numbers{k, n, {}} {
        float largest = 0;
        for (std::size_t i = 0; i < k; ++i)
            for (std::size_t j = 0; j < n; ++j)
                largest = std::max(largest, std::abs(from[i * row_step + j * column_step]));
        if (!tiles_permitted() || largest < 1e-25f) return;
        tiles_.resize((n + 15) / 16 * depth() * parts * numbers_of_tile);
        for (std::size_t i = 0; i < k; ++i)
            for (std::size_t j = 0; j < n; ++j) {
                float rest = from[i * row_step + j * column_step];
                for (std::size_t part = 0; part < parts; ++part) {
                    std::uint32_t bits = 0;
                    std::memcpy(&bits, &rest, sizeof bits);
                    bits &= 0xffff0000u;
                    float upper = 0;
                    std::memcpy(&upper, &bits, sizeof upper);
                    rest -= upper;
                    // Two neighbours of a column stand side by side.
                    tiles_[((j / 16 * depth() + i / 32) * parts + part) * numbers_of_tile + i % 32 / 2 * 32 +
                           j % 16 * 2 + i % 2] = static_cast<std::uint16_t>(bits >> 16);
                }
            }
    }

    /// Has this machine tiles? If not, there is nothing here to multiply with.
    [[nodiscard]] explicit operator bool() const noexcept { return !tiles_.empty(); }

    /// C (rows x n) += A (rows x sites of a) times rows first, first + 1, ... of B. `first` is a multiple
    /// of 32.
    void multiply_add(rows_view<float const> a, std::size_t first, rows_view<float> c) const {
        std::size_t const depth_of_a = (a.sites + 31) / 32;
        static thread_local aligned_vector<std::uint16_t> packed;
        if (std::size_t const needed = (a.rows + 15) / 16 * depth_of_a * numbers_of_tile;
            packed.size() < needed)
            packed.resize(needed);
        pack_rows(a, packed.data());
        for (strip const rows : strips(a.rows))
            for (strip const columns : strips(n_)) {
                if (rows.begin == rows.end || columns.begin == columns.end) continue;
                tile_shapes const shapes(rows.of_tile, columns.of_tile);
                // g++ 12 takes tile loads for no reads of memory.
                std::atomic_signal_fence(std::memory_order_seq_cst);
                _tile_loadconfig(&shapes);
                for (std::size_t j = columns.begin; j < columns.end; j += 32)
                    for (std::size_t r = rows.begin; r < rows.end; r += 32) {
                        std::uint16_t const* const spins =
                            packed.data() + r / 16 * depth_of_a * numbers_of_tile;
                        std::uint16_t const* const couplings =
                            tiles_.data() + (j / 16 * depth() + first / 32) * parts * numbers_of_tile;
                        float* const sums = c.data + r * c.stride + j;
                        bool const two_rows = r + 16 < rows.end, two_columns = j + 16 < columns.end;
                        if (two_rows && two_columns)
                            multiply<2, 2>(spins, couplings, depth_of_a, sums, c.stride);
                        else if (two_rows)
                            multiply<2, 1>(spins, couplings, depth_of_a, sums, c.stride);
                        else if (two_columns)
                            multiply<1, 2>(spins, couplings, depth_of_a, sums, c.stride);
                        else
                            multiply<1, 1>(spins, couplings, depth_of_a, sums, c.stride);
                    }
            }
        _tile_release();
    }

private:
    static constexpr std::size_t parts = 3, numbers_of_tile = 512;

    /// Rows or columns that are cut into tiles of so many.
    struct strip {
        std::size_t begin, end, of_tile;
    };
    [[nodiscard]] static std::array<strip, 2> strips(std::size_t n) noexcept {
        std::size_t const whole = n / 16 * 16;
        return {{{0, whole, 16}, {whole, n, n - whole}}};
    }

    [[nodiscard]] std::size_t depth() const noexcept { return (k_ + 31) / 32; }

    /// Tiles of 16 rows x 32 sites, filled up with zeros.
    static void pack_rows(rows_view<float const> a, std::uint16_t* to) noexcept {
        std::size_t const depth = (a.sites + 31) / 32;
        for (std::size_t r = 0; r < (a.rows + 15) / 16 * 16; ++r)
            for (std::size_t q = 0; q < depth; ++q) {
                std::uint16_t* const here = to + (r / 16 * depth + q) * numbers_of_tile + r % 16 * 32;
                alignas(cache_line) float edge[32] = {};
                float const* source = edge;
                std::size_t const count = std::min<std::size_t>(32, a.sites - 32 * q);
                if (r < a.rows && count == 32)
                    source = a.row(r).data() + 32 * q;
                else if (r < a.rows)
                    std::copy_n(a.row(r).data() + 32 * q, count, edge);
                auto const both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(source + 16), _mm512_loadu_ps(source));
                std::memcpy(here, &both, sizeof both);
            }
    }

    /// Tiles of sums, `Rows` below each other and `Columns` side by side.
    template <int Rows, int Columns>
    void multiply(std::uint16_t const* spins, std::uint16_t const* couplings, std::size_t depth_of_a,
                  float* sums, std::size_t stride) const noexcept {
        std::size_t const bytes = stride * sizeof(float);
        float* const below = sums + 16 * stride;
        std::uint16_t const* const next_rows = spins + depth_of_a * numbers_of_tile;
        std::uint16_t const* const next_columns = couplings + depth() * parts * numbers_of_tile;
        _tile_loadd(0, sums, bytes);
        if constexpr (Columns == 2) _tile_loadd(1, sums + 16, bytes);
        if constexpr (Rows == 2) _tile_loadd(2, below, bytes);
        if constexpr (Rows == 2 && Columns == 2) _tile_loadd(3, below + 16, bytes);
        for (std::size_t q = 0; q < depth_of_a; ++q) {
            _tile_loadd(4, spins + q * numbers_of_tile, 64);
            if constexpr (Rows == 2) _tile_loadd(5, next_rows + q * numbers_of_tile, 64);
            for (std::size_t part = 0; part < parts; ++part) {
                _tile_loadd(6, couplings + (q * parts + part) * numbers_of_tile, 64);
                _tile_dpbf16ps(0, 4, 6);
                if constexpr (Rows == 2) _tile_dpbf16ps(2, 5, 6);
                if constexpr (Columns == 2) {
                    _tile_loadd(7, next_columns + (q * parts + part) * numbers_of_tile, 64);
                    _tile_dpbf16ps(1, 4, 7);
                    if constexpr (Rows == 2) _tile_dpbf16ps(3, 5, 7);
                }
            }
        }
        _tile_stored(0, sums, bytes);
        if constexpr (Columns == 2) _tile_stored(1, sums + 16, bytes);
        if constexpr (Rows == 2) _tile_stored(2, below, bytes);
        if constexpr (Rows == 2 && Columns == 2) _tile_stored(3, below + 16, bytes);
    }
};

}  // namespace with_tiles
#else
inline namespace without_tiles {

/// Without tiles: always empty.
class split_matrix : split_numbers {
public:
    split_matrix() = default;
    [[nodiscard]] static constexpr bool available() noexcept { return false; }
    split_matrix(float const*, std::size_t, std::size_t, std::size_t, std::size_t) noexcept {}
    [[nodiscard]] explicit operator bool() const noexcept { return false; }
    void multiply_add(rows_view<float const>, std::size_t, rows_view<float>) const noexcept {}
};

}  // namespace without_tiles
#endif

static_assert(sizeof(split_matrix) == sizeof(split_numbers));

}  // namespace spinet::detail
