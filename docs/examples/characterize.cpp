// SPDX-License-Identifier: BSD-3-Clause
/// characterize: from files of trained networks to their descriptor, <|q|> over temperature with error bars.
#include "program.hpp"
#include <spinet/io/plot.hpp>
#include <spinet/mapping/data_states.hpp>
#include <spinet/mapping/mode_ordering.hpp>
#include <spinet/mapping/subsample.hpp>
#include <spinet/mapping/wiring_summary.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/spinet.hpp>
#include <spinet/statistics/subsampled_curve.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct options {
    std::vector<std::string> files;
    program::reading reading;
    bool describe = false;
    std::optional<std::size_t> subsample;
    std::size_t repeats = spinet::subsample_plan{}.repeats;
    std::string sampling = "stratified";
    std::string temperatures;
    spinet::run_plan plan{.warmup = 2'000, .sweeps = 20'000};
    std::optional<std::size_t> threads;
    std::string kernel = "glauber";
    std::string scale = "none";
    std::string biases = "fields";
    std::vector<std::string> nulls;
    bool balanced = false;
    std::string start_from;
    std::string checkpoint;
    std::string output = "curve.csv";
    std::string plot;
};

/// A network to be characterised: one of the files, or a null model of one.
struct subject {
    std::string name;
    std::string file;
    spinet::network network;
};

/// The null models that --null knows.
std::map<std::string, spinet::network (*)(spinet::network const&, std::uint64_t seed)> const null_models{
    {"shuffled",
     [](spinet::network const& net, std::uint64_t seed) {
         return spinet::shuffled(net, spinet::shuffle::within_layers, seed);
     }},
    {"redrawn", [](spinet::network const& net, std::uint64_t seed) { return spinet::redrawn(net, seed); }}};

void parse(int argc, char** argv, options& chosen, CLI::App& app) {
    CLI::Validator const count(program::not_a_count, "", "count"), text(program::empty_text, "", "text");
    app.add_option("FILE", chosen.files, "files of networks: " + program::formats())->required();
    program::add_reading_options(app, chosen.reading);
    app.add_flag("--describe", chosen.describe, "say what would be sampled, and what it would take, and end");
    app.add_option("--subsample", chosen.subsample,
                   "estimate the curves from sub-samples of at most so many neurons (docs/subsampling.md)")
        ->check(count);
    app.add_option("--repeats", chosen.repeats, "sub-samples of each size")
        ->check(count)
        ->capture_default_str();
    app.add_option("--sampling", chosen.sampling, "which neurons a sub-sample keeps")
        ->check(CLI::IsMember({"stratified", "uniform", "norm", "leverage"}))
        ->capture_default_str();
    app.add_option("--temperatures", chosen.temperatures,
                   "LOW:HIGH:COUNT, geometric, or a single one (default: suggested by the network)")
        ->check(text);
    app.add_option(
           "--replicas", chosen.plan.replicas,
           "independent replicas, at least 4; from 6 on the program can tell whether they are in equilibrium")
        ->check(count)
        ->capture_default_str();
    app.add_option("--warmup", chosen.plan.warmup, "sweeps before the first measurement")
        ->check(count)
        ->capture_default_str();
    app.add_option("--sweeps", chosen.plan.sweeps, "sweeps with measurements")
        ->check(count)
        ->capture_default_str();
    app.add_option("--measure-every", chosen.plan.measure_every, "sweeps between measurements")
        ->check(count)
        ->capture_default_str();
    app.add_option("--seed", chosen.plan.seed, "seed of all random numbers")
        ->check(count)
        ->capture_default_str();
    app.add_option("--threads", chosen.threads, "threads (default: all cores)")->check(count);
    app.add_option("--kernel", chosen.kernel)
        ->check(CLI::IsMember({"glauber", "metropolis"}))
        ->capture_default_str();
    app.add_option("--scale", chosen.scale, "divide couplings by each layer's deviation, or by T_formula")
        ->check(CLI::IsMember({"none", "layer", "tc"}))
        ->capture_default_str();
    app.add_option("--biases", chosen.biases)
        ->check(CLI::IsMember({"fields", "drop"}))
        ->capture_default_str();
    program::as_list(app.add_option("--null", chosen.nulls,
                                    "add a null model of the first network; may be given twice, or as A,B"))
        ->check(CLI::IsMember(null_models));
    app.add_flag("--balanced", chosen.balanced,
                 "first rescale hidden ReLU neurons to the least norm, the function unchanged");
    app.add_option(
           "--start-from", chosen.start_from,
           "IDX or .npy file of samples: cold replicas also start from what the network computes for them")
        ->check(text);
    app.add_option("--checkpoint", chosen.checkpoint, "save the run here, and resume from it if it is there")
        ->check(text);
    app.add_option(
           "--output", chosen.output,
           "table of the curves; layers go to OUTPUT.layers.csv; - is standard output, without layers")
        ->check(text)
        ->capture_default_str();
    app.add_option("--plot", chosen.plot, "picture of the curves (PNG, by gnuplot)")->check(text);
    // If an option is given twice, as by a script that passes on its arguments, the last one counts.
    for (CLI::Option* const option : app.get_options())
        if (option->get_items_expected_max() == 1) option->take_last();
    app.parse(argc, argv);
}

