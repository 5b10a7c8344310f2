// SPDX-License-Identifier: BSD-3-Clause
/// sk_identity [SAMPLES] [SPINS] [TEMPERATURE] [SEED]: checks the SK energy identity over many disorder
/// samples.
#include "sk_identity.hpp"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {
volatile std::sig_atomic_t interrupted = 0;
}

int main(int argc, char** argv) {
    std::size_t const samples = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 3000;
    std::size_t const spins = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 32;
    double const temperature = argc > 3 ? std::strtod(argv[3], nullptr) : 0.6;
    std::uint64_t const seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1;
    std::signal(SIGINT, [](int) { interrupted = 1; });
    try {
        auto const result = check_sk_identity(spins, temperature, samples, seed, [&](std::size_t n) {
            if (n % 50 == 0) std::fprintf(stderr, "\r%zu of %zu samples ", n, samples);
            return interrupted == 0;
        });
        std::fprintf(stderr, "\n");
        std::printf(
            "N = %zu, T = %g, %zu samples\n[u]                       = %.6f +- %.6f\n-(beta/2)(1 - [<q^2>])  "
            "  = %.6f\n",
            spins, temperature, result.samples, result.energy, result.energy_error, result.prediction);
        std::printf("difference                = %.6f +- %.6f (%.2f errors; error %.3f %% of [u])\n",
                    result.difference, result.difference_error, result.difference / result.difference_error,
                    100 * result.difference_error / std::abs(result.energy));
        return std::abs(result.difference) <= 3 * result.difference_error ? 0 : 1;
    } catch (std::exception const& fault) {
        std::fprintf(stderr, "sk_identity: %s\n", fault.what());
        return 2;
    }
}
