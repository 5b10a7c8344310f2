// SPDX-License-Identifier: BSD-3-Clause
/// Couplings that repeat over the positions of feature maps: convolutions, pooling, identities.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/window_extent.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Channels of two feature maps, and the windows along height and width. Sites are numbered (channel, y, x).
struct window_shape {
    std::size_t channels_from = 1, channels_to = 1, groups = 1;
    window_extent y, x;

    [[nodiscard]] std::size_t from_size() const noexcept { return channels_from * y.from * x.from; }
    [[nodiscard]] std::size_t to_size() const noexcept { return channels_to * y.to * x.to; }
    [[nodiscard]] std::size_t channels_read() const noexcept { return channels_from / groups; }
    [[nodiscard]] std::size_t channels_made() const noexcept { return channels_to / groups; }
    /// Entries of the kernel, (channels_to, channels_from / groups, y.kernel, x.kernel).
    [[nodiscard]] std::size_t kernel_size() const noexcept {
        return channels_to * channels_read() * y.kernel * x.kernel;
    }
    /// Number of coupled pairs.
    [[nodiscard]] std::size_t couplings() const noexcept {
        std::size_t rows = 0, columns = 0;
        for (std::size_t k = 0; k < y.kernel; ++k) rows += y.inside(k).second - y.inside(k).first;
        for (std::size_t k = 0; k < x.kernel; ++k) columns += x.inside(k).second - x.inside(k).first;
        return channels_to * channels_read() * rows * columns;
    }
    /// One channel to itself, position by position.
    [[nodiscard]] bool pointwise() const noexcept {
        return y.kernel == 1 && x.kernel == 1 && y.stride == 1 && x.stride == 1 && y.before == 0 &&
               x.before == 0 && y.from == y.to && x.from == x.to;
    }
};

namespace detail {

/// A kernel in the orders that products and flips read.
template <class Real>
struct window_kernel {
    window_shape shape;
    std::vector<Real> taps;        ///< (channels_to, channels_read, ky, kx)
    std::vector<Real> transposed;  ///< by group: (channels_read, ky, kx, channels_made)
    /// (channels_to, channels_read, ky), each row's taps by phase kx mod stride, kx falling within a phase:
    /// what one source couples to along a row of results.
    std::vector<Real> reversed;
    std::vector<std::size_t> phase_first;  ///< of each phase in a row of `reversed`; one more for the end

    window_kernel(window_shape const& of, std::vector<Real> values) : shape(of), taps(std::move(values)) {
        std::size_t const k = shape.channels_read() * shape.y.kernel * shape.x.kernel;
        std::size_t const made = shape.channels_made();
        transposed.resize(taps.size());
        for (std::size_t g = 0; g < shape.groups; ++g)
            for (std::size_t o = 0; o < made; ++o)
                for (std::size_t t = 0; t < k; ++t)
                    transposed[(g * k + t) * made + o] = taps[(g * made + o) * k + t];
        for (std::size_t phase = 0; phase < shape.x.stride; ++phase) {
            phase_first.push_back(order_.size());
            for (std::size_t kx = shape.x.kernel; kx-- > 0;)
                if (kx % shape.x.stride == phase) order_.push_back(kx);
        }
        phase_first.push_back(order_.size());
        for (std::size_t row = 0; row < taps.size(); row += shape.x.kernel)
            for (std::size_t const kx : order_) reversed.push_back(taps[row + kx]);
    }

private:
    std::vector<std::size_t> order_;
};

/// Scratch memory of one thread: products of windows need it, and it is too much for the stack.
template <class Real>
[[nodiscard]] std::vector<Real>& window_scratch(std::size_t size) {
    thread_local std::vector<Real> scratch;
    if (scratch.size() < size) scratch.resize(size);
    return scratch;
}

/// visit(site, couplings) for the runs of sites, numbered from `first` on, that result `index` of windows
/// with this kernel reads.
template <class Real, class Visit>
void for_each_read(window_shape const& s, Real const* kernel, std::size_t index, std::size_t first,
                   Visit&& visit) {
    std::size_t const x = index % s.x.to, y = index / s.x.to % s.y.to, o = index / s.x.to / s.y.to;
    std::size_t const channel = o / s.channels_made() * s.channels_read();
    for (std::size_t c = 0; c < s.channels_read(); ++c)
        for (std::size_t ky = 0; ky < s.y.kernel; ++ky) {
            std::size_t const from_y = s.y.read_by(y, ky);
            if (from_y == s.y.from) continue;
            std::size_t const row = first + ((channel + c) * s.y.from + from_y) * s.x.from;
            Real const* const taps = kernel + ((o * s.channels_read() + c) * s.y.kernel + ky) * s.x.kernel;
            for (std::size_t kx = 0; kx < s.x.kernel;) {
                std::size_t const from_x = s.x.read_by(x, kx);
                std::size_t end = kx + 1;
                if (s.x.dilation == 1)
                    while (end < s.x.kernel && s.x.read_by(x, end) != s.x.from) ++end;
                if (from_x != s.x.from) visit(row + from_x, std::span<Real const>(taps + kx, end - kx));
                kx = from_x == s.x.from ? kx + 1 : end;
            }
        }
}

}  // namespace detail

