// SPDX-License-Identifier: BSD-3-Clause
/// Portraits of classes: against enumeration, and what is refused.
#include "../files.hpp"
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/statistics/class_portraits.hpp>
#include <spinet/testing/partial_enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// Eight inputs, four hidden spins, three classes.
network_glass<double> small() {
    std::vector<row_major_array<double, 2>> weights;
    std::vector<row_major_array<double, 1>> fields;
    std::size_t const sizes[] = {8, 4, 3};
    for (std::size_t l = 0; l < 3; ++l) {
        stream const draws(21, 0, static_cast<std::uint32_t>(l), purpose::testing);
        std::uint32_t n = 0;
        fields.push_back(row_major_array<double, 1>::from_shape({sizes[l]}));
        for (double& b : fields.back()) b = 0.3 * normal(draws, n++);
        if (l == 0) continue;
        weights.push_back(row_major_array<double, 2>::from_shape({sizes[l], sizes[l - 1]}));
        for (double& w : weights.back()) w = 0.7 * normal(draws, n++);
    }
    return layered_glass<double>(weights, fields);
}

}  // namespace

TEST_CASE("sampled portraits of classes agree with enumeration", "[statistics]") {
    auto const glass = small();
    auto const found =
        sampled_portraits(glass, parallel_tempering(glauber{}, geometric_temperatures(0.8, 20, 10)),
                          {.replicas = 16, .warmup = 200, .sweeps = 6'000, .measure_every = 4, .seed = 7});
    REQUIRE(found.size() == 10);
    std::vector<double> exact_f;
    // 3 classes x (8 means + a free energy + a probability): p = 1e-5 over these 30, Student's t.
    double const allowed = student_t_quantile(1 - 1e-5 / 30, 15) / detail::one_error_factor(16);
    for (std::size_t c = 0; c < 3; ++c) {
        std::vector<double> values(3, -1.0);
        values[c] = 1;
        auto const given = held(glass, 2, values);
        testing::exact_distribution const exact(given.model, 0.8);
        for (std::size_t i = 0; i < 8; ++i) {
            double const mean =
                exact.average([&](std::uint64_t s) { return (s >> i & 1) != 0 ? 1.0 : -1.0; });
            CAPTURE(c, i, mean, found[0].means(c, i), found[0].errors(c, i));
            CHECK(std::abs(found[0].means(c, i) - mean) < allowed * found[0].errors(c, i));
            CHECK(found[0].errors(c, i) < 0.03);
        }
        exact_f.push_back(exact.free_energy() + given.energy);
        CAPTURE(c, exact_f[c], found[0].free_energies(c), found[0].free_energy_errors(c));
        CHECK(std::abs(found[0].free_energies(c) - exact_f[c]) < allowed * found[0].free_energy_errors(c));
        CHECK(found[0].free_energy_errors(c) < 0.1);
        CHECK(found[0].equilibrated[c]);
    }
    double sum = 0;
    for (double const f : exact_f) sum += std::exp(-f / 0.8);
    auto const p = found[0].probabilities();
    auto const own = found[0].differences();
    for (std::size_t c = 0; c < 3; ++c) CHECK(p(c) == Approx(std::exp(-exact_f[c] / 0.8) / sum).margin(0.05));
    CHECK(p(0) + p(1) + p(2) == Approx(1));
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(own(0, i) + own(1, i) + own(2, i) == Approx(0).margin(1e-12));
        CHECK(own(0, i) - own(1, i) == Approx(found[0].means(0, i) - found[0].means(1, i)).margin(1e-12));
    }
    // Classes do not share random numbers: with no couplings to the outputs all would be the same run.
    auto const stopped =
        sampled_portraits(glass, parallel_tempering(glauber{}, geometric_temperatures(0.8, 20, 4)),
                          {.replicas = 4, .warmup = 10, .sweeps = 40, .measure_every = 4, .seed = 7}, {},
                          serial{}, [n = 0](progress const& now) mutable { return ++n < 3 || now.last; });
    CHECK(std::isnan(stopped[0].means(2, 0)));
}

TEST_CASE("portraits by TAP are those of a trained network where it has one state", "[statistics]") {
    auto const glass = to_spin_glass<float>(
        load_network(SPINET_SOURCE_DIR "/tests/data/fashion_784-16-10_trained.safetensors"));
    auto const found = tap_portraits(glass, 12);
    REQUIRE(found.classes() == 10);
    REQUIRE(found.means.shape()[1] == 784);
    std::vector<double> exact_f;
    for (std::size_t const c : {0u, 1u, 8u}) {
        std::vector<double> values(10, -1.0);
        values[c] = 1;
        auto const given = held(glass, 2, values);
        testing::partial_enumeration const exact(given.model, 12);
        auto const means = exact.mean_spins();
        double worst = 0;
        for (std::size_t i = 0; i < 784; ++i) worst = std::max(worst, std::abs(found.means(c, i) - means[i]));
        CAPTURE(c, worst);
        CHECK(worst < 0.01);
        CHECK(found.physical[c]);
        CHECK(std::isnan(found.errors(c, 0)));
        CHECK(found.free_energies(c) == Approx(-12 * exact.log_partition() + given.energy).epsilon(1e-3));
    }
    // Other values of the outputs give other portraits; the same values the same, bitwise.
    auto const weak = tap_portraits(glass, 12, {.on = 0.5, .off = 0});
    CHECK(std::abs(weak.means(0, 400)) < std::abs(found.means(0, 400)));
    CHECK((tap_portraits(glass, 12).means == found.means));
}

TEST_CASE("free energies by TAP are those of the whole glass", "[statistics]") {
    // At high temperature TAP is exact up to beta^3, and the energies of the held spins are larger than what is left.
    auto const glass = small();
    auto const found = tap_portraits(glass, 20);
    for (std::size_t c = 0; c < 3; ++c) {
        std::vector<double> values(3, -1.0);
        values[c] = 1;
        auto const given = held(glass, 2, values);
        double const exact = testing::exact_distribution(given.model, 20).free_energy() + given.energy;
        CAPTURE(c, exact, given.energy, found.free_energies(c));
        CHECK(std::abs(found.free_energies(c) - exact) < 0.01);
        CHECK(std::abs(given.energy) > 0.02);
    }
}

TEST_CASE("portraits of what is no class are refused", "[statistics]") {
    auto const glass = small();
    CHECK(error_of([&] { return tap_portraits(glass, 1, {.inputs = 2}); }) ==
          "class_condition: expected two different groups below 3, found 2 and 2");
    CHECK(error_of([&] { return tap_portraits(glass, 1, {.outputs = 3}); }) ==
          "class_condition: expected two different groups below 3, found 0 and 3");
    CHECK_THAT(error_of([&] { return tap_portraits(glass, 1, {.on = std::nan("")}); }),
               ContainsSubstring("finite"));
    CHECK_THAT(error_of([&] { return tap_portraits(glass, 0); }), ContainsSubstring("temperature"));
    CHECK_THAT(error_of([&] { return tap_portraits(glass, 1, {}, 0, 0); }), ContainsSubstring("at least 1"));
    // Classes are of any layer, and portraits of any other.
    auto const hidden = tap_portraits(glass, 3, {.inputs = 2, .outputs = 0});
    CHECK(hidden.classes() == 8);
    CHECK(hidden.means.shape()[1] == 3);
}
