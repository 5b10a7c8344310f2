// SPDX-License-Identifier: BSD-3-Clause
/// T_ord of a network that is too large to hold, from the dominant modes of its weights.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/outlier_modes.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/mean_field/t_ord.hpp>
#include <spinet/spectrum/largest_eigenvalue.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace spinet {
namespace detail {

/// The strength of a mode before noise was added to it: noise makes singular values larger. In an m x n
/// matrix of noise whose bulk ends at `edge` a mode of strength t is seen at s, s^2 = (t^2 + v m)(t^2 + v n)
/// / t^2 with the variance v of the noise (Benaych-Georges and Nadakuditi, J. Multivariate Anal. 111, 120
/// (2012)).
[[nodiscard]] inline double strength_without_noise(double seen, double edge, double m, double n) {
    double const v = std::pow(edge / (std::sqrt(m) + std::sqrt(n)), 2), s = seen * seen - v * (m + n);
    return std::sqrt((s + std::sqrt(std::max(0.0, s * s - 4 * v * v * m * n))) / 2);
}

/// The couplings of a wiring without the bulks of its matrices: modes, and couplings one to one.
class mode_couplings {
public:
    mode_couplings(wiring const& of, modes_by_map const& modes) {
        std::size_t sites = 0;
        for (auto const& part : of.parts) {
            first_.push_back(sites);
            sites += part.size();
        }
        squares_.assign(sites, 0.0);
        for (auto const& each : of.wires) {
            auto const found = modes.find(each.map.get());
            if (found != modes.end())
                add_modes(each, found->second);
            else
                add_joint(each);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return squares_.size(); }
    /// Sums of the squares of the couplings of each spin.
    [[nodiscard]] std::vector<double> const& squares() const noexcept { return squares_; }

    /// y = J x.
    void multiply(std::span<double const> x, std::span<double> y) const {
        std::fill(y.begin(), y.end(), 0.0);
        for (auto const& each : joints_)
            for (std::size_t i = 0; i < each.length; ++i) {
                double const w = each.weights.size() == 1 ? each.weights[0] : each.weights[i];
                y[each.to + i] += w * x[each.from + i];
                y[each.from + i] += w * x[each.to + i];
            }
        for (auto const& each : modes_) {
            std::size_t const count = each.strengths.size();
            std::vector<double> at_row(count, 0.0), at_column(count, 0.0);
            project(x, each.row, each.modes->left, count, at_row);
            project(x, each.column, each.modes->right, count, at_column);
            for (std::size_t k = 0; k < count; ++k) {
                at_row[k] *= each.strengths[k];
                at_column[k] *= each.strengths[k];
            }
            spread(y, each.row, each.modes->left, count, at_column);
            spread(y, each.column, each.modes->right, count, at_row);
        }
    }

private:
    struct mode_wire {
        std::size_t row, column;  ///< sites of the first stored row and column
        singular_modes const* modes;
        std::vector<double> strengths;
    };
    struct joint {
        std::size_t to, from, length;
        std::vector<double> weights;  ///< one, or one for each
    };

    static void project(std::span<double const> x, std::size_t first, std::vector<double> const& vectors,
                        std::size_t count, std::vector<double>& out) {
        add_transposed_product(count, 1, vectors.size() / count, vectors.data(), x.data() + first,
                               out.data());
    }
    static void spread(std::span<double> y, std::size_t first, std::vector<double> const& vectors,
                       std::size_t count, std::vector<double> const& amounts) {
        gemm(false, vectors.size() / count, 1, count, 1.0, vectors.data(), count, amounts.data(), 1, 1.0,
             y.data() + first, 1);
    }

    void add_modes(wire const& each, singular_modes const& modes) {
        if (modes.count() == 0) return;
        auto const* const matrix = std::get_if<matrix_map>(&each.map->kind);
        bool const turned = matrix != nullptr && matrix->transposed;
        std::size_t const count = modes.count(), m = modes.left.size() / count,
                          n = modes.right.size() / count;
        mode_wire made{
            first_[turned ? each.from : each.to], first_[turned ? each.to : each.from], &modes, {}};
        for (double const seen : modes.values)
            made.strengths.push_back(each.factor * strength_without_noise(seen, modes.bulk_edge,
                                                                          static_cast<double>(m),
                                                                          static_cast<double>(n)));
        for (std::size_t k = 0; k < count; ++k) {
            double const square = made.strengths[k] * made.strengths[k];
            for (std::size_t i = 0; i < m; ++i)
                squares_[made.row + i] += square * modes.left[i * count + k] * modes.left[i * count + k];
            for (std::size_t j = 0; j < n; ++j)
                squares_[made.column + j] += square * modes.right[j * count + k] * modes.right[j * count + k];
        }
        modes_.push_back(std::move(made));
    }

    void add_joint(wire const& each) {
        joint made{first_[each.to], first_[each.from], each.map->rows(), kernel_values(*each.map)};
        for (double& w : made.weights) w *= each.factor;
        for (std::size_t i = 0; i < made.length; ++i) {
            double const w = made.weights.size() == 1 ? made.weights[0] : made.weights[i];
            squares_[made.to + i] += w * w;
            squares_[made.from + i] += w * w;
        }
        joints_.push_back(std::move(made));
    }

    std::vector<std::size_t> first_;
    std::vector<double> squares_;
    std::vector<mode_wire> modes_;
    std::vector<joint> joints_;
};

/// Whether all couplings are matrices, or one to one.
[[nodiscard]] inline bool is_of_matrices(wiring const& of) {
    for (auto const& each : of.wires)
        if (auto const* const w = std::get_if<window_map>(&each.map->kind))
            if (w->kernel || each.map->rows() != each.map->columns() ||
                w->shape.y.kernel * w->shape.x.kernel != 1)
                return false;
    return true;
}

}  // namespace detail

/// T_ord of the whole network that a wiring is of, from outlier_modes(of) alone, without reading weights
/// again. A bulk of independent entries drops out of the condition for order: what it adds to the fields of
/// the modes, its reaction terms take away, in the limit of large layers. So the TAP Hessian at m = 0 is that
/// of the modes and of the couplings one to one, their strengths being those without the noise. Nothing for
/// networks with convolutions or pooling, and where no mode stands out. Memory: about 100 numbers per spin.
[[nodiscard]] inline std::optional<ordering> t_ord_of_modes(wiring const& of, modes_by_map const& modes) {
    if (!detail::is_of_matrices(of)) return std::nullopt;
    detail::mode_couplings const couplings(of, modes);
    auto const multiply = [&](std::span<double const> x, std::span<double> y) { couplings.multiply(x, y); };
    single_threaded_blas const one_blas_thread;
    // The error of an eigenvalue is of the order of the square of the tolerance.
    double const unit = detail::largest_eigenvalue_of(couplings.size(), multiply, {.tolerance = 1e-3});
    if (!(unit > 0)) return std::nullopt;
    auto const smallest = [&](double t) {
        // Without the 1, which would make the eigenvalue 0, and tolerances relative to it endless.
        return 1 - detail::largest_eigenvalue_of(couplings.size(),
                                                 [&](std::span<double const> x, std::span<double> y) {
                                                     couplings.multiply(x, y);
                                                     for (std::size_t i = 0; i < x.size(); ++i)
                                                         y[i] = y[i] / t -
                                                                x[i] * couplings.squares()[i] / (t * t);
                                                 },
                                                 {.tolerance = 1e-3});
    };
    // From lambda_max, above which nothing orders, down to where the modes are no longer the leading ones.
    double above = unit, at_above = smallest(unit);
    for (double t = unit * 0.96; t > unit / 8; t *= 0.96) {
        double const here = smallest(t);
        if (here > 0) {
            above = t, at_above = here;
            continue;
        }
        double below = t, at_below = here;
        for (int step = 0; step < 20 && above / below > 1.0005; ++step) {  // where the line between them is 0
            double const middle =
                std::clamp(below + (above - below) * -at_below / std::max(1e-12, at_above - at_below),
                           below * 1.0002, above / 1.0002);
            double const between = smallest(middle);
            if (std::abs(between) < 1e-4) return ordering{middle, between, true, unit};
            (between > 0 ? above : below) = middle;
            (between > 0 ? at_above : at_below) = between;
        }
        return ordering{below, at_below, true, unit};
    }
    return std::nullopt;
}

}  // namespace spinet
