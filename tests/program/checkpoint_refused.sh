#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A checkpoint that does not fit, or is damaged, is refused in one line that names it, and is left alone.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

tiny_network >net.safetensors
plan='--temperatures 1:4:3 --replicas 4 --warmup 20 --sweeps 100 --seed 3 --threads 1'
succeeds net.safetensors $plan --checkpoint run.ck --output good.csv

# fits_not ARGUMENT...: beside the plan, of which it changes one thing.
fits_not() { refused '^characterize: run\.ck: .*checkpoint' "$@" --threads 1 --checkpoint run.ck --output bad.csv; }
t='--temperatures 1:4:3' r='--replicas 4' w='--warmup 20' s='--sweeps 100' i='--seed 3'
fits_not net.safetensors $t $r $w $s --seed 4
fits_not net.safetensors $t $r $w --sweeps 110 $i
fits_not net.safetensors $t $r --warmup 30 $s $i
fits_not net.safetensors $t --replicas 5 $w $s $i
fits_not net.safetensors --temperatures 1:4:4 $r $w $s $i
fits_not net.safetensors --temperatures 1:4.5:3 $r $w $s $i
fits_not net.safetensors $t $r $w $s $i --measure-every 5
fits_not net.safetensors $t $r $w $s $i --kernel metropolis
fits_not net.safetensors $t $r $w $s $i --scale layer
fits_not net.safetensors $t $r $w $s $i --scale tc
fits_not net.safetensors $t $r $w $s $i --biases drop
# Another network, of the same name and of another one.
mkdir other
tiny_network | tail -c 44 | tail -c +5 >rest
f32 3f900000 | cat - rest | with_header "{$(tensor 0.weight 2,3 0 24),$(tensor 0.bias 2 24 32),$(tensor 2.weight 1,2 32 40),$(tensor 2.bias 1 40 44)}" >other/net.safetensors
rm rest
fits_not other/net.safetensors $t $r $w $s $i
cp net.safetensors stranger.safetensors
fits_not stranger.safetensors $t $r $w $s $i

# One that fits resumes, also when more networks are asked for than it holds.
succeeds net.safetensors stranger.safetensors $plan --checkpoint run.ck --output both.csv
check "the table of two networks does not begin with that of the first" sh -c "head -n 4 both.csv | cmp -s - good.csv"

# Damage, each on a copy. damaged FILE-MAKER...
size=$(wc -c <run.ck | tr -d ' ')
damaged() { refused '^characterize: (\./)?bad\.ck: ' net.safetensors stranger.safetensors $plan --checkpoint bad.ck --output bad.csv; }
for length in 0 1 19 20 21 27 28 100 $((size / 2)) $((size - 8)) $((size - 1)); do
    head -c "$length" run.ck >bad.ck
    damaged
done
for place in 0 18 20 28 40 60 $((size / 2)) $((size - 9)) $((size - 1)); do
    cp run.ck bad.ck
    old=$(od -An -tu1 -j "$place" -N 1 bad.ck | tr -d ' ')
    octal $((old ^ 16)) | dd of=bad.ck bs=1 seek="$place" conv=notrunc 2>/dev/null
    damaged
done
{ cat run.ck; printf 'x'; } >bad.ck
damaged
{ cat run.ck run.ck; } >bad.ck
damaged
printf 'not a checkpoint at all, but long enough to be taken for one by its size\n' >bad.ck
damaged
cp net.safetensors bad.ck
damaged
head -c 5000 /dev/zero >bad.ck
damaged
rm bad.ck
mkdir bad.ck
damaged
rmdir bad.ck
refused 'no/such/place\.ck' net.safetensors $plan --checkpoint no/such/place.ck --output bad.csv
refused 'net\.safetensors: .*one of the networks' net.safetensors $plan --checkpoint net.safetensors --output bad.csv
refused 'bad\.csv: .*another purpose' net.safetensors $plan --checkpoint bad.csv --output bad.csv
refused '^characterize: --checkpoint: ' net.safetensors $plan --checkpoint '' --output bad.csv
finish
