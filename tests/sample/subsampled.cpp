// SPDX-License-Identifier: BSD-3-Clause
/// Curves estimated from sub-samples: of spins without couplings, where the whole is known.
#include "../files.hpp"
#include <spinet/network/mlp.hpp>
#include <spinet/spinet.hpp>
#include <spinet/statistics/subsampled_curve.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

/// 300 free inputs and 200 neurons in fields between 0.5 and 1.5; no couplings.
network free_spins() {
    xt::xtensor<double, 2> w = xt::zeros<double>({200, 300});
    xt::xtensor<double, 1> b = xt::zeros<double>({200});
    for (std::size_t i = 0; i < 200; ++i) b(i) = 0.5 + static_cast<double>((i * 73) % 200) / 200;
    return mlp({{w, b}});
}

std::vector<subsample_result> runs_of(subsampler const& source, subsample_plan const& plan) {
    return sample_subsamples(source, glauber{}, ladder({0.5, 1.0, 2.0}), plan,
                             {.replicas = 4, .warmup = 10, .sweeps = 400, .measure_every = 2, .seed = 3},
                             serial{}, [](auto const&...) { return true; });
}

}  // namespace

TEST_CASE("an estimate from sub-samples covers what is known of the whole", "[sample][slow]") {
    auto const net = free_spins();
    subsampler const source(net, {});
    CHECK(source.spins() == 500);
    auto const runs = runs_of(source, {.spins = 200, .fractions = {1, 0.7, 0.5}, .repeats = 6, .seed = 9});
    CHECK(runs.size() == 36);
    auto const found = estimated_curve(runs, source.wires(), "free");
    REQUIRE(found.parts.size() == 3);
    CHECK(found.network == "free");
    CHECK(found.parts[2].part == "layer 0");
    for (std::size_t k = 0; k < 3; ++k) {
        double const t = found.parts[0].mean_abs[k].temperature;
        // <q> of 200 neurons is the mean of tanh^2, more than ten deviations above 0, so |q| = q.
        double mean = 0;
        for (std::size_t i = 0; i < 200; ++i) {
            double const m = std::tanh((0.5 + static_cast<double>((i * 73) % 200) / 200) / t);
            mean += m * m / 200;
        }
        // <|q|> of 300 free spins: sqrt(2 / (300 pi)), up to 1 / (4 N).
        double const free = std::sqrt(2 / (300 * 3.14159265358979));
        // 9 comparisons at five errors each; the curve squares and takes roots, so errors are not quite
        // Gaussian.
        auto const check = [&](std::size_t part, double expected) {
            auto const& at = found.parts[part].mean_abs[k];
            CAPTURE(t, part, at.value, at.error, expected);
            CHECK(std::abs(at.value - expected) < 5 * at.error + 0.002);
            CHECK(at.error < 0.25 * expected + 0.02);
        };
        check(0, mean * 0.4);
        check(1, free);
        check(2, mean);
    }
}

TEST_CASE("what the two kinds of sub-samples differ by is in the error", "[sample]") {
    auto const net = free_spins();
    subsampler const source(net, {});
    // Squares 0.5 and 0.3, each with a scatter that is next to nothing.
    std::vector<subsample_result> runs;
    for (auto const& [modes, square] :
         {std::pair{kept_modes::rescaled, 0.5}, std::pair{kept_modes::orthonormal, 0.3}})
        for (double const shift : {1 - 1e-9, 1 + 1e-9}) {
            curve_point const at{.temperature = 1, .value = std::sqrt(square) * shift, .equilibrated = true};
            std::vector<curve> const parts(3, curve({at}));
            runs.push_back({modes, 1, 100, {0.01, 0.02, 0.02}, parts, parts});
        }
    auto const found = estimated_curve(runs, source.wires(), "two kinds");
    for (auto const& part : found.parts) {
        CHECK(part.mean_abs[0].value == Approx(std::sqrt(0.4)));
        // Half the difference of the squares, 0.1, to the side where the root moves more.
        CHECK(part.mean_abs[0].error == Approx(std::sqrt(0.4) - std::sqrt(0.3)).epsilon(1e-4));
        CHECK(part.mean_abs[0].equilibrated);
    }
}

TEST_CASE("sub-samples are stopped between pieces, and what is complete is returned", "[sample]") {
    auto const net = free_spins();
    subsampler const source(net, {});
    std::size_t asked = 0;
    auto const runs = sample_subsamples(source, glauber{}, ladder({0.5, 1.0, 2.0}),
                                        {.spins = 100, .fractions = {1.0}, .repeats = 4},
                                        {.replicas = 4, .warmup = 10, .sweeps = 100, .seed = 3}, serial{},
                                        [&](std::size_t done, std::size_t planned, progress const&) {
                                            ++asked;
                                            CHECK(planned == 8);
                                            return done < 3;
                                        });
    CHECK(runs.size() == 3);
    CHECK(asked > 3);
    CHECK(runs[0].modes == kept_modes::rescaled);
    CHECK(runs[1].modes == kept_modes::orthonormal);
    CHECK(runs[0].spins == 100);
    CHECK_THAT(error_of([&] { (void)estimated_curve(runs, source.wires(), ""); }),
               ContainsSubstring("1 samples of a size"));
}

TEST_CASE("plans of sub-samples that cannot be carried out are refused", "[sample]") {
    auto const refusal = [](subsample_plan const& plan) { return error_of([&] { plan.check(500, 4); }); };
    CHECK_THAT(refusal({.spins = 500}), ContainsSubstring("sample it whole"));
    CHECK_THAT(refusal({.spins = 100, .repeats = 1}), ContainsSubstring("need at least 2"));
    CHECK_THAT(refusal({.spins = 100, .fractions = {}}), ContainsSubstring("no sizes"));
    CHECK_THAT(refusal({.spins = 100, .fractions = {1.5}}), ContainsSubstring("not in (0, 1]"));
    CHECK_THAT(refusal({.spins = 6, .fractions = {1.0, 0.5}}),
               ContainsSubstring("those of this network at least 4: ask for 9 or more"));
    CHECK(refusal({.spins = 100}) == "nothing was thrown");
}
