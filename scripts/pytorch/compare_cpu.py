"""Processor time of a step, Purkinje against PyTorch, one thread each: what can still be compared on a busy machine.

usage: compare_cpu.py PURKINJE CONFIGURATION ROUNDS ARGUMENTS...
ARGUMENTS are those of bench_step.py; with 'ecg-cpc' before them, those of bench_ecgcpc.py.
Every figure is the difference of two runs with 1 and 4 steps, over 3, so that starting up does not count.
"""

import os
import pathlib
import resource
import statistics
import subprocess
import sys


def seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def per_step(command: list[str]) -> float:
    few, many = (seconds([*command, "--threads", "1", "--steps", steps]) for steps in ("1", "4"))
    return (many - few) / 3


def main() -> None:
    purkinje, configuration, rounds, *arguments = sys.argv[1:]
    name, option, kinds = "bench_step.py", "--attention", ("explicit", "fused")
    if arguments[0] == "ecg-cpc":
        name, option, kinds = "bench_ecgcpc.py", "--way", ("gathered", "products")
        arguments = arguments[1:]
    script = str(pathlib.Path(__file__).with_name(name))
    commands = {
        "Purkinje": [purkinje, "bench", "step", "--config", configuration],
        **{f"PyTorch {kind}": [sys.executable, script, *arguments, option, kind] for kind in kinds},
    }
    times = {name: [] for name in commands}
    for _ in range(int(rounds)):
        for name, command in commands.items():
            times[name].append(per_step(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = min(value for name, value in medians.items() if name != "Purkinje")
    print("processor seconds a step: " + ", ".join(f"{name} {value:.2f}" for name, value in medians.items())
          + f"; ratio {best / medians['Purkinje']:.2f}")


if __name__ == "__main__":
    main()
