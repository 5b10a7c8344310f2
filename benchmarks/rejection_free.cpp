// SPDX-License-Identifier: BSD-3-Clause
/// From which temperature down does drawing the time to the next flip pay? Updates' worth a second of
/// rejection_free beside the default glauber, in turns, from an annealed state.
#include "common.hpp"
#include <spinet/readers/load.hpp>
#include <spinet/spinet.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace spinet;

/// 128 rows of one kernel at one temperature.
template <class M, class K>
struct rows_at {
    M const& model;
    K kernel;
    decltype(std::declval<K const&>().make_state(std::declval<M const&>(), 1)) state;
    std::vector<double> betas;
    std::uint32_t sweeps = 0;

    rows_at(M const& m, K k, double temperature, std::vector<float> const& spins)
        : model(m), kernel(k), state(k.make_state(m, 128)), betas(128, 1 / temperature) {
        for (std::size_t r = 0; r < betas.size(); ++r) state.set_row(r, std::span<float const>(spins));
        kernel.prepare(model, state);
        (*this)();
    }

    void operator()() {
        for (int k = 0; k < 32; ++k) kernel.sweep(model, state, betas, {1, sweeps++, 0, purpose::spins});
    }

    /// Million updates a second, of a call that takes so many seconds.
    [[nodiscard]] double rate(double seconds) const {
        return 32e-6 * static_cast<double>(betas.size() * model.size()) / seconds;
    }
};

template <class M>
void compare(char const* name, M const& model, double top, std::vector<double> const& temperatures) {
    for (double const t : temperatures) {
        auto const cold = anneal(model, glauber{}, ladder({t, top}), {.sweeps = 2000, .rows = 16}).spins;
        rows_at plain(model, glauber{}, t, cold);
        rows_at free(model, rejection_free{glauber{}}, t, cold);
        std::uint64_t flips = 0, before = 0;
        for (auto const n : free.state.events()) before += n;
        auto const sweeps_before = free.sweeps;
        timing::pair_of_times times;
        for (int turn = 0; turn < 7; ++turn) times.add(free, plain);
        for (auto const n : free.state.events()) flips += n;
        double const visits =
            static_cast<double>(free.sweeps - sweeps_before) * 128 * static_cast<double>(model.size());
        std::printf("| %s | %.2f | %.4f | %.0f | %.0f | %.2f |\n", name, t,
                    static_cast<double>(flips - before) / visits, plain.rate(timing::median(times.baseline)),
                    free.rate(timing::median(times.subject)), timing::median(times.ratio));
        std::fflush(stdout);
    }
}

}  // namespace

int main() {
    std::printf(
        "compiled by %s\n\n| model | T | flips a visit | glauber, M/s | rejection_free, M/s | ratio |\n"
        "|---|---|---|---|---|---|\n",
        SPINET_BENCHMARK_FLAGS);
    compare("SK, N = 1024", sherrington_kirkpatrick<float>(1024, 1), 2.4, {0.05, 0.1, 0.2, 0.5});
    compare("Gaussian lattice, 8 x 8 x 8", edwards_anderson<float>({8, 8, 8}, gaussian_bonds{}, 1), 4,
            {0.05, 0.1, 0.2, 0.3, 0.5});
    compare("+-J lattice, 8 x 8 x 8", edwards_anderson<float>({8, 8, 8}, plus_minus_bonds{}, 1), 5,
            {0.1, 0.2, 0.5});
    compare("trained network 784-128-64-10",
            to_spin_glass(
                load_network(SPINET_SOURCE_DIR "/docs/networks/fashion_784-128-64-10_trained.safetensors")),
            12, {0.05, 0.1, 0.2, 0.5});
}
