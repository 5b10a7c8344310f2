// SPDX-License-Identifier: BSD-3-Clause
/// A model of the user's own whose spins are not +-1, with a kernel of the user's own on spin_rows: a Potts
/// ring of three states, -1, 0 and 1, against its transfer matrix, whole and taken up from a checkpoint.
#include "../catch.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/estimates.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

using namespace spinet;

namespace {

/// E = -(number of equal neighbours).
struct potts_ring {
    using spin_type = double;
    static constexpr spin_space space = spin_space::interval;
    std::size_t sites = 24;

    [[nodiscard]] std::size_t size() const { return sites; }
    [[nodiscard]] double energy(std::span<double const> s) const {
        double equal = 0;
        for (std::size_t i = 0; i < sites; ++i) equal += s[i] == s[(i + 1) % sites] ? 1 : 0;
        return -equal;
    }
    [[nodiscard]] double energy_change(std::span<double const> s, std::size_t i, double value) const {
        double const left = s[(i + sites - 1) % sites], right = s[(i + 1) % sites];
        return (s[i] == left) + (s[i] == right) - (value == left) - (value == right);
    }
};

struct potts_heat_bath {
    template <Model M>
    using state = spin_rows<double>;
    static constexpr char const* name() { return "Potts heat bath"; }

    template <Model M>
    state<M> make_state(M const& model, std::size_t rows) const {
        return {rows, model.size(), row_cache::none};
    }
    template <Model M>
    void prepare(M const& model, state<M>& tile) const {
        for (std::size_t r = 0; r < tile.rows(); ++r) tile.energies()[r] = model.energy(tile.spins().row(r));
    }
    template <Model M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            auto const s = tile.spins().row(r);
            stream const random = draws.of_row(r);
            for (std::uint32_t i = 0; i < s.size(); ++i) {
                double weights[3], sum = 0;
                for (int v = -1; v <= 1; ++v)
                    sum += weights[v + 1] = std::exp(-betas[r] * model.energy_change(s, i, v));
                double left = uniform<double>(random.bits(i)) * sum;
                int chosen = -1;
                while (chosen < 1 && (left -= weights[chosen + 1]) > 0) ++chosen;
                tile.energies()[r] += model.energy_change(s, i, chosen);
                s[i] = chosen;
            }
        }
    }
};

/// The energy for each site, by the eigenvalues e^b + 2 and twice e^b - 1 of the transfer matrix.
double exact(double temperature, double n) {
    double const w = std::exp(1 / temperature), ratio = (w - 1) / (w + 2);
    return -(w / (w + 2)) * (1 + 2 * std::pow(ratio, n - 1)) / (1 + 2 * std::pow(ratio, n));
}

}  // namespace

TEST_CASE("spins of other values survive a checkpoint", "[sample]") {
    potts_ring const model;
    auto const method = parallel_tempering(potts_heat_bath{}, ladder({1.0, 2.0}), energy_exchange{});
    observables const measured{energy{}, magnetisation{}, overlap{}};
    run_plan const plan{
        .replicas = 16, .warmup = 100, .sweeps = 4'000, .measure_every = 2, .from = start::hot};
    auto const whole = sample(model, method, measured, plan);
    std::optional<checkpoint> kept;
    (void)sample(model, method, measured, plan, serial{}, [&](progress const& now) {
        if (!now.save || now.sweeps_done < 200) return true;
        kept = now.save();
        return false;
    });
    REQUIRE(kept);
    auto const resumed = resume(*kept, model, method, measured, plan);
    for (std::size_t k = 0; k < 2; ++k) {
        auto const here = mean_energy(whole)[k];
        CAPTURE(here.value, here.error);
        // Student's t of 15 degrees of freedom beyond 4.6: p = 0.0004, six comparisons.
        CHECK(std::abs(here.value - exact(method.temperatures()[k], 24)) < 4.6 * here.error);
        // Their values are measured, not their signs: <s_i s_j> = 2/3 (x^r + x^(N - r)) / (1 + 2 x^N) at
        // distance r.
        double const w = std::exp(1 / method.temperatures()[k]), x = (w - 1) / (w + 2);
        double m2 = 0, q2 = 0;
        for (int r = 0; r < 24; ++r) {
            double const g = 2.0 / 3 * (std::pow(x, r) + std::pow(x, 24 - r)) / (1 + 2 * std::pow(x, 24));
            m2 += g / 24;
            q2 += g * g / 24;
        }
        auto const m_squared = mean_of(whole, magnetisation{}, moments::square)[k],
                   q_squared = mean_square_overlap(whole)[k];
        CAPTURE(m2, m_squared.value, m_squared.error, q2, q_squared.value, q_squared.error);
        CHECK(std::abs(m_squared.value - m2) < 5 * m_squared.error);
        CHECK(std::abs(q_squared.value - q2) < 5 * q_squared.error);
        CHECK(mean_energy(resumed)[k].value == here.value);
        CHECK(mean_energy(resumed)[k].error == here.error);
    }
}

TEST_CASE("an energy that turns into NaN ends the run where it happens", "[sample]") {
    struct nan_later : potts_ring {
        double energy_change(std::span<double const> s, std::size_t i, double value) const {
            // 0 is no value of the states that a run begins with.
            return value == -1 && i == 5 && s[3] == 0 ? std::nan("") : potts_ring::energy_change(s, i, value);
        }
    };
    CHECK_THROWS_WITH(
        sample(nan_later{}, parallel_tempering(potts_heat_bath{}, ladder({1.0, 2.0}), energy_exchange{}),
               observables{energy{}},
               run_plan{.replicas = 4, .warmup = 0, .sweeps = 100, .measure_every = 1, .from = start::hot}),
        Catch::Matchers::ContainsSubstring("sample: the energy of replica") &&
            Catch::Matchers::ContainsSubstring("is nan"));
}
