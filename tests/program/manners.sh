#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What a program owes to a terminal: it ends within a second when it is asked to, standard output is a table if that is
# asked for, links stay, names are printed whole and without control characters, and what means nothing is not printed.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

inputs=$repository/tests/data/inputs
tiny_network >tiny.safetensors
plan='--replicas 4 --warmup 10 --sweeps 100 --threads 1 --temperatures 1:4:3'

# --- Ctrl-C and SIGTERM before there is anything to keep ---
# 4000-4000 of real weights: it takes seconds to describe, and longer to space its temperatures.
weights=$repository/docs/networks/fashion_784-128-64-10_trained.safetensors
tail -c 400000 "$weights" >piece
k=0
while [ $k -lt 160 ]; do
    cat piece
    k=$((k + 1))
done | with_header "{$(tensor 0.weight 4000,4000 0 64000000)}" >large.safetensors
rm piece

# stopped SIGNAL SECONDS WHAT ARGUMENT...: the signal is sent so long after the start.
stopped() {
    signal=$1 after=$2 doing=$3
    shift 3
    "$program" "$@" >"$log/out" 2>"$log/err" </dev/null &
    victim=$!
    sleep "$after"
    begin=$(date +%s%N)
    kill -"$signal" "$victim" 2>/dev/null || fail "$doing: it ended within $after s: nothing is tested"
    wait "$victim"
    status=$?
    took=$((($(date +%s%N) - begin) / 1000000))
    check "$doing, SIG$signal after $after s: exit status $status, not 130" [ "$status" -eq 130 ]
    check "$doing, SIG$signal after $after s: it went on for $took ms" [ "$took" -lt 1000 ]
    check "$doing: standard error: $(cat "$log/err")" grep -q 'stopped$' "$log/err"
    check "$doing: partial files" [ -z "$(find . -name '*.part')" ]
}
for after in 0.2 1; do
    for signal in INT TERM; do
        stopped $signal $after '--describe' large.safetensors --describe
        stopped $signal $after 'a run' large.safetensors --replicas 4 --warmup 10 --sweeps 20 --output never.csv
    done
done
check "a table of nothing" [ ! -e never.csv ]

# While the temperatures of the second network are spaced, the first is complete: its rows are written.
"$program" tiny.safetensors large.safetensors --checkpoint two.ck --replicas 4 --warmup 10 --sweeps 200 --threads 1 --output two.csv >"$log/out" 2>"$log/err" &
victim=$!
n=0
while ! grep -q '^large: spacing' "$log/err" && [ $n -lt 3000 ] && kill -0 "$victim" 2>/dev/null; do
    sleep 0.1
    n=$((n + 1))
done
sleep 0.3
begin=$(date +%s%N)
kill -INT "$victim" 2>/dev/null
wait "$victim"
status=$?
took=$((($(date +%s%N) - begin) / 1000000))
check "spacing: exit status $status, not 130" [ "$status" -eq 130 ]
check "spacing: it went on for $took ms" [ "$took" -lt 1000 ]
check "spacing: $(cat "$log/err")" grep -q '^large: spacing the temperatures: stopped$' "$log/err"
check "the rows of the first network are lost" [ "$(grep -c '^tiny,' two.csv)" -ge 16 ]

# Progress, on a terminal and there only.
if script --version 2>/dev/null | grep -q util-linux; then
    timeout -s INT 4 script -qec "'$program' large.safetensors --describe" /dev/null </dev/null >"$log/screen" 2>&1
    check "no progress on a terminal: $(cat "$log/screen")" grep -qE 'large: [a-z ]*, [0-9]+ s' "$log/screen"
fi
rm large.safetensors

# --- standard output as a table ---
succeeds tiny.safetensors $plan --output file.csv
timeout 60 "$program" tiny.safetensors $plan --output - >"$log/out" 2>"$log/err" </dev/null
check "--output -: exit status" [ $? -eq 0 ]
check "--output -: not the table alone" same file.csv "$log/out"
check "--output -: what is for people is lost" grep -q 'temperature  *mean |q|' "$log/err"
check "--output -: a file of that name" [ ! -e ./- ]
if [ -e /dev/full ]; then
    "$program" tiny.safetensors $plan --output - >/dev/full 2>"$log/err"
    check "a full standard output: exit status" [ $? -eq 2 ]
    check "a full standard output: $(cat "$log/err")" grep -q '^characterize: standard output cannot be written' "$log/err"
