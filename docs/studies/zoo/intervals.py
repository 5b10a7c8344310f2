# SPDX-License-Identifier: BSD-3-Clause
"""Rank correlations, areas under the curve and explained variances of networks that come in clusters: values, 95 % intervals and
p-values. `coverage.py` measures how often the intervals hold the truth, beside other intervals that were tried.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit
from scipy.stats import rankdata

PERMUTATIONS = 10_000
TWO_SIDED, ONE_SIDED = 0.975, 0.95  # quantiles of the upper end


def rows_of_clusters(frame: pd.DataFrame) -> list[np.ndarray]:
    return [np.asarray(rows) for rows in frame.groupby("cluster").indices.values()]


def without_each(frame: pd.DataFrame, by: str = "cluster") -> np.ndarray:
    """[value of `by`][network]: 0 for the networks of one value, else 1."""
    return 1.0 - (frame[by].to_numpy()[None, :] == np.unique(frame[by].to_numpy())[:, None])


def draws(random: np.random.Generator, clusters: np.ndarray, count: int) -> np.ndarray:
    """[bootstrap][network]: how often each is drawn when clusters are drawn with replacement."""
    names, of = np.unique(clusters, return_inverse=True)
    return random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=count)[:, of].astype(float)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / size) if size > 1e-12 else np.nan


def left_over(x: np.ndarray, z: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
    """Of x, once a line in z is taken away; its slope is that within the classes, where these are given."""
    centred_x, centred_z = x - x.mean(), z - z.mean()
    if classes is not None:
        centred_x, centred_z = x.astype(float), z.astype(float)
        for value in np.unique(classes):
            centred_x[classes == value] -= x[classes == value].mean()
            centred_z[classes == value] -= z[classes == value].mean()
    size = (centred_z * centred_z).sum()
    return x - x.mean() - (z - z.mean()) * ((centred_x @ centred_z) / size if size > 1e-12 else 0)


def holm(p: np.ndarray) -> np.ndarray:
    adjusted, most = np.full(len(p), np.nan), 0.0
    finite = np.nonzero(np.isfinite(p))[0]
    for rank, k in enumerate(finite[np.argsort(p[finite])]):
        most = max(most, min(1.0, (len(finite) - rank) * p[k]))
        adjusted[k] = most
    return adjusted


# ---------------------------------------------------------------- standard errors without each cluster


def jackknife_error(each: np.ndarray) -> np.ndarray:
    """Of values [left out][...]; 0 where no finite one differs."""
    count = len(each)
    return np.sqrt((count - 1) / count * ((each - each.mean(axis=0)) ** 2).sum(axis=0))


def student(quantile: float, clusters: int) -> float:
    return float(stdtrit(clusters - 1, quantile)) if clusters > 1 else np.nan


def around(value, error, clusters: int, quantile: float = TWO_SIDED):
    half = student(quantile, clusters) * error
    return value - half, value + half


# ---------------------------------------------------------------- rank correlations


class Ranked:
    """Rank correlations within clusters, and their mean over clusters. Given a third number, correlations are partial."""

    def __init__(self, frame: pd.DataFrame, by: str, target: str, given: str | None = None):
        self.pairs = []
        for rows in rows_of_clusters(frame):
            if len(rows) < 3:
                continue
            x, y = rankdata(frame[by].to_numpy()[rows]), rankdata(frame[target].to_numpy()[rows])
            if given is not None:
                z = rankdata(frame[given].to_numpy()[rows])
                x, y = left_over(x, z), left_over(y, z)
            if np.isfinite(correlation(x, y)):
                self.pairs.append((x, y))
        self.each = np.array([correlation(x, y) for x, y in self.pairs])
        self.value = float(self.each.mean()) if len(self.each) else np.nan

    def interval(self) -> tuple[float, float]:
        if len(self.each) < 2:
            return np.nan, np.nan
        low, high = mean_rank_interval(self.each[None, :], np.mean([len(x) for x, _ in self.pairs]))
        return float(low[0]), float(high[0])

    def p_within(self) -> float:
        """Chance that targets permuted within clusters do as well in size: for networks that were trained one by one."""
        random, total = np.random.default_rng(2), np.zeros(PERMUTATIONS)
        for x, y in self.pairs:
            moved = random.permuted(np.tile(y - y.mean(), (PERMUTATIONS, 1)), axis=1)
            total += moved @ (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).sum() * ((y - y.mean()) ** 2).sum())
        return float((np.sum(np.abs(total) / len(self.pairs) >= abs(self.value) - 1e-12) + 1) / (PERMUTATIONS + 1))

    def p_of_clusters(self) -> float:
        """Chance that correlations of either sign, one a cluster, have a mean as large: for checkpoints of one run."""
        return float(sign_flips(self.each[None, :])[0])


def step_of(networks: float) -> float:
    """What exchanging two neighbours takes from a rank correlation of 1."""
    return 12 / (networks * (networks ** 2 - 1))


def mean_rank_interval(each: np.ndarray, networks: float, quantile: float = TWO_SIDED) -> tuple[np.ndarray, np.ndarray]:
    """Score interval over the clusters of `each` [study][cluster]: Wilson's of the proportion (1 + r) / 2, with Student's t for the
    normal quantile and with the spread over clusters in the place of that of a coin. The spread is at least that of one cluster
    of which two neighbours are exchanged: clusters that agree to the last rank do not prove that all would."""
    clusters = each.shape[1]
    mean = (1 + each.mean(axis=1)) / 2
    spread = np.maximum(each.var(axis=1, ddof=1), step_of(networks) ** 2 / clusters) / 4
    coin = mean * (1 - mean)
    of_coin = np.where(coin > 1e-9, spread / np.maximum(coin, 1e-9), 1 / clusters).clip(max=1)
    k = student(quantile, clusters) ** 2 * of_coin / clusters
    centre, half = (mean + k / 2) / (1 + k), np.sqrt(k * coin + k * k / 4) / (1 + k)
    return 2 * (centre - half) - 1, 2 * (centre + half) - 1


def sign_flips(each: np.ndarray) -> np.ndarray:
    """Two-sided p of each row: all signs up to 12 clusters, else PERMUTATIONS of them."""
    clusters = each.shape[1]
    if clusters <= 12:
        signs = 1 - 2.0 * ((np.arange(2 ** clusters)[:, None] >> np.arange(clusters)) & 1)
        return (np.abs(each @ signs.T) >= np.abs(each.sum(axis=1))[:, None] - 1e-12).mean(axis=1)
    signs = np.random.default_rng(2).choice([-1.0, 1.0], size=(PERMUTATIONS, clusters))
    as_large = (np.abs(each @ signs.T) >= np.abs(each.sum(axis=1))[:, None] - 1e-12).sum(axis=1)
    return (as_large + 1) / (PERMUTATIONS + 1)


# ---------------------------------------------------------------- areas under the curve


def area_bound(value: float, positive: float, negative: float, quantile: float, upper: bool) -> float:
    """End of the score interval of an area under the curve, of so many independent networks of each class: Newcombe, Stat. Med.
    25, 559 (2006), method 5. At complete separation it is below 1."""
    z, half = float(ndtri(quantile)), (positive + negative) / 2 - 1

    def variance(area):
        return area * (1 - area) * (1 + half * (1 - area) / (2 - area) + half * area / (1 + area)) / (positive * negative)

    inside, outside = value, 1.0 if upper else 0.0
    for _ in range(60):
        middle = (inside + outside) / 2
        if (middle - value) ** 2 <= z * z * variance(middle):
            inside = middle
        else:
            outside = middle
    return inside


def area_interval(value: float, positive: float, negative: float) -> tuple[float, float]:
    if not (np.isfinite(value) and min(positive, negative) >= 1):
        return np.nan, np.nan
    return (area_bound(value, positive, negative, TWO_SIDED, False), area_bound(value, positive, negative, TWO_SIDED, True))


def area_gain(value: float, drawn: np.ndarray, less: float, more: float, positive: float, negative: float):
    """Of the difference of two areas of fits: both ends, and the upper end of the one-sided interval, by bootstraps with refits.
    Where these have no width, in either direction, what the score interval leaves to each of the areas."""
    drawn = drawn[np.isfinite(drawn)]
    low, high, above = np.quantile(drawn, [1 - TWO_SIDED, TWO_SIDED, ONE_SIDED]) if len(drawn) else (np.nan,) * 3
    if above - value < 1e-9:
        above = more - area_bound(less, positive, negative, ONE_SIDED, False)
        high = max(high, more - area_bound(less, positive, negative, TWO_SIDED, False))
    if value - low < 1e-9:
        low = area_bound(more, positive, negative, TWO_SIDED, False) - less
    return float(min(low, value)), float(max(high, value)), float(max(above, value))


class Area:
    """Chance that a positive network's score is above a negative one's, of the same fold where there are folds. Scores may be
    [weighting][network], and so may be the weights of `of`."""

    def __init__(self, frame: pd.DataFrame, score: np.ndarray, positive: np.ndarray, folds: np.ndarray | None = None):
        score = np.atleast_2d(score)
        good = np.isfinite(score)
        above = (score[:, :, None] > score[:, None, :]) + 0.5 * (score[:, :, None] == score[:, None, :])
        compared = positive[:, None] & ~positive[None, :]
        if folds is not None:
            compared = compared & (folds[:, None] == folds[None, :])
        compared = compared[None] & good[:, :, None] & good[:, None, :]
        self.above, self.compared = np.where(compared, above, 0.0), compared.astype(float)
        self.value = float(self.of(np.ones((1, len(frame))))[0])
        clusters, used = frame.cluster.to_numpy(), good[0]
        self.sizes = [len(np.unique(clusters[used & kind])) for kind in (positive, ~positive)]

    def of(self, weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (np.einsum("bi,bij,bj->b", *broadcast(weights, self.above)) /
                    np.einsum("bi,bij,bj->b", *broadcast(weights, self.compared)))

    def interval(self) -> tuple[float, float]:
        """By the numbers of clusters of each class."""
        return area_interval(self.value, *self.sizes)


def broadcast(weights: np.ndarray, pairs: np.ndarray):
    count = max(len(weights), len(pairs))
    weights = np.broadcast_to(weights, (count, weights.shape[1]))
    return weights, np.broadcast_to(pairs, (count, *pairs.shape[1:])), weights


def p_of_classes(frame: pd.DataFrame, score: np.ndarray, positive: np.ndarray) -> float:
    """Two-sided chance of an area as far from 1/2 when classes are permuted: over clusters, of which each counts by its mean
    rank, where all networks of each are in one class; else within clusters."""
    clusters, rank = rows_of_clusters(frame), rankdata(score)
    random = np.random.default_rng(3)
    if all(len(np.unique(positive[rows])) == 1 for rows in clusters):
        value = rankdata([rank[rows].mean() for rows in clusters])
        kind = np.array([float(positive[rows[0]]) for rows in clusters])
        moved = random.permuted(np.tile(kind, (PERMUTATIONS, 1)), axis=1) @ value
        seen, middle = kind @ value, kind.sum() * value.mean()
    else:
        moved, seen, middle = np.zeros(PERMUTATIONS), 0.0, 0.0
        for rows in clusters:
            kind = positive[rows].astype(float)
            moved += random.permuted(np.tile(kind, (PERMUTATIONS, 1)), axis=1) @ rank[rows]
            seen, middle = seen + kind @ rank[rows], middle + kind.sum() * rank[rows].mean()
    return float((np.sum(np.abs(moved - middle) >= abs(seen - middle) - 1e-9) + 1) / (PERMUTATIONS + 1))


# ---------------------------------------------------------------- explained variance


def explained(guess: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """R^2 of each row of guesses [weighting][network]: 1 - sum of squared errors / sum of squared differences from the mean."""
    w = np.where(np.isfinite(guess), weights, 0.0)
    wrong = (w * (np.where(np.isfinite(guess), guess, 0.0) - target) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = w @ target / w.sum(axis=1)
        return 1 - wrong / (w * (target[None, :] - mean[:, None]) ** 2).sum(axis=1)
