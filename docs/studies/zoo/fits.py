# SPDX-License-Identifier: BSD-3-Clause
"""Ridge and logistic regression whose strength is chosen by splits that keep clusters whole, of many weightings at once.

A weighting says how often each network counts: 0 for a network that is left out, 2 for one that a bootstrap drew twice. One call
does the whole procedure for each weighting: it standardises, chooses the strength, fits, and predicts each network from a fit
that has not seen it. Networks that are left out of a fit take no part in its units or in the choice of its strength.

The strength of an outer split is chosen by the other outer splits: split k leaves out the networks L_k and fits to F_k; its inner
split j fits to the part of F_k that F_j has too and predicts the part of F_k that is in L_j. So the inner splits leave out whole
clusters, and whole values of `apart` where the outer ones do.
"""

from __future__ import annotations

import numpy as np

RIDGE = np.logspace(4, -1, 11)  # strengths, from the strongest
LOGISTIC = np.logspace(3, -1, 5)  # of |coefficients|^2 / 2 beside the sum of losses: 1 / C
FAR = 5.0  # standard deviations of the fit's networks: a line is not followed further
LEAST = 6  # networks of a fit
CHUNK = 256  # fits at once
Split = tuple[np.ndarray, np.ndarray]  # indices of the networks of the fit, of those predicted


class Units:
    """Means and standard deviations of the numbers, of each weighting's networks; a number that does not vary counts for nothing."""

    def __init__(self, x: np.ndarray, weights: np.ndarray):
        self.total = weights.sum(axis=1)
        self.mean = weights @ x / self.total[:, None]
        variance = weights @ x ** 2 / self.total[:, None] - self.mean ** 2
        self.constant = variance < 1e-10
        self.size = np.sqrt(np.where(self.constant, 1.0, variance))

    def of(self, x: np.ndarray) -> np.ndarray:
        """[weighting][network][number]"""
        z = (x[None] - self.mean[:, None, :]) / self.size[:, None, :]
        return np.where(self.constant[:, None, :], 0.0, z)


