# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of docs/studies/descriptor.md, from the tables alone.

    /usr/bin/python3 docs/studies/zoo/figures.py --tables docs/studies/zoo/tables --answers docs/studies/zoo/tables --output docs/pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from answers import PRIMARY, load  # noqa: E402

plt.rcParams.update({"font.size": 10, "axes.grid": True, "grid.alpha": 0.3, "figure.dpi": 110})


def mean_curve(data: pd.DataFrame, curves: pd.DataFrame, names, unit: str, grid: np.ndarray):
    """Mean over networks of <|q|> at multiples of `unit`, where all of them equilibrated."""
    values = []
    for name in names:
        own = curves[(curves.name == name) & (curves.equilibrated == 1)].sort_values("temperature")
        if own.empty:
            continue
        scale = 1.0 if unit == "" else float(data.loc[data.name == name, unit].iloc[0])
        x = own.temperature.to_numpy() / scale
        y = np.interp(np.log(grid), np.log(x), own.mean_abs_q.to_numpy(), left=np.nan, right=np.nan)
        values.append(y)
    return np.mean(values, axis=0) if values else np.full(len(grid), np.nan)


def progress(data: pd.DataFrame, curves: pd.DataFrame, path: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), sharey=True)
    part = data[(data.family == "training") & (data.data == "fashion")]
    epochs = sorted(part.epoch.unique())
    colours = plt.cm.viridis(np.linspace(0, 0.95, len(epochs)))
    for axis, unit, label in zip(axes, ("", "t_ord", "t_formula"), ("T", "T / T_ord", "T / T_formula")):
        grid = np.geomspace(0.3, 20, 120) if unit == "" else np.geomspace(0.15, 4, 120)
        for epoch, colour in zip(epochs, colours):
            names = part[part.epoch == epoch].name
            axis.plot(grid, mean_curve(data, curves, names, unit, grid), color=colour, label=f"{epoch:.3g} epochs")
        axis.set_xscale("log")
        axis.set_xlabel(label)
    axes[0].set_ylabel("<|q|>, mean over seeds, where all equilibrated")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def strip(axis, groups: dict[str, pd.DataFrame], column: str) -> None:
    random = np.random.default_rng(1)
    for k, (name, part) in enumerate(groups.items()):
        values = part[column].dropna()
        axis.plot(k + 0.12 * random.standard_normal(len(values)), values, ".", alpha=0.6)
        if len(values):
            axis.plot([k - 0.3, k + 0.3], [values.median()] * 2, "k-", lw=1.5)
    axis.set_xticks(range(len(groups)), list(groups), rotation=40, ha="right")


def classes(data: pd.DataFrame, path: Path) -> None:
    figure, axes = plt.subplots(1, 4, figsize=(15, 4.4))
    of = lambda family: data[(data.family == family) & (data.twin == "")]  # noqa: E731
    noise = of("noise")[of("noise").data == "fashion"]
    strip(axes[0], {f"{share:.0%}": part for share, part in noise.groupby("noise")}, PRIMARY)
    axes[0].set_title("label noise, equal training loss")
    strip(axes[1], dict(list(of("recipe").groupby("label"))), PRIMARY)
    axes[1].set_title("recipes")
    strip(axes[2], dict(list(of("robust").groupby("label"))), PRIMARY)
    axes[2].set_title("adversarial training")
    unpaired = of("backdoor")[of("backdoor").label != "twin"]
    strip(axes[3], dict(list(unpaired.groupby("label"))), PRIMARY)
    axes[3].set_title("backdoors")
    axes[0].set_ylabel("<|q|> at T_ord / 2")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def sets(answers: pd.DataFrame, path: Path) -> None:
    part = answers[answers.kind == "set"]
    questions = list(dict.fromkeys(zip(part.question, part.subject, part.measure)))
    names = ["curve", "null's curve", "mean field", "weights", "weights and mean field", "weights, mean field and curve"]
    figure, axis = plt.subplots(figsize=(11, 0.62 * len(questions) + 1.5))
    for n, name in enumerate(names):
        rows = part[part.by == name]
        for k, (question, subject, measure) in enumerate(questions):
            row = rows[(rows.question == question) & (rows.subject == subject)]
            if row.empty:
                continue
            row, y = row.iloc[0], -k - 0.1 * n + 0.25
            axis.plot([max(row.low, -1), row.high], [y, y], "-", color=f"C{n}", lw=1)
            axis.plot(max(row.value, -1), y, "o", color=f"C{n}", ms=4, label=name if k == 0 else None)
    axis.set_yticks([-k for k in range(len(questions))], [f"{q}, {s} ({m})" for q, s, m in questions])
    axis.set_xlim(-1, 1.02)
    axis.axvline(0.5, color="gray", lw=0.8, ls=":")
    axis.axvline(0, color="gray", lw=0.8)
    axis.set_xlabel("R2 or AUC on clusters that were not fitted, with 95 % of bootstraps (cut at -1)")
    axis.legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="The pictures of the report.")
    parser.add_argument("--tables", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--answers", type=Path, default=Path("answers"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    data, curves = load(options.tables), pd.read_csv(options.tables / "curves.csv")
    progress(data, curves, options.output / "zoo_progress.png")
    classes(data, options.output / "zoo_classes.png")
    sets(pd.read_csv(options.answers / "answers.csv"), options.output / "zoo_sets.png")


if __name__ == "__main__":
    main()
