// SPDX-License-Identifier: BSD-3-Clause
/// Held spins: energies state by state, conditional averages and free energies against enumeration.
#include "../files.hpp"
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/mapping/conditioning.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/tap.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/conditional.hpp>
#include <spinet/testing/enumeration.hpp>
#include <spinet/testing/partial_enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

using numbers = std::vector<double>;

numbers state_of(std::uint64_t bits, std::size_t n) {
    numbers spins(n);
    for (std::size_t i = 0; i < n; ++i) spins[i] = (bits >> i & 1) != 0 ? 1.0 : -1.0;
    return spins;
}

/// Layers of these sizes, with fields.
network_glass<double> layers_with_fields(std::vector<std::size_t> const& sizes, std::uint64_t seed) {
    std::vector<row_major_array<double, 2>> weights;
    std::vector<row_major_array<double, 1>> fields;
    for (std::size_t l = 0; l < sizes.size(); ++l) {
        stream const draws(seed, 0, static_cast<std::uint32_t>(l), purpose::testing);
        std::uint32_t n = 0;
        fields.push_back(row_major_array<double, 1>::from_shape({sizes[l]}));
        for (double& b : fields.back()) b = 0.5 * normal(draws, n++);
        if (l == 0) continue;
        weights.push_back(row_major_array<double, 2>::from_shape({sizes[l], sizes[l - 1]}));
        for (double& w : weights.back()) w = 0.6 * normal(draws, n++);
    }
    return layered_glass<double>(weights, fields);
}

/// Of all states of the free spins: the energy of the whole model is that of the rest and of the held spins.
template <class M>
void check_energies(M const& whole, conditioned<M> const& rest, std::vector<std::size_t> const& sites,
                    numbers const& values) {
    std::vector<bool> gone(whole.size(), false);
    numbers all(whole.size());
    for (std::size_t k = 0; k < sites.size(); ++k) gone[sites[k]] = true, all[sites[k]] = values[k];
    REQUIRE(rest.model.size() + sites.size() == whole.size());
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << rest.model.size(); ++bits) {
        auto const spins = state_of(bits, rest.model.size());
        std::size_t next = 0;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!gone[i]) all[i] = spins[next++];
        CHECK(rest.model.energy(spins) + rest.energy == Approx(whole.energy(all)).margin(1e-12));
    }
}

std::vector<std::size_t> sites_of(spin_group const& group) {
    std::vector<std::size_t> sites;
    for (std::size_t i = 0; i < group.size; ++i) sites.push_back(group.first + i);
    return sites;
}

/// Student's t at p = 1e-5 for each of so many comparisons of 16 replicas.
bool agrees(double value, double error, double exact, double comparisons) {
    double const allowed = student_t_quantile(1 - 1e-5 / comparisons, 15) / detail::one_error_factor(16);
    return std::abs(value - exact) <= allowed * error + 1e-9;
}

}  // namespace

TEST_CASE("the energy of a glass is that of its free spins and of those that are held", "[mapping]") {
    auto const glass = layers_with_fields({4, 3, 2, 3}, 1);
    for (std::size_t g = 0; g < 4; ++g) {
        numbers values;
        for (std::size_t i = 0; i < glass.groups()[g].size; ++i)
            values.push_back(g == 2 ? 0.25 - 1.5 * static_cast<double>(i) : i % 2 == 0 ? 1.0 : -1.0);
        auto const rest = held(glass, g, values);
        check_energies(glass, rest, sites_of(glass.groups()[g]), values);
        CHECK(rest.model.groups().size() == 3);
        CHECK(rest.model.groups()[0].name == (g == 0 ? "layer 1" : "layer 0"));
        CHECK(rest.model.made_from().back().first == "held");
        CHECK_THAT(rest.model.made_from().back().second,
                   ContainsSubstring("layer " + std::to_string(g) + ": "));
    }
    // One after the other: by name, as an xtensor expression, in any order.
    numbers const first{1, -1, 1, 1}, last{-1, 1, 1};
    xt::xtensor<float, 1> const as_array{-1.0F, 1.0F, 1.0F};
    auto const both = held(held(glass, "layer 0", first), "layer 3", 1.0F * as_array);
    auto const other = held(held(glass, "layer 3", last), "layer 0", first);
    CHECK(both.energy == Approx(other.energy).margin(1e-13));
    check_energies(glass, both, {0, 1, 2, 3, 9, 10, 11}, {1, -1, 1, 1, -1, 1, 1});
    // Layers whose neighbours are both held are by themselves.
    auto const apart = held(held(glass, 0, first), 1, numbers{1, 1});
    CHECK(apart.model.blocks().empty());
    check_energies(glass, apart, {0, 1, 2, 3, 7, 8}, {1, -1, 1, 1, 1, 1});
}

