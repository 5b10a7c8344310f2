// SPDX-License-Identifier: BSD-3-Clause
/// The twin Hopfield mapping, option by option, on a 2-2-1 network computed by hand.
#include "../files.hpp"
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/mean_field/measured_variances.hpp>
#include <spinet/network/mlp.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

using numbers = std::vector<double>;

xt::xtensor<double, 2> matrix(std::vector<numbers> const& rows) {
    auto result = xt::xtensor<double, 2>::from_shape({rows.size(), rows.at(0).size()});
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t j = 0; j < rows[i].size(); ++j) result(i, j) = rows[i][j];
    return result;
}

xt::xtensor<double, 1> vector(numbers const& values) {
    auto result = xt::xtensor<double, 1>::from_shape({values.size()});
    std::copy(values.begin(), values.end(), result.begin());
    return result;
}

// Two inputs, two hidden neurons, one output.
std::vector<numbers> const w1{{1.0, -2.0}, {3.0, 4.0}};
std::vector<numbers> const w2{{5.0, -7.0}};
numbers const b1{0.5, -1.5}, b2{2.0};

network tiny() {
    return mlp({{matrix(w1), vector(b1)}, {matrix(w2), vector(b2)}}, activation_kind::relu,
               activation_kind::softmax);
}

template <class Real>
numbers fields_of(network_glass<Real> const& glass) {
    numbers all;
    for (Real const b : glass.external_fields()) all.push_back(static_cast<double>(b));
    return all;
}

std::vector<std::string> names_of(network_glass<double> const& glass) {
    std::vector<std::string> all;
    for (auto const& group : glass.groups()) all.push_back(group.name + ":" + std::to_string(group.size));
    return all;
}

dense_block<double> const& block(network_glass<double> const& glass, std::size_t b) {
    return std::get<dense_block<double>>(glass.blocks()[b]);
}

std::string line(provenance const& lines, std::string const& key) {
    std::string found = "none";
    for (auto const& [k, value] : lines)
        if (k == key) found = found == "none" ? value : found + " | " + value;
    return found;
}

/// All spins of w1 and w2 free: E(s) with s = (two inputs, two hidden, output).
double energy_by_hand(numbers const& s, bool with_biases) {
    double e = -(1.0 * s[2] * s[0] - 2.0 * s[2] * s[1] + 3.0 * s[3] * s[0] + 4.0 * s[3] * s[1]) -
               (5.0 * s[4] * s[2] - 7.0 * s[4] * s[3]);
    if (with_biases) e -= 0.5 * s[2] - 1.5 * s[3] + 2.0 * s[4];
    return e;
}

numbers state(std::size_t bits, std::size_t n) {
    numbers s;
    for (std::size_t i = 0; i < n; ++i) s.push_back((bits >> i & 1u) != 0 ? 1.0 : -1.0);
    return s;
}

double variance_of(std::vector<numbers> const& rows) {
    numbers all;
    for (auto const& row : rows) all.insert(all.end(), row.begin(), row.end());
    double mean = 0, squares = 0;
    for (double const x : all) mean += x / static_cast<double>(all.size());
    for (double const x : all) squares += (x - mean) * (x - mean);
    return squares / static_cast<double>(all.size());
}

struct one_spin {
    template <class Real>
    [[nodiscard]] network_glass<Real> map(network const&) const {
        return network_glass<Real>({{"one", 0, 1}}, {Real{1}}, {});
    }
};

/// Maps to what is no model.
struct to_number {
    template <class Real>
    [[nodiscard]] Real map(network const&) const {
        return 0;
    }
};

/// Knows models of one type only.
struct double_only {
    template <std::same_as<double> Real>
    [[nodiscard]] network_glass<Real> map(network const&) const {
        return one_spin{}.map<Real>({});
    }
};

static_assert(Mapping<twin_hopfield> && Mapping<twin_hopfield, double> && Mapping<one_spin>);
static_assert(!Mapping<int> && !Mapping<to_number>);
static_assert(!Mapping<double_only> && Mapping<double_only, double>);

}  // namespace

