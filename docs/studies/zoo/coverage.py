# SPDX-License-Identifier: BSD-3-Clause
"""How often 95 % intervals hold the truth, and how often tests reject what is true: measured on populations of the study's shapes.

    /usr/bin/python3 docs/studies/zoo/coverage.py --output docs/studies/zoo/tables     # coverage.csv, in about 20 minutes

Each row of coverage.csv is one way to make an interval (or a p-value) of one kind of number, in simulated studies of a population
whose truth is known; `used` is 1 for the way that answers.py takes. Truths of predictions are those of the procedure, for networks
of clusters that no fit has seen: means over studies of what the models fitted in cross-validation reach in the whole population.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fits  # noqa: E402
import intervals  # noqa: E402
from intervals import ONE_SIDED, Area, around, draws, explained, jackknife_error, mean_rank_interval  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.stats import mannwhitneyu, rankdata, ttest_1samp  # noqa: E402

BOOTSTRAPS = 100  # of fits; of others five times as many


WIDER, OR_BOUND = "wider of score interval and bootstrap, refitted", "bootstrap, refitted; score interval where it has no width"


class Table:
    def __init__(self):
        self.rows = []

    def add(self, kind, shape, truth, method, used, low, high, above=None):
        low, high = np.asarray(low, float), np.asarray(high, float)
        good = np.isfinite(low)
        self.rows.append({"kind": kind, "shape": shape, "truth": truth, "method": method, "used": int(used), "studies": len(low),
                          "held": float(np.mean(good & (low <= truth + 1e-9) & (truth - 1e-9 <= high))),
                          "below": float(np.mean(good & (truth < low - 1e-9))), "above": float(np.mean(good & (truth > high + 1e-9))),
                          "width": float(np.median((high - low)[good])) if good.any() else np.nan,
                          "bound_held": np.nan if above is None else float(np.mean(truth <= np.asarray(above) + 1e-9))})

    def add_test(self, shape, method, used, p, level):
        self.rows.append({"kind": f"false rejections at {level:g}", "shape": shape, "truth": 0.0, "method": method, "used": int(used),
                          "studies": len(p), "held": float(np.mean(np.asarray(p) <= level))})


def percentile(drawn: np.ndarray, axis: int = 0):
    return np.nanquantile(drawn, [0.025, 0.975], axis=axis)


# ---------------------------------------------------------------- rank correlations


def rank_correlations(random, studies: int, clusters: int, networks: int, slope: float, vary: float) -> np.ndarray:
    """[study][cluster]: of networks whose number is slope_c t + noise, the slopes of clusters spread by `vary`."""
    t = np.arange(networks) - (networks - 1) / 2
    x = (slope + vary * random.normal(size=(studies, clusters, 1))) * t / t.std() + random.normal(size=(studies, clusters, networks))
    rank = x.argsort(axis=2).argsort(axis=2) - (networks - 1) / 2
    return rank @ t / (t @ t)


def of_rank_correlations(table: Table, studies: int, clusters=(4, 6, 8, 10), networks: int = 7) -> None:
    # With slopes 2 +- 1 one cluster in fifty has a negative one, which few studies of ten clusters see: the worst case.
    for slope, vary in ((0.0, 0.5), (0.7, 0.5), (1.5, 0.0), (2.0, 1.0), (4.0, 1.0)):
        truth = float(rank_correlations(np.random.default_rng(1), 100_000, 1, networks, slope, vary).mean())
        for count in clusters:
            random = np.random.default_rng(10 + count)
            each = rank_correlations(random, studies, count, networks, slope, vary)
            shape = f"{count} clusters of {networks}" + (", some reversed" if vary == 1 and slope == 2 else "")
            table.add("rank correlation", shape, truth, "score interval over clusters", 1, *mean_rank_interval(each, networks))
            t = around(each.mean(axis=1), each.std(axis=1, ddof=1) / np.sqrt(count), count)
            table.add("rank correlation", shape, truth, "Student's t over clusters", 0, *t)
            z = np.arctanh(each.clip(-0.995, 0.995))
            low, high = around(z.mean(axis=1), z.std(axis=1, ddof=1) / np.sqrt(count), count)
            table.add("rank correlation", shape, truth, "Student's t of Fisher's z", 0, np.tanh(low), np.tanh(high))
            some = each[:min(studies, 1000)]
            drawn = np.stack([row[random.integers(count, size=(BOOTSTRAPS * 5, count))].mean(axis=1) for row in some])
            table.add("rank correlation", shape, truth, "bootstrap of clusters (before)", 0, *percentile(drawn, 1))


def of_trajectories(table: Table, studies: int, shapes=((4, 8), (6, 8), (10, 8), (10, 6))) -> None:
    """Random walks: checkpoints of a run that knows nothing of its epoch."""
    for clusters, networks in shapes:
        random = np.random.default_rng(clusters)
        walks = random.normal(size=(studies, clusters, networks)).cumsum(axis=2)
        rank, t = walks.argsort(axis=2).argsort(axis=2) - (networks - 1) / 2, np.arange(networks) - (networks - 1) / 2
        each = rank @ t / (t @ t)
        within = []
        for study in walks[:min(studies, 1000)]:
            frame = pd.DataFrame({"cluster": np.repeat(np.arange(clusters), networks), "x": study.ravel(),
                                  "t": np.tile(np.arange(networks), clusters)})
            within.append(intervals.Ranked(frame, "x", "t").p_within())
        for level in (0.05, 0.05 / 18):
            shape = f"{clusters} random walks of {networks}"
            table.add_test(shape, "signs of clusters", 1, intervals.sign_flips(each), level)
            table.add_test(shape, "Student's t over clusters", 0, ttest_1samp(each, 0, axis=1)[1], level)
            table.add_test(shape, "checkpoints permuted (before)", 0, within, level)


# ---------------------------------------------------------------- areas of one number


def class_frame(positive: int, negative: int, of_one_seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """`of_one_seed` networks of each negative cluster."""
    clusters = np.concatenate([np.arange(positive), positive + np.repeat(np.arange(negative), of_one_seed)])
    return pd.DataFrame({"cluster": clusters}), np.arange(len(clusters)) < positive


def scores(random, frame, positive, shift: float, shared: float) -> np.ndarray:
    """Normal scores; networks of one cluster share that part of the variance."""
    own = random.normal(size=len(frame))
    cluster = random.normal(size=frame.cluster.max() + 1)[frame.cluster]
    return np.sqrt(shared) * cluster + np.sqrt(1 - shared) * own + shift * positive


def of_areas(table: Table, studies: int, shapes=((16, 16, 1), (54, 54, 1), (9, 54, 1), (16, 10, 2)),
             shifts=(0.0, 1.19, 2.33, 3.29)) -> None:
    from scipy.special import ndtr
    for positive, negative, each in shapes:
        frame, kind = class_frame(positive, negative, each)
        for shift in shifts:
            random, truth = np.random.default_rng(positive + negative), float(ndtr(shift / np.sqrt(2)))
            found = {"score interval, networks counted by clusters": [], "jackknife of clusters": [],
                     "bootstrap of clusters (before)": []}
            without, clusters = intervals.without_each(frame), frame.cluster.to_numpy()
            for _ in range(studies):
                area = Area(frame, scores(random, frame, kind, shift, 0.8 if each > 1 else 0.0), kind)
                found["score interval, networks counted by clusters"].append(area.interval())
                found["jackknife of clusters"].append(around(area.value, jackknife_error(area.of(without)),
                                                             min(positive, negative)))
                found["bootstrap of clusters (before)"].append(percentile(area.of(draws(random, clusters, BOOTSTRAPS * 5))))
            shape = f"{positive} against {negative}" + (f" clusters of {each}" if each > 1 else "")
            for method, ends in found.items():
                table.add("area", shape, truth, method, method.startswith("score"), *np.array(ends).T)


def of_classes(table: Table, studies: int, shapes=((16, 16, 1), (9, 54, 1), (16, 10, 2))) -> None:
    """Tests of areas where the number knows nothing of the class."""
    for positive, negative, each in shapes:
        frame, kind = class_frame(positive, negative, each)
        random, p = np.random.default_rng(positive), {"classes of clusters permuted": [], "networks independent (before)": []}
        for _ in range(studies):
            x = scores(random, frame, kind, 0.0, 0.8 if each > 1 else 0.0)
            p["classes of clusters permuted"].append(intervals.p_of_classes(frame, x, kind))
            p["networks independent (before)"].append(mannwhitneyu(x[kind], x[~kind])[1])
        shape = f"{positive} against {negative}" + (f" clusters of {each}" if each > 1 else "")
        for method, values in p.items():
            for level in (0.05, 0.05 / 18):
                table.add_test(shape, method, method.startswith("classes"), values, level)


# ---------------------------------------------------------------- predictions


class Population:
    """Networks of clusters: a target with levels that all clusters have and a cluster's own part; numbers that follow the target,
    each with a cluster's own part and noise. With `recipes` the levels are recipes, and have parts of their own in the numbers."""

    def __init__(self, clusters: int, levels: int, numbers: int, more: int, own: float, recipes: bool = False):
        self.clusters, self.levels, self.own, self.recipes = clusters, levels, own, recipes
        self.numbers, self.more = numbers, more
        # The first number knows most; of those that are added only the last few know anything.
        self.loading = np.concatenate([np.linspace(0.8, 0.0, numbers), np.linspace(0.5, 0.0, more)])

    def draw(self, random, clusters: int):
        of = np.repeat(np.arange(clusters), self.levels)
        level = np.tile(np.linspace(-1.5, 1.5, self.levels), clusters)
        width = len(self.loading)
        x = self.own * random.normal(size=(clusters, width))[of] + random.normal(size=(len(of), width))
        if self.recipes:
            level = np.tile(random.normal(size=self.levels), clusters)
            x += self.own * np.tile(random.normal(size=(self.levels, width)), (clusters, 1))
        y = level + self.own * random.normal(size=clusters)[of] + 0.5 * random.normal(size=len(of))
        return of, x + self.loading * y[:, None], y, np.tile(np.arange(self.levels), clusters)


