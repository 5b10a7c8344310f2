# SPDX-License-Identifier: BSD-3-Clause
"""The pictures of docs/studies/descriptor.md, from the tables alone.

    /usr/bin/python3 docs/studies/zoo/figures.py --tables docs/studies/zoo/tables --output docs/images
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from answers import ASKED, PRIMARY, TableError, Zoo, read_table  # noqa: E402

import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import matplotlib.ticker  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

plt.rcParams.update({"font.size": 10, "axes.grid": True, "grid.alpha": 0.3, "figure.dpi": 100})


def save(figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def mean_curve(zoo: Zoo, part: pd.DataFrame, unit: str, grid: np.ndarray) -> np.ndarray:
    """Mean over networks of <|q|> at multiples of `unit`, where all of them equilibrated."""
    values = []
    for _, row in part.iterrows():
        own = zoo.curves.get(row["name"])
        if own is None:
            return np.full(len(grid), np.nan)
        x = np.log(own.temperature.to_numpy() / (1.0 if unit == "" else row[unit]))
        values.append(np.interp(np.log(grid), x, own.mean_abs_q.to_numpy(), left=np.nan, right=np.nan))
    return np.mean(values, axis=0)


def grid_of(zoo: Zoo, part: pd.DataFrame, unit: str) -> np.ndarray:
    """From the coldest to the hottest temperature of any network."""
    ends = [own.temperature.to_numpy()[[0, -1]] / (1.0 if unit == "" else row[unit]) for _, row in part.iterrows()
            if (own := zoo.curves.get(row["name"])) is not None]
    return np.geomspace(np.min(ends), np.max(ends), 160) if ends else np.geomspace(0.1, 1, 2)


def rows_of_report(zoo: Zoo):
    return ((zoo.of("training"), "epoch", "{:.3g} epochs"), (zoo.of("noise"), "noise", "{:.0%} label noise"),
            (zoo.of("robust"), "robust", "{:.0f}"))


def rows_asked(zoo: Zoo, answers: pd.DataFrame):
    """Of one's own zoo: what was asked, where there are few enough values for a colour each."""
    for column in dict.fromkeys(answers.subject):
        numbers = pd.to_numeric(zoo.networks[column].replace("", np.nan))
        if 2 <= numbers.nunique() <= 12:
            yield zoo.networks.assign(**{column: numbers})[numbers.notna()], column, column + " {:g}"


def curves(zoo: Zoo, rows, path: Path) -> None:
    """A line of three axes for each (networks, column, how its values are told)."""
    figure, axes = plt.subplots(len(rows), 3, figsize=(12.5, 3.33 * len(rows)), sharey="row", squeeze=False)
    for line, (frame, column, text) in zip(axes, rows):
        classes = sorted(frame[column].unique())
        colours = plt.cm.viridis(np.linspace(0, 0.9, max(2, len(classes))))
        for axis, unit, label in zip(line, ("", "t_ord", "t_formula"), ("T", "T / T_ord", "T / T_formula")):
            grid = grid_of(zoo, frame, unit)
            for value, colour in zip(classes, colours):
                name = ("standard", "adversarial training")[int(value)] if column == "robust" else text.format(value)
                axis.plot(grid, mean_curve(zoo, frame[frame[column] == value], unit, grid), color=colour, label=name)
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
            axis.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
            axis.set_xlabel(label)
        line[0].set_ylabel("mean of <|q|>, where all equilibrated")
        if classes:
            line[0].legend(fontsize=8)
    save(figure, path)


def strip(axis, groups: dict[str, pd.DataFrame], column: str) -> None:
    random = np.random.default_rng(1)
    for k, part in enumerate(groups.values()):
        values = part[column].dropna()
        axis.plot(k + 0.12 * random.standard_normal(len(values)), values, ".", alpha=0.6)
        if len(values):
            axis.plot([k - 0.3, k + 0.3], [values.median()] * 2, "k-", lw=1.5)
    axis.set_xticks(range(len(groups)), list(groups), rotation=40, ha="right")


