// SPDX-License-Identifier: BSD-3-Clause
/// Spectral tempering: exchanges with capped models, variants of a network whose leading modes are held down,
/// so that replicas get round a transition of first order between them.
#pragma once

#include <spinet/detail/vector_math.hpp>
#include <spinet/ensemble/exchange.hpp>
#include <spinet/ensemble/rung_graph.hpp>
#include <spinet/error.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// A variant of the model in which no eigenvalue of J is above `cut` (or below -cut), next to the ladder at
/// its temperatures from `lowest` to `highest`.
struct capped_model {
    double cut;
    double lowest;
    double highest;
};

namespace detail {

/// A model of two colours as each row of a tile sees it: with the modes of its own variant held down. Row r
/// of what `fields` and `add_block_fields` are given is row r of the tile.
template <BlockModel M>
class capped_view {
public:
    using spin_type = typename M::spin_type;
    using real = spin_type;

    /// `modes` has k rows of as many numbers as spins; `excess` k numbers for each variant: twice what its
    /// cut takes from each eigenvalue.
    capped_view(M const& model, std::vector<real> const& modes, std::vector<double> const& excess,
                std::vector<std::uint32_t> const& variant_of_row)
        : model_(&model), modes_(&modes), excess_(&excess), variant_of_row_(&variant_of_row) {}

    [[nodiscard]] std::size_t size() const noexcept { return model_->size(); }
    [[nodiscard]] double energy(std::span<real const> spins) const { return model_->energy(spins); }
    [[nodiscard]] double energy_change(std::span<real const> spins, std::size_t site, real value) const {
        return model_->energy_change(spins, site, value);
    }
    [[nodiscard]] std::span<real const> external_fields() const noexcept { return model_->external_fields(); }
    [[nodiscard]] std::size_t colours() const noexcept { return model_->colours(); }
    [[nodiscard]] std::span<site_range const> colour(std::size_t c) const noexcept {
        return model_->colour(c);
    }
    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        model_->for_each_coupling(site, visit);
    }

    void fields(rows_view<real const> spins, rows_view<real> out) const noexcept {
        model_->fields(spins, out);
        for (std::size_t c = 0; c < 2; ++c) hold_down(c, spins, out);
    }
    void add_block_fields(std::size_t c, rows_view<real const> spins, rows_view<real> out) const noexcept {
        model_->add_block_fields(c, spins, out);
        hold_down(c, spins, out);
    }

    /// The amplitude of mode k in the spins of one colour of a row.
    [[nodiscard]] double amplitude(std::size_t k, std::size_t c, std::span<real const> spins) const noexcept {
        double sum = 0;
        for (site_range const range : model_->colour(c))
            sum += dot(modes_->data() + k * size() + range.first, spins.data() + range.first, range.size);
        return sum;
    }

    /// Takes the fields of colour c from variant `from` to variant `to`, the spins of the other colour being
    /// these.
    void change_variant(std::size_t c, std::span<real const> spins, real* fields, std::size_t from,
                        std::size_t to) const noexcept {
        for (std::size_t k = 0; k < modes(); ++k) {
            double const change = excess(to, k) - excess(from, k);
            if (change == 0) continue;
            auto const by = static_cast<real>(-change * amplitude(k, 1 - c, spins));
            for (site_range const range : model_->colour(c)) {
                real const* const mode = modes_->data() + k * size() + range.first;
                for (std::size_t i = 0; i < range.size; ++i) fields[range.first + i] += by * mode[i];
            }
        }
    }

private:
    [[nodiscard]] std::size_t modes() const noexcept { return modes_->size() / size(); }
    [[nodiscard]] double excess(std::size_t variant, std::size_t k) const noexcept {
        return (*excess_)[variant * modes() + k];
    }

    void hold_down(std::size_t c, rows_view<real const> spins, rows_view<real> out) const noexcept {
        for (std::size_t r = 0; r < spins.rows; ++r)
            if (std::uint32_t const variant = (*variant_of_row_)[r]; variant != 0)
                change_variant(c, spins.row(r), out.row(r).data(), 0, variant);
    }

    M const* model_;
    std::vector<real> const* modes_;
    std::vector<double> const* excess_;
    std::vector<std::uint32_t> const* variant_of_row_;
};

}  // namespace detail

/// What capped_models is on a model: the modes, and the marginal exchange within and between variants.
template <BlockModel M>
class capped_exchange {
public:
    using real = typename M::spin_type;

    capped_exchange(M const& model, std::vector<capped_model> models, std::string name)
        : models_(std::move(models)), name_(std::move(name)) {
        if (model.colours() != 2)
            throw error("capped_models: the model has ", static_cast<std::size_t>(model.colours()),
                        " colours; modes are held down between two");
        double lowest = std::numeric_limits<double>::infinity();
        for (auto const& capped : models_) lowest = std::min(lowest, capped.cut);
        auto const pairs = leading_modes(model, std::min<std::size_t>(model.size(), most_modes + 1));
        std::size_t count = 0;
        while (count < pairs.values.size() && pairs.values[count] > lowest) ++count;
        if (count > most_modes)
            throw error("capped_models: more than ", most_modes, " eigenvalues are above the lowest cut, ",
                        lowest);
        excess_.assign(count, 0.0);  // variant 0
        for (auto const& capped : models_)
            for (std::size_t k = 0; k < count; ++k)
                excess_.push_back(2 * std::max(0.0, pairs.values[k] - capped.cut));
        for (std::size_t k = 0; k < count; ++k)
            for (double const x : pairs.vector(k)) modes_.push_back(static_cast<real>(x));
    }

    [[nodiscard]] std::string name() const { return name_; }
    [[nodiscard]] std::size_t summed_out(M const& model) const noexcept {
        return marginal_exchange::summed_out(model);
    }