def whole_folds(clusters: np.ndarray, folds: int = 5) -> list[fits.Split]:
    names = np.unique(clusters)
    return [(np.nonzero(~np.isin(clusters, part))[0], np.nonzero(np.isin(clusters, part))[0])
            for part in np.array_split(names, min(folds, len(names)))]


def apart_folds(clusters: np.ndarray, levels: np.ndarray) -> list[fits.Split]:
    return [(np.nonzero((levels != value) & (clusters != cluster))[0], np.nonzero((levels == value) & (clusters == cluster))[0])
            for value in np.unique(levels) for cluster in np.unique(clusters)]


def of_last_split(x, y, splits, classes, far_x, far_y) -> np.ndarray:
    """Predictions of networks that are in no fit, by the model of the last split."""
    count, far = len(y), len(far_y)
    extended = [*splits[:-1], (splits[-1][0], np.concatenate([splits[-1][1], count + np.arange(far)]))]
    return fits.predicted(np.concatenate([x, far_x]), np.concatenate([y, far_y]).astype(float), extended, classes,
                          np.ones((1, count + far)))[0, count:]


def errors_far_away(population: Population, random, splits, columns, x, y) -> tuple[float, float]:
    """In the population: the mean squared error of that model, and the variance of the target."""
    parts = [population.draw(random, 2 if population.recipes else 10) for _ in range(20 if population.recipes else 4)]
    far_x, far_y = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    guess = of_last_split(x[:, columns], y, splits, False, far_x[:, columns], far_y)
    return float(np.mean((guess - far_y) ** 2)), float(np.var(far_y))


