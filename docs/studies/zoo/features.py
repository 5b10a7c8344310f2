# SPDX-License-Identifier: BSD-3-Clause
"""From the table of descriptors to one row a curve: what the answers are made of.

    /usr/bin/python3 docs/studies/zoo/features.py --zoo zoo     # from zoo/descriptors/descriptors.csv

Writes zoo/features.csv (all numbers of the networks and their shuffled nulls), zoo/variants.csv (a few numbers of all other
null models and mappings) and zoo/curves.csv (the networks' curves of <|q|>).

A value is taken only at or above the frontier, the lowest temperature from which on all temperatures equilibrated. Between
temperatures curves are linear in ln T. Where a curve does not reach, the field is empty: not measured.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

ABSOLUTE = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
OF_T_ORD = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
OF_T_FORMULA = (0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
HALF = 0.5  # of T_ord: where single numbers are taken
MOLTEN = 0.15  # <|q|> at the melting temperature
SCALARS = ("spins", "lambda_max", "t_ord", "t_ord_crosses", "t_formula", "sweeps", "round_trips", "seconds")
IN_FULL = ("trained", "shuffled")
OF_VARIANTS = ("frontier", "lambda_max", "t_ord", "t_formula", "q_ord_0.5", "q_ord_0.7", "melting_ord")
AT_HALF = ("rms_q", "abs_mean_q", "peak_q", "energy", "ultrametric_k", "tap_q")
SLOW = 100.0  # sweeps of local dynamics until the slowest layer has forgotten


class Curve:
    """Values of one quantity at increasing temperatures."""

    def __init__(self, points: list[tuple[float, float, float, bool]]):
        points = sorted(points)
        self.t, self.value, self.error = (np.array(column) for column in list(zip(*points))[:3])
        good = [ok for *_, ok in points]
        first = len(good)
        while first > 0 and good[first - 1]:
            first -= 1
        self.frontier = self.t[first] if first < len(good) else math.inf

    def at(self, temperature: float) -> float:
        """NaN outside what was measured."""
        if not self.frontier <= temperature <= self.t[-1]:
            return math.nan
        return float(np.interp(math.log(temperature), np.log(self.t), self.value))

    def falls_to(self, level: float) -> float:
        """The highest temperature at which it is at that level; NaN where that is not measured."""
        above = np.nonzero(self.value >= level)[0]
        if len(above) == 0 or above[-1] + 1 == len(self.t) or self.t[above[-1]] < self.frontier:
            return math.nan
        k = above[-1]
        part = (self.value[k] - level) / (self.value[k] - self.value[k + 1])
        return float(np.exp(np.log(self.t[k]) + part * (np.log(self.t[k + 1]) - np.log(self.t[k]))))

    def area(self, low: float, high: float) -> float:
        """Over ln T."""
        if not self.frontier <= low < high <= self.t[-1]:
            return math.nan
        x = np.linspace(math.log(low), math.log(high), 200)
        y = np.interp(x, np.log(self.t), self.value)
        return float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum())


def features(scalars: dict[str, float], curves: dict[tuple[str, str], Curve]) -> dict[str, float]:
    q = curves["", "mean_abs_q"]
    t_ord, t_formula = scalars["t_ord"], scalars["t_formula"]
    found = {name: scalars.get(name, math.nan) for name in SCALARS}
    found["frontier"] = q.frontier
    found |= {f"q_abs_{t:g}": q.at(t) for t in ABSOLUTE}
    found |= {f"q_ord_{x:g}": q.at(x * t_ord) for x in OF_T_ORD}
    found |= {f"q_formula_{x:g}": q.at(x * t_formula) for x in OF_T_FORMULA}
    melting, solid = q.falls_to(MOLTEN), q.falls_to(2 * MOLTEN)
    found |= {"melting": melting, "melting_ord": melting / t_ord, "melting_formula": melting / t_formula,
              "width": math.log(melting / solid) if solid > 0 else math.nan,
              "area_ord": q.area(HALF * t_ord, 1.1 * t_ord)}
    found |= {f"{name}_half": curves["", name].at(HALF * t_ord) if ("", name) in curves else math.nan
              for name in AT_HALF}
    layers = sorted(part for part, name in curves if name == "mean_abs_q" and part)
    found |= {"first_layer_half": curves[layers[0], "mean_abs_q"].at(HALF * t_ord),
              "last_layer_half": curves[layers[-1], "mean_abs_q"].at(HALF * t_ord),
              "hidden_layers_half": float(np.mean([curves[part, "mean_abs_q"].at(HALF * t_ord)
                                                   for part in layers[1:-1]])) if layers[1:-1] else math.nan}
    found["of_formula"] = t_ord / t_formula
    if ("", "log_decay_time") in curves:
        decay = curves["", "log_decay_time"]
        found |= {"decay_time_ord": math.exp(decay.at(t_ord)), "freezing_ord": decay.falls_to(math.log(SLOW)) / t_ord}
    else:
        found |= {"decay_time_ord": math.nan, "freezing_ord": math.nan}
    return found


def read(path: Path):
    """(network, variant) -> (scalars, curves), one at a time: the table is made of runs of rows of one curve."""
    key, scalars, points = None, {}, defaultdict(list)

    def done():
        return key, scalars, {name: Curve(rows) for name, rows in points.items()}

    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            here = (row["network"], row["variant"])
            if here != key:
                if key is not None:
                    yield done()
                key, scalars, points = here, {}, defaultdict(list)
            if row["temperature"] == "":
                scalars[row["quantity"]] = float(row["value"])
                continue
            quantity, value, error = row["quantity"], float(row["value"]), float(row["error"])
            if quantity in ("decay_time", "decay_time_above"):  # the latter: it is longer than that
                quantity, value, error = "log_decay_time", math.log(max(value, 0.1)), error / max(value, 0.1)
            points[row["part"], quantity].append((float(row["temperature"]), value, error, row["equilibrated"] == "1"))
    if key is not None:
        yield done()


def text_of(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.5g}" if math.isfinite(value) else ""
    return value


def write(path: Path, rows: list[dict[str, object]]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({name: text_of(value) for name, value in row.items()} for row in rows)
    os.replace(part, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="One row of numbers for each curve of the zoo.")
    parser.add_argument("--zoo", type=Path, default=Path("zoo"), metavar="DIR")
    options = parser.parse_args()
    rows, others, points = [], [], []
    for (network, variant), scalars, curves in read(options.zoo / "descriptors" / "descriptors.csv"):
        found, front = features(scalars, curves), {"name": network, "variant": variant}
        if variant in IN_FULL:
            rows.append(front | found)
        if variant != "trained":
            others.append(front | {name: found[name] for name in OF_VARIANTS})
            continue
        q = curves["", "mean_abs_q"]
        points += [{"name": network, "temperature": float(t), "mean_abs_q": float(v), "error": float(f"{e:.2g}"),
                    "equilibrated": int(t >= q.frontier)} for t, v, e in zip(q.t, q.value, q.error)]
    if not rows:
        sys.exit("error: no curves")
    for name, table in (("features", rows), ("variants", others), ("curves", points)):
        if table:
            write(options.zoo / f"{name}.csv", table)
    print(f"{len(rows)} curves in {options.zoo / 'features.csv'}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"error: {error if isinstance(error, OSError) else f'descriptors.csv: {error!r}'}")