def ridge(x: np.ndarray, y: np.ndarray, weights: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Predictions [weighting][strength][network]: least of sum w (y - a - b z)^2 + strength |b|^2."""
    units = Units(x, weights)
    z, level = units.of(x), weights @ y / units.total
    weighted = z * weights[:, :, None]
    values, vectors = np.linalg.eigh(weighted.transpose(0, 2, 1) @ z)
    along = np.einsum("bij,bi->bj", vectors, np.einsum("bni,bn->bi", weighted, y[None] - level[:, None]))
    shrunk = along[:, :, None] / (values.clip(0)[:, :, None] + strengths[None, None, :])
    return (z.clip(-FAR, FAR) @ (vectors @ shrunk)).transpose(0, 2, 1) + level[:, None, None]


def logistic(x: np.ndarray, y: np.ndarray, weights: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Log odds [weighting][strength][network]: least of sum w log(1 + exp(-s (a + b z))) + strength |b|^2 / 2, by Newton's method
    from the strongest to the weakest, with steps halved until the sum falls."""
    units = Units(x, weights)
    every = np.concatenate([units.of(x), np.ones((len(weights), len(x), 1))], axis=2)
    # Networks that do not count are left out: half of them, in splits of a bootstrap.
    kept = np.argsort(weights == 0, axis=1, kind="stable")[:, :(weights > 0).sum(axis=1).max()]
    z, w = np.take_along_axis(every, kept[:, :, None], axis=1), np.take_along_axis(weights, kept, axis=1)
    sign, beta = np.where(y == 1, 1.0, -1.0)[kept], np.zeros((len(weights), z.shape[2]))
    found, far = np.empty((len(weights), len(strengths), len(x))), every.clip(-FAR, FAR)

    def loss(rows, b, strength):
        against = -sign[rows] * (z[rows] @ b[:, :, None])[:, :, 0]
        p = 1 / (1 + np.exp(-against.clip(-40, 40)))  # of the other class
        wrong = np.where(against > 30, against, -np.log1p(-np.minimum(p, 1 - 1e-13)))
        return (w[rows] * wrong).sum(axis=1) + strength / 2 * (b[:, :-1] ** 2).sum(axis=1), p

    for k, strength in enumerate(strengths):
        penalty = np.full(z.shape[2], strength)
        penalty[-1] = 0
        rows = np.arange(len(weights))
        now, p = loss(rows, beta, strength)
        for _ in range(30):
            slope = ((-sign[rows] * w[rows] * p)[:, None, :] @ z[rows])[:, 0] + penalty * beta[rows]
            bend = (z[rows] * (w[rows] * p * (1 - p))[:, :, None]).transpose(0, 2, 1) @ z[rows]
            bend[:, np.arange(len(penalty)), np.arange(len(penalty))] += penalty + 1e-9
            step, size = np.linalg.solve(bend, slope[:, :, None])[:, :, 0], np.ones(len(rows))
            for _ in range(20):
                then, p = loss(rows, beta[rows] - size[:, None] * step, strength)
                worse = then > now + 1e-9
                if not worse.any():
                    break
                size[worse] /= 2
            beta[rows] -= size[:, None] * step
            going = np.abs(step).max(axis=1) > 1e-4  # the next step would be its square
            rows, now, p = rows[going], then[going], p[going]
            if not len(rows):
                break
        found[:, k] = (far @ beta[:, :, None])[:, :, 0]
    return found


def masks_of(splits: list[Split], size: int) -> tuple[np.ndarray, np.ndarray]:
    fits, lefts = np.zeros((len(splits), size), bool), np.zeros((len(splits), size), bool)
    for k, (fitted, left) in enumerate(splits):
        fits[k, fitted], lefts[k, left] = True, True
    return fits, lefts


def enough(weights: np.ndarray, y: np.ndarray, classes: bool, least: int) -> np.ndarray:
    there = weights > 0
    good = there.sum(axis=1) >= least
    return good & (there[:, y == 1].any(axis=1) & there[:, y != 1].any(axis=1)) if classes else good


def predicted(x: np.ndarray, y: np.ndarray, splits: list[Split], classes: bool, weightings: np.ndarray) -> np.ndarray:
    """[weighting][network]: the value, or the log odds of being 1; NaN where a network does not count or no fit was possible."""
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)  # against cancellation; fits have units of their own
    fits, lefts = masks_of(splits, len(x))
    strengths, model = (LOGISTIC, logistic) if classes else (RIDGE, ridge)
    pairs = [(k, j) for k in range(len(splits)) for j in range(k) if (lefts[j] & fits[k]).any() or (lefts[k] & fits[j]).any()]
    scores = np.zeros((len(weightings), len(splits), len(strengths)))
    for weighting, rows in in_chunks(weightings, pairs, lambda pair: fits[pair[0]] & fits[pair[1]], y, classes, 2):
        guess = model(x, y, rows.weights, strengths)
        wrong = np.logaddexp(0, -np.where(y == 1, 1, -1) * guess) if classes else (guess - y) ** 2
        for (k, j), own, w in zip(rows.of, weighting, wrong):
            for outer, inner in ((k, j), (j, k)):
                scores[own, outer] += w @ (weightings[own] * (lefts[inner] & fits[outer]))
    chosen, result = scores.argmin(axis=2), np.full(weightings.shape, np.nan)  # without inner splits: the strongest
    for weighting, rows in in_chunks(weightings, range(len(splits)), lambda k: fits[k], y, classes, LEAST):
        guess = model(x, y, rows.weights, strengths)
        for k, own, w in zip(rows.of, weighting, guess):
            counted = lefts[k] & (weightings[own] > 0)
            result[own, counted] = w[chosen[own, k]][counted]
    return result


class Rows:
    def __init__(self, weights, of):
        self.weights, self.of = weights, of


def in_chunks(weightings, items, mask_of, y, classes, least):
    """Fits of each weighting and item, a chunk at a time: (numbers of the weightings, their weights and items)."""
    numbers, weights, of = [], [], []
    for item in items:
        own = weightings * mask_of(item)
        for number in np.nonzero(enough(own, y, classes, least))[0]:
            numbers.append(number)
            weights.append(own[number])
            of.append(item)
            if len(numbers) == CHUNK:
                yield numbers, Rows(np.array(weights), of)
                numbers, weights, of = [], [], []
    if numbers:
        yield numbers, Rows(np.array(weights), of)