/// The two parts that a block joins.
struct block_ends {
    std::size_t from;
    std::size_t to;

    /// What messages call the block. Throws spinet::error unless it joins two of the parts.
    [[nodiscard]] std::string name_among(std::vector<spin_group> const& parts, std::size_t block) const {
        std::string name = detail::text("network_glass: block ", block);
        if (from >= parts.size() || to >= parts.size())
            throw error(name, " joins a group that does not exist");
        if (from == to) throw error(name, " joins group ", parts[to].name, " to itself");
        return name;
    }
};

/// The spins of two feature maps coupled by one kernel at all positions: part `from` to part `to`.
template <class Real>
struct window_block : block_ends {
    /// `kernel` has shape (channels_to, channels_from / groups, y.kernel, x.kernel). Throws spinet::error
    /// where it has another size.
    window_block(std::size_t from_part, std::size_t to_part, window_shape const& shape,
                 std::vector<Real> kernel)
        : block_ends{from_part, to_part} {
        if (shape.groups == 0 || shape.channels_from % shape.groups != 0 ||
            shape.channels_to % shape.groups != 0 || kernel.size() != shape.kernel_size())
            throw error("window_block: ", kernel.size(), " entries are no kernel of ", shape.channels_from,
                        " to ", shape.channels_to, " channels in ", shape.groups, " groups");
        kernel_ = std::make_shared<detail::window_kernel<Real> const>(shape, std::move(kernel));
    }

    [[nodiscard]] window_shape const& shape() const noexcept { return kernel_->shape; }
    /// (channels_to, channels_from / groups, y.kernel, x.kernel).
    [[nodiscard]] std::span<Real const> kernel() const noexcept { return kernel_->taps; }

    /// Products take spins of any value as they are.
    void take_any_spins() noexcept {}

    /// Throws spinet::error, naming block and entry, unless the block fits the parts and is finite.
    void check(std::vector<spin_group> const& parts, std::size_t block) const {
        std::string const name = name_among(parts, block);
        if (shape().from_size() != parts[from].size || shape().to_size() != parts[to].size)
            throw error(name, " couples ", shape().from_size(), " to ", shape().to_size(),
                        " spins, but joins ", parts[from].name, " (", parts[from].size, " spins) to ",
                        parts[to].name, " (", parts[to].size, " spins)");
        for (std::size_t k = 0; k < kernel().size(); ++k)
            if (!std::isfinite(kernel()[k]))
                throw error(name, " (", parts[from].name, " to ", parts[to].name, "): entry ", k,
                            " of its kernel is not finite");
    }

    [[nodiscard]] double energy(std::vector<spin_group> const& parts,
                                std::span<Real const> spins) const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < parts[to].size; ++i) {
            double field = 0;
            for_each_from(i, parts[from].first, [&](std::size_t first, std::span<Real const> couplings) {
                field += detail::dot(couplings.data(), spins.data() + first, couplings.size());
            });
            sum += static_cast<double>(spins[parts[to].first + i]) * field;
        }
        return -sum;
    }

    /// Adds what this block contributes to the fields of the spins of part g (its `to` or its `from`).
    void add_fields(std::vector<spin_group> const& parts, std::size_t g, rows_view<Real const> spins,
                    rows_view<Real> out) const noexcept {
        bool const forward = g == to;
        std::size_t const source = parts[forward ? from : to].first, target = parts[g].first;
        for (std::size_t r = 0; r < spins.rows; ++r) {
            Real const* const in = spins.data + r * spins.stride + source;
            Real* const sums = out.data + r * out.stride + target;
            if (by_products())
                forward ? add_forward_product(in, sums) : add_backward_product(in, sums);
            else
                add_taps(forward, in, sums);
        }
    }

    template <class Visit>
    void for_each_coupling(std::vector<spin_group> const& parts, std::size_t g, std::size_t index,
                           Visit&& visit) const {
        if (g == to)
            for_each_from(index, parts[from].first, visit);
        else
            for_each_to(index, parts[to].first, visit);
    }

    /// visit(site, couplings) for the runs of sites, `first` being the first of `from`, that spin `index` of
    /// `to` is coupled to.
    template <class Visit>
    void for_each_from(std::size_t index, std::size_t first, Visit&& visit) const {
        detail::for_each_read(shape(), kernel_->taps.data(), index, first, visit);
    }

    /// The same for spin `index` of `from`, `first` being the first of `to`.
    template <class Visit>
    void for_each_to(std::size_t index, std::size_t first, Visit&& visit) const {
        auto const& s = shape();
        std::size_t const x = index % s.x.from, y = index / s.x.from % s.y.from;
        std::size_t const channel = index / s.x.from / s.y.from;
        std::size_t const c = channel % s.channels_read();
        std::size_t const o_first = channel / s.channels_read() * s.channels_made();
        for (std::size_t o = o_first; o < o_first + s.channels_made(); ++o)
            for (std::size_t ky = 0; ky < s.y.kernel; ++ky) {
                std::size_t const padded = y + s.y.before;
                if (padded < ky * s.y.dilation || (padded - ky * s.y.dilation) % s.y.stride != 0) continue;
                std::size_t const to_y = (padded - ky * s.y.dilation) / s.y.stride;
                if (to_y >= s.y.to) continue;
                std::size_t const kernel_row = ((o * s.channels_read() + c) * s.y.kernel + ky) * s.x.kernel;
                visit_row(kernel_row, x + s.x.before, first + (o * s.y.to + to_y) * s.x.to, visit);
            }
    }

