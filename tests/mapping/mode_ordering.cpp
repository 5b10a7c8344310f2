// SPDX-License-Identifier: BSD-3-Clause
/// T_ord from modes, against T_ord of the whole glass with all its noise.
#include "../files.hpp"
#include <spinet/mapping/mode_ordering.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/random/streams.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace spinet;

namespace {

/// Noise of variance 1 / columns, and modes of the given strengths in random directions.
tensor planted(std::size_t rows, std::size_t columns, std::vector<double> const& strengths,
               std::uint64_t seed) {
    stream const draws(seed, 0, 0, purpose::mean_field);
    std::uint32_t next = 0;
    std::vector<double> w(rows * columns);
    for (double& each : w) each = normal(draws, next++) / std::sqrt(static_cast<double>(columns));
    for (double const strength : strengths) {
        std::vector<double> left(rows), right(columns);
        for (double& each : left) each = normal(draws, next++) / std::sqrt(static_cast<double>(rows));
        for (double& each : right) each = normal(draws, next++) / std::sqrt(static_cast<double>(columns));
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) w[i * columns + j] += strength * left[i] * right[j];
    }
    std::vector<std::byte> bytes(w.size() * sizeof(double));
    std::memcpy(bytes.data(), w.data(), bytes.size());
    return {"w", dtype::f64, {rows, columns}, std::move(bytes)};
}

}  // namespace

TEST_CASE("t_ord_of_modes: a chain and a residual block, in noise", "[mapping]") {
    network net;
    net.add({"x", input{500}});
    net.add({"a", dense{planted(700, 500, {5, 4}, 1)}, {"x"}});
    net.add({"b", dense{planted(700, 700, {6, 3}, 2)}, {"a"}});
    net.add({"sum", addition{}, {"a", "b"}});
    net.add({"c", dense{planted(400, 700, {4}, 3)}, {"sum"}});
    auto const wires = twin_hopfield{}.wire(net).wires;
    auto const modes = outlier_modes(wires);
    auto const of_modes = t_ord_of_modes(wires, modes);
    REQUIRE(of_modes.has_value());
    auto const whole = t_ord(to_spin_glass<double>(net));
    REQUIRE(whole.crosses);
    INFO(of_modes->temperature << " of modes, " << whole.temperature << " of the whole");
    // Corrections are of the order of 1 / sqrt(n), here 0.04.
    CHECK(of_modes->temperature == Approx(whole.temperature).epsilon(0.04));
    CHECK(of_modes->positive_above > of_modes->temperature);
}

TEST_CASE("a strength is found again from what noise makes of it", "[mapping]") {
    // s^2 = (t^2 + v m)(t^2 + v n) / t^2, written out for t = 6, v = 1 / 500, m = 700, n = 500.
    double const v = 1.0 / 500, m = 700, n = 500, t = 6;
    double const seen = std::sqrt((t * t + v * m) * (t * t + v * n)) / t;
    CHECK(detail::strength_without_noise(seen, std::sqrt(v) * (std::sqrt(m) + std::sqrt(n)), m, n) ==
          Approx(t));
    auto const modes = outlier_modes(linear_map{matrix_map{planted(700, 500, {6}, 4), 0, 700, 0, 500}});
    REQUIRE(modes.count() == 1);
    CHECK(detail::strength_without_noise(modes.values[0], modes.bulk_edge, m, n) == Approx(t).epsilon(0.05));
}

TEST_CASE("t_ord_of_modes: nothing for what it does not cover", "[mapping]") {
    network noise;
    noise.add({"x", input{300}});
    noise.add({"a", dense{planted(300, 300, {}, 1)}, {"x"}});
    auto const wires = twin_hopfield{}.wire(noise).wires;
    CHECK_FALSE(t_ord_of_modes(wires, outlier_modes(wires)).has_value());
    network maps;
    maps.add({"x", input{8, {2, 4}}});
    maps.add({"c", convolution{planted(3, 6, {2}, 1).reshaped({3, 2, 3})}, {"x"}});
    auto const windows = twin_hopfield{}.wire(maps).wires;
    CHECK_FALSE(t_ord_of_modes(windows, outlier_modes(windows)).has_value());
}
