// SPDX-License-Identifier: BSD-3-Clause
/// Distribution functions beside those of Boost.Math, where it is installed.
#include "../catch.hpp"
#include <spinet/statistics/distributions.hpp>

#if __has_include(<boost/math/distributions/students_t.hpp>)
#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

using namespace spinet;
namespace reference = boost::math;

namespace {

/// The largest relative difference of many comparisons.
class agreement {
public:
    void add(double found, double expected) {
        if (found != expected) worst_ = std::max(worst_, std::abs(found - expected) / std::abs(expected));
    }
    [[nodiscard]] double worst() const { return worst_; }

private:
    double worst_ = 0;
};

}  // namespace

TEST_CASE("distribution functions agree with Boost.Math's", "[statistics]") {
    reference::normal_distribution<double> const normal;
    agreement cdf, quantile;
    for (double x = -37; x < 8; x += 0.37) cdf.add(normal_cdf(x), reference::cdf(normal, x));
    for (double log = -600; log < -1e-4; log *= 0.8)
        quantile.add(normal_quantile(std::exp(log)), reference::quantile(normal, std::exp(log)));
    CHECK(cdf.worst() < 2e-13);
    CHECK(quantile.worst() < 1e-14);

    // The limits are those that distributions.hpp states.
    for (double const dof : {0.5, 1.0, 2.0, 3.0, 7.0, 31.0, 100.0, 1e3, 1e4, 9e4, 2e5, 1e6}) {
        reference::students_t_distribution<double> const student(dof);
        agreement t_cdf, t_quantile;
        for (double t = -30; t < 30; t += 1.13) t_cdf.add(student_t_cdf(t, dof), reference::cdf(student, t));
        for (double p = 1e-9; p < 0.5; p *= 2.3)
            t_quantile.add(student_t_quantile(p, dof), reference::quantile(student, p));
        CAPTURE(dof, t_cdf.worst(), t_quantile.worst());
        CHECK(t_cdf.worst() < (dof <= 1e4 ? 6e-13 : 1e-11));
        CHECK(t_quantile.worst() < (dof <= 1e4 ? 2e-13 : 2e-12));
        reference::chi_squared_distribution<double> const squares(dof);
        agreement survival;
        for (double x = 0.01 * dof; x < 4 * dof; x *= 1.3)
            if (double const expected = reference::cdf(reference::complement(squares, x)); expected > 1e-290)
                survival.add(chi_square_survival(x, dof), expected);
        CHECK(survival.worst() < 2e-13);
    }
    agreement beta;
    for (double const a : {0.5, 1.0, 2.5, 10.0, 50.0, 300.0, 2000.0})
        for (double const b : {0.5, 1.0, 2.5, 10.0, 50.0, 300.0, 2000.0})
            for (double x = 0.02; x < 1; x += 0.1)
                if (double const expected = reference::ibeta(a, b, x); expected > 1e-290)
                    beta.add(incomplete_beta(a, b, x), expected);
    CHECK(beta.worst() < 3e-13);
}
#endif
