// SPDX-License-Identifier: BSD-3-Clause
/// Models from the arrays that a user has: xarrays, views, lazy expressions, adapted vectors, either layout.
#include "../catch.hpp"
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/model/p_spin.hpp>

#include <cmath>
#include <type_traits>
#include <vector>

#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xarray.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xview.hpp>
#endif

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t spins = 12;

using column_major = xt::xtensor<double, 2, xt::layout_type::column_major>;

template <class Model>
std::vector<double> energies(Model const& model) {
    std::vector<double> found;
    std::vector<typename Model::spin_type> s(model.size());
    for (std::uint32_t row = 0; row < 20; ++row) {
        stream(1, 0, row, purpose::testing).fill_signs(std::span(s));
        found.push_back(model.energy(s));
        found.push_back(model.energy_change(s, row % model.size(), -s[row % model.size()]));
    }
    return found;
}

template <class First, class Second>
void check_same(First const& first, Second const& second) {
    static_assert(std::is_same_v<First, Second>);
    CHECK(energies(first) == energies(second));
    auto const couplings = couplings_of(first), others = couplings_of(second);
    REQUIRE(couplings.shape() == others.shape());
    for (std::size_t k = 0; k < couplings.size(); ++k) CHECK(couplings.data()[k] == others.data()[k]);
}

}  // namespace

TEST_CASE("a Sherrington-Kirkpatrick model of any array is one model, bitwise", "[model]") {
    auto const expected = sherrington_kirkpatrick<double>(spins, 7);

    // What the user has: an xarray of random numbers, symmetrised.
    xt::xarray<double> couplings = xt::zeros<double>({spins, spins});
    for (std::size_t i = 0; i < spins; ++i) {
        stream const draws(7, 0, static_cast<std::uint32_t>(i), purpose::couplings);
        for (std::size_t j = 0; j < i; ++j)
            couplings(i, j) = couplings(j, i) =
                1 / std::sqrt(double(spins)) * normal(draws, static_cast<std::uint32_t>(j));
    }
    check_same(dense_ising(couplings), expected);

    xt::xarray<double> disorder = xt::zeros<double>({std::size_t{3}, spins, spins});
    xt::view(disorder, 1) = couplings;
    check_same(dense_ising(xt::view(disorder, 1)), expected);
    check_same(dense_ising(xt::view(disorder, 1, xt::all(), xt::all())), expected);

    xt::xarray<double> const half = couplings / 2;
    check_same(dense_ising(half + xt::transpose(half)), expected);

    std::vector<double> const numbers(couplings.begin(), couplings.end());
    check_same(dense_ising(xt::adapt(numbers, {spins, spins})), expected);

    check_same(dense_ising(column_major(couplings)), expected);
    check_same(dense_ising<double>(xt::xtensor<double, 2>(couplings)), expected);
    check_same(sparse_ising(couplings), sparse_ising(column_major(couplings)));
    check_same(dense_ising<float>(couplings), dense_ising(xt::cast<float>(couplings)));
    CHECK(sparse_ising(couplings).energy(std::vector<double>(spins, 1.0)) ==
          Catch::Approx(expected.energy(std::vector<double>(spins, 1.0))));
}

TEST_CASE("weights that are no symmetric matrix keep their indices in every layout", "[model]") {
    xt::xtensor<double, 2, xt::layout_type::row_major> const w{{1, 2, 3}, {4, 5, 6}};
    auto const expected = layered_glass(std::vector{w});
    CHECK(expected.blocks().size() == 1);
    CHECK(couplings_of(expected)(3, 1) == 2);
    CHECK(couplings_of(expected)(1, 3) == 2);
    CHECK(couplings_of(expected)(4, 0) == 4);
    check_same(layered_glass(std::vector{column_major(w)}), expected);
    check_same(layered_glass(std::vector{xt::xarray<double>(w)}), expected);
    check_same(layered_glass<double>({column_major(w)}), expected);
    check_same(layered_glass<double>({2 * w - column_major(w)}), expected);
    check_same(layered_glass<double>({xt::xtensor<int, 2>(w)}), expected);
    check_same(layered_glass<double>({{{1, 2, 3}, {4, 5, 6}}}), expected);
    check_same(layered_glass<double>({w, xt::transpose(w)}),
               layered_glass<double>({column_major(w), column_major(xt::transpose(w))}));
    check_same(boltzmann_machine(column_major(w)), boltzmann_machine(w));
    check_same(boltzmann_machine<double>(2 * w - w), boltzmann_machine(w));
    std::vector<spin_group> const parts{{"a", 0, 3}, {"b", 0, 2}};
    check_same(network_glass<double>(parts, {}, {dense_block<double>(0, 1, column_major(w))}),
               network_glass<double>(parts, {}, {dense_block<double>(0, 1, w)}));
    check_same(hopfield(column_major(w)), hopfield(w));
    check_same(hopfield(xt::xtensor<int, 2>(w)), hopfield<float>(w));
    xt::xarray<double, xt::layout_type::column_major> tensor = xt::zeros<double>({3, 3, 3});
    tensor(0, 1, 2) = tensor(0, 2, 1) = tensor(1, 0, 2) = tensor(1, 2, 0) = tensor(2, 0, 1) =
        tensor(2, 1, 0) = 0.5;
    CHECK(energies(ising_p_spin(tensor)) == energies(ising_p_spin(tensor + 0 * tensor)));
}

