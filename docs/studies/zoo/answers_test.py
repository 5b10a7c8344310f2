# SPDX-License-Identifier: BSD-3-Clause
"""The statistics of answers.py on data of which the truth is known.

    /usr/bin/python3 docs/studies/zoo/answers_test.py

Thresholds are p < 1e-6 for each comparison with chance, of 8.
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
from answers import Area, Explained, Ranked, holm, left_over, predicted, splits_of  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402
from sklearn.metrics import r2_score, roc_auc_score  # noqa: E402

SIGMAS = 4.9  # p < 1e-6, two-sided


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
    near(Explained(frame, score, target).value, r2_score(target, score), 1e-12, "explained variance")
    drawn = np.ones((1, 60))
    drawn[0, :3], drawn[0, 3:6] = 2, 0  # a cluster twice, another not at all
    rows = np.concatenate([np.arange(3), np.arange(3), np.arange(6, 60)])
    near(Area(frame, score, y).of(drawn)[0], roc_auc_score(y[rows], score[rows]), 1e-12, "area of a bootstrap")
    near(Explained(frame, score, target).of(drawn)[0], r2_score(target[rows], score[rows]), 1e-12, "R2 of a bootstrap")
    both = frame.assign(x=score, y=target)
    each = [spearmanr(part.x, part.y)[0] for _, part in both.groupby("cluster")]
    near(Ranked(both, "x", "y").value, float(np.nanmean(each)), 1e-12, "mean rank correlation")
    third = frame.assign(cluster=1, x=score, y=target, z=score + target + random.normal(size=60))
    xy, xz, yz = (spearmanr(third[a], third[b])[0] for a, b in (("x", "y"), ("x", "z"), ("y", "z")))
    near(Ranked(third, "x", "y", "z").value, (xy - xz * yz) / math.sqrt((1 - xz ** 2) * (1 - yz ** 2)), 1e-12,
         "partial rank correlation")
    # A single cluster of four in order: of 4! orders two are as good, in size.
    near(Ranked(pd.DataFrame({"cluster": 1, "x": range(4), "y": range(4)}), "x", "y").p(), 2 / 24, 0.015, "permutations")
    check(abs(left_over(target, score) @ (score - score.mean())) < 1e-9, "what is left has nothing of what was taken")


def clusters_stay_apart() -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"cluster": random.integers(12, size=90), "widths": random.integers(4, size=90),
                          "y": random.integers(2, size=90)})
    for classes, apart in ((True, None), (False, None), (False, "widths")):
        for fitted, left in splits_of(frame, "y", classes, apart):
            check(not set(frame.cluster[fitted]) & set(frame.cluster[left]), "a cluster on both sides of a split")
            check(apart is None or not set(frame.widths[fitted]) & set(frame.widths[left]), "a width on both sides")
        check(sorted(np.concatenate([left for _, left in splits_of(frame, "y", classes, apart)])) == list(range(90)),
              "each network is predicted once")


def chance_gives_nothing() -> None:
    """Numbers that know nothing of the target: areas are 1/2 on average, R2 not above 0, intervals cover."""
    areas, covered, explained, p = [], [], [], []
    for draw in range(24):
        random = np.random.default_rng(100 + draw)
        frame = pd.DataFrame(random.normal(size=(60, 12)), columns=[f"x{k}" for k in range(12)])
        frame = frame.assign(cluster=np.arange(60), y=random.permutation(np.arange(60) % 2), z=random.normal(size=60))
        splits = splits_of(frame, "y", True, None)
        folds = np.full(60, -1)
        for k, (_, left) in enumerate(splits):
            folds[left] = k
        columns = [f"x{k}" for k in range(12)]
        areas.append(Area(frame, predicted(frame, columns, "y", True, splits), frame.y.to_numpy() == 1, folds).value)
        low, high = Area(frame, frame.x0.to_numpy(), frame.y.to_numpy() == 1).interval()
        covered.append(low <= 0.5 <= high)
        grouped = frame.assign(cluster=np.arange(60) // 6)
        guess = predicted(grouped, columns, "z", False, splits_of(grouped, "z", False, None))
        explained.append(Explained(grouped, guess, grouped.z.to_numpy()).value)
        p.append(Ranked(grouped, "x0", "z").p())
    within_chance(areas, 0.5, "area by chance")
    check(sum(covered) >= 15, f"intervals cover 1/2 in {sum(covered)} of 24 (0.95 of them wanted; 14 or fewer: p < 1e-7)")
    check(np.mean(explained) < 0.05, "R2 by chance")
    within_chance(p, 0.5, "p by chance")


def what_is_planted_is_found() -> None:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(100, 6)), columns=[f"x{k}" for k in range(6)])
    frame = frame.assign(cluster=np.arange(100) // 5)
    frame["z"] = frame.x0 - frame.x1 + 0.5 * random.normal(size=100)
    frame["x1"] = 1000 + 100 * frame.x1  # units do not matter
    guess = predicted(frame, [f"x{k}" for k in range(6)], "z", False, splits_of(frame, "z", False, None))
    near(Explained(frame, guess, frame.z.to_numpy()).value, 2 / 2.25, 0.08, "R2 of a planted line")
    frame["y"] = (frame.x0 > 0).astype(int)
    splits = splits_of(frame, "y", True, None)
    score = predicted(frame, ["x0", "x1"], "y", True, splits)
    check(Area(frame, score, frame.y.to_numpy() == 1).value > 0.95, "a planted class")
    # What a third number explains is gone when that is given.
    frame["driver"] = random.normal(size=100)
    frame["a"], frame["b"] = (frame.driver + 0.3 * random.normal(size=100) for _ in range(2))
    whole = frame.assign(cluster=np.arange(100) // 25)
    check(Ranked(whole, "a", "b").value > 0.7, "a common cause orders both")
    near(Ranked(whole, "a", "b", "driver").value, 0, SIGMAS / math.sqrt(100), "given their cause, they are not ordered")


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
    answers.BOOTSTRAPS, answers.PERMUTATIONS = 1000, 4000
    known_values()
    clusters_stay_apart()
    chance_gives_nothing()
    what_is_planted_is_found()
    files_are_read()
    tables_are_read()
    print("answers_test.py: all good")
