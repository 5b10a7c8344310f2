// SPDX-License-Identifier: BSD-3-Clause
/// Single-site measures against their own integrals, and models of spins in [-1, 1].
#include "../catch.hpp"
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/soft_spins.hpp>
#include <spinet/model/sparse_ising.hpp>

#include <cmath>
#include <vector>

using namespace spinet;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

using of_network = soft_spins<network_glass<float>>;
static_assert(BlockModel<of_network> && GroupedModel<of_network> && PairModel<of_network>);
static_assert(!SparseModel<soft_spins<sparse_ising<float>>> && !DenseModel<soft_spins<dense_ising<float>>>);
static_assert(!BlockModel<soft_spins<dense_ising<float>>> && !GroupedModel<soft_spins<dense_ising<float>>>);
static_assert(space_of<of_network> == spin_space::interval);

double const fields[] = {0, 1e-12, 1e-9, 3e-8, 1e-5, 2e-3, 0.3, -0.3, 2, -7, 45, -800};

/// The distribution function of a spin in the field x, under the uniform measure.
double below(double x, double s) {
    if (std::abs(x) < 1e-6) return (1 + s) / 2 + x * (s * s - 1) / 4;
    return x > 0 ? std::exp(x * (s - 1)) * std::expm1(-x * (1 + s)) / std::expm1(-2 * x) : 1 - below(-x, -s);
}

}  // namespace

TEST_CASE("the uniform measure: draws invert the distribution function", "[model]") {
    for (double const x : fields)
        for (double const u : {1e-9, 0.01, 0.25, 0.5, 0.9, 1 - 1e-9}) {
            CAPTURE(x, u);
            double const s = uniform_measure::draw(x, u);
            CHECK((s >= -1 && s <= 1));
            CHECK(below(x, s) == Approx(u).epsilon(1e-7).margin(1e-15));  // s is rounded
        }
    // Many at a time, in any number: the same to 1e-10.
    std::vector<double> x, u;
    for (double const size :
         {0.0, 1e-12, 1e-7, 3e-5, 9.9e-5, 1.01e-4, 4e-4, 1e-2, 0.6, 5.0, 80.0, 400.0, 2000.0})
        for (double const share : {2e-10, 1e-4, 0.1, 0.37, 0.5, 0.8, 0.999, 1 - 2e-10})
            for (double const sign : {1.0, -1.0}) x.push_back(sign * size), u.push_back(share);
    for (std::size_t const count : {x.size(), x.size() - 1, std::size_t{3}, std::size_t{0}}) {
        auto spins = x;
        uniform_measure::draw_all({spins.data(), count}, {u.data(), count});
        for (std::size_t k = 0; k < x.size(); ++k) {
            CAPTURE(count, k, x[k], u[k]);
            CHECK(spins[k] == Approx(k < count ? uniform_measure::draw(x[k], u[k]) : x[k]).margin(1e-10));
            CHECK((k >= count || (spins[k] >= -1 && spins[k] <= 1)));
        }
    }
    for (double const field : {0.0, 5e-4, 9.9e-4, 1.01e-3, 0.5, -3.0, 30.0}) {
        // The mean of e^(x s) by Simpson's rule.
        constexpr int steps = 2000;
        double sum = 0;
        for (int k = 0; k <= steps; ++k) {
            double const s = -1 + 2.0 * k / steps;
            sum += (k == 0 || k == steps ? 1 : k % 2 == 1 ? 4 : 2) * std::exp(field * s) / (3.0 * steps);
        }
        CHECK(uniform_measure::log_partition(field) == Approx(std::log(sum)).epsilon(1e-8).margin(1e-14));
    }
    CHECK(std::isfinite(uniform_measure::log_partition(-1e4)));
}

TEST_CASE("the measure of levels: two are Ising spins, each has its weight", "[model]") {
    CHECK(level_measure(2).variance() == Approx(1));
    CHECK(level_measure(3).variance() == Approx(2.0 / 3));
    CHECK(level_measure(100'000).variance() == Approx(1.0 / 3).epsilon(1e-4));
    for (std::size_t const k : {2u, 3u, 8u})
        for (double const x : fields) {
            CAPTURE(k, x);
            level_measure const measure(k);
            std::vector<double> weights;
            double total = 0;
            for (std::size_t j = 0; j < k; ++j) {
                double const s = -1 + 2.0 * static_cast<double>(j) / static_cast<double>(k - 1);
                weights.push_back(std::exp(x * s - std::abs(x)));
                total += weights.back();
            }
            CHECK(measure.log_partition(x) ==
                  Approx(std::log(total / static_cast<double>(k)) + std::abs(x)).epsilon(1e-9).margin(1e-12));
            // Half way into the weight of each level.
            double before = 0;
            for (std::size_t j = 0; j < k; ++j) {
                double const share = weights[j] / total;
                double const s = -1 + 2.0 * static_cast<double>(j) / static_cast<double>(k - 1);
                if (share > 1e-9) {
                    for (double const part : {1e-3, 0.5, 0.999})
                        CHECK(measure.draw(x, before + part * share) == Approx(s).margin(1e-12));
                }
                before += share;
            }
        }
    CHECK_THROWS_WITH(level_measure(1), ContainsSubstring("1 levels"));
    CHECK_THROWS_WITH(level_measure(std::size_t{1} << 21), ContainsSubstring("levels; 2 to 2^20"));
}

TEST_CASE("soft spins have the energies of their model, for any spins", "[model]") {
    // 40 spins to a layer: products by bf16 tiles, where there are any, would round these spins.
    auto const glass = random_layered_glass<float>({40, 40, 40}, {0.05, 0.05}, 3);
    of_network const soft(glass);
    CHECK(soft.groups().size() == 3);
    CHECK(paramagnet_above(soft) == Approx(largest_coupling_eigenvalue(glass) / 3));
    std::vector<float> spins(120), field(120);
    for (std::uint32_t i = 0; i < 120; ++i)
        spins[i] = static_cast<float>(2 * uniform<double>(stream(1, 0, 0, purpose::testing).bits(i)) - 1);
    soft.fields({spins.data(), 1, 120, 120}, {field.data(), 1, 120, 120});
    for (std::size_t i = 0; i < 120; ++i) {
        auto moved = spins;
        moved[i] = 0;
        double const change = soft.energy(moved) - soft.energy(spins);
        CHECK(soft.energy_change(spins, i, 0) == Approx(change).margin(1e-6));
        CHECK(static_cast<double>(spins[i]) * static_cast<double>(field[i]) == Approx(change).margin(1e-6));
    }
    // The variance of E under the measure: of independent spins, sums of J^2 and b^2.
    soft_spins<dense_ising<double>, level_measure> const levels(sherrington_kirkpatrick<double>(4, 3),
                                                                level_measure(3));
    double sum = 0, squares = 0;
    for (int state = 0; state < 81; ++state) {
        std::vector<double> s;
        for (int i = 0, rest = state; i < 4; ++i, rest /= 3) s.push_back(rest % 3 - 1);
        double const e = levels.energy(s);
        sum += e / 81;
        squares += e * e / 81;
    }
    CHECK(levels.variance_at_infinite_temperature() == Approx(squares - sum * sum));
}
