// expect: spinet: not an Objective; it needs size() and value(x)
// SPDX-License-Identifier: BSD-3-Clause
/// A plane of something without value(x).
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/surface.hpp>

struct bowl {
    [[nodiscard]] std::size_t size() const { return 2; }
#ifdef CONTROL
    [[nodiscard]] double value(std::span<double const> x) const { return x[0] * x[0] + x[1] * x[1]; }
#endif
};

int main() {
    auto const where = spinet::section_along({0, 0}, {1, 0}, {0, 1});
    return spinet::plane(bowl{}, where, {}, {}).complete() ? 0 : 1;
}
