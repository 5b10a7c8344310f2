// SPDX-License-Identifier: BSD-3-Clause
/// Sixteen rows of a sparse model side by side take the decisions of a plain loop over the same draws.
#include "../catch.hpp"
#include "../started.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/lattices.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;

namespace {

double probability(heat_bath_rule, double x) { return 1 / (1 + std::exp(x)); }
double probability(metropolis_rule, double x) { return x < 0 ? 1.0 : std::exp(-x); }

enum class couplings { gaussian, plus_minus };

/// 140 spins; the Gaussian couplings come with fields, +-J without, for flips that cost nothing.
sparse_ising<double> model_of(couplings of) {
    if (of == couplings::plus_minus) return edwards_anderson<double>({5, 7, 4}, plus_minus_bonds{}, 3);
    auto const lattice = edwards_anderson<double>({5, 7, 4}, gaussian_bonds{}, 3);
    std::vector<bond<double>> bonds;
    std::vector<double> fields;
    for (std::uint32_t i = 0; i < lattice.size(); ++i) {
        fields.push_back(normal(stream(9, 0, 0, purpose::couplings), i));
        for (std::size_t k = 0; k < lattice.neighbours(i).size(); ++k)
            if (lattice.neighbours(i)[k] > i)
                bonds.push_back({i, lattice.neighbours(i)[k], lattice.neighbour_couplings(i)[k]});
    }
    return {lattice.size(), bonds, fields};
}

template <class Kernel>
void compare(Kernel const& kernel, std::size_t rows, couplings of = couplings::gaussian) {
    using scan = typename Kernel::scan;
    auto const model = model_of(of);
    std::size_t const n = model.size();
    auto tile = started(model, kernel, rows);
    auto plain = rows_of(model, tile, rows);
    std::vector<double> betas;
    for (std::uint32_t r = 0; r < rows; ++r) betas.push_back(1 / (0.4 + 0.1 * r));
    for (std::uint32_t s = 1; s < 40; ++s) {
        sweep_draws const draws{77, s, 3, purpose::spins};
        kernel.sweep(model, tile, betas, draws);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::uint32_t visit = 0; visit < n; ++visit) {
                std::size_t const site = std::is_same_v<scan, random_scan>
                                             ? uniform_index(draws.site_order().bits(visit), n)
                                             : visit;
                double const x = betas[r] * model.energy_change(plain[r], site, -plain[r][site]);
                std::uint32_t const half = draws.of_row(r).bits(visit / 2) >> 16 * (visit % 2) & 0xffffu;
                double const u =
                    (std::ldexp(half, 32) + draws.refinement_of_row(r).bits(visit) + 0.5) * 0x1p-48;
                // Half of the flips that cost nothing, by either rule, where the order of the sites is fixed.
                bool const free = std::abs(x) < 0x1p-17 && !std::is_same_v<scan, random_scan>;
                if (u < (free ? 0.5 : probability(typename Kernel::rule{}, x)))
                    plain[r][site] = -plain[r][site];
            }
    }
    CAPTURE(kernel.name(), rows);
    bool spins_agree = true, energies_agree = true;
    std::vector<double> spins(n);
    for (std::size_t r = 0; r < rows; ++r) {
        tile.copy_row(r, spins);
        spins_agree = spins_agree && spins == plain[r];
        energies_agree = energies_agree && std::abs(tile.energies()[r] - model.energy(plain[r])) < 1e-9;
    }
    CHECK(spins_agree);
    CHECK(energies_agree);
}

}  // namespace

TEST_CASE("sweeps of a sparse model take the decisions of a plain loop", "[kernel]") {
    for (std::size_t const rows : {1u, 16u, 21u}) {
        compare(metropolis{sequential_scan{}}, rows);
        compare(glauber{sequential_scan{}}, rows);
        compare(metropolis{random_scan{}}, rows);
        compare(glauber{random_scan{}}, rows);
    }
    // +-J: a third of the flips costs nothing.
    for (auto const rows : {3u, 16u}) {
        compare(metropolis{sequential_scan{}}, rows, couplings::plus_minus);
        compare(metropolis{random_scan{}}, rows, couplings::plus_minus);
    }
}

TEST_CASE("energies of a sparse model in single precision stay those of the spins", "[kernel]") {
    auto const model = edwards_anderson<float>({6, 6, 6}, gaussian_bonds{}, 5);
    metropolis<sequential_scan> const kernel;
    constexpr std::size_t rows = 18;
    auto tile = started(model, kernel, rows);
    std::vector<float> spins(model.size());
    std::vector<double> const betas(rows, 1 / 1.1);
    // Every energy change is a float, right to 1e-7 of a coupling or so; 216 x 2000 x 0.4 of them in any
    // order.
    for (std::uint32_t s = 0; s < 2000; ++s) kernel.sweep(model, tile, betas, {5, s, 0, purpose::spins});
    for (std::size_t r = 0; r < rows; ++r) {
        tile.copy_row(r, spins);
        CAPTURE(r);
        CHECK(std::abs(tile.energies()[r] - model.energy(spins)) < 1e-3);
    }
}
