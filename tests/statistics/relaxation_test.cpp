// SPDX-License-Identifier: BSD-3-Clause
/// Relaxation against the exact transition matrix of every scan and rule, and against closed forms.
#include "../catch.hpp"
#include "../files.hpp"
#include <spinet/ensemble/annealing.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/observable/lift.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/distributions.hpp>
#include <spinet/statistics/relaxation.hpp>
#include <spinet/testing/enumeration.hpp>
#include <spinet/testing/transition_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <stop_token>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// Independent exact draws of `replicas` states at each temperature.
template <class M>
replica_states exact_states(M const& model, ladder const& temperatures, std::size_t replicas) {
    replica_states made{temperatures, {}, {}, 1};
    std::vector<float> spins(model.size());
    for (std::size_t k = 0; k < temperatures.size(); ++k) {
        testing::exact_distribution const exact(model, temperatures[k]);
        made.spins.emplace_back(detail::groups_of(model), replicas);
        made.equilibrated.push_back(true);
        for (std::size_t r = 0; r < replicas; ++r) {
            auto const bits =
                stream(77, static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(r), purpose::testing)
                    .bits(0);
            testing::spins_of_state(exact.draw(uniform<double>(bits)), std::span(spins));
            made.spins.back().set_row(r, std::span<float const>(spins));
        }
    }
    return made;
}

/// C(t) of each part at the given times, from the matrix of one sweep: the states at t0 are distributed as
/// `from`.
template <class M>
std::vector<std::vector<double>> exact_curves(M const& model, testing::transition_matrix const& sweep,
                                              std::vector<double> const& from,
                                              std::vector<std::uint64_t> const& times) {
    auto const groups = detail::groups_of(model);
    std::vector<std::vector<double>> curves(moments::parts(groups), std::vector<double>(times.size(), 0.0));
    for (std::size_t g = 0; g < groups.size(); ++g)
        for (std::size_t i = groups[g].first; i < groups[g].first + groups[g].size; ++i) {
            auto const spin = [&](std::size_t state) { return (state >> i & 1u) != 0 ? 1.0 : -1.0; };
            std::vector<double> later(sweep.states()), next(sweep.states());
            for (std::size_t s = 0; s < later.size(); ++s) later[s] = spin(s);
            for (std::uint64_t t = 0, at = 0; at < times.size(); ++t) {
                if (t == times[at]) {
                    double sum = 0;
                    for (std::size_t s = 0; s < later.size(); ++s) sum += from[s] * spin(s) * later[s];
                    curves[0][at] += sum / static_cast<double>(model.size());
                    if (groups.size() > 1) curves[1 + g][at] += sum / static_cast<double>(groups[g].size);
                    ++at;
                }
                for (std::size_t s = 0; s < later.size(); ++s) {
                    next[s] = 0;
                    for (std::size_t to = 0; to < later.size(); ++to) next[s] += sweep.at(s, to) * later[to];
                }
                later.swap(next);
            }
        }
    return curves;
}

/// The matrix of a whole sweep, for random scans too.
template <class K, class M>
testing::transition_matrix sweep_of(M const& model, double temperature) {
    using scan = typename K::scan;
    auto const one =
        testing::exact_sweep<typename K::rule, scan>(model, 1 / temperature, scan_for<scan, M>::free_flips);
    if constexpr (!std::is_same_v<scan_for<scan, M>, random_scan>) return one;
    testing::transition_matrix all(model.size());
    for (std::size_t n = 0; n < model.size(); ++n) {
        testing::transition_matrix product(model.size());
        for (std::size_t a = 0; a < all.states(); ++a)
            for (std::size_t b = 0; b < all.states(); ++b) {
                product.at(a, b) = 0;
                for (std::size_t c = 0; c < all.states(); ++c)
                    product.at(a, b) += all.at(a, c) * one.at(c, b);
            }
        all = product;
    }
    return all;
}