def classes(zoo: Zoo, path: Path) -> None:
    figure, axes = plt.subplots(2, 3, figsize=(13, 8))
    unpaired = zoo.of("backdoor")[zoo.of("backdoor").label != "twin"]
    groups = (("training", {f"{e:.3g}": part for e, part in zoo.of("training").groupby("epoch")}, "epochs of training"),
              ("noise", {f"{share:.0%}": part for share, part in zoo.of("noise").groupby("noise")},
               "label noise, equal training loss"),
              ("size", {f"w{p}": part for p, part in zoo.of("width").groupby(zoo.of("width").label.str[1:].astype(int))}
               | {f"d{d}": part for d, part in zoo.of("depth").groupby("hidden_layers")}
               | {f"n{n}": part for n, part in zoo.of("images").groupby("images")},
               "widths, depths, images; equal training loss"),
              ("recipe", dict(list(zoo.of("recipe").groupby("label"))), "recipes"),
              ("robust", {("standard", "adversarial")[k]: part for k, part in zoo.of("robust").groupby("robust")},
               "adversarial training"),
              ("backdoor", dict(list(unpaired.groupby("label"))), "backdoors"))
    for axis, (_, parts, title) in zip(axes.flat, groups):
        strip(axis, parts, PRIMARY)
        axis.set_title(title)
        axis.set_ylabel("<|q|> at T_ord / 2")
    save(figure, path)


def sets(answers: pd.DataFrame, path: Path) -> None:
    part = answers[answers.kind == "set"]
    questions = [q for q in dict.fromkeys(zip(part.question, part.subject, part.measure)) if "%" not in q[1]]
    names = ["curve", "null's curve", "mean field", "weights", "weights and mean field", "weights, mean field and curve"]
    figure, axis = plt.subplots(figsize=(11, 0.62 * len(questions) + 2))
    for n, name in enumerate(names):
        named = False
        for k, (question, subject, measure) in enumerate(questions):
            row = part[(part.by == name) & (part.question == question) & (part.subject == subject)]
            if row.empty:
                continue
            row, y = row.iloc[0], -k - 0.13 * n + 0.32
            axis.plot([max(row.low, -1), max(row.high, -1)], [y, y], "-", color=f"C{n}", lw=1.2)
            axis.plot(max(row.value, -1), y, "o" if row.value >= -1 else "<", color=f"C{n}", ms=4,
                      label=None if named else name)
            named = True
    axis.set_yticks([-k for k in range(len(questions))], [f"{q}, {s} ({m})" for q, s, m in questions])
    for k in range(len(questions) - 1):
        axis.axhline(-k - 0.55, color="gray", lw=0.4)
    axis.grid(axis="y", visible=False)
    axis.set_xlim(-1.02, 1.02)
    axis.axvline(0.5, color="gray", lw=0.8, ls=":")
    axis.axvline(0, color="gray", lw=0.8)
    axis.set_xlabel("R2 (nothing: 0) or AUC (nothing: 0.5) on clusters not fitted to, with 95 % intervals (cut at -1)")
    if questions:
        axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=3)
    save(figure, path)