TEST_CASE("every value of a mapping's options has a name", "[mapping]") {
    auto const refused = [](auto value) {
        CHECK_THROWS_AS(to_string(value), error);
        return true;
    };
    CHECK(to_string(biases::dropped) == "dropped");
    CHECK(to_string(inputs::held) == "held");
    CHECK(to_string(outputs::left_out) == "left_out");
    CHECK(to_string(scale::layer_unit_variance) == "layer_unit_variance");
    CHECK(to_string(recurrence::ring) == "ring");
    CHECK(refused(static_cast<biases>(2)));
    CHECK(refused(static_cast<inputs>(3)));
    CHECK(to_string(outputs::held) == "held");
    CHECK(refused(static_cast<outputs>(3)));
    CHECK(refused(static_cast<scale>(3)));
    CHECK(refused(static_cast<recurrence>(2)));
    CHECK_THROWS_WITH(to_spin_glass(tiny(), twin_hopfield{.biases = static_cast<biases>(7)}),
                      "this value of spinet::biases has no name");
    CHECK(to_spin_glass<double>(tiny(), double_only{}).size() == 1);
}

TEST_CASE("twin_hopfield: neurons become spins, weights couplings, biases fields", "[mapping]") {
    auto const glass = to_spin_glass<double>(tiny());
    CHECK(names_of(glass) == std::vector<std::string>{"input:2", "layer 0:2", "layer 1:1"});
    CHECK(fields_of(glass) == numbers{0, 0, 0.5, -1.5, 2});
    REQUIRE(glass.blocks().size() == 2);
    CHECK((block(glass, 0).weights() == matrix(w1)));
    CHECK((block(glass, 1).weights() == matrix(w2)));
    CHECK(block(glass, 0).from == 0);
    CHECK(block(glass, 1).to == 2);
    CHECK(glass.colours() == 2);
    for (std::size_t bits = 0; bits < 32; ++bits) {
        auto const s = state(bits, 5);
        CHECK(glass.energy(s) == Approx(energy_by_hand(s, true)).margin(1e-13));
        std::vector<float> const f(s.begin(), s.end());
        CHECK(to_spin_glass(tiny()).energy(f) == Approx(energy_by_hand(s, true)).margin(1e-5));
    }
}

TEST_CASE("twin_hopfield: biases as fields or dropped", "[mapping]") {
    auto const dropped = to_spin_glass<double>(tiny(), twin_hopfield{.biases = biases::dropped});
    CHECK(fields_of(dropped) == numbers{0, 0, 0, 0, 0});
    for (std::size_t bits = 0; bits < 32; ++bits)
        CHECK(dropped.energy(state(bits, 5)) == Approx(energy_by_hand(state(bits, 5), false)).margin(1e-13));
    CHECK_THAT(line(dropped.made_from(), "discarded"), ContainsSubstring("; biases"));
    CHECK(line(dropped.made_from(), "biases") == "dropped");
    auto const kept = to_spin_glass<double>(tiny());
    CHECK_THAT(line(kept.made_from(), "discarded"), !ContainsSubstring("biases"));
    CHECK(line(kept.made_from(), "biases") == "as_fields");
    // Without biases there is nothing to discard.
    auto const bare =
        to_spin_glass<double>(mlp({matrix(w1), matrix(w2)}), twin_hopfield{.biases = biases::dropped});
    CHECK(fields_of(bare) == numbers{0, 0, 0, 0, 0});
    CHECK_THAT(line(bare.made_from(), "discarded"), !ContainsSubstring("biases"));
}

TEST_CASE("twin_hopfield: inputs left out", "[mapping]") {
    auto const glass = to_spin_glass<double>(tiny(), twin_hopfield{.inputs = inputs::left_out});
    CHECK(names_of(glass) == std::vector<std::string>{"layer 0:2", "layer 1:1"});
    CHECK(fields_of(glass) == numbers{0.5, -1.5, 2});
    REQUIRE(glass.blocks().size() == 1);
    CHECK((block(glass, 0).weights() == matrix(w2)));
    CHECK(block(glass, 0).from == 0);
    CHECK(block(glass, 0).to == 1);
    CHECK(line(glass.made_from(), "inputs") == "left_out");
    CHECK_THAT(line(glass.made_from(), "discarded"),
               ContainsSubstring("input neurons and the weights from them"));
}