/// LOW:HIGH:COUNT, or one temperature.
std::optional<spinet::ladder> parsed_temperatures(std::string const& text) {
    if (text.empty()) return std::nullopt;
    double low = 0, high = 0;
    long count = 0;
    int read = 0;
    if (std::sscanf(text.c_str(), "%lf%n", &low, &read) == 1 &&
        static_cast<std::size_t>(read) == text.size()) {
        if (!(low > 0) || !std::isfinite(low))
            throw spinet::error("--temperatures " + text + ": a temperature is positive and finite");
        return spinet::ladder({low});
    }
    if (std::sscanf(text.c_str(), "%lf:%lf:%ld%n", &low, &high, &count, &read) != 3 ||
        static_cast<std::size_t>(read) != text.size())
        throw spinet::error("--temperatures " + text +
                            ": expected LOW:HIGH:COUNT, for example 0.2:12:24, or one temperature");
    if (count < 0) throw spinet::error("--temperatures " + text + ": the count is negative");
    try {
        if (count == 1 && low == high) return spinet::ladder({low});
        return spinet::geometric_temperatures(low, high, static_cast<std::size_t>(count));
    } catch (spinet::error const& fault) {
        throw spinet::error("--temperatures " + text + ": " + fault.what());
    }
}

spinet::network load_file(std::string const& file, options const& chosen) {
    try {
        auto network = program::load_network(file, chosen.reading);
        return chosen.balanced ? spinet::balanced(network) : network;
    } catch (spinet::file_error const&) {
        throw;
    } catch (spinet::error const& fault) {
        if (!chosen.balanced) throw;
        throw spinet::file_error(file, std::string("--balanced: ") + fault.what());
    } catch (std::bad_alloc const&) {
        throw spinet::file_error(file, "not enough memory to load it");
    }
}

/// The file's name without its extension, or that of a folder.
std::string name_of(std::filesystem::path file) {
    if (!file.has_filename()) file = file.parent_path();
    return (std::filesystem::is_directory(file) ? file.filename() : file.stem()).string();
}

std::vector<subject> load_subjects(options const& chosen) {
    std::vector<subject> subjects;
    for (auto const& file : chosen.files) {
        auto const network = load_file(file, chosen);
        auto const name = program::shown(name_of(file));
        subjects.push_back({name, file, network});
        if (subjects.size() > 1) continue;  // null models are made of the first network
        for (auto const& null : chosen.nulls)
            subjects.push_back({name + " " + null, file, null_models.at(null)(network, chosen.plan.seed)});
    }
    program::check_all_taken(chosen.reading);
    std::set<std::string> taken;
    for (std::size_t a = 0; a < subjects.size(); ++a)
        while (!taken.insert(subjects[a].name).second) subjects[a].name += " (" + std::to_string(a + 1) + ")";
    return subjects;
}

spinet::twin_hopfield mapping_of(options const& chosen) {
    return {.biases = chosen.biases == "drop" ? spinet::biases::dropped : spinet::biases::as_fields,
            .scale = chosen.scale == "layer" ? spinet::scale::layer_unit_variance
                     : chosen.scale == "tc"  ? spinet::scale::t_formula
                                             : spinet::scale::none};
}

spinet::threads executor_of(options const& chosen) {
    return chosen.threads ? spinet::threads{*chosen.threads} : spinet::threads{};
}

/// Refuses a run that does not fit into the memory of this machine.
void check_memory(std::size_t sites, std::size_t groups, std::size_t rungs, spinet::run_plan const& plan) {
    double const rows = static_cast<double>(plan.replicas) * static_cast<double>(rungs),
                 pairs = 0.5 * static_cast<double>(plan.replicas) * static_cast<double>(plan.replicas - 1);
    double const spins = rows * (2.0 * static_cast<double>(sites) * sizeof(float) + sizeof(double));
    double const records =
        static_cast<double>(rungs) * pairs *
        static_cast<double>((groups + 1) * spinet::moments::count * spinet::recorder::stages) *
        sizeof(double);
    double const present =
        static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
    if (spins + records <= present) return;
    char text[200];
    std::snprintf(text, sizeof text,
                  "--replicas %zu with %zu temperatures and %zu spins needs about %.3g GB of memory; this "
                  "machine has %.3g GB",
                  plan.replicas, rungs, sites, (spins + records) / 1e9, present / 1e9);
    throw spinet::error(text);
}

