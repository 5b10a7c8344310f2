// SPDX-License-Identifier: BSD-3-Clause
/// ensembles: overlaps between the spin glasses' states of networks that were trained independently.
///
/// MEMBERS is a CSV file with columns name, file, ensemble and matched (match.py). Every member is sampled at
/// the same multiples of its own T_ord; replicas of one member and of two are compared, in all and by layer.
/// Writes OUTPUT, one row per pair, part and temperature; a pair of a member with itself is of its replicas.
#include "../../examples/program.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace spinet;

struct options {
    std::string members, output = "ensembles.csv";
    run_plan plan{.warmup = 1'500, .sweeps = 3'000, .keep_spins = true};
};

struct member {
    std::string name, ensemble, matched;
    fs::path file;
};

/// Columns by name; without quotes.
std::vector<member> read_members(fs::path const& path) {
    std::stringstream lines(read_whole(path));
    std::vector<std::string> head;
    std::vector<member> members;
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> fields;
        std::stringstream stream(line);
        for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
        if (head.empty()) {
            head = fields;
            continue;
        }
        auto const of = [&](char const* name) {
            auto const at =
                static_cast<std::size_t>(std::find(head.begin(), head.end(), name) - head.begin());
            if (at >= fields.size())
                throw file_error(path.string(), "line " + std::to_string(members.size() + 2) +
                                                    ": expected a '" + name + "'");
            return fields[at];
        };
        members.push_back({of("name"), of("ensemble"), of("matched"), path.parent_path() / of("file")});
    }
    return members;
}

/// The states of one member, and where it equilibrated.
struct sampled {
    member of;
    std::vector<std::vector<std::vector<float>>> states;  ///< temperature, replica, spin
    std::vector<bool> equilibrated;
    std::vector<spin_group> groups;
};

/// In units of T_ord, the coldest first; the same for all, so that they can be compared.
std::vector<double> const of_t_ord = [] {
    std::vector<double> at;
    for (int k = 0; k < 24; ++k) at.push_back(0.4 * std::pow(1.6 / 0.4, k / 23.0));
    return at;
}();

sampled sample_member(member const& of, run_plan const& plan) {
    auto const glass = to_spin_glass(program::load_network(of.file.string()));
    double const unit = t_ord(glass).temperature;
    std::vector<double> temperatures;
    for (double const x : of_t_ord) temperatures.push_back(x * unit);
    auto const run = sample(glass, parallel_tempering(mirrored{glauber{}}, ladder(temperatures)),
                            observables{energy{}, overlap{}}, plan, threads{},
                            [](progress const&) { return program::interrupted == 0; });
    sampled made{of, {}, {}, run.groups};
    if (!run.complete()) return made;
    auto const verdicts = equilibration(run, {.overlap_tolerance = 0.02, .false_alarm = 0.001});
    for (std::size_t k = 0; k < of_t_ord.size(); ++k) {
        made.equilibrated.push_back(verdicts[k].equilibrated);
        auto& here = made.states.emplace_back();
        for (std::size_t r = 0; r < plan.replicas; ++r)
            run.spins[k].copy_row(r, std::span(here.emplace_back(glass.size())));
    }
    return made;
}

std::string rows_of(sampled const& a, sampled const& b) {
    std::string text;
    bool const same = a.of.name == b.of.name;
    for (std::size_t part = 0; part <= a.groups.size(); ++part) {
        std::size_t const first = part == 0 ? 0 : a.groups[part - 1].first,
                          size = part == 0 ? a.states[0][0].size() : a.groups[part - 1].size;
        for (std::size_t k = 0; k < of_t_ord.size(); ++k) {
            double sum = 0, absolute = 0, pairs = 0;
            for (std::size_t r = 0; r < a.states[k].size(); ++r)
                for (std::size_t s = same ? r + 1 : 0; s < b.states[k].size(); ++s) {
                    double q = 0;
                    for (std::size_t i = first; i < first + size; ++i)
                        q += static_cast<double>(a.states[k][r][i] * b.states[k][s][i]);
                    q /= static_cast<double>(size);
                    sum += q;
                    absolute += std::abs(q);
                    ++pairs;
                }
            char line[400];
            std::snprintf(line, sizeof line, "%s,%s,%s,%s,%s,%zu,%.4g,%.5g,%.5g,%d\n", a.of.ensemble.c_str(),
                          a.of.matched.c_str(), a.of.name.c_str(), b.of.name.c_str(),
                          part == 0 ? "" : ("layer" + std::to_string(part - 1)).c_str(), size, of_t_ord[k],
                          absolute / pairs, sum / pairs, a.equilibrated[k] && b.equilibrated[k] ? 1 : 0);
            text += line;
        }
    }
    return text;
}

int compare(options const& chosen) {
    auto const members = read_members(chosen.members);
    std::map<std::pair<std::string, std::string>, std::vector<member>> ensembles;
    for (auto const& each : members) ensembles[{each.ensemble, each.matched}].push_back(each);
    auto const parts = fs::path(chosen.output + ".parts");
    fs::create_directories(parts);
    std::string all = "ensemble,matched,a,b,part,spins,of_t_ord,mean_abs_q,mean_q,equilibrated\n";
    std::size_t done = 0;
    for (auto const& [key, of] : ensembles) {
        auto const part = parts / (key.first + "." + key.second + ".csv");
        ++done;
        if (!fs::exists(part)) {
            std::vector<sampled> states;
            for (auto const& each : of) {
                states.push_back(sample_member(each, chosen.plan));
                if (program::interrupted != 0) return 130;
            }
            std::string text;
            for (std::size_t a = 0; a < states.size(); ++a)
                for (std::size_t b = a; b < states.size(); ++b) text += rows_of(states[a], states[b]);
            write_atomically(part, text);
            std::fprintf(stderr, "%zu/%zu  %s\n", done, ensembles.size(), key.first.c_str());
        }
        all += read_whole(part);
    }
    write_atomically(chosen.output, all);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("Overlaps between the states of independently trained networks.", "ensembles");
    CLI::Validator const count(program::not_a_count, "", "count");
    return program::main_of(
        app, argv,
        [&] {
            app.add_option("MEMBERS", chosen.members, "CSV with columns name, file, ensemble, matched")
                ->required();
            app.add_option("--output", chosen.output)->capture_default_str();
            app.add_option("--replicas", chosen.plan.replicas)->check(count)->capture_default_str();
            app.add_option("--warmup", chosen.plan.warmup)->check(count)->capture_default_str();
            app.add_option("--sweeps", chosen.plan.sweeps)->check(count)->capture_default_str();
            app.parse(argc, argv);
        },
        [&] { return compare(chosen); });
}
