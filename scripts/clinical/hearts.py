"""Artificial hearts with and without P and T, and the noise that hides or imitates them.

Waves are Gaussian pieces of a dipole that is seen by twelve leads, so nothing begins or ends at a sample: an onset is two
deviations before a piece's middle, an offset two behind it. Beats differ in RR interval and, with breathing, in size.
"""
from dataclasses import dataclass, field

import numpy as np

NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
NOISES = ("white", "pink", "EMG", "wander", "mains")
# Directions of I, II and V1 to V6 (left, down, front); the other limb leads follow.
DIRECTIONS = np.array([[1, 0, 0], [0.5, 0.87, 0], [-0.3, 0, 0.95], [0.1, 0.1, 1.1], [0.45, 0.15, 1.0], [0.8, 0.2, 0.7], [0.95, 0.2, 0.3],
                       [0.9, 0.2, 0.0]])


@dataclass
class Heart:
    rate: float = 70.0
    pr: float | None = 0.16        # seconds; None: no P before QRS
    p: float = 0.12                # mV in its largest lead
    p_width: float = 0.1
    p_leads: tuple = tuple(range(8))
    qrs: float = 0.09
    qt: float | None = 0.38        # seconds; None: no T
    t: float = 0.35
    t_second: float = 0.0          # a second, opposite half of T, as a part of the first
    t_leads: tuple = tuple(range(8))
    u: float = 0.0                 # mV
    retrograde: float | None = None  # seconds from the onset of QRS to a P behind it
    flutter: float | None = None   # waves a minute
    fibrillation: float = 0.0      # mV
    dissociated: float | None = None  # P a minute, not coupled to QRS
    irregular: float = 0.03        # deviation of RR, as a part
    spike: float = 0.0             # mV, 20 ms before QRS
    spike_tail: float = 0.03       # seconds
    fs: int = 500
    seconds: float = 10.0
    leads: tuple = tuple(NAMES)
    vectors: dict = field(default_factory=dict)
    loose: bool = False            # PR or QT is known, but hidden: it may be missed

    def truth(self, key):
        value = self.pr if key == "pr_ms" else self.qt
        return None if value is None else (1000 * value, self.loose)


def drawn(random, **options):
    heart = Heart(**options)

    def direction(mean, spread):
        vector = np.array(mean) + spread * random.normal(size=3)
        return vector / np.abs(DIRECTIONS @ vector).max()

    heart.vectors = {"p": direction([0.6, 0.9, 0.2], 0.2), "q": direction([-0.5, -0.2, 0.6], 0.3), "r": direction([0.9, 0.6, -0.2], 0.3),
                     "s": direction([-0.3, -0.2, -0.9], 0.3), "t": direction([0.8, 0.6, 0.4], 0.2), "r_size": random.uniform(0.8, 2)}
    return heart


def bump(time, middle, before, after=None):
    deviation = np.where(time < middle, before, after or before)
    return np.exp(-0.5 * ((time - middle) / deviation) ** 2)


def onsets(heart, random):
    places, t = [], random.uniform(0.2, 0.2 + 60 / heart.rate)
    while t < heart.seconds + 0.5:
        places.append(t)
        t += 60 / heart.rate * max(0.45, 1 + heart.irregular * random.normal())
    return np.array(places)


