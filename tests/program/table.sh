#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The tables: header, rows, numbers; the same for any number of threads; other seeds and kernels agree within errors.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

small_network >small.safetensors
tiny_network >tiny.safetensors
plan='--temperatures 1:9:5 --replicas 8 --warmup 500 --sweeps 12000'

# agree A B ABOVE: every row pair with a temperature of at least ABOVE, or which both tables call equilibrated, differs
# by less than 6 combined errors in mean_abs_q. (About 10 degrees of freedom a side: p < 1e-4 a row. The errors have
# to be below 0.05, or the comparison would say nothing.)
agree() {
    awk -F, -v above="$3" '
        FNR == 1 { next }
        FNR == NR { q[FNR] = $3; e[FNR] = $4; good[FNR] = $8; next }
        $2 >= above || ($8 && good[FNR]) {
            error = sqrt($4 ^ 2 + e[FNR] ^ 2); away = $3 - q[FNR]; if (away < 0) away = -away; ++compared
            if (away > 6 * error || error > 0.05) { printf "T = %s: %s +- %s and %s +- %s\n", $2, q[FNR], e[FNR], $3, $4; wrong = 1 }
        }
        END { printf "%s, %s: %d rows compared\n", ARGV[1], ARGV[2], compared; exit wrong || compared < 2 }
    ' "$1" "$2"
}

for threads in 1 2 3; do succeeds small.safetensors $plan --threads $threads --output threads$threads.csv; done
well_formed threads1.csv 5 || fail "threads1.csv is not well formed"
for threads in 2 3; do
    check "the table of $threads threads differs" same threads1.csv threads$threads.csv
    check "the layers of $threads threads differ" same threads1.layers.csv threads$threads.layers.csv
done
check "no temperature equilibrated: nothing is tested" grep -q ',1$' threads1.csv
check "no progress bar on a pipe, nor a line" [ ! -s "$log/err" ]

# Layers: one row per layer and temperature, in order, with the temperatures of the whole.
check "header of the layers" [ "$(head -n 1 threads1.layers.csv)" = "$layers_header" ]
check "layers: $(cut -d, -f2 threads1.layers.csv | uniq -c | tr -s ' ' | tr '\n' ';')" \
    [ "$(tail -n +2 threads1.layers.csv | cut -d, -f2 | uniq -c | tr -s ' ' | tr '\n' ';')" = ' 5 input; 5 0; 5 2;' ]
tail -n +2 threads1.layers.csv | cut -d, -f1,3- >"$log/layers"
for layer in 1 2 3; do
    { echo "$table_header"; tail -n +$((5 * layer - 4)) "$log/layers" | head -n 5; } >"$log/layer.csv"
    check "layer $layer is not well formed" well_formed "$log/layer.csv" 5
done

# Another seed, another kernel.
succeeds small.safetensors $plan --seed 2 --threads 2 --output seed2.csv
check "another seed gives the same numbers" sh -c '! cmp -s threads1.csv seed2.csv'
check "seeds 1 and 2 disagree" agree threads1.csv seed2.csv 0
succeeds small.safetensors $plan --kernel metropolis --threads 2 --output metropolis.csv
check "another kernel gives the same numbers" sh -c '! cmp -s threads1.csv metropolis.csv'
check "kernels disagree on 40-16-10" agree threads1.csv metropolis.csv 0
real='--temperatures 2.5:9:4 --replicas 6 --warmup 200 --sweeps 800 --threads 2'
succeeds "$fixture" $real --output glauber.csv
succeeds "$fixture" $real --kernel metropolis --output metropolis.csv
check "kernels disagree on 784-16-10" agree glauber.csv metropolis.csv 3

# Options that change the model change the numbers.
for change in '--scale layer' '--scale tc' '--biases drop'; do
    succeeds tiny.safetensors $plan --threads 1 --output plain.csv
    succeeds tiny.safetensors $plan --threads 1 $change --output changed.csv
    well_formed changed.csv 5 || fail "$change: not well formed"
    check "$change changes nothing" sh -c '! cmp -s plain.csv changed.csv'
done

# Several networks, and nulls of the first, in one table.
succeeds tiny.safetensors small.safetensors tiny.safetensors --null shuffled --null redrawn $plan --output many.csv
well_formed many.csv 25 || fail "many.csv is not well formed"
check "names: $(tail -n +2 many.csv | cut -d, -f1 | uniq | tr '\n' ';')" [ "$(tail -n +2 many.csv | cut -d, -f1 | uniq | tr '\n' ';')" = \
    'tiny;tiny shuffled;tiny redrawn;small;tiny (5);' ]
check "the rows of a network depend on its company" sh -c "{ head -n 1 many.csv; grep '^small,' many.csv; } | cmp -s - threads1.csv"

# A list takes what its commas join, and no file that follows.
succeeds --null shuffled,redrawn tiny.safetensors --layers 0,2 small.safetensors $plan --output lists.csv
check "names: $(tail -n +2 lists.csv | cut -d, -f1 | uniq | tr '\n' ';')" [ "$(tail -n +2 lists.csv | cut -d, -f1 | uniq | tr '\n' ';')" = \
    'tiny;tiny shuffled;tiny redrawn;small;' ]

# Given twice, the last one counts (cmake/quickstart.sh passes on what it was given).
succeeds tiny.safetensors $plan --output first.csv --output last.csv
well_formed last.csv 5 || fail "last.csv is not well formed"
check "the first of two --output was written" [ ! -e first.csv ]

# Suggested temperatures.
"$program" tiny.safetensors --sweeps 200 --replicas 4 >"$log/out" 2>"$log/err" || fail "suggested temperatures"
well_formed curve.csv $(($(lines_of curve.csv) - 1)) || fail "suggested temperatures: not well formed"
check "fewer than 16 suggested temperatures" [ "$(lines_of curve.csv)" -ge 17 ]

# Standard output may be closed early, or be full.
rm -f curve.csv
"$program" tiny.safetensors $plan 2>"$log/err" | head -n 0
check "no table where nobody read standard output" [ -s curve.csv ]
finish
