// SPDX-License-Identifier: BSD-3-Clause
/// descriptors: all that spinet can say of each network of a manifest, and of its null models, in one table.
///
/// The manifest is a CSV file with columns `name` and `file`, the latter relative to it. For each network and
/// variant (the network itself, null models, other mappings) OUTPUT/parts/NAME.VARIANT.csv is written when it
/// is finished; what is there already is kept. At the end they are joined to OUTPUT/descriptors.csv.
#include "../../examples/program.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace spinet;

/// Chance that a curve in equilibrium is called out of it: there are hundreds of curves.
constexpr double false_alarm = 0.001;

struct options {
    std::string manifest, output = "descriptors";
    std::vector<std::string> variants{"trained", "shuffled", "redrawn"};
    std::string match;
    std::size_t jobs = std::max(1u, std::thread::hardware_concurrency());
    run_plan plan{.warmup = 2'000, .sweeps = 10'000, .keep_spins = true};
    double work = 8e11;
    double tolerance = 0.01;
    double coldest = 0;   ///< in units of T_ord
    double spread = 0.5;  ///< standard deviation of the logarithms of the factors of `rescaled`
    bool again = false;
};

struct subject {
    std::string name;
    fs::path file;
};

struct task {
    subject of;
    std::string variant;
};

// --- the manifest

std::vector<std::string> fields_of(std::string const& line) {
    std::vector<std::string> fields;
    std::stringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    return fields;
}

std::vector<subject> read_manifest(fs::path const& path) {
    std::stringstream lines(read_whole(path));
    std::string line;
    auto const next_line = [&] {
        if (!std::getline(lines, line)) return false;
        if (!line.empty() && line.back() == '\r') line.pop_back();  // of Windows
        return true;
    };
    next_line();
    auto const head = fields_of(line);
    auto const column = [&](char const* name) {
        auto const found = std::find(head.begin(), head.end(), name);
        if (found == head.end())
            throw file_error(path.string(), std::string("expected a column '") + name + "'");
        return static_cast<std::size_t>(found - head.begin());
    };
    std::size_t const name = column("name"), file = column("file");
    std::vector<subject> subjects;
    std::set<std::string> taken;
    for (std::size_t number = 2; next_line(); ++number) {
        if (line.empty()) continue;
        auto const fields = fields_of(line);
        auto const refuse = [&](std::string const& what) {
            throw file_error(path.string(), "line " + std::to_string(number) + " " + what);
        };
        if (line.find('"') != line.npos) refuse("has quotes, which are not read here");
        if (fields.size() <= std::max(name, file)) refuse("is too short");
        auto const& called = fields[name];
        if (called.empty() || called.find('/') != called.npos) refuse("has no name that a file could have");
        if (!taken.insert(called).second) refuse("has the name of an earlier line, " + called);
        subjects.push_back({called, path.parent_path() / fields[file]});
    }
    return subjects;
}

// --- variants

/// f(weights, number of the layer) of each layer in turn.
template <class F>
network changed(network const& net, char const* note, F&& f) {
    auto weights = weights_of(net);
    for (std::size_t l = 0; l < weights.size(); ++l) f(weights[l], l);
    return with_weights(net, weights, note);
}

/// Without the mean of each layer's weights.
network centred(network const& net) {
    return changed(net, "the mean of each layer's weights taken away", [](auto& w, std::size_t) {
        double mean = 0;
        for (double const x : w) mean += x / static_cast<double>(w.size());
        for (double& x : w) x -= mean;
    });
}

struct variant {
    char const* what;
    std::function<network(network const&, std::uint64_t seed, double spread)> change;
    twin_hopfield mapping;
};

network same(network const& net, std::uint64_t, double) { return net; }
network mixed(network const& net, std::uint64_t seed, double) {
    return shuffled(net, shuffle::within_layers, seed);
}

