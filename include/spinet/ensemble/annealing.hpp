// SPDX-License-Identifier: BSD-3-Clause
/// Methods whose temperature falls: simulated annealing and population annealing.
#pragma once

#include <spinet/ensemble/ladder.hpp>
#include <spinet/ensemble/population_ensemble.hpp>
#include <spinet/error.hpp>
#include <spinet/kernel/rule.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace spinet {

/// Populations whose temperature falls, with or without resampling; see annealing and population_annealing.
template <class K>
class population_method {
    static_assert(
        !AcceptanceRule<K>,
        "spinet: this is an acceptance rule, not a kernel; site_kernel<Rule, natural_scan>{} makes a "
        "kernel of it");

public:
    population_method(K kernel, ladder temperatures, std::size_t members, std::optional<double> step)
        : kernel_(std::move(kernel)),
          temperatures_(std::move(temperatures)),
          members_(members),
          step_(step) {}

    [[nodiscard]] ladder const& temperatures() const noexcept { return temperatures_; }
    [[nodiscard]] K const& kernel() const noexcept { return kernel_; }
    [[nodiscard]] std::size_t rows_per_replica() const noexcept { return members_; }
    [[nodiscard]] std::string name() const {
        if (!step_) return detail::text(std::string(kernel_.name()), ", annealing");
        return detail::text(std::string(kernel_.name()), ", population annealing (", members_,
                            " members, steps of ", *step_, ")");
    }

    template <Model M>
    [[nodiscard]] population_ensemble<M, K> make_ensemble(M const& model, std::size_t replicas,
                                                          std::uint64_t seed) const {
        return {model, kernel_, temperatures_, replicas, members_, step_, seed};
    }

    static constexpr bool exchanges = false;
    static constexpr bool anneals = true;
    static constexpr std::size_t replicas_per_block = 1;

private:
    K kernel_;
    ladder temperatures_;
    std::size_t members_;
    std::optional<double> step_;
};

/// Simulated annealing (Kirkpatrick, Gelatt, Vecchi, Science 220, 671 (1983)): every replica starts from
/// random spins at the highest temperature of the ladder and goes down rung by rung. The sweeps of a plan,
/// warm-up and measured ones, are made at every rung. It measures where a cooling of
/// this speed arrives, so no point of it is ever called equilibrated.
template <class K>
[[nodiscard]] population_method<K> annealing(K kernel, ladder temperatures) {
    return {std::move(kernel), std::move(temperatures), 1, std::nullopt};
}

struct population_options {
    std::size_t members = 1000;  ///< rows of each population
    /// Largest step in beta, in units of one over the standard deviation of the energies: smaller steps copy
    /// fewer rows (0.5: about one in five).
    double step = 0.5;
};

/// Population annealing (Hukushima and Iba, AIP Conf. Proc. 690, 200 (2003); Machta, Phys. Rev. E 82, 026704
/// (2010)): every replica is a population of its own, annealed from infinite temperature down the ladder with
/// steps between the rungs as needed, and resampled at each step, which keeps it in equilibrium as far as it
/// is large enough. The sweeps of a plan, warm-up and measured ones, are made at every step, so ten or so do.
/// Overlaps are those between members of different populations. The run gives the free energy
/// (`free_energy(run)`) and the family statistic rho_t (`run.populations`). Throws spinet::error for fewer
/// than 2 members or a step that is not a positive number.
template <class K>
[[nodiscard]] population_method<K> population_annealing(K kernel, ladder temperatures,
                                                        population_options const& options = {}) {
    if (options.members < 2 || options.members > std::numeric_limits<std::uint32_t>::max())
        throw error("population_annealing: ", options.members, " members; a population has 2 to 2^32 - 1");
    if (!(options.step > 0) || !std::isfinite(options.step))
        throw error("population_annealing: the step is ", options.step, "; it is positive and finite");
    return {std::move(kernel), std::move(temperatures), options.members, options.step};
}

}  // namespace spinet
