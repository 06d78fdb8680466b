"""ECG-JEPA's pretraining in PyTorch, written from its published definition.

An independent judge: it shares no code with the Swift package. Attention is dense with a mask, as published. Sizes are free;
parameter names are the official ones, so that the golden files load as they are.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F


def grid_positions(leads: int, patches: int, width: int) -> torch.Tensor:
    """Fixed sine-cosine table [leads * patches, width]: first half the time, second half the lead."""
    quarter = width // 4
    frequency = 10000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    time = torch.arange(patches, dtype=torch.float64).repeat(leads)
    lead = torch.arange(leads, dtype=torch.float64).repeat_interleave(patches)
    parts = [f(index[:, None] * frequency) for index in (time, lead) for f in (torch.sin, torch.cos)]
    return torch.cat(parts, dim=1).float()


def cross_pattern(leads: int, patches: int) -> torch.Tensor:
    """[tokens, tokens]: true where two tokens share the lead or the time."""
    lead = torch.arange(leads).repeat_interleave(patches)
    time = torch.arange(patches).repeat(leads)
    return (lead[:, None] == lead[None]) | (time[:, None] == time[None])


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, qkv_bias: bool, fused: bool):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, keep=None) -> torch.Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=keep)
        else:
            scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
            if keep is not None:
                scores = scores.masked_fill(~keep, float("-inf"))
            y = torch.softmax(scores, dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(batch, tokens, width))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


def drop_path(x: torch.Tensor, rate: float, training: bool) -> torch.Tensor:
    if rate == 0 or not training:
        return x
    kept = (torch.rand(x.shape[0], 1, 1) >= rate).to(x.dtype) / (1 - rate)
    return x * kept


class Block(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, qkv_bias: bool, fused: bool, rate: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, qkv_bias, fused)
        self.mlp = FeedForward(width, hidden)
        self.rate = rate

    def forward(self, x: torch.Tensor, keep=None) -> torch.Tensor:
        x = x + drop_path(self.attn(self.norm1(x), keep), self.rate, self.training)
        return x + drop_path(self.mlp(self.norm2(x)), self.rate, self.training)


class Blocks(nn.Module):
    """Blocks under the name `blocks`, positions added before each."""

    def __init__(self, width, depth, heads, hidden, qkv_bias, fused, rate):
        super().__init__()
        rates = [rate * i / (depth - 1) if depth > 1 else 0.0 for i in range(depth)]
        self.blocks = nn.ModuleList(
            Block(width, heads, hidden, qkv_bias, fused, rates[i]) for i in range(depth))

    def forward(self, x, positions, keep=None):
        for block in self.blocks:
            x = block(x + positions, keep)
        return x


class Encoder(nn.Module):
    def __init__(self, leads, patches, patch, width, depth, heads, hidden, qkv_bias, fused, rate):
        super().__init__()
        self.leads, self.patches = leads, patches
        self.pos_embed = nn.Parameter(grid_positions(leads, patches, width), requires_grad=False)
        self.W_P = nn.Linear(patch, width)
        self.encoder_blocks = Blocks(width, depth, heads, hidden, qkv_bias, fused, rate)
        self.norm = nn.LayerNorm(width)
        self.register_buffer("keep", cross_pattern(leads, patches), persistent=False)

    def forward(self, x: torch.Tensor, visible=None) -> torch.Tensor:
        """x [B, leads, patches, patch], visible: indices of seen patches -> [B, leads * seen, width]."""
        positions, keep = self.pos_embed, self.keep
        if visible is not None:
            x = x[:, :, visible]
            tokens = (torch.arange(self.leads)[:, None] * self.patches + visible[None]).flatten()
            positions, keep = positions[tokens], keep[tokens][:, tokens]
        x = self.W_P(x).flatten(1, 2)
        return self.norm(self.encoder_blocks(x, positions, keep))


class Predictor(nn.Module):
    def __init__(self, patches, encoder_width, width, depth, heads, hidden, qkv_bias, fused, rate):
        super().__init__()
        self.predictor_embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(grid_positions(1, patches, width), requires_grad=False)
        self.predictor_blocks = Blocks(width, depth, heads, hidden, qkv_bias, fused, rate)
        self.predictor_norm = nn.LayerNorm(width)
        self.predictor_proj = nn.Linear(width, encoder_width)

    def forward(self, x: torch.Tensor, visible: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """x [B * leads, seen, encoder width] -> [B * leads, patches, encoder width], seen patches first."""
        x = self.predictor_embed(x)
        x = torch.cat([x, self.mask_token.expand(x.shape[0], len(masked), -1)], dim=1)
        x = self.predictor_blocks(x, self.pos_embed[torch.cat([visible, masked])])
        return self.predictor_proj(self.predictor_norm(x))


class ECGJEPA(nn.Module):
    def __init__(
        self, leads=8, patches=50, patch=50, width=768, depth=12, heads=16, hidden=None,
        predictor_width=384, predictor_depth=6, predictor_heads=12, predictor_hidden=None,
        qkv_bias=False, fused=False, rate=0.0,
    ):
        super().__init__()
        self.leads, self.patches, self.patch = leads, patches, patch
        self.encoder = Encoder(
            leads, patches, patch, width, depth, heads, hidden or 4 * width, qkv_bias, fused, rate)
        self.predictor = Predictor(
            patches, width, predictor_width, predictor_depth, predictor_heads,
            predictor_hidden or 4 * predictor_width, qkv_bias, fused, rate)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.predictor.mask_token, std=0.02)
        for part in (self.encoder.encoder_blocks, self.predictor.predictor_blocks):
            for number, block in enumerate(part.blocks, start=1):
                for layer in (block.attn.proj, block.mlp.fc2):
                    layer.weight.data.div_((2 * number) ** 0.5)
        self.target_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.target_encoder.eval()

    def parts(self, signal: torch.Tensor, mask: torch.Tensor):
        """signal [B, leads, samples], mask [patches] -> raw targets, targets, context, all predictions, predictions."""
        batch = signal.shape[0]
        x = signal.view(batch, self.leads, self.patches, self.patch)
        visible, masked = (mask == 0).nonzero().flatten(), (mask != 0).nonzero().flatten()
        with torch.no_grad():
            raw = self.target_encoder(x)
            target = F.layer_norm(raw, raw.shape[-1:]).view(batch, self.leads, self.patches, -1)[:, :, masked]
        context = self.encoder(x, visible)
        everything = self.predictor(context.view(batch * self.leads, len(visible), -1), visible, masked)
        predicted = everything[:, len(visible):].view(batch, self.leads, len(masked), -1)
        return raw, target, context, everything, predicted

    def forward(self, signal: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        _, target, _, _, predicted = self.parts(signal, mask)
        return F.smooth_l1_loss(predicted, target)

    @torch.no_grad()
    def move_teacher(self, momentum: float) -> None:
        for student, teacher in zip(self.encoder.parameters(), self.target_encoder.parameters()):
            teacher.mul_(momentum).add_(student, alpha=1 - momentum)


def block_mask(patches: int) -> torch.Tensor:
    """Four runs of 17.5 to 22.5 % of the patches."""
    mask = torch.zeros(patches)
    for _ in range(4):
        length = int(patches * (0.175 + 0.05 * torch.rand(()).item()))
        start = torch.randint(0, patches - length, ()).item()
        mask[start:start + length] = 1
    return mask


def random_mask(patches: int) -> torch.Tensor:
    """60 to 70 % of the patches."""
    count = int(patches * (0.6 + 0.1 * torch.rand(()).item()))
    return (torch.randperm(patches) < count).float()
