// SPDX-License-Identifier: BSD-3-Clause
/// Spins that are not +1 or -1 but anything between: the same couplings, another single-site measure.
#pragma once

#include <spinet/detail/pack.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/network_glass.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace spinet {

/// Every value in [-1, 1] alike.
struct uniform_measure {
    [[nodiscard]] static double draw(double x, double u) noexcept {
        double const size = std::abs(x);
        if (!(size > 1e-8)) return 2 * u - 1;
        // From the end that the field points to: the weight e^(-size t), t the distance from there.
        double const v = x > 0 ? 1 - u : u, t = -std::log1p(v * std::expm1(-2 * size)) / size;
        double const s = std::max(-1.0, 1 - t);
        return x > 0 ? s : -s;
    }
    /// The same for as many fields as numbers, x[k] becoming the spin, to an absolute error of 1e-10. A fifth
    /// of the time or less with AVX-512.
    static void draw_all(std::span<double> x, std::span<double const> u) noexcept {
        constexpr std::size_t lanes = detail::pack_lanes<double>;
        std::size_t const count = x.size();
        double* const to = x.data();
        double const* const from = u.data();
        std::size_t k = 0;
        for (; k + lanes <= count; k += lanes)
            detail::store(to + k, drawn(detail::load<double>(to + k), detail::load<double>(from + k)));
        if (k == count) return;
        double last[lanes] = {}, at[lanes] = {};
        std::copy(to + k, to + count, last);
        std::copy(from + k, from + count, at);
        detail::store(last, drawn(detail::load<double>(last), detail::load<double>(at)));
        std::copy(last, last + (count - k), to + k);
    }
    /// ln(sinh x / x).
    [[nodiscard]] static double log_partition(double x) noexcept {
        double const size = std::abs(x);
        if (size < 1e-3) return size * size / 6 - size * size * size * size / 180;
        return size + std::log(-std::expm1(-2 * size) / (2 * size));
    }
    [[nodiscard]] static double variance() noexcept { return 1.0 / 3; }
    [[nodiscard]] static std::string name() { return "uniform on [-1, 1]"; }

private:
    /// Of numbers or packs. As draw(), by ln and exp that are rounded absolutely, or their series at small x.
    template <class Number>
    [[nodiscard]] static Number drawn(Number x, Number u) noexcept {
        Number const size = x > 0 ? x : -x, v = x > 0 ? 1.0 - u : u;
        Number const series = v * (2.0 + size * (v - 1.0) * (2.0 - size * (4.0 / 3) * (1.0 - 2.0 * v)));
        Number const rate = size > 1e-4 ? size : Number{} + 1.0;
        Number const ratio = -detail::log_positive(1.0 - v * (1.0 - detail::exp_clamped(-2.0 * rate))) / rate;
        Number const t = detail::smaller(size > 1e-4 ? ratio : series, Number{} + 2.0);
        return x > 0 ? 1.0 - t : t - 1.0;
    }
};

/// k values alike, evenly spaced from -1 to 1: 2 are Ising spins, many come near to uniform_measure. Throws
/// spinet::error for less than 2 or more than 2^20.
class level_measure {
public:
    explicit level_measure(std::size_t levels) : levels_(static_cast<double>(levels)) {
        if (levels < 2 || levels > std::size_t{1} << 20)
            throw error("level_measure: ", levels, " levels; 2 to 2^20");
    }

    [[nodiscard]] std::size_t levels() const noexcept { return static_cast<std::size_t>(levels_); }

