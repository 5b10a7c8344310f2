# SPDX-License-Identifier: BSD-3-Clause
"""What the descriptor tells, from the zoo's tables: manifest.csv, baselines.csv, features.csv, variants.csv, curves.csv.

    /usr/bin/python3 docs/studies/zoo/answers.py --tables docs/studies/zoo/tables --output docs/studies/zoo/tables

Networks of your own: whatever columns your manifest has, beside `name` and `file`, can be asked about.

    /usr/bin/python3 docs/studies/zoo/answers.py --tables . --output . --ask orders:epoch --ask separates:poisoned

`orders`: does the descriptor order networks of one cluster as that number does? `separates`: does it tell networks with 1
from those with 0? `predicts`: the number itself. A column `cluster` says which networks are not independent (one seed, one
origin). All intervals and p-values take whole clusters for independent, and no more.

Needs python3-sklearn and python3-pandas. Writes answers.csv, one row a number with its interval and the networks behind it;
measured.csv, how many networks of each class could not be measured; and answers.md, the same as tables.

Everything that a reader could suspect of having been chosen to please was fixed before any of it was computed: the primary
descriptor is <|q|> of the whole network at half of its T_ord (PRIMARY). Predictions are of networks whose cluster (seed) the
fit has not seen, by ridge or logistic regression of standardised numbers; the strength is chosen by splits that keep clusters
whole as well (fits.py). Intervals are 95 %, of the kinds whose coverage was measured (intervals.py, coverage.py): score
intervals for rank correlations and for areas of single numbers; of R2 and its gains a jackknife that leaves out each cluster,
of areas of fits and their gains bootstraps of clusters, both with the whole procedure done again. A gain's `excluded_above` is the upper end of its one-sided 95 % interval. p-values
of orders are of signs of whole clusters where networks are checkpoints of one run, else of permutations within clusters; those
of classes are of permutations of whole clusters. p-values of the primary descriptor are corrected by Holm's method over the
questions, those of the other numbers over the numbers of their kind. A network whose descriptor was not measured at half of its
T_ord is left out of all rows of a question but those of kind "axis", and counted.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fits  # noqa: E402
from intervals import (ONE_SIDED, Area, Ranked, area_gain, area_interval, around, correlation, draws, explained, holm,  # noqa: E402
                       jackknife_error, left_over, p_of_classes, rows_of_clusters, without_each)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.optimize import brentq  # noqa: E402
from scipy.stats import nct, rankdata, wilcoxon  # noqa: E402
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold  # noqa: E402

PRIMARY = "q_ord_0.5"
FOLDS, BOOTSTRAPS = 5, 300
# Of the curve alone: shapes on the axis T / T_ord, and single numbers at half of T_ord.
CURVE = ["q_ord_0.5", "q_ord_0.6", "q_ord_0.7", "q_ord_0.8", "q_ord_1", "area_ord", "melting_ord", "width", "rms_q_half",
         "abs_mean_q_half", "first_layer_half", "last_layer_half", "hidden_layers_half", "energy_half"]
# The same where the scale of the weights is in it.
SCALED = ["q_abs_1.5", "q_abs_2", "q_abs_3", "q_formula_1", "q_formula_1.5", "q_formula_2", "melting", "melting_formula"]
DYNAMICS = ["decay_time_ord", "freezing_ord", "ultrametric_k_half", "peak_q_half"]
# Known without sampling: mean field is a baseline, not a result of sampling.
MEAN_FIELD = ["lambda_max", "t_ord", "t_formula", "of_formula", "tap_q_half"]
WEIGHTS = ["alpha", "alpha_weighted", "stable_rank", "log_norm", "log_spectral_norm", "bias_rms", "first_std", "first_mean",
           "first_skew", "first_kurtosis", "first_singular", "first_singular2", "first_stable_rank", "last_std", "last_mean",
           "last_skew", "last_kurtosis", "last_singular", "last_singular2", "last_stable_rank"]
NULL_CURVE = [f"{name}_null" for name in CURVE]
SINGLE = {"descriptor": CURVE + SCALED + DYNAMICS, "mean field": MEAN_FIELD, "weights": WEIGHTS + ["weight_norm"],
          "data": ["train_loss", "sharpness"], "null's curve": NULL_CURVE}
SETS = {"curve": CURVE, "null's curve": NULL_CURVE, "mean field": MEAN_FIELD, "weights": WEIGHTS,
        "weights and mean field": WEIGHTS + MEAN_FIELD, "weights, mean field and curve": WEIGHTS + MEAN_FIELD + CURVE,
        "weights, mean field and primary": WEIGHTS + MEAN_FIELD + [PRIMARY]}
# What sampling adds: fourteen numbers cost a fit to few networks something, one costs nearly nothing.
LESS = "weights and mean field"
GAINS = {"curve": "weights, mean field and curve", "primary": "weights, mean field and primary"}
# Given a third number only where it can be compared at equal values of it: this share of each class, and so many clusters of
# each, inside the range that both classes have; and for orders no cluster that the third number orders more like the target.
SHARE_INSIDE, CLUSTERS_INSIDE, MOST_ALIKE = 0.25, 4, 0.9
NO_OVERLAP = "no overlap"
CONTROLS = {"weight norm": "weight_norm", "steps": "steps", "spins": "spins", "never-lit pixels": "never_lit"}


# ---------------------------------------------------------------- tables


class TableError(Exception):
    pass


def read_table(path: Path, columns: tuple[str, ...], **options) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, **options)
    except FileNotFoundError:
        raise TableError(f"{path}: no such file") from None
    except (ValueError, OSError) as error:  # pandas' own errors are of the former kind
        raise TableError(f"{path}: {error}") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise TableError(f"{path}: expected a column '{missing[0]}'")
    if table.empty:
        raise TableError(f"{path}: no rows")
    return table


def no_name_twice(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    again = table.name[table.name.duplicated()]
    if len(again):
        raise TableError(f"{path}: more than one row of {again.iloc[0]}")
    return table


class Zoo:
    """One row a network: what it is, its baselines, its descriptor, that of its shuffled null as NAME_null, and the primary
    descriptor of each variant as primary_VARIANT; and all curves. Of these only the manifest, the descriptors and the curves
    must be there, and in the manifest no more than names."""

    def __init__(self, tables: Path):
        data = no_name_twice(read_table(tables / "manifest.csv", ("name",), keep_default_na=False), tables / "manifest.csv")
        features = read_table(tables / "features.csv", ("name", "variant", "frontier", "t_ord", "t_formula", PRIMARY))
        self.given = [c for c in data if c not in ("name", "file", "cluster")]
        if "cluster" not in data:
            data["cluster"] = data.name
        own = features[features.variant == "trained"]
        own = own.drop(columns=["variant", *(c for c in ("spins",) if c in data)])
        null = features[features.variant == "shuffled"]
        null = null[["name"] + [c for c in CURVE if c in null]].rename(columns=lambda c: c if c == "name" else f"{c}_null")
        parts = [own, null]
        if (tables / "baselines.csv").exists():
            parts.insert(0, no_name_twice(read_table(tables / "baselines.csv", ("name",)), tables / "baselines.csv"))
        self.variants = []
        if (tables / "variants.csv").exists():
            variants = read_table(tables / "variants.csv", ("name", "variant", PRIMARY))
            variants = variants.pivot(index="name", columns="variant", values=PRIMARY).add_prefix("primary_")
            self.variants = [c.removeprefix("primary_") for c in variants]
            parts.append(variants)
        for part in parts:
            both = [c for c in part if c in data and c != "name"]
            if both:
                raise TableError(f"{tables / 'manifest.csv'}: '{both[0]}' is the name of a measured number as well")
            data = data.merge(part, on="name", how="left")
        if {"images", "parameters", "epsilon", "attack"} <= set(data):
            data["log_images_per_parameter"] = np.log(data.images / data.parameters)
            data["robust"] = (data.epsilon > 0).astype(int)
            data["poisoned"] = (data.attack != "").astype(int)
        self.networks = data
        curves = read_table(tables / "curves.csv", ("name", "temperature", "mean_abs_q", "equilibrated"))
        curves = curves.sort_values(["name", "temperature"])
        self.curves = {name: part for name, part in curves[curves.equilibrated == 1].groupby("name")}

    def of(self, family: str, data: str = "fashion") -> pd.DataFrame:
        every = self.networks
        return every[(every.family == family) & (every.data == data) & (every.twin == "")]

    def overlap_at(self, name: str, temperature: float) -> float:
        own = self.curves.get(name)
        if own is None or not own.temperature.iloc[0] <= temperature * (1 + 1e-9) or temperature > own.temperature.iloc[-1]:
            return np.nan
        return float(np.interp(np.log(temperature), np.log(own.temperature), own.mean_abs_q))


# ---------------------------------------------------------------- predictions


def usable(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Columns that differ between networks and are measured in all of them: a temperature that is below one network's frontier
    is not one at which the group can be compared."""
    return [c for c in columns if c in frame and frame[c].nunique() > 1 and frame[c].notna().all()]


