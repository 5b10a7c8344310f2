# SPDX-License-Identifier: BSD-3-Clause
"""The statistics of answers.py on data of which the truth is known.

    /usr/bin/python3 docs/studies/zoo/answers_test.py

Each comparison with chance fails by chance with probability 1e-5 / COMPARISONS.
"""

from __future__ import annotations

import json
import math
import struct
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import answers  # noqa: E402
import baselines  # noqa: E402
import coverage  # noqa: E402
import fits  # noqa: E402
import intervals  # noqa: E402
from answers import Classification, Given, Regression, overlapping, splits_of  # noqa: E402
from intervals import Area, Ranked, explained, holm, left_over, without_each  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.special import ndtri  # noqa: E402
from scipy.stats import binom, spearmanr  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import r2_score, roc_auc_score  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

COMPARISONS = 40
CHANCE = 1e-5 / COMPARISONS
SIGMAS = -float(ndtri(CHANCE / 2))


def check(good: bool, what: str) -> None:
    if not good:
        sys.exit(f"answers_test.py: failed: {what}")


def near(value: float, truth: float, error: float, what: str) -> None:
    check(abs(value - truth) <= error, f"{what}: {value:.4g}, expected {truth:.4g} within {error:.2g}")


def within_chance(values: list[float], truth: float, what: str) -> None:
    near(float(np.mean(values)), truth, SIGMAS * float(np.std(values, ddof=1)) / math.sqrt(len(values)), what)


