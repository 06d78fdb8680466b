"""The fine-tuning loss of a very small ST-MEM encoder and its gradients, for FinetuneTests.

Every number comes from a formula, so that both sides have the same weights and signals without a file. Prints the loss,
the probabilities, and the root of the sum of squares of each parameter's gradient.
usage: python scripts/pytorch/finetune.py
"""

import torch
from torch import nn
from torch.nn import functional as F

from stmem import Encoder

torch.set_default_dtype(torch.float64)


def formula(name: str, count: int) -> torch.Tensor:
    numbers = 0.3 * torch.sin(0.37 * torch.arange(count) + 1.3 * len(name))
    is_gain = name.endswith("norm.weight") or name in (
        "to_patch_embedding.1.weight", "to_patch_embedding.3.weight")
    return numbers + 1 if is_gain else numbers


encoder = Encoder(leads=12, patches=2, patch=5, width=8, depth=2, heads=2, head_width=4,
                  hidden=16, fused=False)
head = nn.Linear(8, 5)
parameters = dict(encoder.named_parameters()) | {
    f"head.{name}": value for name, value in head.named_parameters()}
for name, value in parameters.items():
    value.requires_grad_(True)
    if name != "pos_embedding":
        value.data = formula(name, value.numel()).view_as(value)
    else:
        # As the program keeps it.
        value.data = value.data.float().double()

signal = torch.sin(0.11 * torch.arange(3 * 12 * 10) ** 1.5).view(3, 12, 10)
every = torch.arange(2).expand(3, 12, 2)
truth = torch.tensor([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 1]], dtype=torch.float64)

last, encoder.norm = encoder.norm, nn.Identity()
tokens = encoder(signal, every).view(3, 12, 4, 8)[:, :, 1:-1]
logits = head(last(tokens.mean(dim=(1, 2))))
loss = F.binary_cross_entropy_with_logits(logits, truth)
loss.backward()
print(f"loss {loss.item():.9f}")
print("probabilities", [round(p, 7) for p in torch.sigmoid(logits).flatten().tolist()])
for name, value in parameters.items():
    print(f'("{name}", {value.grad.square().sum().sqrt().item():.8f}),')
