"""Artificial rhythms whose beats are known: pacing, ventricular beats, blocks, high and low rates, gaps, and no heart at all.

Leads are sums of bell curves, one set of waves a kind of beat. The true place of a beat is the median over the leads of
the largest deflection of its QRS complex, which is what an annotator who marks each lead would give.
"""
import numpy as np

LEADS = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
TOLERANCE_SECONDS = 0.05


def wave(centre, width, *sizes):
    return centre, width, np.array(sizes)


# Seconds after the beat, standard deviation in seconds, millivolts in I, II, V1 to V6.
P = wave(-0.170, 0.022, .08, .15, .06, .06, .07, .08, .08, .08)
NORMAL_QRS = [wave(-0.028, 0.008, -.05, -.08, 0, 0, 0, -.05, -.08, -.08),
              wave(0, 0.011, .7, 1.1, .2, .4, .8, 1.3, 1.3, 1.0),
              wave(0.030, 0.010, -.1, -.15, -.9, -1.3, -.8, -.4, -.2, -.1)]
NORMAL_T = wave(0.270, 0.045, .2, .3, -.1, .35, .4, .4, .3, .25)
LEFT_BLOCK_QRS = [wave(-0.030, 0.014, .25, .15, -.5, -.8, -.6, -.1, .2, .3),
                  wave(0.010, 0.022, .6, .3, -1.0, -1.6, -1.2, -.3, .5, .8),
                  wave(0.048, 0.018, .7, .2, -.8, -1.2, -.9, .2, .8, .9)]
LEFT_BLOCK_T = wave(0.310, 0.050, -.3, -.1, .5, .9, .7, .2, -.2, -.35)
RIGHT_BLOCK_QRS = [wave(0, 0.011, .7, .9, .25, .4, .8, 1.2, 1.2, .9),
                   wave(0.030, 0.012, -.2, -.2, -.5, -.4, -.3, -.3, -.2, -.1),
                   wave(0.070, 0.018, -.45, -.3, .9, .6, .1, -.2, -.4, -.4)]
RIGHT_BLOCK_T = wave(0.290, 0.045, .2, .3, -.4, -.3, .2, .3, .3, .25)
# The right ventricle's tip is excited first: leftward, upwards, negative in all of the chest leads.
PACED_QRS = [wave(-0.020, 0.018, .2, -.5, -.4, -.6, -.6, -.5, -.4, -.2),
             wave(0.020, 0.026, .6, -1.0, -.8, -1.4, -1.6, -1.4, -1.0, -.6),
             wave(0.065, 0.022, .3, -.6, -.3, -.5, -.7, -.8, -.7, -.4)]
PACED_T = wave(0.330, 0.055, -.3, .6, .5, .9, 1.0, .8, .5, .3)
VENTRICULAR_QRS = [wave(-0.025, 0.016, .3, .2, .3, .4, .3, .1, 0, 0),
                   wave(0.020, 0.026, -.5, 1.2, .9, 1.5, 1.3, .6, .3, .2),
                   wave(0.075, 0.022, .1, -.2, -.3, -.6, -.7, -.6, -.4, -.3)]
VENTRICULAR_T = wave(0.330, 0.052, .2, -.5, -.3, -.6, -.5, -.2, -.1, -.1)


def scaled(waves, size):
    return [(c, w, size * a) for c, w, a in waves]


def peak(waves):
    """Where the QRS complex is largest: the median over the leads."""
    time = np.arange(-0.15, 0.2, 0.001)
    sum_ = sum(np.outer(a, np.exp(-0.5 * ((time - c) / w) ** 2)) for c, w, a in waves)
    return float(np.median(time[np.abs(sum_).argmax(1)]))


