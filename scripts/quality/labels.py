"""What fewer labels give: with parts of the training labels, the same for all methods."""

import numpy as np

from measures import Judge, difference_text, over_draws, summary, text
from methods import mean
from prepared import CLASSES, fail
from splits import nested_draws, parts

FRACTIONS = [0.01, 0.03, 0.1, 1.0]


def score_all(methods, truths, pairs, encoder, random):
    """Scores and CPU seconds of every method, by name."""
    found = {"encoder": methods.probe(truths, pairs, encoder)}
    if random:
        found["random weights"] = methods.probe(truths, pairs, random)
    found["linear parameters"] = methods.linear(truths, pairs)
    found["parameters in segments"] = methods.linear(truths, pairs, segments=True)
    found["boosted parameters"] = methods.boosted(truths, pairs)
    found["encoder beside segments"] = methods.beside(truths, pairs, encoder)
    found["mean of encoder and boosted"] = mean(found["encoder"], found["boosted parameters"])
    # What two kinds of models give without an encoder, so that a gain is not laid to the encoder for being a second model.
    found["mean of segments and boosted"] = mean(found["parameters in segments"], found["boosted parameters"])
    found["trees on both"] = methods.trees(truths, pairs, encoder)
    return found


COMPARED = [
    ("encoder", "random weights"), ("encoder", "linear parameters"), ("encoder", "parameters in segments"),
    ("encoder", "boosted parameters"), ("encoder beside segments", "parameters in segments"),
    ("encoder beside segments", "boosted parameters"), ("mean of encoder and boosted", "boosted parameters"),
    ("mean of encoder and boosted", "mean of segments and boosted"),
    ("trees on both", "boosted parameters"),
]


def draw_parts(prepared, pairs, fractions, number, seed):
    """For each fraction the parts with fewer training records; `None` where classes are too rare for the smallest."""
    drawn = [nested_draws(train, prepared.labels, prepared.patients, fractions, [seed, number, place])
             for place, (train, _) in enumerate(pairs)]
    if any(chosen is None for chosen in drawn):
        return None
    return {fraction: [(chosen[fraction], tested) for chosen, (_, tested) in zip(drawn, pairs)] for fraction in fractions}


def measure(given, prepared, store, methods, encoder, random):
    pairs = parts(prepared, given.test, prepared.labels.any(1))
    judge = Judge(prepared.labels, pairs, given.seed, given.resamples)
    smaller = sorted(fraction for fraction in given.fractions if fraction < 1)
    values, seconds, counts = {}, {}, {}

    def add(fraction, chosen, label):
        print(f"labels: {label}", flush=True, file=given.progress)
        counts.setdefault(fraction, []).append(np.mean([len(train) for train, _ in chosen]))
        for name, (scores, cpu) in score_all(methods, prepared.labels, chosen, encoder, random).items():
            values.setdefault((fraction, name), []).append(judge.values(scores))
            seconds[fraction, name] = seconds.get((fraction, name), 0) + cpu

    for number in range(given.draws if smaller else 0):
        drawn = draw_parts(prepared, pairs, smaller, number, given.seed)
        if drawn is None:
            fail(f"--fractions {smaller[0]}: so few records have no draw in which every class is on both sides; give a larger one")
        for fraction in smaller:
            add(fraction, drawn[fraction], f"{fraction:g} of the labels, draw {number + 1} of {given.draws}")
    if 1.0 in given.fractions:
        add(1.0, pairs, "all labels")
    return judge, values, seconds, counts


def run(given, prepared, store, methods, encoders, random):
    (name, files), = encoders.items() if len(encoders) == 1 else fail("labels takes one --embedding")
    if len(files) != 1:
        fail("labels takes one file of one seed")
    judge, values, seconds, counts = measure(given, prepared, store, methods, files[0], random)
    rows, table = [], [["labels", "records", "method", "macro AUROC", "deviation over draws", "CPU s"]]
    common = {"test": given.test, "seed": given.seed, "encoder": name, "resamples": given.resamples,
              "tested": int(sum(map(len, judge.tested))), "classes": [CLASSES[column] for column in judge.classes]}
    drawn = {key: over_draws(found, given.seed) for key, found in values.items()}
    for (fraction, method), found in drawn.items():
        draws = [float(one[0]) for one in values[fraction, method]]
        row = {"kind": "labels", "fraction": fraction, "method": method, "auroc_macro": summary(found), "draws": draws,
               "training_records": float(np.mean(counts[fraction])), "cpu_seconds": round(seconds[fraction, method], 2), **common}
        rows.append(row)
        table.append([f"{fraction:g}", f"{row['training_records']:.0f}", method, text(row["auroc_macro"]),
                      f"{np.std(draws, ddof=1):.3f}" if len(draws) > 1 else "", f"{row['cpu_seconds']:.1f}"])
    for fraction in sorted({key[0] for key in drawn}):
        for one, other in COMPARED:
            if (fraction, other) not in drawn:
                continue
            # Over draws together: what both owe to the same draw and to the same records cancels out.
            found = summary(over_draws(np.array(values[fraction, one]) - np.array(values[fraction, other]), given.seed))
            rows.append({"kind": "difference", "fraction": fraction, "method": one, "less": other, "auroc_macro": found, **common})
            table.append([f"{fraction:g}", "", f"{one} less {other}", difference_text(found), "", ""])
    store.report("labels", rows, table)
