// SPDX-License-Identifier: BSD-3-Clause
/// Results as a user of xtensor takes them: columns of a curve, and overlap matrices.
#include "../catch.hpp"
#include "../files.hpp"
#include <spinet/ensemble/tempering.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/group_overlaps.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/curve.hpp>
#include <spinet/statistics/overlap_estimates.hpp>
#include <spinet/statistics/ultrametricity.hpp>

#include <cstddef>
#include <string>
#include <vector>
#if __has_include(<xtensor/io/xnpy.hpp>)
#include <xtensor/io/xnpy.hpp>
#else
#include <xtensor/xnpy.hpp>
#endif

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

auto sampled(std::uint64_t sweeps = 200) {
    return sample(random_layered_glass<float>({12, 8, 6}, {0.4, 0.5}, 2),
                  parallel_tempering(glauber{}, ladder({0.6, 1.0, 1.7})), observables{overlap{}},
                  {.replicas = 6, .warmup = 20, .sweeps = sweeps, .seed = 5, .keep_spins = true});
}

}  // namespace

TEST_CASE("the columns of a curve are arrays, and go through a file of numpy's", "[statistics]") {
    auto const found = mean_abs_overlap(sampled());
    REQUIRE(found.size() == 3);
    REQUIRE_FALSE(found.empty());
    auto const temperatures = found.temperatures(), values = found.values(), errors = found.errors(),
               taus = found.taus(), samples = found.effective_samples();
    auto const equilibrated = found.equilibrated();
    std::size_t k = 0;
    for (auto const& point : found) {
        CHECK(temperatures(k) == point.temperature);
        CHECK(values(k) == point.value);
        CHECK(errors(k) == point.error);
        CHECK(taus(k) == point.tau);
        CHECK(samples(k) == point.effective_samples);
        CHECK(equilibrated(k) == point.equilibrated);
        CHECK(&found[k] == &point);
        ++k;
    }
    auto const bounds = found.confidence_intervals(), wider = found.confidence_intervals(0.99);
    // Six replicas: Student's t with 5 degrees of freedom, 2.5706 at 95 % and 1.1105 at 68.27 % (tables).
    for (k = 0; k < 3; ++k) {
        CHECK(found[k].units == 6);
        CHECK(bounds(k, 0) == Approx(values(k) - 2.5706 / 1.1105 * errors(k)).epsilon(1e-4));
        CHECK(bounds(k, 1) == Approx(values(k) + 2.5706 / 1.1105 * errors(k)).epsilon(1e-4));
        CHECK(wider(k, 0) < bounds(k, 0));
        CHECK(wider(k, 1) > bounds(k, 1));
    }
    CHECK(temperatures(0) == 0.6);
    CHECK(values(0) > values(2));
    CHECK(&found.front() == &found[0]);
    CHECK(&found.back() == &found[2]);

    network_test::temporary_directory const place;
    auto const file = (place.path() / "curve.npy").string();
    xt::dump_npy(file, values);
    auto const read = xt::load_npy<double>(file);
    REQUIRE(read.dimension() == 1);
    CHECK((read == values));

    CHECK(curve{}.empty());
    CHECK(curve{}.values().size() == 0);
}

TEST_CASE("overlaps of all pairs at one temperature are a matrix", "[statistics]") {
    auto const run = sampled();
    xt::xtensor<double, 2> const q = mean_overlap_matrix(run, 1);
    REQUIRE(q.shape(0) == 6);
    REQUIRE(q.shape(1) == 6);
    // Their mean over pairs is <q>, and so of a layer; only the last layer's are those of part 3.
    for (std::size_t const part : {0u, 1u, 2u, 3u}) {
        auto const of_part = mean_overlap_matrix(run, 1, part);
        double sum = 0;
        for (std::size_t a = 0; a < 6; ++a) {
            CHECK(of_part(a, a) == 1);
            for (std::size_t b = 0; b < a; ++b) {
                CHECK(of_part(a, b) == of_part(b, a));
                sum += of_part(a, b) / 15;
            }
        }
        CHECK(std::abs(sum) == Approx(abs_mean_overlap(run, part)[1].value).margin(1e-14));
    }
    // Pair (2, 4) by hand, from the sums of the run.
    auto const& recorded = run.of<overlap>()[1];
    std::size_t const pair = 5 + 4 + 1;  // after those of replicas 0 and 1, and (2, 3)
    double sum = 0;
    for (std::size_t s = 0; s < recorder::stages; ++s) sum += recorded.sum(s, pair, moments::mean);
    CHECK(q(2, 4) == sum / static_cast<double>(recorded.count()));
    CHECK(overlap_matrix(q)(2, 4) == q(2, 4));
    CHECK_THROWS_WITH(mean_overlap_matrix(run, 3),
                      ContainsSubstring("expected the index of a temperature below 3"));
    CHECK_THROWS_WITH(mean_overlap_matrix(run, 0, 4), ContainsSubstring("expected a part below 4"));
    std::size_t const components = 4 * moments::count;
    CHECK_NOTHROW(mean_of(run, overlap{}, components - 1));
    CHECK_THROWS_WITH(mean_of(run, overlap{}, components),
                      ContainsSubstring("expected a component below " + std::to_string(components) +
                                        ", found " + std::to_string(components)));

    // Of one moment: the spins that the run ended with.
    overlap_matrix const last(run.spins[0]);
    xt::xtensor<double, 2> const values = last.values();
    CHECK(values(1, 3) == run.spins[0].overlap(1, 3));
    CHECK(distances_of(last)(1, 3) == distance_of(values(1, 3), mirror_images::same));
}
