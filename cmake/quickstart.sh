#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh Debian 12 to a first curve: installs packages, builds one program, characterises one network.
# Further arguments go to that program, e.g.: sh cmake/quickstart.sh --replicas 8 --seed 2
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$here/build/quickstart
networks=$here/docs/networks
. "$here/cmake/packages.sh"

install_packages g++ cmake ninja-build libxtensor-dev libxtensor-blas-dev libopenblas-dev nlohmann-json3-dev zlib1g-dev \
    libzip-dev libhdf5-dev libonnx-dev libprotobuf-dev \
    libcli11-dev gnuplot-nox
use_ninja

say "building $build/examples/characterize"
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release \
    -DSPINET_BUILD_TESTS=OFF -DSPINET_BUILD_EXAMPLES=ON -DSPINET_BUILD_BENCHMARKS=OFF
cmake --build "$build" --target characterize

say "a trained network, the same network before training, and a null model with its weights shuffled"
"$build/examples/characterize" \
    "$networks/fashion_784-128-64-10_trained.safetensors" \
    "$networks/fashion_784-128-64-10_initial.safetensors" \
    --null shuffled --sweeps 16000 --output "$build/curve.csv" --plot "$build/curve.png" "$@"

say "done"
for file in "$build/curve.csv" "$build/curve.png"; do
    if [ -e "$file" ]; then printf '%s\n' "$file"; fi
done
