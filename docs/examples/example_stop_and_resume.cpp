// SPDX-License-Identifier: BSD-3-Clause
/// Stops a run, saves it to a file, and resumes it with bitwise the same result as an uninterrupted run.
#include <spinet/io/checkpoint_file.hpp>
#include <spinet/spinet.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>

namespace {

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

auto const glass = spinet::random_layered_glass({40, 20, 10}, {0.025, 0.05}, 1);
auto const method =
    spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.3, 2.0, 6));
auto const measured = spinet::observables{spinet::energy{}, spinet::overlap{}};
spinet::run_plan const plan{.replicas = 8, .warmup = 200, .sweeps = 2'000, .seed = 5};

void by_token() {
    //! [stop]
    std::stop_source stop;  // request_stop() may come from another thread, or from whatever polls for Ctrl-C
    auto const after_a_while = [&](spinet::progress const& now) {
        if (now.phase == spinet::run_phase::measuring && now.sweeps_done >= 1'000) stop.request_stop();
        return true;
    };
    auto const run =
        spinet::sample(glass, method, measured, plan, spinet::serial{}, after_a_while, stop.get_token());
    require(!run.complete() && run.measurements() > 0, "a stopped run keeps what it measured");
    //! [stop]
}

void by_checkpoint() {
    std::string const file = "example_stop_and_resume.checkpoint";
    auto const whole = spinet::sample(glass, method, measured, plan);
    //! [checkpoint]
    auto const until = [](spinet::progress const& now) {
        return now.phase != spinet::run_phase::measuring || now.sweeps_done < 700;
    };
    (void)spinet::sample(glass, method, measured, plan, spinet::serial{}, until,
                         spinet::checkpoint_every(60.0, file));

    // Later, in another process: the same model, method, observables and plan. The executor may differ.
    auto const run =
        spinet::resume(spinet::load_checkpoint(file), glass, method, measured, plan, spinet::threads{2});
    //! [checkpoint]
    auto const a = spinet::mean_abs_overlap(whole), b = spinet::mean_abs_overlap(run);
    for (std::size_t k = 0; k < a.size(); ++k)
        require(a[k].value == b[k].value && a[k].error == b[k].error && a[k].tau == b[k].tau,
                "a resumed run is bitwise the same");
    try {
        auto other = plan;
        other.seed = 6;
        (void)spinet::resume(spinet::load_checkpoint(file), glass, method, measured, other);
        require(false, "a checkpoint of another plan is refused");
    } catch (spinet::error const& refused) {
        std::printf("refused: %s\n", refused.what());
    }
    std::filesystem::remove(file);
}

}  // namespace

int main() {
    by_token();
    by_checkpoint();
}
