#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# characterize on files of every format: --architecture, --describe, --subsample.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

exported=$repository/tests/data/exported

# --describe says what is there, runs nothing and writes nothing. The shipped fixture is 784-16-10.
succeeds $fixture --describe
for what in 'dense layer' 'input  *784$' '  16$' 'input - ' 'the whole: 810 spins, 1\.27e+04 couplings' 'GB of memory' \
    'lambda_max' 'T_ord' 'T_formula' 'discarded: activation functions'; do
    grep -q "$what" "$log/out" || fail "--describe does not say '$what': $(cat "$log/out")"
done
check "--describe wrote a curve" [ ! -e curve.csv ]

# The same network from each format that holds it: the same table.
cp "$exported/mlp.safetensors" mlp.safetensors
short="--temperatures 0.5:3:4 --replicas 4 --warmup 20 --sweeps 100"
succeeds mlp.safetensors $short --output first.csv
for format in npz pt onnx h5; do
    cp "$exported/mlp.$format" "mlp.$format"
    checks=$((checks + 1))
    if timeout 300 "$program" mlp.$format $short --output other.csv >"$log/out" 2>"$log/err" </dev/null; then
        same first.csv other.csv || fail "mlp.$format gives another curve"
    else # built without the library of this format
        grep -q 'no reader recognises this file' "$log/err" || fail "mlp.$format: $(cat "$log/err")"
    fi
done

# An ONNX file that leaves the size of images free.
free=$exported/resnet_block_free.onnx
if "$program" "$exported/mlp.onnx" --describe >/dev/null 2>&1; then
    refused "has a free size .*in --input-shape" "$free" --describe
    refused "does not fit --input-shape" "$free" --describe --input-shape 2,12,12
    refused "input-shape" "$free" --describe --input-shape 1,-12,12
    succeeds "$free" --describe --input-shape 1,12,12
    grep -v 'resnet_block_free' "$log/out" >free.txt
    succeeds "$exported/resnet_block.onnx" --describe
    check "the free size makes another network" grep -qxF "$(grep '^  /conv1/Conv ' "$log/out" | head -1)" free.txt
fi

# Weights of other layers need an architecture, and say so.
refused "need --architecture" "$exported/lenet.safetensors" --describe
succeeds "$exported/lenet.safetensors" --architecture "$exported/lenet.json" --describe
for what in 'conv1  *convolution  *(2, 28, 28)' 'conv1  *1568  (2 channels of 784)' 'pool1 - conv2' 'the whole: 3146 spins' \
    'which value of a pooling window is its largest'; do
    grep -q "$what" "$log/out" || fail "--describe of a convolutional network does not say '$what': $(cat "$log/out")"
done
succeeds "$exported/lstm.safetensors" --architecture "$exported/lstm.json" $short --null shuffled --output lstm.csv
check "a null model of an LSTM is missing" grep -q 'lstm shuffled' lstm.csv
refused "no such file" $fixture --architecture missing.json --describe

# An option that a reader's message names exists in the programs.
"$program" --help >"$log/help"
for option in $(grep -rhoE "options? '[a-z_]+'|, or .{0,40} in '[a-z_]+'" "$repository/include/spinet/readers" | grep -oE "'[a-z_]+'" | tr -d "'" | tr _ - | sort -u); do
    check "a message of a reader names the option '$option', which is not in --help" grep -q -- "^  --$option " "$log/help"
done

# Hidden neurons rescaled: another glass; where that would be another function, a refusal.
succeeds $fixture --describe
cp "$log/out" plain.txt
succeeds $fixture --balanced --describe
check "--balanced changes nothing" sh -c '! cmp -s plain.txt "$1"' sh "$log/out"
refused 'lenet.safetensors: --balanced: ' "$exported/lenet.safetensors" --architecture "$exported/lenet.json" --balanced --describe
refused 'lstm.safetensors: --balanced: ' "$exported/lstm.safetensors" --architecture "$exported/lstm.json" --balanced --describe
cp "$exported/lenet.json" .
refused "is the architecture" "$exported/lenet.safetensors" --architecture lenet.json --output lenet.json

# Sub-samples: a curve with error bars, the same for a seed; what cannot be is refused before anything runs.
small="--temperatures 2:12:3 --replicas 4 --warmup 20 --sweeps 100 --repeats 2"
succeeds $fixture $small --subsample 200 --output sub.csv
grep -q 'estimated from 12 sub-samples of 100 to 200 spins' "$log/out" || fail "sub-samples: $(cat "$log/out")"
check "the curve has no three rows" sh -c '[ "$(wc -l <sub.csv)" = 4 ]'
succeeds $fixture $small --subsample 200 --threads 1 --output again.csv
check "a seed gives two curves" same sub.csv again.csv
for how in uniform norm leverage; do succeeds $fixture $small --subsample 100 --sampling $how --output $how.csv; done
succeeds $fixture --describe --subsample 100
grep -q 'sub-samples: ' "$log/out" || fail "--describe --subsample: $(cat "$log/out")"
refused 'sample it whole' $fixture $small --subsample 810
refused 'the smallest sub-samples have 2 spins' $fixture $small --subsample 4
refused 'at least 2' $fixture --temperatures 2:12:3 --subsample 100 --repeats 1
refused 'exclude each other' $fixture $small --subsample 100 --checkpoint a.checkpoint

finish