def of_predictions(table: Table, studies: int, shapes) -> None:
    for clusters, levels, more, own, recipes in shapes:
        population = Population(clusters, levels, 12, more, own, recipes)
        random = np.random.default_rng(clusters + more)
        names = {"less": np.arange(12), "more": np.arange(12 + more)}
        values, truths, ends = {n: [] for n in (*names, "gain")}, {n: [] for n in names}, {}
        for _ in range(studies):
            of, x, y, level = population.draw(random, clusters)
            frame = pd.DataFrame({"cluster": of, "level": level})
            splits = apart_folds(of, level) if recipes else whole_folds(of)
            weights = {"value": np.ones((1, len(y))), "jackknife": intervals.without_each(frame)}
            if recipes:
                weights["of levels"] = intervals.without_each(frame, "level")
            else:
                weights["bootstrap"] = draws(random, of, BOOTSTRAPS)
            done = {k: {} for k in (*weights, "fixed")}
            far = np.random.default_rng(random.integers(2 ** 40))
            state = far.bit_generator.state
            for name, columns in names.items():
                far.bit_generator.state = state
                truths[name].append(errors_far_away(population, far, splits, columns, x, y))
                guess = fits.predicted(x[:, columns], y, splits, False, np.concatenate(list(weights.values())))
                first = 0
                for kind, w in weights.items():
                    done[kind][name] = explained(guess[first:first + len(w)], y, w)
                    first += len(w)
                done["fixed"][name] = explained(guess[:1], y, draws(random, of, BOOTSTRAPS * 5))
            for kind in done:
                done[kind]["gain"] = done[kind]["more"] - done[kind]["less"]
            for name in values:
                value, error = done["value"][name][0], jackknife_error(done["jackknife"][name])
                values[name].append(value)
                add = lambda method, pair: ends.setdefault((name, method), []).append(pair)  # noqa: E731,B023
                if recipes:
                    both = np.hypot(error, jackknife_error(done["of levels"][name]))
                    add("jackknife of clusters and of recipes", (*around(value, both, clusters),
                                                                 around(value, both, clusters, ONE_SIDED)[1]))
                else:
                    low, high = percentile(done["bootstrap"][name])
                    bound = np.nanquantile(done["bootstrap"][name], 0.95)
                    add("bootstrap, refitted", (low, high, bound))
                    add("bootstrap, refitted, basic", (2 * value - high, 2 * value - low,
                                                       2 * value - np.nanquantile(done["bootstrap"][name], 0.05)))
                    log = np.log(1 - done["jackknife"][name]) if name != "gain" else None
                    if log is not None:
                        a, b = around(np.log(1 - value), jackknife_error(log), clusters)
                        add("jackknife of log(1 - R2)", (1 - np.exp(b), 1 - np.exp(a), np.nan))
                add("jackknife of clusters", (*around(value, error, clusters), around(value, error, clusters, ONE_SIDED)[1]))
                low, high = percentile(done["fixed"][name])
                add("bootstrap, not refitted (before)", (low, high, np.nanquantile(done["fixed"][name], 0.95)))
        truth = {n: 1 - np.mean([a for a, _ in truths[n]]) / np.mean([b for _, b in truths[n]]) for n in names}
        truth["gain"] = truth["more"] - truth["less"]
        shape = f"{clusters} clusters of {levels}, 12 numbers and {more}" + \
                (", recipe left out" if recipes else ", levels" if own < 0.4 else ", strong clusters")
        for (name, method), found in ends.items():
            used = method == ("jackknife of clusters and of recipes" if recipes else "jackknife of clusters")
            kind = {"less": "R2", "more": "R2, more numbers", "gain": "gain of R2"}[name]
            table.add(kind, shape, truth[name], method, used, *np.array(found)[:, :2].T, np.array(found)[:, 2])
            table.rows[-1]["mean_value"] = float(np.mean(values[name]))