TEST_CASE("twin_hopfield: inputs held become fields of the next layer", "[mapping]") {
    numbers const x{0.25, -1.0};
    auto const glass =
        to_spin_glass<double>(tiny(), twin_hopfield{.inputs = inputs::held, .inputs_held_at = x});
    CHECK(names_of(glass) == std::vector<std::string>{"layer 0:2", "layer 1:1"});
    // W1 x = (0.25 + 2, 0.75 - 4)
    auto const found = fields_of(glass);
    REQUIRE(found.size() == 3);
    CHECK(found[0] == Approx(0.5 + 2.25));
    CHECK(found[1] == Approx(-1.5 - 3.25));
    CHECK(found[2] == 2.0);
    CHECK((block(glass, 0).weights() == matrix(w2)));
    auto const no_biases = to_spin_glass<double>(
        tiny(), twin_hopfield{.biases = biases::dropped, .inputs = inputs::held, .inputs_held_at = x});
    CHECK(fields_of(no_biases)[0] == Approx(2.25));
    CHECK(fields_of(no_biases)[1] == Approx(-3.25));
    CHECK(fields_of(no_biases)[2] == 0.0);
    CHECK(line(glass.made_from(), "inputs") == "held");
    // The energies of the free model with the inputs held at +-1, up to a constant: the biases of the rest
    // stay.
    for (double const a : {1.0, -1.0})
        for (double const b : {1.0, -1.0}) {
            auto const held = to_spin_glass<double>(
                tiny(), twin_hopfield{.inputs = inputs::held, .inputs_held_at = {a, b}});
            for (std::size_t bits = 0; bits < 8; ++bits) {
                auto const s = state(bits, 3);
                CHECK(held.energy(s) == Approx(energy_by_hand({a, b, s[0], s[1], s[2]}, true)).margin(1e-13));
            }
        }
}

TEST_CASE("twin_hopfield: outputs left out", "[mapping]") {
    auto const glass = to_spin_glass<double>(tiny(), twin_hopfield{.outputs = outputs::left_out});
    CHECK(names_of(glass) == std::vector<std::string>{"input:2", "layer 0:2"});
    CHECK(fields_of(glass) == numbers{0, 0, 0.5, -1.5});
    REQUIRE(glass.blocks().size() == 1);
    CHECK((block(glass, 0).weights() == matrix(w1)));
    CHECK(line(glass.made_from(), "outputs") == "left_out");
    CHECK_THAT(line(glass.made_from(), "discarded"),
               ContainsSubstring("output neurons, the weights to them and their biases"));
    // Only the hidden layer is left, without couplings.
    auto const hidden = to_spin_glass<double>(
        tiny(), twin_hopfield{.inputs = inputs::left_out, .outputs = outputs::left_out});
    CHECK(names_of(hidden) == std::vector<std::string>{"layer 0:2"});
    CHECK(fields_of(hidden) == b1);
    CHECK(hidden.blocks().empty());
    auto const clamped = to_spin_glass<double>(
        tiny(),
        twin_hopfield{.inputs = inputs::held, .outputs = outputs::left_out, .inputs_held_at = {1, 1}});
    CHECK(fields_of(clamped)[0] == Approx(0.5 - 1.0));
    CHECK(fields_of(clamped)[1] == Approx(-1.5 + 7.0));
}

