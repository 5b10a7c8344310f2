#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The program docs/examples/landscape.cpp: its table, its pictures, stopping and going on, and what it refuses.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

images=$repository/tests/data/fashion_first_256.images.gz
labels=$repository/tests/data/fashion_first_256.labels
data="--data $images $labels"

# A plane of 9 x 9 points; its table holds each point once, a running fastest, and the same on any number of threads.
# Loss and accuracy: NumPy has 0.357500 and 88.28125 %.
succeeds $fixture $data --size 9 --span 0.5 --threads 2 --output two.csv
grep -q '12730 parameters, 256 samples, loss 0\.3575, accuracy 88\.28 %' "$log/out" || fail "the first line: $(cat "$log/out")"
succeeds $fixture $data --size 9 --span 0.5 --threads 1 --output one.csv
check "threads change the plane" same one.csv two.csv
points() {
    awk -F, 'NR == 1 { if ($0 != "a,b,loss") wrong = 1; next }
        { k = NR - 2; if (NF != 3 || $1 != (k % 9) / 8 - 0.5 || $2 != int(k / 9) / 8 - 0.5 || !($3 > 0)) { print; wrong = 1 } }
        END { if (NR != 82) wrong = 1; exit wrong }' "$1"
}
check "the table is not well formed" points one.csv
succeeds $fixture $data --size 9 --span 0.5 --seed 2 --output other.csv
check "another seed gives the same plane" sh -c '! cmp -s one.csv other.csv'

# Planes through networks: a copy of the fixture with some weights set to 0 is a network of the same shape.
changed() { # BYTES AT
    head -c "$2" "$fixture"
    head -c "$1" /dev/zero
    tail -c +$(($2 + $1 + 1)) "$fixture"
}
changed 4000 9000 >second.safetensors
changed 8000 30000 >third.safetensors
succeeds $fixture $data --size 7 --samples 100 --plane second.safetensors third.safetensors --output three.csv
grep -q 'through three networks' "$log/out" || fail "the plane is not named: $(cat "$log/out")"
succeeds $fixture $data --size 7 --samples 100 --plane pca --trajectory second.safetensors third.safetensors --output pca.csv
grep -q 'trajectory: loss .*, up to .* off the plane' "$log/out" || fail "no trajectory: $(cat "$log/out")"
succeeds $fixture $data --size 9 --samples 50 --measures --output measures.csv
for what in 'largest eigenvalues' 'trace: .* +- ' 'width .* +- ' sharpness; do
    grep -q "$what" "$log/out" || fail "--measures does not print $what: $(cat "$log/out")"
done

# Far away the losses overflow: kept, counted, and no reason to fail.
succeeds $fixture $data --size 5 --span 1e30 --output far.csv
grep -q '2[0-4] of 25 values are not finite' "$log/out" || fail "what is not finite is not counted: $(cat "$log/out")"

# Pictures, and the files to draw them again.
if command -v gnuplot >/dev/null 2>&1; then
    succeeds $fixture $data --size 9 --span 1e30 --plot far.png --output far.csv
    succeeds $fixture $data --size 9 --plot plane.png --plot plane.svg --log --output plane.csv
    head -c 8 plane.png | od -An -tx1 | grep -q '89 50 4e 47' || fail "plane.png is no PNG"
    grep -q '<svg' plane.svg || fail "plane.svg is no SVG"
    cp plane.svg before.svg
    gnuplot -e "format = 'svg'; picture = 'again.svg'" plane.gp >"$log/gnuplot" 2>&1 || fail "gnuplot: $(cat "$log/gnuplot")"
    check "gnuplot says something: $(cat "$log/gnuplot")" [ ! -s "$log/gnuplot" ]
    check "drawn again, the picture differs" same before.svg again.svg
fi