def stratified_folds(random, positive: np.ndarray, folds: int = 5) -> np.ndarray:
    of = np.empty(len(positive), int)
    for kind in (positive, ~positive):
        rows = random.permutation(np.nonzero(kind)[0])
        of[rows] = np.arange(len(rows)) % folds
    return of


def of_classifiers(table: Table, studies: int, shapes) -> None:
    for positive, negative, more, shift, jackknife in shapes:
        frame, kind = class_frame(positive, negative, 1)
        loading = shift * np.concatenate([np.linspace(1, 0, 8), np.linspace(0.4, 0, more)])
        random, names = np.random.default_rng(positive + more), {"less": np.arange(8), "more": np.arange(8 + more)}
        ends, truths, values = {}, {n: [] for n in names}, {n: [] for n in (*names, "gain")}
        smaller = min(positive, negative)
        for _ in range(studies):
            x = random.normal(size=(len(kind), len(loading))) + loading * kind[:, None]
            far_kind = np.arange(400) % 2 == 0
            far_x = random.normal(size=(400, len(loading))) + loading * far_kind[:, None]
            folds = stratified_folds(random, kind)
            splits = [(np.nonzero(folds != k)[0], np.nonzero(folds == k)[0]) for k in range(5)]
            without = intervals.without_each(frame)
            without = without if jackknife else without[:0]
            weights = np.concatenate([np.ones((1, len(kind))), draws(random, frame.cluster.to_numpy(), BOOTSTRAPS), without])
            found, alone = {}, {}
            for name, columns in names.items():
                far = rankdata(of_last_split(x[:, columns], kind, splits, True, far_x[:, columns], far_kind))
                truths[name].append((far[far_kind].sum() - 200 * 201 / 2) / 200 ** 2)
                guess = fits.predicted(x[:, columns], kind.astype(float), splits, True, weights)
                found[name], alone[name] = Area(frame, guess, kind, folds).of(weights), Area(frame, guess[0], kind, folds)
            fixed = draws(random, frame.cluster.to_numpy(), BOOTSTRAPS * 5)
            before = {n: alone[n].of(fixed) for n in names}
            found["gain"], before["gain"] = found["more"] - found["less"], before["more"] - before["less"]
            for name, each in found.items():
                value, drawn = each[0], each[1:1 + BOOTSTRAPS]
                values[name].append(value)
                add = lambda method, pair: ends.setdefault((name, method), []).append(pair)  # noqa: E731,B023
                refitted = (*percentile(drawn), np.nanquantile(drawn, 0.95))
                add("bootstrap, refitted", refitted)
                add("bootstrap, not refitted (before)", (*percentile(before[name]), np.nanquantile(before[name], 0.95)))
                if jackknife:
                    error = jackknife_error(each[1 + BOOTSTRAPS:])
                    add("jackknife, refitted", (*around(value, error, smaller), around(value, error, smaller, ONE_SIDED)[1]))
                if name != "gain":
                    score = intervals.area_interval(value, positive, negative)
                    add("score interval", (*score, np.nan))
                    add(WIDER, (min(score[0], refitted[0]), max(score[1], refitted[1]), np.nan))
                else:
                    add(OR_BOUND, intervals.area_gain(value, drawn, found["less"][0], found["more"][0], positive, negative))
        truth = {n: float(np.mean(truths[n])) for n in names}
        truth["gain"] = truth["more"] - truth["less"]
        shape = f"{positive} against {negative}, 8 numbers and {more}"
        for (name, method), got in ends.items():
            used = method == (OR_BOUND if name == "gain" else WIDER)
            label = {"less": "area of a fit", "more": "area of a fit, more numbers", "gain": "gain of area"}[name]
            table.add(label, shape, truth[name], method, used, *np.array(got)[:, :2].T, np.array(got)[:, 2])
            table.rows[-1]["mean_value"] = float(np.mean(values[name]))


