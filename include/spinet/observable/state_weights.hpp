// SPDX-License-Identifier: BSD-3-Clause
/// How probable given states of one group of spins are, the group itself being summed out exactly.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/concepts.hpp>

#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// Per replica: the probabilities of given states of a group (one row of +-1 each), given all other spins as
/// they are now: the product of 1 / (1 + exp(-2 beta s_i h_i)), h_i being the field on spin i. Their means
/// over a run are the probabilities of these states in the glass. Spins of the group are not looked at, so
/// that states that no replica was in have an estimate too, and its error is less than that of counting.
///
/// `state_weights(model, group, states)` takes the group's couplings from the model once and keeps those
/// alone; copies share them. Throws spinet::error for a group whose spins are coupled to each other, for a
/// group that does not exist, states of another length or of other numbers than +-1, and when it measures
/// spins of another model.
class state_weights {
public:
    using unit = each_replica;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::spins;

    template <PairModel M, class States>
    state_weights(M const& model, std::size_t group, States const& states)
        : known_(std::make_shared<known const>(
              model, group, detail::row_major_copy<double, 2>(states, "state_weights: states"))) {
        static_assert(space_of<M> == spin_space::ising, "spinet: state_weights are of spins +-1");
    }

    [[nodiscard]] std::size_t states() const noexcept { return known_->states.shape()[0]; }

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const {
        std::vector<std::string> names;
        for (std::size_t k = 0; k < states(); ++k) names.push_back("P(state " + std::to_string(k) + ")");
        return names;
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        if (seen.sites() != known_->sites)
            throw error("state_weights: made for a model of ", known_->sites, " spins, found ", seen.sites());
        std::vector<double> twice_field(known_->fields.size());
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            auto const spins = seen.spins.row(r);
            for (std::size_t i = 0; i < twice_field.size(); ++i) {
                double field = known_->fields[i];
                for (auto const& [first, couplings] : known_->couplings[i])
                    for (std::size_t k = 0; k < couplings.size(); ++k)
                        field += couplings[k] * static_cast<double>(spins[first + k]);
                twice_field[i] = 2 * field / seen.temperature;
            }
            for (std::size_t s = 0; s < states(); ++s) {
                double log_weight = 0;
                for (std::size_t i = 0; i < twice_field.size(); ++i)
                    log_weight -= log_one_and(-known_->states(s, i) * twice_field[i]);
                out[r * states() + s] = std::exp(log_weight);
            }
        }
    }

private:
    /// ln(1 + e^x)
    [[nodiscard]] static double log_one_and(double x) noexcept {
        return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    }

    struct known {
        std::size_t sites;
        row_major_array<double, 2> states;
        std::vector<double> fields;  ///< of the group
        std::vector<std::vector<std::pair<std::size_t, std::vector<double>>>> couplings;

        template <PairModel M>
        known(M const& model, std::size_t group, row_major_array<double, 2> given)
            : sites(model.size()), states(std::move(given)) {
            auto const groups = detail::groups_of(model);
            if (group >= groups.size())
                throw error("state_weights: expected a group below ", groups.size(), ", found ", group);
            auto const& of = groups[group];
            if (states.shape()[0] == 0) throw error("state_weights: no states");
            if (states.shape()[1] != of.size)
                throw error("state_weights: states of ", states.shape()[1], " spins for the ", of.size,
                            " of group ", of.name);
            for (double const s : states)
                if (std::abs(s) != 1) throw error("state_weights: expected spins +1 or -1, found ", s);
            for (std::size_t i = of.first; i < of.first + of.size; ++i) {
                fields.push_back(static_cast<double>(model.external_fields()[i]));
                couplings.emplace_back();
                model.for_each_coupling(i, [&](std::size_t first, auto of_site) {
                    for (std::size_t k = 0; k < of_site.size(); ++k)
                        if (first + k >= of.first && first + k < of.first + of.size && of_site[k] != 0)
                            throw error("state_weights: spins ", i, " and ", first + k, " of group ", of.name,
                                        " are coupled to each other");
                    couplings.back().emplace_back(first, std::vector<double>(of_site.begin(), of_site.end()));
                });
            }
        }
    };

    std::shared_ptr<known const> known_;
};

}  // namespace spinet
