// SPDX-License-Identifier: BSD-3-Clause
/// Products of overlaps of two, three and four replicas, for the susceptibility that fields do not hide.
#pragma once

#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/observable/moments.hpp>
#include <spinet/observable/overlap.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Of all replicas at one temperature: the means of q_ab^2, q_ab q_ac and q_ab q_cd over pairs, triples and
/// quadruples of different replicas, for the whole and, where the model has several groups, for each group by
/// itself. q_ab^2 - 2 q_ab q_ac + q_ab q_cd is the connected susceptibility over N
/// (connected_susceptibility). Sums over rows of the matrix of overlaps give all of them, so it costs R + 1
/// times as much as overlap{}. Needs at least 5 blocks of replicas, because errors leave one out; throws
/// spinet::error for fewer. Source: de Almeida and Thouless, J. Phys. A 11, 983 (1978).
struct connected_overlaps {
    using unit = each_cohort;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;
    static constexpr std::size_t fewest_blocks = 5;
    /// Places of the products in a block of a part.
    static constexpr std::size_t of_two = 0, of_three = 1, of_four = 2, count = 3;

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const> groups) const {
        std::vector<std::string> all;
        for (std::size_t part = 0; part < moments::parts(groups); ++part) {
            std::string const of = part == 0 ? "" : " of " + groups[part - 1].name;
            for (char const* const name : {"q_ab^2", "q_ab q_ac", "q_ab q_cd"}) all.push_back(name + of);
        }
        return all;
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        std::size_t const n = seen.replicas(), parts = moments::parts(seen.groups);
        if (n < 4)
            throw error(
                "connected_overlaps: products of four replicas, without one block for the errors, need at "
                "least 5 blocks of replicas");
        std::vector<double> pairs(each_pair::count(n) * parts * moments::count);
        overlap{}.measure(seen, std::span<double>(pairs));
        auto const r = static_cast<double>(n);
        for (std::size_t part = 0; part < parts; ++part) {
            std::vector<double> rows(n, 0.0);
            double squares = 0, total = 0, of_rows = 0;  // sums over ordered pairs, and of squares of rows
            std::size_t pair = 0;
            for (std::size_t a = 0; a < n; ++a)
                for (std::size_t b = a + 1; b < n; ++b, ++pair) {
                    double const q = pairs[(pair * parts + part) * moments::count + moments::mean];
                    rows[a] += q;
                    rows[b] += q;
                    squares += 2 * q * q;
                    total += 2 * q;
                }
            for (double const row : rows) of_rows += row * row;
            double* const block = out.data() + part * count;
            block[of_two] = squares / (r * (r - 1));
            block[of_three] = (of_rows - squares) / (r * (r - 1) * (r - 2));
            block[of_four] = (total * total - 4 * of_rows + 2 * squares) / (r * (r - 1) * (r - 2) * (r - 3));
        }
    }
};

}  // namespace spinet
