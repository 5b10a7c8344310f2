# SPDX-License-Identifier: BSD-3-Clause
"""What the descriptor tells, from three tables: manifest.csv, baselines.csv and features.csv.

    /usr/bin/python3 docs/studies/zoo/answers.py --tables docs/studies/zoo/tables --output answers

Needs python3-sklearn, python3-pandas and python3-matplotlib. Writes answers.csv, one row a number with its interval and the
networks behind it, and answers.md, the same as tables; and the pictures.

Everything below that a reader could suspect of having been chosen to please was fixed before any of it was computed:
the primary descriptor is <|q|> of the whole network at half of its T_ord (PRIMARY); predictions are made by ridge and
logistic regression of standardised numbers with the strength 1, on clusters of networks (seeds) that the fit has not seen;
intervals are of 2,000 bootstraps over clusters, 95 %; p-values of the other descriptors are corrected by Holm's method.
A network whose descriptor was not measured at that temperature is left out of every row that uses it, and counted.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, spearmanr
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PRIMARY = "q_ord_0.5"
BOOTSTRAPS, FOLDS = 2000, 5
# Of the curve alone: shapes on the axis T / T_ord, and single numbers at half of T_ord.
CURVE = ["q_ord_0.5", "q_ord_0.6", "q_ord_0.7", "q_ord_0.8", "q_ord_1", "area_ord", "melting_ord", "width", "rms_q_half",
         "abs_mean_q_half", "first_layer_half", "last_layer_half", "hidden_layers_half", "energy_half"]
# The same where the scale of the weights is in it.
SCALED = ["q_abs_1.5", "q_abs_2", "q_abs_3", "q_formula_1", "q_formula_1.5", "q_formula_2", "melting", "melting_formula"]
DYNAMICS = ["decay_time_half", "ultrametric_k_half", "peak_q_half"]
# Known without sampling: mean field is a baseline, not a result of sampling.
MEAN_FIELD = ["lambda_max", "t_ord", "t_formula", "of_formula", "tap_q_half"]
WEIGHTS = ["alpha", "alpha_weighted", "stable_rank", "log_norm", "log_spectral_norm", "bias_rms", "first_std", "first_mean",
           "first_skew", "first_kurtosis", "first_singular", "first_singular2", "first_stable_rank", "last_std", "last_mean",
           "last_skew", "last_kurtosis", "last_singular", "last_singular2", "last_stable_rank"]
SINGLE = {"descriptor": CURVE + SCALED + DYNAMICS, "mean field": MEAN_FIELD, "weights": WEIGHTS + ["weight_norm"],
          "data": ["train_loss", "sharpness"], "null": [f"{name}_null" for name in CURVE if name.startswith("q_")]}
SETS = {"curve": CURVE, "mean field": MEAN_FIELD, "weights": WEIGHTS, "weights and mean field": WEIGHTS + MEAN_FIELD,
        "weights, mean field and curve": WEIGHTS + MEAN_FIELD + CURVE, "null's curve": [f"{name}_null" for name in CURVE]}


@dataclass
class Number:
    """One number of the report."""

    question: str
    subject: str
    kind: str
    by: str
    measure: str
    value: float
    low: float
    high: float
    p: float
    networks: int
    clusters: int


# ---------------------------------------------------------------- tables


def load(tables: Path) -> pd.DataFrame:
    """One row a network: what it is, its baselines, its descriptor, and that of its shuffled null as NAME_null."""
    networks = pd.read_csv(tables / "manifest.csv", keep_default_na=False,
                           na_values={c: [""] for c in ("train_loss", "test_loss")})
    baselines, features = pd.read_csv(tables / "baselines.csv"), pd.read_csv(tables / "features.csv")
    own = features[features.variant == "trained"].drop(columns="variant")
    null = features[features.variant == "shuffled"].drop(columns="variant")
    null = null[["name"] + [c for c in CURVE + SCALED if c in null]].rename(columns=lambda c: c if c == "name" else f"{c}_null")
    all_of = networks.merge(baselines, on="name", how="left").merge(own.drop(columns="spins"), on="name", how="left")
    all_of = all_of.merge(null, on="name", how="left")
    all_of["per_parameter"] = np.log(all_of.images / all_of.parameters)
    all_of["log_epoch"] = np.log(all_of.epoch + 0.125)
    return all_of


# ---------------------------------------------------------------- statistics


def bootstrapped(frame: pd.DataFrame, f: Callable[[pd.DataFrame], float], seed: int = 1) -> tuple[float, float]:
    """95 % of f over samples of clusters with replacement."""
    random = np.random.default_rng(seed)
    parts = [part for _, part in frame.groupby("cluster")]
    values = []
    for _ in range(BOOTSTRAPS):
        picked = [parts[k] for k in random.integers(len(parts), size=len(parts))]
        value = f(pd.concat([part.assign(cluster=n) for n, part in enumerate(picked)]))
        if np.isfinite(value):
            values.append(value)
    if len(values) < BOOTSTRAPS // 2:
        return np.nan, np.nan
    return tuple(np.quantile(values, [0.025, 0.975]))


def rank_correlation(frame: pd.DataFrame, by: str, target: str) -> float:
    if frame[by].nunique() < 2 or frame[target].nunique() < 2:
        return np.nan
    return float(spearmanr(frame[by], frame[target])[0])


def within(frame: pd.DataFrame, by: str, target: str) -> float:
    """Mean over clusters of the rank correlation in each."""
    values = [rank_correlation(part, by, target) for _, part in frame.groupby("cluster") if len(part) >= 3]
    values = [v for v in values if np.isfinite(v)]
    return float(np.mean(values)) if values else np.nan


def permuted_p(frame: pd.DataFrame, by: str, target: str, f, draws: int = 2000) -> float:
    """How often targets permuted within clusters do as well, in size."""
    random, found = np.random.default_rng(2), abs(f(frame, by, target))
    if not np.isfinite(found):
        return np.nan
    groups = [np.array(rows) for rows in frame.groupby("cluster").indices.values()]
    values, hits = frame[target].to_numpy(), 0
    for _ in range(draws):
        moved = values.copy()
        for rows in groups:
            moved[rows] = values[random.permutation(rows)]
        hits += abs(f(frame.assign(**{target: moved}), by, target)) >= found - 1e-12
    return (hits + 1) / (draws + 1)


def area_under(positive: np.ndarray, score: np.ndarray) -> float:
    if positive.all() or not positive.any():
        return np.nan
    return float(roc_auc_score(positive, score))


def holm(p: np.ndarray) -> np.ndarray:
    order, adjusted, most = np.argsort(p), np.empty(len(p)), 0.0
    for rank, k in enumerate(order):
        most = max(most, min(1.0, (len(p) - rank) * p[k]))
        adjusted[k] = most
    return adjusted


def usable(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Columns that differ between networks and are measured in nine tenths of them at least."""
    return [c for c in columns if c in frame and frame[c].nunique() > 1 and frame[c].notna().mean() >= 0.9]


