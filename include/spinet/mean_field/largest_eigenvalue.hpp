// SPDX-License-Identifier: BSD-3-Clause
/// Largest eigenvalue of a symmetric operator known only by its action on a vector (Lanczos).
#pragma once

#include <spinet/error.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

struct lanczos_options {
    double tolerance = 1e-6;            ///< bound on the residual |A x - theta x|, relative to the largest |eigenvalue|
    std::size_t max_iterations = 20'000;  ///< applications of the operator
    std::size_t max_basis = 128;        ///< vectors of length n kept; at least 2. Full, the process restarts
};

/// y = A x for a real symmetric A: apply(x, y) writes every element of y and leaves x alone.
template <class Apply>
concept SymmetricOperator = std::invocable<Apply&, std::span<double const>, std::span<double>>;

namespace detail {

/// True if all eigenvalues of the symmetric tridiagonal matrix lie below x (all pivots of T - x are negative).
inline bool tridiagonal_is_below(std::span<double const> diagonal, std::span<double const> off_diagonal, double x) {
    double pivot = diagonal[0] - x;
    for (std::size_t i = 1; i < diagonal.size(); ++i) {
        if (!(pivot < 0.0)) { return false; }
        pivot = diagonal[i] - x - off_diagonal[i - 1] * (off_diagonal[i - 1] / pivot);
    }
    return pivot < 0.0;
}

/// Largest eigenvalue of a symmetric tridiagonal matrix, by bisection to a few units of rounding of its norm, from
/// above: no computed eigenvalue lies beyond it. off_diagonal holds diagonal.size() - 1 values.
inline double largest_tridiagonal_eigenvalue(std::span<double const> diagonal, std::span<double const> off_diagonal) {
    double low = diagonal[0];
    double high = diagonal[0];
    double norm = 0.0;
    for (std::size_t i = 0; i < diagonal.size(); ++i) {  // Gershgorin's discs
        double const left = i == 0 ? 0.0 : std::abs(off_diagonal[i - 1]);
        double const right = i + 1 == diagonal.size() ? 0.0 : std::abs(off_diagonal[i]);
        low = std::max(low, diagonal[i]);
        high = std::max(high, diagonal[i] + left + right);
        norm = std::max(norm, std::abs(diagonal[i]) + left + right);
    }
    double const resolution = 2.0 * std::numeric_limits<double>::epsilon() * norm;
    if (!(high > low)) { return high; }
    high += resolution;
    while (high - low > resolution) {
        double const middle = low + 0.5 * (high - low);
        (tridiagonal_is_below(diagonal, off_diagonal, middle) ? high : low) = middle;
    }
    return high;
}

/// Eigenvector (of length 1) to the largest eigenvalue of an unreduced symmetric tridiagonal matrix: T - theta is
/// factored from both ends and joined where the residual is smallest (Dhillon and Parlett, 2004), so that small
/// components, the last one above all, are as accurate as large ones.
inline std::vector<double> largest_tridiagonal_eigenvector(std::span<double const> diagonal,
                                                           std::span<double const> off_diagonal, double theta) {
    std::size_t const n = diagonal.size();
    double const tiny = std::numeric_limits<double>::min();
    auto const negative = [&](double pivot) { return std::min(pivot, -tiny); };  // theta bounds the spectrum
    std::vector<double> down(n), up(n), x(n);
    down[0] = negative(diagonal[0] - theta);
    for (std::size_t i = 1; i < n; ++i) {
        down[i] = negative(diagonal[i] - theta - off_diagonal[i - 1] * (off_diagonal[i - 1] / down[i - 1]));
    }
    up[n - 1] = negative(diagonal[n - 1] - theta);
    for (std::size_t i = n - 1; i-- > 0;) {
        up[i] = negative(diagonal[i] - theta - off_diagonal[i] * (off_diagonal[i] / up[i + 1]));
    }
    std::size_t twist = 0;
    double smallest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < n; ++i) {
        double const residual = std::abs(down[i] + up[i] - (diagonal[i] - theta));
        if (residual < smallest) {
            smallest = residual;
            twist = i;
        }
    }
    x[twist] = 1.0;
    for (std::size_t i = twist; i-- > 0;) { x[i] = -(off_diagonal[i] / down[i]) * x[i + 1]; }
    for (std::size_t i = twist + 1; i < n; ++i) { x[i] = -(off_diagonal[i - 1] / up[i]) * x[i - 1]; }
    double squares = 0.0;
    for (double const value : x) { squares += value * value; }
    for (double& value : x) { value /= std::sqrt(squares); }
    return x;
}

inline double dot_product(std::span<double const> x, std::span<double const> y) {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) { sum += x[i] * y[i]; }
    return sum;
}

inline void add_multiple(std::span<double> y, double factor, std::span<double const> x) {
    for (std::size_t i = 0; i < y.size(); ++i) { y[i] += factor * x[i]; }
}

/// Euclidean length without overflow or underflow on the way.
inline double vector_length(std::span<double const> x) {
    double largest = 0.0;
    for (double const value : x) { largest = std::max(largest, std::abs(value)); }
    if (largest == 0.0) { return 0.0; }
    double squares = 0.0;
    for (double const value : x) { squares += (value / largest) * (value / largest); }
    return largest * std::sqrt(squares);
}

/// A fixed start vector of length 1 without structure (splitmix64 of the index), so that it is orthogonal to no
/// eigenvector that means anything.
inline std::vector<double> lanczos_start(std::size_t n) {
    std::vector<double> start(n);
    for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t z = (static_cast<std::uint64_t>(i) + 1) * 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        z ^= z >> 31;
        start[i] = static_cast<double>(z >> 11) * 0x1p-52 - 1.0;
    }
    double const length = vector_length(start);
    for (double& value : start) { value /= length; }
    return start;
}

