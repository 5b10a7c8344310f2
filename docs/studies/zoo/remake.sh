#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The zoo from nothing to its report, on a fresh Debian 12 as well: remake.sh small|full [DIRECTORY].
# Stop it at will, by force too: the same command goes on from there. DIRECTORY/tables and DIRECTORY/figures are what
# docs/studies/descriptor.md is made of.
set -eu

form=${1:-small}
case $form in small | full) ;; *)
    printf 'remake.sh: expected small or full, not %s\n' "$form" >&2
    exit 2
    ;;
esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../../.." && pwd)
build=$top/build/zoo
zoo=${2:-$top/build/zoo-$form}
jobs=$(nproc 2>/dev/null || echo 2)
. "$top/cmake/packages.sh"

install_packages g++ cmake ninja-build libxtensor-dev libxtensor-blas-dev libopenblas-dev nlohmann-json3-dev zlib1g-dev \
    libcli11-dev python3-torch python3-sklearn python3-pandas python3-scipy python3-matplotlib dataset-fashion-mnist npm
use_ninja
python() { # SCRIPT ARGUMENT...
    script=$1
    shift
    /usr/bin/python3 -B "$here/$script" "$@"
}
started=$(date +%s)
stage() { say "$1 ($(($(date +%s) - started)) s)"; }

stage "building"
cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release -DSPINET_BUILD_TESTS=OFF -DSPINET_BUILD_EXAMPLES=ON \
    -DSPINET_BUILD_BENCHMARKS=OFF
cmake --build "$build" --target descriptors ensembles
descriptors=$build/studies/descriptors
choose_blas_kernels "$descriptors"

stage "training"
python train.py --form "$form" --output "$zoo" --workers "$jobs"

sampled() { # OPTION...
    status=0
    "$descriptors" "$zoo/manifest.csv" --output "$zoo/descriptors" --jobs "$jobs" --replicas 8 "$@" || status=$?
    if [ "$status" -gt 1 ]; then exit "$status"; fi # 1: a network was refused; it is counted as not measured
}
# What is not in equilibrium at T_ord / 2 gets four times as many sweeps: that is the cap.
networks() { # WARMUP SWEEPS
    sampled --variants trained --warmup "$1" --sweeps "$2"
    sampled --variants trained --warmup $((4 * $1)) --sweeps $((4 * $2)) --again --coldest 0.3 --work 5e12
}
# Null models and mappings: as far as T_ord / 2 only.
others() { # WARMUP SWEEPS TOLERANCE VARIANTS MATCH
    sampled --variants "$4" --match "$5" --coldest 0.5 --tolerance "$3" --warmup "$1" --sweeps "$2"
    sampled --variants "$4" --match "$5" --coldest 0.5 --tolerance "$3" --warmup $((4 * $1)) --sweeps $((4 * $2)) --again
}
stage "descriptors"
if [ "$form" = full ]; then
    mappings=redrawn,centred,centred_shuffled,rescaled,balanced
    networks 1500 6000
    others 1000 4000 0.02 shuffled .
    others 500 2000 0.03 "$mappings,no_biases,no_inputs,no_outputs,unit_layers" \
        '^(training-fashion|noise-fashion|robust|recipe)'
    others 500 2000 0.03 "$mappings" '^(backdoor|noise-digits|training-digits|width|depth|images)'
else
    networks 750 3000
    others 500 2000 0.03 shuffled .
    others 500 2000 0.03 rescaled,balanced '^(training-fashion|noise-fashion|robust)'
fi

stage "baselines"
python baselines.py --zoo "$zoo" --form "$form" --workers "$jobs"
python features.py --zoo "$zoo"

if [ "$form" = full ]; then
    stage "cost"
    python cost.py --zoo "$zoo" --program "$descriptors" --jobs "$jobs"
    stage "ensembles"
    python match.py --zoo "$zoo" --output "$zoo/ensembles"
    "$build/studies/ensembles" "$zoo/ensembles/members.csv" --output "$zoo/ensembles/overlaps.csv"
    python overlaps.py --overlaps "$zoo/ensembles/overlaps.csv" --output "$zoo/ensembles.csv"
fi

stage "answers"
mkdir -p "$zoo/tables"
for table in manifest baselines features variants curves cost ensembles; do
    if [ -e "$zoo/$table.csv" ]; then cp "$zoo/$table.csv" "$zoo/tables/"; fi
done
python answers.py --tables "$zoo/tables" --output "$zoo/tables"
python figures.py --tables "$zoo/tables" --output "$zoo/figures"
stage "done"
printf '%s\n' "$zoo/tables/answers.md" "$zoo"/figures/*.png