def predicted(frame: pd.DataFrame, columns: list[str], target: str, classes: bool) -> np.ndarray:
    """Of each network by a fit to other clusters: the value, or the log odds of being 1."""
    folds = GroupKFold(min(FOLDS, frame.cluster.nunique()))
    x, y = frame[columns].to_numpy(), frame[target].to_numpy()
    result = np.full(len(frame), np.nan)
    for fitted, left in folds.split(x, y, frame.cluster):
        if classes and len(np.unique(y[fitted])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000) if classes else Ridge(1.0))
        model.fit(x[fitted], y[fitted])
        result[left] = model.decision_function(x[left]) if classes else model.predict(x[left])
    return result


# ---------------------------------------------------------------- questions


class Report:
    def __init__(self, data: pd.DataFrame):
        self.data, self.numbers, self.missing = data, [], []

    def group(self, question: str, subject: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Those whose primary descriptor was measured; the others are counted."""
        there = frame[frame[PRIMARY].notna()].reset_index(drop=True)
        self.missing.append({"question": question, "subject": subject, "networks": len(frame),
                             "not_measured": len(frame) - len(there),
                             "frontier_of_t_ord": float((frame.frontier / frame.t_ord).replace(np.inf, np.nan).max())})
        return there

    def add(self, question, subject, kind, by, measure, value, interval, p, frame):
        self.numbers.append(Number(question, subject, kind, by, measure, value, *interval, p, len(frame),
                                   frame.cluster.nunique()))

    def orders(self, question: str, subject: str, frame: pd.DataFrame, target: str) -> None:
        """Rank correlation within clusters of each single number with the target."""
        frame = self.group(question, subject, frame)
        if frame.cluster.nunique() < 2:
            return
        for kind, columns in SINGLE.items():
            found = []
            for by in columns:
                part = frame[frame[by].notna()].reset_index(drop=True) if by in frame else frame[:0]
                if len(part) < 6 or part.cluster.nunique() < 2 or not np.isfinite(within(part, by, target)):
                    continue
                found.append((by, within(part, by, target), bootstrapped(part, lambda f: within(f, by, target)),
                              permuted_p(part, by, target, within, 500), part))
            adjusted = holm(np.array([p for *_, p, _ in found])) if found else []
            for (by, value, interval, p, part), corrected in zip(found, adjusted):
                self.add(question, subject, kind, by, "rank correlation", value, interval,
                         p if by == PRIMARY else corrected, part)

    def predicts(self, question: str, subject: str, frame: pd.DataFrame, target: str) -> None:
        """R^2 of predictions across clusters by sets of numbers."""
        frame = self.group(question, subject, frame)
        self.by_sets(question, subject, frame, target, False)

    def separates(self, question: str, subject: str, frame: pd.DataFrame, target: str) -> None:
        """Area under the curve of each single number, its side being chosen on other clusters, and of sets."""
        frame = self.group(question, subject, frame)
        positive = frame[target].to_numpy().astype(bool)
        if positive.all() or not positive.any():
            return
        for kind, columns in SINGLE.items():
            found = []
            for by in columns:
                part = frame[frame[by].notna()].reset_index(drop=True) if by in frame else frame[:0]
                if len(part) < 6 or part[by].nunique() < 2 or part[target].nunique() < 2:
                    continue
                part = part.assign(score=predicted(part, [by], target, True))
                part = part[part.score.notna()]
                auc = lambda f: area_under(f[target].to_numpy().astype(bool), f.score.to_numpy())  # noqa: E731
                p = mannwhitneyu(part[by][part[target] == 1], part[by][part[target] == 0])[1]
                found.append((by, auc(part), bootstrapped(part, auc), p, part))
            adjusted = holm(np.array([p for *_, p, _ in found])) if found else []
            for (by, value, interval, p, part), corrected in zip(found, adjusted):
                self.add(question, subject, kind, by, "AUC", value, interval, p if by == PRIMARY else corrected, part)
        self.by_sets(question, subject, frame, target, True)

    def by_sets(self, question, subject, frame, target, classes) -> None:
        """All sets on the same networks and folds; and what the curve adds to the baselines."""
        columns = {name: usable(frame, wanted) for name, wanted in SETS.items()}
        every = sorted({c for used in columns.values() for c in used})
        frame = frame[frame[every].notna().all(axis=1)].reset_index(drop=True)
        if len(frame) < 10 or frame.cluster.nunique() < 4:
            return
        made = {name: predicted(frame, used, target, classes) for name, used in columns.items() if used}
        measure = "AUC" if classes else "R2"

        def score(part: pd.DataFrame, name: str) -> float:
            good = part[part[name].notna()]
            if classes:
                return area_under(good[target].to_numpy().astype(bool), good[name].to_numpy())
            spread = ((good[target] - good[target].mean()) ** 2).sum()
            return float(1 - ((good[target] - good[name]) ** 2).sum() / spread) if spread > 0 else np.nan

        scored = frame.assign(**made)
        for name in made:
            self.add(question, subject, "set", name, measure, score(scored, name),
                     bootstrapped(scored, lambda part: score(part, name)), np.nan, frame)
        both, less = "weights, mean field and curve", "weights and mean field"
        if both in made and less in made:
            gain = lambda part: score(part, both) - score(part, less)  # noqa: E731
            self.add(question, subject, "gain", "curve beside weights and mean field", measure, gain(scored),
                     bootstrapped(scored, gain), np.nan, frame)


def answer(data: pd.DataFrame) -> Report:
    report = Report(data)
    of = lambda family: data[(data.family == family) & (data.twin == "")]  # noqa: E731
    for images in ("fashion", "digits"):
        report.orders("progress", images, of("training")[of("training").data == images], "log_epoch")
    report.orders("width", "fashion", of("width"), "parameters")
    report.orders("depth", "fashion", of("depth"), "hidden_layers")
    report.orders("images", "fashion", of("images"), "images")
    report.predicts("data per parameter", "width, depth, images", data[data.family.isin(["width", "depth", "images"])],
                    "per_parameter")
    for images in ("fashion", "digits"):
        report.orders("label noise", images, of("noise")[of("noise").data == images], "noise")
        report.predicts("label noise", images, of("noise")[of("noise").data == images], "noise")
    report.predicts("generalisation gap", "equal training loss, labels true",
                    data[data.family.isin(["width", "depth", "images"])], "gap_loss")
    report.predicts("generalisation gap", "label noise, fashion", of("noise")[of("noise").data == "fashion"], "gap_loss")
    report.predicts("generalisation gap", "recipes", of("recipe"), "gap_loss")
    robust = of("robust").assign(robust=lambda f: (f.epsilon > 0).astype(int))
    report.separates("robust training", "fashion", robust, "robust")
    # Twins of poisoned networks are not among the clean: those have seeds of their own.
    unpaired = of("backdoor")[of("backdoor").label != "twin"].assign(poisoned=lambda f: (f.attack != "").astype(int))
    report.separates("backdoor", "all", unpaired, "poisoned")
    for attack in ("patch", "blended"):
        for share in (0.01, 0.05, 0.1):
            some = unpaired[(unpaired.attack == "") | ((unpaired.attack == attack) & (unpaired.poison == share))]
            report.separates("backdoor", f"{attack}, {share:.0%}", some, "poisoned")
    return report


# ---------------------------------------------------------------- writing


def best(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    part = table[table.kind == kind]
    size = (part.value - 0.5).abs() if (part.measure == "AUC").all() else part.value.abs()
    return part.loc[size.sort_values(ascending=False).index][:1]


def told(row: pd.Series) -> str:
    return f"{row.value:+.2f} ({row.low:+.2f} to {row.high:+.2f})" if row.measure != "AUC" else \
        f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"


def markdown(table: pd.DataFrame, missing: pd.DataFrame) -> str:
    lines = ["| question | networks | measure | <\\|q\\|> at T_ord / 2 | p | best of mean field | best of weights |",
             "|---|---|---|---|---|---|---|"]
    for (question, subject), part in table[table.kind != "set"].groupby(["question", "subject"], sort=False):
        own = part[part.by == PRIMARY]
        if own.empty:
            continue
        own = own.iloc[0]
        others = [f"{told(row)} {row.by}" for kind in ("mean field", "weights")
                  for _, row in best(part, kind).iterrows()]
        lines.append(f"| {question}, {subject} | {own.networks} in {own.clusters} | {own.measure} | {told(own)} | {own.p:.2g} | "
                     + " | ".join(others) + " |")
    lines += ["", "| question | networks | measure | curve | weights | weights and mean field | with the curve | gain |",
              "|---|---|---|---|---|---|---|---|"]
    for (question, subject), part in table[table.kind.isin(["set", "gain"])].groupby(["question", "subject"], sort=False):
        by = {row.by: row for _, row in part.iterrows()}
        names = ["curve", "weights", "weights and mean field", "weights, mean field and curve",
                 "curve beside weights and mean field"]
        first = part.iloc[0]
        lines.append(f"| {question}, {subject} | {first.networks} in {first.clusters} | {first.measure} | "
                     + " | ".join(told(by[name]) if name in by else "" for name in names) + " |")
    lines += ["", "| question | networks | not measured | highest frontier, T_ord |", "|---|---|---|---|"]
    for _, row in missing.drop_duplicates(["question", "subject"]).iterrows():
        lines.append(f"| {row.question}, {row.subject} | {row.networks} | {row.not_measured} | {row.frontier_of_t_ord:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="What the descriptor tells.")
    parser.add_argument("--tables", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("answers"), metavar="DIR")
    parser.add_argument("--bootstraps", type=int, default=BOOTSTRAPS)
    options = parser.parse_args()
    globals()["BOOTSTRAPS"] = options.bootstraps
    warnings.filterwarnings("ignore")
    report = answer(load(options.tables))
    if not report.numbers:
        sys.exit("error: no question has enough networks that were measured")
    options.output.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(report.numbers)
    table.to_csv(options.output / "answers.csv", index=False, float_format="%.4g", lineterminator="\n")
    text = markdown(table, pd.DataFrame(report.missing))
    (options.output / "answers.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
