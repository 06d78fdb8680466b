"""Compares parameters with the ECG machine's own measurements of the Chapman-Shaoxing records.

Usage: chapman.py PURKINJE ECG_ARRHYTHMIA_FOLDER. Every record of the folder that chapman_measurements.csv names is
compared, so the full data set gives the full table.
"""
import csv
import json
import os
import subprocess
import sys

import numpy as np

PAIRS = [
    ("ventricular rate, /min", "VentricularRate", "heart_rate_per_minute"),
    ("QRS, ms", "QRSDuration", "qrs_ms"),
    ("QT, ms", "QTInterval", "qt_ms"),
    ("QTc (Bazett), ms", "QTCorrected", "qtc_bazett_ms"),
    ("R axis, degrees", "RAxis", "qrs_axis_degrees"),
    ("T axis, degrees", "TAxis", "t_axis_degrees"),
    ("beats in 10 s", "QRSCount", "beat_count"),
]


def main(program, folder):
    with open(os.path.join(folder, "chapman_measurements.csv"), newline="") as file:
        machine = {row["Record"]: row for row in csv.DictReader(file)}
    output = subprocess.run(
        [program, "parameters", folder, "--json"], capture_output=True, text=True, check=True).stdout
    ours = {r["record"]: r for r in map(json.loads, output.splitlines())}
    shared = sorted(set(machine) & set(ours))
    print(f"{len(shared)} records\n")
    print("| measurement | records | median difference | interquartile range | correlation |")
    print("| --- | --- | --- | --- | --- |")
    for title, theirs, mine in PAIRS:
        pairs = [(float(machine[r][theirs]), ours[r][mine]) for r in shared
                 if machine[r][theirs] not in ("", "0") and ours[r].get(mine) is not None]
        a, b = np.array(pairs).T
        difference = b - a
        if "axis" in title:
            difference = (difference + 180) % 360 - 180
            b = a + difference
        low, middle, high = np.percentile(difference, [25, 50, 75])
        print(f"| {title} | {len(pairs)} | {middle:+.1f} | {low:+.1f} to {high:+.1f} | {np.corrcoef(a, b)[0, 1]:.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:3])
