"""Delineates LUDB with purkinje and NeuroKit2 and prints both beside the CSE tolerances.

Usage: compare.py PURKINJE LUDB_FOLDER (the folder with data/). NeuroKit2 works lead by lead: QRS by its own detector on
lead II, waves by the discrete wavelet method ("dwt") and, where asked for, "peak" or "cwt".
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


def main(program, root, methods):
    folder = os.path.join(root, "data") if os.path.isdir(os.path.join(root, "data")) else root
    records = sorted({f.split(".")[0] for f in os.listdir(folder) if f.endswith(".hea")}, key=int)
    reference = {record: ludb.annotations(folder, record) for record in records}
    print(f"{len(records)} records of LUDB\n")
    lead, common = purkinje(program, folder)
    print(ludb.table("purkinje, all leads together", ludb.common(reference, common)))
    print(ludb.table("purkinje, lead by lead", ludb.per_lead(reference, lead)))
    for method in methods:
        found = neurokit(folder, records, method)
        medians = {record: {name: ludb.merged(leads, name) for name in ["r"] + ludb.BOUNDARIES}
                   for record, leads in found.items()}
        print(ludb.table(f"NeuroKit2 ({method}), median over leads", ludb.common(reference, medians)))
        print(ludb.table(f"NeuroKit2 ({method}), lead by lead", ludb.per_lead(reference, found)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:] or ["dwt"])