/// One Krylov space: an orthonormal basis, in which the operator is tridiagonal.
class lanczos_space {
public:
    explicit lanczos_space(std::vector<double> start) { basis_.push_back(std::move(start)); }

    [[nodiscard]] std::size_t size() const noexcept { return diagonal_.size(); }

    /// Applies the operator to the newest vector and finds the best Ritz pair.
    template <SymmetricOperator Apply>
    void advance(Apply& apply) {
        std::vector<double> const& newest = basis_.back();
        next_.assign(newest.size(), 0.0);
        apply(std::span<double const>(newest), std::span<double>(next_));
        for (std::size_t i = 0; i < next_.size(); ++i) {
            if (!std::isfinite(next_[i])) {
                throw error("largest_eigenvalue: the operator gave a value that is not finite at index " +
                            std::to_string(i));
            }
        }
        double const applied_length = vector_length(next_);
        double overlap = orthogonalise();
        overlap += orthogonalise();  // twice is enough (Parlett)
        diagonal_.push_back(overlap);
        coupling_ = vector_length(next_);
        norm_ = std::max(norm_, applied_length);
        if (!std::isfinite(norm_)) { throw error("largest_eigenvalue: the operator's values overflow"); }
        theta_ = largest_tridiagonal_eigenvalue(diagonal_, off_diagonal_);
        ritz_ = largest_tridiagonal_eigenvector(diagonal_, off_diagonal_, theta_);
    }

    /// Makes room for another vector after advance(); the coupling must not be zero.
    void extend() {
        for (double& value : next_) { value /= coupling_; }
        off_diagonal_.push_back(coupling_);
        basis_.push_back(std::move(next_));
        next_ = {};
    }

    [[nodiscard]] double ritz_value() const noexcept { return theta_; }
    /// |A x - theta x| for the Ritz vector x.
    [[nodiscard]] double residual() const noexcept { return coupling_ * std::abs(ritz_.back()); }
    /// A lower bound on the largest |eigenvalue|: the longest A v seen, |v| = 1.
    [[nodiscard]] double norm() const noexcept { return norm_; }

    [[nodiscard]] std::vector<double> ritz_vector() const {
        std::vector<double> x(basis_.front().size(), 0.0);
        for (std::size_t j = 0; j < ritz_.size(); ++j) { add_multiple(x, ritz_[j], basis_[j]); }
        double const length = vector_length(x);
        for (double& value : x) { value /= length; }
        return x;
    }

private:
    /// Removes the basis from next_; returns what the newest vector contributed.
    double orthogonalise() {
        double overlap = 0.0;
        for (std::vector<double> const& vector : basis_) {
            overlap = dot_product(vector, next_);
            add_multiple(next_, -overlap, vector);
        }
        return overlap;
    }

    std::vector<std::vector<double>> basis_;
    std::vector<double> diagonal_, off_diagonal_, ritz_, next_;
    double coupling_ = 0.0;
    double theta_ = 0.0;
    double norm_ = 0.0;
};

inline void require_lanczos_arguments(std::size_t n, lanczos_options const& options) {
    if (n == 0) { throw error("largest_eigenvalue: expected an operator of size > 0, found 0"); }
    if (!(options.tolerance > 0.0 && options.tolerance < 1.0)) {
        throw error("largest_eigenvalue: expected a tolerance in (0, 1), found " + std::to_string(options.tolerance));
    }
    if (options.max_basis < 2 || options.max_iterations == 0) {
        throw error("largest_eigenvalue: expected at least 2 basis vectors and 1 iteration, found " +
                    std::to_string(options.max_basis) + " and " + std::to_string(options.max_iterations));
    }
}

}  // namespace detail

/// The largest (most positive) eigenvalue of a real symmetric n x n operator, by Lanczos with full
/// reorthogonalisation from a fixed start vector: the same operator gives the same digits. For a coupling matrix J it
/// is the naive mean-field critical temperature lambda_max(J), not t_formula and not the true T_c.
///
/// Stops when the Ritz residual is at most tolerance * norm, norm being a lower bound on the largest |eigenvalue|: an
/// eigenvalue then lies within that distance, and since the error is quadratic in the residual it is in practice far
/// closer. Full basis: restarts from the best Ritz vector. Memory: min(n, max_basis) vectors; time: that many dot
/// products per application.
/// Throws spinet::error for n = 0, bad options, values that are not finite, and no convergence (with the residual).
/// Symmetry is not checked.
template <SymmetricOperator Apply>
double largest_eigenvalue(std::size_t n, Apply&& apply, lanczos_options const& options = {}) {
    detail::require_lanczos_arguments(n, options);
    detail::lanczos_space space(detail::lanczos_start(n));
    double const tolerance = std::max(options.tolerance, 16.0 * std::numeric_limits<double>::epsilon());
    double norm = 0.0;
    for (std::size_t iteration = 1;; ++iteration) {
        space.advance(apply);
        norm = std::max(norm, space.norm());
        if (space.size() == n || space.residual() <= tolerance * norm) { return space.ritz_value(); }
        if (iteration == options.max_iterations) { break; }
        if (space.size() < options.max_basis) {
            space.extend();
        } else {
            space = detail::lanczos_space(space.ritz_vector());
        }
    }
    throw error("largest_eigenvalue: not converged after " + std::to_string(options.max_iterations) +
                " applications: largest Ritz value " + std::to_string(space.ritz_value()) + ", residual " +
                std::to_string(space.residual()) + ", wanted " + std::to_string(tolerance * norm));
}

}  // namespace spinet
