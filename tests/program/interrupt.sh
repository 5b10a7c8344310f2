#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Ctrl-C (SIGINT) and SIGTERM: what was measured is written, exit status 130, and the checkpoint goes on from there.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

small_network >small.safetensors
plan='small.safetensors --temperatures 1:9:5 --replicas 4 --warmup 100 --threads 1'
sweeps=$(sweeps_for 2.5 $plan)
plan="$plan --sweeps $sweeps"
printf '%s\n' "$plan"
"$program" $plan --output whole.csv >"$log/whole" 2>&1 &
whole=$!

# interrupted SIGNAL SECONDS: later, if that was before the first measurement.
interrupted() {
    rm -f $1.*
    "$program" $plan --checkpoint $1.ck --output $1.csv >"$log/out" 2>"$log/err" &
    victim=$!
    sleep "$2"
    kill -"$1" "$victim" 2>/dev/null
    wait "$victim"
    status=$?
    [ "$2" -lt 30 ] && [ ! -e $1.csv ] && interrupted "$1" $((2 * $2))
}
for signal in INT TERM; do
    interrupted $signal 1
    check "SIG$signal: exit status $status, not 130" [ "$status" -eq 130 ]
    check "SIG$signal: standard error: $(cat "$log/err")" grep -q '^small: stopped early, after [0-9]* sweeps$' "$log/err"
    check "SIG$signal: more than one line on standard error" [ "$(lines_of "$log/err")" -eq 1 ]
    check "SIG$signal: partial files" [ -z "$(find . -name '*.part')" ]
    well_formed $signal.csv 5 || fail "SIG$signal: the partial table is not well formed"
    cp $signal.csv $signal.partial.csv
done
wait "$whole"
check "the uninterrupted run failed: $(cat "$log/whole")" [ $? -eq 0 ]
for signal in INT TERM; do
    check "SIG$signal: the partial table is the whole one: it came too late" sh -c "! cmp -s whole.csv $signal.partial.csv"
    succeeds $plan --checkpoint $signal.ck --output $signal.csv
    check "SIG$signal: the resumed table differs" same whole.csv $signal.csv
    check "SIG$signal: the resumed layers differ" same whole.layers.csv $signal.layers.csv
done

# Before the first measurement (while annealing, if the moment is right): nothing to write, and nothing wrong to go on
# from.
plan="$repository/docs/networks/fashion_784-128-64-10_trained.safetensors --temperatures 1:9:5 --replicas 4 --warmup 100 --sweeps 200 --threads 2"
succeeds $plan --output whole.csv
for after in 0.4 0.2 0.1 0.05 0.02; do
    rm -f early.*
    "$program" $plan --checkpoint early.ck --output early.csv >"$log/out" 2>"$log/err" &
    victim=$!
    sleep "$after"
    kill -INT "$victim" 2>/dev/null
    wait "$victim"
    status=$?
    printf 'early, after %s s: status %s, %s\n' "$after" "$status" "$(cat "$log/err")"
    [ "$status" -eq 0 ] || break
done
check "early: exit status $status, not 130" [ "$status" -eq 130 ]
[ ! -e early.csv ] || well_formed early.csv 5 || fail "early: the partial table is not well formed"
succeeds $plan --checkpoint early.ck --output early.csv
check "early: the resumed table differs" same whole.csv early.csv

# Of two networks the first is complete: its rows are written.
tiny_network >tiny.safetensors
plan="tiny.safetensors small.safetensors --temperatures 1:9:5 --replicas 4 --warmup 100 --sweeps $((3 * sweeps)) --threads 1"
"$program" $plan --checkpoint two.ck --output two.csv >"$log/out" 2>"$log/err" &
victim=$!
n=0
while ! grep -aqs small two.ck && [ $n -lt 1200 ] && kill -0 "$victim" 2>/dev/null; do
    sleep 0.1
    n=$((n + 1))
done
kill -INT "$victim" 2>/dev/null
wait "$victim"
check "two networks: exit status, not 130" [ $? -eq 130 ]
check "two networks: the first is not in the table" [ "$(grep -c '^tiny,' two.csv)" -eq 5 ]
finish
