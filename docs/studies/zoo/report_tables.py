# SPDX-License-Identifier: BSD-3-Clause
"""The tables of docs/studies/descriptor.md from the tables in git: compares them cell by cell, or writes them.

    /usr/bin/python3 docs/studies/zoo/report_tables.py              # fails at the first cell that differs
    /usr/bin/python3 docs/studies/zoo/report_tables.py --write

A line `<!-- table NAME -->` stands before each table. Sentences with numbers that are counted here (`facts`) have to be in the text.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

HERE = Path(__file__).resolve().parent
PRIMARY, LESS = "q_ord_0.5", "weights and mean field"
SHORT = {"rank correlation": "r", "AUC": "AUC", "R2": "R2"}


def told(row) -> str:
    """A number with its interval, as answers.md has it."""
    if row is None:
        return ""
    if isinstance(row.note, str) and row.note:
        return row.note
    form = "{:.2f}" if row.measure == "AUC" else "{:+.2f}"
    value = form.format(row.value)
    return f"{value} ({form.format(row.low)} to {form.format(row.high)})" if np.isfinite(row.low) else value


class Answers:
    def __init__(self, tables: Path):
        self.table = pd.read_csv(tables / "answers.csv")
        self.questions = list(dict.fromkeys(zip(self.table.question, self.table.subject)))

    def row(self, question, kind, by, starts: bool = False):
        t = self.table
        same = t.by.str.startswith(by) if starts else t.by == by
        found = t[(t.question == question[0]) & (t.subject == question[1]) & (t.kind == kind) & same]
        return found.iloc[0] if len(found) else None

    def gains(self, name) -> pd.DataFrame:
        return self.table[(self.table.kind == "gain") & self.table.by.str.startswith(name)]


def name_of(question, measure=None) -> str:
    return ", ".join(question) + (f" ({SHORT[measure]})" if measure else "")


# ---------------------------------------------------------------- tables


def families(manifest: pd.DataFrame) -> list[list[str]]:
    rows = [["family", "networks", "seeds", "what differs"]]
    differs = {"training": "checkpoints at 0, 0.25, 1, 2, ..., 32 epochs; Fashion, digits",
               "width": "one hidden layer of 16 to 1024; loss 0.2 wanted, within 60 epochs (16, 32 and 64 end at 0.27, 0.22, 0.21)",
               "depth": "1 to 10 hidden layers, equally many parameters; loss 0.2",
               "images": "100 to 60,000 training images; loss 0.2",
               "noise": "0 to 100 % of the labels drawn anew, 2,000 images, loss 0.1; Fashion, digits",
               "recipe": "weight decay, dropout, SGD with and without momentum, batches of 16 and 512; 10 epochs",
               "robust": "8 epochs, standard or adversarial (PGD, 5 steps, 0.1)",
               "backdoor": "BadNets patch (4 x 4 pixels) or a blended pattern (0.2), 1, 5, 10 % of the images; 54 clean ones of other "
                           "seeds; 18 clean twins",
               "compressed": "30, 60, 90 % of the weights pruned; 8, 4, 2 bits"}
    for family, text in differs.items():
        own = manifest[manifest.family == family]
        parts = own.groupby("attack" if family == "backdoor" else "data", sort=False).cluster.nunique()
        if family == "backdoor":
            kinds = own[own.label != "twin"]
            parts = kinds.groupby(kinds.attack != "", sort=False).cluster.nunique()
        rows.append([family, str(len(own)), " + ".join(str(n) for n in parts), text])
    return rows


def one_number(answers: Answers) -> list[list[str]]:
    rows = [["question", "networks / clusters", "<\\|q\\|> at T_ord / 2", "p", "at one T", "at one T / T_formula", "T_ord",
             "weight norm"]]
    for question in answers.questions:
        own = answers.row(question, "primary", PRIMARY)
        if own is None or own.measure not in SHORT:
            continue
        rows.append([name_of(question, own.measure), f"{own.networks} / {own.clusters}", told(own), f"{own.p:.2g}",
                     told(answers.row(question, "axis", "T = ", True)),
                     told(answers.row(question, "axis", "T / T_formula = ", True)),
                     told(answers.row(question, "mean field", "t_ord")), told(answers.row(question, "weights", "weight_norm"))])
    return rows


def sets(answers: Answers) -> list[list[str]]:
    rows = [["question", "networks / clusters", "curve", "shuffled null's", "mean field", "weights", "weights and mean field",
             "with the curve", "gain", "excluded above", "the primary's gain", "excluded above"]]
    for question in answers.questions:
        curve = answers.row(question, "set", "curve")
        if curve is None:
            continue
        cells = [told(answers.row(question, "set", by)) for by in
                 ("curve", "null's curve", "mean field", "weights", LESS, "weights, mean field and curve")]
        for name in ("curve", "primary"):
            row = answers.row(question, "gain", f"{name} beside", True)
            cells += [told(row), f"{row.excluded_above:.2f}"]
        rows.append([name_of(question, curve.measure), f"{curve.networks} / {curve.clusters}", *cells])
    return rows


def controls(answers: Answers) -> list[list[str]]:
    columns = [("mapping", "rescaled"), ("mapping", "balanced"), ("less null", "trained less shuffled"),
               ("less null", "trained less redrawn"), ("less null", "centred less centred_shuffled"),
               ("control", "given weight norm"), ("control", "given steps")]
    rows = [["question", "as it is", "rescaled", "balanced", "less shuffled", "less redrawn", "centred less its shuffled",
             "given weight norm", "given steps"]]
    for question in answers.questions:
        own = answers.row(question, "primary", PRIMARY)
        if own is not None and own.measure in SHORT:
            rows.append([name_of(question), told(own), *(told(answers.row(question, *column)) for column in columns)])
    return rows


def effects(answers: Answers) -> list[list[str]]:
    rows = [["question", "between the extreme classes", "by rescaling, rms"]]
    for question in answers.questions:
        between = answers.row(question, "effect", "between the extreme classes")
        if between is not None:
            rows.append([name_of(question), f"{between.value:+.3f}",
                         f"{answers.row(question, 'effect', 'rescaling, root mean square').value:.3f}"])
    return rows


def rescaling(tables: Path) -> list[list[str]]:
    rows = [["network", "spread", "measured", "T_ord", "<\\|q\\|> at T_ord / 2", "rms change"]]
    for row in pd.read_csv(tables / "rescaling.csv").itertuples():
        rows.append([row.network, f"{row.spread:g}" if row.spread else "0 (sampling alone)", f"{row.measured} of {row.draws}",
                     f"{row.t_ord:.3g}", f"{row.mean:.3f}", f"{row.rms_change:.3f}"])
    return rows


def options(answers: Answers) -> list[list[str]]:
    rows = [["question", "no biases", "no inputs", "no outputs", "layers of unit variance"]]
    for question in answers.questions:
        found = [answers.row(question, "mapping", by) for by in ("no_biases", "no_inputs", "no_outputs", "unit_layers")]
        if all(row is not None for row in found) and question[1] != "digits":
            rows.append([name_of(question), *map(told, found)])
    return rows


def cost(tables: Path) -> list[list[str]]:
    rows = [["replicas x sweeps", "seconds of a core", "passed", "rms difference from the zoo's own", "AUC, robust", "r, noise"]]
    text = lambda value, form: form.format(value) if np.isfinite(value) else ""  # noqa: E731
    for row in pd.read_csv(tables / "cost.csv").itertuples():
        zoo = row.replicas == 0
        rows.append([f"{8 if zoo else row.replicas} x {row.sweeps}" + (" (the zoo's)" if zoo else ""), f"{row.seconds:.1f}",
                     f"{row.share_measured:.0%}", "" if zoo else text(row.rms_difference, "{:.4f}"), text(row.robust_auc, "{:.2f}"),
                     text(row.noise_rank_correlation, "{:+.2f}")])
    return rows


def span(values: pd.Series) -> str:
    """Of shares: the least and the most, in percent."""
    values = values.dropna()
    if values.empty:
        return ""
    least, most = f"{100 * values.min():.0f}", f"{100 * values.max():.0f}"
    return f"{least} %" if least == most else f"{least} to {most} %"


def coverage(tables: Path) -> list[list[str]]:
    table = pd.read_csv(tables / "coverage.csv")
    table = table[~table.kind.str.startswith("false")]
    table["kind"] = table.kind.str.replace(", more numbers", "")
    table["group"] = table["shape"].str.replace(r" of \d+", "", regex=True).str.replace(r", (12|8) numbers.*?(?=, recipe|$)", "",
                                                                                         regex=True)
    rows = [["number", "networks", "studies", "truths", "intervals used", "one-sided bound", "bootstrap, refitted", "bootstrap of before"]]
    for (kind, group), part in table.groupby(["kind", "group"], sort=False):
        truths = " to ".join(dict.fromkeys(f"{truth:.2f}" for truth in (part.truth.min(), part.truth.max())))
        used = part[part.used == 1]  # of as many studies each
        rows.append([kind, group, f"{used.studies.min():,}", truths.replace("-0.00", "0.00"), span(used.held),
                     span(used.bound_held) if kind.startswith("gain") else "",
                     span(part.held[part.method == "bootstrap, refitted"]), span(part.held[part.method.str.contains("before")])])
    return rows


def rejections(tables: Path) -> list[list[str]]:
    table = pd.read_csv(tables / "coverage.csv")
    table = table[table.kind.str.startswith("false")]
    levels = list(dict.fromkeys(table.kind))
    rows = [["networks", "tests used, at 5 %", "at 0.28 %", "tests of before, at 5 %", "at 0.28 %", "Student's t over clusters, at 5 %",
             "at 0.28 %"]]
    for shape, part in table.groupby("shape", sort=False):
        cells = []
        for good in (part.used == 1, part.method.str.contains("before"), part.method.str.startswith("Student")):
            for level in levels:
                found = part[good & (part.kind == level)].held
                cells.append(f"{100 * found.iloc[0]:.1f} %" if len(found) else "")
        rows.append([shape, *cells])
    return rows


# What the report said before, from answers.csv of commit 95c0e74; and where the number of now is.
def changes(answers: Answers) -> list[list[str]]:
    rows = [["number", "before", "now"]]
    p = lambda row: f"{told(row)}, p = {row.p:.2g}"  # noqa: E731
    for subject, both in (("fashion", ("-0.49 (-0.71 to -0.29), p = 0.0024", "-0.74 (-0.88 to -0.54), p = 0.0024")),
                          ("digits", ("-0.36 (-0.65 to -0.08), p = 0.3", "-0.43 (-0.62 to -0.24), p = 0.32"))):
        for question, old in zip(("progress", "progress after one epoch"), both):
            rows.append([f"{question}, {subject} (r)", old, p(answers.row((question, subject), "primary", PRIMARY))])
    for question, old in ((("depth", "fashion"), "+0.38 (+0.07 to +0.60), p = 1"),
                          (("label noise", "fashion"), "-0.45 (-0.74 to -0.12), p = 0.025"),
                          (("robust training", "fashion"), "1.00 (1.00 to 1.00), p = 3.9e-05"),
                          (("robust training", "beside 0.25 to 1 epochs"), "0.84 (0.68 to 0.98), p = 0.016"),
                          (("backdoor", "blended, 1%"), "0.20 (0.10 to 0.30), p = 0.068")):
        row = answers.row(question, "primary", PRIMARY)
        rows.append([name_of(question, row.measure), old, p(row)])
    for question, by, old in ((("robust training", "fashion"), "given weight norm", "0.48 (0.27 to 0.68)"),
                              (("robust training", "beside 0.25 to 1 epochs"), "given weight norm", "0.82 (0.61 to 1.00)"),
                              (("robust training", "beside 0.25 to 1 epochs"), "given steps", "0.65 (0.49 to 0.82)"),
                              (("width", "fashion"), "given steps", "+0.93 (+0.78 to +1.00)"),
                              (("images", "fashion"), "given never-lit pixels", "-0.33 (-0.84 to +0.22)"),
                              (("backdoor", "blended, 1%"), "given weight norm", "0.42 (0.29 to 0.56)")):
        row = answers.row(question, "control", by)
        rows.append([f"{name_of(question, answers.row(question, 'primary', PRIMARY).measure)}, {by}", old, told(row)])
    gap, robust = ("generalisation gap", "recipes; recipe left out"), ("robust accuracy", "recipes")
    for question, by, old in ((gap, LESS, "+0.40 (+0.08 to +0.55)"), (robust, LESS, "+0.73 (+0.64 to +0.84)")):
        rows.append([f"{name_of(question)}, {by} (R2)", old, told(answers.row(question, "set", by))])
    for question, by, old in ((gap, "curve", "-0.53 (-1.03 to -0.13)"), (gap, "primary", "-0.37 (-0.87 to -0.10)"),
                              (robust, "curve", "+0.07 (-0.01 to +0.13)"), (robust, "primary", "+0.01 (-0.01 to +0.03)"),
                              (("images per parameter", "width, depth; widths left out"), "curve", "+0.01 (+0.00 to +0.03)"),
                              (("label noise", "digits"), "curve", "-0.13 (-0.22 to -0.05)"),
                              (("robust training", "fashion"), "curve", "0.00 (0.00 to 0.00)"),
                              (("backdoor", "patch, 5%"), "curve", "-0.17 (-0.37 to 0.03)")):
        rows.append([f"{name_of(question)}, gain of the {by}", old, told(answers.row(question, "gain", f"{by} beside", True))])
    return rows


def facts(answers: Answers) -> list[str]:
    """Clauses that have to be in the text, whatever its line breaks."""
    curve, primary = answers.gains("curve"), answers.gains("primary")
    count = len(curve)
    made = [f"{len(answers.table):,} of them"]
    for name, part in (("curve", curve), ("primary", primary)):
        made.append(f"a gain of more than 0.1 by the {name} is excluded in {(part.excluded_above <= 0.1).sum()} of {count} questions")
        made.append(f"of more than 0.05 in {(part.excluded_above <= 0.05).sum()}")
        made.append(f"the gain of the {name} is surely above 0 in {count_word((part.low > 0).sum())} of {count}")
    made.append(f"between {curve.excluded_above.min():.2f} and {curve.excluded_above.max():.2f}")
    made.append(f"between {primary.excluded_above.min():.2f} and {primary.excluded_above.max():.2f}")
    return made


def count_word(count: int) -> str:
    return "none" if count == 0 else str(count)


TABLES = {"families": (families, "manifest"), "one number": (one_number, "answers"), "sets": (sets, "answers"),
          "coverage": (coverage, "tables"), "rejections": (rejections, "tables"), "controls": (controls, "answers"),
          "effects": (effects, "answers"), "rescaling": (rescaling, "tables"), "options": (options, "answers"),
          "cost": (cost, "tables"), "changes": (changes, "answers")}


# ---------------------------------------------------------------- the report


def lines_of(rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0]), *("| " + " | ".join(row) + " |" for row in rows[1:])]


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def differences(name: str, there: list[str], wanted: list[str]) -> list[str]:
    if len(there) != len(wanted):
        return [f"table {name}: {len(there)} lines, expected {len(wanted)}"]
    found = []
    for number, (line, want) in enumerate(zip(there, wanted)):
        cells, right = cells_of(line), cells_of(want)
        if len(cells) != len(right):
            found.append(f"table {name}, line {number + 1}: {len(cells)} cells, expected {len(right)}")
        for column, (a, b) in enumerate(zip(cells, right)):
            if a != b:
                found.append(f"table {name}, '{right[0]}', column {column + 1}: '{a}', expected '{b}'")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The report's tables, compared with the tables in git or written from them.")
    parser.add_argument("--tables", type=Path, default=HERE / "tables", metavar="DIR")
    parser.add_argument("--report", type=Path, default=HERE.parent / "descriptor.md", metavar="FILE")
    parser.add_argument("--write", action="store_true")
    options_given = parser.parse_args()
    tables, report = options_given.tables, options_given.report.read_text(encoding="utf-8").split("\n")
    sources = {"answers": Answers(tables), "manifest": pd.read_csv(tables / "manifest.csv", keep_default_na=False), "tables": tables}
    made, seen, wrong, k = [], [], [], 0
    while k < len(report):
        made.append(report[k])
        mark = re.fullmatch(r"<!-- table (.*) -->", report[k])
        k += 1
        if not mark:
            if report[k - 1].startswith("|"):
                wrong.append(f"line {k}: a table without a mark before it")
            continue
        name, there = mark.group(1), []
        while k < len(report) and report[k].startswith("|"):
            there.append(report[k])
            k += 1
        if name not in TABLES:
            wrong.append(f"no table is called {name}")
            continue
        build, source = TABLES[name]
        wanted = lines_of(build(sources[source]))
        wrong += [] if options_given.write else differences(name, there, wanted)
        made += wanted
        seen.append(name)
    missing = set(TABLES) - set(seen)
    wrong += [f"there is no mark <!-- table {name} -->" for name in sorted(missing)]
    if options_given.write:
        options_given.report.write_text("\n".join(made), encoding="utf-8")
    text = " ".join(" ".join(line.replace("**", "") for line in made).split())
    wrong += [f"the text does not say '{fact}'" for fact in facts(sources["answers"]) if fact not in text]
    if wrong:
        sys.exit("report_tables.py: failed:\n" + "\n".join(wrong))
    print(f"report_tables.py: {len(seen)} tables are those of {tables}")


if __name__ == "__main__":
    main()
