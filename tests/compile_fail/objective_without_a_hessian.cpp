// expect: spinet: not a TwiceDifferentiableObjective; it needs size(), value(x), gradient(x, out) and
// SPDX-License-Identifier: BSD-3-Clause
/// A search for a saddle without second derivatives.
#include <spinet/landscape/critical_points.hpp>

struct bowl {
    [[nodiscard]] std::size_t size() const { return 1; }
    [[nodiscard]] double value(std::span<double const> x) const { return x[0] * x[0]; }
    double gradient(std::span<double const> x, std::span<double> out) const {
        out[0] = 2 * x[0];
        return value(x);
    }
#ifdef CONTROL
    void hessian_vector(std::span<double const>, std::span<double const> v, std::span<double> out) const {
        out[0] = 2 * v[0];
    }
#endif
};

int main() { return spinet::find_critical_point(bowl{}, {1}).converged ? 0 : 1; }
