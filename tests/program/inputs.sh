#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Small files of the kinds that people hold, each with its outcome: walks tests/data/inputs/table.txt.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

inputs=$repository/tests/data/inputs
"$program" --help >"$log/help"
# Formats that this program was built without are not tried.
built_for() {
    case $1 in
    *.onnx) grep -q 'ONNX,\|ONNX$' "$log/help" ;;
    *.h5 | *.keras) grep -q "Keras" "$log/help" ;;
    *.pt | *.zip) grep -q "PyTorch's state dicts" "$log/help" ;;
    esac
}

# tell MESSAGE: what is wrong with the present line.
tell() { printf '%s\n' "$*" >>"$log/wrong"; }

# run ARGUMENT...: sets `status`, and leaves $log/out and $log/err.
run() {
    timeout 120 "$program" "$@" >"$log/out" 2>"$log/err" </dev/null
    status=$?
}

# is_read FILE OPTIONS TABLE: described and run, exit status 0. Leaves the description in $log/described.
is_read() {
    run "$inputs/$1" --describe $2
    if [ "$status" -ne 0 ]; then
        tell "exit status $status: $(cat "$log/err")"
        return
    fi
    cp "$log/out" "$log/described"
    run "$inputs/$1" $2 --temperatures 0.5:4:3 --replicas 4 --warmup 10 --sweeps 50 --threads 1 --output "$3"
    [ "$status" -eq 0 ] || tell "no curve, exit status $status: $(cat "$log/err")"
    well_formed "$3" 3 >"$log/form" || tell "the curve is not well formed: $(cat "$log/form")"
}

# lists WEIGHTS NAME...: --describe has so many weights, and lists the operations of these names.
lists() {
    wanted=$1
    shift
    sed -n '/^operations/,/^$/p' "$log/described" | tail -n +2 | grep '^  ' >"$log/operations"
    found=$(awk '{ sum += $NF } END { print sum + 0 }' "$log/operations")
    [ "$wanted" = - ] || [ "$wanted" = "$found" ] || tell "$found weights, not $wanted"
    sed 's/^  //; s/  .*//' "$log/operations" >"$log/names"
    for name in "$@"; do grep -qxF -- "$name" "$log/names" || tell "--describe does not list '$name'"; done
    [ -z "$(sort "$log/names" | uniq -d)" ] || tell "two operations have one name"
    ! grep -q '[[:cntrl:]]' "$log/described" || tell "control characters on the screen"
}

is_refused() {
    if [ "$status" -ne 2 ] || [ "$(lines_of "$log/err")" -ne 1 ] || [ -s "$log/out" ]; then
        tell "not refused in one line: exit status $status: $(cat "$log/err")"
    fi
    grep -Eq -- "$1" "$log/err" || tell "the message does not match '$1' but is: $(cat "$log/err")"
}

# Reads standard input, where file names and regular expressions are not the shell's business.
set -f
pending=0
ready=
while IFS='|' read -r file owner options outcome detail; do
    file=$(echo $file) owner=$(echo $owner) options=$(echo $options) outcome=$(echo $outcome) detail=${detail# }
    case $file in '' | '#'*) continue ;; esac
    built_for "$file" || continue
    [ "$options" != - ] || options=
    : >"$log/wrong"
    rm -f line.csv other.csv
    case $outcome in
    read)
        is_read "$file" "$options" line.csv
        [ -s "$log/wrong" ] || lists $detail
        ;;
    same)
        is_read "$file" "$options" line.csv
        cp "$log/described" "$log/described.line" 2>/dev/null
        is_read "$detail" "$options" other.csv
        [ -s "$log/wrong" ] || for table in line other; do cut -d, -f2- $table.csv >"$log/$table"; done
        [ -s "$log/wrong" ] || same "$log/line" "$log/other" >/dev/null || tell "another curve than $detail"
        for described in described described.line; do sed -n '/^temperatures/,$p' "$log/$described" >"$log/$described.t"; done
        [ -s "$log/wrong" ] || same "$log/described.t" "$log/described.line.t" >/dev/null || tell "other temperatures than $detail"
        ;;
    refused)
        run "$inputs/$file" --describe $options
        is_refused "$detail"
        ;;
    either)
        run "$inputs/$file" --describe $options
        if [ "$status" -eq 0 ]; then is_read "$file" "$options" line.csv; else is_refused "$detail"; fi
        ;;
    *) tell "unknown outcome '$outcome'" ;;
    esac
    checks=$((checks + 1))
    if [ "$owner" = - ]; then
        [ ! -s "$log/wrong" ] || fail "$file $options: $(cat "$log/wrong")"
    elif [ -s "$log/wrong" ]; then
        pending=$((pending + 1))
        printf 'pending (%s): %s %s: %s\n' "$owner" "$file" "$options" "$(head -n 1 "$log/wrong" | cut -c 1-300)"
    else
        ready="$ready $file"
    fi
done <"$inputs/table.txt"
set +f
printf '%d lines are pending; these are marked so, and hold:%s\n' "$pending" "${ready:- none}"

# Every file has a line, and every line a file.
for file in "$inputs"/*; do
    name=${file##*/}
    case $name in README.md | table.txt) continue ;; esac
    check "$name is not in table.txt" grep -q "^$name | " "$inputs/table.txt"
done
finish
