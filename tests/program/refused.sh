#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Bad input, one case a line: exit status 2, one clear line on standard error, no file left behind.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

tiny_network >good.safetensors
tiny='--temperatures 1:4:3 --replicas 4 --warmup 10 --sweeps 40 --threads 1'
# Bad files by this name; the message has to begin with it.
bad() { refused "^characterize: bad\\.safetensors: .*($1)" bad.safetensors --checkpoint bad.ck --plot bad.png --output bad.csv; }
made() { cat >bad.safetensors; }
w='f32 3f800000 bf000000 3f000000 be800000 3f400000 bf800000'
weights=$(tensor a.weight 2,3 0 24)

# --- files that are no safetensors files ---
refused '^characterize: none\.safetensors: no such file' none.safetensors
refused '^characterize: none\.safetensors: no such file' good.safetensors none.safetensors --output bad.csv
mkdir bad.safetensors
bad 'directory'
rmdir bad.safetensors
refused '^characterize: /dev/null: .*regular' /dev/null
: | made
bad 'empty'
printf 'short' | made
bad 'truncated'
printf 'import torch, and other things that are no network at all\n' | made
bad 'not a safetensors file'
cp good.safetensors good.bin && printf 'x' >other.bin
refused '^characterize: other\.bin: ' other.bin
rm -f good.bin other.bin
printf 'PK\003\004 a zip, such as torch.save makes' | made
bad 'not a safetensors file'

# --- truncated; lengths that lie ---
size=$(wc -c <good.safetensors | tr -d ' ')
for length in 7 8 9 $((size / 2)) $((size - 44)) $((size - 4)) $((size - 1)); do
    head -c "$length" good.safetensors | made
    bad 'truncated|not valid JSON|trailing'
done
{ le64 5000; tail -c +9 good.safetensors; } | made
bad 'truncated.*5000'
{ le64 99999999; tail -c +9 good.safetensors; } | made
bad 'truncated'
{ printf '\377\377\377\377\377\377\377\377'; tail -c +9 good.safetensors; } | made
bad 'limit'
{ printf '\377\377\377\377\377\377\377\177'; tail -c +9 good.safetensors; } | made
bad 'limit'
{ le64 0; tail -c +9 good.safetensors; } | made
bad 'too short'
{ cat good.safetensors; printf 'more'; } | made
bad 'trailing bytes: .*44 .*48'

