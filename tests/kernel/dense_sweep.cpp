// SPDX-License-Identifier: BSD-3-Clause
/// Blocked sweeps of dense models: the spins are those of a plain loop over the same draws, whichever engine
/// brings the fields up to date.
#include "../catch.hpp"
#include "../started.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;

namespace {

enum class bonds { gaussian, plus_minus };

dense_ising<double> model_of(std::size_t n, bonds of) {
    auto const glass = sherrington_kirkpatrick<double>(n, 5);
    xt::xtensor<double, 2> couplings;
    couplings.resize({n, n});
    xt::xtensor<double, 1> fields;
    fields.resize({n});
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            double const coupling = glass.couplings().row(i)[j];
            couplings(i, j) = of == bonds::gaussian || i == j ? coupling : std::copysign(1.0, coupling);
        }
        fields(i) = of == bonds::gaussian ? 0.3 * std::sin(static_cast<double>(i)) : 0.0;
    }
    return dense_ising<double>(couplings, fields);
}

double threshold(heat_bath_rule, double u) { return std::log((1 - u) / u); }
double threshold(metropolis_rule, double u) { return -std::log(u); }

/// One sweep of one row in its plainest form; returns the number of flips.
template <class Rule, class Scan>
std::size_t plain_sweep(dense_ising<double> const& model, std::vector<double>& spins, double beta,
                        sweep_draws const& draws, std::size_t row) {
    std::size_t flips = 0;
    for (std::uint32_t visit = 0; visit < spins.size(); ++visit) {
        std::size_t const site = std::is_same_v<Scan, random_scan>
                                     ? uniform_index(draws.site_order().bits(visit), spins.size())
                                     : visit;
        double const x = beta * model.energy_change(spins, site, -spins[site]);
        double const u = uniform<double>(draws.of_row(row).bits(visit));
        bool const free = Scan::free_flips == zero_cost::accept_half && std::abs(x) < no_cost;
        if (free ? u < 0.5 : x < threshold(Rule{}, u)) {
            spins[site] = -spins[site];
            ++flips;
        }
    }
    return flips;
}

template <class Kernel>
void compare(Kernel const& kernel, std::size_t n, std::size_t rows, bonds of = bonds::gaussian) {
    auto const model = model_of(n, of);
    auto by_increments = started(model, kernel, rows), by_products = started(model, kernel, rows);
    auto plain = rows_of(model, by_increments, rows);
    std::vector<double> betas;
    for (std::uint32_t r = 0; r < rows; ++r) betas.push_back(1 / (0.3 + 0.1 * r));
    std::size_t flips = 0;
    bool counts_agree = true;
    for (std::uint32_t s = 50; s < 70; ++s) {  // the fields are refreshed in between
        sweep_draws const draws{77, s, 3, purpose::spins};
        by_increments.engine().products = false;
        by_products.engine().products = true;
        kernel.sweep(model, by_increments, betas, draws);
        kernel.sweep(model, by_products, betas, draws);
        std::size_t now = 0;
        for (std::size_t r = 0; r < rows; ++r)
            now += plain_sweep<typename Kernel::rule, typename Kernel::scan>(model, plain[r], betas[r], draws,
                                                                             r);
        double const per_visit = static_cast<double>(now) / static_cast<double>(rows * n);
        for (auto* const tile : {&by_increments, &by_products})
            counts_agree = counts_agree && std::abs(tile->engine().flips_per_visit - per_visit) < 1e-12;
        flips += now;
    }
    CAPTURE(kernel.name(), n, rows);
    CHECK(flips > rows * n / 2);
    CHECK(counts_agree);
    CHECK(by_products.engine().sweeps_by_products == 20);
    CHECK(by_increments.engine().sweeps_by_products == 0);
    bool spins_agree = true, energies_agree = true, fields_agree = true;
    for (std::size_t r = 0; r < rows; ++r) {
        std::vector<double> one(n), two(n);
        by_increments.copy_row(r, one);
        by_products.copy_row(r, two);
        spins_agree = spins_agree && one == plain[r] && two == plain[r];
        for (auto* const tile : {&by_increments, &by_products}) {
            energies_agree = energies_agree && std::abs(tile->energies()[r] - model.energy(plain[r])) < 1e-9;
            for (std::size_t i = 0; i < n; ++i) {
                double const field = -plain[r][i] * model.energy_change(plain[r], i, -plain[r][i]) / -2;
                fields_agree = fields_agree && std::abs(tile->fields().row(r)[i] - field) < 1e-10;
            }
        }
    }
    CHECK(spins_agree);
    CHECK(energies_agree);
    CHECK(fields_agree);
}

}  // namespace

TEST_CASE("blocked sweeps of a dense model take the decisions of a plain loop", "[kernel]") {
    // Sizes on either side of the 64 visits of a block and the widths of its panels; rows of the 16 at a
    // time.
    for (std::size_t const n : {1u, 7u, 63u, 64u, 65u, 150u})
        for (std::size_t const rows : {1u, 16u, 21u}) {
            if (n == 1) continue;
            compare(metropolis{sequential_scan{}}, n, rows);
            compare(glauber{sequential_scan{}}, n, rows);
            compare(metropolis{random_scan{}}, n, rows);
            compare(glauber{random_scan{}}, n, rows);
        }
    // +-J, each spin with an even number of neighbours: many flips cost nothing.
    for (std::size_t const n : {65u, 151u}) {
        compare(metropolis{sequential_scan{}}, n, 21, bonds::plus_minus);
        compare(metropolis{random_scan{}}, n, 21, bonds::plus_minus);
        compare(glauber{sequential_scan{}}, n, 21, bonds::plus_minus);
    }
}

TEST_CASE("the switch between increments and products has hysteresis", "[kernel]") {
    update_engine engine;
    std::vector<bool> chosen;
    for (double const flips : {0.1, 0.49, 0.51, 0.47, 0.46, 0.44, 0.49, 0.51}) {
        engine.count_sweep(flips, 0.5);
        chosen.push_back(engine.products);
    }
    CHECK(chosen == std::vector<bool>{false, false, true, true, true, false, false, true});
    CHECK(engine.sweeps == 8);
    CHECK(engine.sweeps_by_products == 3);
}
