// SPDX-License-Identifier: BSD-3-Clause
/// How fast are the numbers of a network checked and converted? 100 million elements, on one thread, beside a
/// loop that takes one after the other.
#include "common.hpp"
#include <spinet/network/tensor.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace spinet;

constexpr std::size_t count = 100'000'000;

/// Finite in every type: exponents of 16 bits or more that are not all ones.
std::shared_ptr<std::vector<std::byte> const> const& finite_bytes() {
    static auto const bytes = [] {
        auto made = std::make_shared<std::vector<std::byte>>(count * 8);
        std::uint32_t state = 1;
        for (std::size_t i = 0; i < made->size(); i += 2) {
            state = state * 1664525U + 1013904223U;
            auto const value = static_cast<std::uint16_t>(((state >> 16U) & 0x83FFU) | 0x3800U);
            std::memcpy(made->data() + i, &value, 2);
        }
        return std::shared_ptr<std::vector<std::byte> const>(std::move(made));
    }();
    return bytes;
}

/// One element after the other, with the branches of the standard for halves.
namespace one_by_one {

float half(std::uint16_t x) {
    std::uint32_t const exponent = (x >> 10U) & 0x1FU, fraction = x & 0x3FFU;
    auto const sign = static_cast<std::uint32_t>(x & 0x8000U) << 16U;
    if (exponent == 0) {
        float const magnitude = static_cast<float>(fraction) * 0x1p-24F;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
    }
    std::uint32_t const widened = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | widened << 23U | fraction << 13U);
}

template <class Stored>
auto value(std::byte const* at, dtype type) {
    Stored stored;
    std::memcpy(&stored, at, sizeof stored);
    if constexpr (sizeof(Stored) == 2)
        return type == dtype::f16 ? half(stored) : detail::bfloat16_to_float(stored);
    else
        return stored;
}

template <class Stored>
bool finite(tensor const& of) {
    for (std::size_t i = 0; i < count; ++i)
        if (!std::isfinite(value<Stored>(of.bytes().data() + i * sizeof(Stored), of.type()))) return false;
    return true;
}

template <class Stored>
void convert(tensor const& of, std::span<float> out) {
    for (std::size_t i = 0; i < count; ++i)
        out[i] = static_cast<float>(value<Stored>(of.bytes().data() + i * sizeof(Stored), of.type()));
}

}  // namespace one_by_one

void report(benchmark::State& state, timing::pair_of_times const& times, dtype type) {
    auto const gigabytes = static_cast<double>(count * size_of(type)) * 1e-9;
    state.counters["GB_per_second"] = gigabytes / timing::median(times.subject);
    state.counters["loop_GB_per_second"] = gigabytes / timing::median(times.baseline);
    state.counters["speedup"] = timing::median(times.ratio);
}

template <class Stored>
void check(benchmark::State& state, dtype type) {
    tensor const values("values", type, {count}, finite_bytes());
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add([&] { benchmark::DoNotOptimize(values.first_non_finite().has_value()); },
                  [&] { benchmark::DoNotOptimize(one_by_one::finite<Stored>(values)); });
        state.SetIterationTime(times.subject.back());
    }
    report(state, times, type);
}

template <class Stored>
void convert(benchmark::State& state, dtype type) {
    tensor const values("values", type, {count}, finite_bytes());
    std::vector<float> own(count), loop(count);
    timing::pair_of_times times;
    for (auto _ : state) {
        times.add([&] { values.copy_to(std::span<float>(own)); },
                  [&] { one_by_one::convert<Stored>(values, std::span<float>(loop)); });
        state.SetIterationTime(times.subject.back());
    }
    if (own != loop) state.SkipWithError("the two differ");
    report(state, times, type);
}

template <class Stored>
void add(dtype type) {
    auto const name = std::string(to_string(type));
    benchmark::RegisterBenchmark(("check/" + name).c_str(), check<Stored>, type)->UseManualTime();
    benchmark::RegisterBenchmark(("to_float/" + name).c_str(), convert<Stored>, type)->UseManualTime();
}

[[maybe_unused]] bool const added = [] {
    add<std::uint16_t>(dtype::f16);
    add<std::uint16_t>(dtype::bf16);
    add<float>(dtype::f32);
    add<double>(dtype::f64);
    return true;
}();

}  // namespace
