"""Reads prepared sets and files of embeddings and scores (docs/data.md says what their bytes mean)."""

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open

CLASSES = ["CD", "HYP", "MI", "NORM", "STTC"]
VERSION = 2


def fail(message):
    sys.exit(f"error: {message}")


class PreparedSet:
    """Records of a prepared set, in its order.

    Attributes, a row a record: `names`, `patients`, `folds` (0: none), `sources`, `labels` [records, 5], `sex` (1 male, 0 female,
    NaN unknown), `ages` in years (NaN unknown), `parameters` (means over windows, NaN where not measured).
    """

    def __init__(self, path):
        self.path = Path(path)
        data = np.memmap(path, dtype=np.uint8, mode="r")
        head = bytes(data[:128])
        if head[:8] != b"PKECGSET":
            fail(f"{path}: not a prepared set; 'purkinje data prepare' writes one")
        version, = struct.unpack_from("<I", head, 8)
        if version != VERSION:
            fail(f"{path}: version {version} of the format, this reads {VERSION}; prepare the set again")
        windows, count = struct.unpack_from("<QQ", head, 16)
        leads, features = struct.unpack_from("<HH", head, 32)
        samples, self.rate = struct.unpack_from("<Id", head, 36)
        signals, index, table, _ = struct.unpack_from("<QQQQ", head, 48)
        self.digest = head[80:112].hex()
        self._signals = data[signals:index].view("<i2").reshape(windows, leads, samples)
        kind = [("crc", "<u4"), ("unit", "<f4"), ("record", "<u4"), ("piece", "<u4")]
        rows = np.frombuffer(data[index:index + 16 * windows].tobytes(), dtype=kind)
        self._units, owners = rows["unit"], rows["record"].astype(int)
        self._first = np.array([np.flatnonzero(owners == record)[0] for record in range(count)])
        self._read_table(data[table:].tobytes(), count)
        if features == 0:
            fail(f"{path}: holds no clinical parameters; prepare it again with them")
        values = np.frombuffer(data[index + 16 * windows:table].tobytes(), dtype="<f4").reshape(windows, features)
        known = ~np.isnan(values)
        sums, counts = np.zeros((count, features)), np.zeros((count, features))
        np.add.at(sums, owners, np.where(known, values, 0))
        np.add.at(counts, owners, known)
        self.parameters = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)

    def _read_table(self, table, count):
        place = 0

        def take(layout):
            nonlocal place
            values = struct.unpack_from("<" + layout, table, place)
            place += struct.calcsize("<" + layout)
            return values

        def text():
            nonlocal place
            length, = take("H")
            place += length
            return table[place - length:place].decode()

        sources = [text() for _ in range(take("I")[0])]
        for _ in range(take("I")[0]):
            text(), text()
        rows = []
        for _ in range(count):
            name, patient = text(), text()
            source, fold, classes, sex, age, _ = take("HBBBfd")
            for _ in range(take("H")[0]):
                text(), take("f")
            rows.append((name, patient or f"record {len(rows)}", sources[source], fold, classes, sex, age))
        self.names, patients, kinds, folds, classes, sex, ages = zip(*rows)
        self.sources, self.folds = np.array(kinds), np.array(folds)
        self.patients = np.unique(patients, return_inverse=True)[1]
        self.labels = np.array(classes)[:, None] >> np.arange(len(CLASSES)) & 1
        self.sex = np.array([{1: 1.0, 2: 0.0}.get(value, np.nan) for value in sex])
        self.ages = np.array(ages, dtype=float)

    def signal(self, record):
        """The first window of a record in mV, [leads, samples]."""
        window = self._first[record]
        return self._signals[window] * self._units[window]


class RecordFile:
    """A safetensors file with `embeddings` or `scores`, its rows brought into the order of a prepared set."""

    def __init__(self, path, tensor, prepared):
        if not Path(path).is_file():
            fail(f"{path}: there is no such file; 'purkinje embed' writes one")
        self.digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            if tensor not in file.keys():
                fail(f"{path}: has no tensor {tensor}" + (
                    "; 'purkinje embed --scores' writes it for a run of the method finetune" if tensor == "scores" else ""))
            values = file.get_tensor(tensor).astype(float)
        if metadata.get("data_sha256", prepared.digest) != prepared.digest:
            fail(f"{path}: made of another set than {prepared.path}; embed this set")
        names = json.loads(metadata.get("records", "[]"))
        if not names and len(values) == len(prepared.names):
            names = list(prepared.names)
        if sorted(names) != sorted(prepared.names) or len(values) != len(names):
            fail(f"{path}: its records ({len(values)}) are not those of {prepared.path} ({len(prepared.names)})")
        # A set of several sources may have a name twice; then the order must be the set's already.
        if list(names) != list(prepared.names):
            if len(set(names)) < len(names):
                fail(f"{path}: names of records occur twice, and their order is not that of {prepared.path}")
            place = {name: row for row, name in enumerate(names)}
            values = values[[place[name] for name in prepared.names]]
        if values.ndim != 2 or tensor == "scores" and values.shape[1] != len(CLASSES):
            fail(f"{path}: {tensor} has the shape {list(values.shape)}" + (
                f"; a column each for {', '.join(CLASSES)} is needed" if tensor == "scores" else ""))
        if not np.isfinite(values).all():
            fail(f"{path}: {tensor} has a number that is not finite")
        self.values = values
        self.method, self.step = metadata.get("method", "?"), metadata.get("step", "?")