/// The same for the model alone.
void check_model_memory(spinet::wiring const& wires) {
    double const needed = spinet::model_bytes(wires),
                 present = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<double>(::sysconf(_SC_PAGE_SIZE));
    if (needed <= present) return;
    char text[200];
    std::snprintf(text, sizeof text,
                  "its model needs about %.3g GB of memory; this machine has %.3g GB: give --subsample",
                  needed / 1e9, present / 1e9);
    throw spinet::error(text);
}

/// Checks a network for everything that can be checked before hours are spent on another one.
void check_subject(subject const& of, options const& chosen, spinet::checkpoint_set const& saved) {
    auto const ladder = parsed_temperatures(chosen.temperatures);
    try {
        auto const wires = mapping_of(chosen).wire(of.network).wires;
        if (chosen.subsample)
            return spinet::subsample_plan{*chosen.subsample, {1.0}, chosen.repeats}.check(wires.spins());
        check_model_memory(wires);
        auto const glass = spinet::to_spin_glass(of.network, mapping_of(chosen));
        bool const suggested = !ladder && saved.count(of.name) == 0;
        if (suggested && !(spinet::largest_coupling_eigenvalue(glass) > 0))
            throw spinet::error(
                "all its couplings are 0, so no temperature is singled out: give --temperatures");
        check_memory(glass.size(), glass.groups().size(),
                     ladder ? ladder->size() : spinet::ladder_request{}.count, chosen.plan);
    } catch (spinet::error const& fault) {
        throw spinet::file_error(of.file, fault.what());
    }
}

/// Calls work(), and adds the file of the network to the messages of errors.
template <class Work>
auto of_file(subject const& of, Work&& work) {
    try {
        return work();
    } catch (spinet::file_error const&) {
        throw;
    } catch (spinet::error const& fault) {
        throw spinet::file_error(of.file, fault.what());
    }
}

void print(spinet::descriptor const& curves, std::vector<spinet::verdict> const& verdicts,
           spinet::run_record const& record) {
    program::say("\n%s: %zu spins, %zu temperatures, %zu replicas", curves.network.c_str(), record.sites,
                 record.temperatures.size(), record.plan.replicas);
    if (record.exchanges) program::say(", %.1f round trips per ladder", record.round_trips_per_ladder());
    program::say("\n%12s %12s %12s %10s %10s\n", "temperature", "mean |q|", "error", "|mean q|", "tau");
    std::size_t failed = 0;
    for (std::size_t k = 0; k < verdicts.size(); ++k) {
        auto const& at = curves.parts[0].mean_abs[k];
        program::say("%12.5g %12.6f %12.6f %10.6f %10.1f  %s\n", at.temperature, at.value, at.error,
                     curves.parts[0].abs_mean[k].value, at.tau, at.equilibrated ? "" : "not equilibrated");
        if (!at.equilibrated) failed = k + 1;
    }
    if (failed == 0) return;
    program::say("Why the highest of them did not equilibrate:\n");
    for (auto const& reason : verdicts[failed - 1].reasons)
        program::say("  - %s\n", program::shown(reason).c_str());
}

spinet::sampling sampling_of(options const& chosen) {
    return chosen.sampling == "uniform"    ? spinet::sampling::uniform
           : chosen.sampling == "norm"     ? spinet::sampling::by_coupling_norm
           : chosen.sampling == "leverage" ? spinet::sampling::by_leverage
                                           : spinet::sampling::stratified;
}

// --- --describe

/// Seconds that one thread of this machine needs for one multiplication and addition of a coupling and a
/// spin.
double seconds_per_coupling() {
    constexpr std::size_t n = 512, rows = 128;
    xt::xtensor<float, 2> couplings({n, n}, 0.5F), spins({rows, n}, 1.0F), fields({rows, n}, 0.0F);
    for (std::size_t i = 0; i < n; ++i) couplings(i, i) = 0;
    spinet::dense_ising<float> model(couplings);
    model.take_any_spins();
    auto const product = [&] { model.fields({spins.data(), rows, n, n}, {fields.data(), rows, n, n}); };
    product();
    auto const start = std::chrono::steady_clock::now();
    for (int k = 0; k < 10; ++k) product();
    std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - start;
    return taken.count() / (10.0 * static_cast<double>(rows * n * n));
}