def known_values() -> None:
    # Holm, Scand. J. Stat. 6, 65 (1979): the k-th smallest of n times n - k + 1, never less than the one before.
    check(np.allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02]), "Holm's method")
    random = np.random.default_rng(1)
    y, score, folds = random.integers(2, size=60) == 1, random.normal(size=60).round(1), random.integers(3, size=60)
    frame = pd.DataFrame({"cluster": np.arange(60) // 3})
    near(Area(frame, score, y).value, roc_auc_score(y, score), 1e-12, "area with ties")
    inside = [(roc_auc_score(y[folds == k], score[folds == k]), y[folds == k].sum() * (~y[folds == k]).sum()) for k in range(3)]
    near(Area(frame, score, y, folds).value, np.average([a for a, _ in inside], weights=[w for _, w in inside]), 1e-12,
         "area within folds")
    target = random.normal(size=60)
    near(explained(score[None], target, np.ones((1, 60)))[0], r2_score(target, score), 1e-12, "explained variance")
    drawn = np.ones((1, 60))
    drawn[0, :3], drawn[0, 3:6] = 2, 0  # a cluster twice, another not at all
    rows = np.concatenate([np.arange(3), np.arange(3), np.arange(6, 60)])
    near(Area(frame, score, y).of(drawn)[0], roc_auc_score(y[rows], score[rows]), 1e-12, "area of a bootstrap")
    near(explained(score[None], target, drawn)[0], r2_score(target[rows], score[rows]), 1e-12, "R2 of a bootstrap")
    both = frame.assign(x=score, y=target)
    each = [spearmanr(part.x, part.y)[0] for _, part in both.groupby("cluster")]
    near(Ranked(both, "x", "y").value, float(np.nanmean(each)), 1e-12, "mean rank correlation")
    third = frame.assign(cluster=1, x=score, y=target, z=score + target + random.normal(size=60))
    xy, xz, yz = (spearmanr(third[a], third[b])[0] for a, b in (("x", "y"), ("x", "z"), ("y", "z")))
    near(Ranked(third, "x", "y", "z").value, (xy - xz * yz) / math.sqrt((1 - xz ** 2) * (1 - yz ** 2)), 1e-12,
         "partial rank correlation")
    # A single cluster of four in order: of 4! orders two are as good, in size.
    near(Ranked(pd.DataFrame({"cluster": 1, "x": range(4), "y": range(4)}), "x", "y").p_within(), 2 / 24, 0.015, "permutations")
    check(abs(left_over(target, score) @ (score - score.mean())) < 1e-9, "what is left has nothing of what was taken")


def fits_are_those_of_sklearn() -> None:
    """Of each strength, with networks that are left out and networks that count twice."""
    random = np.random.default_rng(4)
    x, weights = random.normal(size=(50, 9)) * 10 + 100, np.ones((2, 50))
    y = x[:, 0] + random.normal(size=50)
    weights[1, :8], weights[1, 8:14] = 0, 2
    inside = (x - x.mean(axis=0)) / x.std(axis=0)
    found = fits.ridge(inside, y, weights, fits.RIDGE)
    classes = (y > np.median(y)).astype(float)
    odds = fits.logistic(inside, classes, weights, fits.LOGISTIC)
    for own, guess, odd in zip(weights, found, odds):
        unit = StandardScaler().fit(x[own > 0], sample_weight=own[own > 0])
        fitted, far = unit.transform(x[own > 0]), unit.transform(x).clip(-5, 5)
        for k, strength in enumerate(fits.RIDGE):
            model = Ridge(alpha=strength).fit(fitted, y[own > 0], sample_weight=own[own > 0])
            near(np.abs(model.predict(far) - guess[k]).max(), 0, 1e-8, "ridge regression")
        for k, strength in enumerate(fits.LOGISTIC):
            model = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-10, max_iter=1000)
            model.fit(fitted, classes[own > 0], sample_weight=own[own > 0])
            near(np.abs(model.decision_function(far) - odd[k]).max(), 0, 1e-4, "logistic regression")


def fits_seen(frame: pd.DataFrame, classes: bool, apart: str | None) -> list[np.ndarray]:
    """The networks of each fit that a prediction makes, those that choose the strength among them."""
    seen, names = [], ("ridge", "logistic")
    kept = {name: getattr(fits, name) for name in names}

    def watched(model):
        def fit(x, y, weights, strengths):
            seen.extend(weights > 0)
            return model(x, y, weights, strengths)
        return fit

    try:
        for name in names:
            setattr(fits, name, watched(kept[name]))
        columns = [c for c in frame if c.startswith("x")]
        fits.predicted(frame[columns].to_numpy(), frame.y.to_numpy(), splits_of(frame, "y", classes, apart), classes,
                       np.ones((1, len(frame))))
    finally:
        for name in names:
            setattr(fits, name, kept[name])
    return seen


def clusters_stay_apart() -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"cluster": random.integers(12, size=90), "widths": random.integers(4, size=90),
                          "y": random.integers(2, size=90), "x0": random.normal(size=90), "x1": random.normal(size=90)})
    for classes, apart in ((True, None), (False, None), (False, "widths")):
        splits = splits_of(frame, "y", classes, apart)
        for fitted, left in splits:
            check(not set(frame.cluster[fitted]) & set(frame.cluster[left]), "a cluster on both sides of a split")
            check(apart is None or not set(frame.widths[fitted]) & set(frame.widths[left]), "a width on both sides")
        check(sorted(np.concatenate([left for _, left in splits])) == list(range(90)), "each network is predicted once")
        seen = fits_seen(frame, classes, apart)
        outer = [set(fitted) for fitted, _ in splits]
        whole = sum(set(np.nonzero(fitted)[0]) in outer for fitted in seen)
        check(whole == len(splits) < len(seen) / 2, "strengths are chosen by inner splits, which leave out more than outer ones")
        for fitted in seen:  # all networks of its clusters and widths: no network is left out for itself
            clusters, widths = frame.cluster.isin(frame.cluster[fitted]), frame.widths.isin(frame.widths[fitted])
            check((fitted == (clusters & (widths if apart else True)).to_numpy()).all(), "a fit has parts of clusters")


def strengths_are_chosen_by_clusters() -> None:
    """Where numbers tell clusters, and the target is a cluster's own, only a strength chosen by networks is weak."""
    explained_by = {"clusters": [], "networks": []}
    for draw in range(100):
        random = np.random.default_rng(40 + draw)
        of, own = np.repeat(np.arange(8), 8), random.normal(size=(8, 10))
        x, y = own[of] + 0.3 * random.normal(size=(64, 10)), random.normal(size=8)[of] + 0.1 * random.normal(size=64)
        splits = coverage.whole_folds(of, 4)
        guess = fits.predicted(x, y, splits, False, np.ones((1, 64)))[0]
        explained_by["clusters"].append(float(np.mean((guess - y) ** 2)))
        alone = np.empty(64)
        for fitted, left in splits:  # as before: each network left out for itself
            weights = np.zeros((len(fitted) + 1, 64))
            weights[:, fitted] = 1
            weights[np.arange(len(fitted)), fitted] = 0
            every = fits.ridge(x, y, weights, fits.RIDGE)
            wrong = sum((every[k, :, row] - y[row]) ** 2 for k, row in enumerate(fitted))
            alone[left] = every[-1, wrong.argmin(), left]
        explained_by["networks"].append(float(np.mean((alone - y) ** 2)))
    less = np.subtract(explained_by["networks"], explained_by["clusters"])
    check(less.mean() > SIGMAS * less.std(ddof=1) / math.sqrt(len(less)), "strengths chosen by clusters do better on clusters")


