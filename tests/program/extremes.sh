#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Extreme networks and temperatures: known numbers, not nan.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

one() { f32 "$1" | with_header "{$(tensor a.weight 1,1 0 4)}"; }
one 3f800000 >one.safetensors
one 7149f2ca >huge.safetensors
one 00000000 >zero.safetensors
tiny_network >tiny.safetensors

# near COLUMN ROW VALUE TOLERANCE [TABLE]
near() {
    awk -F, -v column="$1" -v row="$2" -v value="$3" -v tolerance="$4" \
        'NR == row + 1 { away = $column - value; if (away < 0) away = -away; wrong = away > tolerance; if (wrong) print }
         END { exit wrong || NR <= row }' "${5:-curve.csv}"
}
# Two spins at coupling 1: q is 1 or -1 (both flip or none) or 0, and <|q|> = (1 + tanh^2(1/T)) / 2. Of 28 pairs of 8
# replicas, 4000 measurements give an error of 0.4 / sqrt(8 x 4000 / 2) = 0.0032 at most: 0.02 is six of them.
plan='--replicas 8 --warmup 50 --sweeps 40000 --threads 1'
succeeds one.safetensors $plan --temperatures 1:4:3
well_formed curve.csv 3 || fail "one neuron"
check "one neuron, T = 1" near 3 1 0.790013 0.02
check "one neuron, T = 2" near 3 2 0.606776 0.02
check "one neuron, T = 4" near 3 3 0.529992 0.02
# One temperature alone, in either way of writing it.
for one in 2 2:2:1; do
    succeeds one.safetensors $plan --temperatures $one --output single.csv
    well_formed single.csv 1 || fail "one temperature: $one"
    check "one neuron at T = 2 alone" near 3 1 0.606776 0.02 single.csv
done
succeeds huge.safetensors $plan --temperatures 1:4:3
well_formed curve.csv 3 || fail "a weight of 1e30"
check "a weight of 1e30 at T = 1" near 3 1 1 0
succeeds huge.safetensors $plan --temperatures 1e30:4e30:3
check "a weight of 1e30 at T = 1e30" near 3 1 0.790013 0.02
check "a weight of 1e30 at T = 4e30" near 3 3 0.529992 0.02
succeeds zero.safetensors $plan --temperatures 1:4:3
well_formed curve.csv 3 || fail "zero weights"
for row in 1 2 3; do check "zero weights, row $row" near 3 $row 0.5 0.02; done
succeeds zero.safetensors $plan --temperatures 1e-30:1:3
for row in 1 2 3; do check "zero weights at temperatures down to 1e-30, row $row" near 3 $row 0.5 0.02; done
succeeds tiny.safetensors $plan --temperatures 1e-30:1:5
well_formed curve.csv 5 || fail "T = 1e-30"
check "tiny network at T = 1e-30" near 3 1 1 0
succeeds tiny.safetensors $plan --temperatures 1:1e300:5
well_formed curve.csv 5 || fail "T = 1e300"
# Six free spins: <|q|> = sum over k of binomial(6, k) / 64 |6 - 2 k| / 6 = 0.3125.
check "tiny network at T = 1e300" near 3 5 0.3125 0.02
finish