/// The width of a column that holds all of these, and at least `least`: names that are cut become twins.
int width_of(std::vector<std::string> const& texts, std::size_t least) {
    for (auto const& each : texts) least = std::max(least, each.size());
    return static_cast<int>(least);
}

void print_operations(spinet::network const& network) {
    auto const shapes = spinet::result_shapes(network);
    std::vector<std::string> names, kinds, values;
    for (auto const& at : network.nodes()) {
        names.push_back(program::shown(at.name));
        kinds.emplace_back(at.op.label());
        values.push_back(program::shape_text(shapes[network.position(at.name)]));
    }
    int const name = width_of(names, 38), kind = width_of(kinds, 21), value = width_of(values, 21);
    program::say("\n%-*s %*s %*s%16s\n", name + 2, "operations", kind, "kind", value, "values", "weights");
    std::size_t n = 0;
    for (auto const& at : network.nodes()) {
        double weights = 0;
        spinet::for_each_weight(at.op,
                                [&](auto const& weight) { weights += static_cast<double>(weight.size()); });
        program::say("  %-*s %*s %*s%16.0f\n", name, names[n].c_str(), kind, kinds[n].c_str(), value,
                     values[n].c_str(), weights);
        ++n;
    }
    for (auto const& note : network.notes()) program::say("note: %s\n", program::shown(note).c_str());
}

void print_spins(spinet::wiring const& wires, spinet::wiring_summary const& layers) {
    std::vector<std::string> names, pairs;
    for (auto const& part : wires.parts) names.push_back(program::shown(part.name));
    for (auto const& each : layers.layers)
        pairs.push_back(program::shown(each.from) + " - " + program::shown(each.to));
    int const name = width_of(names, 50), pair = width_of(pairs, 49);
    program::say("\nspins\n");
    for (std::size_t p = 0; p < wires.parts.size();) {
        std::size_t end = p + 1;
        while (end < wires.parts.size() && wires.parts[end].group == wires.parts[p].group) ++end;
        program::say("  %-*s%12zu", name, names[p].c_str(), (end - p) * wires.parts[p].size());
        if (end > p + 1) program::say("  (%zu steps of %zu)", end - p, wires.parts[p].size());
        if (wires.parts[p].positions > 1)
            program::say("  (%zu channels of %zu)", wires.parts[p].size() / wires.parts[p].positions,
                         wires.parts[p].positions);
        program::say("\n");
        p = end;
    }
    program::say("\n%-*s%12s%12s%14s%12s%10s\n", pair + 2, "couplings", "number", "deviation", "largest mode",
                 "bulk edge", "outliers");
    std::size_t n = 0;
    for (auto const& each : layers.layers)
        program::say("  %-*s%12.4g%12.4g%14.4g%12.4g%10zu\n", pair, pairs[n++].c_str(), each.couplings,
                     each.deviation, each.largest_singular, each.bulk_edge, each.outliers);
}

/// Spins, couplings, memory and time of a run on so many of them.
void print_cost(char const* what, double spins, double couplings, double bytes, double runs,
                double temperatures, options const& chosen) {
    double const rows = static_cast<double>(chosen.plan.replicas) * temperatures,
                 sweeps = static_cast<double>(chosen.plan.warmup + chosen.plan.sweeps),
                 workers = static_cast<double>(executor_of(chosen).count());
    // Each coupling is read from both of its ends in a sweep; spins cost about as much as 50 couplings.
    double const seconds =
        runs * rows * sweeps * (2 * couplings + 50 * spins) * seconds_per_coupling() / workers;
    double const memory = bytes + rows * spins * 2 * sizeof(float);
    program::say("\n%s: %.0f spins, %.4g couplings; about %.2g GB of memory; about %.2g %s with this plan\n",
                 what, spins, couplings, memory / 1e9, seconds < 120 ? seconds : seconds / 60,
                 seconds < 120 ? "s" : "min");
}

/// What zeros among the weights take out of the network. T_ord and T_formula are those of the whole: of a
/// network in pieces they say nothing.
struct missing_links {
    bool dead = false;  ///< no output is coupled to the input, by whatever way
    std::vector<std::pair<std::string, std::size_t>> alone;  ///< spins without couplings, by layer
};

