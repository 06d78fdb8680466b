"""Work that is done is kept under its description, so that the same command goes on after a stop and does nothing twice."""

import hashlib
import json
import os
import resource
from pathlib import Path

import numpy as np
import sklearn

# Other code may give other numbers, so it finds none of the former ones.
SOURCES = ["methods.py", "models.py", "prepared.py", "rocket.py", "splits.py"]
CODE = hashlib.sha256(b"".join(
    [(Path(__file__).parent / name).read_bytes() for name in SOURCES] + [sklearn.__version__.encode()])).hexdigest()


def cpu_seconds():
    """Of this process and of those that it waited for."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def write(path, content):
    """The whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(partial, path)


class Store:
    """A folder of finished work."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def scores(self, description, compute):
        """What `compute` gives for a description, an array, and the CPU seconds that it took when it was computed. The
        description has all that decides the array but the code, which is added."""
        key = hashlib.sha256(json.dumps([description, CODE], sort_keys=True).encode()).hexdigest()[:20]
        path = self.folder / "scores" / f"{key}.npz"
        if path.is_file():
            with np.load(path) as kept:
                return kept["scores"], float(kept["cpu_seconds"])
        begun = cpu_seconds()
        scores = compute()
        seconds = cpu_seconds() - begun
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial.npz")
        np.savez(partial, scores=scores, cpu_seconds=seconds)
        os.replace(partial, path)
        return scores, seconds

    def report(self, name, rows, table):
        """Writes NAME.jsonl, a line a row, and prints a table that NAME.txt has, too. Rows are lists of text; the first is the head."""
        write(self.folder / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        text = "".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + "\n" for line in table)
        write(self.folder / f"{name}.txt", text)
        print(text, end="")
        print(f"{self.folder / name}.jsonl: {len(rows)} rows")