/// By name. Null models and other mappings come from these alone. Seeds come from networks' names.
std::map<std::string, variant> const variants{
    {"trained", {"as it is", same, {}}},
    {"shuffled", {"weights shuffled within layers", mixed, {}}},
    {"redrawn",
     {"weights drawn anew",
      [](network const& net, std::uint64_t seed, double) { return redrawn(net, seed); },
      {}}},
    {"centred",
     {"without the mean of each layer",
      [](network const& net, std::uint64_t, double) { return centred(net); },
      {}}},
    {"centred_shuffled",
     {"the same, shuffled",
      [](network const& net, std::uint64_t seed, double spread) { return mixed(centred(net), seed, spread); },
      {}}},
    {"rescaled",
     {"hidden neurons rescaled, the function unchanged",
      [](network const& net, std::uint64_t seed, double spread) {
          return randomly_rescaled(net, seed, spread);
      },
      {}}},
    {"balanced",
     {"hidden neurons rescaled to the least norm, the function unchanged",
      [](network const& net, std::uint64_t, double) { return balanced(net); },
      {}}},
    {"no_biases", {"biases dropped", same, {.biases = biases::dropped}}},
    {"no_inputs", {"without input spins", same, {.inputs = inputs::left_out}}},
    {"no_outputs", {"without output spins", same, {.outputs = outputs::left_out}}},
    {"unit_layers", {"layers of unit variance", same, {.scale = scale::layer_unit_variance}}},
};

// --- one network

/// Rows of the table.
class table {
public:
    explicit table(task const& of) : front_(of.of.name + "," + of.variant + ",") {}

    static constexpr char const* head =
        "network,variant,part,temperature,quantity,value,error,equilibrated\n";

    void scalar(char const* quantity, double value) { add("", "", quantity, value, 0, true); }
    void at(std::string const& part, double temperature, char const* quantity, double value, double error,
            bool equilibrated) {
        char text[40];
        std::snprintf(text, sizeof text, "%.6g", temperature);
        add(part, text, quantity, value, error, equilibrated);
    }
    void points(std::string const& part, char const* quantity, curve const& all,
                std::vector<verdict> const& verdicts) {
        for (std::size_t k = 0; k < all.size(); ++k)
            at(part, all[k].temperature, quantity, all[k].value, all[k].error, verdicts[k].equilibrated);
    }
    [[nodiscard]] std::string const& rows() const noexcept { return rows_; }

private:
    void add(std::string const& part, std::string const& temperature, char const* quantity, double value,
             double error, bool equilibrated) {
        char text[80];
        std::snprintf(text, sizeof text, "%.7g,%.3g,%d\n", value, error, equilibrated ? 1 : 0);
        rows_.append(front_).append(part).append(",").append(temperature).append(",");
        rows_.append(quantity).append(",").append(text);
    }

    std::string front_, rows_;
};

/// The plan, cut down where the network is so large that it would take more than `work` multiplications.
run_plan affordable(options const& chosen, network_glass<float> const& glass, std::size_t rungs) {
    double couplings = 0;
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(
            i, [&](std::size_t, auto const& run) { couplings += static_cast<double>(run.size()); });
    auto plan = chosen.plan;
    double const a_sweep = (couplings + 50.0 * static_cast<double>(glass.size())) *
                           static_cast<double>(plan.replicas * rungs),
                 share = chosen.work / (a_sweep * static_cast<double>(plan.warmup + plan.sweeps));
    if (share < 1) {
        plan.warmup = std::max<std::uint64_t>(
            100, static_cast<std::uint64_t>(share * static_cast<double>(plan.warmup)));
        plan.sweeps = std::max<std::uint64_t>(
            400, static_cast<std::uint64_t>(share * static_cast<double>(plan.sweeps)));
    }
    return plan;
}

