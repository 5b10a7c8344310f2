// SPDX-License-Identifier: BSD-3-Clause
/// Units of observables: replicas, pairs, triples, whole cohorts, against enumeration and against each other.
#include "catch.hpp"
#include <spinet/ensemble/annealing.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/observable/lift.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/testing/enumeration.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

/// q_ab q_bc q_ca of three replicas: one struct, as a user writes it.
struct triangle {
    using unit = each_tuple<3>;
    static constexpr std::size_t lead = 0;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {"qqq"}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        auto const q = [&](std::size_t a, std::size_t b) {
            double sum = 0;
            for (std::size_t i = 0; i < seen.sites(); ++i)
                sum += static_cast<double>(seen.spins.row(a)[i]) * static_cast<double>(seen.spins.row(b)[i]);
            return sum / static_cast<double>(seen.sites());
        };
        std::size_t next = 0;
        unit::for_each(seen.replicas(), [&](std::span<std::size_t const> r) {
            out[next++] = q(r[0], r[1]) * q(r[1], r[2]) * q(r[2], r[0]);
        });
    }
};

/// The mean of |q| over all pairs of the replicas that it is shown.
struct mean_of_pairs {
    using unit = each_cohort;
    static constexpr std::size_t lead = 0;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {"|q|"}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::vector<double> pairs(each_pair::count(seen.replicas()) * moments::count *
                                  moments::parts(seen.groups));
        overlap{}.measure(seen, std::span<double>(pairs));
        std::size_t const width = pairs.size() / each_pair::count(seen.replicas());
        for (std::size_t p = 0; p < pairs.size(); p += width)
            out[0] += pairs[p + moments::absolute] / static_cast<double>(each_pair::count(seen.replicas()));
    }
};

/// The same, from energies.
struct mean_of_energies {
    using unit = each_cohort;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::energies;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {"u"}; }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        for (double const e : seen.energies)
            out[0] += e / static_cast<double>(seen.sites() * seen.replicas());
    }
};

struct bad_lead : mean_of_energies {
    static constexpr std::size_t lead = 1;
};

ladder const three({0.8, 1.4, 3.0});

}  // namespace

TEST_CASE("tuples of replicas are counted and listed in lexicographic order", "[units]") {
    CHECK(each_tuple<3>::count(2) == 0);
    CHECK(each_tuple<3>::count(7) == 35);
    CHECK(each_tuple<4>::count(16) == 1820);
    std::vector<std::vector<std::size_t>> found;
    each_tuple<3>::for_each(4,
                            [&](std::span<std::size_t const> r) { found.emplace_back(r.begin(), r.end()); });
    CHECK(found == std::vector<std::vector<std::size_t>>{{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}});
    unit_kind const kind = each_tuple<3>{};
    CHECK(kind.count(7) == 35);
    CHECK(kind.name == "3 replicas");
}

