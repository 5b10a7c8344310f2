#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The whole pipeline on six tiny networks: miniature.sh DESCRIPTORS DIRECTORY. Stopped and taken up again, it ends in the
# same tables.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
descriptors=$1
zoo=$2
python="/usr/bin/python3 -B"
fail() {
    printf 'miniature.sh: %s\n' "$1" >&2
    exit 1
}
rows() { # of a table, without its head
    echo $(($(wc -l <"$1") - 1))
}
describe() { # OUTPUT OPTION...
    output=$1
    shift
    "$descriptors" "$zoo/manifest.csv" --output "$output" --replicas 8 --warmup 100 --sweeps 400 --tolerance 0.1 "$@"
}

rm -rf "$zoo"
mkdir -p "$zoo"
$python "$here/train.py" --form tiny --output "$zoo" --workers 2
[ "$(rows "$zoo/manifest.csv")" = 6 ] || fail "the manifest has no six networks"
cp "$zoo/manifest.csv" "$zoo/first.csv"
name=$(sed -n '4s/,.*//p' "$zoo/manifest.csv")
rm "$zoo/records/$name.json"
$python "$here/train.py" --form tiny --output "$zoo" --workers 2
cmp -s "$zoo/manifest.csv" "$zoo/first.csv" || fail "what was trained again is another network"

describe "$zoo/descriptors" --variants trained,shuffled
describe "$zoo/stopped" --variants trained,shuffled --jobs 1 &
process=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -n "$(ls "$zoo/stopped/parts" 2>/dev/null)" ] && break
    sleep 0.5
done
kill -9 $process 2>/dev/null || true
wait $process 2>/dev/null || true
[ ! -e "$zoo/stopped/descriptors.csv" ] || fail "it was not stopped before its end"
describe "$zoo/stopped" --variants trained,shuffled
# Times of the clock differ.
grep -v ',seconds,' "$zoo/descriptors/descriptors.csv" >"$zoo/whole.csv"
grep -v ',seconds,' "$zoo/stopped/descriptors.csv" >"$zoo/resumed.csv"
cmp "$zoo/whole.csv" "$zoo/resumed.csv" || fail "a run that was killed and taken up again gives another table"

describe "$zoo/descriptors" --variants redrawn,rescaled,balanced
$python "$here/baselines.py" --zoo "$zoo" --form tiny
$python "$here/features.py" --zoo "$zoo"
[ "$(rows "$zoo/features.csv")" = 12 ] || fail "there are no twelve rows of features"
[ "$(rows "$zoo/variants.csv")" = 24 ] || fail "there are no 24 rows of null models and mappings"
$python "$here/answers.py" --tables "$zoo" --output "$zoo"
grep -q '^progress,fashion,primary,q_ord_0.5,rank correlation,' "$zoo/answers.csv" ||
    fail "the order of training is not answered"
$python "$here/figures.py" --tables "$zoo" --output "$zoo/figures"
[ -s "$zoo/figures/zoo_curves.png" ] || fail "there is no picture"

# The same six as networks of one's own: a manifest of names, files and two columns to ask about.
own=$zoo/own
mkdir -p "$own"
cut -d , -f 1,2,5,24 "$zoo/manifest.csv" >"$own/manifest.csv"
[ "$(head -n 1 "$own/manifest.csv")" = name,file,cluster,epoch ] || fail "the columns of the manifest have moved"
for part in networks descriptors; do ln -s "../$part" "$own/$part"; done
$python "$here/baselines.py" --zoo "$own" --form own
$python "$here/features.py" --zoo "$own"
cmp "$own/features.csv" "$zoo/features.csv" || fail "features are of the manifest"
# All but the sharpness, which takes data, and the norm, which the zoo's manifest has.
cut -d , -f 1-21 "$zoo/baselines.csv" >"$zoo/baselines_of_weights.csv"
cut -d , -f 1-21 "$own/baselines.csv" | cmp - "$zoo/baselines_of_weights.csv" || fail "a file's baselines are others"
$python "$here/answers.py" --tables "$own" --output "$own" --ask orders:epoch
grep '^orders,epoch,primary,' "$own/answers.csv" | cut -d , -f 4-8 >"$zoo/own_answer.csv"
grep '^progress,fashion,primary,' "$zoo/answers.csv" | cut -d , -f 4-8 | cmp - "$zoo/own_answer.csv" ||
    fail "the same question of one's own has another answer"
$python "$here/figures.py" --tables "$own" --output "$own/figures"
[ -s "$own/figures/zoo_curves.png" ] || fail "there is no picture of one's own"
for ask in orders:colour orders separates:epoch sorts:epoch; do
    ! $python "$here/answers.py" --tables "$own" --output "$own" --ask "$ask" 2>"$zoo/refused.txt" ||
        fail "--ask $ask is not refused"
    grep -q '^error: --ask ' "$zoo/refused.txt" || fail "--ask $ask is refused without a reason"
done
