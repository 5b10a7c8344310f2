// SPDX-License-Identifier: BSD-3-Clause
/// Verdicts on synthetic runs: how often a run in perfect equilibrium is flagged, and that each fault is.
#include "../catch.hpp"
#include <spinet/random/streams.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

using full_run = run<energy, overlap>;

/// Four layers, so five parts: the whole and each layer.
std::vector<spin_group> four_layers() { return {{"a", 0, 24}, {"b", 24, 16}, {"c", 40, 8}, {"d", 48, 4}}; }

full_run empty_run(std::size_t replicas, std::size_t temperatures, std::uint64_t measurements) {
    run_plan plan;
    plan.replicas = replicas;
    plan.warmup = 0;
    plan.measure_every = 1;
    plan.sweeps = measurements;
    std::vector<double> t;
    for (std::size_t k = 0; k < temperatures; ++k) t.push_back(1.0 + 0.25 * static_cast<double>(k));
    full_run made{{{}, ladder(t), plan, 52, four_layers()}, {}};
    made.exchanges = true;
    made.exchange = {std::vector<std::uint64_t>(temperatures - 1, 100),
                     std::vector<std::uint64_t>(temperatures - 1, 50),
                     std::vector<std::uint64_t>(replicas, 12)};
    made.sweeps_done = measurements;
    made.paramagnet_above = t.back();
    made.recorders.emplace_back(
        temperatures, recorder(each_replica{}, replicas, energy{}.components(made.groups), energy::lead));
    made.recorders.emplace_back(
        temperatures, recorder(each_pair{}, replicas, overlap{}.components(made.groups), overlap::lead));
    made.cold_states = {"the annealing", "plus mode 1", "the annealing", "minus mode 1"};
    return made;
}

// Equilibrated runs: each draws the spins of one replica at one measurement, from 128 random words.

struct place {
    std::size_t temperature;
    std::uint32_t fresh;     ///< a random word of this measurement
    std::uint32_t for_ever;  ///< one of the whole run
};

/// Independent fair spins.
struct paramagnet {
    static constexpr char const* name = "paramagnet";
    void operator()(std::span<std::uint32_t const> words, place const&, std::span<float> spins) const {
        for (std::size_t i = 0; i < spins.size(); ++i) spins[i] = words[i] >> 31 != 0 ? 1.0f : -1.0f;
    }
};

/// Spins that follow the pattern `valley` of a temperature (0: all up) with probability 0.85.
void follow(std::span<std::uint32_t const> words, std::uint32_t valley, std::size_t temperature, float sign,
            std::span<float> spins) {
    std::uint32_t pattern[64];
    stream(4711, valley, static_cast<std::uint32_t>(temperature), purpose::testing).fill(0, pattern);
    for (std::size_t i = 0; i < spins.size(); ++i) {
        float const s = valley == 0 || pattern[i] >> 31 != 0 ? sign : -sign;
        spins[i] = uniform<double>(words[i]) < 0.85 ? s : -s;
    }
}

/// One valley and its mirror image.
struct ordered {
    static constexpr char const* name = "ordered, flipping";
    void operator()(std::span<std::uint32_t const> words, place const& at, std::span<float> spins) const {
        follow(words, 0, at.temperature, at.fresh >> 31 != 0 ? 1.0f : -1.0f, spins);
    }
};

/// Unrelated valleys with weights 1/2, 1/4, 1/4; replicas change between them all the time.
struct three_valleys {
    static constexpr char const* name = "three valleys";
    static std::uint32_t valley(std::uint32_t bits) { return bits % 4 < 2 ? 0 : bits % 4 - 1; }
    void operator()(std::span<std::uint32_t const> words, place const& at, std::span<float> spins) const {
        follow(words, valley(at.fresh), at.temperature, 1.0f, spins);
    }
};

