// SPDX-License-Identifier: BSD-3-Clause
/// Data for the loss of a network: samples, with labels or targets.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace spinet {

/// Samples and the outputs that are wanted: `inputs` has count x size numbers, one sample after the other;
/// either `labels` has one class for each sample, or `targets` has count x outputs numbers.
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

namespace detail {

template <class To, class Numbers>
void put_rows(Numbers const& numbers, char const* what, std::size_t& count, std::size_t& size,
              std::vector<To>& to) {
    auto const rows = row_major_copy<To, 2>(numbers, what);
    count = rows.shape(0);
    size = rows.shape(1);
    to.assign(rows.data(), rows.data() + rows.size());
}

inline void require_as_many(char const* who, std::size_t found, std::size_t expected) {
    if (found != expected)
        throw error(who, ": expected ", expected, " rows, one for each sample, found ", found);
}

}  // namespace detail

/// A data set from arrays: one row of `inputs` and one class of `labels` for each sample. Any xtensor
/// expressions of ranks 2 and 1. Throws spinet::error where they do not have equally many samples.
template <class Real = float, class Inputs, class Labels>
[[nodiscard]] data_set<Real> labelled_samples(Inputs const& inputs, Labels const& labels) {
    data_set<Real> set;
    detail::put_rows(inputs, "labelled_samples: inputs", set.count, set.size, set.inputs);
    auto const classes = detail::row_major_copy<std::uint32_t, 1>(labels, "labelled_samples: labels");
    detail::require_as_many("labelled_samples: labels", classes.size(), set.count);
    set.labels.assign(classes.begin(), classes.end());
    return set;
}

/// The same with one row of `targets` for each sample.
template <class Real = float, class Inputs, class Targets>
[[nodiscard]] data_set<Real> samples_with_targets(Inputs const& inputs, Targets const& targets) {
    data_set<Real> set;
    std::size_t count = 0, outputs = 0;
    detail::put_rows(inputs, "samples_with_targets: inputs", set.count, set.size, set.inputs);
    detail::put_rows(targets, "samples_with_targets: targets", count, outputs, set.targets);
    detail::require_as_many("samples_with_targets: targets", count, set.count);
    return set;
}

}  // namespace spinet
