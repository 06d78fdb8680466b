"""Reads a run directory with nothing of Purkinje's code; see scripts/check-formats."""

import hashlib
import json
import logging
import math
import pathlib
import struct
import sys

import numpy
from safetensors.numpy import load_file

PIECE = 4 << 20


def fail(message):
    sys.exit(f"error: {message}")


def expect(condition, message):
    if not condition:
        fail(message)


def pieces(data):
    return [hashlib.sha256(data[i : i + PIECE]).hexdigest() for i in range(0, len(data), PIECE)]


def text(value):
    encoded = value.encode()
    return struct.pack("<I", len(encoded)) + encoded


def check_checkpoint(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    tensors, files = {}, {}
    for file in manifest["files"]:
        path = folder / file["name"]
        files[file["name"]] = path.read_bytes()
        expect(len(files[file["name"]]) == file["bytes"], f"{path}: size")
        expect(hashlib.sha256(files[file["name"]]).hexdigest() == file["sha256"], f"{path}: SHA-256")
        tensors |= load_file(path)
    listed = {tensor["name"]: tensor for tensor in manifest["tensors"]}
    expect(sorted(listed) == sorted(tensors), f"{folder}: manifest and files have other tensors")
    digest = hashlib.sha256(b"purkinje.state.1")
    for name in sorted(tensors, key=str.encode):
        entry, data = listed[name], tensors[name].tobytes()
        expect(entry["shape"] == list(tensors[name].shape), f"{folder}: {name}: shape")
        expect(entry["pieces"] == pieces(data), f"{folder}: {name}: pieces")
        start = entry["offset"]
        expect(files[entry["file"]][start : start + len(data)] == data, f"{folder}: {name}: offset")
        shape = entry["shape"]
        digest.update(text(name) + text(entry["dtype"]))
        digest.update(struct.pack(f"<I{len(shape)}Q", len(shape), *shape))
        digest.update(struct.pack("<Q", len(entry["pieces"])))
        digest.update(b"".join(bytes.fromhex(piece) for piece in entry["pieces"]))
    expect(digest.hexdigest() == manifest["state_sha256"], f"{folder}: digest of the state")
    print(f"sha256:{digest.hexdigest()} step={manifest['step']}")


def check_metrics(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    accumulator = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for key in ["loss", "learning_rate", "validation_loss"]:
        expected = {line["step"]: line[key] for line in lines if line.get(key) is not None}
        if not expected:
            continue
        found = {event.step: event.value for event in accumulator.Scalars(key)}
        expect(found.keys() == expected.keys(), f"{run}: {key}: TensorBoard has other steps")
        for step, value in expected.items():
            close = math.isclose(numpy.float32(value), found[step], rel_tol=1e-6)
            expect(close, f"{run}: {key} of step {step}: {value} and {found[step]}")
        print(f"{key}: {len(found)} values in TensorBoard")


run = pathlib.Path(sys.argv[1])
checkpoints = sorted(path.parent for path in run.glob("checkpoints/step-*/manifest.json"))
expect(checkpoints, f"{run}: no checkpoint")
for checkpoint in checkpoints:
    if checkpoint.suffix != ".partial":
        check_checkpoint(checkpoint)
if (run / "metrics.jsonl").exists():
    check_metrics(run)