private:
    /// The results along a row that read `padded`, a position counted from the start of the padding.
    template <class Visit>
    void visit_row(std::size_t kernel_row, std::size_t padded, std::size_t row, Visit& visit) const {
        auto const& along = shape().x;
        if (along.dilation != 1) {
            for (std::size_t kx = 0; kx < along.kernel; ++kx) {
                std::size_t const at = kx * along.dilation;
                if (padded < at || (padded - at) % along.stride != 0) continue;
                std::size_t const p = (padded - at) / along.stride;
                if (p < along.to) visit(row + p, std::span<Real const>(&kernel_->taps[kernel_row + kx], 1));
            }
            return;
        }
        // Taps kx = phase + m stride are read by results quotient - m: neighbours, in falling order of m.
        std::size_t const phase = padded % along.stride, quotient = padded / along.stride;
        std::size_t const begin = kernel_->phase_first[phase], end = kernel_->phase_first[phase + 1];
        if (begin == end) return;
        std::size_t const largest = end - begin - 1;  // m of the first of them
        std::size_t m_first = std::min(largest, quotient);
        std::size_t const m_last = quotient >= along.to ? quotient - along.to + 1 : 0;
        if (m_first < m_last) return;
        visit(row + quotient - m_first,
              std::span<Real const>(kernel_->reversed.data() + kernel_row + begin + (largest - m_first),
                                    m_first - m_last + 1));
    }

    /// Whether the channels are enough for products of matrices to pay.
    [[nodiscard]] bool by_products() const noexcept {
        return shape().channels_made() >= 4 &&
               shape().channels_read() * shape().y.kernel * shape().x.kernel >= 8;
    }

    /// f(place in the column matrix, position read) for each tap of each result, rows of taps first.
    template <class F>
    void for_each_column(F f) const noexcept {
        auto const& s = shape();
        std::size_t const positions = s.y.to * s.x.to;
        std::size_t row = 0;
        for (std::size_t c = 0; c < s.channels_read(); ++c)
            for (std::size_t ky = 0; ky < s.y.kernel; ++ky)
                for (std::size_t kx = 0; kx < s.x.kernel; ++kx, row += positions)
                    for (std::size_t y = s.y.inside(ky).first; y < s.y.inside(ky).second; ++y) {
                        auto const [begin, end] = s.x.inside(kx);
                        if (begin == end) continue;
                        std::size_t const read = (c * s.y.from + s.y.read_by(y, ky)) * s.x.from;
                        f(row + y * s.x.to + begin, read + s.x.read_by(begin, kx), end - begin);
                    }
    }

    void add_forward_product(Real const* in, Real* out) const noexcept {
        auto const& s = shape();
        std::size_t const k = s.channels_read() * s.y.kernel * s.x.kernel, positions = s.y.to * s.x.to;
        for (std::size_t g = 0; g < s.groups; ++g) {
            Real const* const read = in + g * s.channels_read() * s.y.from * s.x.from;
            Real const* columns = read;
            if (!s.pointwise()) {
                auto& scratch = detail::window_scratch<Real>(k * positions);
                std::fill_n(scratch.begin(), k * positions, Real{0});
                for_each_column([&](std::size_t at, std::size_t first, std::size_t count) {
                    for (std::size_t i = 0; i < count; ++i) scratch[at + i] = read[first + i * s.x.stride];
                });
                columns = scratch.data();
            }
            detail::gemm(false, s.channels_made(), positions, k, Real{1},
                         kernel_->taps.data() + g * s.channels_made() * k, k, columns, positions, Real{1},
                         out + g * s.channels_made() * positions, positions);
        }
    }

    void add_backward_product(Real const* in, Real* out) const noexcept {
        auto const& s = shape();
        std::size_t const k = s.channels_read() * s.y.kernel * s.x.kernel, positions = s.y.to * s.x.to;
        for (std::size_t g = 0; g < s.groups; ++g) {
            Real* const sums = out + g * s.channels_read() * s.y.from * s.x.from;
            bool const direct = s.pointwise();
            Real* const columns = direct ? sums : detail::window_scratch<Real>(k * positions).data();
            detail::gemm(false, k, positions, s.channels_made(), Real{1},
                         kernel_->transposed.data() + g * s.channels_made() * k, s.channels_made(),
                         in + g * s.channels_made() * positions, positions, direct ? Real{1} : Real{0},
                         columns, positions);
            if (direct) continue;
            for_each_column([&](std::size_t at, std::size_t first, std::size_t count) {
                for (std::size_t i = 0; i < count; ++i) sums[first + i * s.x.stride] += columns[at + i];
            });
        }
    }

    /// Tap by tap: pooling and identities have a few for each channel.
    void add_taps(bool forward, Real const* in, Real* out) const noexcept {
        auto const& s = shape();
        std::size_t const k = s.channels_read() * s.y.kernel * s.x.kernel, positions = s.y.to * s.x.to;
        for (std::size_t o = 0; o < s.channels_to; ++o) {
            std::size_t const made = o * positions;
            std::size_t const read = o / s.channels_made() * s.channels_read() * s.y.from * s.x.from;
            for_each_column([&](std::size_t at, std::size_t first, std::size_t count) {
                Real const tap = kernel_->taps[o * k + at / positions];
                Real const* const a = in + (forward ? read + first : made + at % positions);
                Real* const b = out + (forward ? made + at % positions : read + first);
                std::size_t const step_a = forward ? s.x.stride : 1, step_b = forward ? 1 : s.x.stride;
                for (std::size_t i = 0; i < count; ++i) b[i * step_b] += tap * a[i * step_a];
            });
        }
    }

    std::shared_ptr<detail::window_kernel<Real> const> kernel_;
};