def dipole(heart, time, random):
    """Eight independent leads in mV."""
    result = np.zeros((len(time), 8))

    def add(shape, size, vector, leads=tuple(range(8))):
        weights = np.where(np.isin(np.arange(8), leads), DIRECTIONS @ vector, 0)
        result[:] += np.outer(size * shape, weights)

    v, q = heart.vectors, heart.qrs
    phase = random.uniform(0, 6)
    for onset in onsets(heart, random):
        breath = 1 + 0.05 * np.sin(2 * np.pi * 0.25 * onset + phase)
        if heart.pr is not None:
            add(bump(time, onset - heart.pr + heart.p_width / 2, heart.p_width / 4), heart.p, v["p"], heart.p_leads)
        if heart.retrograde is not None:
            add(bump(time, onset + heart.retrograde, 0.022), -0.1, v["p"])
        add(bump(time, onset + 0.18 * q, 0.09 * q), 0.12 * breath, v["q"])
        add(bump(time, onset + 0.48 * q, 0.13 * q), v["r_size"] * breath, v["r"])
        add(bump(time, onset + 0.78 * q, 0.11 * q), 0.4 * breath, v["s"])
        if heart.qt is not None:
            before, after = 0.145 * heart.qt, 0.105 * heart.qt
            end = onset + heart.qt
            if heart.t_second:
                add(bump(time, end - 0.055, 0.0275), heart.t * heart.t_second, -v["t"], heart.t_leads)
                add(bump(time, end - 0.15, 0.035), heart.t * breath, v["t"], heart.t_leads)
            else:
                add(bump(time, end - 2 * after, before, after), heart.t * breath, v["t"], heart.t_leads)
            if heart.u:
                add(bump(time, end + 0.1, 0.03), heart.u, v["t"])
        if heart.spike:
            since = time - (onset - 0.02)
            shape = np.where((since >= 0) & (since < 0.002), 1.0, 0)
            shape += np.where(since >= 0.002, -0.08 * np.exp(-np.maximum(since, 0) / heart.spike_tail), 0)
            add(shape, heart.spike, v["r"])
    if heart.dissociated:
        for t in np.arange(random.uniform(0, 0.6), heart.seconds, 60 / heart.dissociated):
            add(bump(time, t, 0.025), heart.p, v["p"])
    if heart.flutter:
        saw = (time * heart.flutter / 60 + random.uniform()) % 1
        add(np.where(saw < 0.7, saw / 0.7, (1 - saw) / 0.3) - 0.5, 0.25, v["p"])
    if heart.fibrillation:
        turns = np.cumsum(5.5 + 1.2 * np.sin(2 * np.pi * 0.4 * time + phase) + 12 * random.normal(size=len(time))) / heart.fs
        second = np.cumsum(6.7 + 1.0 * np.sin(2 * np.pi * 0.23 * time) + 12 * random.normal(size=len(time))) / heart.fs
        other = random.normal(size=3)
        add(np.sin(2 * np.pi * turns), heart.fibrillation, v["p"])
        add(np.sin(2 * np.pi * second), 0.5 * heart.fibrillation, other / np.abs(DIRECTIONS @ other).max())
    return result


def noise(kind, level, count, fs, random):
    """Deviation `level` in each of eight leads."""
    if not level:
        return np.zeros((count, 8))
    time, frequency = np.arange(count) / fs, np.fft.rfftfreq(count, 1 / fs)
    if kind == "mains":
        return level * np.sqrt(2) * np.outer(np.sin(2 * np.pi * 50 * time + random.uniform(0, 6)), random.uniform(0.5, 1.5, 8))
    spectrum = np.fft.rfft(random.normal(size=(count, 8)), axis=0)
    with np.errstate(divide="ignore"):
        shape = {"white": np.ones(len(frequency)), "pink": np.where(frequency > 0.05, frequency, np.inf) ** -0.5,
                 "EMG": ((frequency >= 20) & (frequency <= 150)).astype(float),
                 "wander": np.where(frequency > 0.05, np.exp(-frequency / 0.3), 0)}[kind]
    wave = np.fft.irfft(spectrum * shape[:, None], count, axis=0)
    return level * wave / wave.std(0)


def record(heart, kind, level, random):
    """Signal in mV, rate, names of leads."""
    count = int(heart.seconds * heart.fs)
    time = np.arange(count) / heart.fs
    eight = dipole(heart, time, random) + noise(kind, level, count, heart.fs, random)
    i, ii = eight[:, 0], eight[:, 1]
    twelve = np.column_stack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, eight[:, 2:]])
    return twelve[:, [NAMES.index(n) for n in heart.leads]], heart.fs, list(heart.leads)


