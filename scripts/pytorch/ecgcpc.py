"""ECG-CPC in PyTorch, written from its published definition: a judge for golden cases and for speed.

The state spaces are computed as published: the kernel's transform by Cauchy sums at the roots of unity with a correction
of rank 1, then convolutions by Fourier transforms of twice the length.
"""

import torch
from torch import nn
from torch.nn import functional


class Kernel(nn.Module):
    """The kernel of a system a channel, from the stored weights C~."""

    def __init__(self, width: int, state: int, length: int, directions: int = 1):
        super().__init__()
        pairs, self.length = state // 2, length
        self.C = nn.Parameter(torch.randn(directions, width, pairs, 2) * 0.5**0.5)
        self.register_buffer("log_dt", torch.empty(width).uniform_(-6.9, -2.3))
        w = torch.stack([torch.full((pairs,), -0.5), torch.linspace(20, 0.4, pairs)], dim=-1)
        self.register_buffer("w", w.expand(width, pairs, 2).clone())
        for name in "BPQ":
            self.register_buffer(name, torch.randn(1, width, pairs, 2))

    def forward(self, length: int) -> torch.Tensor:
        c, b, p, q, w = (torch.view_as_complex(x.contiguous()) for x in (self.C, self.B, self.P, self.Q, self.w))
        dt = self.log_dt.exp()[:, None]
        angle = 2 * torch.pi * torch.arange(self.length // 2 + 1, device=c.device, dtype=dt.dtype) / self.length
        root = torch.polar(torch.ones_like(angle), -angle)
        # 2 (1 - root) - w dt (1 + root), and with the conjugate of w for the states that are not written.
        first = (2 * (1 - root))[None, None, :]
        rest = dt[..., None] * (1 + root)[None, None, :]
        own, other = 1 / (first - w[..., None] * rest), 1 / (first - w.conj()[..., None] * rest)

        def cauchy(x, y):
            v = (x * y)[..., None]
            return (v * own + v.conj() * other).sum(-2)

        outputs = torch.cat([c, q])
        direct, turned = cauchy(b, outputs), cauchy(p, outputs)
        inner = rest[:, 0] / (1 + rest[:, 0] * turned[-1:])
        transform = 2 * dt * (direct[:-1] - turned[:-1] * inner * direct[-1:])
        return torch.fft.irfft(transform, n=self.length)[..., :length]


class S4Layer(nn.Module):
    """State spaces with a skip connection, GELU and a gated map of the channels, [batch, width, time] to the same."""

    def __init__(self, width: int, state: int, length: int, directions: int = 1, dropout: float = 0):
        super().__init__()
        self.kernel = nn.Module()
        self.kernel.kernel = Kernel(width, state, length, directions)
        self.D = nn.Parameter(torch.randn(1, width))
        self.output_linear = nn.Sequential(nn.Module())
        bound = width**-0.5
        self.output_linear[0].weight = nn.Parameter(torch.empty(2 * width, width).uniform_(-bound, bound))
        self.output_linear[0].bias = nn.Parameter(torch.empty(2 * width, 1).uniform_(-bound, bound))
        self.dropout = dropout

    def drop(self, x: torch.Tensor) -> torch.Tensor:
        if self.dropout == 0 or not self.training:
            return x
        keep = (torch.rand(*x.shape[:2], 1) < 1 - self.dropout) / (1 - self.dropout)
        return x * keep

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        time = u.shape[-1]
        k = self.kernel.kernel(time)
        size = 2 * time
        if k.shape[0] == 2:
            k = functional.pad(k[0], (0, time)) + functional.pad(k[1].flip(-1), (time, 0))
        else:
            k = k[0]
        y = torch.fft.irfft(torch.fft.rfft(u, n=size) * torch.fft.rfft(k, n=size), n=size)[..., :time]
        y = self.drop(functional.gelu(y + self.D[0][:, None] * u))
        linear = self.output_linear[0]
        return functional.glu(torch.einsum("oi,bit->bot", linear.weight, y) + linear.bias, dim=1)


class Stack(nn.Module):
    def __init__(self, width: int, depth: int, state: int, length: int, dropout: float):
        super().__init__()
        self.s4_layers = nn.ModuleList(S4Layer(width, state, length, dropout=dropout) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, norm in zip(self.s4_layers, self.norms):
            x = norm((x + layer.drop(layer(x))).transpose(1, 2)).transpose(1, 2)
        return x


class ECGCPC(nn.Module):
    """The whole model, under the official names without `ts_encoder.`."""

    def __init__(
        self, width: int = 512, depth: int = 4, state: int = 8, length: int = 1200, leads: int = 12, horizon: int = 14,
        dropout: float = 0.2,
    ):
        super().__init__()
        self.horizon = horizon
        self.encoder = nn.Module()
        self.encoder.layers = nn.Sequential(*(
            nn.Sequential(
                nn.Conv1d(leads if i == 0 else width, width, 3 if i == 0 else 1, 2 if i == 0 else 1, 1 - min(i, 1), bias=False),
                nn.BatchNorm1d(width), nn.ReLU())
            for i in range(4)))
        self.predictor = nn.Module()
        self.predictor.predictor = Stack(width, depth, state, length, dropout)
        self.head_ssl = nn.Module()
        self.head_ssl.proj = nn.Sequential(nn.Linear(width, width, bias=False))

    def parts(self, signal: torch.Tensor):
        encoded = self.encoder.layers(signal)
        context = self.predictor.predictor(encoded)
        encoded, context = encoded.transpose(1, 2), context.transpose(1, 2)
        return encoded, context, self.head_ssl.proj(context)

    def loss(self, signal: torch.Tensor, negatives: torch.Tensor, way: str = "products") -> torch.Tensor:
        """The sum over start times; `negatives` are times, [starts, batch, count]."""
        encoded, _, predicted = self.parts(signal)
        batch, time, _ = encoded.shape
        starts = time - self.horizon
        if way == "products":
            scores = predicted[:, :starts] @ encoded.transpose(1, 2)
            candidates = torch.cat(
                [torch.arange(self.horizon, time).expand(batch, starts)[..., None], negatives.transpose(0, 1)], dim=-1)
            logits = scores.gather(-1, candidates)
            targets = torch.zeros(batch * starts, dtype=torch.long)
            return functional.cross_entropy(logits.flatten(0, 1), targets) * starts
        # As published: one start time after another, latents gathered.
        targets, rows = torch.zeros(batch, dtype=torch.long), torch.arange(batch)[:, None]
        total = torch.zeros(())
        for start in range(starts):
            candidates = torch.cat(
                [encoded[:, start + self.horizon][:, None], encoded[rows, negatives[start]]], dim=1)
            total = total + functional.cross_entropy((predicted[:, start][:, None] * candidates).sum(-1), targets)
        return total
