"""Writes records with known intervals, clean and with noise, and prints how far the parameters are off.

Usage: synthetic.py PURKINJE, or synthetic.py PURKINJE rhythms [SEED] for records whose beats are known (rhythms.py): how
many are found, how many are not there, and how far R is off; or synthetic.py PURKINJE waves [RECORDS]. Every wave begins and ends at a known sample: P and T are raised cosines, QRS three half
sines. Noise is scaled to the power of the QRS-to-T signal in each lead: wander 0.15 to 0.4 Hz, mains 50 Hz, EMG white noise between 20 and 150 Hz.

`waves` prints how often P and T are found where there is none, and missed where there is one: rhythms and forms of waves
(hearts.py) under five kinds of noise, whose deviation in each independent lead is given in mV.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import wfdb

import hearts
import ludb
import rhythms

RATE, SECONDS, RECORDS = 500, 10, 40
NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def record(random):
    truth = {"rate": random.uniform(45, 120), "pr": random.uniform(120, 220), "qrs": random.uniform(80, 130),
             "p": random.uniform(80, 120), "axis": random.uniform(-60, 110)}
    rr = 60 / truth["rate"]
    truth["qt"] = 1000 * 0.39 * np.sqrt(min(rr, 1.2)) + random.uniform(-15, 15)
    time = np.arange(RATE * SECONDS) / RATE
    frontal, chest = np.zeros((2, len(time))), np.zeros(len(time))
    axis = np.deg2rad(truth["axis"])

    def add(start, length, size, smooth, turned=1.0):
        phase = (time - start) / length
        inside = (phase >= 0) & (phase <= 1)
        shape = np.where(inside, 0.5 - 0.5 * np.cos(2 * np.pi * phase) if smooth else np.sin(np.pi * phase), 0)
        frontal[:] += np.outer([np.cos(axis), np.sin(axis)], size * shape)
        chest[:] += turned * size * shape

    for onset in np.arange(random.uniform(0.3, 0.3 + rr), SECONDS, rr):
        qrs = truth["qrs"] / 1000
        add(onset - truth["pr"] / 1000, truth["p"] / 1000, 0.15, True)
        add(onset, 0.25 * qrs, -0.12, False)
        add(onset + 0.25 * qrs, 0.5 * qrs, 1.2, False)
        add(onset + 0.75 * qrs, 0.25 * qrs, -0.25, False, -1)
        add(onset + qrs + 0.08, truth["qt"] / 1000 - qrs - 0.08, 0.33, True)
    i, foot = frontal[0], frontal[1] * np.sqrt(3) / 2
    ii = foot + i / 2
    leads = [i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
    leads += [s * chest for s in (-0.5, -0.2, 0.5, 1.0, 1.1, 0.9)]
    return np.array(leads).T, truth


def noise(kind, decibels, signal, random):
    time = np.arange(len(signal)) / RATE
    power = np.sqrt((signal**2).mean(0)) + 1e-3
    if kind == "wander":
        wave = sum(np.outer(np.sin(2 * np.pi * f * time + random.uniform(0, 6)), random.uniform(0.5, 1, 12)) for f in (0.15, 0.28, 0.4))
    elif kind == "mains":
        wave = np.outer(np.sin(2 * np.pi * 50 * time + random.uniform(0, 6)), random.uniform(0.5, 1, 12))
    else:
        spectrum = np.fft.rfft(random.normal(size=signal.shape), axis=0)
        frequency = np.fft.rfftfreq(len(signal), 1 / RATE)
        spectrum[(frequency < 20) | (frequency > 150)] = 0
        wave = np.fft.irfft(spectrum, len(signal), axis=0)
    return wave / np.sqrt((wave**2).mean(0)) * power * 10 ** (-decibels / 20)


def measured(program, records):
    """What the program says of signals in mV, name -> (signal, rate, names of leads)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (signal, rate, leads) in records.items():
            wfdb.wrsamp(name, fs=rate, units=["mV"] * len(leads), sig_name=leads, p_signal=signal, fmt=["16"] * len(leads),
                        adc_gain=[1000.0] * len(leads), baseline=[0] * len(leads), write_dir=folder)
        output = subprocess.run([program, "parameters", folder, "--json"], capture_output=True, text=True, check=True).stdout
    return {record["record"]: record for record in map(json.loads, output.splitlines())}


def waves(program, count):
    kinds = [("none", 0.0)] + [(k, level) for k in hearts.NOISES for level in (0.005, 0.02, 0.05, 0.1)]
    print("| heart | wave | " + " | ".join(f"{k} {level:g}" if level else "no noise" for k, level in kinds) + " |")
    print("| --- | --- |" + " --- |" * len(kinds))
    for title, make in hearts.HEARTS.items():
        cells = {"P": [], "T": []}
        for kind, level in kinds:
            random = np.random.default_rng(11)
            records, truths = {}, {}
            for number in range(count):
                heart = make(random)
                name = f"w{number:03d}"
                records[name], truths[name] = hearts.record(heart, kind, level, random), heart
            found = measured(program, records)
            for wave, key in (("P", "pr_ms"), ("T", "qt_ms")):
                cells[wave].append(hearts.verdict([truths[n].truth(key) for n in records], [found[n][key] for n in records], key))
        for wave in "PT":
            print(f"| {title} | {wave} | " + " | ".join(cells[wave]) + " |", flush=True)