def verdict(truths, found, key):
    """Of records without the wave: those that have one; of records with it: those that lack it, + those that are far off."""
    false = sum(f is not None for t, f in zip(truths, found) if t is None)
    missed = sum(f is None for t, f in zip(truths, found) if t is not None)
    tolerance = 30 if key == "pr_ms" else 50
    wrong = sum(f is not None and abs(f - t[0]) > tolerance for t, f in zip(truths, found) if t is not None)
    if all(t is None for t in truths):
        return f"{false} false" if false else "."
    if not missed and not wrong:
        return "."
    return " ".join(part for part in (f"{missed} missed" if missed else "", f"{wrong} off" if wrong else "") if part)


def _with(**options):
    return lambda random: drawn(random, **{"rate": random.uniform(60, 95), **{k: v(random) if callable(v) else v for k, v in options.items()}})


def between(low, high):
    return lambda random: random.uniform(low, high)


HEARTS = {
    "normal": _with(),
    "no P": _with(pr=None),
    "no T": _with(qt=None),
    "neither": _with(pr=None, qt=None),
    "no P, 120 to 180": _with(pr=None, rate=between(120, 180), qt=0.27),
    "no P, 200 to 240": _with(pr=None, rate=between(200, 240), qt=0.22, irregular=0.005, qrs=0.08),
    "no P, 250 to 300": _with(pr=None, rate=between(250, 300), qt=0.18, irregular=0.005, qrs=0.07),
    "P of 0.03 to 0.05": _with(p=between(0.03, 0.05)),
    "P in few leads": _with(p_leads=(1, 2), p=between(0.05, 0.12)),
    "T in few leads": _with(t_leads=(4, 5, 6), t=between(0.15, 0.3)),
    "T of 0.05 to 0.1": _with(t=between(0.05, 0.1)),
    "T inverted": _with(t=-0.3),
    "T in two halves": _with(t_second=0.8),
    "U": _with(u=0.08),
    "QT 550 at 50": _with(rate=50, qt=0.55),
    "PR 300 to 380 at 60": _with(rate=60, pr=between(0.3, 0.38)),
    "sinus 150 to 190": _with(rate=between(150, 190), pr=0.12, qt=0.27, p_width=0.08),
    "retrograde P": _with(pr=None, retrograde=between(0.11, 0.16)),
    "third-degree block": _with(pr=None, rate=between(35, 45), dissociated=between(75, 95), qt=0.45),
    "fibrillation": _with(pr=None, rate=between(70, 120), irregular=0.2, fibrillation=between(0.03, 0.12), qt=0.34),
    "fibrillation, regular": _with(pr=None, rate=between(50, 80), irregular=0.02, fibrillation=between(0.03, 0.12)),
    "flutter, changing": _with(pr=None, rate=90, irregular=0.2, flutter=between(240, 320), qt=0.34),
    "paced, no P": _with(pr=None, spike=between(1, 4), spike_tail=between(0.01, 0.06), qrs=0.15, qt=0.42),
    "3 beats": _with(seconds=2.9, rate=between(62, 75)),
    "3 beats, no P": _with(seconds=2.9, rate=between(62, 75), pr=None),
    "3 beats, no T": _with(seconds=2.9, rate=between(62, 75), qt=None),
    "100 Hz, no P": _with(fs=100, pr=None),
    "100 Hz, no T": _with(fs=100, qt=None),
    "250 Hz, no P": _with(fs=250, pr=None),
    "1000 Hz, no P": _with(fs=1000, pr=None),
    "lead II, no P": _with(leads=("II",), pr=None),
    "lead II, no T": _with(leads=("II",), qt=None),
    "lead II": _with(leads=("II",)),
    "I, II": _with(leads=("I", "II")),
    "I, II, no P": _with(leads=("I", "II"), pr=None),
    "V1, V3, V6, no P": _with(leads=("V1", "V3", "V6"), pr=None),
    "8 leads, no P": _with(leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), pr=None),
}
