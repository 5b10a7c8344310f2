#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Are the results of two versions of spinet the same to the last bit?
#   sh tests/bitwise/compare.sh OLD [NEW]     two directories with a spinet each, or commits; NEW is this tree
# Both are compiled with the same flags, on this machine.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '3,5p' "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# tree NAME WHAT: puts the headers of a directory or commit under $work/NAME.
tree() {
    mkdir -p "$work/$1"
    if [ -d "$2/include/spinet" ]; then
        cp -r "$2/include" "$work/$1/"
    else
        git -C "$here" archive "$2" include | tar -x -C "$work/$1"
    fi
}
results() {
    ${CXX:-g++} -std=c++20 -O2 -march=native -I"$work/$1/include" "$here/tests/bitwise/results.cpp" \
        -o "$work/$1/results" -lopenblas -llapack -pthread
    "$work/$1/results" "$here/docs/networks/fashion_784-128-64-10_trained.safetensors" \
        "$here/tests/data/fashion_784-16-10_trained.safetensors" >"$work/$1.txt"
}
tree old "$1"
tree new "${2:-$here}"
results old
results new
cp "$work/old.txt" "${TMPDIR:-/tmp}/spinet-results-old.txt"
cp "$work/new.txt" "${TMPDIR:-/tmp}/spinet-results-new.txt"
if cmp "$work/old.txt" "$work/new.txt"; then
    printf 'the same: %s lines\n' "$(wc -l <"$work/new.txt")"
else
    diff "$work/old.txt" "$work/new.txt" | head -40
    exit 1
fi
