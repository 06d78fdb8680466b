"""AUROC and R² with intervals, and differences that are paired: all that is compared sees the same resamples."""

import numpy as np

from prepared import fail


def auroc(scores, truths, weights):
    """AUROC by ranks for each row of `weights` [resamples, records]; ties count one half."""
    order = np.argsort(scores, kind="stable")
    ranked, counts, positive = scores[order], weights[:, order], truths[order].astype(bool)
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    above = np.add.reduceat(np.where(positive, counts, 0), starts, axis=1)
    below = np.add.reduceat(np.where(positive, 0, counts), starts, axis=1)
    wins = (above * (np.cumsum(below, axis=1) - below / 2)).sum(1)
    return wins / (above.sum(1) * below.sum(1))


def r_squared(predictions, truths, weights):
    """R² for each row of `weights`."""
    total = weights.sum(1)
    mean = weights @ truths / total
    spread = weights @ truths ** 2 - total * mean ** 2
    return 1 - weights @ (predictions - truths) ** 2 / spread


class Judge:
    """Measures scores of the tested records of all parts. A number is the mean over classes of the mean over parts; the first
    of `values` is of the records as they are, the others of resamples within each part that have every class on both sides."""

    def __init__(self, truths, parts, seed, resamples=1000, is_number=False):
        self.truths, self.is_number = truths, is_number
        self.tested = [tested for _, tested in parts]
        self.classes = [column for column in range(truths.shape[1]) if is_number or all(
            0 < truths[tested, column].mean() < 1 for tested in self.tested)]
        if not self.classes:
            fail("no class has tested records on both sides; choose another --test")
        random = np.random.default_rng([seed, 1])
        self.weights = [self._resample(truths[tested][:, self.classes], resamples, random) for tested in self.tested]

    def _resample(self, truths, resamples, random):
        rows = [np.ones(len(truths))]
        while len(rows) <= resamples:
            row = np.bincount(random.integers(0, len(truths), len(truths)), minlength=len(truths)).astype(float)
            present = row @ truths
            if self.is_number or ((present > 0) & (present < len(truths))).all():
                rows.append(row)
        return np.array(rows)

    def values_by_class(self, scores):
        """[classes, 1 + resamples] for scores [records, classes]; rows of records that are not tested are not looked at."""
        measure = r_squared if self.is_number else auroc
        return np.array([
            np.mean([measure(scores[tested, column], self.truths[tested, column], weights)
                     for tested, weights in zip(self.tested, self.weights)], axis=0)
            for column in self.classes])

    def values(self, scores):
        """[1 + resamples], the mean over classes."""
        return self.values_by_class(scores).mean(0)


def summary(values):
    """Value and 95 % interval of what `Judge.values` gave, or of a difference of two such."""
    lower, upper = np.percentile(values[1:], [2.5, 97.5])
    return {"value": float(values[0]), "interval": [float(lower), float(upper)]}


def over_draws(values, seed):
    """One row of values from [draws, 1 + resamples]: the mean over draws, and in each resample over draws drawn anew."""
    values = np.asarray(values)
    random = np.random.default_rng([seed, 2])
    chosen = random.integers(0, len(values), (values.shape[1], len(values)))
    chosen[0] = np.arange(len(values))
    return np.take_along_axis(values.T, chosen, axis=1).mean(1)


def text(found):
    lower, upper = found["interval"]
    return f"{found['value']:.3f} ({lower:.3f}-{upper:.3f})"


def difference_text(found):
    lower, upper = found["interval"]
    verdict = "higher" if lower > 0 else "lower" if upper < 0 else "not told apart"
    return f"{found['value']:+.3f} ({lower:+.3f} to {upper:+.3f}), {verdict}"
