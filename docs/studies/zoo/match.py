# SPDX-License-Identifier: BSD-3-Clause
"""Members of deep ensembles, with their hidden neurons in one order.

    /usr/bin/python3 docs/studies/zoo/match.py --zoo zoo --output ensembles

Networks of one family and label that differ in their seeds are an ensemble. Layer by layer the hidden neurons of each member
are matched to those of the first by the assignment of the largest sum of correlations between their weights from the layer
below, which is in order already (as in Li et al., arXiv 1511.07543, with weights in the place of activations). Permuting
hidden neurons changes neither the function nor the spin glass, only the names of its spins. Matching finds some likeness in
anything: so members are also matched after their input pixels were put into a random order, which leaves nothing but chance.
Writes OUTPUT/networks/*.safetensors and OUTPUT/members.csv, whose column `matched` is 0 (in the order of training), 1
(matched) or 2 (by chance).
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from baselines import read_safetensors  # noqa: E402
from train_fashion_mnist import write_safetensors  # noqa: E402

import numpy as np  # noqa: E402
from scipy.optimize import linear_sum_assignment  # noqa: E402


def layers_of(tensors: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    names = sorted({name.rsplit(".", 1)[0] for name in tensors}, key=int)
    return [(name, tensors[f"{name}.weight"].copy(), tensors[f"{name}.bias"].copy()) for name in names]


def rows_of(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Each neuron's weights, without their mean and of length 1."""
    rows = np.column_stack([weight, bias]).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def matched(member: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    own, other = layers_of(member), layers_of(reference)
    made, order = {}, None
    for k, ((name, weight, bias), (_, reference_weight, reference_bias)) in enumerate(zip(own, other)):
        if order is not None:
            weight = weight[:, order]
        if k + 1 < len(own):
            gain = rows_of(reference_weight, reference_bias) @ rows_of(weight, bias).T
            order = linear_sum_assignment(-gain)[1]
            weight, bias = weight[order], bias[order]
        made[f"{name}.weight"], made[f"{name}.bias"] = np.ascontiguousarray(weight), np.ascontiguousarray(bias)
    return made


def with_pixels_in_disorder(tensors: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    name, weight, _ = layers_of(tensors)[0]
    order = np.random.default_rng([seed, 7]).permutation(weight.shape[1])
    return tensors | {f"{name}.weight": np.ascontiguousarray(weight[:, order])}


def main() -> None:
    parser = argparse.ArgumentParser(description="Ensembles, their hidden neurons matched.")
    parser.add_argument("--zoo", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("ensembles"), metavar="DIR")
    parser.add_argument("--families", default="width,depth")
    options = parser.parse_args()
    (options.output / "networks").mkdir(parents=True, exist_ok=True)
    ensembles: dict[str, list[dict[str, str]]] = {}
    with (options.zoo / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["family"] in options.families.split(",") and not row["twin"]:
                ensembles.setdefault(f"{row['family']}-{row['data']}-{row['label']}", []).append(row)
    with (options.output / "members.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "file", "ensemble", "matched"])
        for ensemble, members in ensembles.items():
            reference = read_safetensors(options.zoo / members[0]["file"])
            for row in members:
                plain = f"networks/{row['name']}.safetensors"
                shutil.copyfile(options.zoo / row["file"], options.output / plain)
                table.writerow([row["name"], plain, ensemble, 0])
                member = read_safetensors(options.zoo / row["file"])
                stranger = member if row is members[0] else with_pixels_in_disorder(member, int(row["seed"]))
                for kind, given in (("matched", member), ("chance", stranger)):
                    path = f"networks/{row['name']}-{kind}.safetensors"
                    metadata = {"matched_to": members[0]["name"], "activation": "relu"}
                    write_safetensors(options.output / path, matched(given, reference), metadata)
                    table.writerow([f"{row['name']}-{kind}", path, ensemble, 1 if kind == "matched" else 2])
    print(f"{len(ensembles)} ensembles in {options.output / 'members.csv'}")


if __name__ == "__main__":
    main()
