// SPDX-License-Identifier: BSD-3-Clause
/// Executors: every task once, the exception of the lowest index, teams that live on; BLAS on one thread and
/// back.
#include "../catch.hpp"
#include <spinet/detail/blas.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#if defined(__has_feature)
#define SPINET_TEST_CLANG_ASAN __has_feature(address_sanitizer)
#else
#define SPINET_TEST_CLANG_ASAN 0
#endif

using namespace spinet;
using Catch::Matchers::ContainsSubstring;

namespace {

static_assert(Executor<serial> && Executor<threads> && !Executor<int> && !Executor<thread_team>);

/// Runs n tasks and counts how often each was called.
template <class Team>
std::vector<int> calls(Team& team, std::size_t n) {
    auto const counts = std::make_unique<std::atomic<int>[]>(n + 1);
    team.run(n, [&](std::size_t k) { ++counts[k < n ? k : n]; });
    std::vector<int> result;
    for (std::size_t k = 0; k <= n; ++k) result.push_back(counts[k]);
    return result;
}

std::vector<int> each_once(std::size_t n) {
    std::vector<int> expected(n + 1, 1);
    expected[n] = 0;  // no index beyond the last
    return expected;
}

template <class Exec>
void check_executor(Exec const& executor) {
    auto team = executor.team();
    for (std::size_t const n : {0u, 1u, 2u, 3u, 5u, 64u, 1000u}) CHECK(calls(team, n) == each_once(n));
    // Many short rounds: a worker that comes late to one must not take part in the next.
    std::size_t wrong = 0;
    for (int round = 0; round < 3000; ++round)
        wrong +=
            calls(team, static_cast<std::size_t>(round % 4)) != each_once(static_cast<std::size_t>(round % 4))
                ? 1
                : 0;
    CHECK(wrong == 0);
    // What tasks wrote is there when run returns.
    std::vector<std::size_t> plain(257, 0);
    for (std::size_t round = 1; round <= 200; ++round) {
        team.run(plain.size(), [&](std::size_t k) { plain[k] += k * round; });
        REQUIRE(plain[256] == 256 * round * (round + 1) / 2);
    }
    for (std::size_t k = 0; k < plain.size(); ++k) CHECK(plain[k] == k * 20'100);
    // A task that is no temporary, and one that is const.
    int sum = 0;
    auto const add = [&](std::size_t) { ++sum; };
    team.run(1, add);
    CHECK(sum == 1);
}

template <class Exec>
void check_exceptions(Exec const& executor) {
    auto team = executor.team();
    for (int round = 0; round < 50; ++round) {
        std::string const wanted = "task 3";
        CHECK_THROWS_WITH(team.run(20,
                                   [](std::size_t k) {
                                       // The later ones are quicker.
                                       if (k == 3)
                                           std::this_thread::sleep_for(std::chrono::microseconds(200));
                                       if (k % 4 == 3) throw std::runtime_error("task " + std::to_string(k));
                                   }),
                          wanted);
        CHECK(calls(team, 20) == each_once(20));  // nothing of it is left
    }
    CHECK_THROWS_AS(team.run(4, [](std::size_t) { throw error("of its own kind"); }), error);
    CHECK_THROWS_AS(team.run(1, [](std::size_t) { throw 7; }), int);
    CHECK(calls(team, 9) == each_once(9));
}

}  // namespace

TEST_CASE("every executor runs each task once, round after round", "[execution]") {
    check_executor(serial{});
    for (std::size_t const n : {1u, 2u, 3u, 8u}) {
        CAPTURE(n);
        check_executor(threads(n));
    }
    check_executor(threads{});
}

TEST_CASE("the exception of the lowest task reaches the caller, and the team is usable afterwards",
          "[execution]") {
    check_exceptions(serial{});
    for (std::size_t const n : {1u, 2u, 4u}) check_exceptions(threads(n));
}

TEST_CASE("teams use the threads they were given, the caller among them", "[execution]") {
    auto const seen_by = [](auto const& executor) {
        auto team = executor.team();
        std::mutex guard;
        std::set<std::thread::id> seen;
        std::atomic<std::size_t> arrived{0};
        std::size_t const n = 3;
        team.run(n, [&](std::size_t) {
            {
                std::lock_guard const lock(guard);
                seen.insert(std::this_thread::get_id());
            }
            // With three threads all tasks run at once; with fewer the wait ends after 2 s at most.
            ++arrived;
            auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
            while (executor.count() == n && arrived < n && std::chrono::steady_clock::now() < until)
                std::this_thread::yield();
        });
        return seen;
    };
    auto const three = seen_by(threads(3));
    CHECK(three.size() == 3);
    CHECK(three.count(std::this_thread::get_id()) == 1);
    CHECK(seen_by(threads(1)) == std::set<std::thread::id>{std::this_thread::get_id()});
    // Teams that never work, and several at a time, come and go.
    for (int k = 0; k < 50; ++k) {
        auto const idle = threads(3).team();
        auto busy = threads(2).team();
        CHECK(calls(busy, 3) == each_once(3));
    }
}

TEST_CASE("numbers of threads", "[execution]") {
    CHECK_THROWS_WITH(threads(0),
                      ContainsSubstring("threads: 0 is not a number of threads between 1 and 4096"));
    CHECK_THROWS_WITH(threads(4097), ContainsSubstring("threads: 4097"));
    CHECK_THROWS_AS(threads(static_cast<std::size_t>(-1)), error);
    CHECK(threads(5).count() == 5);
    CHECK(threads{}.count() >= 1);
}

// A process whose memory is limited gets no stacks for more threads. Sanitizers need more than any such
// limit.
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !SPINET_TEST_CLANG_ASAN
TEST_CASE("a thread that the system refuses is an error that says how many there are", "[execution]") {
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(20);  // ends the child where it waits for ever
        rlimit const limit{std::uint64_t{1} << 30, std::uint64_t{1} << 30};
        setrlimit(RLIMIT_AS, &limit);
        try {
            auto team = threads(2000).team();
            _exit(1);
        } catch (error const& reason) {
            auto few = threads(2).team();
            bool const usable = calls(few, 5) == each_once(5);
            _exit(usable && std::string(reason.what()).find(" threads, not 2000") != std::string::npos ? 0
                                                                                                       : 2);
        } catch (...) {
            _exit(3);
        }
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
#endif

TEST_CASE("BLAS is on one thread for a while, and then as it was", "[execution]") {
    float const row[2] = {3, 4};
    float square = 0;
    detail::gram(1, 2, row, 2, &square, 1);  // so that a BLAS is linked at all
    CHECK(square == 25.0f);
    if (detail::openblas_set_threads == nullptr || detail::openblas_get_threads == nullptr) {
        single_threaded_blas const nothing_to_do;
        SUCCEED("this BLAS is not OpenBLAS");
        return;
    }
    if (detail::openblas_is_openmp()) {
        // OpenMP decides; the test below has the rest.
        single_threaded_blas const one;
        CHECK(detail::openmp_get_threads() == 1);
        return;
    }
    int const before = detail::openblas_get_threads();
    for (int const n : {1, 2}) {
        detail::openblas_set_threads(n);
        int const had = detail::openblas_get_threads();  // a BLAS built for one thread stays at it
        {
            single_threaded_blas const one;
            CHECK(detail::openblas_get_threads() == 1);
            {
                single_threaded_blas const nested;
                CHECK(detail::openblas_get_threads() == 1);
            }
            CHECK(detail::openblas_get_threads() == 1);
        }
        CHECK(detail::openblas_get_threads() == had);
        // Two lives that overlap, as those of two threads do.
        auto first = std::make_unique<single_threaded_blas>();
        auto second = std::make_unique<single_threaded_blas>();
        first.reset();
        CHECK(detail::openblas_get_threads() == 1);
        second.reset();
        CHECK(detail::openblas_get_threads() == had);
        try {
            single_threaded_blas const one;
            throw error("on the way out");
        } catch (error const&) {
        }
        CHECK(detail::openblas_get_threads() == had);
    }
    detail::openblas_set_threads(before);
}

// ctest runs this program a second time, with the OpenBLAS that is built on OpenMP, where Debian has it
// installed.
TEST_CASE("OpenMP's number of threads is one for a while, and then as it was, in each thread",
          "[execution]") {
    float const row[2] = {3, 4};
    float square = 0;
    detail::gram(1, 2, row, 2, &square, 1);
    if (!detail::openblas_is_openmp()) {
        CHECK(std::getenv("SPINET_TEST_OPENMP") == nullptr);
        return;
    }
    int const before = detail::openmp_get_threads();
    for (int const n : {1, 2, 8}) {
        detail::openmp_set_threads(n);
        {
            single_threaded_blas const one;
            CHECK(detail::openmp_get_threads() == 1);
            {
                single_threaded_blas const nested;
                CHECK(detail::openmp_get_threads() == 1);
            }
            CHECK(detail::openmp_get_threads() == 1);
            auto team = threads(3).team();
            std::atomic<int> most{0};
            team.run(30, [&](std::size_t) { most = std::max(most.load(), detail::openmp_get_threads()); });
            CHECK(most == 1);
        }
        CHECK(detail::openmp_get_threads() == n);
        // Two lives that overlap, in two threads: each gives its own thread its number back.
        std::promise<void> began, may_end;
        int others = 0;
        auto first = std::make_unique<single_threaded_blas>();
        std::thread other([&] {
            detail::openmp_set_threads(n + 1);
            {
                single_threaded_blas const second;
                began.set_value();
                may_end.get_future().wait();
            }
            others = detail::openmp_get_threads();
        });
        began.get_future().wait();
        first.reset();
        CHECK(detail::openmp_get_threads() == n);
        may_end.set_value();
        other.join();
        CHECK(others == n + 1);
    }
    detail::openmp_set_threads(before);
}
