"""The layers of ModelScope's UNet3D, under the names that its checkpoint gives them.

Everything runs as `(b f) c h w`; temporal layers fold the frames out for themselves. Every layer is called
`layer(x, cond)`, and one that needs nothing of `cond` does not read it.
Source of shapes and names: modelscope `unet_sd.py` (UNetSD); architecture: Wang et al. 2023, "ModelScope
Text-to-Video Technical Report".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)


@dataclass(frozen=True)
class Conditioning:
    """What every layer may read."""

    time_emb: Tensor  # (b f) d
    text: Tensor  # b l d, or (b f) l d where every frame has a text of its own
    num_frames: int
    size: tuple[int, int] | None = None  # height and width that an upsampling layer has to reach


class Stage(nn.ModuleList):
    """Layers that run one after the other."""

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        for layer in self:
            x = layer(x, cond)
        return x


class Conv2d(nn.Conv2d):
    """A convolution that can stand in a stage."""

    def forward(self, x: Tensor, cond: Conditioning | None = None) -> Tensor:
        return super().forward(x)


class Skip(nn.Module):
    """The place of a temporal layer in an image model: what comes in goes out."""

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        return x


def group_norm(channels: int, groups: int, eps: float) -> nn.GroupNorm:
    return nn.GroupNorm(groups, channels, eps=eps)


def zero_init(layer: Layer) -> Layer:
    """The layer with all weights zero: the branch that ends in it begins as nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Sinusoids of the timesteps, cosines first: (b,) -> (b, width), fp32."""
    half = width // 2
    frequencies = torch.exp(
        -math.log(10_000) * torch.arange(half, device=timesteps.device, dtype=torch.float32) / half
    )
    angles = timesteps.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def guidance_embedding(guidance: Tensor, width: int) -> Tensor:
    """Sinusoids of a thousand times the guidance scale, sines first: (b,) -> (b, width), fp32.

    Source: the w-embedding of latent consistency models (Luo et al. 2023, section 4.3).
    """
    half = width // 2
    frequencies = torch.exp(
        -math.log(10_000) * torch.arange(half, device=guidance.device, dtype=torch.float32) / (half - 1)
    )
    angles = 1000 * guidance.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TemporalConvBlock(nn.Module):
    """Four convolutions over the frames alone, and a residual; the last one begins at zero."""

    def __init__(self, channels: int, dropout: float, groups: int) -> None:
        super().__init__()

        def conv() -> nn.Conv3d:
            return nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0))

        self.conv1 = nn.Sequential(group_norm(channels, groups, 1e-5), nn.SiLU(), conv())
        self.conv2, self.conv3, self.conv4 = (
            nn.Sequential(group_norm(channels, groups, 1e-5), nn.SiLU(), nn.Dropout(dropout), conv())
            for _ in range(3)
        )
        zero_init(self.conv4[-1])

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        video = rearrange(x, "(b f) c h w -> b c f h w", f=cond.num_frames)
        out = self.conv4(self.conv3(self.conv2(self.conv1(video))))
        return rearrange(video + out, "b c f h w -> (b f) c h w")


class ResBlock(nn.Module):
    """Two convolutions with the timestep between them, then the temporal convolutions."""

    def __init__(
        self, channels: int, out_channels: int, time_dim: int, dropout: float, groups: int, *, temporal: bool
    ) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            group_norm(channels, groups, 1e-5), nn.SiLU(), nn.Conv2d(channels, out_channels, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, out_channels))
        self.out_layers = nn.Sequential(
            group_norm(out_channels, groups, 1e-5),
            nn.SiLU(),
            nn.Dropout(dropout),
            zero_init(nn.Conv2d(out_channels, out_channels, 3, padding=1)),
        )
        self.skip_connection: nn.Module = (
            nn.Identity() if channels == out_channels else nn.Conv2d(channels, out_channels, 1)
        )
        # the misspelt name is the checkpoint's
        self.temopral_conv: nn.Module = (
            TemporalConvBlock(out_channels, dropout, groups) if temporal else Skip()
        )

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(cond.time_emb)[:, :, None, None]
        h = self.skip_connection(x) + self.out_layers(h)
        return self.temopral_conv(h, cond)


class Attention(nn.Module):
    """Multi-head attention of `x` (n, q, d) to `context` (m, k, d'), where n is a multiple of m.

    Frames of one clip share one context: their queries are then laid side by side, and keys and values are
    computed once.
    """

    def __init__(self, dim: int, context_dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_k = nn.Linear(context_dim, inner, bias=False)
        self.to_v = nn.Linear(context_dim, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim), nn.Dropout(0.0))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        n, m = x.shape[0], context.shape[0]
        q = rearrange(self.to_q(x), "(m f) q (h d) -> m h (f q) d", m=m, h=self.heads)
        k = rearrange(self.to_k(context), "m k (h d) -> m h k d", h=self.heads)
        v = rearrange(self.to_v(context), "m k (h d) -> m h k d", h=self.heads)
        out = F.scaled_dot_product_attention(q, k, v)
        return self.to_out(rearrange(out, "m h (f q) d -> (m f) q (h d)", f=n // m))


class GatedGelu(nn.Module):
    """GEGLU (Shazeer 2020)."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, inner * 2)

    def forward(self, x: Tensor) -> Tensor:
        x, gate = self.proj(x).chunk(2, dim=-1)
        return x * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedGelu(dim, dim * 4), nn.Dropout(0.0), nn.Linear(dim * 4, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self-attention, attention to the text (without one: to itself again), feed-forward."""

    def __init__(self, dim: int, context_dim: int | None, heads: int, head_dim: int) -> None:
        super().__init__()
        self.attn1 = Attention(dim, dim, heads, head_dim)
        self.ff = FeedForward(dim)
        self.attn2 = Attention(dim, context_dim or dim, heads, head_dim)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: Tensor, text: Tensor | None) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        y = self.norm2(x)
        x = x + self.attn2(y, y if text is None else text)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """Every frame's places attend to one another and to the text."""

    def __init__(self, channels: int, head_dim: int, context_dim: int, groups: int) -> None:
        super().__init__()
        self.norm = group_norm(channels, groups, 1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(channels, context_dim, channels // head_dim, head_dim)]
        )
        self.proj_out = zero_init(nn.Linear(channels, channels))

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        h, w = x.shape[-2:]
        tokens = self.proj_in(rearrange(self.norm(x), "n c h w -> n (h w) c"))
        for block in self.transformer_blocks:
            tokens = block(tokens, cond.text)
        return x + rearrange(self.proj_out(tokens), "n (h w) c -> n c h w", h=h, w=w)


class TemporalTransformer(nn.Module):
    """Every place attends over the frames, twice; the text is not read."""

    def __init__(self, channels: int, heads: int, head_dim: int, groups: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.norm = group_norm(channels, groups, 1e-6)
        self.proj_in = nn.Conv1d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(inner, None, heads, head_dim)])
        self.proj_out = zero_init(nn.Conv1d(inner, channels, 1))

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        h, w = x.shape[-2:]
        video = rearrange(x, "(b f) c h w -> b c f h w", f=cond.num_frames)
        tokens = self.proj_in(rearrange(self.norm(video), "b c f h w -> (b h w) c f"))
        tokens = rearrange(tokens, "n c f -> n f c")
        for block in self.transformer_blocks:
            tokens = block(tokens, None)
        tokens = self.proj_out(rearrange(tokens, "n f c -> n c f"))
        return x + rearrange(tokens, "(b h w) c f -> (b f) c h w", h=h, w=w)


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """Nearest neighbour to the size that the next skip connection has, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        size = cond.size or (x.shape[-2] * 2, x.shape[-1] * 2)
        return self.conv(F.interpolate(x, size=size, mode="nearest"))
