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
#include <vector>

namespace spinet {

struct lanczos_options {
    double tolerance = 1e-6;              ///< of the residual |A x - theta x|, relative to |theta|
    std::size_t max_iterations = 20'000;  ///< applications of the operator
};

/// y = A x for a real symmetric A: apply(x, y) writes every element of y and leaves x alone.
template <class Apply>
concept SymmetricOperator = std::invocable<Apply&, std::span<double const>, std::span<double>>;

namespace detail {

/// True if all eigenvalues of the symmetric tridiagonal matrix lie below x (all pivots of T - x are
/// negative).
inline bool tridiagonal_is_below(std::span<double const> diagonal, std::span<double const> off_diagonal,
                                 double x) {
    double pivot = diagonal[0] - x;
    for (std::size_t i = 1; i < diagonal.size(); ++i) {
        if (!(pivot < 0.0)) return false;
        pivot = diagonal[i] - x - off_diagonal[i - 1] * (off_diagonal[i - 1] / pivot);
    }
    return pivot < 0.0;
}

/// Largest eigenvalue of a symmetric tridiagonal matrix, by bisection to a few units of rounding of its norm,
/// from above: no computed eigenvalue lies beyond it. off_diagonal holds diagonal.size() - 1 values.
inline double largest_tridiagonal_eigenvalue(std::span<double const> diagonal,
                                             std::span<double const> off_diagonal) {
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
    if (!(high > low)) return high;
    high += resolution;
    while (high - low > resolution) {
        double const middle = low + 0.5 * (high - low);
        (tridiagonal_is_below(diagonal, off_diagonal, middle) ? high : low) = middle;
    }
    return high;
}

/// Eigenvector (of length 1) to the largest eigenvalue of an unreduced symmetric tridiagonal matrix: T -
/// theta is factored from both ends and joined where the residual is smallest (Dhillon and Parlett, 2004), so
/// that small components, the last one above all, are as accurate as large ones.
inline std::vector<double> largest_tridiagonal_eigenvector(std::span<double const> diagonal,
                                                           std::span<double const> off_diagonal,
                                                           double theta) {
    std::size_t const n = diagonal.size();
    double const tiny = std::numeric_limits<double>::min();
    auto const negative = [&](double pivot) { return std::min(pivot, -tiny); };  // theta bounds the spectrum
    std::vector<double> down(n), up(n), x(n);
    down[0] = negative(diagonal[0] - theta);
    for (std::size_t i = 1; i < n; ++i)
        down[i] = negative(diagonal[i] - theta - off_diagonal[i - 1] * (off_diagonal[i - 1] / down[i - 1]));
    up[n - 1] = negative(diagonal[n - 1] - theta);
    for (std::size_t i = n - 1; i-- > 0;)
        up[i] = negative(diagonal[i] - theta - off_diagonal[i] * (off_diagonal[i] / up[i + 1]));
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
    for (std::size_t i = twist; i-- > 0;) x[i] = -(off_diagonal[i] / down[i]) * x[i + 1];
    for (std::size_t i = twist + 1; i < n; ++i) x[i] = -(off_diagonal[i - 1] / up[i]) * x[i - 1];
    double squares = 0.0;
    for (double const value : x) squares += value * value;
    for (double& value : x) value /= std::sqrt(squares);
    return x;
}

inline double dot_product(std::span<double const> x, std::span<double const> y) {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
    return sum;
}

inline void add_multiple(std::span<double> y, double factor, std::span<double const> x) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += factor * x[i];
}

/// Euclidean length, scaled only where the squares would overflow or underflow.
inline double vector_length(std::span<double const> x) {
    double const squares = dot_product(x, x);
    if ((squares > 1e-280 && squares < 1e280) || std::isnan(squares)) return std::sqrt(squares);
    double largest = 0.0;
    for (double const value : x) largest = std::max(largest, std::abs(value));
    if (largest == 0.0 || !std::isfinite(largest)) return largest;
    double scaled = 0.0;
    for (double const value : x) scaled += (value / largest) * (value / largest);
    return largest * std::sqrt(scaled);
}

/// A fixed start vector of length 1 without structure (splitmix64 of the index), so that it is orthogonal to
/// no eigenvector that means anything.
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
    for (double& value : start) value /= length;
    return start;
}

/// y = A x, every element checked.
template <SymmetricOperator Apply>
void apply_checked(Apply& apply, std::span<double const> x, std::span<double> y) {
    apply(x, y);
    for (std::size_t i = 0; i < y.size(); ++i)
        if (!std::isfinite(y[i]))
            throw error("largest_eigenvalue: the operator gave a value that is not finite at index ", i);
}

/// The three-term recurrence: in the vectors it runs through, the operator is the tridiagonal matrix it
/// leaves behind.
class lanczos_recurrence {
public:
    explicit lanczos_recurrence(std::size_t n)
        : current_(lanczos_start(n)), previous_(n, 0.0), next_(n, 0.0) {}