/// Of a glass with the sites of the wiring's parts, in their order.
missing_links links_missing(spinet::network_glass<float> const& glass, spinet::wiring const& wires) {
    missing_links found;
    std::vector<char> reached(glass.size(), 0);
    std::vector<std::size_t> waiting;
    std::size_t first = 0;
    for (auto const& part : wires.parts) {
        std::size_t alone = 0;
        for (std::size_t i = first; i < first + part.size(); ++i) {
            bool coupled = false;
            glass.for_each_coupling(i, [&](std::size_t, auto const& run) {
                coupled = coupled || std::any_of(run.begin(), run.end(), [](float j) { return j != 0; });
            });
            if (!coupled) ++alone;
            if (!part.is_input) continue;
            reached[i] = 1;
            waiting.push_back(i);
        }
        if (alone > 0) found.alone.emplace_back(part.name, alone);
        first += part.size();
    }
    bool const any_input = !waiting.empty();
    while (!waiting.empty()) {
        std::size_t const i = waiting.back();
        waiting.pop_back();
        glass.for_each_coupling(i, [&](std::size_t from, auto const& run) {
            for (std::size_t k = 0; k < run.size(); ++k) {
                if (run[k] == 0 || reached[from + k] != 0) continue;
                reached[from + k] = 1;
                waiting.push_back(from + k);
            }
        });
    }
    bool any_output = false, linked = false;
    first = 0;
    for (auto const& part : wires.parts) {
        for (std::size_t i = first; part.is_output && i < first + part.size(); ++i)
            linked = linked || reached[i] != 0;
        any_output = any_output || part.is_output;
        first += part.size();
    }
    found.dead = any_input && any_output && !linked;
    return found;
}

/// The same where there are too many couplings to follow: layers without a single one.
missing_links links_missing(spinet::wiring_summary const& layers) {
    missing_links found;
    for (auto const& each : layers.layers)
        if (!(each.largest_singular > 0)) found.dead = true;
    return found;
}

void print_temperatures(double lambda_max, spinet::ordering const& order, double formula, char const* of,
                        missing_links const& missing) {
    program::say("\ntemperatures%s\n", of);
    program::say("  lambda_max  %10.4g  the naive mean-field transition; a ladder starts at 1.2 of it\n",
                 lambda_max);
    if (missing.dead) {
        program::say(
            "  T_ord and T_formula are not given: zero weights cut the network in pieces, and no "
            "couplings lead from its input to its output\n");
    } else {
        program::say("  T_ord       %10.4g  %s\n", order.temperature,
                     order.crosses ? "where the TAP equations say it orders"
                                   : "where its TAP Hessian comes nearest to order");
        if (formula > 0)
            program::say(
                "  T_formula   %10.4g  where independent random weights of these variances would freeze\n",
                formula);
        else
            program::say(
                "  T_formula is not given: all weights of a layer are equal, so they have no variance\n");
    }
    for (auto const& [layer, spins] : missing.alone)
        program::say(
            "  note: %zu spin%s of %s %s coupled to nothing: these temperatures are those of the others\n",
            spins, spins == 1 ? "" : "s", program::shown(layer).c_str(), spins == 1 ? "is" : "are");
}

/// T_ord of a network that is too large to hold whole.
void print_mode_order(spinet::subsampler const& source) {
    auto const order = spinet::t_ord_of_modes(source.wires(), source.modes());
    if (order)
        program::say("  T_ord       %10.4g  of the whole network, from the modes of its weights\n",
                     order->temperature);
}

/// For models with more couplings than this, temperatures are computed from a sub-sample; and of none that
/// has more spins than that (images of many positions).
constexpr double most_described = 2e7;
constexpr std::size_t most_spins_described = 20'000;

void describe_subsamples(spinet::subsampler const& source, spinet::wiring_summary const& layers, bool small,
                         double temperatures, options const& chosen, std::string const& name) {
    std::size_t const wanted = chosen.subsample.value_or(std::max<std::size_t>(1000, 2 * source.fewest()));
    spinet::subsample_plan const plan{.spins = wanted, .repeats = chosen.repeats};
    plan.check(source.spins(), source.fewest());
    program::waiting wait(name + ": drawing a sub-sample");
    auto const glass = source.draw(wanted, 1);
    double couplings = 0, sizes = 0;
    for (std::size_t i = 0; i < glass.size(); ++i)
        glass.for_each_coupling(
            i, [&](std::size_t, auto const& run) { couplings += 0.5 * static_cast<double>(run.size()); });
    for (double const fraction : plan.fractions) sizes += fraction * fraction;
    wait.now(name + ": looking for its temperatures");
    std::optional<spinet::ordering> order;
    bool const too_many = glass.size() > most_spins_described;
    double const lambda_max = small || too_many ? 0 : spinet::largest_coupling_eigenvalue(glass);
    if (lambda_max > 0) order = spinet::t_ord(glass);
    wait.end();
    print_cost(chosen.subsample ? "sub-samples" : "sub-samples of --subsample that many",
               static_cast<double>(glass.size()), couplings, 40 * couplings,
               2 * sizes * static_cast<double>(plan.repeats), temperatures, chosen);
    if (order)
        print_temperatures(lambda_max, *order, layers.t_formula, ", the first two of one sub-sample",
                           links_missing(layers));
    if (!small && too_many)
        program::say("\ntemperatures: not of sub-samples of %zu spins, which would take minutes\n",
                     glass.size());
    else if (!order && !small)
        program::say("\nall couplings of a sub-sample are 0: no temperature is singled out\n");
    if (order || (!small && too_many)) print_mode_order(source);
}

