// SPDX-License-Identifier: BSD-3-Clause
/// Kernels on spins that are not +-1, from exact draws: soft spins of few levels against enumeration, those
/// of the uniform measure and states on the sphere against integrals over cells.
#include "small_models.hpp"
#include <spinet/kernel/langevin.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/model/p_spin.hpp>
#include <spinet/model/soft_spins.hpp>

#include <cmath>
#include <functional>
#include <numbers>
#include <utility>
#include <vector>

using namespace spinet;

namespace {

/// What is known of a model at each temperature: the probabilities of its cells, exact draws from numbers
/// u(0), u(1), ..., and the cell of a state.
template <class Real>
struct exact_cells {
    std::vector<std::vector<double>> probabilities;
    std::function<void(std::size_t k, std::function<double(std::uint32_t)> const& u, std::span<Real>)> draw;
    std::function<std::size_t(std::span<Real const>)> cell;
};

/// One fit per temperature after one sweep, and one after another sweep and all exchanges. `beta_factor`
/// other than 1 sweeps at a wrong temperature.
template <class M, class K>
std::vector<spinet::testing::fit> fits_of(M const& model, K const& kernel,
                                          exact_cells<typename M::spin_type> const& exact,
                                          std::uint64_t samples, double beta_factor = 1) {
    using real = typename M::spin_type;
    ladder const temperatures = small_models::temperatures();
    std::vector<double> swept_at;
    for (double const t : temperatures.temperatures()) swept_at.push_back(t / beta_factor);
    std::size_t const rungs = temperatures.size();
    constexpr std::size_t ladders = 256;
    std::vector<std::vector<std::uint64_t>> swept, exchanged;
    for (auto const& p : exact.probabilities) swept.emplace_back(p.size(), 0), exchanged = swept;
    std::vector<real> spins(model.size());
    for (std::uint64_t done = 0; done < samples; done += ladders) {
        auto const round = static_cast<std::uint32_t>(done / ladders);
        tile<M, K, energy_exchange> moved(model, kernel, {}, ladder(swept_at), 0, ladders,
                                          child_seed(3, purpose::testing, round));
        moved.start([&](std::size_t row) {
            stream const draws(3, round, static_cast<std::uint32_t>(row), purpose::testing);
            exact.draw(
                row % rungs, [&](std::uint32_t n) { return uniform<double>(draws.bits(n)); }, spins);
            return std::span<real const>(spins);
        });
        auto const count = [&](std::vector<std::uint64_t>& of_cells, std::size_t row) {
            moved.state().copy_row(row, std::span(spins));
            ++of_cells[exact.cell(spins)];
        };
        moved.advance(0);
        for (std::size_t row = 0; row < ladders * rungs; ++row) count(swept[row % rungs], row);
        moved.advance(1);
        for (std::size_t l = 0; l < ladders; ++l)
            for (std::size_t k = 0; k < rungs; ++k) count(exchanged[k], moved.row_at(l, k));
    }
    std::vector<spinet::testing::fit> fits;
    for (auto const* counts : {&swept, &exchanged})
        for (std::size_t k = 0; k < rungs; ++k)
            fits.push_back(spinet::testing::goodness_of_fit((*counts)[k], exact.probabilities[k]));
    return fits;
}

template <class M, class K>
void require_fits(std::string const& name, M const& model, K const& kernel,
                  exact_cells<typename M::spin_type> const& exact, std::uint64_t samples) {
    auto const fits = fits_of(model, kernel, exact, samples);
    for (std::size_t k = 0; k < fits.size(); ++k) {
        CAPTURE(name, kernel.name(), k, fits[k].chi_square, fits[k].degrees_of_freedom);
        CHECK(fits[k].p_value > small_models::threshold);
    }
}

/// All states of soft spins with few levels.
template <class M>
exact_cells<float> enumerated(M const& model) {
    std::size_t const levels = model.measure().levels(), n = model.size();
    std::size_t states = 1;
    for (std::size_t i = 0; i < n; ++i) states *= levels;
    auto const spins_of = [=](std::size_t state, std::span<float> s) {
        for (std::size_t i = 0; i < n; ++i, state /= levels)
            s[i] = static_cast<float>(-1 + 2.0 * static_cast<double>(state % levels) /
                                               static_cast<double>(levels - 1));
    };
    exact_cells<float> exact;
    std::vector<std::vector<double>> cumulated;
    for (double const t : small_models::temperatures().temperatures()) {
        std::vector<double> p(states);
        std::vector<float> s(n);
        double total = 0;
        for (std::size_t state = 0; state < states; ++state) {
            spins_of(state, s);
            total += p[state] = std::exp(-model.energy(s) / t);
        }
        cumulated.emplace_back();
        double sum = 0;
        for (double& x : p) cumulated.back().push_back(sum += x /= total);
        exact.probabilities.push_back(p);
    }
    exact.draw = [=](std::size_t k, auto const& u, std::span<float> s) {
        auto const& c = cumulated[k];
        auto const at = std::lower_bound(c.begin(), c.end(), u(0) * c.back()) - c.begin();
        spins_of(static_cast<std::size_t>(at), s);
    };
    exact.cell = [=](std::span<float const> s) {
        std::size_t state = 0;
        for (std::size_t i = n; i-- > 0;)
            state = state * levels +
                    static_cast<std::size_t>(
                        std::lround((static_cast<double>(s[i]) + 1) / 2 * static_cast<double>(levels - 1)));
        return state;
    };
    return exact;
}

network_glass<float> small_network() {
    using namespace small_models;
    return layered_glass<float>({matrix(2, 2, 1.2, 31), matrix(1, 2, 1.2, 32)},
                                {vector(2, 0.7, 33), vector(2, 0.7, 34), vector(1, 0.7, 35)});
}

network_glass<float> small_triangle() {
    using namespace small_models;
    return network_glass<float>(
        {{"a", 0, 2}, {"b", 0, 2}, {"c", 0, 1}}, numbers(5, 0.7, 36),
        {dense_block<float>(0, 1, matrix(2, 2, 1.0, 37)), dense_block<float>(1, 2, matrix(1, 2, 1.0, 38)),
         dense_block<float>(0, 2, matrix(1, 2, 1.0, 39))});
}

dense_ising<float> small_dense() {
    auto const upper = small_models::matrix(4, 4, 1.0, 40);
    xt::xtensor<float, 2> couplings;
    couplings.resize({4, 4});
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j)
            couplings(i, j) = i == j ? 0.0f : upper(std::min(i, j), std::max(i, j));
    return dense_ising<float>(couplings, small_models::vector(4, 0.6, 41));
}

}  // namespace