TEST_CASE("fields are arrays of any kind too", "[model]") {
    xt::xtensor<double, 2> const j{{0, 1}, {1, 0}};
    std::vector<double> const b{0.5, -2};
    xt::xarray<double> const as_array{0.5, -2};
    dense_ising const expected(j, b);
    CHECK(expected.external_fields()[1] == -2);
    check_same(dense_ising(j, as_array), expected);
    check_same(dense_ising(j, 2 * as_array - as_array), expected);
    check_same(dense_ising<double>({{0, 1}, {1, 0}}, {0.5, -2}), expected);
    check_same(sparse_ising(j, as_array), sparse_ising(j, b));
    check_same(sparse_ising<double>(2, {{0, 1, 1.0}}, as_array), sparse_ising(j, b));
    xt::xtensor<double, 2> const w{{3.0}};
    check_same(layered_glass<double>({w}, {xt::view(as_array, xt::range(0, 1)), std::vector{-2.0}}),
               boltzmann_machine(w, std::vector{0.5}, xt::view(as_array, xt::range(1, 2))));
    CHECK_THROWS_WITH(dense_ising(j, xt::xarray<double>(j)),
                      "dense_ising: fields: expected an array of rank 1, found rank 2, shape (2, 2)");
}

TEST_CASE("integers are couplings, and spins are float or double", "[model]") {
    xt::xtensor<int, 2> const signs{{0, -1}, {-1, 0}};
    dense_ising const model(signs, std::vector<int>{1, 2});
    static_assert(std::is_same_v<decltype(model), dense_ising<float> const>);
    CHECK(model.energy(std::vector<float>{1, 1}) == -2);
    static_assert(std::is_same_v<decltype(dense_ising(xt::xtensor<float, 2>{})), dense_ising<float>>);
    static_assert(std::is_same_v<decltype(dense_ising(model)), dense_ising<float>>);
    static_assert(std::is_same_v<decltype(sparse_ising(signs)), sparse_ising<float>>);
}

TEST_CASE("arrays that are no model are refused with their shapes", "[model]") {
    CHECK_THROWS_WITH(dense_ising(xt::xarray<double>(xt::zeros<double>({2, 2, 2}))),
                      "dense_ising: couplings: expected an array of rank 2, found rank 3, shape (2, 2, 2)");
    CHECK_THROWS_WITH(layered_glass<float>({xt::xarray<double>(xt::zeros<double>({2, 2, 2}))}),
                      ContainsSubstring("expected an array of rank 2, found rank 3, shape (2, 2, 2)"));
    xt::xtensor<double, 2> j{{0, 1e200}, {1e200, 0}};
    CHECK_THROWS_WITH(dense_ising<float>(j), "dense_ising: couplings: element (0, 1) is too large for float");
    CHECK_THROWS_WITH(sparse_ising<float>(j),
                      "sparse_ising: couplings: element (0, 1) is too large for float");
    j(0, 1) = 1;
    CHECK_THROWS_WITH(sparse_ising(j), ContainsSubstring("but coupling (0, 1) is"));
    CHECK_THROWS_WITH(sparse_ising(xt::xtensor<double, 2>{{1.0}}),
                      ContainsSubstring("joins a spin to itself"));
    CHECK_THROWS_WITH(sparse_ising(xt::xtensor<double, 2>{{0.0, 1.0}}), ContainsSubstring("shape (1, 2)"));
}

TEST_CASE("couplings_of: the matrix of a model", "[model]") {
    auto const lattice = edwards_anderson({3, 3}, gaussian_bonds{}, 3);
    static_assert(std::is_same_v<decltype(couplings_of(lattice)), row_major_array<float, 2>>);
    auto const j = couplings_of(lattice);
    check_same(sparse_ising(j), lattice);
    CHECK(j(0, 1) == lattice.neighbour_couplings(0)[0]);
    CHECK_THROWS_WITH(couplings_of(sparse_ising<float>(100'000, {})), ContainsSubstring("100000 x 100000"));
}
