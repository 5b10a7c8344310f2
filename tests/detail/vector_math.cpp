// SPDX-License-Identifier: BSD-3-Clause
/// exp and ln, of numbers and of packs, against the standard library.
#include "../catch.hpp"
#include <spinet/detail/vector_math.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

using namespace spinet;

namespace {

/// The largest relative error of exp, and whether packs give what numbers give, over [from, to].
template <class Real>
double worst_exp(double from, double to) {
    double worst = 0;
    bool same = true;
    for (int k = 0; k <= 200'000; ++k) {
        auto const x = static_cast<Real>(from + (to - from) * k / 200'000);
        double const exact = std::exp(static_cast<double>(x));
        Real const one = detail::exp_clamped(x);
        worst = std::max(worst, std::abs(static_cast<double>(one) / exact - 1));
        auto const many = detail::exp_clamped(detail::all(x));
        // A compiler may contract products and sums differently in the two.
        for (std::size_t lane = 0; lane < detail::pack_lanes<Real>; ++lane)
            same = same && std::abs(static_cast<double>(many[lane]) / exact - 1) < 2 * worst + 1e-16;
    }
    CHECK(same);
    return worst;
}

template <class Real>
double worst_log(double from, double to) {
    double worst = 0;
    for (int k = 0; k <= 200'000; ++k) {
        auto const x = static_cast<Real>(from * std::pow(to / from, k / 200'000.0));
        double const exact = std::log(static_cast<double>(x)), scale = 2 + std::abs(exact);
        worst = std::max(worst, std::abs(static_cast<double>(detail::log_positive(x)) - exact) / scale);
        auto const many = detail::log_positive(detail::all(x));
        for (std::size_t lane = 0; lane < detail::pack_lanes<Real>; ++lane)
            worst = std::max(worst, std::abs(static_cast<double>(many[lane]) - exact) / scale);
    }
    return worst;
}

}  // namespace

TEST_CASE("exp is as exact as its header says", "[detail]") {
    CHECK(worst_exp<float>(-87, 88) < 2e-7);
    CHECK(worst_exp<double>(-708, 709) < 1e-15);
}

TEST_CASE("exp is clamped, not wild, far outside", "[detail]") {
    for (float const x : {-1e30f, -1e5f, -200.0f})
        CHECK(detail::exp_clamped(x) == detail::exp_clamped(-87.0f));
    for (float const x : {1e30f, 1e5f, 200.0f}) CHECK(detail::exp_clamped(x) == detail::exp_clamped(88.0f));
    CHECK(detail::exp_clamped(-1e300) == detail::exp_clamped(-708.0));
    CHECK(detail::exp_clamped(1e300) == detail::exp_clamped(709.0));
    CHECK(detail::exp_clamped(0.0f) == 1.0f);
}

TEST_CASE("ln is as exact as its header says", "[detail]") {
    CHECK(worst_log<float>(1e-37, 1e38) < 1.5e-7);
    CHECK(worst_log<float>(0.5, 2) < 1.5e-7);
    CHECK(worst_log<double>(1e-300, 1e300) < 1e-15);
    CHECK(worst_log<double>(0.5, 2) < 1e-15);
}

TEST_CASE("halves become numbers, all of them", "[detail]") {
    std::uint16_t halves[detail::pack_lanes<float>];
    for (std::uint32_t k = 0; k < 65536; k += 7) {
        for (std::size_t lane = 0; lane < detail::pack_lanes<float>; ++lane)
            halves[lane] = static_cast<std::uint16_t>(k + lane);
        auto const single = detail::load_halves<float>(halves);
        auto const wide = detail::load_halves<double>(halves);
        for (std::size_t lane = 0; lane < detail::pack_lanes<float>; ++lane)
            REQUIRE(single[lane] == static_cast<float>(halves[lane]));
        for (std::size_t lane = 0; lane < detail::pack_lanes<double>; ++lane)
            REQUIRE(wide[lane] == static_cast<double>(halves[lane]));
    }
}

namespace {

template <class Real>
void check_log_2cosh(std::size_t n, double from, double to, double scale) {
    std::vector<Real> h;
    long double expected = 0, sizes = 0;
    for (std::size_t k = 0; k < n; ++k) {
        h.push_back(static_cast<Real>(scale * std::sin(1.0 + 7.3 * static_cast<double>(k))));
        if (k % 11 == 3) h.back() = 0;
        long double const size = std::abs(static_cast<long double>(h.back()));
        auto const of = [&](double beta) { return beta * size + std::log1p(std::exp(-2 * beta * size)); };
        expected += of(to) - of(from);
        sizes += std::abs(to - from) * size + 1;
    }
    CAPTURE(n, from, to, scale);
    double const found = detail::log_2cosh_change(h.data(), n, from, to);
    CHECK(std::abs(found - static_cast<double>(expected)) <=
          (sizeof(Real) == 4 ? 4e-7 : 2e-15) * static_cast<double>(sizes));
}

}  // namespace

TEMPLATE_TEST_CASE("changes of ln 2 cosh beta h add up over any number of fields", "[detail]", float,
                   double) {
    for (std::size_t const n : {0u, 1u, 7u, 8u, 15u, 16u, 17u, 511u, 512u, 513u, 3000u})
        for (auto const& [from, to] :
             {std::pair{0.5, 0.7}, {0.7, 0.5}, {0.0, 1.0}, {2.0, 2.0}, {1e-30, 40.0}})
            for (double const scale : {0.0, 1e-20, 0.3, 5.0, 1e5})
                check_log_2cosh<TestType>(n, from, to, scale);
}
