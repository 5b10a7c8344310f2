// SPDX-License-Identifier: BSD-3-Clause
/// Sixteen rows of a sparse model side by side take the decisions of a plain loop over the same draws.
#include "../catch.hpp"
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

template <class Kernel>
void compare(Kernel const& kernel, std::size_t rows) {
    using scan = typename Kernel::scan;
    auto const model = edwards_anderson<double>({5, 7, 4}, disorder::gaussian, 3);
    std::size_t const n = model.size();
    auto tile = kernel.make_state(model, rows);
    std::vector<std::vector<double>> plain(rows, std::vector<double>(n));
    std::vector<double> betas;
    for (std::uint32_t r = 0; r < rows; ++r) {
        betas.push_back(1 / (0.4 + 0.1 * r));
        for (std::uint32_t i = 0; i < n; ++i)
            plain[r][i] = (stream(8, 0, r, purpose::start).bits(i) >> 31) != 0 ? 1.0 : -1.0;
        tile.set_row(r, plain[r]);
    }
    kernel.prepare(model, tile);
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
                if (u < probability(typename Kernel::rule{}, x)) plain[r][site] = -plain[r][site];
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
}