def weights_leave_out() -> None:
    """What is found without a cluster is what is found where it is not."""
    random = np.random.default_rng(6)
    frame = pd.DataFrame(random.normal(size=(60, 4)), columns=[f"x{k}" for k in range(4)])
    frame = frame.assign(cluster=np.arange(60) // 5, z=frame.x0 + random.normal(size=60), y=(np.arange(60) // 5) % 2)
    for target, classes in (("z", False), ("y", True)):
        x, y = frame[["x0", "x1", "x2", "x3"]].to_numpy(), frame[target].to_numpy(float)
        splits = splits_of(frame, target, classes, None)
        guess = fits.predicted(x, y, splits, classes, without_each(frame))
        kept = frame.cluster.to_numpy() != 3
        number = np.cumsum(kept) - 1
        fewer = [(number[a[kept[a]]], number[b[kept[b]]]) for a, b in splits]
        alone = fits.predicted(x[kept], y[kept], fewer, classes, np.ones((1, kept.sum())))[0]
        check(np.isnan(guess[3, ~kept]).all(), "what is left out is not predicted")
        near(np.abs(guess[3, kept] - alone).max(), 0, 1e-4 if classes else 1e-8, "without a cluster")


def predicted(frame: pd.DataFrame, columns: list[str], target: str, classes: bool):
    return (Classification if classes else Regression)(frame, columns, target, splits_of(frame, target, classes, None))


def chance_gives_nothing() -> None:
    """Numbers that know nothing of the target: areas are 1/2 on average, R2 not above 0."""
    areas, found, p = [], [], []
    for draw in range(24):
        random = np.random.default_rng(100 + draw)
        frame = pd.DataFrame(random.normal(size=(60, 12)), columns=[f"x{k}" for k in range(12)])
        frame = frame.assign(cluster=np.arange(60), y=random.permutation(np.arange(60) % 2), z=random.normal(size=60))
        columns = [f"x{k}" for k in range(12)]
        areas.append(predicted(frame, columns, "y", True).value)
        grouped = frame.assign(cluster=np.arange(60) // 6)
        found.append(predicted(grouped, columns, "z", False).value)
        p.append(Ranked(grouped, "x0", "z").p_within())
    within_chance(areas, 0.5, "area by chance")
    check(np.mean(found) < 0.05, "R2 by chance")
    within_chance(p, 0.5, "p by chance")


def what_is_planted_is_found() -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(100, 6)), columns=[f"x{k}" for k in range(6)])
    frame = frame.assign(cluster=np.arange(100) // 5)
    frame["z"] = frame.x0 - frame.x1 + 0.5 * random.normal(size=100)
    frame["x1"] = 1000 + 100 * frame.x1  # units do not matter
    columns = [f"x{k}" for k in range(6)]
    both = predicted(frame, columns, "z", False)
    near(both.value, 2 / 2.25, 0.08, "R2 of a planted line")
    one = predicted(frame, ["x0", "x2", "x3", "x4", "x5"], "z", False)
    gain, (low, high), above = both.gain_beside(one)
    near(gain, both.value - one.value, 1e-12, "a gain is the difference")
    check(0 < low < gain < above < high, "a planted gain is seen, and its bound is inside the two-sided interval")
    frame["y"] = (frame.x0 > 0).astype(int)
    whole = predicted(frame, ["x0", "x1"], "y", True)
    check(whole.value > 0.95, "a planted class")
    gain, (low, high), above = whole.gain_beside(predicted(frame, ["x2"], "y", True))
    check(0.1 < low < gain < high and above < high, "a planted gain of an area is seen")
    frame["x6"] = frame.y + 0.01 * frame.x5
    alone, more = predicted(frame, ["x6"], "y", True), predicted(frame, ["x6", "x5"], "y", True)
    gain, (low, high), above = more.gain_beside(alone)
    check(alone.value == more.value == 1 and 0.8 < alone.interval()[0] < 1 and low < 0 < above < high < 0.2,
          "where all is known already, the gain is bounded by the score interval")
    # What a third number explains is gone when that is given.
    frame["driver"] = random.normal(size=100)
    frame["a"], frame["b"] = (frame.driver + 0.3 * random.normal(size=100) for _ in range(2))
    whole = frame.assign(cluster=np.arange(100) // 25)
    check(Ranked(whole, "a", "b").value > 0.7, "a common cause orders both")
    near(Ranked(whole, "a", "b", "driver").value, 0, SIGMAS / math.sqrt(100), "given their cause, they are not ordered")


def nothing_is_said_without_overlap() -> None:
    random = np.random.default_rng(5)
    positive = np.arange(80) < 40
    driver = random.uniform(size=80) + 1.5 * positive
    frame = pd.DataFrame({"cluster": np.arange(80), "driver": driver})
    check(overlapping(frame, "driver", positive) is None, "classes apart have no common range")
    frame["driver"] = driver - 1.0 * positive
    inside = overlapping(frame, "driver", positive)
    check(inside is not None and inside.driver.between(0.5, 1.0).all() and 20 < len(inside) < 60, "the common range")
    # At equal values of the driver there is a difference, against that which the driver makes. A line through both classes
    # together takes a part of it away, one within them does not.
    part = random.uniform(size=400) ** 2
    wide = pd.DataFrame({"cluster": np.arange(400), "driver": np.where(np.arange(400) < 200, 1 - part, part)})
    kind, line = wide.cluster.to_numpy() < 200, 3 * np.log(1 + wide.driver)
    wide[answers.PRIMARY] = line - 0.5 * kind + 0.5 * random.normal(size=400)
    known = Area(wide, (wide[answers.PRIMARY] - line).to_numpy(), kind).value
    near(Given(wide, "driver", kind).value, known, 0.02, "a difference at equal values of a third number")
    together = left_over(wide[answers.PRIMARY].to_numpy(), np.log(1 + wide.driver.to_numpy()))
    check(abs(Area(wide, together, kind).value - known) > 0.05, "a line through both classes takes a part of it away")
    # No class is told where all of the difference is the driver's.
    frame[answers.PRIMARY] = np.log(1 + frame.driver) * 3 + 0.3 * random.normal(size=80)
    inside = overlapping(frame, "driver", positive)
    low, high = Given(inside, "driver", inside.cluster.to_numpy() < 40).interval()
    check(low < 0.5 < high, "none at equal values")


class FewTables:
    """As much of a zoo as questions take."""

    variants: list[str] = []

    def overlap_at(self, name: str, temperature: float) -> float:
        return math.nan


def questions_use_them() -> None:
    random = np.random.default_rng(7)
    runs = pd.DataFrame({"cluster": np.repeat(np.arange(6), 8), "name": [f"n{k}" for k in range(48)],
                         "epoch": np.tile(np.arange(8), 6), "frontier": 0.1, "t_ord": 1.0, "t_formula": 1.0})
    runs[answers.PRIMARY] = runs.epoch + random.normal(size=48)
    runs["weight_norm"] = runs.epoch + 0.01 * random.normal(size=48)
    runs["never_lit"] = random.permuted(np.tile(np.arange(8), (6, 1)), axis=1).ravel()
    for one_run, least, most in ((True, 2 / 64, 2 / 64), (False, 0, 1e-3)):
        report = answers.Report(FewTables())
        report.orders("progress", "runs", runs, "epoch", one_run)
        table = report.finish()
        p = table.p[(table.by == answers.PRIMARY) & (table.kind == "primary")].iloc[0]
        check(least - 1e-9 <= p <= most + 1e-9, "runs are tested by their signs, networks by permutations")
        notes = dict(zip(table.by, table.note))
        check(notes["given weight norm"] == answers.NO_OVERLAP, "what orders networks as the target does is not held fixed")
        check(notes["given never-lit pixels"] == "", "what does not is")
    frame = pd.DataFrame(random.normal(size=(72, len(answers.WEIGHTS))), columns=answers.WEIGHTS)
    frame = frame.assign(cluster=np.arange(72) // 6, name=[f"n{k}" for k in range(72)], frontier=0.1, t_ord=1.0, t_formula=1.0)
    frame[answers.PRIMARY] = random.normal(size=72)
    frame["lambda_max"], frame["target"] = random.normal(size=72), frame.alpha + frame[answers.PRIMARY]
    report = answers.Report(FewTables())
    report.progress = lambda question, subject: None
    report.predicts("planted", "line", frame, "target")
    gain = report.finish().query("kind == 'gain' and by.str.startswith('primary')").iloc[0]
    check(gain.low > 0 and gain.value < gain.excluded_above < gain.high, "a gain has the bound that it excludes")


def intervals_and_tests_hold() -> None:
    """The parts of coverage.py in small: the intervals that are used hold the truth no more rarely than 9 times in 10 (chance for
    one that does: CHANCE), but for rank correlations where some clusters are reversed; and what was used before does not."""
    for positive, negative, value in ((16, 16, 1.0), (9, 54, 0.8), (10, 16, 0.5)):
        low, high = intervals.area_interval(value, positive, negative)
        near(intervals.area_interval(1 - value, positive, negative)[1], 1 - intervals.area_interval(value, negative, positive)[0],
             1e-9, "intervals of areas are symmetric")
        check(low < value <= high and low > 0.2, "an interval is around its value, at complete separation too")
    for upper, value in ((False, 1.0), (False, 0.7), (True, 0.7)):  # where the distance is that many standard errors there
        end = intervals.area_bound(value, 12, 20, 0.975, upper)
        q1, q2 = end / (2 - end), 2 * end ** 2 / (1 + end)  # Hanley and McNeil, with both sizes at their mean
        error = math.sqrt((end * (1 - end) + 15 * (q1 + q2 - 2 * end ** 2)) / (12 * 20))
        near(abs(value - end), 1.959964 * error, 1e-6, "score interval of an area")
    near(intervals.sign_flips(np.array([[0.3, 0.9, 0.1, 0.2, 0.4, 1.0]]))[0], 2 / 64, 1e-12, "six of one sign")
    frame = pd.DataFrame({"cluster": np.arange(20) // 2})
    score, kind = np.arange(20.0), np.arange(20) >= 14
    near(intervals.p_of_classes(frame, score, kind), 2 / math.comb(10, 3), 0.006, "classes of whole clusters permuted")
    values = np.random.default_rng(8).normal(size=9)
    near(intervals.jackknife_error(np.array([np.delete(values, k).mean() for k in range(9)])), values.std(ddof=1) / 3, 1e-12,
         "the jackknife of a mean")
    near(np.diff(intervals.around(0.0, 1.0, 4))[0], 2 * 3.1824, 1e-3, "Student's t of four clusters")
    near(answers.interval_of_ratio(0.8, 10)[0], 0.0660, 1e-3, "noncentral t")
    table = coverage.Table()
    coverage.of_rank_correlations(table, 400, (4, 10))
    coverage.of_areas(table, 150, ((16, 16, 1), (9, 54, 1)), (0.0, 2.33))
    coverage.of_predictions(table, 60, [(4, 7, 8, 0.3, False), (8, 7, 1, 0.3, False)])
    rows = pd.DataFrame(table.rows)
    rows = rows[~rows["shape"].str.contains("reversed")]
    least = binom.ppf(CHANCE, rows.studies, 0.9) / rows.studies
    used = rows.used == 1
    check(used.sum() == 18, "all kinds of intervals are measured")
    bad = rows[used & (rows.held < least - 1e-9)]
    check(bad.empty, f"intervals hold the truth:\n{bad}")
    before = rows.method.str.contains("before") & rows["shape"].str.startswith("4 clusters") & rows.kind.isin(["R2", "rank correlation"])
    check((rows[before].held < least[before]).any(), "the bootstraps of before would not pass")
    tests = coverage.Table()
    coverage.of_trajectories(tests, 1000, ((6, 8), (10, 8)))
    coverage.of_classes(tests, 150, ((16, 10, 2),))
    rows = pd.DataFrame(tests.rows)
    rows["level"] = rows.kind.str.rsplit(" ", n=1).str[1].astype(float)
    most = binom.isf(CHANCE, rows.studies, rows.level) / rows.studies
    bad = rows[(rows.used == 1) & (rows.held > most)]
    check(bad.empty, f"tests reject what is true too often:\n{bad}")
    check((rows.held > most)[rows.method.str.contains("checkpoints permuted")].all(), "permuted checkpoints would not pass")


def refuses(what: str, f, *error) -> None:
    try:
        f()
    except error:
        return
    check(False, f"{what} is refused")


def files_are_read() -> None:
    """The same values in each format; and what is no network is refused."""
    weights = {"10.weight": [[1.0, -2.0, 0.5]], "2.weight": [[0.25, 3.0], [1.0, -0.125], [2.0, 1.0]], "2.bias": [0.5, -1.0, 4.0]}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        np.savez(directory / "a.npz", **{key: np.float32(value) for key, value in weights.items()})
        read = [baselines.of_file(("a", directory / "a.npz"))]
        for stored in ("F16", "BF16", "F32", "F64"):
            header, content = {}, b""
            for key, value in weights.items():
                values = np.array(value)
                if stored == "BF16":
                    packed = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
                else:
                    packed = values.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[stored]).tobytes()
                header[key] = {"dtype": stored, "shape": values.shape, "data_offsets": [len(content), len(content) + len(packed)]}
                content += packed
            text = json.dumps(header).encode()
            path = directory / f"{stored}.safetensors"
            path.write_bytes(struct.pack("<Q", len(text)) + text + content)
            read.append(baselines.of_file(("a", path)))
        check(all(row == read[0] for row in read), "one network in five formats has the same baselines")
        near(read[0]["weight_norm"], math.sqrt(5.25 + 0.0625 + 9 + 1 + 0.015625 + 4 + 1), 1e-12, "norm of weights")
        near(read[0]["last_std"], np.std([1.0, -2.0, 0.5]), 1e-12, "layer 10 comes after layer 2")
        whole = (directory / "F32.safetensors").read_bytes()
        for size in (0, 5, 40, len(whole) - 4):
            (directory / "cut.safetensors").write_bytes(whole[:size])
            refuses(f"{size} bytes of a file", lambda: baselines.of_file(("a", directory / "cut.safetensors")),
                    baselines.StudyError)
        (directory / "cut.npz").write_bytes((directory / "a.npz").read_bytes()[:100])
        refuses("a cut npz", lambda: baselines.of_file(("a", directory / "cut.npz")), baselines.StudyError)
        refuses("no file", lambda: baselines.of_file(("a", directory / "none.npz")), baselines.StudyError)
        np.savez(directory / "nan.npz", w=np.array([[np.nan, 1.0]]))
        refuses("a weight that is not finite", lambda: baselines.of_file(("a", directory / "nan.npz")), baselines.StudyError)
        np.savez(directory / "flat.npz", w=np.ones(3))
        refuses("no matrix", lambda: baselines.of_file(("a", directory / "flat.npz")), baselines.StudyError)


def tables_are_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "t.csv"
        refuses("no table", lambda: answers.read_table(path, ("name",)), answers.TableError)
        for text in ("", "name\n", "other\n1\n", 'name\n"a\n', "name\na,b\nc,d,e\n"):
            path.write_text(text)
            refuses(f"table {text!r}", lambda: answers.read_table(path, ("name",)), answers.TableError)
        path.write_text("name\na\na\n")
        refuses("a name twice", lambda: answers.no_name_twice(answers.read_table(path, ("name",)), path), answers.TableError)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    intervals.PERMUTATIONS, coverage.BOOTSTRAPS, answers.BOOTSTRAPS = 2000, 40, 40
    for part in (known_values, fits_are_those_of_sklearn, clusters_stay_apart, strengths_are_chosen_by_clusters, weights_leave_out,
                 chance_gives_nothing, what_is_planted_is_found, nothing_is_said_without_overlap, questions_use_them,
                 intervals_and_tests_hold, files_are_read, tables_are_read):
        part()
    print("answers_test.py: all good")
