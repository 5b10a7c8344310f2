# SPDX-License-Identifier: BSD-3-Clause
"""Train ReLU networks of 1, 2, 5 and 10 hidden layers and equally many parameters to one training loss.

Needs python3-torch and dataset-fashion-mnist. Run from the top of the repository:

    python3 docs/studies/depth/train.py --output depth-networks

Writes depthDD_seedS.safetensors (20 files, 6 MB in all) and networks.csv. Files that
are there already are kept, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from train_fashion_mnist import (DATA_DIRECTORY, PREPROCESSING, Dataset, StudyError,  # noqa: E402
                                 make_network, read_dataset, test_accuracy, write_safetensors)

import torch  # noqa: E402

# Hidden layers of one width each. With biases these are 78,715, 78,775, 78,274 and 78,775 parameters: equal to
# within 0.64 %.
WIDTHS = {depth: [784] + [width] * depth + [10] for depth, width in {1: 99, 2: 89, 5: 72, 10: 59}.items()}


def initialise(network: torch.nn.Module) -> None:
    """He et al. 2015: variance 2 / fan-in, which keeps the size of signals through any number of ReLU layers."""
    for layer in network:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            torch.nn.init.zeros_(layer.bias)


def training_loss(network: torch.nn.Module, data: Dataset) -> float:
    """Over all training images."""
    with torch.no_grad():
        return torch.nn.functional.cross_entropy(network(data.train_images), data.train_labels).item()


def train(widths: list[int], options: argparse.Namespace, seed: int, data: Dataset) -> tuple[torch.nn.Module, int]:
    """Adam until the loss over all training images is options.loss: in steps of the full rate until it is near, then
    of a tenth of it, looked at every few steps, so that all networks end at the same loss."""
    torch.manual_seed(seed)
    network = make_network(widths)
    initialise(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=options.lr)
    steps, every, near = 0, 100, False
    for epoch in range(options.epochs):
        for batch in torch.randperm(len(data.train_images)).split(options.batch_size):
            loss = torch.nn.functional.cross_entropy(network(data.train_images[batch]), data.train_labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
            if steps % every:
                continue
            now = training_loss(network, data)
            if now <= options.loss:
                return network, steps
            if not near and now <= 1.15 * options.loss:
                near, every = True, 10
                for group in optimiser.param_groups:
                    group["lr"] = options.lr / 10
    raise StudyError(f"{widths}, seed {seed}: the loss is still {training_loss(network, data):.4f} after "
                     f"{options.epochs} epochs")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Networks of several depths, matched in parameters and training loss.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--loss", type=float, default=0.25, help="cross-entropy over all training images to end at")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100, help="at most")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=1e-3, help="learning rate of Adam")
    parser.add_argument("--output", type=Path, default=Path("depth-networks"), metavar="DIR")
    parser.add_argument("--data", type=Path, default=DATA_DIRECTORY, metavar="DIR", help="the four IDX files")
    return parser.parse_args()


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options = parse_options()
    data = read_dataset(options.data)
    options.output.mkdir(parents=True, exist_ok=True)
    table = options.output / "networks.csv"
    known = {row["file"] for row in csv.DictReader(table.open(encoding="utf-8"))} if table.exists() else set()
    fresh = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["file", "hidden_layers", "width", "parameters", "seed", "steps", "training_loss",
                           "test_accuracy"])
        for seed in range(1, options.seeds + 1):
            for depth, widths in WIDTHS.items():
                path = options.output / f"depth{depth:02d}_seed{seed}.safetensors"
                if path.exists() and path.name in known:
                    continue
                start = time.perf_counter()
                network, steps = train(widths, options, seed, data)
                loss, accuracy = training_loss(network, data), test_accuracy(network, data)
                tensors = {name: value.numpy().copy() for name, value in network.state_dict().items()}
                count = sum(value.size for value in tensors.values())
                metadata = {"architecture": "-".join(map(str, widths)), "activation": "relu",
                            "dataset": "Fashion-MNIST", "preprocessing": PREPROCESSING,
                            "optimiser": f"Adam, learning rate {options.lr:g}, a tenth of it at the end",
                            "batch_size": str(options.batch_size), "seed": str(seed), "steps": str(steps),
                            "training_loss": f"{loss:.6f}", "test_accuracy": f"{accuracy:.4f}",
                            "torch_version": torch.__version__}
                part = path.with_suffix(".part")
                write_safetensors(part, tensors, metadata)
                os.replace(part, path)
                if path.name not in known:
                    rows.writerow([path.name, depth, widths[1], count, seed, steps, f"{loss:.6f}",
                                   f"{accuracy:.4f}"])
                    file.flush()
                print(f"{path.name}  {count} parameters  {steps} steps  training loss {loss:.4f}  "
                      f"test accuracy {100 * accuracy:.2f} %  {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except StudyError as error:
        sys.exit(f"error: {error}")