namespace detail {

/// The least window that holds two along one axis; nothing where their steps differ.
[[nodiscard]] inline std::optional<window_extent> joined_extent(window_extent const& a,
                                                                window_extent const& b) {
    if (a.stride != b.stride || a.from != b.from || a.to != b.to) return std::nullopt;
    window_extent joined = a;
    joined.before = std::max(a.before, b.before);
    auto const end = [&](window_extent const& w) {
        return joined.before - w.before + (w.kernel - 1) * w.dilation;
    };
    joined.dilation = 1;
    joined.kernel = std::max(end(a), end(b)) + 1;
    return joined;
}

/// Adds a kernel's entries to those of a window that holds it.
template <class Real>
void add_kernel(window_shape const& joined, std::vector<Real>& sum, window_block<Real> const& block) {
    auto const& s = block.shape();
    std::size_t at = 0;
    for (std::size_t o = 0; o < s.channels_to; ++o)
        for (std::size_t c = 0; c < s.channels_read(); ++c) {
            std::size_t const channel = o / s.channels_made() * s.channels_read() + c;
            std::size_t const place = joined.groups == s.groups ? c : channel;
            for (std::size_t ky = 0; ky < s.y.kernel; ++ky)
                for (std::size_t kx = 0; kx < s.x.kernel; ++kx) {
                    std::size_t const y = ky * s.y.dilation + joined.y.before - s.y.before,
                                      x = kx * s.x.dilation + joined.x.before - s.x.before;
                    sum[((o * joined.channels_read() + place) * joined.y.kernel + y) * joined.x.kernel + x] +=
                        block.kernel()[at++];
                }
        }
}

}  // namespace detail

/// The sum of two blocks from the same part to the same part as one kernel, where there is one of reasonable
/// size.
template <class Real>
[[nodiscard]] std::optional<window_block<Real>> joined_windows(window_block<Real> const& a,
                                                               window_block<Real> const& b) {
    auto const y = detail::joined_extent(a.shape().y, b.shape().y),
               x = detail::joined_extent(a.shape().x, b.shape().x);
    if (!y || !x || a.shape().channels_from != b.shape().channels_from ||
        a.shape().channels_to != b.shape().channels_to)
        return std::nullopt;
    window_shape joined = a.shape();
    joined.y = *y;
    joined.x = *x;
    if (a.shape().groups != b.shape().groups) joined.groups = 1;
    if (joined.kernel_size() > 32 * (a.kernel().size() + b.kernel().size())) return std::nullopt;
    std::vector<Real> sum(joined.kernel_size(), Real{0});
    detail::add_kernel(joined, sum, a);
    detail::add_kernel(joined, sum, b);
    return window_block<Real>(a.from, a.to, joined, std::move(sum));
}

}  // namespace spinet
