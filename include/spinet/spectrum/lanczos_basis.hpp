// SPDX-License-Identifier: BSD-3-Clause
/// Lanczos with all its vectors kept, for several eigenvectors or a spectral density.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace spinet::detail {

/// Eigenvalues of a symmetric tridiagonal matrix, from the smallest up, and the eigenvectors: number i of
/// eigenvector k at k * n + i.
inline std::pair<std::vector<double>, std::vector<double>> tridiagonal_eigenpairs(
    std::vector<double> diagonal, std::vector<double> off_diagonal) {
    std::size_t const n = diagonal.size();
    auto const size = static_cast<blas_int>(n);
    std::vector<double> vectors(n * n), work(2 * n + 1);
    off_diagonal.resize(n);
    char const with_vectors = 'I';
    blas_int info = 0;
    lapack_dsteqr(&with_vectors, &size, diagonal.data(), off_diagonal.data(), vectors.data(), &size,
                  work.data(), &info);
    if (info != 0) throw error("lanczos: LAPACK's dsteqr did not converge");
    return {std::move(diagonal), std::move(vectors)};
}

/// An orthonormal basis of Krylov vectors, fully reorthogonalised, and the operator in it: a symmetric
/// tridiagonal matrix.
class lanczos_basis {
public:
    /// `start` has length 1.
    explicit lanczos_basis(std::vector<double> start)
        : vectors_{std::move(start)}, next_(vectors_[0].size()) {}

    /// Applies the operator once: one more row of the matrix, and, but for the first, one more vector.
    template <SymmetricOperator Apply>
    void advance(Apply& apply) {
        if (!diagonal_.empty()) {
            off_diagonal_.push_back(coupling_);
            vectors_.push_back(next_);
            for (double& x : vectors_.back()) x /= coupling_;
        }
        apply_checked(apply, vectors_.back(), next_);
        norm_ = std::max(norm_, vector_length(next_));
        diagonal_.push_back(dot_product(vectors_.back(), next_));
        for (int pass = 0; pass < 2; ++pass)  // twice is enough (Parlett)
            for (auto const& earlier : vectors_) add_multiple(next_, -dot_product(earlier, next_), earlier);
        coupling_ = vector_length(next_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return diagonal_.size(); }
    /// The Krylov space is the whole of what the start vector can reach.
    [[nodiscard]] bool complete() const noexcept {
        return size() == next_.size() || coupling_ <= 1e-14 * norm_;
    }
    [[nodiscard]] double coupling() const noexcept { return coupling_; }  ///< to the next vector
    [[nodiscard]] double norm() const noexcept { return norm_; }          ///< longest A v seen, |v| = 1
    [[nodiscard]] std::vector<std::vector<double>> const& vectors() const noexcept { return vectors_; }
    [[nodiscard]] std::pair<std::vector<double>, std::vector<double>> eigenpairs() const {
        return tridiagonal_eigenpairs(diagonal_, off_diagonal_);
    }

private:
    std::vector<std::vector<double>> vectors_;
    std::vector<double> next_, diagonal_, off_diagonal_;
    double coupling_ = 0;
    double norm_ = 0;
};

}  // namespace spinet::detail
