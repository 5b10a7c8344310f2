# SPDX-License-Identifier: BSD-3-Clause
"""How far rescaling moves the primary descriptor, by its size: on the two networks of docs/networks, 8 draws of factors each.

    /usr/bin/python3 docs/studies/zoo/rescaling.py --program build/studies/descriptors --work rescaling --output docs/studies/zoo/tables

Hidden neurons are multiplied by exp(spread x), x standard normal. Writes rescaling.csv: for each network and spread, how many of the
draws were measured at half of their T_ord, the mean of T_ord and of the descriptor, and the root mean square of its change from the
mean of the network as it is. Spread 0 is the network as it is, sampled 8 times: the error of sampling. Finished runs are kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import features  # noqa: E402
from answers import PRIMARY  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

SPREADS, DRAWS, NETWORKS = (0.0, 0.125, 0.25, 0.5, 1.0), 8, ("initial", "trained")
PLAN = ["--jobs", "1", "--replicas", "8", "--coldest", "0.5", "--tolerance", "0.03"]  # as remake.sh


def run(program: str, work: Path, spread: float) -> Path:
    output = work / f"s{spread:g}"
    variant = ["--variants", "rescaled", "--rescaling-spread", f"{spread:g}"] if spread > 0 else ["--variants", "trained"]
    for more in (["--warmup", "500", "--sweeps", "2000"], ["--warmup", "2000", "--sweeps", "8000", "--again"]):
        done = subprocess.run([program, str(work / "manifest.csv"), "--output", str(output), *variant, *PLAN, *more], check=False)
        if done.returncode:
            sys.exit(done.returncode)
    return output / "descriptors.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description="Change of the descriptor by rescaling, against its size.")
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", type=Path, default=Path("rescaling"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    networks = Path(__file__).resolve().parents[2] / "networks"
    rows = [f"{name}-{k},{networks / f'fashion_784-128-64-10_{name}.safetensors'}"  # factors are drawn by the name
            for name in NETWORKS for k in range(1, DRAWS + 1)]
    (options.work / "manifest.csv").write_text("\n".join(["name,file", *rows]) + "\n", encoding="utf-8")
    own, table = {}, []
    for spread in SPREADS:
        found = pd.DataFrame([{"network": name.rsplit("-", 1)[0], **features.features(scalars, curves)} for (name, _), scalars, curves
                              in features.read(run(options.program, options.work, spread))])
        for name, part in found.groupby("network"):
            value = part[PRIMARY].dropna()
            own.setdefault(name, value.mean())
            table.append({"network": name, "spread": spread, "draws": len(part), "measured": len(value), "t_ord": part.t_ord.mean(),
                          "mean": value.mean(), "rms_change": np.sqrt(((value - own[name]) ** 2).mean())})
    table = pd.DataFrame(table).sort_values(["network", "spread"], ascending=[False, True])
    table.to_csv(options.output / "rescaling.csv", index=False, float_format="%.4g", lineterminator="\n")


if __name__ == "__main__":
    main()
