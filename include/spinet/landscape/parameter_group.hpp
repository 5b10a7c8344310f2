// SPDX-License-Identifier: BSD-3-Clause
/// Which of an objective's numbers belong together: the weights of a layer, or its biases.
#pragma once

#include <cstddef>
#include <string>

namespace spinet {

/// A block of parameters: a matrix of `rows` filters with `columns` numbers each, or the bias of a layer
/// (rows x 1).
struct parameter_group {
    std::string name;
    std::size_t first = 0, rows = 0, columns = 0;
    bool bias = false;

    [[nodiscard]] std::size_t size() const noexcept { return rows * columns; }
};

}  // namespace spinet
