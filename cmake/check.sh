#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# All checks, on a fresh Debian 12 as well. Builds everything with g++, then with clang++, where the fast tests run
# under the address and undefined-behaviour sanitizers; warnings are errors. Last, all tests: ctest's summary.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$here/build/check
jobs=$(nproc 2>/dev/null || echo 2)
. "$here/cmake/packages.sh"

install_packages g++ clang libclang-rt-dev libc++-dev libc++abi-dev cmake ninja-build libxtensor-dev libxtensor-blas-dev libopenblas-dev libopenblas0-openmp libopenblas64-dev nlohmann-json3-dev \
    zlib1g-dev libzip-dev libhdf5-dev libonnx-dev libprotobuf-dev catch2 libcli11-dev libbenchmark-dev gnuplot-nox \
    python3-torch python3-sklearn python3-pandas python3-scipy python3-matplotlib
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

# Each header by itself is clang++'s work, where there is one. -O2 compiles in four fifths of the time of -O3.
release() {
    each_header=ON
    if command -v clang++ >/dev/null 2>&1; then each_header=OFF; fi
    configure release -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release '-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG' \
        "-DSPINET_TEST_EACH_HEADER=$each_header" && compile release all
}
# Compiled by clang++ without optimisation, which takes a quarter of the time of g++ -O1; for any machine, where the
# other stages compile for this one and its vectors; and with xtensor's other default layout, which must change
# nothing.
sanitizers() {
    configure sanitizers "-DCMAKE_CXX_COMPILER=$1" -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1 -DXTENSOR_DEFAULT_LAYOUT=layout_type::column_major' \
        '-DSPINET_SANITIZE=address;undefined' -DSPINET_NATIVE=OFF &&
        compile sanitizers spinet_rooms && run_tests sanitizers --label-regex 'room|fuzz'
}
# Everything that the sanitizers stage does not compile.
syntax() {
    configure syntax -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release -DSPINET_SYNTAX_ONLY=ON \
        -DSPINET_TEST_EACH_HEADER=ON -DSPINET_BUILD_BENCHMARKS=ON && compile syntax all && run_tests syntax --label-regex compile_fail
}

stage "g++: build everything" release
choose_blas_kernels "$build/release/tests/spinet_test_sample"
rest=
if command -v clang++ >/dev/null 2>&1; then
    rest="--label-exclude compile_fail"  # done by clang++
    stage "clang++: the fast tests under address and undefined-behaviour sanitizers" sanitizers clang++
    stage "clang++: all headers, the other programs and the misuse that must not compile" syntax
else
    stage "g++: the fast tests under address and undefined-behaviour sanitizers (no clang++ here)" sanitizers g++
fi
# shellcheck disable=SC2086 # two words, or none
stage "g++: all tests" run_tests release $rest

if [ -n "$failed" ]; then
    printf 'check.sh: failed:%s\n' "$failed" >&2
    exit 1
fi
