# SPDX-License-Identifier: BSD-3-Clause
"""How many replicas and sweeps are enough: the same networks by ever longer runs.

    /usr/bin/python3 docs/studies/zoo/cost.py --zoo zoo --program build/studies/studies/descriptors

Takes the networks with and without adversarial training and those of label noise 0, 40 and 100 %, and writes ZOO/cost.csv: for
each plan, the seconds a network, the share that passed the equilibration verdict (with errors of |q| up to 0.05), the root
mean square difference of the primary descriptor from the zoo's own, longer run with other random numbers, and how well it
separates: the area under the curve of robust training and the rank correlation with label noise. Finished runs are kept.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import features  # noqa: E402
from answers import PRIMARY, Area, Ranked, Zoo  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

PLANS = ((6, 250), (6, 1000), (6, 3000), (8, 1000), (16, 250), (16, 1000))  # replicas (the verdict asks for 6), sweeps
MATCH = "^(robust|noise-fashion-p(0|0\\.4|1)-)"


def measured(zoo: Path, program: str, replicas: int, sweeps: int, jobs: int) -> pd.DataFrame:
    output = zoo / "cost" / f"{replicas}x{sweeps}"
    done = subprocess.run([program, str(zoo / "manifest.csv"), "--output", str(output), "--match", MATCH, "--variants", "trained",
                    "--replicas", str(replicas), "--warmup", str(sweeps // 4), "--sweeps", str(sweeps), "--tolerance", "0.05",
                    "--seed", "2", "--jobs", str(jobs)], check=False)
    if done.returncode not in (0, 1):  # 1: a network was refused; it is not measured
        sys.exit(done.returncode)
    return pd.DataFrame([{"name": name, "measured": found[PRIMARY], "seconds_taken": found["seconds"]}
                         for (name, _), scalars, curves in features.read(output / "descriptors.csv")
                         for found in [features.features(scalars, curves)]])


def row_of(plan: tuple[int, int], zoo: Zoo, found: pd.DataFrame) -> dict[str, object]:
    both = zoo.networks.merge(found, on="name")
    there = both[both.measured.notna() & both[PRIMARY].notna()]
    row = {"replicas": plan[0], "sweeps": plan[1], "networks": len(both), "seconds": both.seconds_taken.median(),
           "share_measured": both.measured.notna().mean(),
           "rms_difference": float(np.sqrt(((there.measured - there[PRIMARY]) ** 2).mean())) if len(there) else np.nan}
    robust = there[there.family == "robust"].reset_index(drop=True)
    noise = there[there.family == "noise"].reset_index(drop=True)
    for name, result in (("robust_auc", Area(robust, robust.measured.to_numpy(), robust.robust.to_numpy() == 1)
                          if robust.robust.nunique() == 2 else None),
                         ("noise_rank_correlation", Ranked(noise, "measured", "noise") if len(noise) else None)):
        row[name] = result.value if result else np.nan
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of the descriptor, against what it separates.")
    parser.add_argument("--zoo", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--program", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    zoo, rows = Zoo(options.zoo), []
    for plan in PLANS:
        rows.append(row_of(plan, zoo, measured(options.zoo, options.program, *plan, options.jobs)))
    chosen = zoo.networks[zoo.networks.name.isin([n for n in zoo.networks.name if pd.Series([n]).str.contains(MATCH)[0]])]
    own = chosen[["name", PRIMARY, "seconds"]].rename(columns={PRIMARY: "measured", "seconds": "seconds_taken"})
    rows.append(row_of((0, int(chosen.sweeps.median())), zoo, own))
    with (options.zoo / "cost.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    print(f"{len(rows)} plans in {options.zoo / 'cost.csv'}; the last, with 0 for its replicas, is the zoo's own")


if __name__ == "__main__":
    main()
