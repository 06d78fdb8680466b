"""Reference annotations of LUDB, and the measure that delineators are compared by.

Lead by lead: the waves of a lead against the annotations of that same lead. Only what lies inside the lead's annotated
span (its first annotated sample to its last) counts. A boundary is found when a detected one of its kind lies within
150 ms (ANSI/AAMI EC57), R within 50 ms; each detection serves once.

All leads together: the common waves against the median over the leads of the annotations of the same beat (at least 6
of 12 leads), QRS also against the earliest onset and the latest offset of all leads.
"""
import os
import re

import numpy as np
import wfdb

LEADS = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6"]
NAMES = dict(zip(LEADS, ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]))
BOUNDARIES = ["p_onset", "p_peak", "p_offset", "qrs_onset", "qrs_offset", "t_onset", "t_peak", "t_offset"]
RATE = 500
TOLERANCE = {"r": 25}  # samples; everything else 75
CSE = {"p_onset": 10.2, "p_offset": 12.7, "qrs_onset": 6.5, "qrs_offset": 11.6, "t_offset": 30.6}


def annotations(folder, record):
    """Per lead: boundary name -> sorted samples, and the annotated span."""
    result = {}
    for lead in LEADS:
        note = wfdb.rdann(os.path.join(folder, record), lead)
        symbols, samples = note.symbol, note.sample
        found = {name: [] for name in BOUNDARIES + ["r"]}
        kind = {"p": "p", "N": "qrs", "t": "t"}
        for k, symbol in enumerate(symbols):
            if symbol not in kind:
                continue
            wave = kind[symbol]
            found["r" if wave == "qrs" else f"{wave}_peak"].append(int(samples[k]))
            if k > 0 and symbols[k - 1] == "(":
                found[f"{wave}_onset"].append(int(samples[k - 1]))
            if k + 1 < len(symbols) and symbols[k + 1] == ")":
                found[f"{wave}_offset"].append(int(samples[k + 1]))
        span = (int(samples[0]), int(samples[-1])) if len(samples) else (0, -1)
        result[lead] = ({name: np.array(v, int) for name, v in found.items()}, span)
    return result


def match(reference, detected, tolerance):
    """Pairs each reference with the nearest detection, each detection once, closest pairs first."""
    pairs = []
    if len(reference) == 0 or len(detected) == 0:
        return pairs
    distance = np.abs(reference[:, None] - detected[None, :])
    order = np.argsort(distance, axis=None, kind="stable")
    used_r, used_d = set(), set()
    for flat in order:
        i, j = divmod(int(flat), len(detected))
        if distance[i, j] > tolerance:
            break
        if i in used_r or j in used_d:
            continue
        used_r.add(i)
        used_d.add(j)
        pairs.append((i, j))
    return pairs


class Score:
    """Counts and errors of one boundary."""

    def __init__(self):
        self.found = self.missed = self.false = 0
        self.errors = []
        self.places = []

    def add(self, reference, detected, tolerance, place):
        pairs = match(reference, detected, tolerance)
        self.found += len(pairs)
        self.missed += len(reference) - len(pairs)
        self.false += len(detected) - len(pairs)
        for i, j in pairs:
            self.errors.append((detected[j] - reference[i]) * 1000 / RATE)
            self.places.append(place)

    def row(self):
        errors = np.array(self.errors)
        se = 100 * self.found / max(1, self.found + self.missed)
        ppv = 100 * self.found / max(1, self.found + self.false)
        if len(errors) == 0:
            return [se, ppv, np.nan, np.nan, np.nan, np.nan]
        spread = (np.percentile(errors, 75) - np.percentile(errors, 25)) / 1.349
        return [se, ppv, errors.mean(), errors.std(), np.median(errors), spread]


def inside(samples, span):
    samples = np.asarray(sorted(samples), int)
    return samples[(samples >= span[0]) & (samples <= span[1])]


