# SPDX-License-Identifier: BSD-3-Clause
"""Train a ReLU network on Fashion-MNIST and save it before, during and after training.

Needs two Debian packages: python3-torch and dataset-fashion-mnist. Run from the top of the repository:

    python3 docs/studies/train_fashion_mnist.py --widths 784,128,64,10 --output docs/networks

Writes NAME_initial.safetensors, NAME_trained.safetensors and NAME_epochNNN.safetensors for each of --checkpoints,
and the data card of the run: the section NAME of OUTPUT/README.md.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import os
import shlex
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

# torch.set_num_threads does not reach an OpenBLAS built on pthreads, and a product summed by two threads differs
# in its last bits. OpenBLAS reads this when it is loaded, so it stands before the imports.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

try:
    import numpy as np
    import torch
except ImportError as missing:
    sys.exit(f"error: {missing}. On Debian: apt-get install python3-torch (it brings numpy), then /usr/bin/python3")

DATA_PACKAGE = "dataset-fashion-mnist"
DATA_DIRECTORY = Path("/usr/share/datasets/fashion-mnist")
TRAIN_IMAGES, TEST_IMAGES, SIDE = 60_000, 10_000, 28
PREPROCESSING = "pixel / 255, so inputs in [0, 1]"


class StudyError(Exception):
    """Bad input: main() prints the text and exits with 1."""


@dataclass(frozen=True)
class Dataset:
    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


@dataclass(frozen=True)
class Saved:
    """One written file and what the card says of it."""

    path: Path
    state: str
    epoch: int
    accuracy: float
    sha256: str
    tensors: dict[str, np.ndarray]


# ---------------------------------------------------------------- data


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A gzip-compressed IDX file of bytes of a known shape: magic 0, 0, 8, rank; big-endian sizes; data."""
    if not path.is_file():
        raise StudyError(f"{path} not found. Install the data with: apt-get install {DATA_PACKAGE} "
                         "(or name its directory with --data)")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as broken:
        raise StudyError(f"{path}: not a complete gzip file: {broken}") from broken
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    if not content.startswith(header):
        raise StudyError(f"{path}: expected the IDX header {list(header)} of {shape} bytes, "
                         f"found {list(content[:len(header)])}")
    if len(content) != len(header) + math.prod(shape):
        raise StudyError(f"{path}: the header promises {shape}, the file holds {len(content) - len(header)} bytes")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def read_part(directory: Path, part: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    images = read_idx(directory / f"{part}-images-idx3-ubyte.gz", (count, SIDE, SIDE))
    labels = read_idx(directory / f"{part}-labels-idx1-ubyte.gz", (count,))
    pixels = images.reshape(count, -1).astype(np.float32) / np.float32(255)
    return torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64))


def read_dataset(directory: Path) -> Dataset:
    return Dataset(*read_part(directory, "train", TRAIN_IMAGES), *read_part(directory, "t10k", TEST_IMAGES))


# ---------------------------------------------------------------- network


def make_network(widths: list[int]) -> torch.nn.Sequential:
    """Linear, ReLU, ..., Linear with PyTorch's default initialisation; tensors are 0.weight, 0.bias, 2.weight, ..."""
    modules: list[torch.nn.Module] = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        modules += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def test_accuracy(network: torch.nn.Module, data: Dataset) -> float:
    with torch.no_grad():
        hits = network(data.test_images).argmax(dim=1) == data.test_labels
    return hits.sum().item() / len(hits)