    /// Applies the operator once: one more row of the tridiagonal matrix.
    template <SymmetricOperator Apply>
    void advance(Apply& apply) {
        if (!diagonal_.empty()) shift();
        apply_checked(apply, current_, next_);
        norm_ = std::max(norm_, vector_length(next_));
        if (!off_diagonal_.empty()) add_multiple(next_, -off_diagonal_.back(), previous_);
        double overlap = 0.0;
        for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Parlett)
            double const correction = dot_product(current_, next_);
            add_multiple(next_, -correction, current_);
            overlap += correction;
        }
        diagonal_.push_back(overlap);
        coupling_ = vector_length(next_);
        if (!std::isfinite(norm_) || !std::isfinite(coupling_))
            throw error("largest_eigenvalue: the values of the operator overflow");
    }

    /// The largest Ritz value theta and the residual |A x - theta x| of its vector x.
    struct ritz_pair {
        double value, residual;
    };
    [[nodiscard]] ritz_pair largest() const {
        double const theta = largest_tridiagonal_eigenvalue(diagonal_, off_diagonal_);
        double const last = largest_tridiagonal_eigenvector(diagonal_, off_diagonal_, theta).back();
        return {theta, coupling_ * std::abs(last)};
    }

    [[nodiscard]] double coupling() const noexcept {
        return coupling_;
    }                                                             ///< to the next vector; 0: nothing is left
    [[nodiscard]] double norm() const noexcept { return norm_; }  ///< longest A v seen, |v| = 1

private:
    void shift() {
        for (double& value : next_) value /= coupling_;
        off_diagonal_.push_back(coupling_);
        previous_.swap(current_);
        current_.swap(next_);
    }

    std::vector<double> current_, previous_, next_;
    std::vector<double> diagonal_, off_diagonal_;
    double coupling_ = 0.0;
    double norm_ = 0.0;
};

inline void require_lanczos_arguments(std::size_t n, lanczos_options const& options) {
    if (n == 0) throw error("largest_eigenvalue: expected an operator of size > 0, found 0");
    if (!(options.tolerance > 0.0 && options.tolerance < 1.0))
        throw error("largest_eigenvalue: expected a tolerance in (0, 1), found ", options.tolerance);
    if (options.max_iterations == 0)
        throw error("largest_eigenvalue: expected at least 1 iteration, found 0");
}

}  // namespace detail

/// The largest (most positive) eigenvalue of a real symmetric n x n operator, by Lanczos from a fixed start
/// vector: the same operator gives the same digits. For a coupling matrix J it is the naive mean-field
/// critical temperature lambda_max(J), not t_formula and not the true T_c.
///
/// Stops when the residual is at most tolerance * |theta|, or min(tolerance, 1e-7) * norm, norm being a lower
/// bound on the largest |eigenvalue|: an eigenvalue then lies within that distance, and since the error is
/// quadratic in the residual it is usually far closer. (By tolerance * norm alone it would stop within the
/// bulk where the eigenvalue looked for is small, as the smallest one of a network's Hessian: after 4
/// applications, at tolerance 1e-3.) No basis is kept and nothing reorthogonalised (Paige 1980, Cullum and
/// Willoughby 1985): rounding then only adds copies of eigenvalues already found, which do no harm at the end
/// of the spectrum, while restarting a bounded basis of 128 took 2539 applications instead of 998 on a path
/// of 1000 sites. Memory: three vectors of length n. Throws spinet::error for n = 0, bad options, values that
/// are not finite, and no convergence (with the residual). Symmetry is not checked.
template <SymmetricOperator Apply>
double largest_eigenvalue(std::size_t n, Apply&& apply, lanczos_options const& options = {}) {
    detail::require_lanczos_arguments(n, options);
    detail::lanczos_recurrence recurrence(n);
    double const tolerance = std::max(options.tolerance, 16.0 * std::numeric_limits<double>::epsilon());
    std::size_t next_check = 1;
    for (std::size_t iteration = 1;; ++iteration) {
        recurrence.advance(apply);
        double const least = std::min(tolerance, 1e-7) * recurrence.norm();
        bool const last = iteration == options.max_iterations;
        if (iteration < next_check && recurrence.coupling() > least && !last) continue;
        next_check = iteration + 1 + iteration / 16;
        auto const ritz = recurrence.largest();
        double const enough = std::max(tolerance * std::abs(ritz.value), least);
        // The first few vectors know the bulk only.
        bool const settled = iteration >= 20 || recurrence.coupling() <= least;
        if (settled && ritz.residual <= enough) return ritz.value;
        if (last) {
            throw error("largest_eigenvalue: not converged after ", iteration,
                        " applications: largest Ritz value ", ritz.value, ", residual ", ritz.residual,
                        ", wanted ", enough);
        }
    }
}

}  // namespace spinet
