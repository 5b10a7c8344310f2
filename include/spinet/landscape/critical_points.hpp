// SPDX-License-Identifier: BSD-3-Clause
/// The search for critical points: minima by descent, and points of any index by minimising the gradient.
#pragma once

#include <spinet/error.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/spectrum/symmetric_eigenvalues.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

struct descent_options {
    double gradient = 1e-7;       ///< ends where |gradient| / sqrt(N) is below this
    std::size_t steps = 200'000;  ///< at the most
    double first_step = 0.05;
};

struct critical_search_options {
    double gradient = 1e-9;   ///< ends where |gradient| / sqrt(N) is below this: a critical point
    std::size_t steps = 200;  ///< at the most; each is a whole Hessian and its eigenvectors
    double zero = 1e-6;       ///< eigenvalues nearer to 0 than this times the largest are counted as zero
};

/// Where a search ended.
struct search_end {
    row_major_array<double, 1> x;
    double value = 0;          ///< of the objective
    double gradient_norm = 0;  ///< |gradient| / sqrt(N)
    bool converged = false;    ///< it is a critical point, to the tolerance asked for
    std::size_t steps = 0;
};

struct critical_point : search_end {
    row_major_array<double, 1> eigenvalues{};  ///< of the Hessian, from the smallest up: N - 1 on the sphere
    std::size_t index = 0;                     ///< how many of them are negative
    std::size_t flat = 0;                      ///< and how many are zero
};

namespace detail {

template <class O>
void require_start(O const& f, std::span<double const> x, char const* who) {
    if (x.size() != size_of(f))
        throw error(who, ": a point of ", x.size(), " numbers for an objective of ", size_of(f));
    if (!std::isfinite(dot_product(x, x))) throw error(who, ": the point is not finite");
    if (is_on_sphere<O> && !is_near_sphere(x)) throw error(who, ": the point is not on the sphere |x|^2 = N");
}

/// The value and the gradient at `now.x`.
template <class O>
void evaluate(O const& f, search_end& now, std::span<double> slope, char const* who) {
    now.value = gradient_at(f, now.x, slope);
    now.gradient_norm = vector_length(slope) / std::sqrt(static_cast<double>(slope.size()));
    if (!std::isfinite(now.value) || !std::isfinite(now.gradient_norm))
        throw error(who, ": the objective's value ", now.value, " or its gradient is not finite");
}

/// x + factor step, projected back onto the sphere if the objective is on it.
template <class O>
[[nodiscard]] row_major_array<double, 1> moved(std::span<double const> x, double factor,
                                               std::span<double const> step) {
    auto to = array_of(x);
    add_multiple(to, factor, step);
    if constexpr (is_on_sphere<O>) scale_to_length(to, std::sqrt(static_cast<double>(to.size())));
    return to;
}

}  // namespace detail

/// Steepest descent. A step is halved until f falls, and grows by a tenth after each step that was taken.
/// Throws spinet::error where f or its gradient is not finite.
template <class O>
[[nodiscard]] search_end descend(O const& f, vector_argument const& x, descent_options const& options = {}) {
    static_assert(
        DifferentiableObjective<O>,
        "spinet: not a DifferentiableObjective; it needs size(), value(x) and gradient(x, out), see "
        "landscape/concepts.hpp");
    detail::require_start(f, x, "descend");
    std::vector<double> slope(x.size());
    search_end now{detail::array_of(x), 0, 0, false, 0};
    detail::evaluate(f, now, slope, "descend");
    double step = options.first_step;
    for (; now.steps < options.steps && now.gradient_norm >= options.gradient; ++now.steps) {
        row_major_array<double, 1> next;
        double reached = 0;
        do {
            next = detail::moved<O>(now.x, -step, slope);
            reached = detail::value_at(f, next);
        } while (!(reached < now.value && std::isfinite(reached)) && (step /= 2) > 1e-14);
        if (!(reached < now.value && std::isfinite(reached))) break;  // rounding
        now.x = std::move(next);
        detail::evaluate(f, now, slope, "descend");
        step *= 1.1;
    }
    now.converged = now.gradient_norm < options.gradient;
    return now;
}

/// Finds a critical point of any index from x: minimises |gradient|^2 by Levenberg-Marquardt steps, -H g /
/// (H^2 + mu) in the eigenvectors of the Hessian H, whatever the signs of its eigenvalues. The search may
/// also end where H g = 0 and g is not; `converged` is then false. It takes no step to a point where f is not
/// finite. Throws spinet::error if f is not finite at x.
template <class O>
[[nodiscard]] critical_point find_critical_point(O const& f, vector_argument const& x,
                                                 critical_search_options const& options = {}) {
    static_assert(
        TwiceDifferentiableObjective<O>,
        "spinet: not a TwiceDifferentiableObjective; it needs size(), value(x), gradient(x, out) and "
        "hessian_vector(x, v, out), see landscape/concepts.hpp");
    detail::require_start(f, x, "find_critical_point");
    double const root = std::sqrt(static_cast<double>(x.size()));
    std::vector<double> slope(x.size());
    critical_point now{{detail::array_of(x), 0, 0, false, 0}};
    detail::evaluate(f, now, slope, "find_critical_point");
    double damping = 1e-3;
    for (bool stuck = false;;) {
        hessian const h(f, now.x);
        std::size_t const n = h.size();
        auto vectors = matrix_of(h);
        now.eigenvalues = detail::array_of(detail::symmetric_eigen(vectors, n, true));
        double const largest = std::max(std::abs(now.eigenvalues(0)), std::abs(now.eigenvalues(n - 1)));
        now.converged = now.gradient_norm < options.gradient;
        if (now.converged || stuck || now.steps == options.steps) {
            now.index = index_of(now.eigenvalues, options.zero * largest);
            now.flat = static_cast<std::size_t>(
                std::count_if(now.eigenvalues.begin(), now.eigenvalues.end(),
                              [&](double e) { return std::abs(e) <= options.zero * largest; }));
            return now;
        }
        auto const g = h.coordinates_of(slope);
        std::vector<double> along(n);
        for (std::size_t k = 0; k < n; ++k) along[k] = detail::dot_product(detail::row_of(vectors, k), g);
        bool taken = false;
        for (int attempt = 0; attempt < 40 && !taken; ++attempt) {
            std::vector<double> step(n, 0.0);
            for (std::size_t k = 0; k < n; ++k) {
                double const e = now.eigenvalues(k);
                detail::add_multiple(step, -e * along[k] / (e * e + damping * largest * largest),
                                     detail::row_of(vectors, k));
            }
            auto const next = detail::moved<O>(now.x, 1, h.in_space(step));
            std::vector<double> there(x.size());
            double const value = detail::gradient_at(f, next, there),
                         norm = detail::vector_length(there) / root;
            if ((taken = norm < now.gradient_norm && std::isfinite(value))) {
                now.x = next;
                now.value = value;
                now.gradient_norm = norm;
                slope = std::move(there);
                damping = std::max(damping / 10, 1e-15);
            } else {
                damping *= 10;
            }
        }
        stuck = !taken;
        now.steps += taken ? 1 : 0;
    }
}

}  // namespace spinet
