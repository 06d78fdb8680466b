"""ST-MEM's masked pretraining in PyTorch, written from its published definition.

An independent judge: it shares no code with the Swift package. Sizes are free; parameter names are the official ones,
so that the golden files load as they are.
"""

import torch
from torch import nn
from torch.nn import functional as F


def sincos(rows: int, width: int) -> torch.Tensor:
    """Fixed sine-cosine table [rows, width]."""
    frequency = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float32) / (width / 2))
    angle = torch.arange(rows, dtype=torch.float32)[:, None] * frequency[None, :]
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, head_width: int, fused: bool):
        super().__init__()
        self.heads, self.head_width, self.fused = heads, head_width, fused
        self.to_qkv = nn.Linear(width, 3 * heads * head_width)
        self.to_out = nn.Sequential(nn.Linear(heads * head_width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, _ = x.shape
        qkv = self.to_qkv(x).view(batch, tokens, 3, self.heads, self.head_width)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(q @ k.transpose(-1, -2) * self.head_width**-0.5, dim=-1) @ v
        return self.to_out(y.transpose(1, 2).reshape(batch, tokens, -1))


class PreNorm(nn.Module):
    def __init__(self, width: int, fn: nn.Module):
        super().__init__()
        self.norm, self.fn = nn.LayerNorm(width), fn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fn(self.norm(x))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        # The places 2 and 4 hold dropout in the published code; its rate is 0.
        self.net = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Identity(), nn.Linear(hidden, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, head_width: int, hidden: int, fused: bool):
        super().__init__()
        self.attn = PreNorm(width, Attention(width, heads, head_width, fused))
        self.ff = PreNorm(width, FeedForward(width, hidden))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(x)
        return x + self.ff(x)


class Encoder(nn.Module):
    def __init__(self, leads, patches, patch, width, depth, heads, head_width, hidden, fused):
        super().__init__()
        self.leads, self.patches, self.patch, self.depth = leads, patches, patch, depth
        self.to_patch_embedding = nn.Sequential(
            nn.Identity(), nn.LayerNorm(patch), nn.Linear(patch, width), nn.LayerNorm(width))
        table = torch.zeros(1, patches + 2, width)
        table[0, 1:-1] = sincos(patches, width)
        self.pos_embedding = nn.Parameter(table, requires_grad=False)
        self.sep_embedding = nn.Parameter(torch.randn(width) * 0.02)
        self.lead_embeddings = nn.ParameterList(
            nn.Parameter(torch.randn(width) * 0.02) for _ in range(leads))
        for i in range(depth):
            self.add_module(f"block{i}", Block(width, heads, head_width, hidden, fused))
        self.norm = nn.LayerNorm(width)

    def forward(self, signal: torch.Tensor, ids_keep: torch.Tensor) -> torch.Tensor:
        """signal [B, leads, samples], ids_keep [B, leads, kept] -> [B, leads * (kept + 2), width]."""
        batch, width = signal.shape[0], self.sep_embedding.shape[0]
        x = self.to_patch_embedding(signal.view(batch, self.leads, self.patches, self.patch))
        x = x + self.pos_embedding[:, 1:-1].unsqueeze(1)
        x = x.gather(2, ids_keep.unsqueeze(-1).expand(-1, -1, -1, width))
        separator = self.sep_embedding.view(1, 1, 1, width).expand(batch, self.leads, 1, width)
        first, last = self.pos_embedding[0, 0], self.pos_embedding[0, -1]
        x = torch.cat([separator + first, x, separator + last], dim=2)
        x = x + torch.stack(list(self.lead_embeddings))[None, :, None, :]
        x = x.reshape(batch, -1, width)
        for i in range(self.depth):
            x = getattr(self, f"block{i}")(x)
        return self.norm(x)


class STMEM(nn.Module):
    def __init__(
        self, leads=12, patches=30, patch=75, width=768, depth=12, heads=12, head_width=64,
        hidden=None, decoder_width=256, decoder_depth=4, decoder_heads=4, decoder_head_width=64,
        decoder_hidden=None, mask_ratio=0.75, fused=False,
    ):
        super().__init__()
        self.leads, self.patches, self.patch = leads, patches, patch
        self.kept = int(patches * (1 - mask_ratio))
        self.encoder = Encoder(
            leads, patches, patch, width, depth, heads, head_width, hidden or 4 * width, fused)
        self.to_decoder_embedding = nn.Linear(width, decoder_width)
        self.mask_embedding = nn.Parameter(torch.randn(1, 1, decoder_width) * 0.02)
        table = torch.zeros(1, patches + 2, decoder_width)
        table[0, 1:-1] = sincos(patches, decoder_width)
        self.decoder_pos_embed = nn.Parameter(table, requires_grad=False)
        self.decoder_blocks = nn.ModuleList(
            Block(decoder_width, decoder_heads, decoder_head_width,
                  decoder_hidden or 4 * decoder_width, fused)
            for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_width, eps=1e-6)
        self.decoder_head = nn.Linear(decoder_width, patch)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, signal: torch.Tensor, noise: torch.Tensor):
        """signal [B, leads, samples], noise [B, leads, patches] -> loss, prediction, mask, latent."""
        batch = signal.shape[0]
        order = noise.argsort(dim=-1, stable=True)
        restore = order.argsort(dim=-1, stable=True)
        mask = torch.ones_like(noise).scatter_(-1, order[..., : self.kept], 0.0)
        latent = self.encoder(signal, order[..., : self.kept])

        x = self.to_decoder_embedding(latent).view(batch, self.leads, self.kept + 2, -1)
        width = x.shape[-1]
        missing = self.mask_embedding.view(1, 1, 1, width).expand(
            batch, self.leads, self.patches - self.kept, width)
        middle = torch.cat([x[:, :, 1:-1], missing], dim=2)
        middle = middle.gather(2, restore.unsqueeze(-1).expand(-1, -1, -1, width))
        x = torch.cat([x[:, :, :1], middle, x[:, :, -1:]], dim=2) + self.decoder_pos_embed
        x = x.view(batch * self.leads, self.patches + 2, width)
        for block in self.decoder_blocks:
            x = block(x)
        prediction = self.decoder_head(self.decoder_norm(x))[:, 1:-1]
        prediction = prediction.view(batch, self.leads, self.patches, self.patch)

        target = signal.view(batch, self.leads, self.patches, self.patch)
        mean = target.mean(dim=-1, keepdim=True)
        variance = target.var(dim=-1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        loss = ((prediction - target) ** 2).mean(dim=-1)
        return (loss * mask).sum() / mask.sum(), prediction, mask, latent
