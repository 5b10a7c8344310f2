# SPDX-License-Identifier: BSD-3-Clause
"""What a sceptic would look at instead: numbers of each network's weights, and of its loss where data is allowed.

    /usr/bin/python3 docs/studies/zoo/baselines.py --zoo zoo --form full     # writes zoo/baselines.csv
    /usr/bin/python3 docs/studies/zoo/baselines.py --zoo . --form own        # of the safetensors or npz files of ./manifest.csv

Definitions: an eigenvalue is a squared singular value of a layer's W. alpha is the exponent of a power law fitted to the
tail of the eigenvalues by maximum likelihood, from the x_min of the smallest Kolmogorov-Smirnov distance (Clauset,
Shalizi, Newman, SIAM Review 51, 661 (2009)); weighted alpha is the mean of alpha log10(largest eigenvalue) over layers
(Martin, Peng, Mahoney, Nature Communications 12, 4122 (2021), the alpha-hat of WeightWatcher, which leaves out layers of
fewer than 50 eigenvalues; where no layer has as many, the first layer counts). Sharpness is the largest eigenvalue of the
loss's Hessian on a thousand training images; networks of one's own come without data, and get none.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import struct
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import images as pictures  # noqa: E402
import train as training  # noqa: E402
from images import StudyError  # noqa: E402
from recipes import Run, zoo  # noqa: E402

import multiprocessing  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

SHARP_IMAGES, SHARP_STEPS = 1000, 30


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    try:
        size, = struct.unpack("<Q", content[:8])
        header = json.loads(content[8:8 + size])
        header.pop("__metadata__", None)
        return {name: tensor_of(content, 8 + size, at) for name, at in header.items()}
    except (struct.error, ValueError, KeyError, AttributeError, TypeError) as error:
        raise StudyError(f"{path}: {error!r}") from None


def tensor_of(content: bytes, start: int, at: dict) -> np.ndarray:
    """Values as float32 or wider; a bfloat16 is the upper half of a float32."""
    stored = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}[at["dtype"]]
    values = np.frombuffer(content, stored, offset=start + at["data_offsets"][0], count=int(np.prod(at["shape"])))
    if at["dtype"] == "BF16":
        values = (values.astype("<u4") << 16).view("<f4")
    return (values.astype("<f4") if at["dtype"] == "F16" else values).reshape(at["shape"])


def in_natural_order(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Layer 2 before layer 10. Files are not bound to keep the order of layers."""
    parts = lambda name: [(part.isdigit(), int(part) if part.isdigit() else part)  # noqa: E731
                          for part in re.split(r"(\d+)", name)]
    return {name: tensors[name] for name in sorted(tensors, key=parts)}