    [[nodiscard]] double draw(double x, double u) const noexcept {
        // From the end that the field points to, the weights are 1, r, r^2, ... with r = e^(-step).
        double const last = levels_ - 1, step = 2 * std::abs(x) / last;
        double const v = x > 0 ? 1 - u : u;
        double const place = step > 1e-9 ? std::log1p(v * std::expm1(-step * levels_)) / -step : v * levels_;
        double const s = 1 - 2 * std::clamp(std::floor(place), 0.0, last) / last;
        return x > 0 ? s : -s;
    }
    /// ln of sinh(k y) / (k sinh y) with y = x / (k - 1).
    [[nodiscard]] double log_partition(double x) const noexcept {
        return uniform_measure::log_partition(levels_ * x / (levels_ - 1)) -
               uniform_measure::log_partition(x / (levels_ - 1));
    }
    [[nodiscard]] double variance() const noexcept { return (levels_ + 1) / (3 * (levels_ - 1)); }
    [[nodiscard]] std::string name() const { return detail::text(levels(), " levels"); }

private:
    double levels_;
};

/// The couplings and fields of a pair model for spins in [-1, 1]: E is the same function, and a state has the
/// weight e^(-beta E) times the measure of each spin. Made to see what becomes of a network's spin glass
/// when its neurons are not binary. At small m a spin answers its field by <s^2> of the measure, so order
/// sets in at that times the temperatures of Ising spins: paramagnet_above(model) is variance x
/// lambda_max(J).
///
/// Keeps the model, whose `fields` must not round spins that are not +-1: one that does has a member
/// take_any_spins() after which they no longer do. Has its groups and colours where it has them.
template <class M, class P = uniform_measure>
class soft_spins {
    static_assert(detail::pair_model_fits<M>());
    static_assert(space_of<M> == spin_space::ising, "spinet: soft_spins takes a model of spins +-1");
    static_assert(
        SpinMeasure<P>,
        "spinet: this is no SpinMeasure; it needs draw(x, u), log_partition(x), variance() and name()");

public:
    using spin_type = typename M::spin_type;
    using real = spin_type;
    static constexpr spin_space space = spin_space::interval;

    explicit soft_spins(M model, P measure = P{}) : model_(std::move(model)), measure_(std::move(measure)) {
        if constexpr (TakesAnySpins<M>) model_.take_any_spins();
    }

    [[nodiscard]] P const& measure() const noexcept { return measure_; }
    /// The same couplings with Ising spins.
    [[nodiscard]] M const& ising() const noexcept { return model_; }

    [[nodiscard]] std::size_t size() const noexcept { return model_.size(); }
    [[nodiscard]] double energy(std::span<real const> spins) const { return model_.energy(spins); }
    [[nodiscard]] double energy_change(std::span<real const> spins, std::size_t site, real value) const {
        return model_.energy_change(spins, site, value);
    }
    [[nodiscard]] std::span<real const> external_fields() const noexcept { return model_.external_fields(); }
    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        model_.for_each_coupling(site, visit);
    }

    /// Of E over the measure.
    [[nodiscard]] double variance_at_infinite_temperature() const noexcept {
        double const v = measure_.variance();
        double squares = 0;
        for (real const b : external_fields()) squares += v * static_cast<double>(b) * static_cast<double>(b);
        for (std::size_t i = 0; i < size(); ++i)
            for_each_coupling(i, [&](std::size_t, std::span<real const> couplings) {
                squares += v * v * detail::dot(couplings.data(), couplings.data(), couplings.size()) / 2;
            });
        return squares;
    }

    void fields(rows_view<real const> spins, rows_view<real> out) const { model_.fields(spins, out); }

    [[nodiscard]] std::size_t colours() const noexcept requires BlockModel<M> { return model_.colours(); }
    [[nodiscard]] std::span<site_range const> colour(std::size_t c) const noexcept requires BlockModel<M> {
        return model_.colour(c);
    }
    void add_block_fields(std::size_t c, rows_view<real const> spins,
                          rows_view<real> out) const requires BlockModel<M> {
        model_.add_block_fields(c, spins, out);
    }
    [[nodiscard]] std::span<spin_group const> groups() const noexcept requires GroupedModel<M> {
        return model_.groups();
    }
    [[nodiscard]] auto made_from() const requires requires(M const& model) { model.made_from(); }
    {
        auto from = model_.made_from();
        from.push_back({"spins", measure_.name()});
        return from;
    }

private:
    M model_;
    P measure_;
};

}  // namespace spinet
