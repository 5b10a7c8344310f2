// SPDX-License-Identifier: BSD-3-Clause
/// Loss, gradient and Hessian-vector product of the shipped network, beside PyTorch's.
#include "../files.hpp"
#include <spinet/execution/executor.hpp>
#include <spinet/io/idx.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/readers/load.hpp>

#include <cmath>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace spinet;

namespace {

std::string const top = SPINET_SOURCE_DIR;

/// What docs/studies/torch_reference.py wrote.
struct reference {
    double loss = 0, length_of_gradient = 0, length_of_product = 0;
    std::vector<std::size_t> parameter;
    std::vector<double> gradient, product;
};

reference by_torch() {
    std::ifstream file(top + "/tests/data/torch_reference.txt");
    reference of;
    bool first = true;
    for (std::string line; std::getline(file, line);) {
        if (line.front() == '#') continue;
        std::istringstream words(line);
        if (first) {
            words >> of.loss >> of.length_of_gradient >> of.length_of_product;
        } else {
            std::size_t i = 0;
            double slope = 0, along = 0;
            words >> i >> slope >> along;
            of.parameter.push_back(i);
            of.gradient.push_back(slope);
            of.product.push_back(along);
        }
        REQUIRE(words);
        first = false;
    }
    REQUIRE(of.parameter.size() == 1128);
    return of;
}

double length(std::vector<double> const& v) {
    double square = 0;
    for (double const each : v) square += each * each;
    return std::sqrt(square);
}

/// |found - expected| / |expected| over the parameters that were written down.
double distance(std::vector<double> const& found, std::vector<double> const& expected,
                std::vector<std::size_t> const& parameter) {
    std::vector<double> off;
    for (std::size_t k = 0; k < expected.size(); ++k) off.push_back(found[parameter[k]] - expected[k]);
    return length(off) / length(expected);
}

template <class Real>
network_loss<Real> shipped() {
    return {load_network(top + "/docs/networks/fashion_784-128-64-10_trained.safetensors"),
            load_labelled_images<Real>(top + "/tests/data/fashion_first_256.images.gz",
                                       top + "/tests/data/fashion_first_256.labels"),
            loss_kind::cross_entropy,
            {.hidden = activation_kind::relu, .batch = 100}};
}

template <class Real>
void compare(double tolerance) {
    auto const expected = by_torch();
    auto const f = shipped<Real>();
    REQUIRE(f.size() == 109'386);
    auto const x = f.parameters();
    std::vector<double> v(f.size()), slope(f.size()), product(f.size());
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::cos(0.7 * static_cast<double>(i));
    CHECK(f.value(x) == Approx(expected.loss).epsilon(tolerance).margin(0));
    CHECK(f.gradient(x, slope) == Approx(expected.loss).epsilon(tolerance).margin(0));
    CHECK(length(slope) == Approx(expected.length_of_gradient).epsilon(tolerance).margin(0));
    CHECK(distance(slope, expected.gradient, expected.parameter) < tolerance);
    f.hessian_vector(x, v, product);
    CHECK(length(product) == Approx(expected.length_of_product).epsilon(tolerance).margin(0));
    CHECK(distance(product, expected.product, expected.parameter) < tolerance);
}

}  // namespace

TEST_CASE("loss, gradient and Hessian-vector product of the shipped network are PyTorch's", "[landscape]") {
    compare<double>(1e-10);
    compare<float>(1e-5);
}

TEST_CASE("the centre of a plane of the shipped network has exactly its loss", "[landscape]") {
    auto const f = shipped<float>();
    auto const x = f.parameters();
    auto const drawn = [&](std::uint64_t seed) {
        return normalised(gaussian_direction(f.size(), seed), x, f.groups());
    };
    auto const seen = plane(f, section_along(x, drawn(1), drawn(2)), {-1, 1, 3}, {-0.5, 0.5, 3}, threads{2});
    CHECK(seen(1, 1) == f.value(x));
    CHECK(seen(0, 1) > seen(1, 1));
}