TEST_CASE("twin_hopfield: scales", "[mapping]") {
    auto const plain = to_spin_glass<double>(tiny(), twin_hopfield{.scale = scale::none});
    CHECK(line(plain.made_from(), "scale") == "none");
    CHECK(line(plain.made_from(), "scale factor 0") == "none");
    CHECK((block(plain, 0).weights() == matrix(w1)));

    auto const unit = to_spin_glass<double>(tiny(), twin_hopfield{.scale = scale::layer_unit_variance});
    double const d1 = std::sqrt(variance_of(w1)), d2 = std::sqrt(variance_of(w2));
    CHECK(d1 == Approx(std::sqrt(5.25)));  // 1, -2, 3, 4: mean 1.5
    CHECK(d2 == Approx(6.0));
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) CHECK(block(unit, 0).weights()(i, j) == Approx(w1[i][j] / d1));
    CHECK(block(unit, 1).weights()(0, 1) == Approx(-7.0 / 6));
    auto const unit_fields = fields_of(unit);
    CHECK(unit_fields[0] == 0.0);
    CHECK(unit_fields[2] == Approx(0.5 / d1));
    CHECK(unit_fields[3] == Approx(-1.5 / d1));
    CHECK(unit_fields[4] == Approx(2.0 / d2));
    CHECK(line(unit.made_from(), "scale") == "layer_unit_variance");
    CHECK(std::stod(line(unit.made_from(), "scale factor 1")) == Approx(1.0 / 6).margin(1e-6));

    auto const formula = to_spin_glass<double>(tiny(), twin_hopfield{.scale = scale::t_formula});
    // B of sizes 2, 2, 1: T^2 is the largest root of [[0, 2 v1, 0], [2 v1, 0, v2], [0, 2 v2, 0]], so T^4 = 4
    // v1^2 + 2 v2^2.
    double const t = std::pow(4 * std::pow(variance_of(w1), 2) + 2 * std::pow(variance_of(w2), 2), 0.25);
    CHECK(block(formula, 0).weights()(1, 0) == Approx(3.0 / t));
    CHECK(block(formula, 1).weights()(0, 0) == Approx(5.0 / t));
    CHECK(fields_of(formula)[3] == Approx(-1.5 / t));
    CHECK(fields_of(formula)[4] == Approx(2.0 / t));
    CHECK(line(formula.made_from(), "scale") == "t_formula");
    // Computed again from the scaled model it is 1.
    std::vector<std::size_t> const sizes{2, 2, 1};
    numbers variances;
    for (auto const& each : measured_variances(formula)) variances.push_back(each.variance);
    CHECK(t_formula(sizes, variances) == Approx(1.0).epsilon(1e-12));
}

TEST_CASE("twin_hopfield: scales of what is left of the network", "[mapping]") {
    // With held inputs the first layer of couplings is w2, and its factor takes the held fields along.
    auto const held = to_spin_glass<double>(
        tiny(),
        twin_hopfield{.inputs = inputs::held, .scale = scale::layer_unit_variance, .inputs_held_at = {1, 1}});
    CHECK(block(held, 0).weights()(0, 1) == Approx(-7.0 / 6));
    CHECK(fields_of(held)[0] == Approx(-0.5 / 6));
    CHECK(fields_of(held)[1] == Approx(5.5 / 6));
    CHECK(fields_of(held)[2] == Approx(2.0 / 6));
    // A temperature scale cannot change the ratio of two energies.
    auto const raw =
        to_spin_glass<double>(tiny(), twin_hopfield{.inputs = inputs::held, .inputs_held_at = {1, 1}});
    for (std::size_t bits = 0; bits < 8; ++bits)
        CHECK(held.energy(state(bits, 3)) == Approx(raw.energy(state(bits, 3)) / 6));
    CHECK(error_of([] {
              return to_spin_glass<double>(tiny(), twin_hopfield{.inputs = inputs::left_out,
                                                                 .outputs = outputs::left_out,
                                                                 .scale = scale::t_formula});
          }) == "scale: no couplings are left that could set the scale");
    auto const equal = mlp({matrix(w1), matrix({{2.0, 2.0}})});
    for (auto const kind : {scale::layer_unit_variance, scale::t_formula})
        CHECK(error_of([&] { return to_spin_glass<double>(equal, twin_hopfield{.scale = kind}); }) ==
              "scale: the weights into layer layer 1 are all equal, so they cannot be scaled");
    CHECK_NOTHROW(
        to_spin_glass<double>(equal, twin_hopfield{.outputs = outputs::left_out, .scale = scale::t_formula}));
}