/// The same, but every replica spends the whole run in one valley: the overlaps take few values, and a
/// delete-one error from 16 replicas, or 8, knows too little of their distribution.
struct frozen_valleys {
    static constexpr char const* name = "three valleys, each replica in one for the whole run";
    void operator()(std::span<std::uint32_t const> words, place const& at, std::span<float> spins) const {
        follow(words, three_valleys::valley(at.for_ever), at.temperature, 1.0f, spins);
    }
};

template <class Draw>
full_run equilibrated_run(Draw const& draw, std::uint64_t seed, std::size_t replicas,
                          std::size_t temperatures, std::uint32_t measurements) {
    auto made = empty_run(replicas, temperatures, measurements);
    std::size_t const sites = made.sites;
    std::vector<float> spins(replicas * sites);
    std::vector<double> energies(replicas), out;
    for (std::size_t k = 0; k < temperatures; ++k)
        for (std::uint32_t m = 0; m < measurements; ++m) {
            for (std::size_t r = 0; r < replicas; ++r) {
                auto const row = static_cast<std::uint32_t>(k * replicas + r);
                std::uint32_t words[128];
                stream(seed, m, row, purpose::testing).fill(0, words);
                place const at{k, words[127], stream(seed, 0, row, purpose::start).bits(0)};
                draw(std::span<std::uint32_t const>(words), at,
                     std::span<float>(spins).subspan(r * sites, sites));
                energies[r] = static_cast<double>(sites) *
                              (-1.0 + 0.1 * normal(stream(seed, m, row, purpose::pilot), 0));
            }
            cohort<float> const seen{
                {spins.data(), replicas, sites, sites}, energies, made.groups, made.temperatures[k]};
            auto const stage = recorder::stage_of(m, measurements);
            out.assign(2 * replicas, 0.0);
            energy{}.measure(seen, std::span<double>(out));
            made.recorders[0][k].add(stage, out);
            auto& overlaps = made.recorders[1][k];
            out.assign(overlaps.units() * overlaps.width(), 0.0);
            overlap{}.measure(seen, std::span<double>(out));
            overlaps.add(stage, out);
        }
    return made;
}

/// The rule of the design as first written: any |difference| above three errors, hot against cold and late
/// against later. `with_student`: errors as the library prints them, else plain standard errors.
bool fails_flat_rule(full_run const& of, double errors, bool with_student) {
    std::vector<std::size_t> hot, cold;
    for (std::size_t r = 0; r < of.plan.replicas; ++r) (r % 2 == 0 ? hot : cold).push_back(r);
    for (std::size_t k = 0; k < of.temperatures.size(); ++k)
        for (auto const& quantity :
             detail::judged_quantities(of, of.recorders[0][k], of.recorders[1][k], nullptr, 0.0)) {
            auto const size = [&](jackknife_estimate const& e) {
                return with_student ? e.error : e.error / detail::one_error_factor(e.units);
            };
            auto const a = jackknife(sums_over(*quantity.recorded, hot), quantity.component);
            auto const b = jackknife(sums_over(*quantity.recorded, cold), quantity.component);
            if (std::abs(a.value - b.value) > errors * std::hypot(size(a), size(b))) return true;
            auto const early = sums_over_all(*quantity.recorded, {2, 3}),
                       late = sums_over_all(*quantity.recorded, {3, 4});
            auto const change = jackknife(early.units(), [&](std::size_t left_out) {
                return late.mean(left_out, quantity.component) - early.mean(left_out, quantity.component);
            });
            if (std::abs(change.value) > errors * size(change)) return true;
        }
    return false;
}

template <class Draw>
full_run nth_equilibrated_run(std::uint32_t n, std::uint32_t measurements) {
    return equilibrated_run(Draw{}, child_seed(20'240'602, purpose::testing, n), 16, 24, measurements);
}

/// Errors of so short a run are large: that is no false alarm, so the tolerance is out of the way.
bool is_flagged(full_run const& of) {
    for (auto const& each : equilibration(of, {.overlap_tolerance = 10}))
        if (!each.equilibrated) return true;
    return false;
}

