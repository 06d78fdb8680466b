"""Weight files of the official PyTorch code, as safetensors and back. See scripts/convert-weights."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors import safe_open
from safetensors.torch import save_file

# The dictionaries of an ECG-JEPA file; a whole model has all three under their prefixes.
JEPA_PARTS = ("encoder", "target_encoder", "predictor")


def fail(text: str) -> None:
    raise SystemExit(f"error: {text}")


def is_state(value) -> bool:
    return isinstance(value, dict) and bool(value) and all(torch.is_tensor(t) for t in value.values())


def unwrap(content, path) -> dict:
    """The weights in a file's content: ST-MEM's `model`, ECG-JEPA's `encoder` and what is beside it, or a bare dictionary."""
    if is_state(content):
        return content
    if isinstance(content, dict):
        if is_state(content.get("model")):
            return content["model"]
        parts = [name for name in JEPA_PARTS if is_state(content.get(name))]
        if parts == ["encoder"]:
            return content["encoder"]
        if parts == list(JEPA_PARTS):
            return {f"{part}.{name}": t for part in parts for name, t in content[part].items()}
        if parts:
            fail(f"{path} has {', '.join(parts)} but not all of {', '.join(JEPA_PARTS)}")
        fail(f"{path} has neither 'model' (ST-MEM) nor 'encoder' (ECG-JEPA), but {', '.join(map(str, content))}")
    fail(f"{path} is a {type(content).__name__}, not a dictionary of weights")


def wrap(state: dict, method: str, step: int, configuration: dict) -> dict:
    """Weights as the official loader of a method expects them."""
    if method == "st-mem":
        return {"model": state, "epoch": step, "config": configuration, "optimizer": {}, "scaler": {}}
    if not any(name.startswith("encoder.") for name in state):
        return {"encoder": state}
    return {
        part: {name[len(part) + 1:]: t for name, t in state.items() if name.startswith(f"{part}.")}
        for part in JEPA_PARTS}


def to_safetensors(source: str, target: str, trust: bool = False) -> None:
    try:
        content = torch.load(source, map_location="cpu", weights_only=not trust)
    except Exception as error:
        if trust:
            raise
        fail(f"{source} has more than numbers in it, or is no PyTorch file ({type(error).__name__}); "
             "if you trust its origin, --trust lets it run what it brings")
    state = {}
    for name, tensor in unwrap(content, source).items():
        if not tensor.is_floating_point():
            fail(f"{source}: {name} is {tensor.dtype}, expected floating-point weights")
        # A copy of its own: the official ST-MEM has two names for one tensor, which safetensors does not.
        state[name] = tensor.detach().to(torch.float32).contiguous().clone()
    save_file(state, target, metadata={"source": pathlib.Path(source).name})
    print(f"{target}: {len(state)} tensors, {sum(t.numel() for t in state.values())} numbers")


def to_pytorch(source: str, target: str, method: str) -> None:
    with safe_open(source, framework="pt") as file:
        metadata = file.metadata() or {}
        state = {name: file.get_tensor(name) for name in file.keys()}
    made_by = metadata.get("method")
    if made_by and made_by != method:
        fail(f"{source} was written by the method '{made_by}', not '{method}'")
    configuration = json.loads(metadata.get("configuration", "{}"))
    torch.save(wrap(state, method, int(metadata.get("step", 0)), configuration), target)
    print(f"{target}: {len(state)} tensors as the official code of {method} loads them")


def same(first: dict, second: dict) -> bool:
    return set(first) == set(second) and all(torch.equal(first[name], second[name]) for name in first)


def read(path) -> dict:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def small_models():
    """A small model of each method: its weights, its method and a configuration of the same sizes."""
    from jepa import ECGJEPA
    from stmem import STMEM

    stmem = STMEM(width=32, depth=1, heads=1, head_width=64, decoder_width=16, decoder_depth=1, decoder_heads=1)
    whole = {name: tensor.detach() for name, tensor in stmem.state_dict().items()}
    whole |= {name[8:]: tensor for name, tensor in whole.items() if name.startswith("encoder.to_patch")}
    yield "st-mem", whole, {
        "encoder": {"width": 32, "depth": 1, "heads": 1}, "decoder": {"width": 16, "depth": 1, "heads": 1}}
    jepa = ECGJEPA(width=32, depth=2, heads=2, predictor_width=16, predictor_depth=1, predictor_heads=2)
    yield "ecg-jepa", {name: tensor.detach() for name, tensor in jepa.state_dict().items()}, {
        "encoder": {"width": 32, "depth": 2, "heads": 2}, "predictor": {"width": 16, "depth": 1, "heads": 2}}


def check(purkinje: str | None) -> None:
    torch.manual_seed(0)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for method, whole, sizes in small_models():
            encoder = {name[8:]: tensor for name, tensor in whole.items() if name.startswith("encoder.")}
            for kind, state in (("encoder", encoder), ("whole model", whole)):
                stem = f"{folder}/{method}-{kind[:5]}"
                torch.save(wrap(state, method, 7, {}), f"{stem}.pth")
                to_safetensors(f"{stem}.pth", f"{stem}.safetensors")
                steps = [("safetensors", read(f"{stem}.safetensors"))]
                exported = f"{stem}.safetensors"
                if purkinje:
                    exported = f"{stem}-exported.safetensors"
                    through(purkinje, method, sizes, f"{stem}.safetensors", f"{stem}-run", exported, kind)
                    steps.append(("import and export", read(exported)))
                to_pytorch(exported, f"{stem}-back.pth", method)
                back = torch.load(f"{stem}-back.pth", weights_only=True)
                expected = {"model", "epoch", "config", "optimizer", "scaler"} if method == "st-mem" else (
                    {"encoder"} if kind == "encoder" else set(JEPA_PARTS))
                steps.append(("PyTorch", unwrap(back, stem)))
                for name, found in steps:
                    equal = same(state, found)
                    failures += not equal
                    print(f"{method} {kind} through {name}: {'every bit equal' if equal else 'DIFFERS'}")
                if set(back) != expected:
                    failures += 1
                    print(f"{method} {kind}: entries {sorted(back)}, expected {sorted(expected)}")
    if failures:
        fail(f"{failures} comparisons failed")


def through(purkinje, method, sizes, weights, run, exported, kind) -> None:
    """Imports weights into a new run and exports them from it."""
    configuration = pathlib.Path(f"{run}.json")
    configuration.write_text(json.dumps({"method": method, "batchSize": 8, "logicalShards": 2, "steps": 10} | sizes))
    flags = ["--whole-model"] if kind == "whole model" else []
    for command in (
        ["checkpoint", "import", weights, "--config", str(configuration), "--run", run],
        ["checkpoint", "export", run, "--out", exported, *flags],
    ):
        done = subprocess.run([purkinje, *command], capture_output=True, text=True)
        if done.returncode:
            fail(f"purkinje {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    forward = commands.add_parser("to-safetensors")
    forward.add_argument("source")
    forward.add_argument("target")
    forward.add_argument("--trust", action="store_true")
    backward = commands.add_parser("to-pytorch")
    backward.add_argument("source")
    backward.add_argument("target")
    backward.add_argument("--method", choices=["st-mem", "ecg-jepa"], required=True)
    checker = commands.add_parser("check")
    checker.add_argument("--purkinje")
    options = parser.parse_args()
    if options.command == "to-safetensors":
        to_safetensors(options.source, options.target, options.trust)
    elif options.command == "to-pytorch":
        to_pytorch(options.source, options.target, options.method)
    else:
        check(options.purkinje)


if __name__ == "__main__":
    main()
