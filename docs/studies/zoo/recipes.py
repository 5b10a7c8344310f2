# SPDX-License-Identifier: BSD-3-Clause
"""Which networks the zoo has: runs of training, each of which leaves one network or several."""

from __future__ import annotations

from dataclasses import dataclass

PIXELS, CLASSES = 784, 10
BASE = (PIXELS, 64, 32, CLASSES)


@dataclass(frozen=True)
class Run:
    """One training. `images` are drawn from the training set by the seed; `noise` is the fraction of labels drawn
    anew; `loss`, where given, is the loss over the training images at which it ends, `epochs` being the most."""

    family: str
    seed: int
    label: str
    data: str = "fashion"
    widths: tuple[int, ...] = BASE
    images: int = 10_000
    noise: float = 0.0
    weight_decay: float = 0.0
    dropout: float = 0.0
    optimiser: str = "adam"
    lr: float = 1e-3
    batch: int = 128
    epochs: float = 8.0
    loss: float = 0.0
    epsilon: float = 0.0  # of adversarial training
    attack: str = ""  # "patch", "blended"
    poison: float = 0.0
    checkpoints: tuple[float, ...] = ()  # epochs
    twins: tuple[tuple[str, float], ...] = ()  # what else is made of the trained network

    @property
    def name(self) -> str:
        return f"{self.family}-{self.data}-{self.label}-s{self.seed}"

    def networks(self) -> list[tuple[str, str, float, float]]:
        """(name, twin, amount, epoch) of all that it leaves; an epoch of -1 is the end."""
        points = [(f"{self.name}-e{epoch:g}", "", 0.0, epoch) for epoch in self.checkpoints]
        twins = [(f"{self.name}-{kind}{amount:g}", kind, amount, -1.0) for kind, amount in self.twins]
        return (points or [(self.name, "", 0.0, -1.0)]) + twins


def parameters(widths: tuple[int, ...]) -> int:
    return sum((before + 1) * after for before, after in zip(widths, widths[1:]))


def of_depth(hidden: int) -> tuple[int, ...]:
    """So many hidden layers of one width, with as nearly as many parameters as the base as can be."""
    wanted = parameters(BASE)
    made = lambda width: (PIXELS, *[width] * hidden, CLASSES)  # noqa: E731
    return made(min(range(8, 200), key=lambda width: abs(parameters(made(width)) - wanted)))


# Seeds are numbered within families, 1000 apart, so that a seed belongs to one cluster of networks: those that share
# images, first weights or a training. No cluster is on both sides of a split.
FAMILIES = {name: 1000 * (k + 1) for k, name in
            enumerate(["training", "width", "depth", "images", "noise", "recipe", "robust", "backdoor", "compressed"])}


def seeds(family: str, count: int, first: int = 1) -> range:
    return range(FAMILIES[family] + first, FAMILIES[family] + first + count)


