// SPDX-License-Identifier: BSD-3-Clause
/// Executors: who runs the tiles.
#pragma once

#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// `executor.team()` gives an object whose `run(n, task)` calls task(0), ..., task(n - 1), each once, and
/// returns when all are done; of several exceptions the one of the lowest index reaches the caller. Law:
/// results do not depend on the executor, because tasks share nothing.
template <class E>
concept Executor = requires(E const& executor, void (*task)(std::size_t)) {
    executor.team().run(std::size_t{1}, task);
};

namespace detail {

/// Refuses what is no executor, by one sentence.
template <class E>
consteval bool executor_fits() {
    static_assert(Executor<E>,
                  "spinet: this is no Executor, such as threads{}; it needs team().run(n, task)");
    return Executor<E>;
}

}  // namespace detail

/// Everything on the calling thread.
struct serial {
    [[nodiscard]] serial team() const noexcept { return {}; }

    template <class Task>
    void run(std::size_t n, Task&& task) const {
        for (std::size_t k = 0; k < n; ++k) task(k);
    }
};

/// A team of threads that waits between calls of run.
class thread_team {
public:
    /// Throws spinet::error where the system refuses a thread.
    explicit thread_team(std::size_t members) {
        try {
            for (std::size_t k = 1; k < members; ++k) helpers_.emplace_back([this] { help(); });
        } catch (std::exception const& reason) {
            close();
            throw error("threads: the system gives ", helpers_.size() + 1, " threads, not ", members, " (",
                        reason.what(), "); threads{n} takes n of them");
        }
    }
    ~thread_team() { close(); }
    thread_team(thread_team const&) = delete;
    thread_team& operator=(thread_team const&) = delete;

    template <class Task>
    void run(std::size_t n, Task&& task) {
        using task_type = std::remove_reference_t<Task>;
        {
            std::lock_guard const lock(mutex_);
            task_ = const_cast<void*>(static_cast<void const*>(std::addressof(task)));
            call_ = [](void* of, std::size_t k) { (*static_cast<task_type*>(of))(k); };
            next_ = 0;
            count_ = n;
            busy_ = helpers_.size();
            failed_at_ = std::numeric_limits<std::size_t>::max();
            failure_ = nullptr;
            ++round_;
        }
        wake_.notify_all();
        work();
        std::unique_lock lock(mutex_);
        done_.wait(lock, [this] { return busy_ == 0; });
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    }

private:
    void close() noexcept {
        {
            std::lock_guard const lock(mutex_);
            closing_ = true;
        }
        wake_.notify_all();
        for (auto& helper : helpers_) helper.join();
    }

    void help() {
        if (detail::openblas_is_openmp()) detail::openmp_set_threads(1);
        std::size_t seen = 0;
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return closing_ || round_ != seen; });
                if (closing_) return;
                seen = round_;
            }
            work();
            {
                std::lock_guard const lock(mutex_);
                --busy_;
            }
            done_.notify_one();
        }
    }

    void work() {
        for (std::size_t k = next_++; k < count_; k = next_++) {
            try {
                call_(task_, k);
            } catch (...) {
                std::lock_guard const lock(mutex_);
                if (k < failed_at_) {
                    failed_at_ = k;
                    failure_ = std::current_exception();
                }
            }
        }
    }

    std::vector<std::thread> helpers_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    void* task_ = nullptr;
    void (*call_)(void*, std::size_t) = nullptr;
    std::atomic<std::size_t> next_{0};
    std::size_t count_ = 0;
    std::size_t busy_ = 0;
    std::size_t round_ = 0;
    std::size_t failed_at_ = 0;
    std::exception_ptr failure_;
    bool closing_ = false;
};

/// Tiles on `count` threads, the calling one included. `threads{}` takes as many as the machine has.
class threads {
public:
    threads() : count_(std::thread::hardware_concurrency() > 0 ? std::thread::hardware_concurrency() : 1) {}
    explicit threads(std::size_t count) : count_(count) {
        if (count == 0 || count > 4096)
            throw error("threads: ", count, " is not a number of threads between 1 and 4096");
    }

    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] thread_team team() const { return thread_team(count_); }

private:
    std::size_t count_;
};

}  // namespace spinet
