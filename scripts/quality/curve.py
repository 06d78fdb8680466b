"""AUROC over the CPU seconds of pretraining."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np

import picture
from measures import Judge, difference_text, summary, text
from prepared import RecordFile, fail
from splits import parts
from store import cpu_seconds, write

KEYS = {"name", "configuration", "readout", "set", "steps", "points", "schedule"}


def read_plan(path):
    """The methods of a plan, checked: a misspelt key would measure something else."""
    try:
        plan = json.loads(Path(path).read_text(encoding="utf-8"))
        methods = plan["methods"]
        names = [method["name"] for method in methods]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"--plan {path}: {error}; it has 'methods', a list of objects with name, configuration, readout and steps")
    for method in methods:
        odd = set(method) - KEYS
        lacking = {"configuration", "readout", "steps"} - set(method)
        if odd or lacking:
            fail(f"--plan {path}, {method['name']}: " + ", ".join(
                [f"unknown key {key}" for key in sorted(odd)] + [f"{key} is missing" for key in sorted(lacking)]))
        if method.get("schedule", "whole") not in ("whole", "own"):
            fail(f"--plan {path}, {method['name']}: schedule is 'whole' or 'own'")
    if len(set(names)) < len(names) or not names or any("/" in name for name in names):
        fail(f"--plan {path}: methods need names, each its own, without '/'")
    return methods


def steps_of(method):
    """Steps at which a method is measured: the last, half of it, and so on."""
    steps = [round(method["steps"] / 2 ** halves) for halves in range(method.get("points", 5))]
    return sorted({step for step in steps if step > 0})


class Program:
    """The program, with the CPU seconds of what it did kept beside each run."""

    def __init__(self, given):
        self.path = os.environ["PURKINJE_PROGRAM"]
        self.data, self.progress = given.data, given.progress

    def __call__(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            fail(f"purkinje {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr[-2000:]}")

    def pretrain(self, method, run, step, steps):
        """Trains a run up to a step, where it is not there yet.

        Returns the CPU seconds of all that the run took so far, or `None` where a stop kept some from being counted.
        """
        log = run.with_name(run.name + ".cpu.jsonl")
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
        if not any(line.get("reached") == step for line in lines):
            print(f"curve: {method['name']}, step {step}", flush=True, file=self.progress)
            overrides = [part for key, value in {**method.get("set", {}), "steps": steps}.items()
                         for part in ("--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}")]
            self._note(log, {"begun": step})
            begun = cpu_seconds()
            reached = None
            try:
                self("pretrain", "--config", method["configuration"], "--data", self.data, "--run", run, "--threads", 1,
                     "--steps", step, *overrides)
                reached = step
            finally:
                self._note(log, {"reached": reached, "cpu_seconds": cpu_seconds() - begun})
            lines = [json.loads(line) for line in log.read_text().splitlines()]
        total, open_work = 0.0, False
        for line in lines:
            if "begun" in line and open_work:
                return None
            open_work = "begun" in line
            total += line.get("cpu_seconds", 0)
            if line.get("reached") == step:
                return total
        return None

    @staticmethod
    def _note(path, line):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as file:
            file.write(json.dumps(line) + "\n")

    def newest(self, run):
        """The step of a run's newest whole checkpoint."""
        done = subprocess.run([self.path, "checkpoint", "list", run, "--json"], capture_output=True, text=True)
        found = [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else []
        steps = [checkpoint["step"] for checkpoint in found if checkpoint["damage"] is None]
        return max(steps) if steps else fail(f"{run}: has no checkpoint\n{done.stderr}")

    def embed(self, run, path, *flags):
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            self("embed", "--run", run, "--data", self.data, "--out", path, *flags)
        return path


def method_points(given, prepared, store, methods, program, method, pairs, judge):
    """Rows of one method: random weights, then each step."""
    folder = store.folder / "curve" / method["name"]
    settings = json.dumps([prepared.digest, {key: method[key] for key in sorted(method) if key != "points"}])
    kept = folder / "settings.json"
    if kept.is_file() and kept.read_text() != settings:
        fail(f"{folder}: holds runs of other settings or another set under the name {method['name']}; give another name")
    write(kept, settings)
    own = method.get("schedule", "whole") == "own"
    rows, start = [], None
    for step in steps_of(method):
        run = folder / (f"run-{step}" if own else "run")
        seconds = program.pretrain(method, run, step, step if own else method["steps"])
        readout = ["--readout", method["readout"]]
        if start is None:
            path = program.embed(run, folder / "random.safetensors", "--random-weights", *readout)
            start = judge.values(methods.probe(prepared.labels, pairs, RecordFile(path, "embeddings", prepared))[0])
            rows.append({"step": 0, "cpu_seconds": 0.0, "auroc_macro": summary(start), "less_random": None})
        path = program.embed(run, folder / f"step-{step}.safetensors", "--step", step, *readout)
        scores, fitting = methods.probe(prepared.labels, pairs, RecordFile(path, "embeddings", prepared))
        found = judge.values(scores)
        rows.append({"step": step, "cpu_seconds": seconds and round(seconds, 2), "auroc_macro": summary(found),
                     "less_random": summary(found - start), "probe_cpu_seconds": round(fitting, 2)})
    about = {"kind": "point", "name": method["name"], "readout": method["readout"], "schedule": "own" if own else "whole",
             "configuration": Path(method["configuration"]).name, "set": method.get("set", {})}
    return [{**about, **row} for row in rows]


def lines(given, prepared, store, methods, program, pairs, judge):
    """Rows of what is no pretraining."""
    found = {}
    if not given.without_lines:
        for name, scores in [("boosted parameters", methods.boosted), ("linear parameters", methods.linear),
                             ("MiniRocket", methods.rocket)]:
            print(f"curve: {name}", flush=True, file=given.progress)
            found[name] = scores(prepared.labels, pairs)
    for name, runs in given.line:
        if given.test == "cv":
            fail(f"--line {name}: a run with labels was trained on folds 1-8, so --test cv would test what it knows")
        scores = []
        for run in runs:
            run, _, step = run.partition(":")
            step = step or program.newest(run)
            place = hashlib.sha256(f"{prepared.digest} {Path(run).resolve()} {step}".encode()).hexdigest()[:12]
            path = program.embed(run, store.folder / "curve" / f"line-{place}.safetensors", "--scores", "--readout", "method",
                                 "--step", step)
            scores.append(RecordFile(path, "scores", prepared).values)
        found[name] = np.mean(scores, axis=0), None
    return [{"kind": "line", "name": name, "auroc_macro": summary(judge.values(scores)),
             "cpu_seconds": seconds and round(seconds, 2)} for name, (scores, seconds) in found.items()]


def run(given, prepared, store, methods):
    plan = read_plan(given.plan)
    program = Program(given)
    pairs = parts(prepared, given.test, prepared.labels.any(1))
    judge = Judge(prepared.labels, pairs, given.seed, given.resamples)
    rows = lines(given, prepared, store, methods, program, pairs, judge)
    for method in plan:
        rows += method_points(given, prepared, store, methods, program, method, pairs, judge)
    rows = [{**row, "test": given.test, "seed": given.seed, "tested": int(sum(map(len, judge.tested)))} for row in rows]
    table = [["name", "step", "CPU s", "macro AUROC", "less random weights"]]
    for row in rows:
        seconds = row["cpu_seconds"]
        table.append([row["name"], str(row.get("step", "")), "not known" if seconds is None else f"{seconds:.1f}",
                      text(row["auroc_macro"]), difference_text(row["less_random"]) if row.get("less_random") else ""])
    tested = {"cv": "folds 1-9, three parts in turn", "fold9": "fold 9", "fold10": "fold 10",
              "external": "other sources"}[given.test]
    write(store.folder / "curve.svg", picture.draw(rows, f"What pretraining buys: linear probe on {tested}"))
    store.report("curve", rows, table)
