// SPDX-License-Identifier: BSD-3-Clause
/// What the checks of this study write to: lines of expected and measured numbers, and samples that are kept
/// on disk, so that a run goes on where it was stopped.
#pragma once

#include "../figure.hpp"
#include <spinet/spinet.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace validation {

/// Thrown between two samples when the user wants to stop.
struct stopped {};

/// A number with its error (0: exact).
struct value {
    double mean = 0;
    double error = 0;
};

enum class verdict { pass, fail };

struct line {
    std::string section, quantity, source;
    value expected, measured;
    verdict outcome = verdict::fail;
    bool within = false;  ///< judged by being between two numbers, not by errors
    bool judged = true;   ///< false: nothing is known that it could be judged by
};

/// [column] over disorder samples, with its error.
[[nodiscard]] value average(spinet::disorder_samples const& of, std::size_t column);

/// f of the averages of columns, with the error of all of it.
template <class F>
    requires(!std::convertible_to<F, std::size_t>)
[[nodiscard]] value average(spinet::disorder_samples const& of, F&& f) {
    auto const found = spinet::disorder_average(of, std::forward<F>(f));
    return {found.value, found.error};
}

/// The average of one component over all replicas (or pairs) and measurements of some stages.
[[nodiscard]] double thermal(spinet::recorder const& recorded, std::size_t component = 0,
                             spinet::stage_range stages = {});

using studies::figure;

/// The numbers of a line as they are printed: expected, measured, and how many errors they are apart.
struct printed {
    std::string expected, measured, apart;
};
[[nodiscard]] printed print(line const& of);

/// How often the truth was found where an estimate says that it is.
struct covered {
    struct shares {
        std::size_t units;
        double determined;    ///< runs that gave an estimate
        double one, two;      ///< of these within one and two errors
        double interval;      ///< and in the interval of 95 %
        double chance_at_93;  ///< of so few in the interval, if 93 % were
    };
    std::string quantity;
    std::vector<shares> of_units;
    verdict outcome = verdict::fail;
};

/// Lines as tables of Markdown, one to a section.
[[nodiscard]] std::string markdown(std::vector<line> const& lines);
[[nodiscard]] std::string markdown(std::vector<covered> const& coverages);

class study {
public:
    struct options {
        std::filesystem::path samples;  ///< directory that keeps them
        std::filesystem::path figures;  ///< directory of the pictures; empty: none
        bool quick = false;             ///< fewer samples
        std::size_t workers = 1;
    };

    study(options chosen, std::function<bool()> stop);

    [[nodiscard]] bool quick() const noexcept { return chosen_.quick; }
    /// `few` in the fast form.
    [[nodiscard]] std::size_t count(std::size_t few, std::size_t many) const noexcept {
        return chosen_.quick ? few : many;
    }

    /// Rows f(seed of sample 0), ..., f(seed of sample count - 1), those that are on disk from there. `key`
    /// names the file and is what the seeds depend on: f must depend on nothing that is not in it.
    [[nodiscard]] spinet::disorder_samples samples(
        std::string const& key, std::size_t count,
        std::function<std::vector<double>(std::uint64_t)> const& f);

    void begin(std::string section);
    /// Passes within `errors` of both errors together.
    void agree(std::string quantity, value expected, value measured, std::string source);
    /// Passes to a relative rounding error.
    void equal(std::string quantity, double expected, double measured, double tolerance, std::string source);
    /// Passes from low to high.
    void between(std::string quantity, double low, double high, value measured, std::string source);

    /// Is reported and not judged: no source says what it should be.
    void report(std::string quantity, value measured, std::string what);
    /// Passes unless intervals of 95 % hold the truth in less than 93 % of the runs.
    void covers(covered of, std::size_t runs);

    /// Draws, if pictures are wanted and there is gnuplot.
    void draw(figure const& drawn);

    [[nodiscard]] std::vector<line> const& lines() const noexcept { return lines_; }
    [[nodiscard]] std::vector<covered> const& coverages() const noexcept { return coverages_; }

    /// A false alarm in 1.0e-5 of all lines: 0.001 in a hundred of them.
    static constexpr double errors = 4.42;

private:
    void add(line found);

    options chosen_;
    std::function<bool()> stop_;
    std::string section_;
    std::vector<line> lines_;
    std::vector<covered> coverages_;
};

void check_small_models(study&);
void check_hopfield(study&);
void check_sherrington_kirkpatrick(study&);
void check_lattices(study&);
void check_networks(study&);
void check_p_spin(study&);
void check_coverage(study&);

}  // namespace validation
