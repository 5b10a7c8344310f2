// SPDX-License-Identifier: BSD-3-Clause
/// Kernels that may turn whole replicas, against enumeration, and that they do.
#include "small_models.hpp"
#include <spinet/kernel/mirrored.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

using namespace spinet;

TEST_CASE("mirrored kernels leave models with fields in equilibrium") {
    small_models::require_invariance("layered", small_models::layered(), mirrored{glauber{}},
                                     small_models::samples, marginal_exchange{});
    small_models::require_invariance("layered", small_models::layered(), mirrored{metropolis{}},
                                     small_models::samples);
    small_models::require_invariance("dense", small_models::dense(), mirrored{metropolis{}},
                                     small_models::samples);
    small_models::require_invariance("graph", small_models::graph(), mirrored{glauber{}},
                                     small_models::samples);
}

TEST_CASE("a magnet in a weak field turns as often as its weights say") {
    // Two layers of 20, J = 0.5, so cold that no spin turns by itself: only the mirror moves, E = -200 -+ 40
    // b.
    xt::xtensor<float, 2> const couplings = xt::ones<float>({20, 20}) * 0.5f;
    xt::xtensor<float, 1> const fields = xt::ones<float>({20}) * 0.0125f;
    auto const model = layered_glass<float>({couplings}, {fields, fields});
    mirrored const kernel{glauber{}};
    constexpr std::size_t rows = 64;
    constexpr std::uint32_t sweeps = 4000;
    auto tile = kernel.make_state(model, rows);
    std::vector<float> const up(40, 1.0f);
    for (std::size_t r = 0; r < rows; ++r) tile.set_row(r, up);
    kernel.prepare(model, tile);
    std::vector<double> const betas(rows, 1.0);
    double ups = 0;
    for (std::uint32_t s = 0; s < sweeps; ++s) {
        kernel.sweep(model, tile, betas, {17, s, 0, purpose::spins});
        for (std::size_t r = 0; r < rows; ++r) {
            auto const spins = tile.spins().row(r);
            bool const is_up = spins[0] > 0;
            ups += is_up ? 1 : 0;
            REQUIRE(tile.energies()[r] == Approx(is_up ? -200.5 : -199.5).margin(1e-4));
        }
    }
    // Heat bath: each sweep draws the side anew, so all are independent: p = 1 / (1 + exp(-1)). 5 deviations.
    double const p = 1 / (1 + std::exp(-1.0)), n = rows * sweeps;
    CHECK(std::abs(ups / n - p) < 5 * std::sqrt(p * (1 - p) / n));
}
