#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A run killed (kill -9) at random moments, again and again, ends with the CSV of one never interrupted, bit for bit.
#
#     sh checkpoint.sh PROGRAM DIRECTORY REPOSITORY [KILLS [NETWORK SWEEPS [SECONDS]]]
#
# The long form, on a shipped network: sh checkpoint.sh build/examples/characterize /tmp/kills . 20 \
#     docs/networks/fashion_784-128-64-10_trained.safetensors 28000
#
# The first run is killed before it can have saved anything, the second when it has saved, the others after 0.5 to
# SECONDS (3.5) seconds: some before their first save (the program saves every 2 seconds), some after.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
kills=${4:-5}
given=${5:-}
sweeps=${6:-}
longest=${7:-3.5}
case $given in '' | /*) ;; *) given=$PWD/$given ;; esac
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

if [ -n "$given" ]; then cp "$given" net.safetensors; else small_network >net.safetensors; fi
plan="net.safetensors --temperatures 1:9:5 --replicas 4 --warmup 500 --seed 11"
plan="$plan --sweeps ${sweeps:-$(sweeps_for 9 $plan --threads 1)}"
printf '%s\n' "$plan"

# random_seconds LOW HIGH: sets `after`, to something else at each call.
seed=$(date +%N | sed 's/^0*//')
random_seconds() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    after=$(awk -v low="$1" -v high="$2" -v u="$seed" 'BEGIN { printf "%.3f\n", low + (high - low) * u / 2147483648 }')
}

began=$(date +%s)
"$program" $plan --threads 1 --output whole.csv >"$log/whole" 2>&1 &
whole=$!

hits=0
saves=0
before=none
k=0
while [ "$k" -lt "$kills" ]; do
    if [ "$k" -eq 0 ]; then random_seconds 0.05 1; else random_seconds 0.5 "$longest"; fi
    "$program" $plan --threads $((k % 2 + 1)) --checkpoint killed.checkpoint --output killed.csv >"$log/killed" 2>&1 &
    victim=$!
    if [ "$k" -eq 1 ]; then wait_for killed.checkpoint; fi
    sleep "$after"
    if kill -9 "$victim" 2>/dev/null; then hits=$((hits + 1)); fi
    wait "$victim" 2>/dev/null
    status=$?
    if [ "$status" -eq 0 ]; then
        printf 'run %d was complete before its kill after %s s\n' $((k + 1)) "$after"
    else
        check "run $((k + 1)) ended with status $status, not by the kill" [ "$status" -eq 137 ]
        check "run $((k + 1)) left a table" [ ! -e killed.csv ]
        now=$(cksum killed.checkpoint 2>/dev/null || echo none)
        [ "$now" = "$before" ] || saves=$((saves + 1))
        before=$now
        printf 'kill %d after %s s; checkpoint: %s\n' $((k + 1)) "$after" "$now"
    fi
    [ "$status" -ne 0 ] || break
    k=$((k + 1))
done
printf '%d kills hit, after %d of them there was a new checkpoint\n' "$hits" "$saves"
check "fewer than two kills hit, or no checkpoint was there to resume from" [ "$hits" -ge 2 -a "$saves" -ge 1 ]
succeeds $plan --threads 2 --checkpoint killed.checkpoint --output killed.csv
wait "$whole"
check "the uninterrupted run failed: $(cat "$log/whole")" [ $? -eq 0 ]
took=$(($(date +%s) - began))
check "the table of the killed run differs" same whole.csv killed.csv
check "the layers of the killed run differ" same whole.layers.csv killed.layers.csv
check "the table is not well formed" well_formed whole.csv 5
cp killed.checkpoint kept.checkpoint

# A complete checkpoint gives its table at once.
began=$(date +%s)
succeeds $plan --checkpoint killed.checkpoint --output again.csv
check "a complete checkpoint took as long as a run" [ $(($(date +%s) - began)) -le $((1 + took / 3)) ]
check "the table of a complete checkpoint differs" same whole.csv again.csv
check "a complete checkpoint was changed" same kept.checkpoint killed.checkpoint
finish
