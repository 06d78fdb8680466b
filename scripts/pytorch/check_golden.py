"""Checks that the PyTorch judges are ST-MEM and ECG-JEPA: compares them with the golden cases of the published code.

usage: check_golden.py GOLDEN_DIRECTORY
Prints the worst deviation of every case; exits 1 where one is above the bound of the golden files' README.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open

from jepa import ECGJEPA
from stmem import STMEM


def relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    scale = expected.abs().max().item()
    return (actual - expected).abs().max().item() / (scale if scale > 0 else 1.0)


def read(path: pathlib.Path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["config"]), {name: file.get_tensor(name) for name in file.keys()}


def check_stmem(path: pathlib.Path) -> bool:
    config, case = read(path)
    parameters = {n[6:]: t for n, t in case.items() if n.startswith("param.")}
    width = parameters["encoder.sep_embedding"].shape[0]
    decoder_width = parameters["to_decoder_embedding.weight"].shape[0]
    head_width = config.get("dim_head", config.get("head_dim", 64))
    decoder_head_width = config.get("decoder_dim_head", config.get("decoder_head_dim", head_width))
    depth = sum(1 for n in parameters if n.startswith("encoder.block") and n.endswith("attn.norm.weight"))
    decoder_depth = sum(1 for n in parameters if n.startswith("decoder_blocks.") and n.endswith("attn.norm.weight"))
    inner = parameters["encoder.block0.attn.fn.to_qkv.weight"].shape[0] // 3
    decoder_inner = parameters["decoder_blocks.0.attn.fn.to_qkv.weight"].shape[0] // 3
    leads, patches = case["noise"].shape[1:]
    model = STMEM(
        leads=leads, patches=patches, patch=case["pred"].shape[-1], width=width, depth=depth,
        heads=inner // head_width, head_width=head_width,
        hidden=parameters["encoder.block0.ff.fn.net.0.weight"].shape[0],
        decoder_width=decoder_width, decoder_depth=decoder_depth,
        decoder_heads=decoder_inner // decoder_head_width, decoder_head_width=decoder_head_width,
        decoder_hidden=parameters["decoder_blocks.0.ff.fn.net.0.weight"].shape[0],
        mask_ratio=config.get("mask_ratio", 0.75))
    official = {
        name: value.view_as(model.state_dict()[name])
        for name, value in parameters.items()
        if not name.startswith("to_patch_embedding.")
    }
    model.load_state_dict(official, strict=True)

    loss, prediction, mask, latent = model(case["input"], case["noise"])
    loss.backward()
    outputs = {
        "loss": relative(loss.detach().view(1), case["loss"].view(1)),
        "pred": relative(prediction.detach(), case["pred"]),
        "latent": relative(latent.detach(), case["latent"]),
    }
    gradients = {}
    for name, parameter in model.named_parameters():
        if f"grad.{name}" in case and not name.endswith("to_qkv.bias"):
            gradients[name] = relative(parameter.grad, case[f"grad.{name}"].view_as(parameter))
    worst = max(gradients, key=gradients.get)
    exact = torch.equal(mask, case["mask"].to(mask.dtype))
    passed = max(outputs.values()) <= 1e-5 and gradients[worst] <= 1e-4 and exact
    print(
        f"{path.name}: {'agrees' if passed else 'DIFFERS'}: "
        + ", ".join(f"{name} {value:.1e}" for name, value in outputs.items())
        + f", worst of {len(gradients)} gradients {gradients[worst]:.1e} ({worst}), "
        + f"mask {'equal' if exact else 'NOT equal'}")
    return passed


def check_jepa(path: pathlib.Path) -> bool:
    config, case = read(path)
    if "target_raw" not in case:
        return True  # A read-out of an encoder alone.
    hidden = case["param.encoder.encoder_blocks.blocks.0.mlp.fc1.weight"].shape[0]
    passed = True
    for fused in (False, True):
        model = ECGJEPA(
            leads=config["leads"], patches=config["patches"], patch=config["patch"], width=config["width"],
            depth=config["depth"], heads=config["heads"], hidden=hidden,
            predictor_width=config["pred_width"], predictor_depth=config["pred_depth"],
            predictor_heads=config["pred_heads"], qkv_bias=config["qkv_bias"], fused=fused)
        model.load_state_dict({n[6:]: t for n, t in case.items() if n.startswith("param.")}, strict=True)
        raw, target, context, everything, predicted = model.parts(case["input"], case["mask"])
        loss = torch.nn.functional.smooth_l1_loss(predicted, target)
        loss.backward()
        model.move_teacher(config["ema_momentum"])
        found = {"target_raw": raw, "target": target, "context": context, "predictor_all": everything,
                 "predicted": predicted, "loss": loss}
        outputs = {
            name: relative(value.detach().reshape(case[name].shape), case[name]) for name, value in found.items()}
        gradients = {
            name: relative(parameter.grad, case[f"grad.{name}"])
            for name, parameter in model.named_parameters() if f"grad.{name}" in case}
        worst = max(gradients, key=gradients.get)
        agrees = max(outputs.values()) <= 1e-5 and gradients[worst] <= 1e-4
        passed = passed and agrees
        print(
            f"{path.name}, {'fused' if fused else 'explicit'} attention: {'agrees' if agrees else 'DIFFERS'}: "
            + ", ".join(f"{name} {value:.1e}" for name, value in outputs.items())
            + f", worst of {len(gradients)} gradients {gradients[worst]:.1e} ({worst})")
    return passed


def check_folder(checks: dict) -> int:
    """Runs the check of every pattern on all its cases in the folder that the command line names; 0 where all agree."""
    folder = pathlib.Path(sys.argv[1])
    passed = True
    for pattern, check in checks.items():
        cases = sorted(folder.glob(f"{pattern}.safetensors"))
        if not cases:
            print(f"no {pattern}.safetensors in {folder}", file=sys.stderr)
            passed = False
        passed = all([check(path) for path in cases]) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(check_folder({"stmem_*": check_stmem, "jepa_*": check_jepa}))