/// A ladder without the temperatures that are not needed to reach down to this one; three of them in any
/// case.
ladder reaching(ladder const& all, double coldest) {
    std::size_t first = 0;
    while (first + 3 < all.size() && all[first + 1] <= coldest) ++first;
    std::vector<double> kept;
    for (std::size_t k = first; k < all.size(); ++k) kept.push_back(all[k]);
    return ladder(kept);
}

/// How long the slowest layer remembers, and how replicas lie to each other: of the network itself only.
template <class Run>
void describe_dynamics(network_glass<float> const& glass, Run const& run,
                       std::vector<verdict> const& verdicts, table& out) {
    auto const curves = relaxation(glass, glauber{}, states_of(run), {.longest = 300});
    for (std::size_t k = 0; k < curves.size(); ++k) {
        decay_time slowest = time_to_decay_to(curves[k].parts[0]);
        for (auto const& part : curves[k].parts)
            if (auto const found = time_to_decay_to(part); found.value > slowest.value) slowest = found;
        out.at("", curves[k].temperature, slowest.reached ? "decay_time" : "decay_time_above", slowest.value,
               slowest.error, verdicts[k].equilibrated);
        try {
            auto const ultrametric =
                ultrametricity(overlap_matrix(run.spins[k]), {.mirrors = mirror_images::different}).mean;
            out.at("", curves[k].temperature, "ultrametric_k", ultrametric.value, ultrametric.error,
                   verdicts[k].equilibrated);
        } catch (error const&) {  // all distances are equal
        }
    }
    std::vector<double> falling;
    for (std::size_t k = run.temperatures.size(); k-- > 0;) falling.push_back(run.temperatures[k]);
    for (auto const& found : tap_branch(glass, falling, mode_start(glass)))
        out.at("", found.temperature, "tap_q", found.q, 0, found.physical);
}

/// The highest temperature that did not equilibrate, and the first reason why.
std::string frontier_of(ladder const& temperatures, std::vector<verdict> const& verdicts) {
    for (std::size_t k = verdicts.size(); k-- > 0;)
        if (!verdicts[k].equilibrated) {
            char text[40];
            std::snprintf(text, sizeof text, ": not at T = %.4g: ", temperatures[k]);
            return text + verdicts[k].reasons.front();
        }
    return {};
}

/// The rows of the table, and what is to be said; nothing where it was stopped.
std::pair<std::string, std::string> describe_glass(task const& of, options const& chosen) {
    auto const start = std::chrono::steady_clock::now();
    auto const& kind = variants.at(of.variant);
    std::uint64_t const seed = detail::fingerprint().add(std::span<char const>(of.of.name)).value();
    auto const net = kind.change(program::load_network(of.of.file.string()), seed, chosen.spread);
    auto const glass = to_spin_glass(net, kind.mapping);
    auto const at = characteristic_temperatures(glass);
    auto const ladder = reaching(suggested_temperatures(glass), chosen.coldest * at.t_ord.temperature);
    auto plan = affordable(chosen, glass, ladder.size());
    plan.seed = seed + chosen.plan.seed - 1;
    auto const run = sample(glass, parallel_tempering(mirrored{glauber{}}, ladder),
                            observables{energy{}, overlap{}, overlap_histogram{101}}, plan, serial{},
                            [](progress const&) { return program::interrupted == 0; });
    if (!run.complete()) return {};
    auto const verdicts =
        equilibration(run, {.overlap_tolerance = chosen.tolerance, .false_alarm = false_alarm});
    table out(of);
    if (of.variant == "rescaled") out.scalar("rescaling_spread", chosen.spread);
    out.scalar("spins", static_cast<double>(glass.size()));
    out.scalar("lambda_max", at.lambda_max);
    out.scalar("t_ord", at.t_ord.temperature);
    out.scalar("t_ord_crosses", at.t_ord.crosses ? 1 : 0);
    out.scalar("t_formula", at.t_formula);
    out.scalar("sweeps_asked", static_cast<double>(chosen.plan.sweeps));
    out.scalar("sweeps", static_cast<double>(plan.sweeps));
    out.scalar("round_trips", run.round_trips_per_ladder());
    for (std::size_t part = 0; part < moments::parts(run.groups); ++part) {
        auto const name = part == 0 ? std::string() : "layer" + std::to_string(part - 1);
        out.points(name, "mean_abs_q", mean_abs_overlap(run, part), verdicts);
        if (part > 0) continue;
        out.points(name, "rms_q", root_mean_square_overlap(run), verdicts);
        out.points(name, "abs_mean_q", abs_mean_overlap(run), verdicts);
        out.points(name, "peak_q", overlap_peak(run), verdicts);
        out.points(name, "energy", mean_energy(run), verdicts);
    }
    if (of.variant == "trained") describe_dynamics(glass, run, verdicts, out);
    std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - start;
    out.scalar("seconds", taken.count());
    return {out.rows(), frontier_of(run.temperatures, verdicts)};
}

