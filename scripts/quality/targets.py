"""What else an encoder tells: sex, age, and PTB-XL's statements of rhythm and form."""

import ast
import csv
from pathlib import Path

import numpy as np

from measures import Judge, difference_text, summary, text
from prepared import fail
from splits import parts

TESTED, TRAINED = 10, 5


def read_tables(folder, prepared):
    """Sex, age and sets of statements of PTB-XL's records, by row of the prepared set, and which statements are of rhythm and of
    form."""
    folder = Path(folder)
    for name in ("ptbxl_database.csv", "scp_statements.csv"):
        if not (folder / name).is_file():
            fail(f"--ptb-xl {folder}: has no {name}")
    with open(folder / "scp_statements.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    statements = {kind: [line[""] for line in lines if line[kind] in ("1", "1.0")] for kind in ("rhythm", "form")}
    with open(folder / "ptbxl_database.csv", newline="", encoding="utf-8") as file:
        known = {line["ecg_id"].split(".")[0]: line for line in csv.DictReader(file)}
    records = []
    for name, source in zip(prepared.names, prepared.sources):
        line = known.get(name) if source == "ptb-xl" else None
        if line is None:
            records.append(None)
            continue
        age = float(line["age"] or "nan")
        # PTB-XL writes 300 for everybody older than 89.
        records.append((1 - int(float(line["sex"])), age if age <= 89 else np.nan, set(ast.literal_eval(line["scp_codes"]))))
    if not any(records):
        fail(f"--ptb-xl {folder}: knows none of the records of {prepared.path}")
    return records, statements


def build(prepared, records, statements):
    """Targets: name to (truths [records, classes], usable records, whether it is a number, names of the classes)."""
    known = np.array([record is not None for record in records])
    missing = (0, np.nan, set())
    sex, age, codes = zip(*(record or missing for record in records))
    ages = np.array(age)
    targets = {
        "sex": (np.array(sex)[:, None], known, False, ["male"]),
        "age": (np.nan_to_num(ages)[:, None], known & ~np.isnan(ages), True, ["years"]),
    }
    for kind, names in statements.items():
        truths = np.array([[code in found for code in names] for found in codes]).astype(int)
        targets[kind] = (truths, known, False, names)
    return targets


def measurable(truths, pairs):
    """Columns with enough records of the class and of others: ten tested in all, five trained on, two in each tested part."""
    def fewest(rows, column):
        positive = int(truths[rows, column].sum())
        return min(positive, len(rows) - positive)
    every = np.concatenate([tested for _, tested in pairs])
    return [column for column in range(truths.shape[1])
            if fewest(every, column) >= TESTED and all(fewest(train, column) >= TRAINED for train, _ in pairs)
            and all(fewest(tested, column) >= 2 for _, tested in pairs)]


def score_all(methods, truths, pairs, encoders, random, is_number):
    found = {}
    for name, files in encoders.items():
        found[name] = (methods.ridge if is_number else methods.probe)(truths, pairs, files[0])
    if random:
        found["random weights"] = (methods.ridge if is_number else methods.probe)(truths, pairs, random)
    found["linear parameters"] = methods.ridge(truths, pairs) if is_number else methods.linear(truths, pairs)
    found["boosted parameters"] = (methods.boosted_numbers if is_number else methods.boosted)(truths, pairs)
    return found


def run(given, prepared, store, methods, encoders, random):
    if given.test == "external":
        fail("targets are of PTB-XL's records; choose another --test")
    records, statements = read_tables(given.ptb_xl, prepared)
    rows, table, won = [], [["target", "classes", "method", "measure", "encoder less this", "CPU s"]], []
    for target, (truths, usable, is_number, names) in build(prepared, records, statements).items():
        print(f"targets: {target}", flush=True, file=given.progress)
        pairs = parts(prepared, given.test, usable)
        columns = [0] if is_number else measurable(truths, pairs)
        if not columns:
            table.append([target, "0", "no class has enough records", "", "", ""])
            continue
        truths, names = truths[:, columns].astype(float if is_number else int), [names[column] for column in columns]
        judge = Judge(truths, pairs, given.seed, given.resamples, is_number)
        found = score_all(methods, truths, pairs, encoders, random, is_number)
        values = {name: judge.values_by_class(scores) for name, (scores, _) in found.items()}
        measure = "r_squared" if is_number else "auroc_macro"
        for name, by_class in values.items():
            row = {"kind": "targets", "target": target, "method": name, "classes": names, measure: summary(by_class.mean(0)),
                   "by_class": {label: summary(line) for label, line in zip(names, by_class)}, "test": given.test,
                   "seed": given.seed, "tested": int(sum(map(len, judge.tested))), "cpu_seconds": round(found[name][1], 2)}
            rows.append(row)
            differences = []
            for encoder in encoders if name not in encoders else []:
                line = summary((values[encoder] - by_class).mean(0))
                by_name = {label: summary(difference) for label, difference in zip(names, values[encoder] - by_class)}
                rows.append({"kind": "difference", "target": target, "method": encoder, "less": name, measure: line,
                             "by_class": by_name, "test": given.test, "seed": given.seed})
                differences.append(difference_text(line))
                if name != "random weights" and len(names) > 1:
                    won += verdicts(target, encoder, name, by_name)
            table.append([target, str(len(names)), name, text(row[measure]), "; ".join(differences), f"{row['cpu_seconds']:.1f}"])
    store.report("targets", rows, table + [["", "", line, "", "", ""] for line in won])


def verdicts(target, encoder, other, differences):
    """Lines that name the classes where the whole interval of the difference is on one side of zero."""
    better = [label for label, found in differences.items() if found["interval"][0] > 0]
    worse = [label for label, found in differences.items() if found["interval"][1] < 0]
    return [f"{target}: {encoder} against {other}: higher {', '.join(better) or 'nowhere'}; lower {', '.join(worse) or 'nowhere'}"]