def splits_of(frame: pd.DataFrame, target: str, classes: bool, apart: str | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """(networks of the fit, networks predicted): no cluster is in both, nor a value of `apart` where that is given."""
    groups, y = frame.cluster.to_numpy(), frame[target].to_numpy()
    folds = min(FOLDS, frame.cluster.nunique())
    if apart is None:
        kind = StratifiedGroupKFold(folds, shuffle=True, random_state=0) if classes else GroupKFold(folds)
        return list(kind.split(np.zeros(len(frame)), y, groups))
    made, others = [], frame[apart].to_numpy()
    for value in np.unique(others):
        for chosen in np.array_split(np.unique(groups[others == value]), folds):
            left = np.nonzero((others == value) & np.isin(groups, chosen))[0]
            fitted = np.nonzero((others != value) & ~np.isin(groups, groups[left]))[0]
            if len(left):
                made.append((fitted, left))
    return made


class Regression:
    """R^2 of predictions by fits to other clusters, and all of it again without each cluster: its interval is of Student's t and
    that jackknife. Folds are those of the whole group. Where values of `apart` are left out too, their part of the error is added."""

    measure = "R2"

    def __init__(self, frame: pd.DataFrame, columns: list[str], target: str, splits, apart: str | None = None):
        y = frame[target].to_numpy(float)
        weights = [np.ones((1, len(frame))), without_each(frame)] + ([without_each(frame, apart)] if apart else [])
        every = np.concatenate(weights)
        found = explained(fits.predicted(frame[columns].to_numpy(float), y, splits, False, every), y, every)
        self.value, self.parts = float(found[0]), np.split(found[1:], np.cumsum([len(w) for w in weights[1:]])[:-1])
        self.clusters = min(len(part) for part in self.parts)

    def interval(self) -> tuple[float, float]:
        low, high = around(self.value, error_of(self.parts), self.clusters)
        return low, min(high, 1.0)

    def gain_beside(self, less: "Regression") -> tuple[float, tuple[float, float], float]:
        """The gain, its interval, and the gain that is excluded: the upper end of the one-sided interval."""
        value, error = self.value - less.value, error_of([a - b for a, b in zip(self.parts, less.parts)])
        return value, around(value, error, self.clusters), around(value, error, self.clusters, ONE_SIDED)[1]


class Classification:
    """Area under the curve of predictions by fits to other clusters, and all of it again for bootstraps of clusters; copies of a
    cluster are on one side of each split. Where classes are apart bootstraps are blind, and the score interval is wider."""

    measure = "AUC"

    def __init__(self, frame: pd.DataFrame, columns: list[str], target: str, splits, apart: str | None = None):
        y, folds = frame[target].to_numpy(float), np.full(len(frame), -1)
        for k, (_, left) in enumerate(splits):
            folds[left] = k
        weights = np.concatenate([np.ones((1, len(frame))), draws(np.random.default_rng(1), frame.cluster.to_numpy(), BOOTSTRAPS)])
        area = Area(frame, fits.predicted(frame[columns].to_numpy(float), y, splits, True, weights), y == 1, folds)
        found = area.of(weights)
        self.value, self.drawn, self.sizes = float(found[0]), found[1:], area.sizes

    def interval(self) -> tuple[float, float]:
        score = area_interval(self.value, *self.sizes)
        drawn = np.nanquantile(self.drawn, [0.025, 0.975])
        return float(min(score[0], drawn[0])), float(max(score[1], drawn[1]))

    def gain_beside(self, less: "Classification") -> tuple[float, tuple[float, float], float]:
        value = self.value - less.value
        low, high, above = area_gain(value, self.drawn - less.drawn, less.value, self.value, *less.sizes)
        return value, (low, high), above


def error_of(parts: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(jackknife_error(each) ** 2 for each in parts)))


