// SPDX-License-Identifier: BSD-3-Clause
/// Controls: the test against enumeration must reject kernels and exchanges that are slightly wrong.
#include "small_models.hpp"
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>

using namespace spinet;

namespace {

/// Accepts uphill moves 2 % too often. (Scaling all acceptances alike would change nothing.)
struct eager_metropolis_rule {
    static constexpr char const* name() noexcept { return "eager metropolis"; }

    template <class Real>
    static probability_ratio<Real> flip_ratio(Real x, zero_cost) noexcept {
        return {x <= Real{0} ? Real{1} : Real{1.02f} * detail::exp_clamped(-x), Real{1}};
    }
    template <class Real>
    static Real threshold(Real u, Real) noexcept {
        return detail::log_positive(Real{1.02f} / u);
    }
};

/// Forgets that the exchange takes total energies.
struct energy_per_spin_exchange {
    static constexpr char const* name() noexcept { return "energy per spin"; }

    template <class M, class State>
    double log_ratio(M const& model, State const& state, std::size_t a, std::size_t b, double beta_a,
                     double beta_b) const noexcept {
        return energy_exchange{}.log_ratio(model, state, a, b, beta_a, beta_b) /
               static_cast<double>(model.size());
    }
};

/// Forgets the fields of the spins that are not summed out.
struct fieldless_exchange {
    static constexpr char const* name() noexcept { return "fieldless"; }

    template <class M>
    static std::size_t summed_out(M const&) noexcept {
        return 0;
    }

    template <class M, class State>
    double log_ratio(M const& model, State const& state, std::size_t a, std::size_t b, double beta_a,
                     double beta_b) const noexcept {
        double ratio = 0;
        for (site_range const range : model.colour(0))
            ratio += detail::log_2cosh_change(state.fields().row(a).data() + range.first, range.size, beta_a,
                                              beta_b) +
                     detail::log_2cosh_change(state.fields().row(b).data() + range.first, range.size, beta_b,
                                              beta_a);
        return ratio;
    }
};

/// Ends a sweep after four flips, whatever time it is. (Rows leave states in proportion to their rates.)
struct fixed_flips : rejection_free<glauber<>> {
    template <class M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        prepare(model, tile);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            tile.set_beta(r, betas[r]);
            draw_sequence numbers(draws.of_row(r));
            for (std::size_t k = 0; k < 4; ++k)
                tile.flip(model, r, tile.site_at(r, uniform_64(numbers.next_64()) * tile.total(r)));
        }
        prepare(model, tile);
    }
};

/// wolff{glauber{}}, with other moves.
template <class Moves>
struct other_moves : wolff<glauber<>> {
    template <class M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        glauber{}.sweep(model, tile, betas, draws);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            draw_sequence numbers(draws.clusters_of_row(r));
            tile.copy_row(r, std::span(tile.space.spins));
            Moves{}(model, tile.space, betas[r], numbers);
            tile.set_row(r, tile.space.spins);
        }
        prepare(model, tile);
    }
};

/// Follows bonds with probability 1 - exp(-beta J).
struct half_bonds {
    template <class M>
    void operator()(M const& model, detail::cluster_space<float>& space, double beta,
                    draw_sequence& numbers) const {
        detail::flip_cluster(model, space, beta / 2, numbers);
    }
};

/// Does not ask the fields.
struct fieldless_clusters {
    template <class M>
    void operator()(M const& model, detail::cluster_space<float>& space, double beta,
                    draw_sequence& numbers) const {
        std::vector<bond<float>> bonds;
        for (std::uint32_t i = 0; i < model.size(); ++i)
            for (std::size_t k = 0; k < model.neighbours(i).size(); ++k)
                if (model.neighbours(i)[k] > i)
                    bonds.push_back({i, model.neighbours(i)[k], model.neighbour_couplings(i)[k]});
        detail::flip_cluster(sparse_ising<float>(model.size(), bonds), space, beta, numbers);
    }
};

/// As many clusters as it takes to move four spins.
struct clusters_by_size {
    template <class M>
    void operator()(M const& model, detail::cluster_space<float>& space, double beta,
                    draw_sequence& numbers) const {
        for (std::size_t moved = 0; moved < 4; moved += space.members.size())
            detail::flip_cluster(model, space, beta, numbers);
    }
};

template <class M, class K, class Exchange>
void require_rejection(M const& model, K const& kernel, Exchange const& exchange, double beta_factor) {
    auto const fits = spinet::testing::fit_after_moves(model, kernel, exchange, small_models::temperatures(),
                                                       small_models::samples, 3, beta_factor);
    double least = 1;
    for (auto const& fit : fits) least = std::min(least, fit.p_value);
    CAPTURE(kernel.name(), exchange.name(), beta_factor);
    CHECK(least < small_models::threshold);
}

}  // namespace

TEST_CASE("a heat bath at 1.02 beta is rejected") {
    require_rejection(small_models::layered(), glauber{layer_blocks{}}, no_exchange{}, 1.02);
    require_rejection(small_models::dense(), glauber{sequential_scan{}}, no_exchange{}, 1.02);
    require_rejection(small_models::dense(), glauber{random_scan{}}, no_exchange{}, 1.02);
}

TEST_CASE("uphill moves accepted 2 % too often are rejected") {
    require_rejection(small_models::layered(), site_kernel<eager_metropolis_rule, layer_blocks>{},
                      no_exchange{}, 1.0);
    require_rejection(small_models::dense(), site_kernel<eager_metropolis_rule, random_scan>{}, no_exchange{},
                      1.0);
}

TEST_CASE("an exchange on the energy per spin is rejected") {
    require_rejection(small_models::layered(), glauber{}, energy_per_spin_exchange{}, 1.0);
    require_rejection(small_models::dense(), metropolis{random_scan{}}, energy_per_spin_exchange{}, 1.0);
}

TEST_CASE("a marginal exchange without the fields of the spins that stay is rejected") {
    require_rejection(small_models::layered(), glauber{}, fieldless_exchange{}, 1.0);
}

TEST_CASE("rejection-free sweeps that end after a number of flips, or with wrong rates, are rejected") {
    require_rejection(small_models::layered(), fixed_flips{}, no_exchange{}, 1.0);
    require_rejection(small_models::graph(), fixed_flips{}, no_exchange{}, 1.0);
    require_rejection(small_models::dense(), rejection_free{}, no_exchange{}, 1.02);
    require_rejection(small_models::dense(),
                      rejection_free{site_kernel<eager_metropolis_rule, random_scan>{}}, no_exchange{}, 1.0);
}

TEST_CASE("cluster moves with other bonds, without the fields, or until enough spins moved are rejected") {
    require_rejection(small_models::plus_minus_graph(), other_moves<half_bonds>{}, no_exchange{}, 1.0);
    require_rejection(small_models::graph(), other_moves<fieldless_clusters>{}, no_exchange{}, 1.0);
    require_rejection(small_models::graph(), other_moves<clusters_by_size>{}, no_exchange{}, 1.0);
    require_rejection(small_models::graph(), wolff{glauber{}}, no_exchange{}, 1.02);
}
