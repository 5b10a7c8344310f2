#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# All checks, on a fresh Debian 12 as well: builds with g++ and warnings as errors, checks with clang++, runs the
# fast tests under the address and undefined-behaviour sanitizers, then all tests. The last lines are ctest's.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$here/build/check
jobs=$(nproc 2>/dev/null || echo 2)
. "$here/cmake/packages.sh"

install_packages g++ clang cmake ninja-build libxtensor-dev libxtensor-blas-dev libopenblas-dev nlohmann-json3-dev \
    catch2 libcli11-dev libbenchmark-dev gnuplot-nox
use_ninja

failed=
started=$(date +%s)
# stage NAME COMMAND...: runs it, and remembers a failure rather than hiding the stages after it.
stage() {
    name=$1
    shift
    say "$name ($(($(date +%s) - started)) s)"
    "$@" || failed="$failed [$name]"
}
# configure DIRECTORY OPTION...
configure() {
    directory=$1
    shift
    cmake -S "$here" -B "$build/$directory" -DSPINET_BUILD_TESTS=ON -DSPINET_BUILD_EXAMPLES=ON \
        -DSPINET_WARNINGS_AS_ERRORS=ON "$@"
}
# compile DIRECTORY TARGET: goes on after an error, so that one run shows all of them.
compile() {
    keep_going=-k
    if [ -e "$build/$1/build.ninja" ]; then keep_going=-k0; fi
    cmake --build "$build/$1" --parallel "$jobs" --target "$2" -- "$keep_going"
}
run_tests() {
    directory=$1
    shift
    ctest --test-dir "$build/$directory" --parallel "$jobs" --output-on-failure --no-tests=error "$@"
}

release() {
    configure release -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release && compile release all
}
clang() {
    configure clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release -DSPINET_SYNTAX_ONLY=ON \
        -DSPINET_BUILD_BENCHMARKS=ON && compile clang all && run_tests clang --label-regex compile_fail
}
sanitizers() {
    configure sanitizers -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1' '-DSPINET_SANITIZE=address;undefined' &&
        compile sanitizers spinet_rooms && run_tests sanitizers --label-regex room
}

stage "g++: build everything, warnings are errors" release
if command -v clang++ >/dev/null 2>&1; then
    stage "clang++: check headers, tests, examples and benchmarks without generating code" clang
else
    say "no clang++ here: its check is left out"
fi
stage "address and undefined-behaviour sanitizers: the fast tests" sanitizers
stage "g++: all tests" run_tests release

if [ -n "$failed" ]; then
    printf 'check.sh: failed:%s\n' "$failed" >&2
    exit 1
fi
