#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The layer-block sweeps of spinet and of numpy_layer_blocks.py in turns, one thread each, as one table.

    benchmarks/versus_numpy.py build/release/benchmarks/layered [--rounds 5]

Medians over the rounds. "needed" is 0.9 x (time of a NumPy sweep / time of its matrix products) x sgemm_fraction: with
equal matrix products on both sides, all that spinet saves beside them.
"""
import argparse
import json
import os
import statistics
import subprocess

# Before NumPy is imported: one thread, and the right kernels where OpenBLAS is too old to know the processor.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
if os.path.exists("/proc/cpuinfo"):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        flags = info.read()
    if " avx512f" in flags:
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    elif " avx2" in flags:
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import numpy_layer_blocks  # noqa: E402

NETWORKS = ["784-128-128-10", "784-512-512-512-10", "3072-1024-1024-10"]
HUNDREDTHS = [30, 100, 200]
ROWS = 256


def run_spinet(program, network, hundredths):
    """(context, counters) of one benchmark."""
    done = subprocess.run(
        [program, f"--benchmark_filter=^{network}/100T:{hundredths}/rows:{ROWS}/", "--benchmark_min_time=1",
         "--benchmark_format=json"],
        check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    return report["context"], report["benchmarks"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the benchmark program `layered`")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    context, _ = run_spinet(asked.program, NETWORKS[0], 100)
    print(f"flags: {context.get('flags')}; OpenBLAS kernels: {context.get('OpenBLAS kernels')}; {ROWS} rows")
    print("| network | T | NumPy M/s | x its products | spinet M/s | sgemm_fraction | ratio | needed |")
    print("|---|---|---|---|---|---|---|---|")
    for network in NETWORKS:
        widths = [int(n) for n in network.split("-")]
        for hundredths in HUNDREDTHS:
            numpy_rates, overheads, rates, fractions, ratios = [], [], [], [], []
            for _ in range(asked.rounds):
                rate, overhead = numpy_layer_blocks.measure(widths, hundredths / 100, ROWS, 1.0)
                _, counters = run_spinet(asked.program, network, hundredths)
                numpy_rates.append(rate)
                overheads.append(overhead)
                rates.append(counters["updates_per_second"])
                fractions.append(counters["sgemm_fraction"])
                ratios.append(counters["updates_per_second"] / rate)
            middle = statistics.median
            needed = 0.9 * middle(overheads) * middle(fractions)
            print(f"| {network} | {hundredths / 100:g} | {middle(numpy_rates) / 1e6:.1f} | {middle(overheads):.2f} | "
                  f"{middle(rates) / 1e6:.1f} | {middle(fractions):.3f} | {middle(ratios):.2f} | {needed:.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