// Runs made to order: normal numbers about given means.

/// `mean(temperature, quantity, stage, cold)`; quantity 0 is the energy, 1 + part is |q| of that part.
using mean_function = std::function<double(std::size_t, std::size_t, std::size_t, bool)>;

double flat_mean(std::size_t, std::size_t quantity, std::size_t, bool) { return quantity == 0 ? -1.0 : 0.3; }

full_run run_about(mean_function const& mean, double scatter = 0.01, std::size_t replicas = 16,
                   std::size_t temperatures = 6) {
    constexpr std::uint32_t measurements = 32;
    auto made = empty_run(replicas, temperatures, measurements);
    for (std::size_t k = 0; k < temperatures; ++k)
        for (std::uint32_t m = 0; m < measurements; ++m) {
            std::size_t const stage = recorder::stage_of(m, measurements);
            stream const draws(99, m, static_cast<std::uint32_t>(k), purpose::testing);
            std::uint32_t next = 0;
            std::vector<double> energies;
            for (std::size_t r = 0; r < replicas; ++r) {
                double const u = mean(k, 0, stage, r % 2 == 1) + scatter * normal(draws, next++);
                energies.push_back(u);
                energies.push_back(u * u);
            }
            made.recorders[0][k].add(stage, energies);
            std::vector<double> overlaps;
            for (std::size_t a = 0; a < replicas; ++a)
                for (std::size_t b = a + 1; b < replicas; ++b)
                    for (std::size_t part = 0; part < 5; ++part) {
                        double const q = mean(k, 1 + part, stage, a % 2 == 1 && b % 2 == 1) +
                                         scatter * normal(draws, next++);
                        for (double const x : {q, std::abs(q), q * q, q * q * q * q}) overlaps.push_back(x);
                    }
            made.recorders[1][k].add(stage, overlaps);
        }
    return made;
}

/// Energies alone differ: `mean(temperature, replica)`.
full_run run_about_each(std::function<double(std::size_t, std::size_t)> const& mean, double unit = 1) {
    auto made = run_about(flat_mean);
    constexpr std::uint32_t measurements = 32;
    for (std::size_t k = 0; k < made.temperatures.size(); ++k) {
        made.recorders[0][k] =
            recorder(each_replica{}, made.plan.replicas, energy{}.components(made.groups), energy::lead);
        for (std::uint32_t m = 0; m < measurements; ++m) {
            stream const draws(98, m, static_cast<std::uint32_t>(k), purpose::testing);
            std::vector<double> energies;
            for (std::size_t r = 0; r < made.plan.replicas; ++r) {
                double const u = unit * (mean(k, r) + 0.01 * normal(draws, static_cast<std::uint32_t>(r)));
                energies.push_back(u);
                energies.push_back(u * u);
            }
            made.recorders[0][k].add(recorder::stage_of(m, measurements), energies);
        }
    }
    return made;
}

/// For runs made to order: a correct judge sees a fault that is not there in 1 of 10,000 seeds.
constexpr equilibration_rules one_in_10000{.false_alarm = 1e-4};

std::vector<verdict> judged(full_run const& of, equilibration_rules rules = one_in_10000) {
    return equilibration(of, rules);
}

std::string reasons(verdict const& of) {
    std::string all;
    for (auto const& reason : of.reasons) all += reason + "\n";
    return all;
}

/// Temperatures above `failing` pass, `failing` says `why`, those below name it.
void check_fails_from(std::vector<verdict> const& verdicts, full_run const& of, std::size_t failing,
                      std::string const& why) {
    for (std::size_t k = 0; k < verdicts.size(); ++k) {
        CAPTURE(k, reasons(verdicts[k]));
        CHECK(verdicts[k].equilibrated == (k > failing));
        CHECK(verdicts[k].reasons.empty() == (k > failing));
        if (k == failing) CHECK_THAT(reasons(verdicts[k]), ContainsSubstring(why));
        if (k < failing)
            CHECK_THAT(reasons(verdicts[k]),
                       ContainsSubstring(
                           "T = " + detail::equilibration_judge<run_record>::text(of.temperatures[failing]) +
                           " above it is not equilibrated"));
    }
}

