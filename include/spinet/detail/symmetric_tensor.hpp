// SPDX-License-Identifier: BSD-3-Clause
/// Symmetric tensors of any order, and their products with a vector.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet::detail {

/// T_{i1 ... ip} with p indices below n, all n^p numbers stored.
template <class Real>
class symmetric_tensor {
public:
    /// Zeros. Throws spinet::error, with `name`, for n = 0, p < 2 and more numbers than 2^33.
    symmetric_tensor(std::string const& name, std::size_t n, std::size_t order) : n_(n), order_(order) {
        if (n == 0) throw error(name, ": no spins");
        if (order < 2) throw error(name, ": interactions of ", order, " spins; 2 or more");
        std::size_t total = 1;
        for (std::size_t k = 0; k < order; ++k) {
            if (total > most / n || (k + 1 < order && total * n > blas_limit))
                throw error(name, ": a full tensor of ", n, " spins to the power ", order, " is too large");
            total *= n;
        }
        values_.assign(total, Real{0});
    }

    /// The numbers of an array of p equal dimensions. Throws, besides, for other shapes and what check()
    /// refuses.
    template <class A>
    symmetric_tensor(std::string const& name, A const& array, bool distinct)
        : symmetric_tensor(name, array.dimension() == 0 ? 0 : static_cast<std::size_t>(array.shape()[0]),
                           array.dimension()) {
        for (auto const length : array.shape())
            if (static_cast<std::size_t>(length) != n_)
                throw error(name, ": expected a tensor of equal dimensions, found shape ",
                            tuple_text(array.shape()));
        copy_elements(array, values_.data(), name);
        check(name, distinct);
    }

    [[nodiscard]] std::size_t size() const noexcept { return n_; }
    [[nodiscard]] std::size_t order() const noexcept { return order_; }
    [[nodiscard]] std::span<Real const> values() const noexcept { return values_; }
    [[nodiscard]] std::span<Real> values() noexcept { return values_; }

    /// Where the entry of these indices stands.
    [[nodiscard]] std::size_t place(std::span<std::size_t const> indices) const noexcept {
        std::size_t at = 0;
        for (std::size_t const i : indices) at = at * n_ + i;
        return at;
    }

    /// visit(indices) for all 0 <= i1 <= ... <= ip < n; with `distinct`, i1 < ... < ip.
    template <class Visit>
    void for_each_ordered(bool distinct, Visit&& visit) const {
        std::vector<std::size_t> indices(order_);
        std::size_t const step = distinct ? 1 : 0;
        for (std::size_t k = 0; k < order_; ++k) indices[k] = k * step;
        if (indices.back() >= n_) return;
        for (;;) {
            visit(std::as_const(indices));
            std::size_t k = order_;
            while (k > 0 && indices[k - 1] + 1 + (order_ - k) * step > n_ - 1) --k;
            if (k == 0) return;
            ++indices[k - 1];
            for (; k < order_; ++k) indices[k] = indices[k - 1] + step;
        }
    }

    /// Sets the entries of all orders of these indices, which come in ascending order.
    void set(std::vector<std::size_t> indices, Real value) {
        do {
            values_[place(indices)] = value;
        } while (std::next_permutation(indices.begin(), indices.end()));
    }

    /// Throws spinet::error, with `name`, at the first entry that is not finite or not that of its indices in
    /// ascending order; with `distinct`, also where an index comes twice and the entry is not 0.
    void check(std::string const& name, bool distinct) const {
        std::vector<std::size_t> indices(order_), sorted;
        for (std::size_t at = 0; at < values_.size(); ++at) {
            std::size_t rest = at;
            for (std::size_t k = order_; k-- > 0; rest /= n_) indices[k] = rest % n_;
            sorted = indices;
            std::sort(sorted.begin(), sorted.end());
            bool const twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
            char const* const wrong = !std::isfinite(values_[at])             ? "not finite"
                                      : distinct && twice && values_[at] != 0 ? "of a spin with itself"
                                      : values_[at] != values_[place(sorted)] ? "not symmetric"
                                                                              : nullptr;
            if (wrong == nullptr) continue;
            std::string text = name + ": entry (";
            for (std::size_t k = 0; k < order_; ++k) text += (k > 0 ? ", " : "") + std::to_string(indices[k]);
            throw error(text, ") is ", wrong);
        }
    }

    /// The products of T, or of the part of it whose first index is `slice`, with a vector in all indices but
    /// `keep` of them: n^keep numbers, valid until `workspace` is used again.
    [[nodiscard]] std::span<Real const> times(std::span<Real const> s, std::size_t keep,
                                              std::vector<Real>& workspace) const {
        return contracted(values_.data(), order_, s, keep, workspace);
    }
    [[nodiscard]] std::span<Real const> slice_times(std::size_t slice, std::span<Real const> s,
                                                    std::size_t keep, std::vector<Real>& workspace) const {
        std::size_t const part = values_.size() / n_;
        return contracted(values_.data() + slice * part, order_ - 1, s, keep, workspace);
    }

    /// T with the last `order - 1` indices multiplied by s: n numbers for each of `rows` vectors.
    void times_rows(std::size_t rows, Real const* s, std::size_t stride_s, Real* out,
                    std::size_t stride_out) const {
        std::size_t const part = values_.size() / n_;
        // So many rows at once that the products in between stay below a quarter of a gigabyte.
        std::size_t const together = std::clamp<std::size_t>((std::size_t{1} << 26) / part, 1, 128);
        std::vector<Real> products(std::min(rows, together) * part), workspace;
        for (std::size_t done = 0; done < rows; done += together) {
            std::size_t const count = std::min(together, rows - done);
            gemm(false, count, part, n_, Real{1}, s + done * stride_s, stride_s, values_.data(), part,
                 Real{0}, products.data(), part);
            for (std::size_t r = 0; r < count; ++r) {
                auto const row = contracted(products.data() + r * part, order_ - 1,
                                            {s + (done + r) * stride_s, n_}, 1, workspace);
                std::copy(row.begin(), row.end(), out + (done + r) * stride_out);
            }
        }
    }

private:
    static constexpr std::size_t most = std::size_t{1} << 33;

    [[nodiscard]] std::span<Real const> contracted(Real const* from, std::size_t order,
                                                   std::span<Real const> s, std::size_t keep,
                                                   std::vector<Real>& workspace) const {
        std::size_t length = 1;
        for (std::size_t k = 0; k < order; ++k) length *= n_;
        if (order == keep) return {from, length};
        // The first product takes the front of the workspace, the next one what lies behind it, and so on.
        std::size_t needed = 0;
        for (std::size_t k = order, part = length; k > keep; --k) needed += part /= n_;
        workspace.resize(std::max(workspace.size(), needed));
        Real* to = workspace.data();
        for (; order > keep; --order) {
            length /= n_;
            gemm(false, 1, length, n_, Real{1}, s.data(), n_, from, length, Real{0}, to, length);
            from = to;
            to += length;
        }
        return {from, length};
    }

    std::size_t n_;
    std::size_t order_;
    std::vector<Real> values_;
};

/// The number of different orders of indices that come in ascending order.
[[nodiscard]] inline double orders_of(std::span<std::size_t const> ascending) noexcept {
    double orders = 1;
    for (std::size_t k = 0, alike = 0; k < ascending.size(); ++k) {
        alike = k > 0 && ascending[k] == ascending[k - 1] ? alike + 1 : 1;
        orders *= static_cast<double>(k + 1) / static_cast<double>(alike);
    }
    return orders;
}

}  // namespace spinet::detail
