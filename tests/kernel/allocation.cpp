// SPDX-License-Identifier: BSD-3-Clause
/// A sweep allocates nothing. Counts every allocation of this program by replacing operator new.
#include "../catch.hpp"
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

// g++ 12 sees aligned_alloc inside the new and not that this is it.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (p == nullptr) throw std::bad_alloc();
    return p;
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
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

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
    auto const lattice = edwards_anderson<float>({4, 4, 4}, disorder::plus_minus, 1);
    CHECK(allocations_of_sweeps(lattice, metropolis{}) == 0);
    CHECK(allocations_of_sweeps(lattice, glauber{random_scan{}}) == 0);
    CHECK(allocations_of_sweeps(lattice, multi_spin{}) == 0);
}