def train_one_epoch(network: torch.nn.Module, optimiser: torch.optim.Optimizer, data: Dataset,
                    batch_size: int) -> float:
    """One pass in a new random order; returns the mean cross-entropy met on the way."""
    total = 0.0
    for batch in torch.randperm(len(data.train_images)).split(batch_size):
        loss = torch.nn.functional.cross_entropy(network(data.train_images[batch]), data.train_labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(batch)
    return total / len(data.train_images)


# ---------------------------------------------------------------- files


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> str:
    """Writes float32 tensors in the given order and returns the SHA-256 of the file.

    Format: header length (8 bytes, little-endian), JSON header, data. Offsets count from the end of the header,
    which is padded with spaces so that the data starts at a multiple of 8.
    """
    header: dict[str, object] = {"__metadata__": metadata}
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    content = struct.pack("<Q", len(text)) + text + data
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def save(network: torch.nn.Module, options: argparse.Namespace, state: str, epoch: int, accuracy: float) -> Saved:
    tensors = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise StudyError(f"{name} is not finite after epoch {epoch}: the training diverged, try a smaller --lr")
    metadata = {
        "architecture": architecture_text(options),
        "activation": "relu",
        "dataset": "Fashion-MNIST",
        "preprocessing": PREPROCESSING,
        "optimiser": optimiser_text(options),
        "batch_size": str(options.batch_size),
        "seed": str(options.seed),
        "epochs": str(epoch),
        "test_accuracy": f"{accuracy:.4f}",
        "torch_version": torch.__version__,
    }
    path = options.output / f"{options.name}_{state}.safetensors"
    sha256 = write_safetensors(path, tensors, metadata)
    return Saved(path, state, epoch, accuracy, sha256, tensors)


# ---------------------------------------------------------------- data card


def weight_matrices(tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [values.astype(np.float64) for values in tensors.values() if values.ndim == 2]


def largest_coupling_eigenvalue(weights: list[np.ndarray]) -> float:
    """Of the symmetric matrix J over all neurons, with W_l between layers l - 1 and l."""
    starts = np.cumsum([0, weights[0].shape[1]] + [w.shape[0] for w in weights])
    couplings = np.zeros((starts[-1], starts[-1]))
    for w, column, row, end in zip(weights, starts, starts[1:], starts[2:]):
        couplings[row:end, column:row] = w
    return float(np.linalg.eigvalsh(couplings)[-1])  # eigvalsh reads the lower triangle only


def variance_formula_temperature(weights: list[np.ndarray]) -> float:
    """T_c of independent zero-mean weights of these variances: square root of B's largest eigenvalue."""
    widths = [weights[0].shape[1]] + [w.shape[0] for w in weights]
    b = np.zeros((len(widths), len(widths)))
    for layer, w in enumerate(weights):
        b[layer, layer + 1] = w.var() * widths[layer + 1]
        b[layer + 1, layer] = w.var() * widths[layer]
    return float(np.sqrt(np.linalg.eigvals(b).real.max()))


def package_version(package: str) -> str:
    try:
        query = ["dpkg-query", "--show", "--showformat=${Version}", package]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "not a Debian package here"


def data_source(directory: Path) -> str:
    return f"{DATA_PACKAGE} {package_version(DATA_PACKAGE)}" if directory == DATA_DIRECTORY else f"files in {directory}"


def architecture_text(options: argparse.Namespace) -> str:
    return "-".join(map(str, options.widths))


def optimiser_text(options: argparse.Namespace) -> str:
    return f"Adam, learning rate {options.lr:g}, weight decay {options.weight_decay:g}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]


def file_row(saved: Saved) -> list[str]:
    return [f"`{saved.path.name}`", str(saved.epoch), f"{100 * saved.accuracy:.2f} %",
            f"{saved.path.stat().st_size:,}", f"`{saved.sha256}`"]


def spectrum_row(saved: Saved) -> list[str]:
    weights = weight_matrices(saved.tensors)
    return [saved.state, f"{largest_coupling_eigenvalue(weights):.4f}", f"{variance_formula_temperature(weights):.4f}"]


def tensor_rows(saved: Saved) -> list[list[str]]:
    rows = []
    for name, values in saved.tensors.items():
        wide = values.astype(np.float64)
        largest = f"{np.linalg.norm(wide, 2):.4f}" if wide.ndim == 2 else ""
        rows.append([saved.state, f"`{name}`", " x ".join(map(str, wide.shape)), f"{wide.mean():+.5f}",
                     f"{wide.std():.5f}", largest])
    return rows


def make_card(options: argparse.Namespace, files: list[Saved]) -> str:
    command = shlex.join(["python3", *sys.argv])
    facts = [
        ["architecture", f"{architecture_text(options)}, ReLU between the linear layers, none after the last"],
        ["parameters", f"{sum(values.size for values in files[0].tensors.values()):,}, float32"],
        ["initialisation", "PyTorch's default for `Linear`: uniform in ±1/sqrt(fan-in), weights and biases"],
        ["preprocessing", PREPROCESSING],
        ["training", f"{options.epochs} epochs over all {TRAIN_IMAGES:,} training images, cross-entropy; "
                     "no augmentation, no early stopping; the test images select nothing"],
        ["optimiser", optimiser_text(options)],
        ["batch size", str(options.batch_size)],
        ["seed", str(options.seed)],
        ["torch", f"{torch.__version__} (python3-torch {package_version('python3-torch')})"],
        ["data", f"Fashion-MNIST, {data_source(options.data)}; "
                 "MIT licence (Debian calls it Expat), copyright 2017 Zalando SE"],
    ]
    lines = [f"## {options.name}", "", "Made from the top of the repository by", "", f"    {command}", ""]
    lines += table(["", ""], facts)
    lines += ["", f"Accuracy is the fraction of the {TEST_IMAGES:,} test images named correctly; its sampling error is "
              f"{100 * accuracy_error(files[-1].accuracy):.1f} % for the last file.", ""]
    lines += table(["file", "epochs", "test accuracy", "bytes", "SHA-256"], [file_row(f) for f in files])
    lines += ["", "lambda_max(J) is the largest eigenvalue of the symmetric coupling matrix over all neurons, raw "
              "weights, no biases. T_formula is the variance formula, which assumes independent zero-mean weights; "
              "trained weights are neither, so it is not their transition temperature.", ""]
    lines += table(["state", "lambda_max(J)", "T_formula"], [spectrum_row(f) for f in files])
    lines += ["", "Standard deviations are about the mean, over all entries. Weights are fan-out x fan-in: "
              "y = W x + b.", ""]
    lines += table(["state", "tensor", "shape", "mean", "std", "largest singular value"],
                   [row for f in files for row in tensor_rows(f)])
    return "\n".join(lines) + "\n"


def accuracy_error(accuracy: float) -> float:
    return math.sqrt(accuracy * (1 - accuracy) / TEST_IMAGES)


def write_card(path: Path, name: str, card: str) -> None:
    """Replaces this network's section between its two marks and leaves the rest of the file; appends a new one."""
    begin, end = f"<!-- card of {name}: begin -->\n", f"<!-- card of {name}: end -->\n"
    new = "<!-- SPDX-License-Identifier: BSD-3-Clause -->\n# Data cards\n"
    old = path.read_text(encoding="utf-8") if path.exists() else new
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    if found and not closed:
        raise StudyError(f"{path}: '{begin.strip()}' has no '{end.strip()}'; mend the file by hand")
    if not found:
        before += "\n"
    path.write_text(before + begin + card + end + after, encoding="utf-8")


# ---------------------------------------------------------------- program


def integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a ReLU network on Fashion-MNIST and save it as safetensors.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--widths", type=integers, default="784,128,64,10", help="layer sizes, input first")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the initial weights and of the order of the images")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--checkpoints", type=integers, default=[], metavar="EPOCHS",
                        help="also save after these epochs, e.g. 1,2,5")
    parser.add_argument("--no-initial", action="store_true", help="do not save the network before training")
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR", help="where the files go")
    parser.add_argument("--name", help="start of the file names (default: fashion_WIDTHS)")
    parser.add_argument("--data", type=Path, default=DATA_DIRECTORY, metavar="DIR", help="the four IDX files")
    options = parser.parse_args()
    options.name = options.name or f"fashion_{architecture_text(options)}"
    check_options(options)
    return options