TEST_CASE("soft spins of few levels stay in equilibrium") {
    soft_spins const network(small_network(), level_measure(3));
    auto const states = enumerated(network);
    require_fits("network", network, glauber{}, states, 500'000);
    require_fits("network", network, glauber{sequential_scan{}}, states, 500'000);
    require_fits("network", network, mirrored{glauber{}}, states, 500'000);
    soft_spins const triangle(small_triangle(), level_measure(3));
    require_fits("triangle", triangle, glauber{}, enumerated(triangle), 500'000);
    soft_spins const dense(small_dense(), level_measure(4));
    require_fits("dense", dense, glauber{random_scan{}}, enumerated(dense), 500'000);
    // The same sweeps at 2 % more beta are found out.
    double least = 1;
    for (auto const& fit : fits_of(network, glauber{}, states, 1'000'000, 1.02))
        least = std::min(least, fit.p_value);
    CHECK(least < small_models::threshold);
}

TEST_CASE("soft spins of the uniform measure stay in equilibrium") {
    soft_spins const pair(
        layered_glass<float>({small_models::matrix(1, 1, 2.5, 51)},
                             {small_models::vector(1, 1.5, 52), small_models::vector(1, 1.5, 53)}));
    constexpr std::size_t cells = 8, fine = 64;  // cells of each spin, steps of the integral in each
    exact_cells<float> exact;
    std::vector<double> highest;
    for (double const t : small_models::temperatures().temperatures()) {
        std::vector<double> p(cells * cells, 0.0);
        double total = 0, most = 0;
        auto const weight = [&](double a, double b) {
            return std::exp(-pair.energy(std::vector<float>{static_cast<float>(a), static_cast<float>(b)}) /
                            t);
        };
        for (std::size_t i = 0; i < cells * fine; ++i)
            for (std::size_t j = 0; j < cells * fine; ++j) {
                auto const middle = [](std::size_t k) {
                    return -1 + 2 * (static_cast<double>(k) + 0.5) / (cells * fine);
                };
                double const w = weight(middle(i), middle(j));
                p[i / fine * cells + j / fine] += w;
                total += w;
            }
        for (double& x : p) x /= total;
        for (double const a : {-1.0, 1.0})
            for (double const b : {-1.0, 1.0}) most = std::max(most, weight(a, b));  // E is bilinear
        exact.probabilities.push_back(p);
        highest.push_back(most);
    }
    exact.draw = [&](std::size_t k, auto const& u, std::span<float> s) {
        double const t = small_models::temperatures()[k];
        for (std::uint32_t n = 0;; n += 3) {
            s[0] = static_cast<float>(2 * u(n) - 1);
            s[1] = static_cast<float>(2 * u(n + 1) - 1);
            if (u(n + 2) * highest[k] < std::exp(-pair.energy(s) / t)) return;
        }
    };
    exact.cell = [](std::span<float const> s) {
        auto const of = [](float x) {
            return std::min<std::size_t>(cells - 1, static_cast<std::size_t>((x + 1) / 2 * cells));
        };
        return of(s[0]) * cells + of(s[1]);
    };
    require_fits("pair", pair, glauber{}, exact, 500'000);
}

TEST_CASE("langevin leaves a model on the sphere in equilibrium") {
    auto const model = random_spherical_p_spin<double>(3, 3, p_spin_scale::auffinger_ben_arous_cerny, 2);
    double const radius = std::sqrt(3.0);
    auto const at = [&](double z, double phi) {
        double const r = std::sqrt(3 - z * z);
        return std::vector<double>{r * std::cos(phi), r * std::sin(phi), z};
    };
    constexpr std::size_t cells = 8, fine = 48;
    exact_cells<double> exact;
    std::vector<double> highest;
    for (double const t : small_models::temperatures().temperatures()) {
        std::vector<double> p(cells * cells, 0.0);
        double total = 0, most = 0;
        for (std::size_t i = 0; i < cells * fine; ++i)
            for (std::size_t j = 0; j < cells * fine; ++j) {
                // Equal areas: z and phi are uniform on a sphere without energy.
                double const z = radius * (-1 + 2 * (static_cast<double>(i) + 0.5) / (cells * fine));
                double const phi = 2 * std::numbers::pi * (static_cast<double>(j) + 0.5) / (cells * fine);
                double const w = std::exp(-model.energy(at(z, phi)) / t);
                p[i / fine * cells + j / fine] += w;
                total += w;
                most = std::max(most, w);
            }
        for (double& x : p) x /= total;
        exact.probabilities.push_back(p);
        highest.push_back(1.01 * most);  // the grid may miss the largest by less
    }
    exact.draw = [&](std::size_t k, auto const& u, std::span<double> s) {
        double const t = small_models::temperatures()[k];
        for (std::uint32_t n = 0;; n += 3) {
            auto const x = at(radius * (2 * u(n) - 1), 2 * std::numbers::pi * u(n + 1));
            if (u(n + 2) * highest[k] >= std::exp(-model.energy(x) / t)) continue;
            std::copy(x.begin(), x.end(), s.begin());
            return;
        }
    };
    exact.cell = [&](std::span<double const> s) {
        double const phi = std::atan2(s[1], s[0]) / (2 * std::numbers::pi);
        auto const of = [](double x) {
            return std::min<std::size_t>(cells - 1, static_cast<std::size_t>(x * cells));
        };
        return of((s[2] / radius + 1) / 2) * cells + of(phi < 0 ? phi + 1 : phi);
    };
    // A step at which a good part of the moves is refused: without refusals the distribution would be
    // another.
    require_fits("one leap", model, langevin{{.step = 0.5, .leapfrog_steps = 1}}, exact, 500'000);
    require_fits("four leaps", model, langevin{{.step = 0.4, .leapfrog_steps = 4}}, exact, 500'000);
    double least = 1;
    for (auto const& fit : fits_of(model, langevin{{.step = 0.4, .leapfrog_steps = 4}}, exact, 500'000, 1.05))
        least = std::min(least, fit.p_value);
    CHECK(least < small_models::threshold);
}