void describe_temperatures(subject const& of, spinet::wiring const& wires, options const& chosen) {
    program::waiting wait(of.name + ": looking for its temperatures");
    auto const glass = spinet::to_spin_glass(of.network, mapping_of(chosen));
    if (!(spinet::largest_coupling_eigenvalue(glass) > 0)) {
        wait.end();
        program::say("\nall couplings are 0: no temperature is singled out\n");
        return;
    }
    auto const missing = links_missing(glass, wires);
    auto const found = spinet::characteristic_temperatures(glass);
    wait.end();
    print_temperatures(found.lambda_max, found.t_ord, found.t_formula, "", missing);
}

void describe(subject const& of, options const& chosen) {
    program::waiting wait(of.name + ": reading its weights");
    spinet::subsampler const source(of.network, mapping_of(chosen), sampling_of(chosen));
    auto const& wires = source.wires();
    auto const layers = spinet::summary_of(wires, source.modes());
    wait.end();
    program::say("%s (%s)\n", of.name.c_str(), program::shown(of.file).c_str());
    print_operations(of.network);
    print_spins(wires, layers);
    for (auto const& [key, value] : source.made_from())
        if (key == "discarded") program::say("\ndiscarded: %s\n", program::shown(value).c_str());
    auto const ladder = parsed_temperatures(chosen.temperatures);
    double const temperatures = static_cast<double>(ladder ? ladder->size() : spinet::ladder_request{}.count);
    print_cost("the whole", static_cast<double>(wires.spins()), wires.couplings(), spinet::model_bytes(wires),
               1, temperatures, chosen);
    bool const small = wires.couplings() <= most_described;
    std::fflush(stdout);
    if (chosen.subsample || !small) describe_subsamples(source, layers, small, temperatures, chosen, of.name);
    if (small) describe_temperatures(of, wires, chosen);
    program::say("\n");
}

/// A descriptor whose names can be printed. Names from files may hold anything.
spinet::descriptor with_names_shown(spinet::descriptor curves) {
    for (auto& each : curves.parts) each.part = program::shown(each.part);
    return curves;
}

void write(options const& chosen, std::vector<spinet::descriptor> const& results);

/// Shows that something is being prepared; if it is given up, the results so far are written.
class preparing : public program::waiting {
public:
    preparing(std::string what, options const& chosen, std::vector<spinet::descriptor> const& results)
        : program::waiting(std::move(what), [&] {
              if (!results.empty()) write(chosen, results);
          }) {}
};

// --- --subsample

/// The curves of a network from sub-samples of it. Returns whether all runs were completed.
template <class K>
bool characterize_by_subsamples(subject const& of, options const& chosen,
                                std::vector<spinet::descriptor>& results) {
    auto const executor = executor_of(chosen);
    spinet::subsample_plan const plan{
        .spins = *chosen.subsample, .repeats = chosen.repeats, .seed = chosen.plan.seed};
    preparing wait(of.name + ": reading its modes", chosen, results);
    spinet::subsampler const source(of.network, mapping_of(chosen), sampling_of(chosen));
    plan.check(source.spins(), source.fewest());
    auto ladder = parsed_temperatures(chosen.temperatures);
    if (!ladder) {
        std::fprintf(stderr, "%s: spacing the temperatures\n", of.name.c_str());
        wait.now(of.name + ": spacing the temperatures");
        ladder = spinet::suggested_temperatures(source.draw(plan.spins, plan.seed),
                                                {.seed = chosen.plan.seed}, executor);
    }
    wait.end();
    program::counter bar(of.name, "sub-samples");
    auto const runs =
        spinet::sample_subsamples(source, K{}, *ladder, plan, chosen.plan, executor,
                                  [&](std::size_t done, std::size_t planned, spinet::progress const&) {
                                      bar.show(done, planned);
                                      return program::interrupted == 0;
                                  });
    bar.clear();
    std::size_t const planned = 2 * plan.repeats * plan.fractions.size(), round = 2 * plan.fractions.size();
    if (runs.size() < 2 * round) {
        std::fprintf(stderr,
                     "%s: stopped before there were two sub-samples of each size, so there is nothing to "
                     "write\n",
                     of.name.c_str());
        return false;
    }
    if (runs.size() < planned)
        std::fprintf(stderr, "%s: stopped early, after %zu of %zu sub-samples\n", of.name.c_str(),
                     runs.size(), planned);
    results.push_back(with_names_shown(spinet::estimated_curve(runs, source.wires(), of.name)));
    program::say("\n%s: %zu spins, estimated from %zu sub-samples of %zu to %zu spins\n", of.name.c_str(),
                 source.spins(), runs.size(), runs[2 * plan.fractions.size() - 1].spins, runs[0].spins);
    print_mode_order(source);
    program::say("%12s %12s %12s %10s\n", "temperature", "mean |q|", "error", "|mean q|");
    auto const& whole = results.back().parts[0];
    for (std::size_t k = 0; k < whole.mean_abs.size(); ++k)
        program::say("%12.5g %12.6f %12.6f %10.6f  %s\n", whole.mean_abs[k].temperature,
                     whole.mean_abs[k].value, whole.mean_abs[k].error, whole.abs_mean[k].value,
                     whole.mean_abs[k].equilibrated ? "" : "not equilibrated");
    return runs.size() == planned;
}

