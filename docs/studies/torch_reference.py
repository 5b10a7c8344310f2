# SPDX-License-Identifier: BSD-3-Clause
"""Loss, gradient and Hessian-vector product of the shipped network by PyTorch, for tests/landscape/torch.cpp.

Needs python3-torch and dataset-fashion-mnist. Run from the top of the repository:

    python3 docs/studies/torch_reference.py                # writes tests/data/fashion_first_256.* and torch_reference.txt
    python3 docs/studies/torch_reference.py --time 200     # how long PyTorch takes for the points of a plane

Everything is computed in double precision from the float32 weights.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import struct
import time
from pathlib import Path

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np
import torch

NETWORK = Path("docs/networks/fashion_784-128-64-10_trained.safetensors")
DATA = Path("/usr/share/datasets/fashion-mnist")
OUT = Path("tests/data")
COUNT, EVERY = 256, 97


def load_safetensors(path: Path) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(content[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return tensors


def idx_bytes(name: str) -> bytes:
    return gzip.decompress((DATA / name).read_bytes())


def write_first_images() -> None:
    """The first COUNT test images and labels as IDX files of their own."""
    images, labels = idx_bytes("t10k-images-idx3-ubyte.gz"), idx_bytes("t10k-labels-idx1-ubyte.gz")
    cut = images[:4] + struct.pack(">I", COUNT) + images[8:16 + 784 * COUNT]
    (OUT / "fashion_first_256.images.gz").write_bytes(gzip.compress(cut, 9, mtime=0))
    (OUT / "fashion_first_256.labels").write_bytes(labels[:4] + struct.pack(">I", COUNT) + labels[8:8 + COUNT])


def read_samples(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = np.frombuffer(idx_bytes("t10k-images-idx3-ubyte.gz"), np.uint8, offset=16).reshape(-1, 784)[:count]
    labels = np.frombuffer(idx_bytes("t10k-labels-idx1-ubyte.gz"), np.uint8, offset=8)[:count]
    return torch.from_numpy(pixels.astype(np.float64) / 255), torch.from_numpy(labels.astype(np.int64))


def loss_of(parameters: torch.Tensor, shapes: list[tuple[int, ...]], x: torch.Tensor, labels: torch.Tensor):
    """Cross-entropy of a ReLU network whose parameters are weights and biases, layer by layer, in one vector."""
    at, a = 0, x
    for k in range(0, len(shapes), 2):
        size = math.prod(shapes[k])
        w = parameters[at:at + size].reshape(shapes[k])
        b = parameters[at + size:at + size + shapes[k + 1][0]]
        at += size + shapes[k + 1][0]
        a = torch.nn.functional.linear(a, w, b)
        if k + 2 < len(shapes):
            a = torch.relu(a)
    return torch.nn.functional.cross_entropy(a, labels)


def in_order(tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [tensors[f"{2 * layer}.{part}"] for layer in range(len(tensors) // 2) for part in ("weight", "bias")]


def write_reference() -> None:
    arrays = in_order(load_safetensors(NETWORK))
    shapes = [a.shape for a in arrays]
    parameters = torch.from_numpy(np.concatenate([a.ravel() for a in arrays]).astype(np.float64))
    # A vector of one formula, in two languages.
    v = torch.cos(0.7 * torch.arange(len(parameters), dtype=torch.float64))
    x, labels = read_samples(COUNT)
    f = lambda p: loss_of(p, shapes, x, labels)  # noqa: E731
    wanted = parameters.clone().requires_grad_(True)
    loss = f(wanted)
    (slope,) = torch.autograd.grad(loss, wanted, create_graph=True)
    (product,) = torch.autograd.grad(slope @ v, wanted)
    slope = slope.detach()
    lines = [f"# Made by docs/studies/torch_reference.py: PyTorch {torch.__version__}, {NETWORK}, the first {COUNT} test",
             "# images of Fashion-MNIST, cross-entropy, double precision. Parameters: weights, then biases, layer by layer.",
             "# v_i = cos(0.7 i). First the loss and the lengths of gradient g and product H v; then i, g_i, (H v)_i for",
             f"# each {EVERY}th parameter.",
             f"{loss.item():.15g} {slope.norm().item():.15g} {product.norm().item():.15g}"]
    lines += [f"{i} {slope[i].item():.12g} {product[i].item():.12g}" for i in range(0, len(parameters), EVERY)]
    (OUT / "torch_reference.txt").write_text("\n".join(lines) + "\n")


def time_plane(points: int) -> None:
    """float32, 10,000 images, two threads; one forward pass to a point, weights set in place."""
    torch.set_num_threads(2)
    arrays = in_order(load_safetensors(NETWORK))
    shapes = [a.shape for a in arrays]
    flat = lambda parts: torch.from_numpy(np.concatenate([p.ravel() for p in parts]).astype(np.float32))  # noqa: E731
    centre = flat(arrays)
    random = np.random.default_rng(1)
    d, e = (flat([0.01 * random.standard_normal(a.shape) for a in arrays]) for _ in range(2))
    x, labels = read_samples(10_000)
    x = x.float()
    with torch.no_grad():
        loss_of(centre, shapes, x, labels)
        begin = time.perf_counter()
        for k in range(points):
            a, b = (k % 100) / 50 - 1, (k // 100) / 50 - 1
            loss_of(centre + a * d + b * e, shapes, x, labels).item()
    each = (time.perf_counter() - begin) / points
    print(f"PyTorch {torch.__version__}: {1e3 * each:.2f} ms a point; 10,000 points {1e4 * each:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="PyTorch's figures for spinet's tests, and its time for a plane.")
    parser.add_argument("--time", type=int, metavar="POINTS", help="time so many points of a plane and write nothing")
    points = parser.parse_args().time
    if points:
        time_plane(points)
    else:
        write_first_images()
        write_reference()


if __name__ == "__main__":
    main()