/// Every point of some curves against exact ones: Student, p = 0.001 over the number of points.
void check_curves(std::vector<decay> const& found, std::vector<std::vector<double>> const& expected,
                  std::size_t comparisons) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t part = 0; part < found.size(); ++part) {
        auto const means = found[part].mean(), errors = found[part].errors();
        REQUIRE(means.size() == expected[part].size());
        auto const units = static_cast<double>(found[part].units());
        double const limit = student_t_quantile(1 - 0.0005 / static_cast<double>(comparisons), units - 1);
        for (std::size_t i = 0; i < means.size(); ++i) {
            double const error = errors(i) / student_t_quantile(normal_cdf(1.0), units - 1);
            CAPTURE(part, found[part].times()(i), means(i), expected[part][i], error);
            CHECK(std::abs(means(i) - expected[part][i]) < limit * error + 1e-12);
            CHECK(error < 0.02);
        }
    }
}

/// In equilibrium and after a quench, at two temperatures.
template <class K, class M>
void check_kernel(M const& model, K const& kernel) {
    CAPTURE(kernel.name());
    ladder const temperatures({0.8, 1.7});
    constexpr std::size_t replicas = 2000;
    auto const times = logarithmic_times(20, 8);
    std::size_t const parts = moments::parts(detail::groups_of(model));
    std::size_t const comparisons = 2 * 3 * parts * times.size() * 10;  // at most ten kernels
    auto const still = relaxation(model, kernel, exact_states(model, temperatures, replicas),
                                  {.longest = 20, .per_decade = 8, .starts = 3, .spacing = 7});
    auto const quenched = ageing(model, kernel, temperatures,
                                 {.replicas = replicas, .waiting = {0, 2}, .longest = 20, .per_decade = 8});
    REQUIRE(still.size() == 2);
    REQUIRE(quenched.size() == 4);
    for (std::size_t k = 0; k < 2; ++k) {
        auto const sweep = sweep_of<K>(model, temperatures[k]);
        testing::exact_distribution const exact(model, temperatures[k]);
        CHECK(still[k].temperature == temperatures[k]);
        CHECK(still[k].equilibrated);
        check_curves(still[k].parts, exact_curves(model, sweep, exact.probabilities(), times), comparisons);
        std::vector<double> from(sweep.states(), 1.0 / static_cast<double>(sweep.states()));
        for (std::size_t w = 0; w < 2; ++w) {
            CHECK(quenched[2 * k + w].waiting == 2 * w);
            CHECK_FALSE(quenched[2 * k + w].equilibrated);
            check_curves(quenched[2 * k + w].parts, exact_curves(model, sweep, from, times), comparisons);
            for (int waited = 0; waited < 2; ++waited) {
                std::vector<double> next(from.size(), 0.0);
                for (std::size_t a = 0; a < from.size(); ++a)
                    for (std::size_t b = 0; b < from.size(); ++b) next[b] += from[a] * sweep.at(a, b);
                from = next;
            }
        }
    }
}

/// C of one part as plain numbers.
std::vector<double> numbers(std::vector<relaxation_curve> const& curves) {
    std::vector<double> all;
    for (auto const& curve : curves)
        for (auto const& part : curve.parts) {
            auto const means = part.mean();
            all.insert(all.end(), means.begin(), means.end());
            for (std::size_t u = 0; u < part.units(); ++u)
                for (std::size_t i = 0; i < means.size(); ++i) all.push_back(part.values()(u, i));
        }
    return all;
}

}  // namespace

