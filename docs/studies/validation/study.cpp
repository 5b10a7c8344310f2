// SPDX-License-Identifier: BSD-3-Clause
#include "study.hpp"

#include <spinet/io/plot.hpp>

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace validation {
namespace {

std::uint64_t seed_of(std::string const& key, std::size_t n) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (char const c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return spinet::child_seed(hash, spinet::purpose::testing, static_cast<std::uint32_t>(n));
}

/// The rows of a file of samples, up to the first that is cut off or out of order.
std::vector<std::vector<double>> read_rows(std::filesystem::path const& path) {
    std::vector<std::vector<double>> rows;
    std::ifstream in(path);
    for (std::string text; std::getline(in, text);) {
        if (in.eof()) break;  // no end of line: cut off
        std::vector<double> row;
        std::istringstream fields(text);
        for (std::string field; std::getline(fields, field, ',');) {
            char* end = nullptr;
            row.push_back(std::strtod(field.c_str(), &end));
            if (end == field.c_str() || *end != 0) return rows;
        }
        if (row.empty() || row[0] != static_cast<double>(rows.size()) ||
            (!rows.empty() && row.size() != rows[0].size() + 1))
            return rows;
        rows.emplace_back(row.begin() + 1, row.end());
    }
    return rows;
}

std::string text_of(std::size_t n, std::vector<double> const& row) {
    std::string text = std::to_string(n);
    char buffer[40];
    for (double const x : row) {
        std::snprintf(buffer, sizeof buffer, ",%.17g", x);
        text += buffer;
    }
    return text += '\n';
}

char const* outcome_of(line const& of) {
    return !of.judged ? "" : of.outcome == verdict::pass ? "PASS" : "FAIL";
}

/// Within one error / two errors / in the interval of 95 %.
std::string shares_of(covered::shares const& of) {
    char text[64];
    std::snprintf(text, sizeof text, "%.0f / %.0f / %.0f", 100 * of.one, 100 * of.two, 100 * of.interval);
    return text;
}

}  // namespace

value average(spinet::disorder_samples const& of, std::size_t column) {
    return average(of, [&](auto mean) { return mean(column); });
}

double thermal(spinet::recorder const& recorded, std::size_t component, spinet::stage_range stages) {
    auto const sums = spinet::sums_over_all(recorded, stages);
    return sums.mean(sums.units(), component);
}

study::study(options chosen, std::function<bool()> stop)
    : chosen_(std::move(chosen)), stop_(std::move(stop)) {
    std::filesystem::create_directories(chosen_.samples);
    if (!chosen_.figures.empty()) std::filesystem::create_directories(chosen_.figures);
}

spinet::disorder_samples study::samples(std::string const& key, std::size_t count,
                                        std::function<std::vector<double>(std::uint64_t)> const& f) {
    auto const path = chosen_.samples / (key + ".csv");
    auto rows = read_rows(path);
    {
        // Without what may follow the last whole row.
        std::ofstream anew(path, std::ios::trunc);
        for (std::size_t n = 0; n < rows.size(); ++n) anew << text_of(n, rows[n]);
    }
    spinet::thread_team team(chosen_.workers);
    std::ofstream out(path, std::ios::app);
    while (rows.size() < count) {
        if (stop_()) throw stopped{};
        std::size_t const first = rows.size(), together = std::min(count - first, 4 * chosen_.workers);
        rows.resize(first + together);
        team.run(together, [&](std::size_t k) { rows[first + k] = f(seed_of(key, first + k)); });
        for (std::size_t k = 0; k < together; ++k) out << text_of(first + k, rows[first + k]);
        if (!out.flush()) throw spinet::error(path.string() + ": cannot be written");
        std::fprintf(stderr, "\r%s: %zu of %zu samples   ", key.c_str(), rows.size(), count);
    }
    std::fprintf(stderr, "\r%60s\r", "");
    spinet::disorder_samples found(rows.at(0).size());
    // Whether they are equilibrated is for the checks to say: by identities, and by their last halves.
    for (std::size_t n = 0; n < count; ++n) found.add(rows[n], true);
    return found;
}

void study::begin(std::string section) {
    section_ = std::move(section);
    std::printf("\n%s\n", section_.c_str());
}

void study::agree(std::string quantity, value expected, value measured, std::string source) {
    double const error = std::hypot(expected.error, measured.error);
    bool const good = std::abs(measured.mean - expected.mean) <= errors * error;
    add({section_, std::move(quantity), std::move(source), expected, measured,
         good ? verdict::pass : verdict::fail});
}

void study::equal(std::string quantity, double expected, double measured, double tolerance,
                  std::string source) {
    bool const good = std::abs(measured - expected) <= tolerance * std::abs(expected);
    add({section_,
         std::move(quantity),
         std::move(source),
         {expected, tolerance * std::abs(expected)},
         {measured, 0},
         good ? verdict::pass : verdict::fail,
         true});
}

void study::between(std::string quantity, double low, double high, value measured, std::string source) {
    bool const good = measured.mean >= low && measured.mean <= high;
    add({section_,
         std::move(quantity),
         std::move(source),
         {(low + high) / 2, (high - low) / 2},
         measured,
         good ? verdict::pass : verdict::fail,
         true});
}

void study::report(std::string quantity, value measured, std::string what) {
    add({section_, std::move(quantity), std::move(what), {}, measured, verdict::pass, true, false});
}

void study::draw(figure const& drawn) {
    if (chosen_.figures.empty()) return;
    std::printf("  %s\n", studies::draw(drawn, chosen_.figures).string().c_str());
}

printed print(line const& of) {
    char expected[64], measured[64], apart[32];
    if (!of.judged)
        expected[0] = 0;
    else if (of.within)
        std::snprintf(expected, sizeof expected, "%.6g +- %.2g", of.expected.mean, of.expected.error);
    else if (of.expected.error > 0)
        std::snprintf(expected, sizeof expected, "%.6g (%.2g)", of.expected.mean, of.expected.error);
    else
        std::snprintf(expected, sizeof expected, "%.6g", of.expected.mean);
    std::snprintf(measured, sizeof measured, of.measured.error > 0 ? "%.6g (%.2g)" : "%.6g", of.measured.mean,
                  of.measured.error);
    double const error = std::hypot(of.expected.error, of.measured.error);
    if (!of.judged)
        apart[0] = 0;
    else if (of.within || !(error > 0))
        std::snprintf(apart, sizeof apart, "within");
    else
        std::snprintf(apart, sizeof apart, "%+.1f", (of.measured.mean - of.expected.mean) / error);
    return {expected, measured, apart};
}

std::string markdown(std::vector<line> const& lines) {
    std::string text, section;
    for (auto const& each : lines) {
        if (each.section != section) {
            section = each.section;
            text += "\n**" + section +
                    "**\n\n| | expected | measured | errors apart | | source |\n|---|---|---|---|---|---|\n";
        }
        auto const numbers = print(each);
        text += "| ";
        for (char const c : each.quantity) text += c == '|' ? std::string("\\|") : std::string(1, c);
        for (auto const& field :
             {numbers.expected, numbers.measured, numbers.apart, std::string(outcome_of(each)), each.source})
            text += " | " + field;
        text += " |\n";
    }
    return text;
}

std::string markdown(std::vector<covered> const& coverages) {
    if (coverages.empty()) return {};
    std::string text = "\n| estimate |", rule = "\n|---|";
    for (auto const& each : coverages.front().of_units) {
        text += " " + std::to_string(each.units) + " units |";
        rule += "---|";
    }
    text += rule + "\n";
    for (auto const& of : coverages) {
        text += "| ";
        for (char const c : of.quantity) text += c == '|' ? std::string("\\|") : std::string(1, c);
        text += " |";
        std::size_t place = 0;
        for (auto const& column : coverages.front().of_units) {
            if (place < of.of_units.size() && of.of_units[place].units == column.units)
                text += " " + shares_of(of.of_units[place++]);
            text += " |";
        }
        text += "\n";
    }
    return text;
}

void study::covers(covered of, std::size_t runs) {
    std::printf("  %-44s", of.quantity.c_str());
    bool good = true;
    for (auto const& each : of.of_units) {
        good = good && each.chance_at_93 >= 1e-5;
        std::printf("  %-16s", shares_of(each).c_str());
        if (each.determined < static_cast<double>(runs)) std::printf("(of %.0f)", each.determined);
    }
    std::printf("  %s\n", good ? "PASS" : "FAIL");
    std::fflush(stdout);
    of.outcome = good ? verdict::pass : verdict::fail;
    coverages_.push_back(std::move(of));
}

void study::add(line found) {
    auto const numbers = print(found);
    std::printf("  %-58s %-24s %-24s %7s  %s\n", found.quantity.c_str(), numbers.expected.c_str(),
                numbers.measured.c_str(), numbers.apart.c_str(), outcome_of(found));
    std::fflush(stdout);
    lines_.push_back(std::move(found));
}

}  // namespace validation
