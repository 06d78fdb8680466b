"""Whether an encoder adds to boosted clinical parameters, with all labels."""

from measures import Judge, difference_text, summary, text
from methods import mean
from prepared import CLASSES
from splits import parts


def score_all(given, methods, truths, pairs, encoders, files):
    """Scores and CPU seconds by name, boosted parameters first."""
    boosted = methods.boosted(truths, pairs)
    found = {"boosted parameters": boosted}
    # Two models without an encoder: what an encoder's mean with boosted parameters has to pass.
    found["mean of segments and boosted"] = mean(methods.linear(truths, pairs, segments=True), boosted)
    members = [boosted]
    for name, seeds in encoders.items():
        print(f"combine: {name}", flush=True, file=given.progress)
        probes = [methods.probe(truths, pairs, seed) for seed in seeds]
        for number, probe in enumerate(probes if len(probes) > 1 else [], 1):
            found[f"{name}, probe, seed {number}"] = probe
        ensemble = mean(*probes)
        found[f"{name}, probe" + (f", mean of {len(probes)}" if len(probes) > 1 else "")] = ensemble
        found[f"{name}, mean with boosted"] = mean(boosted, ensemble)
        found[f"{name}, beside segments"] = mean(*(methods.beside(truths, pairs, seed) for seed in seeds))
        found[f"{name}, trees on both"] = mean(*(methods.trees(truths, pairs, seed) for seed in seeds))
        members.append(ensemble)
    for name, seeds in files.items():
        scores = [(file.values, 0.0) for file in seeds]
        for number, one in enumerate(scores if len(scores) > 1 else [], 1):
            found[f"{name}, seed {number}"] = one
        ensemble = mean(*scores)
        found[name + (f", mean of {len(scores)}" if len(scores) > 1 else "")] = ensemble
        found[f"{name}, mean with boosted"] = mean(boosted, ensemble)
        members.append(ensemble)
    if len(members) > 2:
        found["mean of all"] = mean(*members)
        found["mean of all but boosted"] = mean(*members[1:])
    return found


def run(given, prepared, store, methods, encoders, files):
    pairs = parts(prepared, given.test, prepared.labels.any(1))
    judge = Judge(prepared.labels, pairs, given.seed, given.resamples)
    found = score_all(given, methods, prepared.labels, pairs, encoders, files)
    values = {name: judge.values_by_class(scores) for name, (scores, _) in found.items()}
    base = values["boosted parameters"]
    rows, table = [], [["method", "macro AUROC", "less boosted parameters", "CPU s"]]
    for name, by_class in values.items():
        row = {"kind": "combine", "method": name, "auroc_macro": summary(by_class.mean(0)),
               "auroc": {CLASSES[column]: summary(line) for column, line in zip(judge.classes, by_class)},
               "less_boosted": None if by_class is base else summary((by_class - base).mean(0)),
               "test": given.test, "seed": given.seed, "resamples": given.resamples,
               "tested": int(sum(map(len, judge.tested))), "cpu_seconds": round(found[name][1], 2)}
        rows.append(row)
        table.append([name, text(row["auroc_macro"]),
                      difference_text(row["less_boosted"]) if row["less_boosted"] else "", f"{row['cpu_seconds']:.1f}"])
    store.report("combine", rows, table)