class Record:
    def __init__(self, random, seconds=10, rate=500):
        self.random, self.seconds, self.rate = random, int(seconds), rate
        self.fine = 1000
        self.time = np.arange(int(round(seconds * self.fine))) / self.fine
        self.signal = np.zeros((8, len(self.time)))
        self.spikes = []
        self.beats = []
        self.noise = 0.005
        self.gaps = []
        self.optional = []
        self.expects_none = False

    def add(self, place, waves):
        for centre, width, sizes in waves:
            middle = place + centre
            low, high = np.searchsorted(self.time, [middle - 6 * width, middle + 6 * width])
            bell = np.exp(-0.5 * ((self.time[low:high] - middle) / width) ** 2)
            self.signal[:, low:high] += np.outer(sizes, bell)

    def beat(self, place, qrs, others=(), kind="normal"):
        self.add(place, list(qrs) + list(others))
        truth = place + peak(qrs)
        if 0 <= truth < self.seconds:
            self.beats.append((truth, kind))

    def spike(self, place, millivolts, undershoot=0.0, decay=0.012):
        direction = np.array([.5, .9, -.3, -.3, .1, .4, .5, .5])
        self.spikes.append((place, millivolts * direction, undershoot, decay))

    def leads(self):
        """Twelve leads in mV at the record's rate, samples by leads."""
        count = int(round(self.seconds * self.rate))
        time = np.arange(count) / self.rate
        signal = np.stack([np.interp(time, self.time, s) for s in self.signal])
        for place, sizes, undershoot, decay in self.spikes:
            first = int(round(place * self.rate))
            if not 0 <= first < count:
                continue
            last = max(first + 1, first + int(0.002 * self.rate))
            signal[:, first:last] += sizes[:, None]
            tail = np.exp(-(time[last:] - time[min(last, count - 1)]) / decay)
            signal[:, last:] -= undershoot * np.outer(sizes, tail)
        signal += self.random.normal(0, 1, signal.shape) * self.noise
        i, ii = signal[:2]
        leads = np.stack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, *signal[2:]], 1)
        for start, end, which in self.gaps:
            leads[int(start * self.rate):int(end * self.rate), which] = np.nan
        return leads


def regular(random, rate, seconds, jitter=0.01):
    place = random.uniform(0, 60 / rate) + 0.05
    while place < seconds + 0.5:
        yield place
        place += 60 / rate * (1 + jitter * random.normal())


def narrow(random, rate, seconds=10, sample_rate=500, has_p=True, t=1.0, noise=0.005, size=1.0, p=P,
           qrs=NORMAL_QRS, t_wave=NORMAL_T):
    record = Record(random, seconds, sample_rate)
    record.noise = noise
    rr = 60 / rate
    # T keeps its distance with the root of RR, and never reaches the next beat.
    centre, width, sizes = t_wave
    shrink = min(1.0, rr ** 0.5, 0.8 * rr / centre)
    t_wave = (centre * shrink, width * min(1, max(shrink, 0.45)), sizes * t)
    p_wave = (max(p[0], -0.4 * rr), p[1] * min(1, shrink + 0.2), p[2])
    for place in regular(random, rate, seconds):
        others = scaled([t_wave] + ([p_wave] if has_p else []), size)
        record.beat(place, scaled(qrs, size), others)
    return record


def paced(random, rate, spike, chambers="V", undershoot=0.0, sample_rate=500, t=1.0, noise=0.005, seconds=10):
    record = Record(random, seconds, sample_rate)
    record.noise = noise
    size = random.uniform(0.6, 1.3)
    shrink = min(1.0, (60 / rate) ** 0.5)
    t_wave = (PACED_T[0] * max(shrink, 0.75), PACED_T[1] * max(shrink, 0.8), PACED_T[2] * t)
    decay = random.uniform(0.006, 0.03)
    for place in regular(random, rate, seconds, 0.002):
        others = [t_wave]
        if chambers == "AV":
            others.append((P[0] + 0.02, P[1], P[2]))
            record.spike(place - 0.06 - 0.15, spike * random.uniform(0.95, 1.05), undershoot, decay)
        record.spike(place - 0.06, spike * random.uniform(0.95, 1.05), undershoot, decay)
        record.beat(place, scaled(PACED_QRS, size), scaled(others, size), "paced")
    return record


def ectopic(random, rate, pattern, sign=1, sample_rate=500, noise=0.005, seconds=10, base=NORMAL_QRS, has_t=True):
    """`pattern`: "single", "bigeminy", "couplet" or "run"; the early beats come after 45 to 70 % of an interval."""
    record = Record(random, seconds, sample_rate)
    record.noise = noise
    rr = 60 / rate
    size = random.uniform(0.6, 1.3)
    coupling = max(0.36, random.uniform(0.45, 0.7) * rr)
    place, number = random.uniform(0, rr) + 0.05, 0
    shrink = min(1.0, rr ** 0.5)
    t_wave = (NORMAL_T[0] * shrink, NORMAL_T[1] * shrink, NORMAL_T[2])
    while place < seconds + 0.5:
        record.beat(place, base, [P, t_wave])
        number += 1
        early = {"single": number % 5 == 3, "bigeminy": True, "couplet": number % 4 == 2, "run": number % 6 == 2}[pattern]
        if early:
            count = {"single": 1, "bigeminy": 1, "couplet": 2, "run": 4}[pattern]
            for k in range(count):
                at = place + coupling + 0.38 * k
                others = scaled([VENTRICULAR_T], sign * size) if has_t and k == count - 1 else []
                record.beat(at, scaled(VENTRICULAR_QRS, sign * size), others, "ventricular")
            place = max(place + 2 * rr, place + coupling + 0.38 * (count - 1) + 0.9 * rr)
        else:
            place += rr * (1 + 0.015 * random.normal())
    return record


