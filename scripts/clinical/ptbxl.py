"""How much of PTB-XL's five superclasses a linear model and boosted trees see in the clinical parameters alone.

Usage: ptbxl.py PARAMETERS.csv PTB_XL_FOLDER. Folds 1-8 train, fold 9 chooses the settings, fold 10 is tested once.
"""
import ast
import os
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

warnings.filterwarnings("ignore")
CLASSES = ["CD", "HYP", "MI", "NORM", "STTC"]


def labels(folder):
    table = pd.read_csv(os.path.join(folder, "ptbxl_database.csv"), index_col="ecg_id")
    statements = pd.read_csv(os.path.join(folder, "scp_statements.csv"), index_col=0)
    superclass = statements[statements.diagnostic == 1].diagnostic_class
    codes = table.scp_codes.map(ast.literal_eval)
    truth = np.array([[any(superclass.get(c) == k for c in row) for k in CLASSES] for row in codes])
    return table.strat_fold, pd.DataFrame(truth.astype(int), index=table.index, columns=CLASSES)


def features(path):
    table = pd.read_csv(path)
    table.index = table.record.str[:5].astype(int)
    leads = [c for c in table.columns if c.split("_")[0] in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "aVL", "aVR", "aVF", "III")]
    leads = [c for c in leads if not c.endswith("quality")]
    globals_ = list(table.columns[table.columns.get_loc("heart_rate_per_minute"):table.columns.get_loc("cornell_mv") + 1])
    numbers = table[globals_ + leads].astype(float)
    for axis in ("p_axis", "qrs_axis", "t_axis"):
        angle = np.deg2rad(numbers.pop(f"{axis}_degrees"))
        numbers[f"{axis}_sine"], numbers[f"{axis}_cosine"] = np.sin(angle), np.cos(angle)
    return numbers


def linear_input(train, *others):
    median, spread = train.median(), (train.quantile(0.75) - train.quantile(0.25)) / 1.349
    spread = spread.where(spread > 0, train.std()).replace(0, 1).fillna(1)
    missing = [c for c in train if train[c].isna().mean() > 0.01]
    result = []
    for part in (train,) + others:
        scaled = ((part - median) / spread).clip(-5, 5).fillna(0)
        flags = part[missing].isna().astype(float)
        result.append(np.hstack([scaled.values, flags.values]))
    return result


def segmented_input(count, train, *others):
    """Each number as its way through segments between quantiles of the training records (Gorishniy et al., 2022)."""
    parts = [[] for _ in (train,) + others]
    for column in train:
        measured = train[column].dropna().values
        edges = np.unique(np.quantile(measured, np.linspace(0, 1, count + 1))) if len(measured) else []
        if len(edges) < 2:
            continue
        for part, numbers in zip(parts, (train,) + others):
            values = numbers[column].fillna(np.median(measured)).values
            part += [np.clip((values - low) / (high - low), 0, 1) for low, high in zip(edges, edges[1:])]
            part.append(numbers[column].isna().astype(float).values)
    parts = [np.stack(part, 1) for part in parts]
    mean, deviation = parts[0].mean(0), parts[0].std(0) + 1e-6
    return [(part - mean) / deviation for part in parts]


def score(model_of, settings, x, y):
    """Chooses by fold 9, tests on fold 10; returns (setting, macro AUROC on 9, probabilities on 10)."""
    best = None
    for setting in settings:
        on9, on10 = [], []
        for k in CLASSES:
            model = model_of(setting).fit(x[0], y[0][k])
            on9.append(model.predict_proba(x[1])[:, 1])
            on10.append(model.predict_proba(x[2])[:, 1])
        auc9 = roc_auc_score(y[1], np.array(on9).T, average="macro")
        if best is None or auc9 > best[1]:
            best = (setting, auc9, np.array(on10).T)
    return best


def report(name, best, truth):
    setting, auc9, scores = best
    truth = truth.values
    each = [roc_auc_score(truth[:, k], scores[:, k]) for k in range(5)]
    random = np.random.default_rng(0)
    boots = []
    while len(boots) < 1000:
        rows = random.integers(0, len(truth), len(truth))
        if truth[rows].any(0).all() and not truth[rows].all(0).any():
            boots.append(roc_auc_score(truth[rows], scores[rows], average="macro"))
    low, high = np.percentile(boots, [2.5, 97.5])
    f1 = f1_score(truth, scores > 0.5, average="macro")
    print(f"| {name} | {setting} | {auc9:.3f} | {np.mean(each):.3f} ({low:.3f}-{high:.3f}) | {f1:.3f} | "
          + " ".join(f"{k} {a:.3f}" for k, a in zip(CLASSES, each)) + " |")


def main(csv, folder):
    folds, truth = labels(folder)
    numbers = features(csv)
    keep = [i for i in numbers.index if truth.loc[i].any()]
    numbers, truth, folds = numbers.loc[keep], truth.loc[keep], folds.loc[keep]
    parts = [folds <= 8, folds == 9, folds == 10]
    raw = [numbers[p] for p in parts]
    y = [truth[p] for p in parts]
    print(f"records: {len(raw[0])} train, {len(raw[1])} validation, {len(raw[2])} test; {numbers.shape[1]} numbers\n")
    print("| model | setting chosen on fold 9 | AUROC fold 9 | AUROC fold 10 | F1 at 0.5 | by class |")
    print("| --- | --- | --- | --- | --- | --- |")
    x = linear_input(*raw)
    linear = score(lambda c: LogisticRegression(C=c, max_iter=3000), [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1], x, y)
    report("logistic regression", linear, y[2])
    for count in (2, 4, 8, 12):
        x = segmented_input(count, *raw)
        linear = score(
            lambda c: LogisticRegression(C=c, max_iter=3000), [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03], x, y)
        report(f"logistic regression, {count} segments", linear, y[2])
    settings = [(leaves, rate, rounds) for leaves in (4, 8) for rate, rounds in ((0.03, 150), (0.03, 300))]
    x = [r.values for r in raw]

    def boosted(s):
        return HistGradientBoostingClassifier(
            max_leaf_nodes=s[0], learning_rate=s[1], max_iter=s[2], l2_regularization=1, max_features=0.3,
            min_samples_leaf=10, random_state=0)

    report("boosted trees (leaves, rate, rounds)", score(boosted, settings, x, y), y[2])


if __name__ == "__main__":
    main(*sys.argv[1:3])
