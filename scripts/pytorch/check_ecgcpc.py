"""Checks that the PyTorch judge is ECG-CPC: compares it with the golden cases of the published code.

usage: check_ecgcpc.py GOLDEN_DIRECTORY
Prints the worst deviation of every case; exits 1 where one is above the bound of the golden files' README.
"""

import pathlib
import sys

import torch

from check_golden import check_folder, read, relative
from ecgcpc import ECGCPC, S4Layer


def load(module: torch.nn.Module, case: dict, prefix: str = "") -> None:
    names = {}
    for kind in ("param.", "buffer."):
        start = prefix + kind
        names.update({n[len(start):]: t for n, t in case.items() if n.startswith(start)})
    missing = module.load_state_dict(names, strict=False)
    assert not missing.unexpected_keys, missing.unexpected_keys
    assert all(n.endswith("num_batches_tracked") for n in missing.missing_keys), missing.missing_keys


def report(name: str, outputs: dict, gradients: dict) -> bool:
    worst = max(gradients, key=gradients.get)
    passed = max(outputs.values()) <= 1e-5 and gradients[worst] <= 1e-4
    print(
        f"{name}: {'agrees' if passed else 'DIFFERS'}: " + ", ".join(f"{n} {v:.1e}" for n, v in outputs.items())
        + f", worst of {len(gradients)} gradients {gradients[worst]:.1e} ({worst})")
    return passed


def check_layers(path: pathlib.Path) -> bool:
    config, case = read(path)
    passed = True
    for name, sizes in config["cases"].items():
        layer = S4Layer(sizes["width"], sizes["state"], sizes["l_max"], 2 if sizes["bidirectional"] else 1)
        load(layer, case, f"{name}.")
        output = layer(case[f"{name}.input"])
        (output * case[f"{name}.cotangent"]).sum().backward()
        passed = report(
            f"{path.name}, {name}", {"output": relative(output.detach(), case[f"{name}.output"])},
            {n: relative(p.grad, case[f"{name}.grad.{n}"]) for n, p in layer.named_parameters()}) and passed
    return passed


def check_model(path: pathlib.Path) -> bool:
    config, case = read(path)
    passed = True
    for way in ("products", "gathered"):
        model = ECGCPC(
            width=config["width"], depth=config["layers"], state=config["state"], length=config["l_max"],
            leads=config["leads"], horizon=config["steps_predicted"], dropout=0)
        load(model, case)
        loss = model.loss(case["input"], case["negatives"].long(), way)
        loss.backward()
        passed = report(
            f"{path.name}, {way}", {"loss": relative(loss.detach().view(1), case["loss"].view(1))},
            {n: relative(p.grad, case[f"grad.{n}"]) for n, p in model.named_parameters()}) and passed
    return passed


if __name__ == "__main__":
    sys.exit(check_folder({"s4_layer*": check_layers, "ecgcpc_*": check_model}))
