"""What is fitted on features. Each function gets training features, truths and patients and tested features, and gives a column
a class. What has to be chosen (a penalty, a number of components) is chosen by cross-validation by patient within the training
records, by the loss on the records left out."""

import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from splits import folds_by_patient

STRENGTHS = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]
RIDGES = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5]
COMPONENTS = [8, 32]
SEGMENTS = 8
warnings.filterwarnings("ignore", category=ConvergenceWarning)


def log_loss(truths, probabilities):
    probabilities = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return -np.mean(np.where(truths == 1, np.log(probabilities), np.log(1 - probabilities)))


def base_rate(truths):
    """What is said of a class that all training records have, or none."""
    return (truths.sum() + 0.5) / (len(truths) + 1)


class Scale:
    """Standardises by the training records, and turns features into as many numbers as there are records where these are fewer:
    a penalised linear model is the same in both."""

    def __init__(self, features):
        self.mean = features.mean(0)
        deviation = features.std(0)
        self.varies = deviation > 1e-9 * np.maximum(1, np.abs(self.mean))
        self.deviation = deviation[self.varies]
        self.turn = None
        if len(features) < self.varies.sum():
            scaled = self(features)
            values, vectors = np.linalg.eigh(scaled @ scaled.T)
            kept = values > 1e-10 * values[-1]
            self.turn = scaled.T @ (vectors[:, kept] / np.sqrt(values[kept]))

    def __call__(self, features):
        # A number ten deviations away is as far as a number can be: one odd record must not decide.
        scaled = np.clip((features - self.mean)[:, self.varies] / self.deviation, -10, 10)
        return scaled if self.turn is None else scaled @ self.turn


def fit_logistic(train, truths, tested, strength):
    columns = []
    for column in truths.T:
        if 0 < column.sum() < len(column):
            fit = LogisticRegression(C=strength, max_iter=500).fit(train, column)
            columns.append(fit.predict_proba(tested)[:, 1])
        else:
            columns.append(np.full(len(tested), base_rate(column)))
    return np.stack(columns, 1)


def logistic(train, truths, patients, tested, seed):
    """Logistic regression on standardised features, one penalty for all classes."""
    folds = folds_by_patient(patients, 5, [seed, 3])
    scaled = []
    for fold in np.unique(folds):
        scale = Scale(train[folds != fold])
        scaled.append((scale(train[folds != fold]), scale(train[folds == fold]), folds == fold))
    best, losses = STRENGTHS[0], []
    for strength in STRENGTHS:
        predicted = np.empty(truths.shape)
        for inner, outer, left_out in scaled:
            predicted[left_out] = fit_logistic(inner, truths[~left_out], outer, strength)
        losses.append(log_loss(truths, predicted))
        if losses[-1] == min(losses):
            best = strength
        elif len(losses) > 2 and losses[-1] > losses[-2] > losses[-3]:
            break  # from strong to weak, the loss falls and then grows
    scale = Scale(train)
    return fit_logistic(scale(train), truths, scale(tested), best)


def ridge(train, truths, patients, tested, seed):
    """Ridge regression on standardised features; the mean is not penalised."""
    def fit(train, truths, tested):
        scale = Scale(train)
        features, mean = scale(train), truths.mean(0)
        left, values, right = np.linalg.svd(features - features.mean(0), full_matrices=False)
        shifted = (scale(tested) - features.mean(0)) @ right.T
        target = left.T @ (truths - mean)
        return [shifted @ ((values / (values ** 2 + penalty))[:, None] * target) + mean for penalty in RIDGES]

    folds = folds_by_patient(patients, 5, [seed, 3])
    errors = np.zeros(len(RIDGES))
    for fold in np.unique(folds):
        fits = fit(train[folds != fold], truths[folds != fold], train[folds == fold])
        errors += [((predicted - truths[folds == fold]) ** 2).sum() for predicted in fits]
    return fit(train, truths, tested)[int(errors.argmin())]


def filled(train, tested):
    """Missing numbers become the training median; a column says so where the training records lack some."""
    missing = np.isnan(train).any(0)
    middle = np.nan_to_num(np.nanmedian(np.where(np.isnan(train).all(0), 0, train), axis=0))
    return tuple(np.hstack([np.where(np.isnan(part), middle, part), np.isnan(part)[:, missing]])
                 for part in (train, tested))


def segmented(train, tested):
    """Each number in eight segments between quantiles of the training records, -1 before a segment and 1 behind it, 0 where it
    was not measured, with a column that says so: a linear model can call both too small and too large abnormal."""
    columns = ([], [])
    for values, others in zip(train.T, tested.T):
        known = values[~np.isnan(values)]
        if len(known) < 2:
            continue
        edges = np.unique(np.quantile(known, np.linspace(0, 1, SEGMENTS + 1)))
        for part, target in zip((values, others), columns):
            for low, high in zip(edges, edges[1:]):
                target.append(np.nan_to_num(np.clip(2 * (part - low) / (high - low) - 1, -1, 1)))
            target.append(np.isnan(part).astype(float))
    return np.stack(columns[0], 1), np.stack(columns[1], 1)


def boosted(train, truths, patients, tested, seed, is_number=False):
    """Boosted trees that take missing numbers as they are. Nothing is chosen; leaves hold 20 records, fewer where few are
    trained on."""
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    columns = []
    for column in truths.T:
        if 0 < column.std():
            fit = kind(max_iter=150, learning_rate=0.05, l2_regularization=1.0, max_leaf_nodes=15,
                       min_samples_leaf=int(np.clip(len(train) // 10, 2, 20)), early_stopping=False,
                       random_state=seed).fit(train, column)
            columns.append(fit.predict(tested) if is_number else fit.predict_proba(tested)[:, 1])
        else:
            columns.append(np.full(len(tested), column[0] if is_number else base_rate(column)))
    return np.stack(columns, 1)


def trees(train, parameters, truths, patients, tested, tested_parameters, seed):
    """Boosted trees on an embedding's principal components beside clinical parameters."""
    def beside(train, parameters, tested, others, count):
        scale = Scale(train)
        features = scale(train)
        axes = np.linalg.svd(features - features.mean(0), full_matrices=False)[2][:count].T
        return (np.hstack([(features - features.mean(0)) @ axes, parameters]),
                np.hstack([(scale(tested) - features.mean(0)) @ axes, others]))

    folds = folds_by_patient(patients, 3, [seed, 4])
    losses = []
    for count in COMPONENTS:
        predicted = np.empty(truths.shape)
        for fold in np.unique(folds):
            inner, outer = folds != fold, folds == fold
            features, others = beside(train[inner], parameters[inner], train[outer], parameters[outer], count)
            predicted[outer] = boosted(features, truths[inner], patients[inner], others, seed)
        losses.append(log_loss(truths, predicted))
    features, others = beside(train, parameters, tested, tested_parameters, COMPONENTS[int(np.argmin(losses))])
    return boosted(features, truths, patients, others, seed)
