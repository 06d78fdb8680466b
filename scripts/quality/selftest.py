"""Checks the scripts on drawn data: against scikit-learn, against sums written out, and for what tested records could give away.
With PURKINJE_PROGRAM set, all commands are run on synthetic records as well."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

import models
import picture
from measures import Judge, auroc, over_draws, r_squared, summary
from methods import Methods
from rocket import MiniRocket, at_rate
from splits import nested_draws, parts
from store import Store

failures = 0


def check(name, good):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {name}")


def check_measures(random):
    worst = 0.0
    for number in range(30):
        n = int(random.integers(5, 200))
        truths = np.arange(n) % 3 == 0
        scores = random.normal(size=n).round(number % 3) + truths * random.uniform(0, 1)
        weights = np.stack([np.ones(n), random.integers(1, 4, n)])
        for row, found in zip(weights, auroc(scores, truths, weights)):
            worst = max(worst, abs(found - metrics.roc_auc_score(truths, scores, sample_weight=row)))
        numbers = random.normal(size=n) + 30
        for row, found in zip(weights, r_squared(numbers + scores, numbers, weights)):
            worst = max(worst, abs(found - metrics.r2_score(numbers, numbers + scores, sample_weight=row)))
    check(f"AUROC and R² are scikit-learn's ({worst:.1e})", worst < 1e-9)
    truths = (random.random((120, 2)) < 0.3).astype(int)
    scores = truths + random.normal(size=truths.shape)
    judge = Judge(truths, [(None, np.arange(60)), (None, np.arange(60, 120))], 1, 200)
    expected = np.mean([metrics.roc_auc_score(truths[rows], scores[rows]) for rows in (slice(0, 60), slice(60, 120))])
    found = summary(judge.values(scores))
    check("a judge's value is the mean over parts and classes", abs(found["value"] - expected) < 1e-12)
    check("its interval is around the value", found["interval"][0] < found["value"] < found["interval"][1])
    check("scores that rank alike differ by nothing", not (judge.values(scores) - judge.values(np.exp(scores))).any())
    draws = np.stack([judge.values(scores + random.normal(size=scores.shape)) for _ in range(4)])
    check("over draws the value is their mean", abs(over_draws(draws, 1)[0] - draws[:, 0].mean()) < 1e-12)


def check_models(random):
    train, tested = random.normal(size=(40, 90)), random.normal(size=(30, 90))
    truths = (train[:, :2] + random.normal(size=(40, 2)) > 0).astype(int)
    middle, deviation = train.mean(0), train.std(0)
    fit = LogisticRegression(C=0.01, tol=1e-10, max_iter=5000).fit((train - middle) / deviation, truths[:, 0])
    expected = fit.predict_proba((tested - middle) / deviation)[:, 1]
    scale = models.Scale(train)
    found = models.fit_logistic(scale(train), truths, scale(tested), 0.01)[:, 0]
    check("fewer records than numbers: the same logistic regression", abs(found - expected).max() < 1e-3 and scale.turn is not None)
    one = models.fit_logistic(scale(train), np.ones((40, 1)), scale(tested), 1)
    check("a class that all have gets the base rate", np.allclose(one, 40.5 / 41))
    values, others = models.segmented(np.arange(17.0)[:, None], np.array([[-5.0], [1.0], [99.0], [np.nan]]))
    check("segments: all before, half of the first, all behind, none",
          (others[:, :8].sum(1) == [-8, -7, 8, 0]).all() and (others[:, 8] == [0, 0, 0, 1]).all())
    n, patients = 600, np.arange(600)
    features = random.normal(size=(n, 4))
    bent = ((features[:, :1] ** 2 > 1) ^ (random.random((n, 1)) < 0.05)).astype(int)
    half = slice(0, 300), slice(300, None)
    areas = {name: metrics.roc_auc_score(bent[half[1]], fit(features[half[0]], bent[half[0]], patients[half[0]], features[half[1]], 1))
             for name, fit in [("logistic", models.logistic), ("boosted", models.boosted)]}
    check(f"trees find what is far on both sides, a linear model does not ({areas})", areas["boosted"] > 0.85 > 0.7 > areas["logistic"])
    numbers = features @ random.normal(size=(4, 1)) + 50
    predicted = models.ridge(features[half[0]], numbers[half[0]], patients[half[0]], features[half[1]], 1)
    check("ridge regression finds a linear rule", metrics.r2_score(numbers[half[1]], predicted) > 0.999)


def drawn_set(random, n=240):
    """Records of patients with two each, five classes, features that tell them, and folds by patient."""
    patients = np.arange(n) // 2
    labels = (random.random((n, 5)) < 0.35).astype(int)
    parameters = labels + random.normal(size=(n, 5))
    parameters[random.random((n, 5)) < 0.1] = np.nan
    sources = np.full(n, "ptb-xl", dtype=object)
    return SimpleNamespace(names=[str(row) for row in range(n)], patients=patients, folds=patients % 10 + 1, labels=labels,
                           parameters=parameters, sources=sources, digest="drawn", path="drawn")


def check_splits(random, folder):
    prepared = drawn_set(random)
    pairs = parts(prepared, "cv", prepared.labels.any(1))
    every = np.concatenate([tested for _, tested in pairs])
    check("cv tests every labelled record of folds 1-9 once, and none of fold 10",
          sorted(every) == sorted(np.flatnonzero(prepared.labels.any(1) & (prepared.folds <= 9))))
    (train, tested), = parts(prepared, "fold10", prepared.labels.any(1))
    check("fold10 is tested alone", set(prepared.folds[tested]) == {10} and set(prepared.folds[train]) == set(range(1, 10)))
    outside = drawn_set(random)
    outside.folds[200:], outside.sources[200:], outside.names[230] = 0, "wfdb", "training/HR00001"
    (train, tested), = parts(outside, "external", outside.labels.any(1))
    check("external is what has no fold and is not PTB-XL under another name",
          set(tested) == set(np.flatnonzero(outside.labels.any(1))) & set(range(200, 240)) - {230} and max(outside.folds[train]) == 8)
    train = pairs[0][0]
    drawn = nested_draws(train, prepared.labels, prepared.patients, [0.1, 0.3], [1, 2])
    whole = all(set(np.flatnonzero(np.isin(prepared.patients, prepared.patients[rows])) ) & set(train) == set(rows)
                for rows in drawn.values())
    check("draws are nested, of whole patients, with every class on both sides",
          set(drawn[0.1]) < set(drawn[0.3]) < set(train) and whole
          and all(0 < share < 1 for share in prepared.labels[drawn[0.1]].mean(0)))
    check("a part that cannot have every class is none",
          nested_draws(train, np.eye(240, 5), prepared.patients, [0.01], [1]) is None)
    file = SimpleNamespace(values=prepared.labels + random.normal(size=(240, 5)), digest="file")
    store = Store(folder)
    methods = Methods(prepared, store, 1)
    other = prepared.labels.copy()
    pair = parts(prepared, "fold9", prepared.labels.any(1))
    other[pair[0][1]] = 1 - other[pair[0][1]]
    for name in ("probe", "linear", "boosted", "beside", "trees"):
        given = [file] if name in ("probe", "beside", "trees") else []
        one, _ = getattr(methods, name)(prepared.labels, pair, *given)
        two, _ = getattr(Methods(prepared, Store(folder / "other"), 1), name)(other, pair, *given)
        again, _ = getattr(methods, name)(prepared.labels, pair, *given)
        check(f"{name}: labels of tested records change nothing, and what is kept is the same",
              np.array_equal(one, two, equal_nan=True) and np.array_equal(one, again, equal_nan=True)
              and np.isfinite(one[pair[0][1]]).all() and np.isnan(one[pair[0][0]]).all())
    calls = []
    for _ in range(2):
        store.scores(["counted"], lambda: calls.append(1) or np.zeros(1))
    check("what is done is not done again", len(calls) == 1)


def check_rocket(random):
    signals = [random.normal(size=(3, 200)) for _ in range(4)]
    rocket = MiniRocket(signals, 1, features=840)
    dilation, weights, biases = rocket.dilations[-1]
    kernel = 17
    given = np.zeros(200)
    for lead in range(3):
        taps = weights[kernel].reshape(9, 3)[:, lead]
        for sample in range(200):
            for place, tap in enumerate(taps):
                at = sample + (place - 4) * dilation
                given[sample] += tap * signals[0][lead, at] if 0 <= at < 200 else 0
    expected = (given > biases[kernel, -1]).mean()
    check("a MiniRocket feature is the share above its bias", abs(rocket(signals[0])[-84 + kernel] - expected) < 0.011)
    ramp = np.arange(250.0)[None]
    check("100 samples a second are means", np.allclose(at_rate(ramp, 250)[0, 1:3], [(2 / 2 + 3 + 4) / 2.5, (5 + 6 + 7 / 2) / 2.5]))


def check_picture():
    rows = [{"kind": "line", "name": "a < b", "cpu_seconds": 3.0, "auroc_macro": {"value": 0.9, "interval": [0.88, 0.92]}}]
    rows += [{"kind": "point", "name": "one", "step": step, "cpu_seconds": seconds,
              "auroc_macro": {"value": 0.8 + step / 100, "interval": [0.78, 0.9]}} for step, seconds in [(0, 0.0), (1, 2.0), (2, 40.0)]]
    text = picture.draw(rows, "Title & more")
    root = ElementTree.fromstring(text)
    circles = [node for node in root.iter() if node.tag.endswith("circle")]
    check("the picture is XML, has every point, and a dark setting", len(circles) == 3 and "prefers-color-scheme:dark" in text)
    check("later points stand further right", float(circles[0].get("cx")) < float(circles[1].get("cx")) < float(circles[2].get("cx")))


def check_program(folder):
    """All commands on synthetic records, with a network that trains in moments."""
    program, main = os.environ["PURKINJE_PROGRAM"], Path(__file__).parent / "main.py"

    def run(*arguments):
        done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr[-1500:], file=sys.stderr)
        return done

    run(program, "data", "synthesise", "--records", 300, "--seed", 3, "--out", folder / "ecg")
    data = folder / "ecg.purkinje"
    run(program, "data", "prepare", "--source", folder / "ecg", "--out", data)
    configuration = folder / "small.json"
    configuration.write_text(json.dumps({"method": "cpc", "seed": 1, "batchSize": 8, "logicalShards": 1, "steps": 8}))
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"methods": [{"name": "CPC", "configuration": str(configuration), "readout": "layers", "steps": 8,
                                             "points": 2}]}))
    common = ["--data", data, "--test", "cv", "--resamples", 50]
    out = folder / "out"
    for attempt in ("first", "second"):
        done = run(sys.executable, main, "curve", *common, "--out", out, "--plan", plan)
        rows = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()] if done.returncode == 0 else []
        if attempt == "first":
            first = rows
    check("curve: three lines, random weights and two steps",
          [row.get("step") for row in rows] == [None, None, None, 0, 4, 8] and (out / "curve.svg").is_file())
    check("curve: CPU seconds grow", bool(rows) and 0 < rows[4]["cpu_seconds"] < rows[5]["cpu_seconds"])
    check("curve: once more gives the same", first == rows)
    embedding, random = (out / "curve" / "CPC" / f"{name}.safetensors" for name in ("step-8", "random"))
    done = run(sys.executable, main, "labels", *common, "--out", out, "--embedding", f"CPC={embedding}", "--random", random,
               "--fractions", 0.3, 1, "--draws", 2)
    check("labels: " + (done.stdout.splitlines() or [""])[-1], done.returncode == 0 and "encoder less random weights" in done.stdout)
    done = run(sys.executable, main, "combine", *common, "--out", out, "--embedding", f"CPC={embedding}+{random}")
    check("combine: " + (done.stdout.splitlines() or [""])[-1], done.returncode == 0 and "CPC, probe, mean of 2" in done.stdout)
    done = run(sys.executable, main, "targets", *common, "--out", out, "--embedding", f"CPC={embedding}", "--ptb-xl", folder / "ecg")
    check("targets: " + (done.stdout.splitlines() or [""])[-1], done.returncode == 0 and "age" in done.stdout)
    done = run(sys.executable, main, "combine", *common, "--out", out, "--embedding", f"CPC={embedding}", "--scores", f"S={embedding}")
    check("a file without scores is refused by name", done.returncode == 1 and "no tensor scores" in done.stderr)


def run():
    random = np.random.default_rng(7)
    check_measures(random)
    check_models(random)
    with tempfile.TemporaryDirectory() as name:
        check_splits(random, Path(name))
    check_rocket(random)
    check_picture()
    if os.environ.get("PURKINJE_PROGRAM"):
        with tempfile.TemporaryDirectory() as name:
            check_program(Path(name))
    else:
        print("skip all commands on synthetic records: PURKINJE_PROGRAM is not set")
    sys.exit(1 if failures else 0)
