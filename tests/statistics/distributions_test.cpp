// SPDX-License-Identifier: BSD-3-Clause
/// Distribution functions against closed forms, printed tables and 40-digit arithmetic.
#include "../catch.hpp"
#include <spinet/statistics/distributions.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double relative_error(double found, double expected) { return std::abs(found / expected - 1.0); }

}  // namespace

// "40 digits": mpmath 1.3.0 at mp.dps = 40 (erfc, betainc, gammainc with regularized=True, findroot on
// logarithms).

TEST_CASE("the normal distribution holds its relative accuracy far into the tail", "[distributions]") {
    CHECK(relative_error(normal_cdf(-37.0), 5.7255712225245768e-300) < 1e-12);  // 40 digits
    CHECK(relative_error(normal_cdf(-10.0), 7.6198530241605261e-24) < 1e-13);
    CHECK(relative_error(normal_cdf(-3.0), 0.0013498980316300945) < 1e-14);
    CHECK(relative_error(normal_cdf(1.0), 0.84134474606854295) < 1e-15);
    CHECK(normal_cdf(0.0) == 0.5);
    CHECK(normal_cdf(infinity) == 1.0);
    CHECK(relative_error(normal_quantile(1e-300), -37.047096299361199) < 1e-14);  // 40 digits
    CHECK(relative_error(normal_quantile(1e-7), -5.1993375821928169) < 1e-14);
    CHECK(std::abs(normal_quantile(0.975) - 1.959964) < 5e-7);  // any table
    CHECK(std::abs(normal_quantile(0.995) - 2.575829) < 5e-7);
    CHECK(normal_quantile(0.5) == 0.0);
    CHECK(std::isfinite(normal_quantile(std::numeric_limits<double>::denorm_min())));
}

TEST_CASE("quantiles undo their distribution functions", "[distributions]") {
    std::vector<double> const probabilities{1e-200, 1e-30, 1e-7,   0.01, 0.2, 0.2499,
                                            0.2501, 0.4,   0.4999, 0.6,  0.9, 0.999};
    for (double const p : probabilities) {
        CAPTURE(p);
        CHECK(relative_error(normal_cdf(normal_quantile(p)), p) < 1e-12);
        for (double const dof :
             {0.7, 1.0, 2.0, 3.0, 7.5, 19.0, 21.0, 100.0, 1000.0, 99'999.0, 100'001.0, 1e9, infinity}) {
            CAPTURE(dof);
            CHECK(relative_error(student_t_cdf(student_t_quantile(p, dof), dof), p) <
                  1e-11);  // the tail amplifies
        }
    }
}

TEST_CASE("Student's t has closed forms at 1 and 2 degrees of freedom", "[distributions]") {
    for (double const t : {1e-8, 0.01, 0.3, 1.0, 3.0, 40.0, 1e4, 1e9, 1e160}) {
        CAPTURE(t);
        double const root = std::sqrt(2.0) * std::sqrt(1.0 + t * (t / 2.0));
        double const cauchy = std::atan2(1.0, t) / std::numbers::pi;           // upper tail
        double const two = t < 1e9 ? 1.0 / (root * (root + t)) : 0.5 / t / t;  // 1/2 (1 - t / sqrt(2 + t^2))
        CHECK(relative_error(student_t_cdf(-t, 1.0), cauchy) < 1e-13);
        CHECK(relative_error(student_t_cdf(-t, 2.0), two) < 1e-13);
        CHECK(relative_error(student_t_cdf(t, 1.0), 1.0 - cauchy) < 1e-14);
    }
    for (double const p : {1e-300, 1e-20, 1e-7, 0.01, 0.24, 0.26, 0.4, 0.499999}) {
        CAPTURE(p);
        double const two = (1.0 - 2.0 * p) / std::sqrt(2.0 * p * (1.0 - p));
        CHECK(relative_error(student_t_quantile(p, 1.0), -1.0 / std::tan(std::numbers::pi * p)) <
              1e-9 * p + 1e-12);
        CHECK(relative_error(student_t_quantile(p, 2.0), -two) < 1e-12 + 1e-16 / (0.5 - p));
    }
}

