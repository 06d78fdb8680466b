"""Writes records with known intervals, clean and with noise, and prints how far the parameters are off.

Usage: synthetic.py PURKINJE. Every wave begins and ends at a known sample: P and T are raised cosines, QRS three half
sines. Noise is scaled to the power of the QRS-to-T signal in each lead: wander 0.15 to 0.4 Hz, mains 50 Hz, EMG white noise between 20 and 150 Hz.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import wfdb

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


if __name__ == "__main__":
    main(sys.argv[1])
