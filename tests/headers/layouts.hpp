// SPDX-License-Identifier: BSD-3-Clause
/// What two files compiled for different processors must agree on: the layout of public types.
#pragma once
#include <spinet/spinet.hpp>

#include <array>
#include <cstddef>

inline constexpr std::size_t layouts = 12;

/// Not inline: each file has its own.
static std::array<std::size_t, layouts> sizes_here() {
    using namespace spinet;
    using sk = dense_ising<float>;
    return {sizeof(sk),
            sizeof(dense_ising<double>),
            sizeof(network_glass<float>),
            sizeof(sparse_ising<float>),
            sizeof(soft_spins<sk, uniform_measure>),
            sizeof(spin_rows<float>),
            sizeof(glauber<>::state<sk>),
            sizeof(glauber<>::state<network_glass<float>>),
            sizeof(multi_spin<glauber<>>::state<sparse_ising<float>>),
            sizeof(run<energy, overlap>),
            sizeof(stored_spins),
            sizeof(stream)};
}

std::array<std::size_t, layouts> sizes_in_second_unit();
spinet::dense_ising<float> model_of_second_unit();
float field_in_second_unit(spinet::dense_ising<float> const& model);

/// The local field of spin 0 where all spins are up.
static float field_here(spinet::dense_ising<float> const& model) {
    std::vector<float> spins(model.size(), 1.0f), fields(model.size());
    model.fields({spins.data(), 1, spins.size(), spins.size()},
                 {fields.data(), 1, fields.size(), fields.size()});
    return fields[0];
}