void check_all_fail(std::vector<verdict> const& verdicts, std::string const& why) {
    for (auto const& each : verdicts) {
        CHECK_FALSE(each.equilibrated);
        CHECK_THAT(reasons(each), ContainsSubstring(why));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("runs in equilibrium are flagged no more often than the rules say", "[statistics][slow]",
                   paramagnet, ordered, three_valleys) {
    constexpr std::uint32_t runs = 100;
    std::size_t flagged = 0;
    for (std::uint32_t n = 0; n < runs; ++n)
        flagged += is_flagged(nth_equilibrated_run<TestType>(n, 16)) ? 1 : 0;
    double const most = equilibration_rules{}.false_alarm;
    CAPTURE(TestType::name);
    // Three standard deviations of a count at the stated rate; the measured rates are well below it.
    CHECK(static_cast<double>(flagged) / runs <= most + 3 * std::sqrt(most * (1 - most) / runs));
}

// spinet_test_statistics "[false_alarms]" prints the figures of docs/rationale.md.
TEMPLATE_TEST_CASE("false alarms of equilibration rules", "[.][false_alarms]", paramagnet, ordered,
                   three_valleys, frozen_valleys) {
    for (std::uint32_t const measurements : {16u, 64u}) {
        constexpr std::uint32_t runs = 1000;
        std::size_t rule = 0, flat = 0, flat_plain = 0;
        for (std::uint32_t n = 0; n < runs; ++n) {
            auto const made = nth_equilibrated_run<TestType>(n, measurements);
            rule += is_flagged(made) ? 1 : 0;
            flat += fails_flat_rule(made, 3, true) ? 1 : 0;
            flat_plain += fails_flat_rule(made, 3, false) ? 1 : 0;
        }
        std::printf(
            "%s, %u measurements: of %u equilibrated runs the rule flags %zu; 3 errors flag %zu, 3 standard "
            "errors %zu\n",
            TestType::name, measurements, runs, rule, flat, flat_plain);
        CHECK(flat >= rule);
    }
}

TEST_CASE("a run without a fault passes at every temperature", "[statistics]") {
    auto const made = run_about(flat_mean);
    auto const verdicts = judged(made);
    REQUIRE(verdicts.size() == 6);
    for (auto const& each : verdicts) {
        CAPTURE(reasons(each));
        CHECK(each.equilibrated);
        CHECK(each.reasons.empty());
    }
}

TEST_CASE("hot and cold starts that disagree are flagged, and all that is colder", "[statistics][slow]") {
    // At this level each of the 72 comparisons allows about 8 standard errors.
    double const energy_error = 0.01 / std::sqrt(32.0 * 8.0) * std::sqrt(2.0);
    for (double const sign : {1.0, -1.0}) {
        auto const hot_cold =
            run_about([&](std::size_t k, std::size_t quantity, std::size_t stage, bool cold) {
                return flat_mean(k, quantity, stage, cold) +
                       (k == 3 && quantity == 0 && cold ? sign * 25 * energy_error : 0.0);
            });
        check_fails_from(judged(hot_cold), hot_cold, 3, "hot and cold starts disagree in the energy");
    }
    std::vector<std::string> const names{"|q|", "|q| of a", "|q| of b", "|q| of c", "|q| of d"};
    for (std::size_t part = 0; part < 5; ++part) {
        // 6 pairs of replicas from the annealing.
        double const overlap_error = 0.01 / std::sqrt(32.0 * 6.0) * std::sqrt(2.0);
        auto const differs =
            run_about([&](std::size_t k, std::size_t quantity, std::size_t stage, bool cold) {
                return flat_mean(k, quantity, stage, cold) +
                       (k == 5 && quantity == 1 + part && cold ? 50 * overlap_error : 0.0);
            });
        check_fails_from(judged(differs), differs, 5, "hot and cold starts disagree in " + names[part] + ":");
    }
    // The same difference of 2 standard errors is none.
    auto const close = run_about([&](std::size_t k, std::size_t quantity, std::size_t stage, bool cold) {
        return flat_mean(k, quantity, stage, cold) +
               (k == 3 && quantity == 0 && cold ? 2 * energy_error : 0.0);
    });
    for (auto const& each : judged(close)) CHECK(each.equilibrated);
}

TEST_CASE("replicas of one cold state that differ from all others are flagged", "[statistics]") {
    // Replicas 3 and 11 start from "plus mode 1": cold replica j from state j % 4.
    for (double const shift : {0.03, -0.03}) {
        auto const differs = run_about_each([&](std::size_t k, std::size_t replica) {
            return -1.0 + (k == 2 && (replica == 3 || replica == 11) ? shift : 0.0);
        });
        check_fails_from(judged(differs), differs, 2,
                         "starts disagree in the energy: replicas from plus mode 1");
    }
    // The unit of energy does not matter.
    for (double const unit : {1e-9, 1e9}) {
        auto const scaled = run_about_each(
            [&](std::size_t k, std::size_t replica) {
                return -1.0 + (k == 2 && (replica == 3 || replica == 11) ? 0.03 : 0.0);
            },
            unit);
        check_fails_from(judged(scaled), scaled, 2,
                         "starts disagree in the energy: replicas from plus mode 1");
        auto const shifted = run_about_each(
            [&](std::size_t k, std::size_t replica) {
                return -1.0 + (k == 2 && replica % 2 == 1 ? 0.03 : 0.0);
            },
            unit);
        check_fails_from(judged(shifted), shifted, 2, "hot and cold starts disagree in the energy");
    }
    // The same two numbers in replicas of different states say nothing against them.
    auto const scattered = run_about_each([&](std::size_t k, std::size_t replica) {
        return -1.0 + (k == 2 && (replica == 3 || replica == 4) ? 0.03 : 0.0);
    });
    for (auto const& each : judged(scattered))
        CHECK_THAT(reasons(each), !ContainsSubstring("starts disagree in the energy: replicas"));
    // Without names of states, as in a run that started hot, nothing is compared.
    auto unnamed = run_about(flat_mean);
    unnamed.cold_states.clear();
    for (auto const& each : judged(unnamed)) CHECK(each.equilibrated);
}

TEST_CASE("an excitation that one replica saw for a moment is no other state", "[statistics]") {
    // All energies are equal but one measurement of the only replica of "plus mode 1": within all groups the
    // variance is 0.
    auto made = run_about(flat_mean);
    made.cold_states = {"the annealing", "plus mode 1",       "the annealing", "minus mode 1",
                        "the annealing", "another annealing", "the annealing", "plus mode 2"};
    for (auto& at : made.recorders[0])
        at = recorder(each_replica{}, 16, energy{}.components(made.groups), energy::lead);
    for (std::size_t k = 0; k < made.temperatures.size(); ++k)
        for (std::uint32_t m = 0; m < 32; ++m) {
            std::vector<double> energies;
            for (std::size_t r = 0; r < 16; ++r) {
                double const u = r == 3 && m == 20 ? -0.5 : -1.0;
                energies.push_back(u);
                energies.push_back(u * u);
            }
            made.recorders[0][k].add(recorder::stage_of(m, 32), energies);
        }
    for (auto const& each : judged(made))
        CHECK_THAT(reasons(each), !ContainsSubstring("starts disagree in the energy: replicas"));
}

TEST_CASE("Fisher's F has its nominal level", "[statistics]") {
    // 8 hot replicas, 4 of the annealing and 4 of "plus mode 1", each group at +-1 about its mean, which is
    // 0, 0 and d: 16 is the sum of squares within, with 13 degrees of freedom, and 3 d^2 that between,
    // with 2. P(F > x) = (1 + 2 x / 13)^-6.5, so p = 0.001 is at x = 12.313, d = 3.179.
    for (auto const& [d, flagged] : {std::pair(3.1, false), std::pair(3.25, true)}) {
        auto made = run_about(flat_mean, 0.01, 16, 1);
        made.cold_states = {"the annealing", "plus mode 1"};
        made.recorders[0][0] = recorder(each_replica{}, 16, energy{}.components(made.groups), energy::lead);
        for (std::uint32_t m = 0; m < 32; ++m) {
            std::vector<double> energies;
            for (std::size_t r = 0; r < 16; ++r) {
                double const u = (r / 4 % 2 == 0 ? 1.0 : -1.0) + (r % 4 == 3 ? d : 0.0);
                energies.push_back(u);
                energies.push_back(u * u);
            }
            made.recorders[0][0].add(recorder::stage_of(m, 32), energies);
        }
        // Of 15 comparisons each has two thirds of its share.
        auto const verdicts = equilibration(made, {.false_alarm = 0.001 * 15 * 1.5});
        CAPTURE(d, reasons(verdicts[0]));
        CHECK((reasons(verdicts[0]).find("starts disagree in the energy: replicas from plus mode 1") !=
               std::string::npos) == flagged);
    }
}

TEST_CASE("numbers that are no numbers are certified nowhere", "[statistics]") {
    for (std::size_t const quantity : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
        auto const made = run_about([&](std::size_t k, std::size_t of, std::size_t stage, bool cold) {
            return k == 2 && of == quantity ? std::nan("") : flat_mean(k, of, stage, cold);
        });
        CAPTURE(quantity);
        CHECK_FALSE(judged(made)[2].equilibrated);
        CHECK_FALSE(judged(made)[0].equilibrated);
    }
}

TEST_CASE("the slowest ladder counts, not only the mean", "[statistics]") {
    auto made = run_about(flat_mean);
    made.exchange.round_trips[5] = 1;
    check_all_fail(judged(made), "1 round trips of the slowest ladder; 2 are asked for");
    made.exchange.round_trips[5] = 2;
    for (auto const& each : judged(made)) CHECK(each.equilibrated);
}

TEST_CASE("a drift between the last two log bins is flagged", "[statistics][slow]") {
    for (std::size_t quantity = 0; quantity < 6; ++quantity) {
        CAPTURE(quantity);
        auto const drifts = run_about([&](std::size_t k, std::size_t of, std::size_t stage, bool cold) {
            return flat_mean(k, of, stage, cold) + (k == 2 && of == quantity && stage == 3 ? 0.03 : 0.0);
        });
        check_fails_from(judged(drifts), drifts, 2,
                         std::string(quantity == 0 ? "the energy" : "|q|") + (quantity > 1 ? " of " : ""));
        CHECK_THAT(reasons(judged(drifts)[2]), ContainsSubstring("still drifts"));
    }
    // What happened before the last two bins is past.
    auto const early = run_about([&](std::size_t k, std::size_t of, std::size_t stage, bool cold) {
        return flat_mean(k, of, stage, cold) + (stage < 2 ? 0.05 : 0.0);
    });
    for (auto const& each : judged(early)) CHECK(each.equilibrated);
}

TEST_CASE("too few round trips fail every temperature, under exchange only", "[statistics]") {
    auto made = run_about(flat_mean);
    made.exchange.round_trips.assign(16, 9);
    check_all_fail(judged(made), "9 round trips per ladder; 10 are asked for");
    CHECK(judged(made, {.round_trips = 9, .false_alarm = 1e-4})[0].equilibrated);
    made.exchange.round_trips.assign(16, 10);
    CHECK(judged(made)[0].equilibrated);
    made.exchange.round_trips.assign(16, 0);
    made.exchanges = false;
    CHECK(judged(made)[0].equilibrated);
}

TEST_CASE("a ladder whose top is ordered fails every temperature", "[statistics]") {
    auto made = run_about(flat_mean);
    made.paramagnet_above = made.temperatures.highest() * 1.001;
    check_all_fail(
        judged(made),
        "the top of the ladder, T = 2.25, is below 2.252, above which the model is taken for a paramagnet");
    made.paramagnet_above = made.temperatures.highest() * 0.999;
    CHECK(judged(made)[0].equilibrated);
}

TEST_CASE("errors above the tolerance are flagged", "[statistics]") {
    // 120 pairs x 32 measurements, each scattering by 0.5: an error of about 0.008.
    auto const noisy = run_about(flat_mean, 0.5);
    check_all_fail(judged(noisy), "the error of |q| is 0.0");
    check_all_fail(judged(noisy), "above 0.005");
    for (auto const& each : judged(noisy, {.overlap_tolerance = 0.1, .false_alarm = 1e-4}))
        CHECK(each.equilibrated);
    // One noisy layer is enough, and the energy has no tolerance.
    auto one = run_about(flat_mean);
    auto const& loud = run_about(flat_mean, 0.5);
    one.recorders[0] = loud.recorders[0];
    for (auto const& each : judged(one)) CHECK(each.equilibrated);
    one.recorders[1][2] = loud.recorders[1][2];
    check_fails_from(judged(one), one, 2, "the error of |q| of d is 0.0");
}

TEST_CASE("runs that cannot be judged are not called equilibrated", "[statistics]") {
    auto hot = run_about(flat_mean);
    hot.plan.from = start::hot;
    check_all_fail(judged(hot), "all replicas started hot");
    check_all_fail(judged(run_about(flat_mean, 0.01, 4)), "fewer than 6 replicas");
    check_all_fail(judged(run_about(flat_mean, 0.01, 5)), "fewer than 6 replicas");
    auto const six = judged(run_about(flat_mean, 0.01, 6));
    for (auto const& each : six) {
        CAPTURE(reasons(each));
        CHECK(each.equilibrated);
    }

    auto const full = run_about(flat_mean);
    for (double const chance : {0.0, 1.0, -0.1, std::nan("")})
        CHECK_THROWS_WITH(equilibration(full, {.false_alarm = chance}),
                          ContainsSubstring("expected a chance of a false alarm in (0, 1), found "));
    run<energy> const no_overlap{full, {full.recorders[0]}};
    check_all_fail(equilibration(no_overlap), "did not record both energy{} and overlap{}");
    run<overlap> const no_energy{full, {full.recorders[1]}};
    check_all_fail(equilibration(no_energy), "did not record both energy{} and overlap{}");
}

TEST_CASE("a run that was stopped early is judged by the bins it has", "[statistics]") {
    // Planned for 1000 measurements, stopped after 8: all in the first bin, nothing to look for a drift in.
    auto made = empty_run(8, 3, 1000);
    for (std::size_t k = 0; k < 3; ++k)
        for (std::uint32_t m = 0; m < 8; ++m) {
            stream const draws(5, m, static_cast<std::uint32_t>(k), purpose::testing);
            std::vector<double> energies(16), overlaps(28 * 20);
            std::uint32_t next = 0;
            for (auto* list : {&energies, &overlaps})
                for (double& x : *list) x = 0.3 + 0.001 * normal(draws, next++);
            made.recorders[0][k].add(recorder::stage_of(m, 1000), energies);
            made.recorders[1][k].add(recorder::stage_of(m, 1000), overlaps);
        }
    check_all_fail(judged(made), "too few measurements to look for a drift");
    // Stopped before the first measurement: no numbers at all, and said so.
    check_all_fail(equilibration(empty_run(8, 3, 1000)), "the run was stopped before its first measurement");
}
