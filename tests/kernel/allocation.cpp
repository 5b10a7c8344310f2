// SPDX-License-Identifier: BSD-3-Clause
/// A sweep allocates nothing, and a tile little beside its spins and fields. Counts every allocation of this
/// program by replacing operator new.
#include "../catch.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <vector>

// g++ 12 sees aligned_alloc inside the new and not that this is it.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

std::atomic<std::uint64_t> allocations{0}, bytes{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (p == nullptr) throw std::bad_alloc();
    bytes += malloc_usable_size(p);
    return p;
}

void release(void* p) noexcept {
    bytes -= malloc_usable_size(p);
    std::free(p);
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    return counted(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size, std::nothrow_t const&) noexcept {
    return counted(size, alignof(std::max_align_t));
}
void operator delete(void* p, std::nothrow_t const&) noexcept { release(p); }
void operator delete[](void* p, std::nothrow_t const&) noexcept { release(p); }
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }

using namespace spinet;

namespace {

/// Two sweeps make working space; the next ones make none. The engines of dense models are both taken.
template <class M, class Kernel>
std::uint64_t allocations_of_sweeps(M const& model, Kernel const& kernel) {
    auto tile = kernel.make_state(model, 20);
    kernel.prepare(model, tile);
    std::vector<double> const hot(20, 0.01), cold(20, 2.0);
    std::uint32_t s = 0;
    for (auto const* betas : {&hot, &hot, &cold, &cold})
        kernel.sweep(model, tile, *betas, {1, s++, 0, purpose::spins});
    std::uint64_t const before = allocations;
    for (auto const* betas : {&hot, &hot, &cold, &cold})
        kernel.sweep(model, tile, *betas, {1, s++, 0, purpose::spins});
    return allocations - before;
}

}  // namespace

TEST_CASE("a sweep allocates nothing", "[kernel]") {
    std::uint64_t const before = allocations;
    std::vector<int> const some(10);
    REQUIRE(allocations == before + 1);  // the counter counts

    auto const layered = random_layered_glass<float>({130, 64, 5}, {0.02, 0.02}, 21);
    CHECK(allocations_of_sweeps(layered, glauber{}) == 0);
    CHECK(allocations_of_sweeps(layered, metropolis{}) == 0);
    CHECK(allocations_of_sweeps(layered, glauber{sequential_scan{}}) == 0);
    CHECK(allocations_of_sweeps(layered, glauber{random_scan{}}) == 0);
    CHECK(allocations_of_sweeps(random_layered_glass<double>({70, 33}, {0.02}, 21), glauber{}) == 0);
    auto const dense = sherrington_kirkpatrick<float>(150, 1);
    CHECK(allocations_of_sweeps(dense, metropolis{}) == 0);
    CHECK(allocations_of_sweeps(dense, glauber{random_scan{}}) == 0);
    auto const lattice = edwards_anderson<float>({4, 4, 4}, plus_minus_bonds{}, 1);
    CHECK(allocations_of_sweeps(lattice, metropolis{}) == 0);
    CHECK(allocations_of_sweeps(lattice, glauber{random_scan{}}) == 0);
    CHECK(allocations_of_sweeps(lattice, multi_spin{}) == 0);
    CHECK(allocations_of_sweeps(lattice, wolff{multi_spin{}, {.clusters = 5}}) == 0);
    CHECK(allocations_of_sweeps(lattice, rejection_free{}) == 0);
    CHECK(allocations_of_sweeps(layered, rejection_free{}) == 0);
}

namespace {

/// Bytes of a model and of a tile of 4096 rows that has been swept, over those of its numbers.
template <class Make, class Kernel>
double bytes_over(double numbers, Make&& make, Kernel const& kernel) {
    std::uint64_t const before = bytes;
    auto const model = make();
    auto tile = kernel.make_state(model, 4096);
    kernel.prepare(model, tile);
    kernel.sweep(model, tile, std::vector<double>(4096, 1.0), {1, 0, 0, purpose::spins});
    return static_cast<double>(bytes - before) / (4 * numbers);
}

}  // namespace

TEST_CASE("4096 rows take at most half as much again as spins, fields and couplings", "[kernel][slow]") {
    constexpr double rows = 4096;
    // Spins and fields of 1050 sites; couplings once.
    CHECK(bytes_over(
              rows * 2 * 1050 + 784 * 128 + 128 * 128 + 128 * 10,
              [] {
                  return random_layered_glass<float>({784, 128, 128, 10}, {0.001, 0.01, 0.01}, 1);
              },
              glauber{}) < 1.5);
    CHECK(bytes_over(
              rows * 2 * 2304 + 1024 * 1024 + 1024 * 256,
              [] {
                  return random_layered_glass<float>({1024, 1024, 256}, {0.001, 0.001}, 1);
              },
              glauber{}) < 1.5);
    CHECK(bytes_over(
              rows * 2 * 1024 + 1024 * 1024, [] { return sherrington_kirkpatrick<float>(1024, 1); },
              metropolis{}) < 1.5);
    // A lattice keeps no fields: spins alone, and an index beside each of six couplings of a site.
    CHECK(bytes_over(
              rows * 512 + 512 * 12,
              [] {
                  return edwards_anderson<float>({8, 8, 8}, gaussian_bonds{}, 1);
              },
              metropolis{}) < 1.5);
}