# Standard output as a table; links; lists that take no file that follows.
timeout 60 "$program" --plot list.png $fixture $data --size 9 --span 0.5 --output - >"$log/out" 2>"$log/err" </dev/null
check "--output -: not the table alone" same one.csv "$log/out"
check "--output -: what is for people is lost" grep -q 'accuracy 88\.28' "$log/err"
ln -s target.csv link.csv
succeeds $fixture $data --size 9 --span 0.5 --output link.csv
check "the link was replaced" [ -h link.csv ]
check "what the link leads to was not written" same one.csv target.csv
refused "cannot be written: .*--output -" $fixture $data --output /dev/stdout
# Readers' options.
refused "there is no layer 'a', which --layers names" $fixture $data --layers a
refused "^landscape: --entry: no file was read" $fixture $data --entry a
"$program" --help >"$log/help"
for option in architecture input-shape layers ignored entry network output-name; do
    check "landscape has no --$option" grep -q -- "^  --$option " "$log/help"
done

# Interrupted and gone on with.
large=$repository/docs/networks/fashion_784-128-64-10_trained.safetensors
plan="$large $data --size 640 --threads 1 --output stopped.csv --checkpoint plane.ck"
"$program" $plan >"$log/out" 2>"$log/err" &
victim=$!
sleep 1.5
kill -INT "$victim"
wait "$victim"
status=$?
check "exit status $status, not 130" [ "$status" -eq 130 ]
check "standard error: $(cat "$log/err")" grep -q '^stopped early, after [0-9]* of 409600 points$' "$log/err"
check "no rows before the end" [ "$(lines_of stopped.csv)" -gt 100 ]
check "all rows: it was stopped too late" [ "$(lines_of stopped.csv)" -lt 409601 ]
cp stopped.csv part.csv
refused 'another objective, section or grid' $large $data --size 641 --output stopped.csv --checkpoint plane.ck
refused 'another objective, section or grid' $large $data --size 640 --samples 255 --output stopped.csv --checkpoint plane.ck
"$program" $plan >"$log/out" 2>"$log/err" &
victim=$!
sleep 1
kill -TERM "$victim"
wait "$victim"
check "it does not go on from the checkpoint" [ "$(lines_of stopped.csv)" -gt "$(lines_of part.csv)" ]
head -n "$(lines_of part.csv)" stopped.csv >"$log/again"
check "what was there changed" same part.csv "$log/again"

# Refused: one line, exit status 2, and no file.
refused 'NETWORK|--data' $data
refused 'data' $fixture
refused 'no such file' missing.safetensors $data
refused 'cannot be opened' $fixture --data missing.gz $labels
mkfifo pipe
refused "no regular file" $fixture --data pipe $labels
refused 'is no IDX file' $fixture --data "$fixture" $labels
refused 'holds no images' $fixture --data $labels $labels
{
    printf '\000\000\010\001\000\000\001\001'
    tail -c +9 $labels
    printf '\001'
} >longer.labels
refused '257 labels for the 256 images' $fixture --data $images longer.labels
{ head -c 263 $labels; printf '\012'; } >eleventh.labels
refused 'label 10 of sample 255, but the network has 10 outputs' $fixture --data $images eleventh.labels
small_network >small.safetensors
refused 'samples of 784 numbers, but the network takes 40' small.safetensors $data
refused 'differ at layer 0' $fixture $data --plane small.safetensors second.safetensors
refused 'expected filter, pca or two networks' $fixture $data --plane random
refused 'takes no file' $fixture $data --plane filter second.safetensors
refused 'needs --trajectory' $fixture $data --plane pca
refused '--plane|equal' $fixture $data --plane "$fixture" second.safetensors
refused '2 to 2000' $fixture $data --size 1
refused 'not a whole number' $fixture $data --size -3
refused '--span' $fixture $data --span 0
refused '--span' $fixture $data --span nan
refused 'png or .svg' $fixture $data --plot plane.jpg
refused 'is one of the networks' $fixture $data --output "$fixture"
refused 'is one of the data files' $fixture $data --output "$images"
refused 'another purpose' $fixture $data --output a.png --plot a.png
refused 'cannot be|directory' $fixture $data --output missing/plane.csv
refused 'is not a spinet checkpoint' $fixture $data --checkpoint longer.labels
finish