/// Calls work(), and adds the file of the checkpoint to the messages of errors.
template <class Work>
auto of_checkpoint(options const& chosen, subject const& of, Work&& work) {
    try {
        return work();
    } catch (spinet::file_error const&) {
        throw;
    } catch (spinet::error const& fault) {
        throw spinet::file_error(chosen.checkpoint, of.name + ": " + fault.what());
    }
}

/// The plan of a network, with the states of the samples it is to start from: half of the cold replicas take
/// them.
spinet::run_plan plan_of(subject const& of, options const& chosen) {
    auto plan = chosen.plan;
    if (chosen.start_from.empty()) return plan;
    auto const samples = program::samples(chosen.start_from, std::max<std::size_t>(1, plan.replicas / 8));
    try {
        plan.starts = spinet::data_states(of.network, samples);
    } catch (spinet::error const& fault) {
        throw spinet::file_error(chosen.start_from, fault.what());
    }
    return plan;
}

/// Characterises one network. Returns whether the run was completed.
template <class K>
bool characterize(subject const& of, options const& chosen, spinet::checkpoint_set& saved,
                  std::vector<spinet::descriptor>& results) {
    if (chosen.subsample)
        return of_file(of, [&] { return characterize_by_subsamples<K>(of, chosen, results); });
    auto const executor = executor_of(chosen);
    preparing wait(of.name + ": mapping it to a glass", chosen, results);
    auto const plan = plan_of(of, chosen);
    auto const glass = spinet::to_spin_glass(of.network, mapping_of(chosen));
    auto const earlier = saved.find(of.name);
    auto ladder = parsed_temperatures(chosen.temperatures);
    // A suggested ladder is deterministic, but measuring it again takes time: a checkpoint remembers it.
    if (!ladder && earlier != saved.end())
        ladder = of_checkpoint(chosen, of, [&] { return spinet::ladder(earlier->second.temperatures); });
    if (!ladder) {
        std::fprintf(stderr, "%s: spacing the temperatures\n", of.name.c_str());
        wait.now(of.name + ": spacing the temperatures");
    }
    auto const method = spinet::parallel_tempering(
        K{}, ladder ? *ladder : spinet::suggested_temperatures(glass, {.seed = chosen.plan.seed}, executor));

    auto const measured = spinet::observables{spinet::energy{}, spinet::magnetisation{}, spinet::overlap{}};
    wait.now(of.name + ": looking for states to start from");
    auto const until_interrupted = [&](spinet::progress const&) {
        wait.end();  // from now on there may be something to keep
        return program::interrupted == 0;
    };
    auto save =
        [&, keep = program::saver(chosen.checkpoint, of.name, saved)](spinet::progress const& now) mutable {
            if (!chosen.checkpoint.empty() && now.last && now.save)
                saved.insert_or_assign(of.name, now.save());
            return keep(now);
        };
    spinet::progress_bar bar(of.name);
    auto const start_or_resume = [&] {
        if (earlier == saved.end())
            return spinet::sample(glass, method, measured, plan, executor, until_interrupted, save, bar);
        spinet::checkpoint const from = earlier->second;
        return of_checkpoint(chosen, of, [&] {
            return spinet::resume(from, glass, method, measured, plan, executor, until_interrupted, save,
                                  bar);
        });
    };
    auto const run = start_or_resume();
    wait.end();
    if (run.measurements() == 0) {
        std::fprintf(stderr, "%s: stopped before the first measurement, so there is nothing to write\n",
                     of.name.c_str());
        return false;
    }
    if (!run.complete())
        std::fprintf(stderr, "%s: stopped early, after %llu sweeps\n", of.name.c_str(),
                     static_cast<unsigned long long>(run.sweeps_done));
    results.push_back(with_names_shown(spinet::describe(run, of.name)));
    print(results.back(), spinet::equilibration(run), run);
    return run.complete();
}