def per_lead(reference, detections):
    """reference: record -> annotations; detections: record -> lead -> boundary -> samples."""
    scores = {name: Score() for name in ["r"] + BOUNDARIES}
    for record, leads in reference.items():
        for lead, (notes, span) in leads.items():
            mine = detections[record].get(lead)
            if mine is None:
                mine = {name: [] for name in scores}
            for name, score in scores.items():
                tolerance = TOLERANCE.get(name, 75)
                # A detection just outside the span may belong to a reference at its edge.
                all_mine = np.asarray(sorted(mine[name]), int)
                near = all_mine[(all_mine >= span[0] - tolerance) & (all_mine <= span[1] + tolerance)]
                pairs = match(notes[name], near, tolerance)
                taken = {j for _, j in pairs}
                kept = [d for j, d in enumerate(near) if j in taken or span[0] <= d <= span[1]]
                score.add(notes[name], np.array(kept, int), tolerance, (record, lead))
    return scores


def common_reference(leads):
    """Beats over all leads: the median of each boundary over the leads, and the earliest and latest of QRS."""
    peaks = np.sort(np.concatenate([notes["r"] for notes, _ in leads.values()]))
    groups, start = [], 0
    for k in range(1, len(peaks) + 1):
        if k == len(peaks) or peaks[k] - peaks[k - 1] > 60:
            if k - start >= 6:
                groups.append(float(np.median(peaks[start:k])))
            start = k
    result = {name: [] for name in ["r", "qrs_onset_earliest", "qrs_offset_latest"] + BOUNDARIES}
    result["r"] = groups
    reach = {"p": (-180, -10), "qrs": (-75, 75), "t": (20, 300)}
    for name in BOUNDARIES:
        low, high = reach[name.split("_")[0]]
        for place in groups:
            found = []
            for notes, _ in leads.values():
                near = [x for x in notes[name] if low <= x - place <= high]
                if near:
                    found.append(min(near, key=lambda x: abs(x - place)))
            if len(found) >= 6:
                result[name].append(float(np.median(found)))
                if name == "qrs_onset":
                    result["qrs_onset_earliest"].append(min(found))
                if name == "qrs_offset":
                    result["qrs_offset_latest"].append(max(found))
    spans = [span for _, span in leads.values()]
    span = (np.median([s[0] for s in spans]), np.median([s[1] for s in spans]))
    return {name: np.array(v) for name, v in result.items()}, span


def common(reference, detections):
    names = ["r", "qrs_onset_earliest", "qrs_offset_latest"] + BOUNDARIES
    scores = {name: Score() for name in names}
    for record, leads in reference.items():
        notes, span = common_reference(leads)
        mine = detections[record]
        for name, score in scores.items():
            tolerance = TOLERANCE.get(name, 75)
            own = re.sub("_(earliest|latest)", "", name)
            detected = np.asarray(sorted(mine[own]), float)
            near = detected[(detected >= span[0] - tolerance) & (detected <= span[1] + tolerance)]
            pairs = match(notes[name], near, tolerance)
            taken = {j for _, j in pairs}
            kept = [d for j, d in enumerate(near) if j in taken or span[0] <= d <= span[1]]
            score.add(notes[name], np.array(kept), tolerance, (record, ""))
    return scores


def merged(leads, name):
    """The median over the leads of a boundary that at least four leads have within 100 ms of each other."""
    places = np.sort(np.concatenate([np.asarray(found[name], float) for found in leads.values()]))
    result, start = [], 0
    for k in range(1, len(places) + 1):
        if k == len(places) or places[k] - places[k - 1] > 50:
            if k - start >= 4:
                result.append(float(np.median(places[start:k])))
            start = k
    return result


def samples(beats):
    """Boundary -> samples, of a list of beats as `purkinje parameters --json` has them."""
    return {
        name: [b[f"{name}_sample"] for b in beats if b.get(f"{name}_sample") is not None]
        for name in ["r"] + BOUNDARIES
    }


def table(title, scores):
    lines = [f"### {title}", "",
             "| boundary | Se % | PPV % | mean ms | sigma ms | median ms | robust sigma ms | CSE sigma ms |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, score in scores.items():
        se, ppv, mean, sigma, median, robust = score.row()
        limit = CSE.get(re.sub("_(earliest|latest)", "", name), "")
        lines.append(f"| {name.replace('_', ' ')} | {se:.2f} | {ppv:.2f} | {mean:.1f} | {sigma:.1f} | {median:.1f} | {robust:.1f} | {limit} |")
    return "\n".join(lines) + "\n"
