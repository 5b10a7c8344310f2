// SPDX-License-Identifier: BSD-3-Clause
/// What do the points of a plane through a network's loss cost? By three products of the first layer for all
/// of them, beside one evaluation each, and beside sgemm alone on the shapes of the layers that are left.
#include "common.hpp"
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/random/streams.hpp>

#include <cstdint>

namespace {

using namespace spinet;

/// 784-128-64-10 over 10,000 random images.
network_loss<float> const& loss() {
    static network_loss<float> const one = [] {
        stream const draws(1, 0, 0, purpose::testing);
        std::uint32_t n = 0;
        std::vector<mlp_layer> layers;
        std::size_t const widths[] = {784, 128, 64, 10};
        for (std::size_t l = 0; l < 3; ++l) {
            xt::xtensor<float, 2> w = xt::zeros<float>({widths[l + 1], widths[l]});
            for (float& each : w) each = static_cast<float>(normal(draws, n++)) * 0.05f;
            xt::xtensor<float, 1> const b = xt::zeros<float>({widths[l + 1]});
            layers.push_back({w, b});
        }
        data_set<float> data{10'000, 784};
        for (std::size_t k = 0; k < data.count * data.size; ++k)
            data.inputs.push_back(static_cast<float>((k * 2654435761u >> 7) % 256) / 255);
        for (std::size_t k = 0; k < data.count; ++k)
            data.labels.push_back(static_cast<std::uint32_t>(k % 10));
        return network_loss<float>(mlp(layers, activation_kind::relu), data, loss_kind::cross_entropy);
    }();
    return one;
}

section const& through() {
    static section const one = [] {
        auto const& x = loss().parameters();
        auto const drawn = [&](std::uint64_t seed) {
            return normalised(gaussian_direction(loss().size(), seed), x, loss().groups());
        };
        return section_along(x, drawn(1), drawn(2));
    }();
    return one;
}

void plane_by_three_products(benchmark::State& state) {
    axis const side{-1, 1, 10};
    for (auto _ : state) benchmark::DoNotOptimize(plane(loss(), through(), side, side));
    state.SetItemsProcessed(state.iterations() * 100);
}

void plane_point_by_point(benchmark::State& state) {
    auto const f = plain_objective(loss().size(), [](std::span<double const> x) { return loss().value(x); });
    axis const side{-1, 1, 3};
    for (auto _ : state) benchmark::DoNotOptimize(plane(f, through(), side, side));
    state.SetItemsProcessed(state.iterations() * 9);
}

void products_that_are_left(benchmark::State& state) {
    single_threaded_blas const one_blas_thread;
    std::size_t const batch = 256, batches = 10'000 / batch;
    std::vector<float> const w(128 * 64, 0.01f), a(128 * batch, 1.0f);
    std::vector<float> b(64 * batch), y(10 * batch);
    for (auto _ : state)
        for (std::size_t k = 0; k < batches; ++k) {
            detail::gemm<float>(false, 64, batch, 128, 1, w.data(), 128, a.data(), batch, 0, b.data(), batch);
            detail::gemm<float>(false, 10, batch, 64, 1, w.data(), 64, b.data(), batch, 0, y.data(), batch);
            benchmark::ClobberMemory();
        }
    state.SetItemsProcessed(state.iterations());
}

void gradient(benchmark::State& state) {
    std::vector<double> out(loss().size());
    for (auto _ : state) benchmark::DoNotOptimize(loss().gradient(loss().parameters(), out));
    state.SetItemsProcessed(state.iterations());
}

void hessian_vector(benchmark::State& state) {
    std::vector<double> out(loss().size());
    for (auto _ : state) loss().hessian_vector(loss().parameters(), through().first, out);
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(plane_by_three_products)->Unit(benchmark::kMillisecond);
BENCHMARK(plane_point_by_point)->Unit(benchmark::kMillisecond);
BENCHMARK(products_that_are_left)->Unit(benchmark::kMillisecond);
BENCHMARK(gradient)->Unit(benchmark::kMillisecond);
BENCHMARK(hessian_vector)->Unit(benchmark::kMillisecond);

}  // namespace
