// SPDX-License-Identifier: BSD-3-Clause
/// What a network's loss is measured on: samples and labels or targets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spinet {

/// Samples and what a network should make of them: `inputs`, count x size numbers, one sample after the
/// other, and either `labels`, one class to a sample, or `targets`, count x outputs numbers.
template <class Real = float>
struct data_set {
    std::size_t count = 0;
    std::size_t size = 0;  ///< numbers of a sample
    std::vector<Real> inputs{};
    std::vector<std::uint32_t> labels{};
    std::vector<Real> targets{};

    /// The first `n` samples, or all.
    [[nodiscard]] data_set first(std::size_t n) const {
        data_set part = *this;
        if (n >= count) return part;
        part.inputs.resize(n * size);
        part.labels.resize(std::min(n, labels.size()));
        part.targets.resize(targets.size() / count * n);
        part.count = n;
        return part;
    }
};

}  // namespace spinet