fi

# --- links ---
mkdir sub
: >sub/target.csv
ln -s sub/target.csv link.csv
ln -s sub/not_yet.csv link.layers.csv
succeeds tiny.safetensors $plan --output link.csv
check "the link was replaced" [ -h link.csv ]
check "what the link leads to was not written" same file.csv sub/target.csv
check "the link to what is not yet there was replaced" [ -h link.layers.csv ]
check "what it leads to was not written" same file.layers.csv sub/not_yet.csv

# --- names ---
run_names() { succeeds "$inputs/control_names.safetensors" "$@"; }
run_names --describe
check "control characters in --describe" sh -c '! tr -d "\\n" <"$1" | grep -q "[[:cntrl:]]"' sh "$log/out"
check "a name is not escaped" grep -qF 'a\x1b[31m\x0a,"b.0 - a\x1b[31m\x0a,"b.2' "$log/out"
run_names --replicas 8 --warmup 10 --sweeps 100 --threads 1 --temperatures 1:4:3 --output names.csv
check "control characters in the tables" sh -c '! cat "$1" names.csv names.layers.csv | tr -d "\\n" | grep -q "[[:cntrl:]]"' sh "$log/out"
long=a_long_name_that_begins_as_its_twin_does_and_goes_on_for_more_than_fifty_characters
f32 3f800000 bf000000 3f000000 be800000 3f400000 bf800000 3dcccccd be4ccccd 3f800000 |
    with_header "{$(tensor $long.0.weight 3,2 0 24),$(tensor $long.1.weight 1,3 24 36)}" >twins.safetensors
succeeds twins.safetensors --describe
for number in 0 1; do
    check "the name of layer $number is cut: $(cat "$log/out")" [ "$(grep -c "^  $long\.$number  " "$log/out")" -eq 2 ]
done
check "the names of couplings are cut" grep -q "^  $long\.0 - $long\.1  " "$log/out"

# --- numbers that would mean nothing ---
succeeds "$inputs/one_zero_layer.safetensors" --describe
check "T_ord of a network in pieces" grep -q 'T_ord and T_formula are not given: .*no couplings lead from its input' "$log/out"
check "T_ord of a network in pieces has a number" sh -c '! grep -qE "T_(ord|formula) +[0-9]" "$1"' sh "$log/out"
for dead in all_zero zero_weights_bias_only; do
    succeeds "$inputs/$dead.safetensors" --describe
    check "$dead: temperatures" grep -q 'all couplings are 0: no temperature is singled out' "$log/out"
    check "$dead: a number" sh -c '! grep -qE "(T_ord|T_formula|lambda_max) +[0-9]" "$1"' sh "$log/out"
done
succeeds "$inputs/disconnected.safetensors" --describe
for layer in input 4; do
    check "a spin of $layer that is coupled to nothing is not named" grep -q "note: 1 spin of $layer is coupled to nothing" "$log/out"
done
succeeds "$inputs/one_weight.safetensors" --describe
check "T_formula of equal weights" grep -q 'T_formula is not given' "$log/out"
succeeds "$inputs/ok.safetensors" --describe
check "a sound network's temperatures" [ "$(grep -cE '^  (T_ord|T_formula|lambda_max) +[0-9]' "$log/out")" -eq 3 ]
check "notes of a sound network" sh -c '! grep -q note: "$1"' sh "$log/out"

# --- from how many replicas there is a verdict, as --help says ---
few=$("$program" --help | tr '\n' ' ' | sed -n 's/.*replicas, at least 4; from \([0-9]*\) on.*/\1/p')
check "--help does not say it" [ -n "$few" ]
for replicas in $((few - 1)) "$few"; do
    succeeds tiny.safetensors --replicas "$replicas" --warmup 10 --sweeps 200 --threads 1 --temperatures 1:4:3 --output few.csv
    cp "$log/out" "$log/few.$replicas"
done
check "$((few - 1)) replicas give a verdict" grep -q "fewer than $few replicas" "$log/few.$((few - 1))"
check "$few replicas give none" sh -c '! grep -q "fewer than" "$1"' sh "$log/few.$few"
finish