def ventricular_tachycardia(random, rate, width, sign=1, sample_rate=500, noise=0.005, shape="bell"):
    record = Record(random, 10, sample_rate)
    record.noise = noise
    rr = 60 / rate
    if shape == "bell":
        qrs = [wave(0, width, .6, 1., .4, -.8, .1, .7, -1.2, -1.5)]
        others = []
    else:
        qrs = [(c * width / 0.026, w * width / 0.026, a) for c, w, a in VENTRICULAR_QRS]
        others = [(min(VENTRICULAR_T[0], 0.55 * rr), min(VENTRICULAR_T[1], 0.14 * rr), VENTRICULAR_T[2])]
    for place in regular(random, rate, 10, 0.003):
        record.beat(place, scaled(qrs, sign), scaled(others, sign), "ventricular")
    return record


def fibrillation(random, rate, t=1.0, qrs=NORMAL_QRS, t_wave=NORMAL_T, noise=0.005):
    record = Record(random)
    record.noise = noise
    place = random.uniform(0, 0.5)
    while place < 10.5:
        rr = 60 / rate * random.uniform(0.6, 1.5)
        centre, width, sizes = t_wave
        record.beat(place, qrs, [(centre * min(1, rr ** 0.5), width, sizes * t)])
        place += max(rr, 0.3)
    for hertz in random.uniform(4.5, 8, 4):
        phase = random.uniform(0, 6.28, 8)
        record.signal += random.uniform(0.01, 0.05) * np.sin(2 * np.pi * hertz * record.time + phase[:, None])
    return record


def few(random, places, size=1.0, noise=0.005, waves=(NORMAL_QRS, [P, NORMAL_T])):
    record = Record(random)
    record.noise = noise
    for place in places:
        record.beat(place, scaled(waves[0], size), scaled(waves[1], size))
    return record


def asystole(random, kind, size, seconds=10, sample_rate=500):
    record = Record(random, seconds, sample_rate)
    record.noise = 0
    record.expects_none = True
    count = len(record.time)
    spectrum = np.fft.rfft(random.normal(size=(8, count)), axis=1)
    frequency = np.fft.rfftfreq(count, 1 / record.fine)
    keep = {"white": (0, 200), "EMG": (20, 150), "slow": (0.05, 1.0), "band": (4, 30)}
    if kind == "mains":
        phases = random.uniform(0, 2 * np.pi, (8, 1))
        record.signal = size * np.sqrt(2) * np.sin(2 * np.pi * 50 * record.time + phases)
        record.noise = 0.003
        return record
    if kind == "pink":
        spectrum /= np.sqrt(np.maximum(frequency, 0.2))
    else:
        low, high = keep[kind]
        spectrum[:, (frequency < low) | (frequency > high)] = 0
    noise = np.fft.irfft(spectrum, count, axis=1)
    record.signal = size * noise / np.sqrt((noise ** 2).mean())
    return record


def with_gaps(record, gaps):
    """Beats whose peak lies in a gap of all leads cannot be seen."""
    record.gaps = gaps
    for start, end, which in gaps:
        if which == slice(None):
            # Of a beat at the edge of a gap too little may be left.
            record.optional += [b[0] for b in record.beats if start - 0.06 <= b[0] <= end + 0.06]
            record.beats = [b for b in record.beats if not start - 0.06 <= b[0] <= end + 0.06]
    return record