# --- headers that are no header ---
$w | with_header '[]' | made
bad 'begins with'
$w | with_header '{"a.weight":' | made
bad 'not valid JSON'
$w | with_header "{$weights}x" | made
bad 'not valid JSON'
nested=$(awk 'BEGIN { for (k = 0; k < 50000; ++k) printf "[" }')
printf '' | with_header "{\"a.weight\":$nested" | made
bad 'a\.weight.*array'
nested=$(awk 'BEGIN { for (k = 0; k < 20000; ++k) printf "{\"a\":" }')
printf '' | with_header "$nested" | made
bad "'a': unknown key"
many=$(awk 'BEGIN { for (k = 0; k < 100001; ++k) printf "%s\"k%d\":\"\"", k ? "," : "", k }')
{ le64 $((${#many} + 19)); printf '{"__metadata__":{%s}}' "$many"; } | made
bad 'more than 100000 keys'
unset nested many
$w | with_header "{$weights,$weights}" | made
bad 'duplicate.*a\.weight'
$w | with_header '{"a.weight":{"dtype":"F32","shape":[2,3]}}' | made
bad 'a\.weight.*data_offsets.*missing'
$w | with_header '{"a.weight":{"dtype":"F32","shape":[2,-3],"data_offsets":[0,24]}}' | made
bad 'a\.weight.*shape.*-3.*index 1'
$w | with_header '{"a.weight":{"dtype":"F32","shape":[2,1e99],"data_offsets":[0,24]}}' | made
bad 'a\.weight.*shape.*1e99'
$w | with_header "{$(tensor a.weight 4294967296,4294967296,4294967296 0 24)}" | made
bad 'a\.weight.*overflows'

# --- dtype and offsets ---
$w | with_header "{$(tensor a.weight 2,3 0 24 F31)}" | made
bad "a\\.weight.*unknown dtype 'F31'"
$w | with_header "{$(tensor a.weight 2,3 0 24 I32)}" | made
bad 'a\.weight.*dtype I32'
$w | with_header "{$(tensor a.weight 2,3 24 0)}" | made
bad 'a\.weight.*reversed'
$w | with_header "{$(tensor a.weight 2,3 0 20)}" | made
bad 'a\.weight.*20 bytes.*24'
$w | with_header "{$(tensor a.weight 2,3 24 48)}" | made
bad 'a\.weight.*beyond'
$w | with_header "{$(tensor a.weight 2,3 18446744073709551600 18446744073709551624)}" | made
bad 'a\.weight'
$w | with_header "{$(tensor a.weight 1,3 0 12),$(tensor b.weight 1,4 8 24)}" | made
bad 'a\.weight.*b\.weight.*overlap'
$w | with_header "{$(tensor a.weight 1,3 12 24)}" | made
bad 'hole'

# --- numbers ---
nan=7fc00000 inf=7f800000 one=3f800000
f32 $one $one $one $one $nan $one | with_header "{$weights}" | made
bad 'a\.weight.*nan at \(1, 1\)'
f32 $one $one $inf $one $one $one | with_header "{$weights}" | made
bad 'a\.weight.*inf at \(0, 2\)'
f32 $one $one $one $one $one $one ff800000 $one | with_header "{$weights,$(tensor a.bias 2 24 32)}" | made
bad 'a\.bias.*-inf at \(0\)'
printf '\000\174' | with_header "{$(tensor a.weight 1,1 0 2 F16)}" | made
bad 'a\.weight.*inf at \(0, 0\)'
printf '\300\177' | with_header "{$(tensor a.weight 1,1 0 2 BF16)}" | made
bad 'a\.weight.*nan at \(0, 0\)'
printf '\0\0\0\0\0\0\370\177' | with_header "{$(tensor a.weight 1,1 0 8 F64)}" | made
bad 'a\.weight.*nan at \(0, 0\)'
printf '\377\377\377\377\377\377\357\177' | with_header "{$(tensor a.weight 1,1 0 8 F64)}" | made
bad "tensor 'a\.weight' of shape \(1, 1\) holds 1\.79769e\+308 at \(0, 0\), too large for float"

# --- what is no chain of dense layers ---
$w | with_header "{$(tensor 0.weight 2,1 0 8),$(tensor 1.weight 4,1 8 24)}" | made
bad '0\.weight.*gives 2.*1\.weight.*takes 1'
$w | with_header "{$(tensor 0.weight 1,2 0 8),$(tensor 0.bias 4 8 24)}" | made
bad '0\.(weight|bias).*4'
$w | with_header "{$(tensor x.weight 1,1,1,6 0 24)}" | made
bad 'x\.weight.*rank 4'
$w | with_header "{$(tensor x.weight 6,0 0 0),$(tensor y.weight 2,3 0 24)}" | made
bad 'x\.weight.*size 0'
$w | with_header "{$(tensor x.bias 6 0 24)}" | made
bad 'x\.bias.*without a weight'
$w | with_header "{$(tensor steps 6 0 24 I32)}" | made
bad 'no dense layer'
: | with_header '{}' | made
bad 'no dense layer'
$w | with_header "{$(tensor mask 6 0 24)}" | made
bad 'mask.*neither'

# --- networks that no temperature or scale fits: found before another network is run for hours ---
f32 0 0 0 0 0 0 | with_header "{$weights}" >zero.safetensors
refused '^characterize: zero\.safetensors: .*couplings are 0' good.safetensors zero.safetensors --output bad.csv
f32 $one $one $one $one $one $one | with_header "{$weights}" >equal.safetensors
for scale in layer tc; do
    refused '^characterize: equal\.safetensors: .*all equal' good.safetensors equal.safetensors $tiny --scale $scale --output bad.csv
done
rm -f bad.safetensors zero.safetensors equal.safetensors

# --- options ---
range() { refused "^characterize: --temperatures.*$1" good.safetensors --replicas 4 --sweeps 40 --output bad.csv --temperatures "$2"; }
for text in '' x 1:2 1:2: 1:2:3x '1:2:3 ' 1:2:3:4 1,2,3 1:2:3.5; do range '' "$text"; done
range '0:1:3.*positive' 0:1:3
range '.*positive' -1:1:3
range '.*positive' nan:1:3
range '.*positive' inf:inf:3
range '.*above' 1:nan:3
range '.*above' 1:inf:3
range '.*above' 2:1:3
range '.*above' 1:1:3
range '.*at least 2' 1:2:1
range '.*positive' 0
range '.*positive' -2
range '.*positive' nan
range '.*finite' inf
range '.*expected' 2x
range '.*at least 2' 1:2:0
range '.*negative' 1:2:-3
range '.*100000' 1:2:100001
range '.*100000' 1:2:99999999999999999999
range '.*finite' 1e-320:1:3

option() {
    expected=$1
    shift
    refused "^characterize: .*$expected" good.safetensors --temperatures 1:4:3 --output bad.csv "$@"
}
option '3 replicas.*at least 4' --replicas 3
option '0 replicas.*at least 4' --replicas 0
option '--replicas 1000000000 .*memory' --replicas 1000000000
option '--replicas 30000 .*memory' --replicas 30000
for name in --replicas --warmup --sweeps --seed --threads --measure-every; do
    for number in -1 4.5 1e3 x '' 18446744073709551616; do option "$name" $name "$number"; done
done
option '0 sweeps' --sweeps 0
option 'sweeps' --sweeps 5
option '2\^32' --sweeps 18446744073709551615
option '2\^32' --warmup 4294967295
option 'measure_every' --measure-every 0
option 'no measurement' --measure-every 18446744073709551615
option 'threads: 0 ' --threads 0
option 'threads: 100000 ' --threads 100000
option '--kernel: heat_bath' --kernel heat_bath
option '--kernel' --kernel ''
option '--scale: two' --scale two
option '--null: yes not in \{redrawn,shuffled\}' --null yes
option '--null: permuted not in \{redrawn,shuffled\}' --null shuffled --null permuted
option '--null: permuted not in \{redrawn,shuffled\}' --null shuffled,permuted
option 'permuted: no such file' --null shuffled permuted
option '--null' --null ''
option '--biases: maybe' --biases maybe
for name in --architecture --entry --network --output-name --layers --ignored; do option "$name.*empty" $name ''; done
option '--input-shape' --input-shape ''
# Options that no file has any use for.
option "there is no network 'a', which --network names; the file holds one network" --network a
for given in '--entry a' '--output-name a' '--input-shape 1,2'; do
    option "${given% *}: no file was read that has this option" $given
done
option "there is no layer 'a', which --layers names" --layers a
option "there is no tensor 'a', which --ignored names" --ignored a
option '--nonsense' --nonsense
option '--seed' --seed
refused '^characterize: FILE' --temperatures 1:4:3

# --- what cannot be written. (Root may write into a read-only directory: that case needs another user.) ---
written() {
    expected=$1
    shift
    refused "^characterize: $expected" good.safetensors $tiny "$@"
}
mkdir here here.csv there.layers.csv here.dat here.gp.d
written 'no/such/curve\.csv: cannot be written' --output no/such/curve.csv
written 'here: cannot be written: it is a directory' --output here
written 'here\.csv: cannot be written: it is a directory' --output here.csv
written 'there\.layers\.csv: cannot be written: it is a directory' --output there.csv
written '--output: ' --output ''
written 'good\.safetensors: cannot be written: .*networks' --output good.safetensors
written '\./here/\.\./good\.safetensors: cannot be written: .*networks' --output ./here/../good.safetensors
written 'no/such/curve\.png: cannot be written' --output bad.csv --plot no/such/curve.png
written 'here: cannot be written: it is a directory' --output bad.csv --plot here
written 'here\.dat: cannot be written: it is a directory' --output bad.csv --plot here.png
written 'bad\.csv: cannot be written: .*another purpose' --output bad.csv --plot bad.csv
written 'bad\.dat: cannot be written: .*another purpose' --output bad.dat --plot bad.png
written '--plot: ' --output bad.csv --plot ''
mkfifo pipe
written 'pipe: cannot be written: it is not a regular file' --output pipe
# Devices, and what is open: a rename would put a file in their place, if root runs the program.
ln -s pipe to_pipe
ln -s here to_here
ln -s /dev/null to_null
ln -s round round
ln -s good.safetensors to_good
written 'to_pipe: cannot be written: it is not a regular file' --output to_pipe
written 'to_here: cannot be written: it is a directory' --output to_here
written 'to_null: cannot be written: it is not a regular file' --output to_null
written 'round: cannot be written' --output round
written 'to_good: cannot be written: it is one of the networks' --output to_good
written '/dev/null: cannot be written: it is not a regular file' --output /dev/null
written 'to_pipe: cannot be written' --output bad.csv --plot to_pipe
written 'to_null: cannot be written' --output bad.csv --checkpoint to_null
for stream in /dev/stdout /dev/fd/1; do
    [ ! -e "$stream" ] || written "$stream: cannot be written: .*--output - writes" --output "$stream"
done
[ ! -e /dev/stderr ] || written '/dev/stderr: cannot be written' --output /dev/stderr
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked && chmod a-w locked
    written 'locked/curve\.csv: cannot be written' --output locked/curve.csv
    written 'locked/curve\.png: cannot be written' --output bad.csv --plot locked/curve.png
    written 'locked/run\.ck: cannot be written' --output bad.csv --checkpoint locked/run.ck
    chmod a+w locked
fi

# --- samples to start from: good.safetensors takes 3 numbers ---
printf '\000\000\010\002\000\000\000\002\000\000\000\003\001\377\001\377\001\377' >three.idx
printf '\000\000\010\002\000\000\000\003\000\000\000\002\001\377\001\377\001\377' >two.idx
written 'no\.idx: ' --start-from no.idx
written 'two\.idx: .*samples of 2 numbers for a network of 3' --start-from two.idx
written 'good\.safetensors: is no IDX file' --start-from good.safetensors
written '--start-from has states of whole networks' --start-from three.idx --subsample 2
written 'three\.idx: cannot be written: .*samples' --start-from three.idx --output three.idx
check '--start-from runs' "$program" good.safetensors $tiny --start-from three.idx --output started.csv

# A newline in a name does not make a second line.
odd=$(printf 'new\nline')
refused '^characterize: new\\x0aline\.safetensors: no such file$' "$odd.safetensors"
finish
