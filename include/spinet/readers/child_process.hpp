// SPDX-License-Identifier: BSD-3-Clause
/// Runs a function in a process of its own, which may die or hang, and returns the bytes that it gives.
#pragma once

#include <spinet/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#if __has_include(<unistd.h>) && __has_include(<sys/wait.h>) && __has_include(<poll.h>) && \
    __has_include(<sys/resource.h>)
#define SPINET_HAS_CHILD_PROCESS 1
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#else
#define SPINET_HAS_CHILD_PROCESS 0
#endif

namespace spinet::detail {

#if SPINET_HAS_CHILD_PROCESS

/// A pipe; what is open when it goes away is closed.
class pipe_ends {
public:
    pipe_ends() {
        if (::pipe(ends_) != 0) throw error("no pipe: ", std::strerror(errno));
        for (int const end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    pipe_ends(pipe_ends const&) = delete;
    pipe_ends& operator=(pipe_ends const&) = delete;
    ~pipe_ends() {
        close(0);
        close(1);
    }
    void close(int which) {
        if (ends_[which] >= 0) ::close(ends_[which]);
        ends_[which] = -1;
    }
    /// Of the reading end. False where the writer has closed its end or time is up.
    [[nodiscard]] bool read(std::byte* to, std::size_t size, std::chrono::steady_clock::time_point until) {
        while (size > 0) {
            auto const left =
                std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            pollfd waiting{ends_[0], POLLIN, 0};
            auto const ready =
                ::poll(&waiting, 1, static_cast<int>(std::min<long long>(left.count(), 1'000'000)));
            if (ready < 0 && errno != EINTR) return false;
            if (ready <= 0) continue;
            auto const got = ::read(ends_[0], to, size);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return false;
            to += got;
            size -= static_cast<std::size_t>(got);
        }
        return true;
    }
    void write(void const* from, std::size_t size) const {
        for (auto const* at = static_cast<char const*>(from); size > 0;) {
            auto const done = ::write(ends_[1], at, size);
            if (done < 0 && errno == EINTR) continue;
            if (done <= 0) return;
            at += done;
            size -= static_cast<std::size_t>(done);
        }
    }

private:
    int ends_[2] = {-1, -1};
};

/// Ends and forgets the process, whatever it does.
class child_end {
public:
    explicit child_end(pid_t id) : id_(id) {}
    child_end(child_end const&) = delete;
    child_end& operator=(child_end const&) = delete;
    ~child_end() {
        ::kill(id_, SIGKILL);
        while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

private:
    pid_t id_;
};

/// This process may take so many bytes more than it has, where the system says how many it has (Linux), and
/// leaves no image of itself where it dies.
inline void limit_memory(std::uint64_t more) {
    rlimit const nothing{0, 0};
    ::setrlimit(RLIMIT_CORE, &nothing);
    std::uint64_t pages = 0;
    rlimit now{};
    if (!(std::ifstream("/proc/self/statm") >> pages) || ::getrlimit(RLIMIT_AS, &now) != 0) return;
    auto const most = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + more;
    if (most >= now.rlim_cur) return;
    now.rlim_cur = static_cast<rlim_t>(most);
    ::setrlimit(RLIMIT_AS, &now);
}

/// The bytes that `work()` returns, a std::vector<std::byte> of at most `most` bytes, in a copy of this
/// process. Throws `error` where that process dies, says more, needs more than twice as much memory and 256
/// MiB, or takes longer than `limit`. `work` must not
/// throw, and must need no lock that another thread of the program may hold, but that for memory.
template <class Work>
[[nodiscard]] std::vector<std::byte> in_child_process(std::uint64_t most, std::chrono::milliseconds limit,
                                                      Work work) {
    constexpr std::size_t piece = std::size_t{1} << 20;
    pipe_ends pipe;
    auto const until = std::chrono::steady_clock::now() + limit;
    auto const id = ::fork();
    if (id < 0) throw error("no process to read it in: ", std::strerror(errno));
    if (id == 0) {  // the copy: it leaves by _exit, so that nothing of the program runs twice
        for (int const signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE})
            ::signal(signal, SIG_DFL);
        // what a dying library says of its memory is no message for a user
        if (int const nowhere = ::open("/dev/null", O_WRONLY); nowhere >= 0) ::dup2(nowhere, 2);
        pipe.close(0);
        limit_memory(2 * most + (std::uint64_t{256} << 20));
        std::vector<std::byte> const result = work();
        std::uint64_t const size = result.size();
        pipe.write(&size, sizeof size);
        pipe.write(result.data(), result.size());
        ::_exit(0);
    }
    child_end const end(id);
    pipe.close(1);
    std::uint64_t size = 0;
    std::vector<std::byte> result;
    bool said = pipe.read(reinterpret_cast<std::byte*>(&size), sizeof size, until);
    if (said && size > most) throw error("the process that reads it says more than it can");
    while (said && result.size() < size) {  // memory as the bytes come, not as announced
        auto const begin = result.size();
        result.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, begin + piece)));
        said = pipe.read(result.data() + begin, result.size() - begin, until);
    }
    if (said) return result;
    throw error(std::chrono::steady_clock::now() >= until
                    ? "the process that reads it was stopped after " + std::to_string(limit.count() / 1000) +
                          " s without an end"
                    : "the process that reads it has died");
}

#endif

}  // namespace spinet::detail