def catalogue(seed=1):
    """Yields (kind, record)."""
    r = np.random.default_rng(seed)
    for rate in list(range(20, 50, 5)) + list(range(50, 300, 10)) + [295, 300]:
        for has_p in ((True, False) if rate < 190 else (False,)):
            yield "narrow", narrow(r, rate, has_p=has_p, noise=r.choice([0.005, 0.03]))
        yield "narrow, tall T", narrow(r, rate, has_p=rate < 150, t=r.uniform(2, 4))
        yield "narrow, noise 0.08 mV", narrow(r, rate, has_p=rate < 150, noise=0.08)
    for rate in range(150, 301, 10):
        for sign in (1, -1):
            yield "VT, bell", ventricular_tachycardia(r, rate, r.uniform(0.03, 0.055), sign)
            yield "VT, QRS and T", ventricular_tachycardia(r, rate, r.uniform(0.018, 0.028), sign, shape="QRS")
    for rate in (40, 50, 60, 70, 80, 100, 120, 130):
        for spike in (0.2, 0.5, 1, 2, 5):
            for undershoot in (0, 0.25):
                for hertz in (500, 100):
                    kind = f"{hertz} Hz"
                    yield f"VVI, {kind}", paced(r, rate, spike, "V", undershoot, hertz, r.uniform(0.5, 2.5))
                    yield f"DDD, {kind}", paced(r, rate, spike, "AV", undershoot, hertz, r.uniform(0.5, 2.5))
    for rate in (50, 60, 75, 90, 110):
        for sign in (1, -1):
            for pattern in ("single", "bigeminy", "couplet", "run"):
                for has_t in (True, False):
                    yield f"PVC, {pattern}", ectopic(r, rate, pattern, sign, noise=r.choice([0.005, 0.03]), has_t=has_t)
    for rate in (45, 60, 75, 90, 110, 130):
        for t in (0.5, 1, 2, 3):
            yield "LBBB", narrow(r, rate, t=t, qrs=LEFT_BLOCK_QRS, t_wave=LEFT_BLOCK_T)
            yield "RBBB", narrow(r, rate, t=t, qrs=RIGHT_BLOCK_QRS, t_wave=RIGHT_BLOCK_T)
            yield "AF", fibrillation(r, rate, t)
            yield "AF, LBBB", fibrillation(r, rate, t, LEFT_BLOCK_QRS, LEFT_BLOCK_T)
    for rate in (40, 60, 75, 100, 140):
        yield "low voltage", narrow(r, rate, size=0.15, noise=0.004)
        yield "low voltage", narrow(r, rate, size=0.08, noise=0.004)
    for hertz in (50, 100, 128, 250, 257, 360, 1000):
        for rate in (40, 70, 120, 180):
            yield "other sample rates", narrow(r, rate, sample_rate=hertz)
    for seconds in (3, 5, 30, 60):
        for rate in (40, 60, 90, 150, 200):
            yield "short or long", narrow(r, rate, seconds=seconds)
    for _ in range(10):
        yield "one beat", few(r, [r.uniform(0.3, 9.6)], r.uniform(0.3, 2), r.choice([0.005, 0.03]))
        yield "two beats", few(r, np.cumsum(r.uniform(0.8, 4.5, 2)), r.uniform(0.3, 2), r.choice([0.005, 0.03]))
        yield "three beats", few(r, np.cumsum(r.uniform(0.8, 3, 3)), r.uniform(0.3, 2), r.choice([0.005, 0.03]))
        yield "one wide beat", few(r, [r.uniform(0.3, 9.6)], 1, 0.01, (VENTRICULAR_QRS, [VENTRICULAR_T]))
    for kind in ("white", "EMG", "slow", "band", "mains", "pink"):
        for size in (0.005, 0.02, 0.1, 0.4):
            for _ in range(3):
                yield f"no heart, {kind}", asystole(r, kind, size, r.choice([3, 10, 10, 30]))
    every = slice(None)
    for _ in range(4):
        for length in (0.002, 0.05, 0.2, 0.5, 1, 2, 3, 5):
            rate = r.uniform(50, 110)
            start = r.uniform(0, 10 - length)
            yield "gap in all leads", with_gaps(narrow(r, rate), [(start, start + length, every)])
            which = sorted(r.choice(12, r.integers(1, 11), replace=False))
            yield "gap in some leads", with_gaps(narrow(r, rate), [(start, start + length, which)])
            edge = (0, length, every) if r.random() < 0.5 else (10 - length, 10, every)
            yield "gap at an edge", with_gaps(narrow(r, rate), [edge])
            yield "two gaps", with_gaps(narrow(r, rate), [(2, 2 + length / 2, every), (6, 6 + length / 2, every)])