    [[nodiscard]] rung_graph graph(ladder const& temperatures) const {
        return graph_of_variants(temperatures, models_.size(), [&](std::size_t variant) {
            return std::pair{models_[variant - 1].lowest, models_[variant - 1].highest};
        });
    }

    [[nodiscard]] detail::capped_view<M> view(
        M const& model, std::vector<std::uint32_t> const& variant_of_row) const noexcept {
        return {model, modes_, excess_, variant_of_row};
    }

    /// Within a variant.
    template <class State>
    [[nodiscard]] double log_ratio(M const& model, State const& state, std::size_t row_a, std::size_t row_b,
                                   double beta_a, double beta_b) const noexcept {
        return marginal_exchange{}.log_ratio(model, state, row_a, row_b, beta_a, beta_b);
    }

    /// Between variants, both rows at beta: the difference of sum_i ln 2 cosh(beta h_i) over the spins that
    /// are summed out, in the fields of the other variant and in its own. Leaves the fields of the other
    /// variant in `moved_a` and `moved_b` (as many numbers as spins).
    template <class View, class State>
    [[nodiscard]] double log_ratio_between(View const& view, State const& state, std::size_t row_a,
                                           std::size_t row_b, double beta, std::size_t variant_a,
                                           std::size_t variant_b, std::span<real> moved_a,
                                           std::span<real> moved_b) const noexcept {
        std::size_t const c = view.colours() == 2 ? marginal_exchange::summed_out(view) : 0;
        auto const change = [&](std::size_t row, std::size_t from, std::size_t to, std::span<real> moved) {
            auto const fields = state.fields().row(row);
            std::copy(fields.begin(), fields.end(), moved.begin());
            view.change_variant(c, state.spins().row(row), moved.data(), from, to);
            double sum = 0;
            for (site_range const range : view.colour(c))
                sum += detail::log_2cosh_change(moved.data() + range.first, range.size, 0.0, beta) -
                       detail::log_2cosh_change(fields.data() + range.first, range.size, 0.0, beta);
            return sum;
        };
        return change(row_a, variant_a, variant_b, moved_a) + change(row_b, variant_b, variant_a, moved_b);
    }

private:
    static constexpr std::size_t most_modes = 32;

    std::vector<capped_model> models_;
    std::string name_;
    std::vector<real> modes_;     ///< modes x spins
    std::vector<double> excess_;  ///< variants (0 too) x modes
};

/// An exchange policy for networks of two colours: beside the ladder of the model itself, capped models
/// whose leading eigenvalues are cut, each over a range of temperatures, next to the one before it. Where two
/// modes compete a network can change from one to the other by a transition of first order, across which
/// replicas do not pass by temperature alone; in a capped model whose cut makes their eigenvalues equal there
/// is none, and replicas change there. Only the model itself is measured. Costs a row for each rung of each
/// model. Throws spinet::error for cuts that are not positive or do not fall from model to model, and empty
/// ranges.
class capped_models {
public:
    explicit capped_models(std::vector<capped_model> models) : models_(std::move(models)) {
        if (models_.empty()) throw error("capped_models: no models");
        for (std::size_t k = 0; k < models_.size(); ++k) {
            auto const& model = models_[k];
            if (!(model.cut > 0) || !std::isfinite(model.cut) || (k > 0 && model.cut >= models_[k - 1].cut))
                throw error("capped_models: model ", k + 1, " has the cut ", model.cut,
                            "; cuts are positive and fall from model to model");
            if (!(model.lowest <= model.highest))
                throw error("capped_models: model ", k + 1, " goes from T = ", model.lowest, " to ",
                            model.highest);
        }
    }

    [[nodiscard]] std::vector<capped_model> const& models() const noexcept { return models_; }

    [[nodiscard]] std::string name() const {
        std::string text = "spectral exchange";
        for (auto const& model : models_)
            text += detail::text(", capped model of eigenvalues up to ", model.cut,
                                 " from T = ", model.lowest, " to ", model.highest);
        return text;
    }

    template <BlockModel M>
    [[nodiscard]] capped_exchange<M> on(M const& model) const {
        return {model, models_, name()};
    }

private:
    std::vector<capped_model> models_;
};

/// Capped models for a network, from its two leading eigenvalues: cuts from the first down to a tenth of
/// their distance above the second, 38 / N of the first from one to the next, so that exchanges between
/// models are accepted (at most 6 models); from 0.3 to 0.85 of the first in temperature, the last model up to
/// the first itself. It knows nothing of the transition: these are the cuts and ranges that carried replicas
/// across the ones that were seen (docs/choosing-a-sampler.md). Throws spinet::error where there are no two
/// positive eigenvalues.
template <BlockModel M>
[[nodiscard]] capped_models suggested_capped_models(M const& model) {
    auto const modes = leading_modes(model, 2);
    if (modes.values.size() < 2 || !(modes.values[1] > 0))
        throw error("suggested_capped_models: the model has no two positive eigenvalues");
    double const first = modes.values[0], second = modes.values[1];
    double const spacing = std::min(0.05, 38 / static_cast<double>(model.size())) * first;
    double const depth = std::max(0.9 * (first - second), 1e-3 * first);
    auto const count = static_cast<std::size_t>(std::clamp(std::ceil(depth / spacing), 1.0, 6.0));
    double const step = std::min(spacing, depth / static_cast<double>(count));
    std::vector<capped_model> chosen;
    for (std::size_t k = 1; k <= count; ++k)
        chosen.push_back(
            {first - step * static_cast<double>(k), 0.3 * first, (k == count ? 1.0 : 0.85) * first});
    return capped_models(std::move(chosen));
}

}  // namespace spinet