TEST_CASE("a group of several steps is held whole", "[mapping]") {
    row_major_array<double, 2> const w{{0.5, -1}, {0.25, 2}}, u{{1, 0.5}, {-0.5, 0.75}};
    network_glass<double> const glass({{"in", 0, 2}, {"step 0", 0, 2}, {"step 1", 0, 2}, {"out", 0, 2}},
                                      numbers{.1, .2, .3, .4, .5, .6, .7, .8},
                                      {dense_block<double>(0, 1, w), dense_block<double>(0, 2, w),
                                       dense_block<double>(1, 2, u), dense_block<double>(2, 3, u)},
                                      {}, {1, 2, 1});
    REQUIRE(glass.groups().size() == 3);
    auto const rest = held(glass, "step 0", numbers{1, -1, -1, 1});
    check_energies(glass, rest, {2, 3, 4, 5}, {1, -1, -1, 1});
    CHECK(rest.model.groups().size() == 2);
    auto const ends = held(glass, "in", numbers{0.5, 0});
    check_energies(glass, ends, {0, 1}, {0.5, 0});
    CHECK(ends.model.groups().size() == 2);
    CHECK(ends.model.parts().size() == 3);
    CHECK(ends.model.groups()[0].size == 4);
    auto const pulled = with_field(glass, "step 0", numbers{1, 2, 3, 4});
    CHECK(pulled.groups().size() == 3);
    CHECK(pulled.external_fields()[4] == Approx(3.5));
    CHECK(pulled.external_fields()[6] == Approx(0.7));
    CHECK(pulled.made_from().back().second == "step 0: 1 2 3 4");
}

TEST_CASE("spins of dense and sparse models are held by their numbers", "[mapping]") {
    auto const dense = sherrington_kirkpatrick<double>(9, 4);
    row_major_array<double, 2> couplings({9, 9}, 0.0);
    for (std::size_t i = 0; i < 9; ++i)
        for (std::size_t j = 0; j < 9; ++j)
            couplings(i, j) = (i + j) % 3 == 0 && i != j ? dense.couplings().row(i)[j] : 0.0;
    numbers const fields{.1, -.2, .3, -.4, .5, -.6, .7, -.8, .9}, values{1, -1, 0.5};
    std::vector<std::size_t> const sites{7, 0, 4};
    dense_ising<double> const full(couplings, fields);
    sparse_ising<double> const thin(couplings, fields);
    check_energies(full, held(full, sites, values), sites, values);
    check_energies(thin, held(thin, sites, values), sites, values);
}

