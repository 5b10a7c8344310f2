// SPDX-License-Identifier: BSD-3-Clause
/// How near does the layer-block sweep of a layered network come to the matrix products that it cannot avoid?
///
/// sgemm_fraction = floating-point rate of the products inside a sweep (random numbers, acceptance and
/// energies included) over that of sgemm on the same shapes, both measured in turns in this process.
#include "common.hpp"
#include "subjects.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>

namespace {

using namespace spinet;

/// The products of one sweep, on arrays of their own.
template <class Real>
struct products_alone {
    std::vector<std::size_t> widths;
    std::size_t rows;
    std::vector<detail::aligned_vector<Real>> spins, fields, weights;

    products_alone(std::vector<std::size_t> const& w, std::size_t r) : widths(w), rows(r) {
        for (std::size_t l = 0; l < w.size(); ++l) {
            spins.emplace_back(r * w[l], Real{1});
            fields.emplace_back(r * w[l]);
            if (l > 0) weights.emplace_back(w[l] * w[l - 1], Real{0.01f});
        }
    }

    void operator()() {
        for (std::size_t parity = 0; parity < 2; ++parity)
            for (std::size_t l = parity; l < widths.size(); l += 2) {
                std::size_t const n = widths[l];
                if (l > 0)
                    detail::gemm(true, rows, n, widths[l - 1], Real{1}, spins[l - 1].data(), widths[l - 1],
                                 weights[l - 1].data(), widths[l - 1], Real{0}, fields[l].data(), n);
                if (l + 1 < widths.size())
                    detail::gemm(false, rows, n, widths[l + 1], Real{1}, spins[l + 1].data(), widths[l + 1],
                                 weights[l].data(), n, l > 0 ? Real{1} : Real{0}, fields[l].data(), n);
            }
        benchmark::ClobberMemory();
    }

    [[nodiscard]] double operations() const {
        double sum = 0;
        for (std::size_t l = 1; l < widths.size(); ++l)
            sum += 4.0 * static_cast<double>(rows * widths[l] * widths[l - 1]);
        return sum;
    }
};

template <class Real, class Kernel>
void sweeps(benchmark::State& state, std::vector<std::size_t> const& widths, Kernel const& kernel) {
    single_threaded_blas const one_thread;
    auto const temperature = static_cast<double>(state.range(0)) / 100;
    auto const rows = static_cast<std::size_t>(state.range(1));
    auto const model = random_network<Real>(widths);
    swept_tile tile(model, kernel, rows, temperature);
    products_alone<Real> products(widths, rows);
    tile(20);
    products();
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add(tile, products);
        state.SetIterationTime(times.subject.back());
    }
    state.counters["updates_per_second"] = tile.updates() / timing::median(times.subject);
    state.counters["sgemm_fraction"] = timing::median(times.ratio);
    state.counters["sgemm_gflops"] = products.operations() / timing::median(times.baseline) / 1e9;
}

template <class Real, class Kernel>
void add(std::string const& name, std::vector<std::size_t> const& widths, Kernel const& kernel,
         std::vector<int> const& hundredths, std::vector<int> const& rows) {
    auto* const added = benchmark::RegisterBenchmark(
        name.c_str(), [=](benchmark::State& state) { sweeps<Real>(state, widths, kernel); });
    for (int const t : hundredths)
        for (int const r : rows) added->Args({t, r});
    added->ArgNames({"100T", "rows"})->UseManualTime();
}

[[maybe_unused]] bool const added = [] {
    std::vector<std::size_t> const small{784, 128, 128, 10};
    std::vector<int> const temperatures{30, 100, 200};
    add<float>("784-128-128-10", small, glauber{}, temperatures, {256});
    add<float>("784-512-512-512-10", {784, 512, 512, 512, 10}, glauber{}, temperatures, {256});
    add<float>("3072-1024-1024-10", {3072, 1024, 1024, 10}, glauber{}, temperatures, {256});
    add<float>("784-128-128-10 metropolis", small, metropolis{}, temperatures, {256});
    add<double>("784-128-128-10 double", small, glauber{}, temperatures, {256});
    // How the rows of a tile matter: too few starve the product, too many leave the cache.
    add<float>("784-128-128-10 tile", small, glauber{}, {100},
               {16, 32, 64, 96, 128, 192, 256, 384, 512, 1024});
    return true;
}();

}  // namespace
