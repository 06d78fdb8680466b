"""MiniRocket: 84 fixed kernels of nine weights, dilated, and the share of a record's samples in which each is above a bias.

Source: Dempster, Schmidt and Webb, "MiniRocket", KDD 2021, with the random choice of leads for each kernel and dilation that its
authors' version for several channels has. Written from the paper: convolutions are products of matrices here, and every one is
padded with zeros, where the authors pad every other one.
"""

from itertools import combinations

import numpy as np

LENGTH = 9
RATE = 100.0


def at_rate(signal, rate):
    """A signal [leads, samples] at 100 samples a second, each the mean over its hundredth of a second."""
    factor = rate / RATE
    if factor == 1:
        return signal
    count = int(round(signal.shape[1] / factor))
    edges = np.arange(count + 1) * factor
    # The running sum, read between samples, gives the mean over intervals of any length.
    sums = np.concatenate([np.zeros((len(signal), 1)), np.cumsum(signal, axis=1)], axis=1)
    low = np.minimum(edges.astype(int), signal.shape[1] - 1)
    read = sums[:, low] + (edges - low) * signal[:, low]
    return np.diff(read, axis=1) / factor


class MiniRocket:
    """Kernels with biases from quantiles of what they give for some records."""

    def __init__(self, signals, seed, features=10_000):
        random = np.random.default_rng([seed, 5])
        leads, samples = signals[0].shape
        kernels = np.full((84, LENGTH), -1.0)
        for row, places in zip(kernels, combinations(range(LENGTH), 3)):
            row[list(places)] = 2.0
        each = features // 84
        # Dilations are spread evenly on a log scale up to the one whose kernel spans the record.
        exponents = np.linspace(0, np.log2((samples - 1) / (LENGTH - 1)), min(32, each))
        dilations, counts = np.unique((2 ** exponents).astype(int), return_counts=True)
        counts = np.maximum(1, counts * each // counts.sum())
        golden = (np.sqrt(5) + 1) / 2
        self.dilations, number = [], 0
        for dilation, count in zip(dilations, counts):
            chosen = np.zeros((84, leads))
            for row in chosen:
                size = int(2 ** random.uniform(0, np.log2(min(leads, LENGTH) + 1)))
                row[random.choice(leads, size, replace=False)] = 1
            weights = (chosen[:, None, :] * kernels[:, :, None]).reshape(84, -1)
            quantiles = (np.arange(number, number + 84 * count) * golden % 1).reshape(84, count)
            number += 84 * count
            drawn = random.integers(0, len(signals), 84)
            biases = np.empty((84, count))
            for record in np.unique(drawn):
                given = weights[drawn == record] @ self._shifted(signals[record], dilation)
                for row, kernel in zip(given, np.flatnonzero(drawn == record)):
                    biases[kernel] = np.quantile(row, quantiles[kernel])
            self.dilations.append((int(dilation), weights.astype(np.float32), biases.astype(np.float32)))

    @staticmethod
    def _shifted(signal, dilation):
        """Nine copies of a signal, each later by the dilation, zeros beyond its ends: [9 x leads, samples]."""
        leads, samples = signal.shape
        half = LENGTH // 2 * dilation
        padded = np.pad(signal, ((0, 0), (half, half)))
        return np.concatenate([padded[:, place * dilation:place * dilation + samples] for place in range(LENGTH)])

    def __call__(self, signal):
        """The features of one record."""
        signal, shares = signal.astype(np.float32), []
        for dilation, weights, biases in self.dilations:
            given = weights @ self._shifted(signal, dilation)
            for column in biases.T:
                shares.append((given > column[:, None]).mean(1))
        return np.concatenate(shares)
