// SPDX-License-Identifier: BSD-3-Clause
/// portrait: how slow the glass of a network is, and what becomes of it when spins are not binary. Two
/// pictures with their data: relaxation times over temperature of a trained network, its initial state and
/// its shuffled null; and the descriptor of the trained network with spins +-1 and in [-1, 1].
#include <spinet/io/plot.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace spinet;

volatile std::sig_atomic_t interrupted = 0;

/// What the watchers of all runs are asked.
bool go_on(progress const&) { return interrupted == 0; }

struct curve {
    std::string name;
    std::vector<std::string> rows;
    temperature_scales at{};
};

std::string row(char const* format, auto... numbers) {
    char text[160];
    std::snprintf(text, sizeof text, format, numbers...);
    return text;
}

/// Times of the slowest layer too: inputs are nearly free, and most of the spins.
curve relaxation_of(std::string const& name, network_glass<float> const& glass, std::uint64_t sweeps,
                    std::uint64_t longest) {
    curve found{name, {}, characteristic_temperatures(glass)};
    auto const ladder = suggested_temperatures(glass, {.count = 20}, threads{});
    std::fprintf(stderr, "%s: tempering of %zu temperatures, %.3g to %.3g\n", name.c_str(), ladder.size(),
                 ladder.lowest(), ladder.highest());
    auto const run =
        sample(glass, parallel_tempering(mirrored{glauber{}}, ladder), observables{energy{}, overlap{}},
               {.replicas = 16, .warmup = sweeps / 4, .sweeps = sweeps, .keep_spins = true}, threads{},
               progress_bar{}, go_on);
    if (!run.complete()) return found;
    auto const curves =
        relaxation(glass, glauber{}, states_of(run), {.longest = longest}, threads{}, progress_bar{}, go_on);
    for (auto const& each : curves) {
        auto const whole = time_to_decay_to(each.parts[0]);
        auto slowest = whole;
        for (std::size_t g = 1; g < each.parts.size(); ++g)
            if (auto const of_layer = time_to_decay_to(each.parts[g]); of_layer.value > slowest.value)
                slowest = of_layer;
        found.rows.push_back(row("%.9g %.6g %.3g %d %.6g %.3g %d %d", each.temperature, whole.value,
                                 whole.error, whole.reached ? 1 : 0, slowest.value, slowest.error,
                                 slowest.reached ? 1 : 0, each.equilibrated ? 1 : 0));
    }
    return found;
}

template <class M>
curve descriptor_of(std::string const& name, M const& model, std::uint64_t sweeps) {
    curve found{name, {}, {}};
    auto const ladder = suggested_temperatures(model, {.count = 24}, threads{});
    auto const run =
        sample(model, parallel_tempering(mirrored{glauber{}}, ladder), observables{energy{}, overlap{}},
               {.replicas = 16, .warmup = sweeps / 4, .sweeps = sweeps}, threads{}, progress_bar{}, go_on);
    if (!run.complete()) return found;
    for (auto const& point : mean_abs_overlap(run))
        found.rows.push_back(row("%.9g %.9g %.3g %d", point.temperature, point.value, point.error,
                                 point.equilibrated ? 1 : 0));
    return found;
}

std::string data_of(std::vector<curve> const& curves, std::string const& columns) {
    std::string text = "# " + columns + "; one block per curve\n";
    for (auto const& each : curves) {
        text += "# " + each.name + "\n";
        for (auto const& line : each.rows) text += line + "\n";
        text += "\n\n";
    }
    return text;
}

char const* const colours[] = {"#0072b2", "#d55e00", "#009e73"};

std::string preamble(std::filesystem::path const& picture, std::string const& ylabel) {
    return "set terminal pngcairo size 1100,750 font 'DejaVu Sans,13' noenhanced\n"
           "if (!exists('picture')) picture = '" +
           picture.string() +
           "'\nset output picture\nset xlabel 'temperature T (units of the couplings)'\nset ylabel '" +
           ylabel + "'\nset logscale x\nset xrange [0.1:15]\nset grid\n";
}

/// Upright lines at the temperatures that matter: lambda_max dashed, T_ord whole, T_formula dotted.
std::string marks(temperature_scales const& at, char const* colour) {
    std::string text;
    for (auto const& [t, style] : {std::pair{at.lambda_max, "dt 2"}, std::pair{at.t_ord.temperature, "dt 1"},
                                   std::pair{at.t_formula, "dt 3"}})
        text += row("set arrow from %.6g, graph 0 to %.6g, graph 1 nohead %s lw 1.5 lc rgb '%s' back\n", t, t,
                    style, colour);
    return text;
}