def of_file(task: tuple[str, Path]) -> dict[str, object]:
    name, path = task
    try:
        if path.suffix == ".npz":
            with np.load(path) as file:
                tensors = {key: file[key] for key in file.files}
        else:
            tensors = read_safetensors(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise StudyError(f"{path}: {error}") from None
    # A convolution counts as the matrix of its filters.
    tensors = {key: value.reshape(len(value), -1) if value.ndim > 2 else value for key, value in tensors.items()
               if value.dtype.kind == "f" and value.size}
    if not any(value.ndim == 2 for value in tensors.values()):
        raise StudyError(f"{path}: no matrix of weights")
    if not all(np.isfinite(value).all() for value in tensors.values()):
        raise StudyError(f"{path}: a weight is not finite")
    found = of_weights(in_natural_order(tensors))
    norm = np.sqrt(sum(float((value.astype(np.float64) ** 2).sum()) for value in tensors.values() if value.ndim == 2))
    return {"name": name} | found | {"weight_norm": norm}


def power_law(values: np.ndarray) -> tuple[float, float]:
    """(exponent, x_min) of the tail of positive values; at least 5 of them are in the tail."""
    x = np.sort(values[values > 1e-12 * values.max()])
    best = (np.inf, np.nan, np.nan)
    for first in range(max(1, len(x) - 4)):
        tail = x[first:]
        logs = np.log(tail / tail[0]).sum()
        if logs <= 0:
            continue
        exponent = 1 + len(tail) / logs
        model = 1 - (tail / tail[0]) ** (1 - exponent)
        n = len(tail)
        distance = max(np.abs(model - np.arange(n) / n).max(), np.abs(model - np.arange(1, n + 1) / n).max())
        if distance < best[0]:
            best = (distance, exponent, tail[0])
    return best[1], best[2]


def of_weights(tensors: dict[str, np.ndarray]) -> dict[str, float]:
    weights = [w.astype(np.float64) for w in tensors.values() if w.ndim == 2]
    biases = np.concatenate([b.astype(np.float64) for b in tensors.values() if b.ndim == 1])
    spectra = [np.linalg.svd(w, compute_uv=False) ** 2 for w in weights]
    counted = [e for e in spectra if len(e) >= 50] or spectra[:1]
    alphas = [power_law(e)[0] for e in counted]
    first, last = weights[0], weights[-1]
    moments = lambda w: (w.mean() / w.std(), ((w - w.mean()) ** 3).mean() / w.std() ** 3,  # noqa: E731
                         ((w - w.mean()) ** 4).mean() / w.std() ** 4)
    found = {
        "alpha": np.mean(alphas),
        "alpha_weighted": np.mean([a * np.log10(e[0]) for a, e in zip(alphas, counted)]),
        "stable_rank": np.mean([e.sum() / e[0] for e in spectra]),
        "log_norm": np.mean([np.log10(e.sum()) for e in spectra]),
        "log_spectral_norm": np.mean([np.log10(e[0]) for e in spectra]),
        "bias_rms": np.sqrt((biases ** 2).mean()),
    }
    for name, w, e in (("first", first, spectra[0]), ("last", last, spectra[-1])):
        mean, skew, kurtosis = moments(w)
        found |= {f"{name}_std": w.std(), f"{name}_mean": mean, f"{name}_skew": skew, f"{name}_kurtosis": kurtosis,
                  f"{name}_singular": np.sqrt(e[0]), f"{name}_singular2": np.sqrt(e[1]) if len(e) > 1 else 0.0,
                  f"{name}_stable_rank": e.sum() / e[0]}
    return {name: float(value) for name, value in found.items()}


def sharpness(network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """By power iteration: the eigenvalue of the largest size, which is positive after training."""
    parameters = list(network.parameters())
    slope = torch.autograd.grad(torch.nn.functional.cross_entropy(network(x), y), parameters, create_graph=True)
    random = torch.Generator().manual_seed(1)
    v = [torch.randn(p.shape, generator=random) for p in parameters]
    value = 0.0
    for _ in range(SHARP_STEPS):
        norm = sum((t * t).sum() for t in v).sqrt()
        v = [t / norm for t in v]
        hv = torch.autograd.grad(sum((g * t).sum() for g, t in zip(slope, v)), parameters, retain_graph=True)
        value = float(sum((h * t).sum() for h, t in zip(hv, v)))
        v = [h.detach() for h in hv]
    return value


def of_network(task: tuple[Run, str, Path]) -> dict[str, object]:
    run, name, directory = task
    torch.set_num_threads(1)
    tensors = read_safetensors(directory / "networks" / f"{name}.safetensors")
    network = training.make_network(run).eval()
    network.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in tensors.items()})
    x, y, _ = training.training_set(run, training.DATA[run.data])
    return {"name": name} | of_weights(tensors) | {"sharpness": sharpness(network, x[:SHARP_IMAGES], y[:SHARP_IMAGES])}


def networks_of(options: argparse.Namespace) -> list[tuple[Run, str, Path]]:
    runs = zoo(options.form)
    training.load_data(runs, options.form, options.zoo)
    tasks = [(run, name, options.zoo) for run in runs for name, *_ in run.networks()
             if (options.zoo / "records" / f"{name}.json").exists()]
    if not tasks:
        raise StudyError(f"no networks of the form {options.form} in {options.zoo}; train them first")
    return tasks


def files_of(directory: Path) -> list[tuple[str, Path]]:
    manifest = directory / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            tasks = [(row["name"], directory / row["file"]) for row in csv.DictReader(file)]
    except OSError as error:
        raise StudyError(str(error)) from None
    except (KeyError, TypeError):
        raise StudyError(f"{manifest}: expected columns 'name' and 'file' in each row") from None
    if not tasks:
        raise StudyError(f"{manifest}: no networks")
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser(description="Baselines of each network of the zoo.")
    parser.add_argument("--zoo", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--form", choices=["full", "small", "tiny", "own"], default="full")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    of_task, tasks = (of_file, files_of(options.zoo)) if options.form == "own" else (of_network, networks_of(options))
    rows = []
    with multiprocessing.get_context("fork").Pool(options.workers) as pool:
        for row in pool.imap(of_task, tasks):
            rows.append(row)
            if len(rows) % 50 == 0:
                print(f"{len(rows)}/{len(tasks)}", flush=True)
    part = options.zoo / "baselines.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
                        for row in rows)
    os.replace(part, options.zoo / "baselines.csv")
    print(f"{len(rows)} networks in {options.zoo / 'baselines.csv'}")


if __name__ == "__main__":
    try:
        main()
    except StudyError as error:
        sys.exit(f"error: {error}")