// --- all of them

fs::path part_of(options const& chosen, task const& of) {
    return fs::path(chosen.output) / "parts" / (of.of.name + "." + of.variant + ".csv");
}

/// Whether a part is there, and may stay.
bool is_done(options const& chosen, task const& of) {
    auto const path = part_of(chosen, of);
    if (!fs::exists(path)) return false;
    if (!chosen.again) return true;
    double t_ord = 0, asked = 0, frontier = 0, lowest = std::numeric_limits<double>::infinity();
    std::stringstream lines(read_whole(path));
    for (std::string line; std::getline(lines, line);) {
        auto const row =
            fields_of(line);  // network, variant, part, temperature, quantity, value, error, verdict
        if (row.size() != 8) continue;
        try {
            if (row[4] == "t_ord") t_ord = std::stod(row[5]);
            if (row[4] == "sweeps_asked") asked = std::stod(row[5]);
            if (row[4] == "energy") lowest = std::min(lowest, std::stod(row[3]));
            if (row[4] == "energy" && row[7] == "0") frontier = std::max(frontier, std::stod(row[3]));
        } catch (std::logic_error const&) {
            throw file_error(path.string(), "the row '" + line + "' is damaged; remove the file");
        }
    }
    return asked >= static_cast<double>(chosen.plan.sweeps) || std::max(frontier, lowest) <= t_ord / 2;
}