TEST_CASE("twin_hopfield: refusals", "[mapping]") {
    auto const map = [](network const& net, twin_hopfield const& how) {
        return error_of([&] { return to_spin_glass<float>(net, how); });
    };
    CHECK(map(tiny(), {.inputs = inputs::held}) ==
          "twin_hopfield: inputs_held_at has 0 numbers for 2 inputs");
    CHECK(map(tiny(), {.inputs = inputs::held, .inputs_held_at = {1, 2, 3}}) ==
          "twin_hopfield: inputs_held_at has 3 numbers for 2 inputs");
    CHECK(map(tiny(), {.inputs_held_at = {1, 2}}) ==
          "twin_hopfield: inputs_held_at is given, but inputs are not held");
    CHECK(map(tiny(), {.inputs = inputs::left_out, .inputs_held_at = {1, 2}}) ==
          "twin_hopfield: inputs_held_at is given, but inputs are not held");
    CHECK(map(tiny(),
              {.inputs = inputs::held, .inputs_held_at = {1, std::numeric_limits<double>::quiet_NaN()}}) ==
          "twin_hopfield: inputs_held_at[1] is not finite");
    CHECK(map(tiny(), {.inputs = inputs::held, .inputs_held_at = {HUGE_VAL, 1}}) ==
          "twin_hopfield: inputs_held_at[0] is not finite");
    auto const single = mlp({matrix(w2)});
    CHECK(map(single, {.inputs = inputs::left_out, .outputs = outputs::left_out}) ==
          "twin_hopfield: without its inputs and outputs, this network has no spins left");
    CHECK(map(single, {.inputs = inputs::held, .outputs = outputs::left_out, .inputs_held_at = {1, 1}}) ==
          "twin_hopfield: without its inputs and outputs, this network has no spins left");
    CHECK(map(single, {.inputs = inputs::left_out}) == "nothing was thrown");
    CHECK(map(single, {.outputs = outputs::left_out}) == "nothing was thrown");
    CHECK_THAT(map(network(), {}), ContainsSubstring("no neurons"));
    network unfit;
    unfit.add({"in", input{3}});
    unfit.add({"a", dense{matrix(w1)}, {"in"}});
    CHECK_THAT(map(unfit, {}), ContainsSubstring("node 'a' takes 2 features"));
    // Weights that are finite as double but not as float.
    CHECK_THAT(map(mlp({matrix({{1e300, 1.0}})}), {}), ContainsSubstring("too large for float"));
}

TEST_CASE("twin_hopfield: the provenance says what was done and what is gone", "[mapping]") {
    auto net = tiny();
    net.add_note("read with care");
    net.add_note("a second note");
    auto const lines = to_spin_glass(net, twin_hopfield{.inputs = inputs::left_out}).made_from();
    CHECK(line(lines, "mapping") == "twin_hopfield");
    CHECK(line(lines, "note") == "read with care | a second note");
    CHECK(line(lines, "network") == "none");  // it was read from no file
    CHECK(line(lines, "inputs") == "left_out");
    CHECK(line(lines, "outputs") == "free");
    CHECK(line(lines, "biases") == "as_fields");
    CHECK(line(lines, "scale") == "none");
    CHECK_THAT(line(lines, "discarded"), ContainsSubstring("activation functions (relu, softmax)"));
    network from_file("some/file.safetensors");
    from_file.add({"in", input{2}});
    from_file.add({"a", dense{matrix(w1)}, {"in"}});
    CHECK(line(to_spin_glass(from_file).made_from(), "network") == "some/file.safetensors");
    CHECK_THAT(line(to_spin_glass(from_file).made_from(), "discarded"),
               ContainsSubstring("activation functions (identity)"));
    CHECK_THAT(line(to_spin_glass(mlp({matrix(w1)})).made_from(), "discarded"),
               ContainsSubstring("activation functions (unspecified)"));
}

// Reported: every option is to appear in the metadata of a run, but the numbers that inputs are held at do
// not.
TEST_CASE("twin_hopfield: the provenance names the numbers inputs are held at", "[mapping]") {
    auto const lines =
        to_spin_glass(tiny(), twin_hopfield{.inputs = inputs::held, .inputs_held_at = {0.25, -1.0}})
            .made_from();
    CHECK_THAT(line(lines, "inputs_held_at"), ContainsSubstring("0.25"));
}

// Reported: factors are written with six decimals, so that of large weights reads 0.000000.
TEST_CASE("twin_hopfield: scale factors keep their digits in the provenance", "[mapping]") {
    auto const large = mlp({matrix({{1e8, -2e8}, {3e8, 4e8}})});
    auto const lines =
        to_spin_glass<double>(large, twin_hopfield{.scale = scale::layer_unit_variance}).made_from();
    CHECK(std::stod(line(lines, "scale factor 0")) == Approx(1e-8 / std::sqrt(5.25)).epsilon(1e-5));
}

TEST_CASE("a user's own mapping is a token in the same place", "[mapping]") {
    CHECK(to_spin_glass<double>(tiny(), one_spin{}).size() == 1);
}
