"""Which records train and which are tested, and parts of the training records by patient."""

import re

import numpy as np

from prepared import fail

TESTS = ["cv", "fold9", "fold10", "external"]


def parts(prepared, test, usable):
    """Pairs (training records, tested records) among the usable ones.

    `fold9`: folds 1-8 train; `fold10`: folds 1-9 train; `cv`: folds 1-3, 4-6 and 7-9 are tested in turn, the other six train;
    `external`: folds 1-8 train, records of other sources without a fold are tested. No choice is ever made on tested records.
    """
    folds, usable = prepared.folds, np.asarray(usable)
    if test == "cv":
        groups = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
        pairs = [((folds >= 1) & (folds <= 9) & ~np.isin(folds, group), np.isin(folds, group)) for group in groups]
    elif test == "fold9":
        pairs = [((folds >= 1) & (folds <= 8), folds == 9)]
    elif test == "fold10":
        pairs = [((folds >= 1) & (folds <= 9), folds == 10)]
    else:
        # PTB-XL's own records have the names HRn in the Challenge's collection.
        copies = np.array([re.search(r"(^|/)HR\d+$", name) is not None for name in prepared.names])
        pairs = [((folds >= 1) & (folds <= 8), (folds == 0) & (prepared.sources != "ptb-xl") & ~copies)]
    pairs = [(np.flatnonzero(train & usable), np.flatnonzero(tested & usable)) for train, tested in pairs]
    for train, tested in pairs:
        if not len(train) or not len(tested):
            fail(f"{prepared.path}: --test {test} has {len(train)} records to train and {len(tested)} to test")
        both = set(prepared.patients[train]) & set(prepared.patients[tested])
        if both:
            fail(f"{prepared.path}: {len(both)} patients have records on both sides of --test {test}")
    return pairs


def nested_draws(train, labels, patients, fractions, seed):
    """For each fraction some of the training records: whole patients in one random order, so that a larger part contains a
    smaller one; every class has records and others in the smallest part. `None` where a thousand orders have no such part."""
    random = np.random.default_rng(seed)
    people, counts = np.unique(patients[train], return_counts=True)
    smallest = min(fractions)
    for _ in range(1000):
        order = random.permutation(len(people))
        sizes = np.cumsum(counts[order])
        chosen = {}
        for fraction in fractions:
            wanted = int(np.searchsorted(sizes, round(fraction * len(train)))) + 1
            chosen[fraction] = train[np.isin(patients[train], people[order[:wanted]])]
        present = labels[chosen[smallest]].mean(0)
        if ((present > 0) & (present < 1)).all():
            return chosen
    return None


def folds_by_patient(patients, count, seed):
    """A fold's number for each record, all records of a patient in one."""
    people, owner = np.unique(patients, return_inverse=True)
    random = np.random.default_rng(seed)
    return (random.permutation(len(people)) % min(count, len(people)))[owner]
