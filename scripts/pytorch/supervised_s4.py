"""The fine-tuning loss of a very small supervised S4 and its gradients, for SupervisedStateSpaceTests.

Every number comes from a formula, so that both sides have the same weights and signals without a file; the systems are those of HiPPO-LegS,
with eigenvectors turned so that B is real. Prints, for a mean over time and for attention pooling, the loss and the root of the sum of
squares of each parameter's gradient.
usage: python scripts/pytorch/supervised_s4.py    (needs torch)
"""

import torch
from torch import nn
from torch.nn import functional as F

from ecgcpc import S4Layer

torch.set_default_dtype(torch.float64)
SAMPLES, LEADS, TIME, LENGTH, WIDTH, DEPTH, STATE, CLASSES = 3, 12, 10, 12, 8, 2, 4, 5


def legs(order: int):
    """Frequencies of the normal part of HiPPO-LegS, and the input in the basis of its eigenvectors; one of each pair."""
    n = torch.arange(order)
    root = (2 * n + 1).sqrt()
    a = -torch.tril(root[:, None] * root[None, :], -1) - torch.diag(n + 1.0)
    p = (n + 0.5).sqrt()
    skew = a + p[:, None] * p[None, :] + 0.5 * torch.eye(order)
    values, vectors = torch.linalg.eigh(-1j * skew.to(torch.complex128))
    places = [i for i in range(order) if values[i] > 0][::-1]
    b = (vectors.conj().T @ root.to(torch.complex128)).abs()
    return values[places], b[places]


class Supervised(nn.Module):
    """Under the official names."""

    def __init__(self, attends: bool):
        super().__init__()
        self.encoder = nn.Conv1d(LEADS, WIDTH, 1)
        self.s4_layers = nn.ModuleList(S4Layer(WIDTH, STATE, LENGTH, directions=2) for _ in range(DEPTH))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(DEPTH))
        if attends:
            self.decoder = nn.Linear(WIDTH, CLASSES, bias=False)
            self.pool = nn.Module()
            self.pool.query = nn.Parameter(torch.zeros(1, 1, WIDTH))
            for name in "qkv":
                setattr(self.pool, name, nn.Linear(WIDTH, WIDTH, bias=False))
        else:
            self.decoder = nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        x = self.encoder(x)
        for layer, norm in zip(self.s4_layers, self.norms):
            x = norm((x + layer(x)).transpose(1, 2)).transpose(1, 2)
        x = x.transpose(1, 2)
        if not hasattr(self, "pool"):
            return self.decoder(x.mean(1))
        q, k, v = self.pool.q(self.pool.query), self.pool.k(x), self.pool.v(x)
        weights = (q @ k.transpose(1, 2) / WIDTH**0.5).softmax(-1)
        return self.decoder((weights @ v)[:, 0])


def ours(name: str) -> str:
    """A name as a state has it, but for the first `encoder.`."""
    if name.startswith("decoder."):
        return "head." + name.removeprefix("decoder.")
    return "head." + name if name.startswith("pool.") else name.removeprefix("encoder.")


for attends in (False, True):
    model = Supervised(attends)
    frequencies, b = legs(STATE)
    for layer in model.s4_layers:
        kernel = layer.kernel.kernel
        kernel.log_dt = -2.5 + 0.3 * torch.sin(0.37 * torch.arange(WIDTH))
        kernel.w = torch.stack([-0.5 * torch.ones_like(frequencies), frequencies], -1).expand(WIDTH, -1, 2).clone()
        turned = torch.stack([b, torch.zeros_like(b)], -1).expand(1, WIDTH, -1, 2)
        kernel.B, kernel.P, kernel.Q = turned.clone(), turned / 2**0.5, turned / 2**0.5
    for name, parameter in model.named_parameters():
        name = ours(name)
        values = 0.3 * torch.sin(0.37 * torch.arange(parameter.numel()) + 1.3 * len(name))
        if name.startswith("norms.") and name.endswith("weight"):
            values = values + 1
        parameter.data = values.reshape(parameter.shape)
    signals = torch.sin(0.11 * torch.arange(SAMPLES * LEADS * TIME).double() ** 1.5).reshape(SAMPLES, LEADS, TIME)
    truth = torch.tensor([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 1.0]])
    loss = F.binary_cross_entropy_with_logits(model(signals), truth)
    loss.backward()
    print(f"attention {attends}: loss {loss.item():.9f}")
    for name, parameter in model.named_parameters():
        print(f'    ("{ours(name)}", {parameter.grad.norm().item():.8g}),')
