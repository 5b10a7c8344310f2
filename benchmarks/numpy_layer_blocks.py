#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Layer-block heat bath of a layered network in NumPy: what a careful researcher writes before reaching for C++.

Spins +-1 in float32, one replica to a row, one array per layer; a sweep updates the even layers, then the odd
ones. Every array is allocated once, every operation writes in place, the generator is NumPy's fastest (SFC64),
and all products go to BLAS. This program is the yardstick of docs/benchmarks.md and is not tuned together with spinet.

    numpy_layer_blocks.py [--widths 784,128,128,10] [--temperature 1] [--rows 256] [--seconds 1]
"""
import argparse
import time

import numpy as np


class LayeredGlass:
    """H = -sum_l s_{l+1}^T W_l s_l with W_l ~ N(0, 1 / fan_in), and `rows` replicas of it."""

    def __init__(self, widths, rows, seed):
        rng = np.random.default_rng(seed)
        self.widths = widths
        self.weights = [
            rng.normal(0, fan_in**-0.5, (fan_out, fan_in)).astype(np.float32)
            for fan_in, fan_out in zip(widths, widths[1:])
        ]
        self.rng = np.random.Generator(np.random.SFC64(seed + 1))
        self.spins = [np.where(rng.random((rows, n)) < 0.5, -1, 1).astype(np.float32) for n in widths]
        self.fields = [np.empty((rows, n), np.float32) for n in widths]
        self.second = [np.empty((rows, n), np.float32) for n in widths]
        self.draws = [np.empty((rows, n), np.float32) for n in widths]
        self.order = [*range(0, len(widths), 2), *range(1, len(widths), 2)]

    def products(self, layer):
        """The fields of one layer: one product from below, one from above."""
        h = self.fields[layer]
        if layer > 0:
            np.matmul(self.spins[layer - 1], self.weights[layer - 1].T, out=h)
            if layer + 1 < len(self.widths):
                np.matmul(self.spins[layer + 1], self.weights[layer], out=self.second[layer])
        else:
            np.matmul(self.spins[1], self.weights[0], out=h)

    def sweep(self, temperature):
        one = np.float32(1)
        for layer in self.order:
            self.products(layer)
            h, u, s = self.fields[layer], self.draws[layer], self.spins[layer]
            if 0 < layer < len(self.widths) - 1:
                np.add(h, self.second[layer], out=h)
            # up with probability 1 / (1 + exp(-2 h / T)), as u (1 + exp(-2 h / T)) < 1 without a division
            np.multiply(h, np.float32(-2 / temperature), out=h)
            np.minimum(h, np.float32(80), out=h)
            np.exp(h, out=h)
            np.add(h, one, out=h)
            self.rng.random(out=u, dtype=np.float32)
            np.multiply(u, h, out=u)
            np.subtract(one, u, out=u)
            np.copysign(one, u, out=s)


def seconds_per_call(call, least):
    """Calls until `least` seconds have passed; seconds per call."""
    call()
    count, begin = 0, time.perf_counter()
    while True:
        call()
        count += 1
        passed = time.perf_counter() - begin
        if passed >= least:
            return passed / count


def measure(widths, temperature, rows, seconds):
    """(spin updates per second, time of a sweep / time of its matrix products alone)"""
    glass = LayeredGlass(widths, rows, seed=1)
    for _ in range(10):
        glass.sweep(temperature)
    products = seconds_per_call(lambda: [glass.products(layer) for layer in glass.order], seconds / 2)
    sweep = seconds_per_call(lambda: glass.sweep(temperature), seconds)
    return rows * sum(widths) / sweep, sweep / products


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default="784,128,128,10")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=1.0)
    asked = parser.parse_args()
    widths = [int(n) for n in asked.widths.split(",")]
    rate, over = measure(widths, asked.temperature, asked.rows, asked.seconds)
    print(f"{rate / 1e6:.1f} M updates/s; a sweep takes {over:.2f} times its matrix products")
