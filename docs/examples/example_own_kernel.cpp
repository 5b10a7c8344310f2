// SPDX-License-Identifier: BSD-3-Clause
/// A rule of your own, a kernel around another and a kernel from scratch, each tested against enumeration.
#include <spinet/spinet.hpp>
#include <spinet/testing/exact_start.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

//! [rule]
/// Metropolis that stays where it is in half of all cases. With x = beta (E_flipped - E), detailed balance
/// asks for p(x) = exp(-x) p(-x).
struct lazy_rule {
    static constexpr char const* name() { return "lazy"; }

    template <class Real>
    static spinet::probability_ratio<Real> flip_ratio(Real x, spinet::zero_cost) {
        return {std::min(Real{1}, std::exp(-x)), Real{2}};  // favourable, total
    }
};
static_assert(spinet::AcceptanceRule<lazy_rule>);
using lazy = spinet::site_kernel<lazy_rule, spinet::natural_scan>;
//! [rule]

//! [kernel]
/// A heat-bath sweep, then all spins of a row turned over with probability 1/2: for models without fields,
/// where it costs nothing.
struct with_global_flips {
    template <spinet::Model M>
    using state = spinet::glauber<>::state<M>;

    template <spinet::Model M>
    state<M> make_state(M const& model, std::size_t rows) const {
        return inner.make_state(model, rows);
    }

    template <spinet::Model M>
    void prepare(M const& model, state<M>& tile) const {
        inner.prepare(model, tile);
    }

    template <spinet::Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               spinet::sweep_draws const& draws) const {
        inner.sweep(model, tile, betas, draws);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            // Sites take draws 0 to N - 1 of a row's stream: draw N is free.
            if (draws.of_row(r).bits(static_cast<std::uint32_t>(model.size())) >> 31 != 0) continue;
            for (auto& s : tile.spins().row(r)) s = -s;
            for (auto& h : tile.fields().row(r)) h = -h;
        }
    }

    std::string name() const { return "glauber and global flips"; }

    spinet::glauber<> inner;
};
static_assert(spinet::Kernel<with_global_flips, spinet::network_glass<float>>);
//! [kernel]

//! [pairs]
/// Heat bath on one spin or on two neighbouring sites together, each with probability 1/2, site after site.
/// Works for every Model of spins +-1, because it asks for energy changes only.
struct one_or_two_flips {
    template <spinet::Model M>
    using state = spinet::spin_rows<typename M::spin_type>;

    template <spinet::Model M>
    state<M> make_state(M const& model, std::size_t rows) const {
        return {rows, model.size(), spinet::row_cache::none};
    }

    template <spinet::Model M>
    void prepare(M const& model, state<M>& tile) const {
        for (std::size_t r = 0; r < tile.rows(); ++r) tile.energies()[r] = model.energy(tile.spins().row(r));
    }

    template <spinet::Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               spinet::sweep_draws const& draws) const {
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            std::span<typename M::spin_type> const s = tile.spins().row(r);
            spinet::stream const random = draws.of_row(r);
            for (std::uint32_t i = 0; i < s.size(); ++i) {
                std::size_t const j = (i + 1) % s.size();
                bool const both = random.bits(2 * i) >> 31 != 0;
                double cost = model.energy_change(s, i, -s[i]);
                s[i] = -s[i];
                if (both) {
                    cost += model.energy_change(s, j, -s[j]);
                    s[j] = -s[j];
                }
                if (spinet::uniform<double>(random.bits(2 * i + 1)) * (1 + std::exp(betas[r] * cost)) < 1) {
                    tile.energies()[r] += cost;  // total energy, in double
                } else {
                    s[i] = -s[i];
                    if (both) s[j] = -s[j];
                }
            }
        }
    }

    std::string name() const { return "one or two flips"; }
};
static_assert(spinet::Kernel<one_or_two_flips, spinet::network_glass<float>>);
//! [pairs]

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

void a_rule_by_its_transition_matrix() {
    auto const model = spinet::random_layered_glass({3, 3, 2}, {1.0, 1.0}, 7);
    //! [matrix]
    double const temperature = 0.7;
    auto const sweep = spinet::testing::exact_sweep<lazy_rule, spinet::sequential_scan>(
        model, 1 / temperature, spinet::zero_cost::accept_half);
    spinet::testing::exact_distribution const exact(model, temperature);
    require(sweep.invariance_error(exact.probabilities()) < 1e-12,
            "a sweep leaves the Boltzmann distribution as it is");
    require(sweep.irreducible(), "every state is reached from every state");
    //! [matrix]
}

template <class K>
void a_kernel_by_sampling(K const& kernel, char const* name) {
    auto const model = spinet::random_layered_glass({3, 3, 2}, {1.0, 1.0}, 7);
    //! [fit]
    // Exact draws, one move, and the counts of all 256 states against their probabilities. Independent
    // samples.
    spinet::ladder const temperatures({0.5, 1.0, 2.0});
    auto const fits =
        spinet::testing::fit_after_moves(model, kernel, spinet::energy_exchange{}, temperatures, 200'000, 1);
    for (auto const& fit : fits) require(fit.p_value > 0.001 / 3, name);  // 3 comparisons share 0.001

    // A test that cannot fail shows nothing: the same kernel at a slightly wrong temperature must be refused.
    auto const wrong = spinet::testing::fit_after_moves(model, kernel, spinet::energy_exchange{},
                                                        temperatures, 200'000, 1, 1.1);
    require(wrong[1].p_value < 1e-6, "a kernel at 1.1 beta is refused");
    //! [fit]
    for (auto const& fit : fits)
        std::printf("%-26s chi-square %.1f, %zu degrees of freedom, p = %.3f\n", name, fit.chi_square,
                    fit.degrees_of_freedom, fit.p_value);
}

}  // namespace

int main() {
    a_rule_by_its_transition_matrix();
    a_kernel_by_sampling(lazy{}, "lazy");
    a_kernel_by_sampling(with_global_flips{}, "glauber and global flips");
    a_kernel_by_sampling(one_or_two_flips{}, "one or two flips");
}