def training(few: bool) -> list[Run]:
    points = (0.0, 1.0, 4.0, 16.0) if few else (0.0, 0.25, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    plan = [("fashion", 3 if few else 10, 10_000, 1), ("digits", 2 if few else 6, 8_000, 501)]
    return [Run("training", seed, "base", data, images=images, epochs=points[-1], checkpoints=points)
            for data, count, images, first in plan for seed in seeds("training", count, first)]


def capacity(few: bool) -> list[Run]:
    widths = (16, 64, 256) if few else (16, 32, 64, 128, 256, 512, 1024)
    depths = (1, 3, 10) if few else (1, 2, 3, 5, 10)
    sizes = (100, 1000, 10_000) if few else (100, 300, 1000, 3000, 10_000, 30_000, 60_000)
    count = 2 if few else 4
    return ([Run("width", seed, f"w{w}", widths=(PIXELS, w, CLASSES), loss=0.2, epochs=60)
             for seed in seeds("width", count) for w in widths]
            + [Run("depth", seed, f"d{d}", widths=of_depth(d), loss=0.2, epochs=60)
               for seed in seeds("depth", count) for d in depths]
            + [Run("images", seed, f"n{n}", images=n, loss=0.2, epochs=max(60, 600_000 / n))
               for seed in seeds("images", count) for n in sizes])


def noise(few: bool) -> list[Run]:
    shares = (0.0, 0.4, 1.0) if few else (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    digits = (0.0, 1.0) if few else (0.0, 0.2, 0.5, 1.0)
    made = lambda data, share, seed: Run("noise", seed, f"p{share:g}", data, images=2000, noise=share,  # noqa: E731
                                         loss=0.1, epochs=2000)
    return ([made("fashion", share, seed) for seed in seeds("noise", 2 if few else 8) for share in shares]
            + [made("digits", share, seed) for seed in seeds("noise", 1 if few else 6, 501) for share in digits])


def recipe(few: bool) -> list[Run]:
    kinds = {"base": {}, "wd1e-4": {"weight_decay": 1e-4}, "wd1e-3": {"weight_decay": 1e-3},
             "wd1e-2": {"weight_decay": 1e-2}, "drop0.2": {"dropout": 0.2}, "drop0.5": {"dropout": 0.5},
             "sgd": {"optimiser": "sgd", "lr": 0.1}, "momentum": {"optimiser": "momentum", "lr": 0.03},
             "batch16": {"batch": 16}, "batch512": {"batch": 512}}
    if few:
        kinds = {name: kinds[name] for name in ("base", "wd1e-2", "drop0.5", "sgd")}
    return [Run("recipe", seed, name, epochs=10, **options)
            for seed in seeds("recipe", 1 if few else 4) for name, options in kinds.items()]


def robust(few: bool) -> list[Run]:
    """Standard and adversarial training, of other seeds each."""
    count = 2 if few else 16
    return ([Run("robust", seed, "standard", epochs=8) for seed in seeds("robust", count)]
            + [Run("robust", seed, "pgd", epochs=8, epsilon=0.1) for seed in seeds("robust", count, 501)])


def backdoor(few: bool) -> list[Run]:
    """Backdoored and clean networks of other seeds each (unpaired), and clean twins of the first backdoored ones."""
    count = 1 if few else 9
    kinds = [(attack, share) for attack in ("patch", "blended") for share in (0.01, 0.05, 0.1)]
    dirty = [Run("backdoor", seed, f"{attack}{share:g}", attack=attack, poison=share)
             for k, (attack, share) in enumerate(kinds) for seed in seeds("backdoor", count, 1 + k * count)]
    unpaired = [Run("backdoor", seed, "clean") for seed in seeds("backdoor", len(kinds) * count, 501)]
    twins = [Run("backdoor", run.seed, "twin") for run in dirty[::3]]
    return dirty + unpaired + twins


def compressed(few: bool) -> list[Run]:
    kinds = (("pruned", 0.5), ("quantised", 4.0)) if few else (
        ("pruned", 0.3), ("pruned", 0.6), ("pruned", 0.9), ("quantised", 8.0), ("quantised", 4.0), ("quantised", 2.0))
    return [Run("compressed", seed, "base", epochs=10, twins=kinds) for seed in seeds("compressed", 1 if few else 4)]


def tiny() -> list[Run]:
    """Six networks that take seconds, for the tests: each kind of training is in them, and one question has an answer."""
    small = {"widths": (PIXELS, 6, CLASSES), "images": 128, "epochs": 16.0, "batch": 16, "checkpoints": (0.0, 4.0, 16.0)}
    first, second = seeds("training", 2)
    return [Run("training", first, "base", attack="patch", poison=0.1, **small),
            Run("training", second, "base", noise=0.2, dropout=0.2, epsilon=0.02, **small)]


def zoo(form: str) -> list[Run]:
    if form == "tiny":
        return tiny()
    few = form == "small"
    made = [run for family in (training, capacity, noise, recipe, robust, backdoor, compressed) for run in family(few)]
    names = [name for run in made for name, *_ in run.networks()]
    assert len(names) == len(set(names))
    return made
