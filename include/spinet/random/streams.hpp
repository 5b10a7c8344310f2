// SPDX-License-Identifier: BSD-3-Clause
/// Which random number belongs to what: the one place where the counter layout of spinet is written down.
///
///     key     = seed                                                   (64 bits)
///     counter = draw block (32) | sweep (32) | row or ladder (32) | purpose (16), attempt (16)
///
/// Draw n of a stream is word (n / 16) % 4 of block 16 (n / 64) + n % 16: sixteen blocks are computed side by
/// side and stored without a transpose. A draw depends on nothing but its place in this layout, so the number
/// of workers, lanes and tiles never changes a result. The layout is pinned by golden tests.
#pragma once

#include <spinet/random/philox.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <span>

namespace spinet {

/// What a stream is used for. Two purposes never share a draw. Append only: the values are part of the
/// layout.
enum class purpose : std::uint16_t {
    spins = 1,        ///< the accept or refuse draw of each site, in a sweep
    exchange = 2,     ///< one draw per pair of neighbouring temperatures; the row is the ladder
    scan = 3,         ///< site orders
    start = 4,        ///< random initial spins
    annealing = 5,    ///< the spins of the annealed start state
    null_model = 6,   ///< shuffles and re-drawn weights; the row is the layer
    couplings = 7,    ///< couplings of random models
    testing = 8,      ///< exact draws from an enumerated distribution
    pilot = 9,        ///< the short runs that space a ladder
    refinement = 10,  ///< further bits where 16 bits of `spins` do not decide; the draw is the site
    cluster = 11,     ///< seeds, bonds and acceptance of cluster moves, in the order of their use
    /// which rows of a population are copied; the row is the population, the sweep the step
    resampling = 12,
    pair_move = 13,  ///< moves of two replicas; the row is the first of the two ladders, the draw the rung
    mirror = 14,     ///< whether a whole row is turned
    /// start vectors of iterations in mean_field/; the row is the number of the vector
    mean_field = 15,
    relaxation = 16,      ///< seeds of relaxations, so that they share no draw with the run they start from
    bootstrap = 17,       ///< which units a resample takes; the row is the resample
    direction = 18,       ///< random directions and start points in landscapes; the row is the number
    subsample = 19,       ///< which neurons of a network are kept; the row is the layer
    class_portrait = 20,  ///< seeds of the runs of a class each
};

/// Which of the draws of purpose::null_model, in the place of the sweep. Append only.
enum class null_model_draw : std::uint32_t {
    shuffle = 0,    ///< the places of shuffled weights
    redraw = 1,     ///< weights drawn anew
    rescaling = 3,  ///< factors of hidden neurons
};

/// Which of the draws of purpose::mean_field, in the place of the sweep. Append only.
enum class mean_field_draw : std::uint32_t {
    iteration = 0,  ///< start vectors of eigenvalue iterations; the row is the number of the vector
    tap_start = 1,  ///< random starts of the TAP equations
};

/// Which of the draws of purpose::start, in the place of the attempt. Append only.
enum class start_draw : std::uint16_t {
    run = 0,        ///< the hot replicas of a run
    annealing = 1,  ///< the rows of an annealing
};

/// A stream of 32-bit words with random access. Immutable: `bits(n)` is a function.
class stream {
public:
    constexpr stream(std::uint64_t seed, std::uint32_t sweep, std::uint32_t row, purpose use,
                     std::uint16_t attempt = 0) noexcept
        : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
          sweep_(sweep),
          row_(row),
          use_(static_cast<std::uint32_t>(use) | static_cast<std::uint32_t>(attempt) << 16) {}

    constexpr stream(std::uint64_t seed, null_model_draw what, std::uint32_t layer) noexcept
        : stream(seed, static_cast<std::uint32_t>(what), layer, purpose::null_model) {}
    constexpr stream(std::uint64_t seed, mean_field_draw what, std::uint32_t vector) noexcept
        : stream(seed, static_cast<std::uint32_t>(what), vector, purpose::mean_field) {}
    constexpr stream(std::uint64_t seed, start_draw what, std::uint32_t row) noexcept
        : stream(seed, 0, row, purpose::start, static_cast<std::uint16_t>(what)) {}

    /// Draw n.
    [[nodiscard]] constexpr std::uint32_t bits(std::uint32_t n) const noexcept {
        return philox4x32_10(counter(16 * (n / 64) + n % 16), key_)[(n / 16) % 4];
    }

    /// Draws first, first + 1, ... into `out`.
    void fill(std::uint32_t first, std::span<std::uint32_t> out) const noexcept {
        if (out.size() <= few) {
            for (std::uint32_t& word : out) word = bits(first++);
            return;
        }
        std::size_t done = 0;
        while (done < out.size()) {
            std::uint32_t const n = first + static_cast<std::uint32_t>(done);
            if (n % chunk == 0 && out.size() - done >= chunk) {
                detail::philox_16<0>(counter(16 * (n / chunk)), key_, out.data() + done);
                done += chunk;
                continue;
            }
            std::uint32_t buffer[chunk];
            detail::philox_16<0>(counter(16 * (n / chunk)), key_, buffer);
            std::size_t const skip = n % chunk;
            std::size_t const take = std::min<std::size_t>(chunk - skip, out.size() - done);
            std::copy_n(buffer + skip, take, out.data() + done);
            done += take;
        }
    }