# ---------------------------------------------------------------- questions


@dataclass
class Number:
    """One number of the report. `p` is corrected."""

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
    excluded_above: float = np.nan
    note: str = ""


class Report:
    def __init__(self, zoo: Zoo):
        self.zoo, self.numbers, self.measured, self.started = zoo, [], [], time.time()

    def add(self, question, subject, kind, by, measure, value, interval, p, frame, above=np.nan, note=""):
        self.numbers.append(Number(question, subject, kind, by, measure, value, *interval, p, len(frame),
                                   frame.cluster.nunique(), above, note))

    def finish(self) -> pd.DataFrame:
        """With p-values corrected: the primary descriptor's over the questions, of axes, mappings and nulls by question."""
        table = pd.DataFrame(self.numbers)
        for kind in ("axis", "mapping", "less null"):
            for rows in table[table.kind == kind].groupby(["question", "subject"]).groups.values():
                table.loc[rows, "p"] = holm(table.p[rows].to_numpy())
        primary = ((table.by == PRIMARY) & (table.kind == "primary")).to_numpy()
        table.loc[primary, "p"] = holm(table.p.to_numpy()[primary])
        return table

    def group(self, question: str, subject: str, frame: pd.DataFrame, classes: str | None) -> pd.DataFrame:
        """Those whose primary descriptor was measured; the others are counted, by class."""
        for name, part in frame.groupby(classes) if classes else [("all", frame)]:
            highest = (part.frontier / part.t_ord).max()
            self.measured.append({"question": question, "subject": subject, "class": name, "networks": len(part),
                                  "not_measured": int(part[PRIMARY].isna().sum()), "highest_frontier_of_t_ord": highest})
        return frame[frame[PRIMARY].notna()].reset_index(drop=True)

    # One number against a target: `measure` makes Ranked or Area of a frame.

    def singles(self, question, subject, frame, measure, name) -> None:
        for kind, columns in SINGLE.items():
            found = []
            for by in columns:
                if not usable(frame, [by]):
                    continue
                result, p = measure(frame, by)
                if np.isfinite(result.value):
                    found.append((by, result, p))
            others = [k for k, (by, *_) in enumerate(found) if by != PRIMARY]
            corrected = dict(zip(others, holm(np.array([found[k][2] for k in others]))))
            for k, (by, result, p) in enumerate(found):
                self.add(question, subject, "primary" if by == PRIMARY else kind, by, name, result.value, result.interval(),
                         corrected.get(k, p), frame)

    def axes(self, question, subject, frame, measure, name) -> None:
        """<|q|> at one temperature, at one multiple of T_ord and at one of T_formula: the group's median of T_ord / 2, or the
        highest frontier of the group where that is higher. Here all networks count that equilibrate below T_ord."""
        frame = frame[frame.frontier < frame.t_ord]
        for axis, unit in (("T", 1.0), ("T / T_ord", frame.t_ord), ("T / T_formula", frame.t_formula)):
            if len(frame) < 6:
                return
            at = max(float((frame.t_ord / 2 / unit).median()), float((frame.frontier / unit).max()))
            values = [self.zoo.overlap_at(n, t) for n, t in zip(frame.name, at * unit * np.ones(len(frame)))]
            part = frame.assign(axis=values)
            part = part[part.axis.notna()].reset_index(drop=True)
            if len(part) < 0.9 * len(frame) or part.axis.nunique() < 2:
                continue  # the place is beyond the ladder of some
            result, p = measure(part, "axis")
            if np.isfinite(result.value):
                self.add(question, subject, "axis", f"{axis} = {at:.3g}", name, result.value, result.interval(), p, part)

    def mappings(self, question, subject, frame, measure, name, extremes: str) -> None:
        """The primary descriptor of other mappings of the same networks, less that of null models; and what rescaling
        changes it by, beside the difference between the extreme classes."""
        columns = {f"{kind}": frame[f"primary_{kind}"] for kind in self.zoo.variants}
        for own, null in (("", "shuffled"), ("", "redrawn"), ("centred", "centred_shuffled")):
            if null in columns and (own == "" or own in columns):
                columns[f"{own or 'trained'} less {null}"] = (columns[own] if own else frame[PRIMARY]) - columns[null]
        for by, values in columns.items():
            part = frame.assign(mapped=values)
            part = part[part.mapped.notna()].reset_index(drop=True)
            if len(part) < 0.9 * len(frame) or part.mapped.nunique() < 2:
                continue
            result, p = measure(part, "mapped")
            if np.isfinite(result.value):
                self.add(question, subject, "less null" if "less" in by else "mapping", by, name, result.value, result.interval(),
                         p, part)
        least, most = frame[frame[extremes] == frame[extremes].min()], frame[frame[extremes] == frame[extremes].max()]
        if "rescaled" in columns and frame.primary_rescaled.notna().any():
            effect = float(most[PRIMARY].mean() - least[PRIMARY].mean())
            changes = (frame.primary_rescaled - frame[PRIMARY]).dropna()
            self.add(question, subject, "effect", "between the extreme classes", "difference of <|q|>", effect,
                     (np.nan, np.nan), np.nan, pd.concat([least, most]))
            self.add(question, subject, "effect", "rescaling, root mean square", "difference of <|q|>",
                     float(np.sqrt((changes ** 2).mean())), (np.nan, np.nan), np.nan, frame)

    def controls(self, question, subject, frame, target, measure_given, name) -> None:
        for by, column in CONTROLS.items():
            if column not in frame or frame[column].nunique() < 2:
                continue
            result = measure_given(frame, column)
            if result is None:
                self.add(question, subject, "control", f"given {by}", name, np.nan, (np.nan, np.nan), np.nan, frame,
                         note=NO_OVERLAP)
            elif np.isfinite(result[0].value):
                self.add(question, subject, "control", f"given {by}", name, result[0].value, result[0].interval(), np.nan,
                         result[1])

    def orders(self, question: str, subject: str, everything: pd.DataFrame, target: str, one_run: bool = True) -> None:
        """Mean over clusters of the rank correlation with the target. Where networks of a cluster are checkpoints of `one_run`
        they are not independent, and p-values are of the signs of whole clusters."""
        frame = self.group(question, subject, everything, target)
        if frame.cluster.nunique() < 2 or not np.isfinite(Ranked(frame, PRIMARY, target).value):
            return

        def measure(part, by):
            result = Ranked(part, by, target)
            if not len(result.each):
                return result, np.nan
            return result, result.p_of_clusters() if one_run else result.p_within()

        def given(part, column):
            clusters = [part.iloc[rows] for rows in rows_of_clusters(part)]
            same = [abs(correlation(rankdata(c[column]), rankdata(c[target]))) for c in clusters if len(c) >= 3]
            if np.nanmax(same, initial=0) > MOST_ALIKE + 1e-9:  # the target itself, in other words
                return None
            return Ranked(part, PRIMARY, target, column), part

        name = "rank correlation"
        self.singles(question, subject, frame, measure, name)
        self.axes(question, subject, everything, measure, name)
        self.mappings(question, subject, frame, measure, name, target)
        self.controls(question, subject, frame, target, given, name)

    def separates(self, question: str, subject: str, everything: pd.DataFrame, target: str) -> None:
        """Area under the curve: above 1/2 where the number is larger in the class 1. Nothing is fitted, and no side chosen."""
        frame = self.group(question, subject, everything, target)
        if frame[target].nunique() < 2 or len(frame) < 6:
            return

        def measure(part, by):
            positive, x = part[target].to_numpy() == 1, part[by].to_numpy()
            return Area(part, x, positive), p_of_classes(part, x, positive)

        def given(part, column):
            inside = overlapping(part, column, part[target].to_numpy() == 1)
            return None if inside is None else (Given(inside, column, inside[target].to_numpy() == 1), inside)

        self.singles(question, subject, frame, measure, "AUC")
        self.axes(question, subject, everything, measure, "AUC")
        self.mappings(question, subject, frame, measure, "AUC", target)
        self.controls(question, subject, frame, target, given, "AUC")
        self.by_sets(question, subject, frame, target, True, None)

    def predicts(self, question: str, subject: str, frame: pd.DataFrame, target: str, apart: str | None = None) -> None:
        """R^2 of predictions by sets of numbers, for networks of other clusters (and of another `apart`)."""
        self.by_sets(question, subject, self.group(question, subject, frame, None), target, False, apart)

    def by_sets(self, question, subject, frame, target, classes, apart) -> None:
        """All sets on the same networks and folds; and what the curve adds to the baselines."""
        columns = {name: usable(frame, wanted) for name, wanted in SETS.items()}
        if len(frame) < 10 or frame.cluster.nunique() < 4 or frame[target].nunique() < 2:
            return
        splits, results = splits_of(frame, target, classes, apart), {}
        kind = Classification if classes else Regression
        for name, used in columns.items():
            if used:
                results[name] = kind(frame, used, target, splits, apart)
                self.add(question, subject, "set", name, kind.measure, results[name].value, results[name].interval(), np.nan, frame)
        for name, wider in GAINS.items():
            more, less = results.get(wider), results.get(LESS)
            if more and less:
                value, interval, above = more.gain_beside(less)
                self.add(question, subject, "gain", f"{name} beside {LESS}", kind.measure, value, interval, np.nan, frame, above)
        self.progress(question, subject)

    def progress(self, question, subject) -> None:
        print(f"{question}, {subject}: {time.time() - self.started:.0f} s", file=sys.stderr)

    def pairs(self, question: str, subject: str, changed: pd.DataFrame, originals: pd.DataFrame) -> None:
        """Mean difference between two networks of one seed, in standard deviations of the difference; its interval is that of
        normal differences."""
        for by, kind in ((PRIMARY, "primary"), ("t_ord", "mean field"), ("weight_norm", "weights"),
                         ("alpha_weighted", "weights"), ("first_kurtosis", "weights")):
            both = changed.merge(originals[["cluster", by]], on="cluster", suffixes=("", "_original"))
            both = both.assign(change=both[by] - both[f"{by}_original"])
            both = both[both.change.notna()].reset_index(drop=True)
            if len(both) < 3 or both.change.std() < 1e-12:
                continue
            x = both.change.to_numpy()
            self.add(question, subject, kind, by, "change / deviation", float(x.mean() / x.std(ddof=1)),
                     interval_of_ratio(float(x.mean() / x.std(ddof=1)), len(x)),
                     float(wilcoxon(x)[1]), both)