int draw(std::string const& trained_path, std::string const& initial_path,
         std::filesystem::path const& output, std::uint64_t sweeps, std::uint64_t longest) {
    auto const trained = load_network(trained_path), initial = load_network(initial_path);
    auto const glass = to_spin_glass(trained);
    std::vector<curve> const slow{
        relaxation_of("trained", glass, sweeps, longest),
        relaxation_of("before training", to_spin_glass(initial), sweeps, longest),
        relaxation_of("trained, weights shuffled", to_spin_glass(shuffled(trained)), sweeps, longest)};
    if (interrupted != 0) return 130;
    auto const relaxation_files = plot_files(output / "relaxation.png");
    std::string script =
        preamble(relaxation_files[0], "sweeps until C = 1/e in the slowest layer") +
        "set logscale y\nset yrange [0.1:20000]\nset key font ',11' at graph 0.265, graph 0.45\n"
        "set label 'triangles: not decayed within the run (lower bound); hollow: not equilibrated' at graph "
        "0.02, graph 0.04\n"
        "set label 'upright: lambda_max dashed, T_ord solid, T_formula dotted' at graph 0.02, graph 0.08\n";
    for (std::size_t k = 0; k < slow.size(); ++k) script += marks(slow[k].at, colours[k]);
    script += "plot";
    for (std::size_t k = 0; k < slow.size(); ++k) {
        std::string const from = (k == 0 ? " '" : ", '") + relaxation_files[1].string() + "' index " +
                                 std::to_string(k),
                          same = ", '' index " + std::to_string(k),
                          style = std::string(" lc rgb '") + colours[k] + "'";
        script += from +
                  " using 1:($7 == 1 && $8 == 1 ? $5 : NaN):($5 / (1 + $6 / $5)):($5 * (1 + $6 / $5)) with "
                  "yerrorbars pt 7" +
                  style + " title '" + slow[k].name + "'" + same +
                  " using 1:($7 == 1 && $8 == 0 ? $5 : NaN):($5 / (1 + $6 / $5)):($5 * (1 + $6 / $5)) with "
                  "yerrorbars pt 6" +
                  style + " notitle" + same +
                  " using 1:($7 == 0 && $8 == 1 ? $5 : NaN) with points pt 9 ps 1.3" + style + " notitle" +
                  same + " using 1:($7 == 0 && $8 == 0 ? $5 : NaN) with points pt 8 ps 1.3" + style +
                  " notitle" + same + " using 1:5 with lines lw 1" + style + " notitle";
    }
    (void)detail::write_and_draw(
        relaxation_files,
        data_of(
            slow,
            "T, tau of all spins, error, reached, tau of the slowest layer, error, reached, equilibrated"),
        script + "\n");

    std::vector<curve> const spins{descriptor_of("spins +1 and -1", glass, sweeps),
                                   descriptor_of("spins in [-1, 1]", soft_spins(glass), sweeps)};
    if (interrupted != 0) return 130;
    auto const soft_files = plot_files(output / "soft_spins.png");
    script = preamble(soft_files[0], "mean |q| of replica pairs") +
             "set yrange [0:0.8]\nset key bottom left\n" +
             "set label 'upright: lambda_max dashed, T_ord solid, T_formula dotted, of spins +-1' at graph "
             "0.02, graph 0.96\n" +
             marks(slow[0].at, "#555555") + "plot";
    for (std::size_t k = 0; k < spins.size(); ++k)
        script += (k == 0 ? " '" : ", '") + soft_files[1].string() + "' index " + std::to_string(k) +
                  " using 1:($4 == 1 ? $2 : NaN):3 with yerrorbars pt 7 lc rgb '" + colours[k] + "' title '" +
                  spins[k].name + "', '' index " + std::to_string(k) +
                  " using 1:($4 == 0 ? $2 : NaN):3 with yerrorbars pt 6 lc rgb '" + colours[k] +
                  "' notitle, '' index " + std::to_string(k) + " using 1:2 with lines lc rgb '" + colours[k] +
                  "' notitle";
    // A spin of variance 1/3 orders at a third of the temperature.
    script += ", '' index 1 using (3 * $1):2 with lines dt 2 lc rgb '" + std::string(colours[1]) +
              "' title 'the same at 3 T'";
    (void)detail::write_and_draw(soft_files, data_of(spins, "T, mean |q|, error, equilibrated"),
                                 script + "\n");
    for (auto const* files : {&relaxation_files, &soft_files})
        for (auto const& file : *files) std::printf("%s\n", file.string().c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Relaxation times and soft spins of a trained network: two pictures with their data.");
    std::string const networks = SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_";
    std::string trained = networks + "trained.safetensors", initial = networks + "initial.safetensors",
                output = ".";
    std::uint64_t sweeps = 20'000, longest = 10'000;
    app.add_option("--trained", trained)->capture_default_str();
    app.add_option("--initial", initial)->capture_default_str();
    app.add_option("--output", output, "directory of the pictures")->capture_default_str();
    app.add_option("--sweeps", sweeps, "of the tempering runs")->capture_default_str();
    app.add_option("--longest", longest, "relaxation that is looked at, in sweeps")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    try {
        return draw(trained, initial, output, sweeps, longest);
    } catch (std::exception const& fault) {
        std::fprintf(stderr, "portrait: %s\n", fault.what());
        return 2;
    }
}
