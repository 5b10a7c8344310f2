#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the benchmark program `scaling` and draws what it says with gnuplot.

    benchmarks/plot_scaling.py build/benchmarks/benchmarks/scaling docs/images/scaling.png
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

PANELS = [
    ("width of three layers", {"width": "128 rows"}, "log"),
    ("layers of 256", {"depth": "128 rows"}, "log"),
    ("rows of a tile, four layers of 256", {"rows": "T = 1"}, "log"),
    ("temperature", {"temperature layers": "layers, glauber", "temperature SK": "SK 1024, metropolis",
                     "temperature lattice": "+-J 16^3, multi-spin"}, ""),
    ("threads, four layers of 512", {"threads": "32 x 16 rows"}, ""),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the benchmark program `scaling`")
    parser.add_argument("picture", help="the .png to write")
    parser.add_argument("--rounds", type=int, default=5, help="the best of so many is drawn: what the machine can do")
    asked = parser.parse_args()
    best = {}
    for _ in range(asked.rounds):
        done = subprocess.run([asked.program, "--benchmark_format=json", "--benchmark_min_time=0.2"],
                              check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)
        for each in report["benchmarks"]:
            best[each["name"]] = max(best.get(each["name"], 0.0), each["updates_per_second"])
    series = {}
    for full_name, rate in best.items():
        name, argument = full_name.split("/")[:2]
        x = int(argument) / (100 if name.startswith("temperature") else 1)
        series.setdefault(name, []).append((x, rate / 1e6))
    with tempfile.TemporaryDirectory() as scratch:
        script = [f"set terminal pngcairo size 1200,760; set output '{pathlib.Path(asked.picture).resolve()}'",
                  "set multiplot layout 2,3; set grid; set ylabel 'M updates/s'; set logscale y; set key bottom"]
        for panel, (title, curves, scale) in enumerate(PANELS):
            script.append(f"set xlabel '{title}'; " + ("set logscale x 2" if scale else "unset logscale x"))
            script.append("set xrange [0:*]" if title.startswith("temperature") else "set xrange [*:*]")
            script.append("unset logscale y; set yrange [0:*]" if title.startswith("threads") else "")
            parts = []
            for number, (name, label) in enumerate(curves.items()):
                path = pathlib.Path(scratch) / f"{panel}_{number}.dat"
                path.write_text("".join(f"{x} {y}\n" for x, y in series[name]), encoding="ascii")
                parts.append(f"'{path}' with linespoints pt 7 title '{label}'")
            script.append("plot " + ", ".join(parts))
        subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
    context = report["context"]
    for name in ("flags", "products of floats", "OpenBLAS kernels"):
        print(f"{name}: {context.get(name)}")
    for name, points in series.items():
        print(name + ": " + ", ".join(f"{x:g}: {y:.0f}" for x, y in points))


if __name__ == "__main__":
    main()
