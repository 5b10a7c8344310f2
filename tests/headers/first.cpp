// SPDX-License-Identifier: BSD-3-Clause
/// One of two translation units that include every header: a function that is not inline fails to link. They
/// are compiled for different processors, and hand each other a model.
#include "layouts.hpp"

#include <all_headers.hpp>
#include <cmath>

char const* const* version_of_second_unit();

int main() {
    if (version_of_second_unit() != &spinet::version) return 1;
    if (sizes_in_second_unit() != sizes_here()) return 2;
    auto const ours = spinet::sherrington_kirkpatrick<float>(70, 3), theirs = model_of_second_unit();
    float const expected = field_here(ours);
    for (float const field : {field_here(theirs), field_in_second_unit(ours), field_in_second_unit(theirs)})
        if (!(std::abs(field - expected) < 1e-4f)) return 3;
    return 0;
}