def check_options(options: argparse.Namespace) -> None:
    if len(options.widths) < 2 or options.widths[0] != 784 or options.widths[-1] != 10 or min(options.widths) < 1:
        raise StudyError(f"--widths must be positive, begin with 784 pixels and end with 10 classes: {options.widths}")
    if options.epochs < 1 or options.batch_size < 1 or not options.lr > 0 or not options.weight_decay >= 0:
        raise StudyError("--epochs, --batch-size and --lr must be positive, --weight-decay not negative")
    beyond = [epoch for epoch in options.checkpoints if not 1 <= epoch <= options.epochs]
    if beyond:
        raise StudyError(f"--checkpoints {beyond} are not among the epochs 1 to {options.epochs}")


def train_and_save(options: argparse.Namespace, data: Dataset) -> list[Saved]:
    torch.manual_seed(options.seed)
    network = make_network(options.widths)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    accuracy = test_accuracy(network, data)
    files = [] if options.no_initial else [save(network, options, "initial", 0, accuracy)]
    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        loss = train_one_epoch(network, optimiser, data, options.batch_size)
        accuracy = test_accuracy(network, data)
        print(f"epoch {epoch:3d}  train loss {loss:.4f}  test accuracy {100 * accuracy:.2f} %  "
              f"{time.perf_counter() - start:.1f} s", flush=True)
        if epoch in options.checkpoints:
            files.append(save(network, options, f"epoch{epoch:03d}", epoch, accuracy))
    files.append(save(network, options, "trained", options.epochs, accuracy))
    return files


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options = parse_options()
    data = read_dataset(options.data)
    options.output.mkdir(parents=True, exist_ok=True)
    files = train_and_save(options, data)
    print(f"final test accuracy {100 * files[-1].accuracy:.2f} %")
    for saved in files:
        print(f"{saved.sha256}  {saved.path}")
    card = options.output / "README.md"
    write_card(card, options.name, make_card(options, files))
    print(f"data card: section {options.name} of {card}")


if __name__ == "__main__":
    try:
        main()
    except StudyError as error:
        sys.exit(f"error: {error}")
