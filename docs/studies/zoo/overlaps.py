# SPDX-License-Identifier: BSD-3-Clause
"""Means of the ensembles' overlaps, with errors.

    /usr/bin/python3 docs/studies/zoo/overlaps.py --overlaps zoo/ensembles/overlaps.csv --output zoo/ensembles.csv

From one row a pair, part and temperature (the program `ensembles`) to one row an ensemble, part and temperature: <|q|> of the
replicas of one member (`within`) and of two (`between`), the latter with a jackknife error over members. Temperatures at which a
member did not equilibrate are left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd


def row_of(part: pd.DataFrame) -> pd.Series:
    same = part.a == part.b
    pairs = part[~same]
    left_out = np.array([pairs.mean_abs_q[(pairs.a != name) & (pairs.b != name)].mean() for name in part.a[same]])
    n = len(left_out)
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()) if n > 2 else np.nan
    return pd.Series({"members": n, "within": part.mean_abs_q[same].mean(), "between": pairs.mean_abs_q.mean(),
                      "error": error})


def main() -> None:
    parser = argparse.ArgumentParser(description="Means of overlaps of ensembles.")
    parser.add_argument("--overlaps", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("ensembles.csv"))
    options = parser.parse_args()
    table = pd.read_csv(options.overlaps, keep_default_na=False)
    keys = ["ensemble", "matched", "part", "spins", "of_t_ord"]
    table = table[table.groupby(keys).equilibrated.transform("min") == 1]
    if table.empty:
        sys.exit("error: no temperature at which all members equilibrated")
    made = table.groupby(keys).apply(row_of).reset_index().astype({"members": int})
    made.to_csv(options.output, index=False, float_format="%.4g", lineterminator="\n")
    print(f"{len(made)} rows in {options.output}")


if __name__ == "__main__":
    main()
