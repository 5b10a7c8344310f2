#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# --plot: picture, data and script; odd names; no gnuplot. Names of files and networks that are anything but plain.
# shellcheck disable=SC2086,SC2317 # lists of words; functions that `check` calls
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

tiny_network >tiny.safetensors
tiny='--temperatures 1:4:3 --replicas 4 --warmup 10 --sweeps 40 --threads 1'
drawn=no
if command -v gnuplot >/dev/null 2>&1; then drawn=yes; else printf 'no gnuplot here: no picture is tested\n'; fi

is_png() { [ "$(od -An -tx1 -N 8 "$1" | tr -d ' ')" = 89504e470d0a1a0a ]; }
# with_plot PICTURE ARGUMENT...: data and script, and the picture where there is a gnuplot.
with_plot() {
    picture=$1
    shift
    "$program" "$@" "--plot=$picture" >"$log/out" 2>"$log/err" </dev/null
    check "$picture: exit status" [ $? -eq 0 ]
    picture=./$picture
    check "$picture: no data" [ -s "${picture%.png}.dat" ]
    check "$picture: no script" [ -s "${picture%.png}.gp" ]
    check "$picture: a partial file" [ -z "$(find . -name '*.part')" ]
    [ $drawn = yes ] || return
    check "$picture: standard error is not silent: $(cat "$log/err")" [ ! -s "$log/err" ]
    check "$picture: no PNG" is_png "$picture"
    # The script draws the same picture again, by itself.
    rm -f "$picture"
    check "$picture: its script alone fails" gnuplot "${picture%.png}.gp"
    check "$picture: its script alone draws no PNG" is_png "$picture"
}

with_plot curve.png tiny.safetensors $tiny --null shuffled --null redrawn
check "three blocks of data" [ "$(grep -c '^$' curve.dat)" -eq 6 ]
check "nine points" [ "$(grep -c '^[0-9]' curve.dat)" -eq 9 ]
with_plot other tiny.safetensors $tiny
with_plot 'a b_c,d.png' tiny.safetensors $tiny
# shellcheck disable=SC2016 # nothing is to expand
with_plot 'q"u'\''o`t`e$HOME%d\n;.png' tiny.safetensors $tiny
with_plot -x.png tiny.safetensors $tiny
with_plot '|touch pwned;.png' tiny.safetensors $tiny
with_plot '<touch pwned;.png' tiny.safetensors $tiny
check "the name of a picture was run as a command" [ ! -e pwned ]
rm -f -- *.png *.dat *.gp other

# Names of networks: RFC 4180 quoting in the tables.
# shellcheck disable=SC2016
odd='a b_c, "d" '\''e'\'' `f` $HOME %d\n {g} @h ^i'
cp tiny.safetensors "$odd.safetensors"
with_plot odd.png "$odd.safetensors" $tiny
# shellcheck disable=SC2016
quoted='"a b_c, ""d"" '\''e'\'' `f` $HOME %d\n {g} @h ^i",'
tail -n +2 curve.csv >"$log/rows"
check "a row of curve.csv does not begin with the quoted name" [ "$(grep -cF -- "$quoted" "$log/rows")" -eq 3 ]
check "a row of curve.layers.csv does not begin with the quoted name" [ "$(grep -cF -- "$quoted" curve.layers.csv)" -eq 9 ]
newline=$(printf 'two\nlines')
cp tiny.safetensors "$newline.safetensors"
with_plot newline.png "$newline.safetensors" $tiny
# Control characters are escaped: a table may be printed.
check "a newline in a name" [ "$(sed -n 2p curve.csv | cut -c1-16)" = 'two\x0alines,1,0' ]
cp tiny.safetensors ./-dash.safetensors
succeeds $tiny -- -dash.safetensors
check "a name with a leading dash" grep -q '^-dash,1,' curve.csv
succeeds $tiny ./-dash.safetensors
cp tiny.safetensors noextension
succeeds $tiny noextension
cp tiny.safetensors two.dots.safetensors
succeeds $tiny two.dots.safetensors --output table
check "a name with dots" grep -q '^two\.dots,1,' table
check "layers of a table without extension" [ -s table.layers ]
cp tiny.safetensors 'tiny (3).safetensors'
succeeds $tiny 'tiny (3).safetensors' tiny.safetensors tiny.safetensors
check "names are not unique: $(cut -d, -f1 curve.csv | uniq | tr '\n' ';')" [ "$(cut -d, -f1 curve.csv | sort -u | wc -l)" -eq 4 ]

# Without gnuplot: a message, status 0, data and script.
rm -f curve.*
checks=$((checks + 1))
PATH=/nonexistent "$program" tiny.safetensors $tiny --plot curve.png >"$log/out" 2>"$log/err" || fail "no gnuplot: exit status $?"
check "no gnuplot: the message is '$(cat "$log/err")'" grep -q '^gnuplot is not installed: curve\.png was not drawn' "$log/err"
check "no gnuplot: more than one line" [ "$(lines_of "$log/err")" -eq 1 ]
check "no gnuplot: data" [ -s curve.dat ]
check "no gnuplot: script" [ -s curve.gp ]
check "no gnuplot: table" [ -s curve.csv ]
check "no gnuplot: a picture" [ ! -e curve.png ]

# A gnuplot that fails: the tables are there, no part of a picture is.
mkdir bin
printf '#!/bin/sh\necho "no pngcairo" >&2\nexit 3\n' >bin/gnuplot
chmod +x bin/gnuplot
rm -f curve.*
PATH=$PWD/bin:$PATH "$program" tiny.safetensors $tiny --plot curve.png >"$log/out" 2>"$log/err"
check "a failing gnuplot: exit status" [ $? -eq 2 ]
check "a failing gnuplot: message" grep -q '^characterize: curve\.png: gnuplot did not draw it (exit status 3)' "$log/err"
check "a failing gnuplot: tables" [ -s curve.csv ]
check "a failing gnuplot: a picture" [ ! -e curve.png ] && check "a failing gnuplot: a partial file" [ -z "$(find . -name '*.part')" ]
finish
