"""Computes the golden numbers of operators and losses again with PyTorch's own functions in float64.

usage: check_operators.py GOLDEN_DIRECTORY
Prints the worst deviation of every file, as a share of the largest number of its tensor; exits 1 where one is above 1e-6 (the files
are rounded to float32). What PyTorch has as a function is that function; NT-Xent, CMSC and InfoNCE are cross entropies of tables.
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open

torch.set_default_dtype(torch.float64)
Case = dict[str, torch.Tensor]


def gradients(loss: torch.Tensor, prefix: str, **inputs: torch.Tensor) -> Case:
    found = torch.autograd.grad(loss, list(inputs.values()))
    return {prefix + name: gradient for name, gradient in zip(inputs, found)}


def leaf(value: torch.Tensor) -> torch.Tensor:
    return value.clone().requires_grad_()


def basic(case: Case, config: dict) -> Case:
    x, weight, bias = (leaf(case[f"linear.{name}"]) for name in ("x", "weight", "bias"))
    y = F.linear(x, weight, bias)
    found = {"linear.y": y}
    found |= gradients((y * case["linear.cotangent"]).sum(), "linear.grad.", x=x, weight=weight, bias=bias)
    for prefix in ("ln1e-05", "ln1e-06"):
        x, weight, bias = (leaf(case[f"{prefix}.{name}"]) for name in ("x", "weight", "bias"))
        y = F.layer_norm(x, x.shape[-1:], weight, bias, float(prefix[2:]))
        found[f"{prefix}.y"] = y
        found |= gradients((y * case[f"{prefix}.cotangent"]).sum(), f"{prefix}.grad.", x=x, weight=weight, bias=bias)
    for name, function in (("gelu", F.gelu), ("softmax", lambda x: F.softmax(x, -1))):
        x = leaf(case[f"{name}.x"])
        y = function(x)
        found[f"{name}.y"] = y
        found |= gradients((y * case[f"{name}.cotangent"]).sum(), f"{name}.", grad=x)
    return found


def attention(case: Case, config: dict) -> Case:
    found: Case = {}
    for kind in ("plain", "masked"):
        q, k, v = (leaf(case[f"{kind}.{name}"]) for name in "qkv")
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=case[f"{kind}.keep"] != 0)
        found[f"{kind}.y"] = y
        found |= gradients((y * case[f"{kind}.cotangent"]).sum(), f"{kind}.grad.", q=q, k=k, v=v)
    return found


def recurrence(case: Case, config: dict) -> Case:
    make = torch.nn.GRU if config["kind"] == "gru" else torch.nn.LSTM
    network = make(config["input"], config["hidden"], config["layers"], batch_first=True)
    network.load_state_dict({name[6:]: value for name, value in case.items() if name.startswith("param.")})
    x = leaf(case["x"])
    y, state = network(x)
    found = {"y": y, "h_n": state if config["kind"] == "gru" else state[0]}
    return found | gradients((y * case["cotangent"]).sum(), "grad.", x=x, **dict(network.named_parameters()))


def convolution(case: Case, config: dict) -> Case:
    names = ("x", "conv.weight", "conv.bias", "bn.weight", "bn.bias")
    leaves = {name: leaf(case[name]) for name in names}
    mean, variance = torch.zeros(6), torch.ones(6)
    y = F.conv1d(leaves["x"], leaves["conv.weight"], leaves["conv.bias"], stride=3)
    normal = F.batch_norm(y, mean, variance, leaves["bn.weight"], leaves["bn.bias"], training=True)
    pool = F.max_pool1d(F.relu(normal), 2)
    found = {"conv.y": y, "bn.y": normal, "pool.y": pool, "bn.running_mean": mean, "bn.running_var": variance}
    found |= gradients((pool * case["cotangent"]).sum(), "grad.", **leaves)
    x, weight = leaf(case["pad.x"]), leaf(case["pad.weight"])
    y = F.conv1d(x, weight, stride=2, padding=2)
    return found | {"pad.y": y} | gradients((y * case["pad.cotangent"]).sum(), "pad.grad.", x=x, weight=weight)


def adamw(case: Case, config: dict) -> Case:
    parameter = torch.nn.Parameter(case["p0"].clone())
    optimiser = torch.optim.AdamW(
        [parameter], lr=config["lr"], betas=config["betas"], eps=config["eps"], weight_decay=config["weight_decay"])
    after = []
    for gradient in case["grads"]:
        parameter.grad = gradient
        optimiser.step()
        after.append(parameter.detach().clone())
    return {"adamw": torch.stack(after)}


def ntxent(case: Case, config: dict) -> Case:
    z1, z2 = leaf(case["z1"]), leaf(case["z2"])
    z = F.normalize(torch.cat([z1, z2]), dim=-1)
    table = (z @ z.T / config["temperature"]).fill_diagonal_(-torch.inf)
    loss = F.cross_entropy(table, torch.arange(len(z)).roll(len(z1)))
    return {"loss": loss} | gradients(loss, "grad.", z1=z1, z2=z2)


def cmsc(case: Case, config: dict) -> Case:
    found: Case = {}
    same = case["patient"][:, None] == case["patient"][None, :]
    upper, lower = same.triu(1), same.tril(-1)
    for prefix in ("", "masked."):
        z1, z2 = leaf(case["z1"]), leaf(case["z2"])
        table = F.normalize(z1, dim=-1) @ F.normalize(z2, dim=-1).T / config["temperature"]
        rows, columns = -F.log_softmax(table, 1), -F.log_softmax(table, 0)
        if prefix:
            terms = [rows[same].mean(), columns[same].mean()]
        else:
            terms = [rows.diagonal().mean(), columns.diagonal().mean()]
            if upper.any():
                terms += [rows[upper].mean(), columns[lower].mean()]
        loss = torch.stack(terms).mean()
        found |= {f"{prefix}loss": loss} | gradients(loss, f"{prefix}grad.", z1=z1, z2=z2)
    return found


def infonce(case: Case, config: dict) -> Case:
    leaves = {name: leaf(case[name]) for name in ("W", "context", "latents")}
    weights, context, latents = leaves.values()
    terms = []
    if "negatives" in case:
        flat = latents.flatten(0, 1)
        for k in range(1, config["horizons"] + 1):
            steps = config["steps"] - k
            guess = context[:, :steps] @ weights[k - 1].T
            others = flat[case["negatives"][k - 1, :, :steps].long()]
            scores = torch.cat([latents[:, k:, None], others], 2) @ guess[..., None]
            terms.append(-F.log_softmax(scores[..., 0], -1)[..., 0].flatten())
    else:
        for k in range(1, config["horizons"] + 1):
            scores = latents[:, config["t0"] + k] @ (context @ weights[k - 1].T).T
            terms.append(F.cross_entropy(scores, torch.arange(len(scores)), reduction="none"))
    loss = torch.cat(terms).mean()
    return {"loss": loss} | gradients(loss, "grad.", **leaves)


def triplet(case: Case, config: dict) -> Case:
    found: Case = {}
    for prefix in ("sq.", "l2."):
        leaves = {name: leaf(case[name]) for name in ("anchor", "positive", "negative")}
        if prefix == "l2.":
            loss = F.triplet_margin_loss(*leaves.values(), margin=config["margin"])
        else:
            anchor, positive, negative = (F.normalize(value, dim=-1) for value in leaves.values())
            near, far = ((anchor - other).square().sum(-1) for other in (positive, negative))
            loss = F.relu(near - far + config["margin"]).mean()
        found |= {f"{prefix}loss": loss} | gradients(loss, f"{prefix}grad.", **leaves)
    return found


def supervised(case: Case, config: dict) -> Case:
    logits, guess = leaf(case["logits"]), leaf(case["sl1.pred"])
    losses = {
        "bce": F.binary_cross_entropy_with_logits(logits, case["multi_hot"]),
        "ce": F.cross_entropy(logits, case["class"].long()), "sl1": F.smooth_l1_loss(guess, case["sl1.target"])}
    found = dict(losses)
    for name, loss in losses.items():
        found |= gradients(loss, "grad.", **{name: guess if name == "sl1" else logits})
    return found


CHECKS = {
    "nn_ops_basic": basic, "nn_ops_attention": attention, "nn_ops_gru": recurrence, "nn_ops_lstm": recurrence,
    "nn_ops_conv": convolution, "nn_ops_adamw": adamw, "loss_ntxent": ntxent, "loss_cmsc": cmsc,
    "loss_infonce": infonce, "loss_triplet": triplet, "loss_supervised": supervised,
}


def main() -> int:
    passed = True
    for prefix, check in CHECKS.items():
        paths = sorted(pathlib.Path(sys.argv[1]).glob(f"{prefix}*.safetensors"))
        passed = passed and bool(paths)
        for path in paths:
            with safe_open(path, framework="pt") as file:
                config = json.loads(file.metadata()["config"])
                case = {
                    name: tensor.double() if tensor.is_floating_point() else tensor
                    for name, tensor in ((name, file.get_tensor(name)) for name in file.keys())}
            case |= {name: case[name].double() for name in ("multi_hot",) if name in case}
            found = check(case, config)
            # A bias before a batch normalisation has a gradient of zero but for rounding.
            errors = {
                name: (value.reshape(case[name].shape) - case[name]).abs().max().item()
                / (1.0 if name == "grad.conv.bias" else case[name].abs().max().item())
                for name, value in found.items()}
            worst = max(errors, key=errors.get)
            agrees = errors[worst] <= 1e-6
            passed = passed and agrees
            print(f"{path.stem}: {'agrees' if agrees else 'DIFFERS'}: worst of {len(errors)} tensors "
                  f"{errors[worst]:.1e} ({worst})")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
