"""Delineates LUDB with purkinje, NeuroKit2 and BioSPPy and prints all beside the CSE tolerances.

Usage: compare.py PURKINJE LUDB_FOLDER [METHOD ...] (the folder with data/). The others work lead by lead. METHOD is a
method of NeuroKit2 ("dwt", which is the default, "peak" or "cwt") or "biosppy".
"""
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import wfdb

import ludb

warnings.filterwarnings("ignore")


def purkinje(program, folder):
    detections, common = {}, {}
    for flag, place in (("--per-lead", detections), (None, common)):
        command = [program, "parameters", folder, "--json"] + ([flag] if flag else [])
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in output.splitlines():
            record = json.loads(line)
            if flag:
                place[record["record"]] = {
                    lead: ludb.samples(record["beats"].get(name, [])) for lead, name in ludb.NAMES.items()}
            else:
                place[record["record"]] = ludb.samples(record["beats"])
    return detections, common


def neurokit(folder, records, method):
    import neurokit2 as nk

    names = {"p_onset": "ECG_P_Onsets", "p_peak": "ECG_P_Peaks", "p_offset": "ECG_P_Offsets",
             "qrs_onset": "ECG_R_Onsets", "qrs_offset": "ECG_R_Offsets", "t_onset": "ECG_T_Onsets",
             "t_peak": "ECG_T_Peaks", "t_offset": "ECG_T_Offsets"}
    detections = {}
    for record in records:
        signal = wfdb.rdrecord(os.path.join(folder, record))
        columns = {name.lower(): k for k, name in enumerate(signal.sig_name)}
        detections[record] = {}
        for lead in ludb.LEADS:
            found = {name: [] for name in ludb.BOUNDARIES + ["r"]}
            clean = nk.ecg_clean(signal.p_signal[:, columns[lead]], sampling_rate=ludb.RATE)
            try:
                _, peaks = nk.ecg_peaks(clean, sampling_rate=ludb.RATE)
                found["r"] = [int(x) for x in peaks["ECG_R_Peaks"]]
                _, waves = nk.ecg_delineate(clean, peaks["ECG_R_Peaks"], sampling_rate=ludb.RATE, method=method)
                for name, key in names.items():
                    found[name] = [int(x) for x in waves.get(key, []) if x is not None and np.isfinite(x)]
            except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError):
                pass  # a lead that NeuroKit2 gives up on counts as missed
            detections[record][lead] = found
    return detections


def biosppy(folder, records):
    from biosppy.signals import ecg

    parts = {"p": (ecg.getPPositions, "P_positions", "P_start_positions", "P_end_positions"),
             "q": (ecg.getQPositions, None, "Q_start_positions", None),
             "s": (ecg.getSPositions, None, None, "S_end_positions"),
             "t": (ecg.getTPositions, "T_positions", "T_start_positions", "T_end_positions")}
    targets = {"p": ("p_peak", "p_onset", "p_offset"), "q": (None, "qrs_onset", None),
               "s": (None, None, "qrs_offset"), "t": ("t_peak", "t_onset", "t_offset")}
    detections = {}
    for record in records:
        signal = wfdb.rdrecord(os.path.join(folder, record))
        columns = {name.lower(): k for k, name in enumerate(signal.sig_name)}
        detections[record] = {}
        for lead in ludb.LEADS:
            found = {name: [] for name in ludb.BOUNDARIES + ["r"]}
            try:
                beats = ecg.ecg(signal.p_signal[:, columns[lead]], sampling_rate=ludb.RATE, show=False)
                found["r"] = [int(x) for x in beats["rpeaks"]]
                for part, (find, *keys) in parts.items():
                    waves = find(beats, show=False)
                    for target, key in zip(targets[part], keys):
                        if target:
                            found[target] = [int(x) for x in waves[key] if np.isfinite(x)]
            except (ValueError, IndexError, ZeroDivisionError, KeyError, TypeError):
                pass  # a lead that BioSPPy gives up on keeps what was found
            detections[record][lead] = found
    return detections


def main(program, root, methods):
    folder = os.path.join(root, "data") if os.path.isdir(os.path.join(root, "data")) else root
    records = sorted({f.split(".")[0] for f in os.listdir(folder) if f.endswith(".hea")}, key=int)
    reference = {record: ludb.annotations(folder, record) for record in records}
    print(f"{len(records)} records of LUDB\n")
    lead, common = purkinje(program, folder)
    print(ludb.table("purkinje, all leads together", ludb.common(reference, common)))
    print(ludb.table("purkinje, lead by lead", ludb.per_lead(reference, lead)))
    for method in methods:
        found = biosppy(folder, records) if method == "biosppy" else neurokit(folder, records, method)
        name = "BioSPPy" if method == "biosppy" else f"NeuroKit2 ({method})"
        medians = {record: {name: ludb.merged(leads, name) for name in ["r"] + ludb.BOUNDARIES}
                   for record, leads in found.items()}
        print(ludb.table(f"{name}, median over leads", ludb.common(reference, medians)))
        print(ludb.table(f"{name}, lead by lead", ludb.per_lead(reference, found)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:] or ["dwt"])