TEST_CASE("what cannot be held is refused", "[mapping]") {
    auto const glass = layers_with_fields({3, 2, 3}, 2);
    CHECK(error_of([&] { return held(glass, 3, numbers{1}); }) == "held: expected a group below 3, found 3");
    CHECK(error_of([&] { return held(glass, 1, numbers{1}); }) ==
          "held: 1 values for the 2 spins of group 'layer 1'");
    CHECK(error_of([&] {
              return held(glass, "output", numbers{1, 1, 1});
          }) == "held: there is no group 'output'; there are 'layer 0', 'layer 1', 'layer 2'");
    CHECK(error_of([&] {
              return held(glass, 1, numbers{1, std::nan("")});
          }) == "held: the value of spin 4 is not finite");
    auto const rest = held(held(glass, 0, {1, 1, 1}), 0, {1, 1});
    CHECK(error_of([&] { return held(rest, 0, numbers{1, 1, 1}); }) == "held: no spin is left free");
    network_glass<double> const twins({{"a", 0, 1}, {"a", 0, 1}}, numbers{0, 0}, {});
    CHECK(error_of([&] { return held(twins, "a", numbers{1}); }) ==
          "held: there is more than one group 'a'; give its number");
    auto const dense = sherrington_kirkpatrick<double>(4, 1);
    using sites = std::vector<std::size_t>;
    CHECK(error_of([&] { return held(dense, sites{4}, numbers{1}); }) == "held: there is no spin 4 of 4");
    CHECK(error_of([&] { return held(dense, sites{1, 1}, numbers{1, 1}); }) == "held: spin 1 is named twice");
    CHECK(error_of([&] { return held(dense, sites{1, 2}, numbers{1}); }) == "held: 1 values for 2 spins");
    CHECK(error_of([&] { return with_field(glass, 0, numbers{1}); }) ==
          "with_field: 1 values for the 3 spins of group 'layer 0'");
    xt::xtensor<double, 2> const three{{1, 1, 1}}, wrong{{1, 0.5}};
    CHECK_THAT(error_of([&] { return state_weights(glass, 1, three); }),
               ContainsSubstring("states of 3 spins for the 2 of group layer 1"));
    CHECK(error_of([&] { return state_weights(glass, 1, wrong); }) ==
          "state_weights: expected spins +1 or -1, found 0.5");
    CHECK_THAT(error_of([&] {
                   return state_weights(dense, 0, xt::xtensor<double, 2>{{1, 1, 1, 1}});
               }),
               ContainsSubstring("are coupled to each other"));
    CHECK(error_of([&] { return state_weights(glass, 5, wrong); }) ==
          "state_weights: expected a group below 3, found 5");
}

TEST_CASE("outputs of a network are held like those of its glass", "[mapping]") {
    auto const net = load_network(SPINET_SOURCE_DIR "/tests/data/fashion_784-16-10_trained.safetensors");
    numbers one_hot(10, -1.0);
    one_hot[3] = 1;
    auto const mapped =
        to_spin_glass<double>(net, twin_hopfield{.outputs = outputs::held, .outputs_held_at = one_hot});
    auto const glass = to_spin_glass<double>(net);
    auto const rest = held(glass, 2, one_hot);
    REQUIRE(mapped.size() == 800);
    REQUIRE(rest.model.size() == 800);
    for (std::size_t i = 0; i < 800; ++i)
        CHECK(mapped.external_fields()[i] == Approx(rest.model.external_fields()[i]).margin(1e-12));
    CHECK_THAT(error_of([&] { return to_spin_glass(net, twin_hopfield{.outputs = outputs::held}); }),
               ContainsSubstring("outputs_held_at has 0 numbers for 10 outputs"));
    CHECK_THAT(error_of([&] { return to_spin_glass(net, twin_hopfield{.outputs_held_at = one_hot}); }),
               ContainsSubstring("outputs_held_at is given, but outputs are not held"));
}