def overlapping(frame: pd.DataFrame, column: str, positive: np.ndarray) -> pd.DataFrame | None:
    """The networks inside the range of `column` that both classes have; None where they are too few."""
    z, clusters = frame[column].to_numpy(), frame.cluster.to_numpy()
    low, high = max(z[positive].min(), z[~positive].min()), min(z[positive].max(), z[~positive].max())
    inside = (low <= z) & (z <= high)
    for kind in (positive, ~positive):
        if inside[kind].mean() < SHARE_INSIDE or len(np.unique(clusters[inside & kind])) < CLUSTERS_INSIDE:
            return None
    return frame[inside].reset_index(drop=True)


class Given:
    """Area of what a line in a third number leaves of the primary descriptor; its slope is that within classes, and is found
    again without each cluster."""

    def __init__(self, frame: pd.DataFrame, column: str, positive: np.ndarray):
        x, z = frame[PRIMARY].to_numpy(), np.log(1 + frame[column].to_numpy())
        self.area, self.each = Area(frame, left_over(x, z, positive), positive), []
        for kept in without_each(frame) > 0:
            part = frame[kept].reset_index(drop=True)
            self.each.append(Area(part, left_over(x[kept], z[kept], positive[kept]), positive[kept]).value)
        self.value = self.area.value

    def interval(self) -> tuple[float, float]:
        score = self.area.interval()
        low, high = around(self.value, float(jackknife_error(np.array(self.each))), min(self.area.sizes))
        return max(0.0, min(low, score[0])), min(1.0, max(high, score[1]))