/// Shares tasks out to threads. Returns how many networks were refused.
std::size_t carry_out(std::vector<task> const& tasks, options const& chosen) {
    std::atomic<std::size_t> next{0}, done{0}, refused{0};
    std::mutex speaking;
    auto const begun = std::chrono::steady_clock::now();
    auto const tell = [&](task const& of, std::string const& what) {
        std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - begun;
        double const share = static_cast<double>(done) / static_cast<double>(tasks.size());
        std::lock_guard const alone(speaking);
        std::fprintf(stderr, "%zu/%zu  %s, %s%s  (%.1f min, about %.0f more)\n", done.load(), tasks.size(),
                     of.of.name.c_str(), of.variant.c_str(), what.c_str(), taken.count() / 60,
                     share > 0 ? taken.count() / 60 * (1 / share - 1) : 0.0);
    };
    auto const work = [&] {
        for (std::size_t k = next++; k < tasks.size() && program::interrupted == 0; k = next++) {
            try {
                auto const [rows, note] = describe_glass(tasks[k], chosen);
                if (rows.empty()) return;  // stopped
                write_atomically(part_of(chosen, tasks[k]), table::head + rows);
                ++done;
                tell(tasks[k], note);
            } catch (std::exception const& fault) {
                ++done;
                ++refused;
                tell(tasks[k], std::string(": ") + fault.what());
            }
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t j = 0; j < chosen.jobs; ++j) threads.emplace_back(work);
    for (auto& each : threads) each.join();
    return refused;
}

int describe_all(options const& chosen) {
    single_threaded_blas const one_blas_thread;
    auto const everything = read_manifest(chosen.manifest);
    std::vector<subject> subjects;
    std::regex const wanted(chosen.match);
    for (auto const& each : everything)
        if (std::regex_search(each.name, wanted)) subjects.push_back(each);
    if (subjects.empty()) throw file_error(chosen.manifest, "no networks to describe");
    fs::create_directories(fs::path(chosen.output) / "parts");
    std::vector<task> all, todo;
    for (auto const& name : chosen.variants)  // networks before null models, so that those come first
        for (auto const& each : subjects) {
            all.push_back({each, name});
            if (!is_done(chosen, all.back())) todo.push_back(all.back());
        }
    std::fprintf(stderr, "%zu networks, %zu curves, %zu of them there\n", subjects.size(), all.size(),
                 all.size() - todo.size());
    auto const refused = carry_out(todo, chosen);
    std::string text = table::head;
    std::size_t joined = 0;
    for (auto const& [name, kind] : variants)  // those of earlier calls too
        for (auto const& each : everything) {
            auto const part = part_of(chosen, {each, name});
            if (!fs::exists(part)) continue;
            auto const rows = read_whole(part);
            text.append(rows, rows.find('\n') + 1);
            ++joined;
        }
    auto const path = fs::path(chosen.output) / "descriptors.csv";
    write_atomically(path, text);
    std::fprintf(stderr, "%zu curves in %s\n", joined, path.string().c_str());
    if (program::interrupted != 0) return 130;
    return refused > 0 ? 1 : 0;
}

std::string known_variants() {
    std::string text;
    for (auto const& [name, kind] : variants) text += (text.empty() ? "" : "; ") + name + ": " + kind.what;
    return text;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("What spinet says of each network of a manifest, in one table.", "descriptors");
    CLI::Validator const count(program::not_a_count, "", "count");
    std::set<std::string> names;
    for (auto const& [name, kind] : variants) names.insert(name);
    return program::main_of(
        app, argv,
        [&] {
            app.add_option("MANIFEST", chosen.manifest, "CSV with columns name and file")->required();
            app.add_option("--output", chosen.output, "directory")->capture_default_str();
            app.add_option("--variants", chosen.variants, known_variants())
                ->delimiter(',')
                ->check(CLI::IsMember(names))
                ->capture_default_str();
            app.add_option("--match", chosen.match, "only networks in whose name this expression is found");
            app.add_option("--jobs", chosen.jobs, "networks at once")->check(count)->capture_default_str();
            app.add_option("--replicas", chosen.plan.replicas)->check(count)->capture_default_str();
            app.add_option("--warmup", chosen.plan.warmup)->check(count)->capture_default_str();
            app.add_option("--sweeps", chosen.plan.sweeps)->check(count)->capture_default_str();
            app.add_option("--seed", chosen.plan.seed, "of sampling, beside each network's name")
                ->check(count)
                ->capture_default_str();
            app.add_option("--work", chosen.work, "most multiplications for a curve: sweeps are cut to that")
                ->capture_default_str();
            app.add_option("--coldest", chosen.coldest,
                           "temperature that has to be reached, in units of T_ord")
                ->check(CLI::Range(0.0, 1.0))
                ->capture_default_str();
            app.add_flag(
                "--again", chosen.again,
                "also those that are there, but by fewer sweeps and not in equilibrium at T_ord / 2");
            app.add_option("--rescaling-spread", chosen.spread,
                           "of the variant rescaled: neurons are multiplied by exp(spread x), x standard "
                           "normal; another spread wants another --output")
                ->check(CLI::Range(0.0, 10.0))
                ->capture_default_str();
            app.add_option("--tolerance", chosen.tolerance, "largest error of |q|, whole and per layer")
                ->capture_default_str();
            app.parse(argc, argv);
            if (chosen.jobs == 0) throw CLI::ValidationError("--jobs", "must not be 0");
        },
        [&] { return describe_all(chosen); });
}
