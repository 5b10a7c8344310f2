// SPDX-License-Identifier: BSD-3-Clause
/// The other of the two translation units that include every header.
#include "layouts.hpp"

#include <all_headers.hpp>

char const* const* version_of_second_unit();
char const* const* version_of_second_unit() { return &spinet::version; }

std::array<std::size_t, layouts> sizes_in_second_unit() { return sizes_here(); }
spinet::dense_ising<float> model_of_second_unit() { return spinet::sherrington_kirkpatrick<float>(70, 3); }
float field_in_second_unit(spinet::dense_ising<float> const& model) { return field_here(model); }
