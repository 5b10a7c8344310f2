// expect: spinet: not a DifferentiableObjective; it needs size(), value(x) and gradient(x, out)
// SPDX-License-Identifier: BSD-3-Clause
/// A descent without a gradient.
#include <spinet/landscape/critical_points.hpp>

struct bowl {
    [[nodiscard]] std::size_t size() const { return 1; }
    [[nodiscard]] double value(std::span<double const> x) const { return x[0] * x[0]; }
#ifdef CONTROL
    double gradient(std::span<double const> x, std::span<double> out) const {
        out[0] = 2 * x[0];
        return value(x);
    }
#endif
};

int main() { return spinet::descend(bowl{}, {1}).converged ? 0 : 1; }
