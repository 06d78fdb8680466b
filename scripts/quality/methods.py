"""Ways from records to scores, by name: encoders, clinical parameters, and both together."""

import numpy as np

import models
from rocket import MiniRocket, at_rate


class Methods:
    """Fits on some records of a prepared set and scores others, through a store of what is done."""

    def __init__(self, prepared, store, seed):
        self.prepared, self.store, self.seed = prepared, store, seed
        self._rocket = None

    def scores(self, truths, parts, fit, description):
        """Scores [records, classes] of all parts' tested records, NaN elsewhere, and the CPU seconds of fitting and scoring.

        `description` says what `fit` works on, beside the records and truths, which are added.
        """
        prepared, result, total = self.prepared, np.full(truths.shape, np.nan), 0.0
        for train, tested in parts:
            about = [description, prepared.digest, self.seed, truths[train].tolist(), train.tolist(), tested.tolist()]
            result[tested], seconds = self.store.scores(
                about, lambda: fit(train, truths[train], prepared.patients[train], tested))
            total += seconds
        return result, total

    def probe(self, truths, parts, file):
        """Logistic regression on a file's vectors."""
        def fit(train, known, patients, tested):
            return models.logistic(file.values[train], known, patients, file.values[tested], self.seed)
        return self.scores(truths, parts, fit, ["probe", file.digest])

    def linear(self, truths, parts, segments=False):
        """Logistic regression on clinical parameters, as they are or in segments."""
        def fit(train, known, patients, tested):
            features = (models.segmented if segments else models.filled)(*self._parameters(train, tested))
            return models.logistic(features[0], known, patients, features[1], self.seed)
        return self.scores(truths, parts, fit, ["segments" if segments else "linear"])

    def boosted(self, truths, parts):
        """Boosted trees on clinical parameters."""
        def fit(train, known, patients, tested):
            parameters = self._parameters(train, tested)
            return models.boosted(parameters[0], known, patients, parameters[1], self.seed)
        return self.scores(truths, parts, fit, ["boosted"])

    def beside(self, truths, parts, file):
        """Logistic regression on a file's vectors with clinical parameters in segments beside them."""
        def fit(train, known, patients, tested):
            others = models.segmented(*self._parameters(train, tested))
            features = [np.hstack([file.values[rows], part]) for rows, part in zip((train, tested), others)]
            return models.logistic(features[0], known, patients, features[1], self.seed)
        return self.scores(truths, parts, fit, ["beside", file.digest])

    def trees(self, truths, parts, file):
        """Boosted trees on the principal components of a file's vectors and clinical parameters."""
        def fit(train, known, patients, tested):
            parameters = self._parameters(train, tested)
            return models.trees(file.values[train], parameters[0], known, patients, file.values[tested],
                                parameters[1], self.seed)
        return self.scores(truths, parts, fit, ["trees", file.digest])

    def ridge(self, truths, parts, file=None):
        """Ridge regression to numbers, on a file's vectors or on clinical parameters."""
        def fit(train, known, patients, tested):
            features = (file.values[train], file.values[tested]) if file else models.filled(
                *self._parameters(train, tested))
            return models.ridge(features[0], known, patients, features[1], self.seed)
        return self.scores(truths, parts, fit, ["ridge", file.digest if file else "parameters"])

    def boosted_numbers(self, truths, parts):
        """Boosted trees on clinical parameters, to numbers."""
        def fit(train, known, patients, tested):
            parameters = self._parameters(train, tested)
            return models.boosted(parameters[0], known, patients, parameters[1], self.seed, is_number=True)
        return self.scores(truths, parts, fit, ["boosted numbers"])

    def rocket(self, truths, parts):
        """MiniRocket on the signals at 100 samples a second, and ridge regression to 0 and 1, as its authors classify."""
        def fit(train, known, patients, tested):
            features = self._rocket_features()
            return models.ridge(features[train], known, patients, features[tested], self.seed)
        features, seconds = self.store.scores(["rocket features", self.prepared.digest, self.seed], self._measure_rocket)
        self._rocket = features
        scores, fitting = self.scores(truths, parts, fit, ["rocket"])
        return scores, seconds + fitting

    def _rocket_features(self):
        return self._rocket

    def _measure_rocket(self):
        # No label is looked at: the biases are quantiles of signals of folds 1-8.
        signals = [at_rate(self.prepared.signal(record), self.prepared.rate) for record in range(len(self.prepared.names))]
        training = np.flatnonzero((self.prepared.folds >= 1) & (self.prepared.folds <= 8))
        rocket = MiniRocket([signals[record] for record in training], self.seed)
        return np.stack([rocket(signal) for signal in signals]).astype(np.float32)

    def _parameters(self, train, tested):
        return self.prepared.parameters[train], self.prepared.parameters[tested]


def mean(*pairs):
    """The mean of several methods' scores, and all their CPU seconds."""
    return np.mean([scores for scores, _ in pairs], axis=0), sum(seconds for _, seconds in pairs)