TEST_CASE("three replicas: <q_ab q_bc q_ca> is tr C^3 / N^3", "[units]") {
    auto const model = sherrington_kirkpatrick<double>(6, 11);
    auto const lifted =
        per_tuple<3>("first spins", [](auto a, auto b, auto c) { return a[0] * b[0] * c[1]; });
    auto const run = sample(model, parallel_tempering(glauber{}, three), observables{triangle{}, lifted},
                            run_plan{.replicas = 12, .warmup = 200, .sweeps = 20'000, .measure_every = 2});
    auto const found = mean_of(run, triangle{});
    auto const first = mean_of(run, lifted);
    for (std::size_t k = 0; k < 3; ++k) {
        testing::exact_distribution const exact(model, three[k]);
        double correlation[6][6], trace = 0;
        for (std::size_t i = 0; i < 6; ++i)
            for (std::size_t j = 0; j < 6; ++j)
                correlation[i][j] = exact.average(
                    [&](std::uint64_t s) { return (s >> i & 1u) == (s >> j & 1u) ? 1.0 : -1.0; });
        for (auto const& row : correlation)
            for (std::size_t j = 0; j < 6; ++j)
                for (std::size_t l = 0; l < 6; ++l) trace += row[j] * correlation[j][l] * row[l];
        CAPTURE(k, found[k].value, trace / 216, found[k].error);
        // Six comparisons share p = 0.001: Student's t with 11 degrees of freedom.
        double const limit = 5.5 / detail::one_error_factor(12);
        CHECK(std::abs(found[k].value - trace / 216) < limit * found[k].error);
        CHECK(std::abs(first[k].value) < limit * first[k].error);  // no fields: <s> = 0
        CHECK(found[k].error < 0.01);
    }
}

TEST_CASE("a cohort's observable has the value and the error of the pairs that it averages", "[units]") {
    auto const model = random_layered_glass<float>({30, 20}, {0.05}, 2);
    for (bool const by_bits : {true, false}) {
        auto const spins = per_replica("s", [](auto s) { return s[0]; });  // reads spins
        run_plan const plan{.replicas = 8, .warmup = 50, .sweeps = 400, .measure_every = 4};
        auto const check = [&](auto const& run) {
            auto const pairs = mean_abs_overlap(run);
            auto const cohorts = mean_of(run, mean_of_pairs{});
            auto const energies = mean_energy(run);
            auto const whole = mean_of(run, mean_of_energies{});
            CHECK_THROWS_AS(mean_of(run, mean_of_pairs{}, 1), error);  // it has one component
            for (std::size_t k = 0; k < 3; ++k) {
                CHECK(cohorts[k].value == Approx(pairs[k].value).epsilon(1e-12));
                CHECK(cohorts[k].error == Approx(pairs[k].error).epsilon(1e-9));
                CHECK(cohorts[k].tau == Approx(pairs[k].tau).epsilon(1e-9));
                CHECK(whole[k].value == Approx(energies[k].value).epsilon(1e-12));
                CHECK(whole[k].error == Approx(energies[k].error).epsilon(1e-9));
            }
        };
        auto const method = parallel_tempering(glauber{}, three);
        if (by_bits)
            check(sample(model, method, observables{energy{}, overlap{}, mean_of_energies{}, mean_of_pairs{}},
                         plan));
        else
            check(sample(model, method,
                         observables{energy{}, overlap{}, mean_of_energies{}, mean_of_pairs{}, spins}, plan));
    }
}

TEST_CASE("a cohort is shown without whole blocks of replicas that pair moves join", "[units]") {
    auto const lattice = edwards_anderson<float>({4, 4}, plus_minus_bonds{}, 3);
    auto const method = parallel_tempering(metropolis{}, three, energy_exchange{}, isoenergetic_clusters{});
    auto const run = sample(lattice, method, observables{energy{}, mean_of_energies{}},
                            run_plan{.replicas = 12, .warmup = 50, .sweeps = 400, .measure_every = 4});
    CHECK(run.of<mean_of_energies>()[0].units() == 7);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(mean_of(run, mean_of_energies{})[k].value == Approx(mean_energy(run)[k].value).epsilon(1e-12));
        CHECK(mean_of(run, mean_of_energies{})[k].error == Approx(mean_energy(run)[k].error).epsilon(1e-9));
    }
}

TEST_CASE("units and sizes that cannot be had are refused", "[units]") {
    auto const model = sherrington_kirkpatrick(8, 1);
    run_plan const plan{.replicas = 8, .warmup = 5, .sweeps = 10, .measure_every = 5};
    CHECK_THROWS_WITH(sample(model, parallel_tempering(glauber{}, three), observables{bad_lead{}}, plan),
                      ContainsSubstring("expected a lead component below 1, found 1"));
    auto const populations = sample(model, population_annealing(glauber{}, three, {.members = 20}),
                                    observables{mean_of_energies{}}, plan);
    CHECK_THROWS_WITH(mean_of(populations, mean_of_energies{}), ContainsSubstring("replicas have weights"));
    // 70,000 replicas have 2.4e9 pairs: a size that the caller gave, so no std::bad_alloc.
    run_plan many = plan;
    many.replicas = 70'000;
    CHECK_THROWS_WITH(sample(model, parallel_tempering(glauber{}, three), observables{overlap{}}, many),
                      ContainsSubstring("for each pair of 70000 replicas") && ContainsSubstring("GB"));
    CHECK_THROWS_AS(sample(model, parallel_tempering(glauber{}, three), observables{overlap{}}, many), error);
}