def interval_of_ratio(value: float, count: int) -> tuple[float, float]:
    """Of mean / standard deviation: the noncentral t distributions whose 2.5 and 97.5 % are at the ratio that was seen."""
    t, reach = value * np.sqrt(count), 12 + 3 * abs(value) * np.sqrt(count)
    ends = [brentq(lambda centre: nct.cdf(t, count - 1, centre) - share, -reach, reach) for share in (0.975, 0.025)]
    return float(ends[0] / np.sqrt(count)), float(ends[1] / np.sqrt(count))


def answer(zoo: Zoo) -> Report:
    report, every = Report(zoo), zoo.networks
    for images in ("fashion", "digits"):
        report.orders("progress", images, zoo.of("training", images), "epoch")
        trained = zoo.of("training", images)
        report.orders("progress after one epoch", images, trained[trained.epoch >= 1], "epoch")
    report.orders("width", "fashion", zoo.of("width"), "parameters", one_run=False)
    report.orders("depth", "fashion", zoo.of("depth"), "hidden_layers", one_run=False)
    report.orders("images", "fashion", zoo.of("images"), "images", one_run=False)
    sized = every[every.family.isin(["width", "depth", "images"])]
    report.predicts("images per parameter", "width, depth, images", sized, "log_images_per_parameter")
    report.predicts("images per parameter", "width, depth; widths left out", sized[sized.family != "images"],
                    "log_images_per_parameter", "widths")
    for images in ("fashion", "digits"):
        report.orders("label noise", images, zoo.of("noise", images), "noise", one_run=False)
        report.predicts("label noise", images, zoo.of("noise", images), "noise")
    report.predicts("generalisation gap", "width, depth, images", sized, "gap_loss")
    report.predicts("generalisation gap", "width, depth; widths left out", sized[sized.family != "images"], "gap_loss",
                    "widths")
    report.predicts("generalisation gap", "label noise", zoo.of("noise"), "gap_loss")
    report.predicts("generalisation gap", "recipes", zoo.of("recipe"), "gap_loss")
    report.predicts("generalisation gap", "recipes; recipe left out", zoo.of("recipe"), "gap_loss", "label")
    report.predicts("robust accuracy", "recipes", zoo.of("recipe"), "robust_accuracy")
    report.separates("robust training", "fashion", zoo.of("robust"), "robust")
    # Adversarial training leaves the weights short; so does little training.
    trained = zoo.of("training")
    little = trained[(trained.epoch > 0) & (trained.epoch <= 1)]
    report.separates("robust training", "beside 0.25 to 1 epochs", pd.concat([zoo.of("robust").query("robust == 1"), little]),
                     "robust")
    # Twins of poisoned networks are not among the clean: those have seeds of their own.
    backdoor = zoo.of("backdoor")
    unpaired, twins = backdoor[backdoor.label != "twin"], backdoor[backdoor.label == "twin"]
    report.separates("backdoor", "all", unpaired, "poisoned")
    for attack in ("patch", "blended"):
        for share in (0.01, 0.05, 0.1):
            some = unpaired[(unpaired.attack == "") | ((unpaired.attack == attack) & (unpaired.poison == share))]
            report.separates("backdoor", f"{attack}, {share:.0%}", some, "poisoned")
    report.pairs("backdoor, beside its clean twin", "all", unpaired[unpaired.poisoned == 1], twins)
    compressed = every[every.family == "compressed"]
    originals = compressed[compressed.twin == ""]
    for (twin, amount), part in compressed[compressed.twin != ""].groupby(["twin", "amount"]):
        report.pairs(twin, f"{amount:g}", part, originals)
    return report