TEST_CASE("times are logarithmic, whole sweeps, each once, ends included", "[statistics]") {
    CHECK(logarithmic_times(1, 10) == std::vector<std::uint64_t>{1});
    CHECK(logarithmic_times(2, 10) == std::vector<std::uint64_t>{1, 2});
    CHECK(logarithmic_times(10, 3) == std::vector<std::uint64_t>{1, 2, 5, 10});
    auto const many = logarithmic_times(1'000'000, 10);
    CHECK(many.front() == 1);
    CHECK(many.back() == 1'000'000);
    CHECK(many.size() > 50);
    CHECK(many.size() <= 61);
    for (std::size_t k = 1; k < many.size(); ++k) {
        CHECK(many[k] > many[k - 1]);
        if (many[k - 1] > 100)
            CHECK(static_cast<double>(many[k]) / static_cast<double>(many[k - 1]) ==
                  Approx(1.2589).epsilon(0.01));
    }
    CHECK_THROWS_AS(logarithmic_times(0, 10), error);
    CHECK_THROWS_AS(logarithmic_times(10, 0), error);
}

TEST_CASE("C(t) is that of the exact transition matrix: networks", "[statistics][slow]") {
    auto const model = random_layered_glass<float>({3, 2, 2}, {0.5, 0.7}, 3);
    check_kernel(model, glauber{});
    check_kernel(model, metropolis{});
    check_kernel(model, glauber{random_scan{}});
}

TEST_CASE("C(t) is that of the exact transition matrix: fields, lattices, dense models",
          "[statistics][slow]") {
    // A chain with fields: C does not go to 0.
    check_kernel(sparse_ising<float>(5, {{0, 1, 1.0f}, {1, 2, -0.7f}, {2, 3, 0.4f}, {3, 4, 1.2f}},
                                     {0.3f, 0.0f, -0.5f, 0.1f, 0.8f}),
                 metropolis{random_scan{}});
    check_kernel(edwards_anderson<float>({6}, gaussian_bonds{}, 5), glauber{sequential_scan{}});
    check_kernel(sherrington_kirkpatrick<float>(6, 9), glauber{});
    check_kernel(sherrington_kirkpatrick<float>(6, 9), metropolis{random_scan{}});
}

TEST_CASE("free spins: every visit forgets, under heat bath", "[statistics]") {
    // Sequential: all are visited in a sweep, so C(t) = 0. Random scan: a site is left out of t sweeps with
    // probability (1 - 1/N)^(N t). In fields the rest is m^2 = tanh^2(b / T).
    constexpr std::size_t spins = 100, replicas = 200;
    double const field = 0.6, temperature = 1.2, m2 = std::pow(std::tanh(field / temperature), 2);
    sparse_ising<float> const model(spins, {}, std::vector<float>(spins, static_cast<float>(field)));
    replica_states from{ladder({temperature}), {stored_spins(detail::groups_of(model), replicas)}, {true}, 1};
    std::vector<float> row(spins);
    for (std::uint32_t r = 0; r < replicas; ++r) {
        for (std::uint32_t i = 0; i < spins; ++i)
            row[i] = uniform<double>(stream(5, 0, r, purpose::testing).bits(i)) <
                             (1 + std::tanh(field / temperature)) / 2
                         ? 1.0f
                         : -1.0f;
        from.spins[0].set_row(r, std::span<float const>(row));
    }
    relaxation_plan const plan{.longest = 10, .per_decade = 10, .starts = 4};
    auto const times = logarithmic_times(10, 10);
    std::vector<double> in_order(times.size(), m2), at_random;
    for (auto const t : times)
        at_random.push_back(m2 + (1 - m2) * std::pow(1 - 1.0 / spins, static_cast<double>(spins * t)));
    check_curves(relaxation(model, glauber{sequential_scan{}}, from, plan)[0].parts, {in_order}, 20);
    auto const found = relaxation(model, glauber{random_scan{}}, from, plan)[0].parts;
    check_curves(found, {at_random}, 20);
    auto const tau = integrated_decay_time(found[0], {.plateau = m2});
    CHECK(tau.reached);
    CHECK(std::abs(tau.value - 1) < 4 * tau.error + 0.01);  // (1 - 1/N)^N is exp(-1) to 0.5 %
    CHECK(tau.error < 0.05);
}