TEST_CASE("conditional averages and free energies agree with enumeration", "[mapping]") {
    // 2 conditions x (9 spins + ...) are 26 comparisons.
    auto const glass = layers_with_fields({5, 4, 3}, 3);
    auto const ladder = geometric_temperatures(0.7, 15, 12);
    numbers const a{1, -1, -1}, b{-1, -1, 1};
    run_plan const plan{.replicas = 16, .warmup = 200, .sweeps = 8'000, .measure_every = 4, .seed = 5};
    auto const sampled = [&](auto const& model, auto const& extra) {
        return sample(model, parallel_tempering(glauber{}, ladder), observables{energy{}, overlap{}, extra},
                      plan);
    };
    auto const rest_a = held(glass, 2, a), rest_b = held(glass, 2, b);
    auto const run_a = sampled(rest_a.model, local_magnetisations{}),
               run_b = sampled(rest_b.model, local_magnetisations{.group = 1});
    testing::exact_distribution const exact_a(rest_a.model, ladder[0]), exact_b(rest_b.model, ladder[0]),
        whole(glass, ladder[0]);
    auto const spin = [](std::uint64_t s, std::size_t i) { return (s >> i & 1) != 0 ? 1.0 : -1.0; };
    auto const means_a = mean_spins(run_a, 0), means_b = mean_spins(run_b, 0);
    REQUIRE(means_a.values.size() == 9);
    // A level is no spin: confidence_interval(0.95) must not be that of spin 0.
    auto const takes_a_level = []<class Means>(Means const&) {
        return requires(Means const& of) { of.confidence_interval(0.95); };
    };
    CHECK_FALSE(takes_a_level(means_a));
    CHECK(error_of([&] { return means_a.confidence_interval(9); }) ==
          "spin_means: expected an entry below 9, found 9");
    REQUIRE(means_b.values.size() == 4);
    CHECK(means_a.temperature == ladder[0]);
    CHECK(means_a.equilibrated);
    CHECK(means_a.units == 16);
    for (std::size_t i = 0; i < 9; ++i) {
        double const exact = exact_a.average([&](auto s) { return spin(s, i); });
        CAPTURE(i, exact, means_a.values(i), means_a.errors(i));
        CHECK(agrees(means_a.values(i), means_a.errors(i), exact, 26));
        CHECK(means_a.errors(i) < 0.02);
        CHECK(means_a.confidence_interval(i).contains(means_a.values(i)));
        CHECK(means_a.confidence_intervals(0.99)(i, 0) == means_a.confidence_interval(i, 0.99).low);
        CHECK(means_a.confidence_intervals(0.99)(i, 1) == means_a.confidence_interval(i, 0.99).high);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        double const exact = exact_b.average([&](auto s) { return spin(s, 5 + i); });
        CHECK(agrees(means_b.values(i), means_b.errors(i), exact, 26));
    }
    // The same conditions in the whole glass, by Bayes: spins 9, 10, 11 are the held group.
    auto const is = [&](std::uint64_t s, numbers const& values) {
        for (std::size_t i = 0; i < 3; ++i)
            if (spin(s, 9 + i) != values[i]) return false;
        return true;
    };
    double const p_a = whole.average([&](auto s) { return is(s, a) ? 1.0 : 0.0; }),
                 p_b = whole.average([&](auto s) { return is(s, b) ? 1.0 : 0.0; });
    double const difference = -ladder[0] * std::log(p_a / p_b);
    CHECK(exact_a.free_energy() + rest_a.energy - exact_b.free_energy() - rest_b.energy ==
          Approx(difference).margin(1e-10));
    auto const integrated = free_energy_difference(rest_a, run_a, rest_b, run_b)[0];
    CAPTURE(integrated.value, integrated.error, difference);
    CHECK(agrees(integrated.value, integrated.error, difference, 26));
    CHECK(integrated.error < 0.05);
    xt::xtensor<double, 2> const states{{1, -1, -1}, {-1, -1, 1}};
    auto const free_run = sampled(glass, state_weights(glass, 2, states));
    auto const found_a = state_probability(free_run, 0)[0], found_b = state_probability(free_run, 1)[0],
               share = state_share(free_run, 0)[0],
               by_weights = state_free_energy_difference(free_run, 0, 1)[0];
    CAPTURE(p_a, found_a.value, found_a.error, p_b, found_b.value, by_weights.value, by_weights.error);
    CHECK(agrees(found_a.value, found_a.error, p_a, 26));
    CHECK(agrees(found_b.value, found_b.error, p_b, 26));
    CHECK(agrees(share.value, share.error, p_a / (p_a + p_b), 26));
    CHECK(agrees(by_weights.value, by_weights.error, difference, 26));
    CHECK(by_weights.error < 0.02);
    // All states of the group add up to 1, whatever the rest.
    auto all = xt::xtensor<double, 2>::from_shape({8, 3});
    for (std::size_t s = 0; s < 8; ++s)
        for (std::size_t i = 0; i < 3; ++i) all(s, i) = (s >> i & 1) != 0 ? 1 : -1;
    auto const every = sampled(glass, state_weights(glass, 2, all));
    double sum = 0;
    for (std::size_t s = 0; s < 8; ++s) sum += state_probability(every, s)[3].value;
    CHECK(sum == Approx(1).epsilon(1e-12));
}

TEST_CASE("spins are read from the words of their groups", "[mapping]") {
    // A group ends with a word, or within one; strong fields say what each spin is.
    std::vector<std::size_t> const sizes{64, 65, 3};
    std::vector<row_major_array<double, 2>> weights;
    std::vector<row_major_array<double, 1>> fields;
    std::size_t site = 0;
    auto const sign = [](std::size_t i) { return i % 3 == 0 || i % 7 == 2 ? 1.0 : -1.0; };
    for (std::size_t l = 0; l < 3; ++l) {
        fields.push_back(row_major_array<double, 1>::from_shape({sizes[l]}));
        for (double& b : fields.back()) b = 5 * sign(site++);
        if (l > 0) weights.push_back(row_major_array<double, 2>({sizes[l], sizes[l - 1]}, 0.0));
    }
    auto const glass = layered_glass<double>(weights, fields);
    auto const sampled = [&](local_magnetisations const& observable) {
        return mean_spins(sample(glass, fixed_temperatures(glauber{}, ladder({0.2})),
                                 observables{energy{}, overlap{}, observable},
                                 {.replicas = 6, .warmup = 5, .sweeps = 10, .measure_every = 2}),
                          0);
    };
    auto const all = sampled({});
    REQUIRE(all.values.size() == 132);
    for (std::size_t i = 0; i < 132; ++i) CHECK(all.values(i) == sign(i));
    for (std::size_t g = 0; g < 3; ++g) {
        auto const& group = glass.groups()[g];
        auto const own = sampled({.group = g});
        REQUIRE(own.values.size() == group.size);
        for (std::size_t i = 0; i < group.size; ++i) CHECK(own.values(i) == sign(group.first + i));
    }
    CHECK(error_of([&] { return sampled({.group = 3}); }) ==
          "local_magnetisations: expected a group below 3, found 3");
}

TEST_CASE("means by the sum over one colour are those by enumeration of all states", "[mapping]") {
    auto const glass = layers_with_fields({5, 3, 4}, 6);
    auto const means = testing::partial_enumeration(glass, 0.9).mean_spins();
    testing::exact_distribution const exact(glass, 0.9);
    for (std::size_t i = 0; i < 12; ++i)
        CHECK(means[i] == Approx(exact.average([&](std::uint64_t s) {
                              return (s >> i & 1) != 0 ? 1.0 : -1.0;
                          })).margin(1e-12));
}

TEST_CASE("conditional states of a trained network agree with the sum over its hidden layer", "[mapping]") {
    auto const net = load_network(SPINET_SOURCE_DIR "/tests/data/fashion_784-16-10_trained.safetensors");
    auto const glass = to_spin_glass<float>(net);
    numbers one_hot(10, -1.0);
    one_hot[8] = 1;
    auto const rest = held(glass, 2, one_hot);
    auto const ladder = geometric_temperatures(3.0, 30.0, 10);
    auto const run = sample(rest.model, parallel_tempering(mirrored{glauber{}}, ladder),
                            observables{energy{}, overlap{}, local_magnetisations{}},
                            {.replicas = 16, .warmup = 300, .sweeps = 2'000, .measure_every = 4, .seed = 9});
    testing::partial_enumeration const exact(rest.model, ladder[0]);
    auto const expected = exact.mean_spins();
    auto const found = mean_spins(run, 0);
    REQUIRE(found.values.size() == 800);
    CHECK(found.units == 16);
    double worst = 0;
    for (std::size_t i = 0; i < 800; ++i) {
        if (!agrees(found.values(i), found.errors(i), expected[i], 801))
            worst = std::max(worst, std::abs(found.values(i) - expected[i]));
        CHECK(std::abs(found.values(i) - expected[i]) < 0.1);
    }
    CHECK(worst == 0);
    auto const f = free_energy(run)[0];
    CHECK(f.units == 16);
    CHECK(agrees(f.value, f.error, -ladder[0] * exact.log_partition() / 800, 801));
    // TAP at a higher temperature, where it has one solution.
    auto const tap = solve_tap(rest.model, 12, numbers(800, 0.0));
    auto const warm = testing::partial_enumeration(rest.model, 12).mean_spins();
    REQUIRE(tap.converged);
    double off = 0;
    for (std::size_t i = 0; i < 800; ++i) off = std::max(off, std::abs(tap.magnetisation(i) - warm[i]));
    CHECK(off < 0.01);
}