ASKED = ("orders", "separates", "predicts")


def answer_asked(zoo: Zoo, asked: list[str]) -> Report:
    """The questions KIND:COLUMN of one's own manifest; networks with nothing in that column are left out."""
    report = Report(zoo)
    for question in asked:
        kind, _, column = question.partition(":")
        if kind not in ASKED:
            raise TableError(f"--ask {question}: expected {', '.join(ASKED[:-1])} or {ASKED[-1]} and a column, as in orders:epoch")
        if column not in zoo.given:
            raise TableError(f"--ask {question}: the manifest has no column '{column}'; it has {', '.join(zoo.given) or 'none'}")
        try:
            numbers = pd.to_numeric(zoo.networks[column].replace("", np.nan))
        except ValueError as error:
            raise TableError(f"--ask {question}: {error}") from None
        frame = zoo.networks.assign(**{column: numbers})[numbers.notna()].reset_index(drop=True)
        if kind == "separates" and set(frame[column]) != {0, 1}:
            raise TableError(f"--ask {question}: expected 0 and 1 in that column")
        before = len(report.numbers)
        getattr(report, kind)(kind, column, frame, column)
        if len(report.numbers) == before:
            print(f"{question}: not answered, {TOO_FEW[kind]}", file=sys.stderr)
    return report