void write(options const& chosen, std::vector<spinet::descriptor> const& results) {
    if (chosen.output == "-") {
        program::write_to_standard_output(spinet::curves_csv(results));
    } else {
        spinet::write_curves(chosen.output, results);
        spinet::write_layer_curves(spinet::layers_path(chosen.output), results);
        program::say("\nwrote %s and %s\n", program::shown(chosen.output).c_str(),
                     program::shown(spinet::layers_path(chosen.output).string()).c_str());
    }
    if (chosen.plot.empty()) return;
    if (spinet::plot_curves(chosen.plot, results))
        program::say("wrote %s\n", program::shown(chosen.plot).c_str());
    else
        std::fprintf(stderr,
                     "gnuplot is not installed: %s was not drawn, but its data and script are beside it\n",
                     program::shown(chosen.plot).c_str());
}

void check_outputs(options const& chosen) {
    std::vector<std::filesystem::path> written;
    if (chosen.output != "-") written = {chosen.output, spinet::layers_path(chosen.output)};
    if (!chosen.checkpoint.empty()) written.emplace_back(chosen.checkpoint);
    if (!chosen.plot.empty())
        for (auto const& file : spinet::plot_files(chosen.plot)) written.push_back(file);
    std::map<std::filesystem::path, std::string> networks;
    for (auto const& file : chosen.files) networks[file] = "is one of the networks";
    if (!chosen.reading.architecture.empty()) networks[chosen.reading.architecture] = "is the architecture";
    if (!chosen.start_from.empty()) networks[chosen.start_from] = "holds the samples to start from";
    program::check_outputs(written, networks);
}

spinet::checkpoint_set load_saved(options const& chosen, std::vector<subject> const& subjects) {
    if (chosen.checkpoint.empty() || !std::filesystem::exists(chosen.checkpoint)) return {};
    auto saved = spinet::load_checkpoints(chosen.checkpoint);
    for (auto const& each : saved)
        if (std::none_of(subjects.begin(), subjects.end(),
                         [&](subject const& of) { return of.name == each.first; }))
            throw spinet::file_error(chosen.checkpoint, "the checkpoint is of another run: it holds '" +
                                                            each.first +
                                                            "', which is not among the networks of this one");
    return saved;
}

int run(options const& chosen) {
    if (chosen.plan.replicas < 4)
        throw spinet::error("--replicas: " + std::to_string(chosen.plan.replicas) +
                            " replicas; error bars need at least 4");
    chosen.plan.check(2, 1);
    (void)parsed_temperatures(chosen.temperatures);
    (void)executor_of(chosen);
    if (chosen.output == "-" && !chosen.describe) program::report() = stderr;
    auto const subjects = [&] {
        program::waiting const wait("reading the networks");
        return load_subjects(chosen);
    }();
    if (!chosen.describe) check_outputs(chosen);
    if (chosen.subsample && !chosen.start_from.empty())
        throw spinet::error("--start-from has states of whole networks: leave --subsample out");
    program::waiting wait("checking the networks");
    if (!chosen.start_from.empty())
        for (auto const& each : subjects) (void)plan_of(each, chosen);  // refused before any run
    if (chosen.subsample && !chosen.checkpoint.empty())
        throw spinet::error(
            "--subsample and --checkpoint exclude each other: what sub-samples gave so far is written "
            "when they are stopped");
    if (chosen.describe) {
        wait.end();
        for (auto const& each : subjects) of_file(each, [&] { describe(each, chosen); });
        return 0;
    }
    auto saved = load_saved(chosen, subjects);
    for (auto const& each : subjects) check_subject(each, chosen, saved);
    wait.end();
    std::vector<spinet::descriptor> results;
    bool complete = true;
    for (auto const& each : subjects) {
        complete = chosen.kernel == "glauber"
                       ? characterize<spinet::glauber<>>(each, chosen, saved, results)
                       : characterize<spinet::metropolis<>>(each, chosen, saved, results);
        if (!complete) break;
    }
    if (!results.empty()) write(chosen, results);
    return complete ? 0 : 130;
}

}  // namespace

int main(int argc, char** argv) {
    options chosen;
    CLI::App app("The spin-glass descriptor of trained networks: mean |q| of replica pairs over temperature.",
                 "characterize");
    return program::main_of(
        app, argv, [&] { parse(argc, argv, chosen, app); }, [&] { return run(chosen); });
}
