#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The progress bar: on a terminal, and there only. Needs script(1) of util-linux; status 77 (skipped) without.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

if ! script --version 2>/dev/null | grep -q util-linux; then
    printf 'skipped: no script(1) of util-linux\n'
    exit 77
fi
small_network >small.safetensors
plan='small.safetensors --temperatures 1:9:5 --replicas 4 --warmup 100 --sweeps 20000 --threads 1'
timeout 60 script -qec "'$program' $plan --output terminal.csv" /dev/null </dev/null >"$log/screen" 2>&1
check "exit status on a terminal" [ $? -eq 0 ]
check "no bar on a terminal" grep -q 'small  \[#*\.*\] .*measuring' "$log/screen"
check "the bar is not complete" grep -q '\[##############################\] 100 %' "$log/screen"
succeeds $plan --output pipe.csv
check "the terminal changes the numbers" same terminal.csv pipe.csv
finish