def main(program):
    cases = [("clean", None, 0)] + [(f"{k}, {d} dB", k, d) for k in ("wander", "mains", "EMG") for d in (20, 10, 5)]
    print("| record | rate /min | P ms | PR ms | QRS ms | QT ms | axis degrees | not measured |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for title, kind, decibels in cases:
        random = np.random.default_rng(7)
        with tempfile.TemporaryDirectory() as folder:
            truths = {}
            for number in range(RECORDS):
                signal, truth = record(random)
                if kind:
                    signal = signal + noise(kind, decibels, signal, random)
                name = f"s{number:03d}"
                wfdb.wrsamp(name, fs=RATE, units=["mV"] * 12, sig_name=NAMES, p_signal=signal, fmt=["16"] * 12, write_dir=folder)
                truths[name] = truth
            output = subprocess.run([program, "parameters", folder, "--json"], capture_output=True, text=True, check=True).stdout
            found = {r["record"]: r for r in map(json.loads, output.splitlines())}
        cells, missing = [], 0
        for key, name in (("rate", "heart_rate_per_minute"), ("p", "p_duration_ms"), ("pr", "pr_ms"), ("qrs", "qrs_ms"),
                          ("qt", "qt_ms"), ("axis", "qrs_axis_degrees")):
            errors = [found[r][name] - t[key] for r, t in truths.items() if found[r].get(name) is not None]
            missing += RECORDS - len(errors)
            if not errors:
                cells.append("-")
                continue
            errors = np.array(errors)
            cells.append(f"{errors.mean():+.1f} ± {errors.std():.1f} (worst {np.abs(errors).max():.1f})")
        print(f"| {title} | " + " | ".join(cells) + f" | {missing} of {6 * RECORDS} |")


def write_rhythm(folder, name, record):
    leads = record.leads()
    units = np.where(np.isnan(leads), -32768, np.clip(np.round(leads * 1000), -32767, 32767)).astype("<i2")
    units.tofile(os.path.join(folder, name + ".dat"))
    lines = [f"{name} 12 {record.rate} {len(units)}"]
    lines += [f"{name}.dat 16 1000(0)/mV 16 0 {units[0, k]} {int(units[:, k].astype(int).sum()) & 0xffff} 0 {lead}"
              for k, lead in enumerate(NAMES)]
    with open(os.path.join(folder, name + ".hea"), "w") as header:
        header.write("\n".join(lines) + "\n")


def judge(record, found):
    """Beats found, missed and false, and the errors of R in ms; the first and last 120 ms are not judged."""
    truth = np.array([b[0] for b in record.beats])
    places = np.array([b["r_sample"] for b in found["beats"]]) / record.rate
    pairs = ludb.match(truth, places, rhythms.TOLERANCE_SECONDS)
    inside = lambda t: 0.12 < t < record.seconds - 0.12
    seen, used = {i for i, _ in pairs}, {j for _, j in pairs}
    missed = sum(1 for i, t in enumerate(truth) if i not in seen and inside(t))
    false = sum(1 for j, t in enumerate(places) if j not in used and (inside(t) or record.expects_none)
                and all(abs(t - o) > 0.06 for o in record.optional))
    return len(pairs), missed, false, [1000 * (places[j] - truth[i]) for i, j in pairs]


def judge_rhythms(program, seed):
    records = list(rhythms.catalogue(seed))
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, record) in enumerate(records):
            write_rhythm(folder, f"r{number:04d}", record)
        output = subprocess.run([program, "parameters", folder, "--json"], capture_output=True, text=True, check=True).stdout
        found = {r["record"]: r for r in map(json.loads, output.splitlines())}
    kinds = {}
    for number, (kind, record) in enumerate(records):
        row = kinds.setdefault(kind, [0, 0, 0, 0, 0, []])
        hits, missed, false, errors = judge(record, found[f"r{number:04d}"])
        for k, value in enumerate((1, missed + false > 0, hits, missed, false)):
            row[k] += value
        row[5] += errors
    print("| rhythm | records | with a fault | Se % | PPV % | R mean ms | R sigma ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind, (count, bad, hits, missed, false, errors) in kinds.items():
        rates = [f"{100 * hits / (hits + k):.1f}" if hits + k else "-" for k in (missed, false)]
        place = f"{np.mean(errors):+.1f} | {np.std(errors):.1f}" if errors else "- | -"
        print(f"| {kind} | {count} | {bad} | {rates[0]} | {rates[1]} | {place} |")
    print(f"\n{sum(k[1] for k in kinds.values())} of {len(records)} records have a beat that is missed or not there")


if __name__ == "__main__":
    if sys.argv[2:3] == ["rhythms"]:
        judge_rhythms(sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    elif sys.argv[2:3] == ["waves"]:
        waves(sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 20)
    else:
        main(sys.argv[1])
