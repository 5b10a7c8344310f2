// SPDX-License-Identifier: BSD-3-Clause
/// check_model and the look at the start of every run: right models pass, each broken law is named.
#include "../catch.hpp"
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/model/laws.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/model/p_spin.hpp>
#include <spinet/model/soft_spins.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/testing/check_model.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

sparse_ising<double> ring(double field) {
    std::vector<bond<double>> bonds;
    for (std::uint32_t i = 0; i < 12; ++i) bonds.push_back({i, (i + 1) % 12, 1.0});
    return sparse_ising<double>(12, bonds, std::vector<double>(12, field));
}

enum class fault { none, sign, half, field, coupling, not_finite, lopsided };

/// A ring with one law broken.
struct broken_ring : sparse_ising<double> {
    fault what;
    explicit broken_ring(fault broken) : sparse_ising<double>(ring(0.25)), what(broken) {}

    double energy(std::span<double const> spins) const {
        double const right = sparse_ising<double>::energy(spins);
        return what == fault::not_finite ? std::numeric_limits<double>::quiet_NaN() : right;
    }
    double energy_change(std::span<double const> spins, std::size_t site, double value) const {
        double const right = sparse_ising<double>::energy_change(spins, site, value);
        if (what == fault::sign) return -right;
        if (what == fault::half) return right / 2;
        return right;
    }
    void fields(rows_view<double const> spins, rows_view<double> out) const {
        sparse_ising<double>::fields(spins, out);
        if (what == fault::sign || what == fault::half)
            for (std::size_t i = 0; i < 12; ++i) out.row(0)[i] *= what == fault::half ? 0.5 : -1.0;
        if (what == fault::field)
            for (std::size_t i = 0; i < 12; ++i) out.row(0)[i] -= 0.25;
    }
    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        sparse_ising<double>::for_each_coupling(site, [&](std::size_t first, std::span<double const> given) {
            std::vector<double> changed(given.begin(), given.end());
            for (auto& j : changed)
                if (what == fault::coupling || what == fault::sign || what == fault::half ||
                    (what == fault::lopsided && site < first))
                    j *= what == fault::half ? 0.5 : what == fault::lopsided ? 1.01 : -1.0;
            visit(first, std::span<double const>(changed));
        });
    }
    std::span<double const> external_fields() const {
        static std::vector<double> const halved(12, 0.125), minus(12, -0.25);
        if (what == fault::sign) return minus;
        return what == fault::half ? std::span<double const>(halved)
                                   : sparse_ising<double>::external_fields();
    }
};

}  // namespace

TEST_CASE("the models of the library keep their laws", "[check_model]") {
    CHECK(testing::check_model(ring(0.25)).empty());
    CHECK(testing::check_model(broken_ring(fault::none)).empty());
    CHECK(
        testing::check_model(dense_ising(xt::xtensor<float, 2>{{0, 1, -2}, {1, 0, 3}, {-2, 3, 0}})).empty());
    CHECK(testing::check_model(sherrington_kirkpatrick<float>(20, 3)).empty());
    CHECK(testing::check_model(edwards_anderson<float>({4, 4}, plus_minus_bonds{}, 3)).empty());
    CHECK(testing::check_model(random_layered_glass({6, 5, 4}, {0.2, 0.2}, 3)).empty());
    CHECK(
        testing::check_model(random_ising_p_spin<double>(10, 3, p_spin_scale::crisanti_sommers, 3)).empty());
    CHECK(testing::check_model(random_spherical_p_spin(10, 3, p_spin_scale::crisanti_sommers, 3)).empty());
    CHECK(
        testing::check_model(soft_spins(sherrington_kirkpatrick<double>(20, 3), uniform_measure{})).empty());
}

TEST_CASE("a broken law is named, and no run begins", "[check_model]") {
    auto const [what, sentence] = GENERATE(table<fault, std::string>({
        {fault::sign, "energy_change and energy disagree"},
        {fault::half, "energy_change and energy disagree"},
        {fault::field, "energy_change and fields disagree"},
        {fault::coupling, "energy_change disagrees with for_each_coupling"},
        {fault::not_finite, "the energy of a state is nan"},
    }));
    broken_ring const model(what);
    auto const laws = testing::check_model(model);
    REQUIRE_FALSE(laws.empty());
    CHECK_THAT(laws.front(), ContainsSubstring(sentence));
    CHECK_THROWS_WITH(spinet::detail::check_laws(model),
                      ContainsSubstring("breaks a law") && ContainsSubstring(sentence));
}

TEST_CASE("a field that energy_change forgets is found, though it cancels along a path", "[check_model]") {
    struct forgetful {
        using spin_type = double;
        std::size_t size() const { return 200; }
        double energy(std::span<double const> s) const {
            double sum = 0;
            for (std::size_t i = 0; i < 200; ++i) sum -= s[i] * s[(i + 1) % 200] + 0.5 * s[i];
            return sum;
        }
        double energy_change(std::span<double const> s, std::size_t i, double value) const {
            return -(value - s[i]) * (s[(i + 199) % 200] + s[(i + 1) % 200]);
        }
    };
    CHECK_THROWS_WITH(detail::check_laws(forgetful{}), ContainsSubstring("single flips differ"));
}

TEST_CASE("couplings that differ with the direction are found", "[check_model]") {
    auto const laws = testing::check_model(broken_ring(fault::lopsided));
    REQUIRE_FALSE(laws.empty());
    CHECK_THAT(laws.front(), ContainsSubstring("couplings: J(0, "));
}
