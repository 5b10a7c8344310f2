// SPDX-License-Identifier: BSD-3-Clause
/// What the checks of this study write to: lines of expected and measured numbers, and samples that are kept
/// on disk, so that a run goes on where it was stopped.
#pragma once

#include <spinet/spinet.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
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
};

/// One row of numbers for each disorder sample; all rows are independent.
class sample_table {
public:
    explicit sample_table(std::vector<std::vector<double>> rows) : rows_(std::move(rows)) {}

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] double at(std::size_t sample, std::size_t column) const { return rows_[sample][column]; }
    [[nodiscard]] value mean(std::size_t column) const {
        return of([&](auto mean) { return mean(column); });
    }
    /// f of the means of columns, with its jackknife error over samples.
    template <class F>
    [[nodiscard]] value of(F&& f) const {
        std::vector<double> sums(rows_[0].size(), 0.0);
        for (auto const& row : rows_)
            for (std::size_t c = 0; c < row.size(); ++c) sums[c] += row[c];
        auto const n = static_cast<double>(rows_.size());
        auto const found = spinet::jackknife(rows_.size(), [&](std::size_t left_out) {
            bool const all = left_out == rows_.size();
            return static_cast<double>(f(
                [&](std::size_t c) { return all ? sums[c] / n : (sums[c] - rows_[left_out][c]) / (n - 1); }));
        });
        return {found.value, found.error};
    }

private:
    std::vector<std::vector<double>> rows_;
};

class study {
public:
    /// Samples are kept under `directory`; `quick` asks for fewer of them.
    study(std::filesystem::path directory, bool quick, std::size_t workers, std::function<bool()> stop);

    [[nodiscard]] bool quick() const noexcept { return quick_; }
    /// `few` in the fast form.
    [[nodiscard]] std::size_t count(std::size_t few, std::size_t many) const noexcept {
        return quick_ ? few : many;
    }

    /// Rows f(0), ..., f(count - 1), those that are on disk from there. `key` names the file and is also what
    /// the seeds of the samples depend on: f(n, seed) must depend on nothing else.
    [[nodiscard]] sample_table samples(
        std::string const& key, std::size_t count,
        std::function<std::vector<double>(std::size_t, std::uint64_t)> const& f);

    void begin(std::string section);
    /// Passes within `errors` of both errors together.
    void agree(std::string quantity, value expected, value measured, std::string source);
    /// Passes to a relative rounding error.
    void equal(std::string quantity, double expected, double measured, double tolerance, std::string source);
    /// Passes from low to high.
    void between(std::string quantity, double low, double high, value measured, std::string source);

    [[nodiscard]] std::vector<line> const& lines() const noexcept { return lines_; }

    /// A false alarm in 1.0e-5 of all lines: 0.001 in a hundred of them.
    static constexpr double errors = 4.42;

private:
    void add(line found);

    std::filesystem::path directory_;
    bool quick_;
    std::size_t workers_;
    std::function<bool()> stop_;
    std::string section_;
    std::vector<line> lines_;
};

void check_small_models(study&);
void check_hopfield(study&);
void check_sherrington_kirkpatrick(study&);
void check_lattices(study&);
void check_networks(study&);
void check_p_spin(study&);

}  // namespace validation
