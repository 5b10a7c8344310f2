// SPDX-License-Identifier: BSD-3-Clause
/// The Linnerud data set: three exercises and three measurements of the body of twenty men.
#pragma once

#include <spinet/landscape/data_set.hpp>

#include <array>
#include <cmath>
#include <cstddef>

namespace studies {

/// Chin-ups, sit-ups and jumps (inputs), weight in pounds, waist in inches and pulse (targets), of twenty
/// middle-aged men of a fitness club, as they were measured. Source: A. C. Linnerud, North Carolina State
/// University; in M. Tenenhaus, La regression PLS, Technip, Paris 1998, and SAS's documentation of CANCORR.
template <class Real = double>
[[nodiscard]] spinet::data_set<Real> linnerud() {
    // weight, waist, pulse, chin-ups, sit-ups, jumps
    constexpr std::array<std::array<int, 6>, 20> men{
        {{191, 36, 50, 5, 162, 60},   {189, 37, 52, 2, 110, 60},  {193, 38, 58, 12, 101, 101},
         {162, 35, 62, 12, 105, 37},  {189, 35, 46, 13, 155, 58}, {182, 36, 56, 4, 101, 42},
         {211, 38, 56, 8, 101, 38},   {167, 34, 60, 6, 125, 40},  {176, 31, 74, 15, 200, 40},
         {154, 33, 56, 17, 251, 250}, {169, 34, 50, 17, 120, 38}, {166, 33, 52, 13, 210, 115},
         {154, 34, 64, 14, 215, 105}, {247, 46, 50, 1, 50, 50},   {193, 36, 46, 6, 70, 31},
         {202, 37, 62, 12, 210, 120}, {176, 37, 54, 4, 60, 25},   {157, 32, 52, 11, 230, 80},
         {156, 33, 54, 15, 225, 73},  {138, 33, 68, 2, 110, 43}}};
    spinet::data_set<Real> of;
    of.count = men.size();
    of.size = 3;
    for (auto const& man : men)
        for (std::size_t k = 0; k < 3; ++k) {
            of.targets.push_back(static_cast<Real>(man[k]));
            of.inputs.push_back(static_cast<Real>(man[3 + k]));
        }
    return of;
}

/// Each column of inputs and targets with mean 0 and variance 1 (divided by the number of samples); columns
/// that do not vary become 0.
template <class Real>
[[nodiscard]] spinet::data_set<Real> standardised(spinet::data_set<Real> of) {
    auto const scale = [&](std::vector<Real>& numbers) {
        if (of.count == 0 || numbers.empty()) return;
        std::size_t const columns = numbers.size() / of.count;
        for (std::size_t c = 0; c < columns; ++c) {
            double mean = 0, square = 0;
            for (std::size_t k = 0; k < of.count; ++k) mean += static_cast<double>(numbers[k * columns + c]);
            mean /= static_cast<double>(of.count);
            for (std::size_t k = 0; k < of.count; ++k)
                square += std::pow(static_cast<double>(numbers[k * columns + c]) - mean, 2);
            double const deviation = std::sqrt(square / static_cast<double>(of.count));
            for (std::size_t k = 0; k < of.count; ++k) {
                Real& each = numbers[k * columns + c];
                each = deviation > 1e-12 * std::abs(mean)
                           ? static_cast<Real>((static_cast<double>(each) - mean) / deviation)
                           : Real{0};
            }
        }
    };
    scale(of.inputs);
    scale(of.targets);
    return of;
}

}  // namespace studies