TEST_CASE("Student's t agrees with tables and with 40 digits", "[distributions]") {
    // The usual table of two-sided 5 % and 1 % points (Fisher and Yates), three decimals.
    struct row {
        double dof, five_percent, one_percent;
    };
    for (row const& entry :
         {row{1, 12.706, 63.657}, row{2, 4.303, 9.925}, row{3, 3.182, 5.841}, row{7, 2.365, 3.499},
          row{15, 2.131, 2.947}, row{30, 2.042, 2.750}, row{120, 1.980, 2.617}}) {
        CAPTURE(entry.dof);
        CHECK(std::abs(student_t_quantile(0.975, entry.dof) - entry.five_percent) < 5.1e-4);
        CHECK(std::abs(student_t_quantile(0.995, entry.dof) - entry.one_percent) < 5.1e-4);
    }
    struct tail {
        double dof, quantile,
            cdf_at_minus_10;  // quantile: upper tail of exactly 1 - (1 - 1e-7), as a double holds it
    };
    for (tail const& entry : {tail{3, 222.57159098625124, 0.001064199529207075},
                              tail{5, 39.34181962105261, 8.5473787871481795e-5},
                              tail{10, 12.492209688254746, 7.9477658779820598e-7},
                              tail{30, 6.7013995123793148, 2.2876257041148066e-11},
                              tail{100, 5.5869004747069529, 4.9508444922970696e-17},
                              tail{1000, 5.2359984693922194, 8.3353514793000332e-23}}) {
        CAPTURE(entry.dof);
        CHECK(relative_error(student_t_quantile(1.0 - 1e-7, entry.dof), entry.quantile) < 1e-12);
        CHECK(relative_error(student_t_cdf(-10.0, entry.dof), entry.cdf_at_minus_10) < 1e-12);
    }
    CHECK(relative_error(student_t_cdf(-1e18, 15.0), 6.7037216182128986e-263) < 1e-12);
    CHECK(relative_error(student_t_cdf(-3.0, 7.5), 0.0091954693041022551) < 1e-13);
    CHECK(student_t_cdf(-infinity, 3.0) == 0.0);
    CHECK(student_t_cdf(1.5, infinity) == normal_cdf(1.5));
    // Both sides of 1e5 degrees of freedom, where the method changes; 40-digit quadrature of the density.
    CHECK(relative_error(student_t_cdf(-20.0, 90'000.0), 4.2984927011873303e-89) < 4e-12);
    CHECK(relative_error(student_t_cdf(-20.0, 200'000.0), 3.36574526450443e-89) < 1e-12);
    CHECK(relative_error(student_t_cdf(-5.0, 200'000.0), 2.8689324583921393e-7) < 1e-13);
    CHECK(relative_error(student_t_cdf(-3.0, 100'001.0), student_t_cdf(-3.0, 99'999.0)) <
          1e-8);  // two methods meet
}

TEST_CASE("chi-square has closed forms at even degrees of freedom and at 1", "[distributions]") {
    for (double const x : {1e-6, 0.1, 1.0, 1.9, 2.1, 3.9, 4.1, 10.0, 100.0, 700.0, 1370.0}) {
        CAPTURE(x);
        double const h = 0.5 * x;
        CHECK(relative_error(chi_square_survival(x, 1.0), std::erfc(std::sqrt(h))) < 1e-12);
        CHECK(relative_error(chi_square_survival(x, 2.0), std::exp(-h)) < 1e-12);
        CHECK(relative_error(chi_square_survival(x, 4.0), std::exp(-h) * (1.0 + h)) < 1e-12);
        double term = 1.0;
        double sum = 1.0;
        for (int k = 1; k < 20; ++k) sum += term *= h / k;  // Poisson: 40 degrees of freedom, Stirling branch
        CHECK(relative_error(chi_square_survival(x, 40.0), std::exp(-h) * sum) < 1e-12);
    }
    CHECK(relative_error(chi_square_survival(1380.0, 5.0), 2.9674861385661014e-296) < 1e-12);  // 40 digits
    CHECK(relative_error(chi_square_survival(2500.0, 400.0), 7.876999266233267e-300) < 1e-12);
    CHECK(relative_error(chi_square_survival(50.0, 30.0), 0.01240206071890058) < 1e-12);
    CHECK(std::abs(chi_square_survival(18.307, 10.0) - 0.05) < 2e-6);  // any table
    CHECK(std::abs(chi_square_survival(135.807, 100.0) - 0.01) < 2e-6);
    CHECK(chi_square_survival(0.0, 3.0) == 1.0);
    CHECK(chi_square_survival(infinity, 3.0) == 0.0);
}

TEST_CASE("the incomplete beta function", "[distributions]") {
    CHECK(relative_error(incomplete_beta(2.5, 7.25, 0.125), 0.16868554101617587) < 1e-13);  // 40 digits
    CHECK(relative_error(incomplete_beta(200.0, 300.0, 0.125), 4.2439797090952376e-54) < 1e-12);
    CHECK(relative_error(incomplete_beta(1000.0, 1000.0, 0.352), 4.5131458798027701e-42) < 1e-12);
    for (double const x : {1e-200, 0.01, 0.3, 0.5, 0.8, 0.999}) {
        CAPTURE(x);
        CHECK(relative_error(incomplete_beta(1.0, 1.0, x), x) < 1e-12);
        CHECK(relative_error(incomplete_beta(1.5, 1.0, x), std::pow(x, 1.5)) < 1e-12);
        CHECK(relative_error(incomplete_beta(1.0, 40.0, x), -std::expm1(40.0 * std::log1p(-x))) < 1e-12);
        CHECK(std::abs(incomplete_beta(12.0, 30.0, x) + incomplete_beta(30.0, 12.0, 1.0 - x) - 1.0) < 1e-12);
    }
    CHECK(incomplete_beta(3.0, 4.0, 0.0) == 0.0);
    CHECK(incomplete_beta(3.0, 4.0, 1.0) == 1.0);
}

TEST_CASE("distributions refuse what has no answer", "[distributions]") {
    for (double const p : {0.0, 1.0, -0.1, 1.1, not_a_number}) {
        CHECK_THROWS_AS(normal_quantile(p), error);
        CHECK_THROWS_AS(student_t_quantile(p, 3.0), error);
    }
    for (double const dof : {0.0, -1.0, not_a_number}) {
        CHECK_THROWS_AS(student_t_cdf(1.0, dof), error);
        CHECK_THROWS_AS(student_t_quantile(0.3, dof), error);
        CHECK_THROWS_AS(chi_square_survival(1.0, dof), error);
    }
    CHECK_THROWS_AS(student_t_quantile(1e-300, 0.5), error);  // 1e600
    CHECK_THROWS_AS(chi_square_survival(-1.0, 3.0), error);
    CHECK_THROWS_AS(chi_square_survival(1.0, infinity), error);
    CHECK_THROWS_AS(normal_cdf(not_a_number), error);
    CHECK_THROWS_AS(incomplete_beta(0.0, 1.0, 0.5), error);
    CHECK_THROWS_AS(incomplete_beta(1.0, 1.0, 1.5), error);
    CHECK_THROWS_WITH(chi_square_survival(1.0, -2.0),
                      "chi_square_survival: expected degrees of freedom > 0, found -2");
}

TEST_CASE("Fisher's F has the values of tables, Student's t squared, and closed forms", "[distributions]") {
    // 95 and 99 % points: Abramowitz and Stegun, table 26.9.
    CHECK(f_survival(3.33, 5, 10) == Catch::Approx(0.05).epsilon(0.01));
    CHECK(f_survival(4.94, 3, 20) == Catch::Approx(0.01).epsilon(0.01));
    for (double const dof : {1.0, 4.0, 17.0})
        for (double const t : {0.1, 2.0, 9.0})
            CHECK(f_survival(t * t, 1, dof) == Catch::Approx(2 * student_t_cdf(-t, dof)).epsilon(1e-11));
    // With 2 degrees of freedom between: (1 + 2 x / d)^(-d / 2).
    for (double const dof : {3.0, 10.0})
        for (double const x : {0.0, 0.5, 40.0})
            CHECK(f_survival(x, 2, dof) == Catch::Approx(std::pow(1 + 2 * x / dof, -dof / 2)).epsilon(1e-11));
    CHECK(f_survival(std::numeric_limits<double>::infinity(), 3, 4) == 0);
    CHECK_THROWS_WITH(f_survival(-1, 3, 4), ContainsSubstring("f_survival"));
    CHECK_THROWS_WITH(f_survival(1, 0, 4), ContainsSubstring("f_survival"));
    CHECK_THROWS_WITH(f_survival(std::nan(""), 1, 4), ContainsSubstring("f_survival"));
}