# (clusters, networks of each, numbers added, clusters' own part, whether recipes are left out as well)
REGRESSIONS = [(clusters, 7, more, own, False) for clusters in (4, 8, 12) for more, own in ((1, 0.3), (8, 0.3), (8, 0.7))] + \
              [(4, 6, 8, 0.5, True)]
# (networks of one class, of the other, numbers added, distance of the classes, whether jackknives are tried too)
CLASSIFIERS = [(16, 16, 1, 2.0, True), (9, 54, 5, 0.0, False), (9, 54, 5, 0.6, False), (54, 54, 5, 0.4, False)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of the intervals and false rejections of the tests.")
    parser.add_argument("--output", type=Path, default=Path("."), metavar="DIR")
    parser.add_argument("--studies", type=int, default=400, help="simulated studies of predictions; others: ten times as many")
    parser.add_argument("--only", default="", help="one part; the rows of the others stay as they are")
    options = parser.parse_args()
    table, started, path = Table(), time.time(), options.output / "coverage.csv"
    options.output.mkdir(parents=True, exist_ok=True)
    kept = pd.read_csv(path) if options.only and path.exists() else pd.DataFrame()
    kept = kept[kept.part != options.only] if len(kept) else kept
    for name, part in (("ranks", lambda: of_rank_correlations(table, 10 * options.studies)),
                       ("walks", lambda: of_trajectories(table, 10 * options.studies)),
                       ("areas", lambda: of_areas(table, 2 * options.studies)),
                       ("classes", lambda: of_classes(table, 5 * options.studies)),
                       ("regressions", lambda: of_predictions(table, options.studies, REGRESSIONS)),
                       *((f"classifiers {k + 1}", lambda shape=shape: of_classifiers(table, options.studies, [shape]))
                         for k, shape in enumerate(CLASSIFIERS))):
        if options.only not in ("", name):
            continue
        before = len(table.rows)
        part()
        for row in table.rows[before:]:
            row["part"] = name
        made = pd.DataFrame(table.rows)
        pd.concat([kept, made]).to_csv(path, index=False, float_format="%.4g", lineterminator="\n")
        print(f"{name}: {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