def mappings(answers: pd.DataFrame, path: Path) -> None:
    """The primary descriptor of other mappings and nulls, beside that of the network."""
    names = ["trained", "rescaled", "balanced", "centred", "no_biases", "no_inputs", "no_outputs", "unit_layers", "shuffled",
             "redrawn", "trained less shuffled", "trained less redrawn", "centred less centred_shuffled"]
    part = answers[answers.kind.isin(["primary", "mapping", "less null"]) & answers.measure.isin(["rank correlation", "AUC"])]
    part = part.assign(by=part.by.replace(PRIMARY, "trained"),
                       value=np.where(part.measure == "AUC", 2 * part.value - 1, part.value),
                       unsure=(part.low - (part.measure == "AUC") * 0.5) * (part.high - (part.measure == "AUC") * 0.5) <= 0)
    questions = [q for q in dict.fromkeys(zip(part.question, part.subject))
                 if "%" not in q[1] and (part[part.question == q[0]].kind == "mapping").any()]
    figure, axis = plt.subplots(figsize=(11, 0.42 * len(questions) + 3))
    table = np.full((len(questions), len(names)), np.nan)
    for k, (question, subject) in enumerate(questions):
        for n, name in enumerate(names):
            row = part[(part.question == question) & (part.subject == subject) & (part.by == name)]
            if len(row):
                table[k, n] = row.value.iloc[0]
                axis.text(n, k, f"{row.value.iloc[0]:+.2f}" + (" ?" if row.unsure.iloc[0] else ""), ha="center",
                          va="center", fontsize=8)
    shown = axis.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", alpha=0.7)
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axis.set_yticks(range(len(questions)), [f"{q}, {s}" for q, s in questions])
    axis.grid(False)
    figure.colorbar(shown, label="rank correlation, or 2 AUC - 1")
    axis.set_title("<|q|> at T_ord / 2 of other mappings and null models (?: the interval has 0 in it)")
    save(figure, path)


def ensembles(table: pd.DataFrame, path: Path) -> None:
    """<|q|> of the hidden layers of replicas of two members, and of one, near T_ord / 2: mean over layers."""
    table = table[table.part.notna() & table.part.ne("layer0") & ((table.of_t_ord - 0.5).abs() < 0.02)]
    last = table.part.str[5:].astype(int) == table.groupby("ensemble").part.transform(lambda p: p.str[5:].astype(int).max())
    table = table[~last]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True)
    for axis, family in zip(axes, ("width", "depth")):
        own = table[table.ensemble.str.startswith(family)]
        labels = sorted(own.ensemble.unique(), key=lambda name: int(name.rsplit("-", 1)[1][1:]))
        of = lambda name, kind, column: own[(own.ensemble == name) & (own.matched == kind)][column].mean()  # noqa: E731
        axis.plot(range(len(labels)), [of(name, 0, "within") for name in labels], "k--", label="replicas of one member")
        for kind, text in ((1, "of two, matched"), (0, "of two, as trained"), (2, "of two, matched by chance")):
            axis.errorbar(range(len(labels)), [of(name, kind, "between") for name in labels],
                          [of(name, kind, "error") for name in labels], fmt="o-", capsize=3, label=text)
        axis.set_xticks(range(len(labels)), [name.rsplit("-", 1)[1][1:] for name in labels])
        axis.set_xlabel({"width": "width of the hidden layer", "depth": "hidden layers, equal parameters"}[family])
    axes[0].set_ylabel("<|q|> of hidden layers, T_ord / 2")
    axes[0].legend()
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description="The pictures of the report.")
    parser.add_argument("--tables", type=Path, default=Path("zoo"), metavar="DIR", help="also where answers.csv is")
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    zoo, answers = Zoo(options.tables), read_table(options.tables / "answers.csv", ("question", "subject", "kind", "value"))
    of_report = "family" in zoo.networks and not set(answers.question) <= set(ASKED)
    rows = list(rows_of_report(zoo) if of_report else rows_asked(zoo, answers))
    made = [("sets", lambda path: sets(answers, path)), ("mappings", lambda path: mappings(answers, path))]
    if rows:
        made.append(("curves", lambda path: curves(zoo, rows, path)))
    if of_report:
        made.append(("classes", lambda path: classes(zoo, path)))
    if (options.tables / "ensembles.csv").exists():
        made.append(("ensembles", lambda path: ensembles(pd.read_csv(options.tables / "ensembles.csv"), path)))
    for name, draw in made:
        draw(options.output / f"zoo_{name}.png")
        print(options.output / f"zoo_{name}.png")


if __name__ == "__main__":
    try:
        main()
    except TableError as error:
        sys.exit(f"error: {error}")