TOO_FEW = {"orders": "which takes two clusters of three networks that were measured, of different values",
           "separates": "which takes six networks that were measured",
           "predicts": "which takes ten networks in four clusters that were measured"}


# ---------------------------------------------------------------- writing


def told(row: pd.Series) -> str:
    if isinstance(row.note, str) and row.note:
        return row.note
    form = "{:.2f} ({:.2f} to {:.2f})" if row.measure == "AUC" else "{:+.2f} ({:+.2f} to {:+.2f})"
    return form.format(row.value, row.low, row.high) if np.isfinite(row.low) else f"{row.value:+.3g}"


def best(part: pd.DataFrame) -> str:
    if part.empty:
        return ""
    size = (part.value - (0.5 if (part.measure == "AUC").all() else 0)).abs()
    row = part.loc[size.idxmax()]
    return f"{told(row)} {row.by}"


def rows_of(table: pd.DataFrame, head: list[str], row) -> list[str]:
    made = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (question, subject), part in table.groupby(["question", "subject"], sort=False):
        cells = row(part)
        if cells is not None:
            made.append("| " + " | ".join([f"{question}, {subject}", *cells]) + " |")
    return made + [""]


def markdown(table: pd.DataFrame, measured: pd.DataFrame) -> str:
    def of_primary(part):
        own = part[part.kind == "primary"]
        if own.empty:
            return None
        own = own.iloc[0]
        return [f"{own.networks} in {own.clusters}", own.measure, told(own), f"{own.p:.2g}",
                *(best(part[part.kind == kind]) for kind in ("mean field", "weights", "data"))]

    def picked(kind, names, test=lambda by, name: by == name):
        def row(part):
            found = [part[(part.kind == kind) & [test(by, name) for by in part.by]] for name in names]
            return [told(f.iloc[0]) if len(f) else "" for f in found] if any(len(f) for f in found) else None
        return row

    def of_sets(part):
        names = ["curve", "null's curve", "mean field", "weights", LESS, GAINS["curve"]]
        cells = picked("set", names)(part)
        if cells is None:
            return None
        first = part[part.kind == "set"].iloc[0]
        gains = []
        for name in GAINS:
            row = part[(part.kind == "gain") & (part.by == f"{name} beside {LESS}")]
            gains += [told(row.iloc[0]), f"{row.excluded_above.iloc[0]:+.2f}"] if len(row) else ["", ""]
        return [str(first.networks), first.measure, *cells, *gains]

    def of_axes(part):
        axis, own = part[part.kind == "axis"], part[part.kind == "primary"]
        if axis.empty:
            return None
        return [told(own.iloc[0]) if len(own) else "",
                *("; ".join(f"{told(row)} at {row.by.split(' = ')[1]}" for _, row in axis.iterrows()
                            if row.by.split(" = ")[0] == name) for name in ("T", "T / T_ord", "T / T_formula"))]

    mappings = ["rescaled", "balanced", "centred", "no_biases", "no_inputs", "no_outputs", "unit_layers"]
    nulls = ["trained less shuffled", "trained less redrawn", "centred less centred_shuffled"]
    lines = ["## One number", ""]
    lines += rows_of(table, ["question", "networks", "measure", "<\\|q\\|> at T_ord / 2", "p", "best of mean field",
                             "best of weights", "best with data"], of_primary)
    lines += ["## Sets of numbers", ""]
    lines += rows_of(table, ["question", "networks", "measure", "curve", "null's curve", "mean field", "weights",
                             "weights and mean field", "with the curve", "gain", "excluded above", "gain of the primary",
                             "excluded above"], of_sets)
    lines += ["## Axes", ""] + rows_of(table, ["question", "primary", "T", "T / T_ord", "T / T_formula"], of_axes)
    lines += ["## Mappings", ""] + rows_of(table, ["question", *mappings], picked("mapping", mappings))
    lines += ["## Nulls", ""] + rows_of(table, ["question", "shuffled itself", *nulls],
                                        lambda part: None if (own := picked("less null", nulls)(part)) is None else
                                        [*(picked("mapping", ["shuffled"])(part) or [""]), *own])
    lines += ["## Controls", ""]
    lines += rows_of(table, ["question", *(f"given {c}" for c in CONTROLS)],
                     picked("control", [f"given {c}" for c in CONTROLS]))
    effects = ["between the extreme classes", "rescaling, root mean square"]
    lines += ["## Rescaling", ""] + rows_of(table, ["question", *effects], picked("effect", effects))
    lines += ["## Not measured", "", "| question | class | networks | not measured | highest frontier, T_ord |",
              "|---|---|---|---|---|"]
    for _, row in measured.iterrows():
        if row.not_measured:
            lines.append(f"| {row.question}, {row.subject} | {row['class']} | {row.networks} | {row.not_measured} | "
                         f"{row.highest_frontier_of_t_ord:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="What the descriptor tells.")
    parser.add_argument("--tables", type=Path, default=Path("zoo"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("answers"), metavar="DIR")
    parser.add_argument("--ask", action="append", metavar="KIND:COLUMN",
                        help="instead of the report's questions: orders:, separates: or predicts: a column of the manifest")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    zoo = Zoo(options.tables)
    if not options.ask and "family" not in zoo.networks:
        raise TableError(f"{options.tables / 'manifest.csv'} is not of the report's zoo; --ask says what to ask of one's own")
    report = answer_asked(zoo, options.ask) if options.ask else answer(zoo)
    if not report.numbers:
        sys.exit("error: no question has enough networks that were measured")
    options.output.mkdir(parents=True, exist_ok=True)
    table, measured = report.finish(), pd.DataFrame(report.measured)
    table.to_csv(options.output / "answers.csv", index=False, float_format="%.4g", lineterminator="\n")
    measured.to_csv(options.output / "measured.csv", index=False, float_format="%.4g", lineterminator="\n")
    (options.output / "answers.md").write_text(markdown(table, measured), encoding="utf-8")
    print(f"{len(table)} numbers in {options.output / 'answers.csv'}")


if __name__ == "__main__":
    try:
        main()
    except TableError as error:
        sys.exit(f"error: {error}")