TEST_CASE("one spin in a field: Metropolis has the eigenvalue it must have", "[statistics]") {
    // Flips: against the field with exp(-2 b / T), along it always. C(t) = m^2 + (1 - m^2) (-exp(-2 b /
    // T))^t.
    double const b = 0.4, temperature = 1.0, cost = std::exp(-2 * b / temperature),
                 m2 = std::pow(std::tanh(b / temperature), 2);
    sparse_ising<float> const model(1, {}, {static_cast<float>(b)});
    auto const times = logarithmic_times(6, 10);
    std::vector<double> expected;
    for (auto const t : times) expected.push_back(m2 + (1 - m2) * std::pow(-cost, static_cast<double>(t)));
    auto const found =
        relaxation(model, metropolis{random_scan{}}, exact_states(model, ladder({1.0}), 20'000),
                   {.longest = 6, .per_decade = 10, .starts = 2});
    check_curves(found[0].parts, {expected}, times.size());
}

TEST_CASE("a ring under random-scan heat bath follows Glauber's solution", "[statistics]") {
    // In continuous time the equilibrium autocorrelation of the infinite chain is
    // C(t) = sum_n eta^|n| exp(-t) I_n(gamma t), gamma = tanh(2 / T), eta = tanh(1 / T). Updates of N spins
    // at random instead of at Poisson times change it by a relative O(t / N): below 2e-3 here, as do ends.
    constexpr std::size_t spins = 2000, replicas = 24;
    double const temperature = 1.5, gamma = std::tanh(2 / temperature), eta = std::tanh(1 / temperature);
    auto const model = ising_lattice<float>({spins});
    replica_states from{ladder({temperature}), {stored_spins(detail::groups_of(model), replicas)}, {true}, 1};
    std::vector<float> row(spins);
    for (std::uint32_t r = 0; r < replicas; ++r) {
        // Bonds of an open chain are independent; the ring's closing bond matters to eta^N only.
        stream const draws(6, 0, r, purpose::testing);
        row[0] = (draws.bits(0) >> 31) != 0 ? 1.0f : -1.0f;
        for (std::uint32_t i = 1; i < spins; ++i)
            row[i] = uniform<double>(draws.bits(i)) < (1 + eta) / 2 ? row[i - 1] : -row[i - 1];
        from.spins[0].set_row(r, std::span<float const>(row));
    }
    auto const found = relaxation(model, glauber{random_scan{}}, from, {.longest = 16, .starts = 6});
    auto const means = found[0].parts[0].mean(), errors = found[0].parts[0].errors();
    double const limit = student_t_quantile(1 - 0.0005 / static_cast<double>(means.size()), replicas - 1);
    for (std::size_t i = 0; i < means.size(); ++i) {
        double const t = found[0].parts[0].times()[i];
        double expected = 0;
        for (int n = -60; n <= 60; ++n) {
            double bessel = 0;  // I_n(x), by its integral; the trapezoidal rule is exact here
            for (int k = 0; k < 400; ++k) {
                double const angle = 2 * std::numbers::pi * k / 400;
                bessel += std::exp(gamma * t * (std::cos(angle) - 1)) * std::cos(n * angle) / 400;
            }
            expected += std::pow(eta, std::abs(n)) * bessel * std::exp((gamma - 1) * t);
        }
        CAPTURE(t, means(i), expected, errors(i));
        CHECK(std::abs(means(i) - expected) < limit * errors(i) + 2e-3);
        CHECK(errors(i) < 0.01);
    }
}

TEST_CASE("an ageing system ages: coarsening after a quench", "[statistics]") {
    // A two-dimensional ferromagnet below T_c: C(t_w, t_w + t) at t = t_w depends on t / t_w only, so that it
    // is smaller at a fixed t for a younger system.
    auto const found =
        ageing(ising_lattice<float>({32, 32}), multi_spin<metropolis<sequential_scan>>{}, ladder({1.2}),
               {.replicas = 64, .waiting = {2, 8, 32}, .longest = 32, .per_decade = 4});
    REQUIRE(found.size() == 3);
    for (std::size_t w = 0; w + 1 < 3; ++w) {
        auto const &young = found[w].parts[0], &old = found[w + 1].parts[0];
        CHECK(old.mean().back() > young.mean().back() + 5 * (young.errors().back() + old.errors().back()));
    }
}

TEST_CASE("a relaxation starts from what a run left", "[statistics]") {
    auto const glass = random_layered_glass<float>({40, 30, 20}, {0.02, 0.03}, 4);
    ladder const temperatures({0.5, 1.0, 2.0});
    run_plan plan{.replicas = 6, .warmup = 10, .sweeps = 50, .keep_spins = true};
    auto const method = parallel_tempering(glauber{}, temperatures);
    std::vector<std::vector<float>> last;
    auto const see = per_replica("spins", [&](auto spins) {
        last.emplace_back(spins.begin(), spins.end());
        return 0.0;
    });
    auto const done = sample(glass, method, observables{see}, plan);
    REQUIRE(done.spins.size() == 3);
    // The last measurement is after the last sweep, temperature after temperature.
    REQUIRE(last.size() % 18 == 0);
    std::vector<float> row(glass.size());
    for (std::size_t k = 0; k < 3; ++k)
        for (std::size_t r = 0; r < 6; ++r) {
            done.spins[k].copy_row(r, std::span(row));
            CHECK(row == last[last.size() - 18 + 6 * k + r]);
        }
    CHECK(done.spins[0].groups().size() == 3);
    CHECK(done.spins[1].overlap(2, 2) == 1.0);

    auto const all = states_of(done);
    CHECK(all.temperatures.temperatures() == temperatures.temperatures());
    CHECK(all.equilibrated == std::vector<bool>{false, false, false});
    auto const some = states_of(done, {1});
    CHECK(some.temperatures.temperatures() == std::vector<double>{1.0});
    CHECK(some.spins[0].overlap(0, 5) == done.spins[1].overlap(0, 5));
    auto const curves = relaxation(glass, glauber{}, all, {.longest = 50, .starts = 5});
    REQUIRE(curves.size() == 3);
    CHECK(curves[0].parts.size() == 4);
    CHECK(curves[0].parts[2].units() == 6);
    CHECK(curves[0].parts[0].times().back() == 50);
    // Colder is slower.
    CHECK(curves[0].parts[0].mean().front() > curves[2].parts[0].mean().front());

    // A run that goes on from a checkpoint ends with the same spins.
    checkpoint frozen;
    (void)sample(glass, method, observables{energy{}}, plan, serial{}, [&](progress const& now) {
        if (now.save && now.sweeps_done <= 30) frozen = now.save();
        return true;
    });
    auto const resumed = resume(frozen, glass, method, observables{energy{}}, plan);
    for (std::size_t k = 0; k < 3; ++k)
        for (std::size_t r = 0; r < 6; ++r) {
            std::vector<float> again(glass.size());
            resumed.spins[k].copy_row(r, std::span(again));
            done.spins[k].copy_row(r, std::span(row));
            CHECK(again == row);
        }

    plan.keep_spins = false;
    auto const none = sample(glass, method, observables{energy{}}, plan);
    CHECK(none.spins.empty());
    CHECK_THAT(error_of([&] { return states_of(none); }), ContainsSubstring("keep_spins"));
    CHECK_THAT(error_of([&] { return states_of(done, {3}); }), ContainsSubstring("below 3, found 3"));
    CHECK_THAT(error_of([&] { return states_of(done, {1, 0}); }), ContainsSubstring("ladder"));
    plan.keep_spins = true;
    CHECK_THAT(error_of([&] {
                   return sample(glass, annealing(glauber{}, temperatures), observables{energy{}}, plan);
               }),
               ContainsSubstring("one after the other"));
}

TEST_CASE("curves are the same on any executor, and another seed gives others", "[statistics]") {
    auto const glass = random_layered_glass<float>({30, 20}, {0.04}, 4);
    ladder const temperatures({0.7, 1.5});
    ageing_plan plan{.replicas = 40, .waiting = {0, 3, 70}, .longest = 130};
    auto const one = numbers(ageing(glass, glauber{}, temperatures, plan));
    CHECK(numbers(ageing(glass, glauber{}, temperatures, plan, threads{3})) == one);
    plan.seed = 2;
    CHECK(numbers(ageing(glass, glauber{}, temperatures, plan)) != one);
    auto const random = numbers(ageing(glass, glauber{random_scan{}}, temperatures, plan));
    CHECK(numbers(ageing(glass, glauber{random_scan{}}, temperatures, plan, threads{2})) == random);
    auto const turned = ageing(glass, mirrored{glauber{}}, temperatures, plan);
    CHECK(turned.size() == 6);
}

TEST_CASE("joined replicas are one unit", "[statistics]") {
    auto const model = edwards_anderson<float>({4, 4}, gaussian_bonds{}, 5);
    auto from = exact_states(edwards_anderson<float>({4, 4}, gaussian_bonds{}, 5), ladder({1.0}), 8);
    relaxation_plan const plan{.longest = 9, .starts = 2};
    auto const alone = relaxation(model, glauber{}, from, plan)[0].parts[0];
    from.replicas_per_block = 2;
    auto const pairs = relaxation(model, glauber{}, from, plan)[0].parts[0];
    REQUIRE(pairs.units() == 4);
    for (std::size_t i = 0; i < pairs.times().size(); ++i)
        CHECK(pairs.values()(1, i) ==
              Approx((alone.values()(2, i) + alone.values()(3, i)) / 2).margin(1e-15));
}

TEST_CASE("a relaxation shows its progress and stops when told", "[statistics]") {
    auto const glass = random_layered_glass<float>({30, 20}, {0.04}, 4);
    ageing_plan const plan{.replicas = 4, .waiting = {0, 150}, .longest = 300};
    std::uint64_t calls = 0, last = 0, ends = 0;
    auto const watch = [&](progress const& now) {
        CHECK(now.phase == run_phase::measuring);
        CHECK(now.sweeps_total == 450);
        CHECK(now.sweeps_done > last);
        CHECK(now.sweeps_done <= last + 64);
        CHECK_FALSE(now.save);
        last = now.sweeps_done;
        ++calls;
        ends += now.last ? 1 : 0;
        return true;
    };
    auto const whole = ageing(glass, glauber{}, ladder({1.0}), plan, serial{}, watch);
    CHECK(last == 450);
    CHECK(calls == 8);
    CHECK(ends == 1);
    std::uint64_t told = 0;
    auto const stopped = ageing(glass, glauber{}, ladder({1.0}), plan, serial{}, [&](progress const& now) {
        told += now.last ? 1 : 0;
        return now.sweeps_done < 120;
    });
    CHECK(told == 1);
    // Stopped after 128 sweeps: the first curve up to there, nothing of the second.
    REQUIRE(stopped.size() == 2);
    CHECK(stopped[1].parts.empty());
    auto const &part = stopped[0].parts[0], &full = whole[0].parts[0];
    CHECK(part.times().back() <= 128);
    CHECK(part.times().back() > 90);
    for (std::size_t i = 0; i < part.times().size(); ++i) {
        CHECK(part.times()[i] == full.times()[i]);
        CHECK(part.mean()(i) == full.mean()(i));
    }
    // In equilibrium the first reference is the start itself: 3 spacings and the longest time.
    std::uint64_t total = 0;
    auto const model = edwards_anderson<float>({4, 4}, gaussian_bonds{}, 5);
    (void)relaxation(model, glauber{}, exact_states(model, ladder({1.0}), 4),
                     {.longest = 40, .starts = 4, .spacing = 7}, serial{}, [&](progress const& now) {
                         total = now.sweeps_total;
                         return true;
                     });
    CHECK(total == 3 * 7 + 40);
    // Told to stop when it is at its end, it does not say so twice.
    ends = 0;
    (void)ageing(glass, glauber{}, ladder({1.0}), plan, serial{}, [&](progress const& now) {
        ends += now.last ? 1 : 0;
        return !now.last;
    });
    CHECK(ends == 1);
    std::stop_source source;
    source.request_stop();
    auto const token = ageing(glass, glauber{}, ladder({1.0}), plan, serial{}, source.get_token());
    CHECK(token[0].parts[0].times().back() <= 64);
}

TEST_CASE("relaxations refuse what they cannot do", "[statistics]") {
    auto const model = edwards_anderson<float>({4, 4}, gaussian_bonds{}, 5);
    auto const from = exact_states(model, ladder({1.0}), 8);
    auto const text = [&](replica_states const& states, relaxation_plan const& plan) {
        return error_of([&] { return relaxation(model, glauber{}, states, plan); });
    };
    CHECK_THAT(text(from, {.starts = 0}), ContainsSubstring("at least 1 start"));
    CHECK_THAT(text(from, {.longest = 0}), ContainsSubstring("at least 1"));
    CHECK_THAT(text(from, {.longest = 1, .starts = 9, .spacing = 1u << 30}),
               ContainsSubstring("2^32 - 1 sweeps"));
    CHECK_THAT(text(from, {.longest = std::uint64_t{1} << 40}), ContainsSubstring("2^32 - 1 sweeps"));
    auto other = from;
    other.spins[0] = stored_spins({{"all", 0, 15}}, 8);
    CHECK_THAT(text(other, {}), ContainsSubstring("8 replicas of 16 spins, found 8 of 15"));
    other = from;
    other.spins.push_back(other.spins[0]);
    CHECK_THAT(text(other, {}), ContainsSubstring("found 2 and 1"));
    other = from;
    other.replicas_per_block = 8;
    CHECK_THAT(text(other, {}), ContainsSubstring("2 independent units"));
    other.replicas_per_block = 3;
    CHECK_THAT(text(other, {}), ContainsSubstring("2 independent units"));
    auto const age = [&](ageing_plan const& plan) {
        return error_of([&] { return ageing(model, glauber{}, ladder({1.0}), plan); });
    };
    CHECK_THAT(age({.replicas = 1}), ContainsSubstring("at least 2 replicas"));
    CHECK_THAT(age({.waiting = {}}), ContainsSubstring("no waiting times"));
    CHECK_THAT(age({.waiting = {3, 3}}), ContainsSubstring("waiting time 1 (3) is not above"));
    CHECK_THAT(error_of([&] { return ageing(model, glauber{}, ladder({1e-39}), {}); }),
               ContainsSubstring("overflows"));
}

TEST_CASE("stored spins come back as they were", "[observable]") {
    stored_spins kept({{"a", 0, 3}, {"b", 3, 70}}, 2);
    std::vector<float> row(73), back(73);
    for (std::uint32_t r = 0; r < 2; ++r) {
        stream(3, 0, r, purpose::testing).fill_signs(std::span(row));
        kept.set_row(r, std::span<float const>(row));
        kept.copy_row(r, std::span(back));
        CHECK(back == row);
    }
    double sum = 0;
    kept.copy_row(0, std::span(row));
    for (std::size_t i = 0; i < 73; ++i) sum += static_cast<double>(row[i] * back[i]);
    CHECK(kept.overlap(0, 1) == sum / 73);
    CHECK_THROWS_AS(kept.row(2), error);
    CHECK_THROWS_AS(kept.set_row(0, std::span<float const>(row).first(72)), error);
    CHECK_THROWS_AS(stored_spins({{"a", 1, 3}}, 2), error);
    CHECK_THROWS_AS(stored_spins({}, 2), error);
}