    /// Spins +1 or -1 with probability 1/2, by the top bits of draws 0, 1, ...
    template <class Real>
    void fill_signs(std::span<Real> out) const noexcept {
        std::uint32_t bits[chunk];
        for (std::size_t done = 0; done < out.size(); done += chunk) {
            std::size_t const count = std::min<std::size_t>(chunk, out.size() - done);
            fill(static_cast<std::uint32_t>(done), {bits, count});
            for (std::size_t k = 0; k < count; ++k) out[done + k] = (bits[k] >> 31) != 0 ? Real{1} : Real{-1};
        }
    }

    /// 16-bit draws first, first + 1, ...: the halves of draws first / 2, ..., the lower one first.
    void fill_halves(std::uint32_t first, std::span<std::uint16_t> out) const noexcept {
        if (out.size() <= few) {
            for (std::uint16_t& half : out) {
                half = static_cast<std::uint16_t>(bits(first / 2) >> 16 * (first % 2));
                ++first;
            }
            return;
        }
        constexpr std::uint32_t halves_of_chunk = 2 * chunk;
        std::size_t done = 0;
        while (done < out.size()) {
            std::uint32_t const n = first + static_cast<std::uint32_t>(done);
            std::uint32_t words[chunk];
            std::uint16_t halves[halves_of_chunk];
            detail::philox_16<0>(counter(16 * (n / halves_of_chunk)), key_, words);
            if constexpr (std::endian::native == std::endian::little)
                std::memcpy(halves, words, sizeof words);
            else
                for (std::uint32_t k = 0; k < halves_of_chunk; ++k)
                    halves[k] = static_cast<std::uint16_t>(words[k / 2] >> 16 * (k % 2));
            std::size_t const skip = n % halves_of_chunk;
            std::size_t const take = std::min<std::size_t>(halves_of_chunk - skip, out.size() - done);
            if (take == halves_of_chunk)
                std::memcpy(out.data() + done, halves, sizeof halves);  // of a fixed size: a few moves
            else
                std::copy_n(halves + skip, take, out.data() + done);
            done += take;
        }
    }

    /// Draws 64 c, ..., 64 c + 63 of this row and the next fifteen: out[16 * k + row].
    void fill_16_rows(std::uint32_t c, std::uint32_t* out) const noexcept {
        std::uint32_t words[chunk];
        for (std::uint32_t block = 0; block < 16; ++block) {
            detail::philox_16<2>(counter(16 * c + block), key_, words);
            for (std::uint32_t word = 0; word < 4; ++word)
                std::copy_n(words + 16 * word, 16, out + 16 * (16 * word + block));
        }
    }

private:
    static constexpr std::uint32_t chunk = 64;
    static constexpr std::size_t few = 4;  ///< draws that cost less one by one than a chunk does

    [[nodiscard]] constexpr philox_counter counter(std::uint32_t block) const noexcept {
        return {block, sweep_, row_, use_};
    }

    philox_key key_;
    std::uint32_t sweep_;
    std::uint32_t row_;
    std::uint32_t use_;
};

/// The draws of a stream one after the other, for those who cannot say in advance how many they take.
class draw_sequence {
public:
    explicit draw_sequence(stream const& from) noexcept : from_(from) {}

    [[nodiscard]] std::uint32_t next() noexcept {
        if (used_ % chunk == 0) from_.fill(used_, buffer_);
        return buffer_[used_++ % chunk];
    }
    /// Two draws, the upper half first.
    [[nodiscard]] std::uint64_t next_64() noexcept {
        std::uint64_t const upper = next();
        return upper << 32 | next();
    }

private:
    static constexpr std::uint32_t chunk = 64;

    stream from_;
    std::uint32_t used_ = 0;
    std::uint32_t buffer_[chunk];
};

/// A number in (0, 1] from 32 random bits. Near zero the resolution is 2^-32, so events down to a probability
/// of about 2e-10 keep their frequency; `u < p` with p = 0 never holds.
template <class Real>
[[nodiscard]] constexpr Real uniform(std::uint32_t bits) noexcept {
    return (static_cast<Real>(bits) + Real{0.5}) * static_cast<Real>(0x1p-32);
}

/// The same from 64 bits: a double, with a resolution of 2^-64 near zero.
[[nodiscard]] constexpr double uniform_64(std::uint64_t bits) noexcept {
    return (static_cast<double>(bits) + 0.5) * 0x1p-64;
}

/// An index in [0, n) from 32 random bits; the bias is below n / 2^32.
[[nodiscard]] constexpr std::size_t uniform_index(std::uint32_t bits, std::size_t n) noexcept {
    return static_cast<std::size_t>((std::uint64_t{bits} * static_cast<std::uint64_t>(n)) >> 32);
}

/// Standard normal number n of a stream (Box-Muller on draws 2n and 2n + 1).
[[nodiscard]] inline double normal(stream const& source, std::uint32_t n) noexcept {
    double const radius = std::sqrt(-2.0 * std::log(uniform<double>(source.bits(2 * n))));
    return radius * std::cos(2.0 * std::numbers::pi * uniform<double>(source.bits(2 * n + 1)));
}

/// A seed for a separate experiment inside this one, by the generator itself: seeds made by arithmetic
/// collide.
[[nodiscard]] constexpr std::uint64_t child_seed(std::uint64_t seed, purpose use,
                                                 std::uint32_t index) noexcept {
    stream const draws(seed, 0, index, use, 0xFFFF);
    return std::uint64_t{draws.bits(0)} << 32 | draws.bits(1);
}

}  // namespace spinet
