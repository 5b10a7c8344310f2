# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the tests of the programs `characterize` and `landscape`: sh TEST.sh PROGRAM DIRECTORY REPOSITORY [...].
# Every test works in a directory of its own, reports all that is wrong, and fails at the end (`finish`).
set -u
unset CDPATH
LC_ALL=C
export LC_ALL

program=$1
work=$2
repository=$3
case $program in /*) ;; *) program=$PWD/$program ;; esac
fixture=$repository/tests/data/fashion_784-16-10_trained.safetensors
rm -rf "$work"
mkdir -p "$work/log" "$work/files" && cd "$work/log" || exit 1
log=$PWD
cd ../files || exit 1
here=$repository/tests/program
failures=0
checks=0

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}

# check WHAT COMMAND...: the command has to succeed.
check() {
    what=$1
    shift
    checks=$((checks + 1))
    "$@" || fail "$what"
}

finish() {
    printf '%d checks, %d failed\n' "$checks" "$failures"
    [ "$failures" -eq 0 ] || exit 1
    cd / && rm -rf "${log%/log}"
    exit 0
}

# --- networks made here -------------------------------------------------------------------------------------

# octal N: one byte. le64 N: eight, the least significant first (N below 2^63).
octal() { printf "\\$(printf '%03o' "$1")"; }
le64() {
    rest=$1
    for _ in 1 2 3 4 5 6 7 8; do
        octal $((rest & 255))
        rest=$((rest >> 8))
    done
}

# f32 HEX...: numbers by their bits, e.g. 3f800000 for 1.
f32() {
    for bits in "$@"; do
        octal $((0x$bits & 255))
        octal $((0x$bits >> 8 & 255))
        octal $((0x$bits >> 16 & 255))
        octal $((0x$bits >> 24 & 255))
    done
}

# with_header JSON: a safetensors file whose data is standard input.
with_header() {
    le64 ${#1}
    printf '%s' "$1"
    cat
}

# tensor NAME SHAPE FIRST END [DTYPE]: its entry in the header.
tensor() { printf '"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%s,%s]}' "$1" "${5:-F32}" "$2" "$3" "$4"; }

# small_network: 40-16-10 with real weights, those at the start of the fixture.
small_network() {
    tail -c +585 "$fixture" | head -c 3304 |
        with_header "{$(tensor 0.weight 16,40 0 2560),$(tensor 0.bias 16 2560 2624),$(tensor 2.weight 10,16 2624 3264),$(tensor 2.bias 10 3264 3304)}"
}

# tiny_network: 3-2-1, biases on both layers.
tiny_network() {
    f32 3f800000 bf000000 3f000000 be800000 3f400000 bf800000 3dcccccd be4ccccd 3f800000 3f19999a 3e99999a |
        with_header "{$(tensor 0.weight 2,3 0 24),$(tensor 0.bias 2 24 32),$(tensor 2.weight 1,2 32 40),$(tensor 2.bias 1 40 44)}"
}

# --- what the program left behind ---------------------------------------------------------------------------

table_header=network,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,equilibrated
layers_header=network,layer,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,equilibrated

lines_of() { wc -l <"$1" | tr -d ' '; }

# same A B: bit for bit.
same() { cmp -s "$1" "$2" || { cmp "$1" "$2"; return 1; }; }

# well_formed TABLE ROWS: the exact header, then ROWS rows of plausible numbers. Names here hold no comma.
well_formed() {
    awk -F, -v rows="$2" -v header="$table_header" '
        function number(x) { return x ~ /^-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?$/ }
        function bad(why) { printf "%s, line %d: %s: %s\n", FILENAME, NR, why, $0; wrong = 1 }
        NR == 1 { if ($0 != header) bad("header"); next }
        NF != 8 { bad("fields"); next }
        { for (k = 2; k <= 7; ++k) if (!number($k)) bad("not a number: " $k) }
        $2 <= 0 || $3 < 0 || $3 > 1 || $4 < 0 || $5 < 0 || $5 > $3 + 1e-6 || $7 < 0 { bad("out of range") }
        $8 != "0" && $8 != "1" { bad("verdict") }
        $1 == name && $2 <= above { bad("temperatures do not rise") }
        { name = $1; above = $2 }
        END { if (NR != rows + 1) { printf "%s: %d rows, expected %d\n", FILENAME, NR - 1, rows; wrong = 1 } exit wrong }
    ' "$1"
}

# refused PATTERN ARGUMENT...: exit status 2, one line on standard error, which the extended regular expression
# PATTERN matches, nothing on standard output, and no file that was not there before or is no longer what it was.
refused() {
    pattern=$1
    shift
    checks=$((checks + 1))
    files_here >"$log/before"
    timeout 120 "$program" "$@" >"$log/out" 2>"$log/err" </dev/null
    status=$?
    files_here >"$log/after"
    [ "$status" -eq 2 ] || fail "exit status $status, not 2: $*"
    [ "$(lines_of "$log/err")" -eq 1 ] || fail "$(lines_of "$log/err") lines on standard error, not 1: $*"
    head -n 1 "$log/err" | grep -q "^$(basename "$program"): " || fail "standard error does not begin with the program's name: $*"
    grep -Eq -- "$pattern" "$log/err" || fail "standard error does not match '$pattern' but is '$(cat "$log/err")': $*"
    [ ! -s "$log/out" ] || fail "something on standard output: $*"
    same "$log/before" "$log/after" || fail "files changed: $*"
}
files_here() { find . ! -type d -exec ls -ldi {} + | sort; find . -type d | sort; }

# succeeds ARGUMENT...: exit status 0 and silence on standard error.
succeeds() {
    checks=$((checks + 1))
    timeout 300 "$program" "$@" >"$log/out" 2>"$log/err" </dev/null
    status=$?
    [ "$status" -eq 0 ] || fail "exit status $status: $*: $(cat "$log/err")"
    [ ! -s "$log/err" ] || fail "standard error is not silent: $*: $(cat "$log/err")"
    [ -z "$(find . -name '*.part')" ] || fail "a partial file is left: $*: $(find . -name '*.part')"
}

# sweeps_for SECONDS ARGUMENT...: how many sweeps of this run take about so long on this machine, now.
sweeps_for() {
    seconds=$1
    shift
    begin=$(date +%s%N)
    "$program" "$@" --sweeps 1000 --output "$log/timed.csv" >/dev/null
    middle=$(date +%s%N)
    "$program" "$@" --sweeps 21000 --output "$log/timed.csv" >/dev/null
    end=$(date +%s%N)
    awk -v ns=$(((end - middle) - (middle - begin))) -v seconds="$seconds" 'BEGIN {
        each = ns / 20000; if (each < 1000) each = 1000
        n = int(seconds * 1e9 / each / 1000) * 1000; print (n < 20000 ? 20000 : n > 4000000 ? 4000000 : n) }'
}

# wait_for FILE: until it is there, a minute at most.
wait_for() {
    n=0
    while [ ! -e "$1" ] && [ $n -lt 600 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    [ -e "$1" ] || fail "$1 was not written within a minute"
}
