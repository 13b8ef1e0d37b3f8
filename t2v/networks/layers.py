"""The layers of ModelScope's UNet3D, under the names that its checkpoint gives them.

Tensors are `(b f) c h w`; temporal layers separate the frames themselves. Every layer is called
`layer(x, cond)`, also one that does not read `cond`.
Source of shapes and names: modelscope `unet_sd.py` (UNetSD); architecture: Wang et al. 2023, "ModelScope
Text-to-Video Technical Report".
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from einops import rearrange
from torch import Tensor, nn

from t2v.networks.conditioning import Conditioning, apply_by_frames, apply_by_rows
from t2v.networks.kernels import (
    Linear,
    attend,
    conv3x3,
    conv_over_frames,
    gated_feed_forward,
    image_layout,
    linear,
    token_layout,
    upsample_conv,
)

Layer = TypeVar("Layer", bound=nn.Module)


class Stage(nn.ModuleList):
    """Layers that run one after the other."""

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        for layer in self:
            x = layer(x, cond)
        return x


class Conv2d(nn.Conv2d):
    """A convolution with the signature of a layer."""

    def forward(self, x: Tensor, cond: Conditioning | None = None) -> Tensor:
        return super().forward(x)


class Skip(nn.Module):
    """The identity, in place of a temporal layer in an image model."""

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        return x


def group_norm(channels: int, groups: int, eps: float) -> nn.GroupNorm:
    """Group normalisation (Wu & He 2018)."""
    return nn.GroupNorm(groups, channels, eps=eps)


def zero_init(layer: Layer) -> Layer:
    """The layer with all weights zero, so that the branch that it ends begins as zero."""
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


class FrameConv(nn.Conv3d):
    """A (3, 1, 1) convolution of (b, c, f, h w) over the frames.

    With `ring` the last frame is the first one's neighbour. Convolutions are all in the network that knows
    the order of frames (attention over frames does not, nor do the norms), so the clip becomes a loop:
    noise that is rolled along the frames gives the same film, rolled.
    """

    def forward(self, x: Tensor, ring: bool = False) -> Tensor:
        if not ring:
            return conv_over_frames(x, self)
        padded = torch.cat([x[:, :, -1:], x, x[:, :, :1]], dim=2)
        return conv_over_frames(padded, self)[:, :, 1:-1]


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution that keeps the size."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return conv3x3(x, self)


class TemporalConvBlock(nn.Module):
    """Four convolutions over the frames and a residual connection; the last one begins at zero."""

    def __init__(self, channels: int, dropout: float, groups: int) -> None:
        super().__init__()

        def conv() -> nn.Conv3d:
            return FrameConv(channels, channels, (3, 1, 1), padding=(1, 0, 0))

        self.conv1 = nn.Sequential(group_norm(channels, groups, 1e-5), nn.SiLU(inplace=True), conv())
        self.conv2, self.conv3, self.conv4 = (
            nn.Sequential(
                group_norm(channels, groups, 1e-5), nn.SiLU(inplace=True), nn.Dropout(dropout), conv()
            )
            for _ in range(3)
        )
        zero_init(self.conv4[-1])

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        if cond.options.still:
            return x
        h = x.shape[-2]
        video = rearrange(x, "(b f) c h w -> b c f (h w)", f=cond.num_frames)
        out = video
        for block in (self.conv1, self.conv2, self.conv3, self.conv4):
            *others, conv = block
            for layer in others:
                out = layer(out)
            out = conv(out, cond.options.ring)
        return rearrange(video + out, "b c f (h w) -> (b f) c h w", h=h)


class ResBlock(nn.Module):
    """Two convolutions with the timestep between them, then the temporal convolutions."""

    def __init__(
        self, channels: int, out_channels: int, time_dim: int, dropout: float, groups: int, *, temporal: bool
    ) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            group_norm(channels, groups, 1e-5), nn.SiLU(inplace=True), Conv3x3(channels, out_channels)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), Linear(time_dim, out_channels))
        self.out_layers = nn.Sequential(
            group_norm(out_channels, groups, 1e-5),
            nn.SiLU(inplace=True),
            nn.Dropout(dropout),
            zero_init(Conv3x3(out_channels, out_channels)),
        )
        self.skip_connection: nn.Module = (
            nn.Identity() if channels == out_channels else nn.Conv2d(channels, out_channels, 1)
        )
        # misspelt in the checkpoint
        self.temopral_conv: nn.Module = (
            TemporalConvBlock(out_channels, dropout, groups) if temporal else Skip()
        )

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        shift = cond.once(self.emb_layers, cond.time_emb).repeat_interleave(cond.num_frames, 0)
        return self.temopral_conv(token_layout(apply_by_frames(self._spatial, x, cond, shift)), cond)

    def _spatial(self, x: Tensor, shift: Tensor) -> Tensor:
        x = image_layout(x)
        h = self.in_layers(x) + shift[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Attention(nn.Module):
    """Multi-head attention of `x` (n, q, d) to keys and values (m, k, heads d), where n is a multiple of m.

    Frames of one clip share one text: their queries are concatenated.
    """

    def __init__(self, dim: int, context_dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.to_q = Linear(dim, inner, bias=False)
        self.to_k = Linear(context_dim, inner, bias=False)
        self.to_v = Linear(context_dim, inner, bias=False)
        self.to_out = nn.Sequential(Linear(inner, dim), nn.Dropout(0.0))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        n, m = x.shape[0], keys.shape[0]
        q = rearrange(self.to_q(x), "(m f) q (h d) -> m h (f q) d", m=m, h=self.heads)
        k = rearrange(keys, "m k (h d) -> m h k d", h=self.heads)
        v = rearrange(values, "m k (h d) -> m h k d", h=self.heads)
        return self.to_out(rearrange(attend(q, k, v), "m h (f q) d -> (m f) q (h d)", f=n // m))

    def to_itself(self, x: Tensor) -> Tensor:
        """Self-attention of `x` (n, q, d)."""
        return self(x, self.to_k(x), self.to_v(x))


class GatedGelu(nn.Module):
    """The first matrix of GEGLU: value and gate."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.proj = Linear(dim, inner * 2)


class FeedForward(nn.Module):
    """GEGLU (Shazeer 2020): to 4 × the width, gated, and back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedGelu(dim, dim * 4), nn.Dropout(0.0), Linear(dim * 4, dim))

    def forward(self, x: Tensor, rows: int | None) -> Tensor:
        widen, narrow = self.net[0], self.net[2]
        assert isinstance(widen, GatedGelu)
        assert isinstance(narrow, Linear)
        return gated_feed_forward(x, widen.proj, narrow, rows)


class TransformerBlock(nn.Module):
    """Self-attention, attention to the text (without one: to itself again), feed-forward."""

    def __init__(self, dim: int, context_dim: int | None, heads: int, head_dim: int) -> None:
        super().__init__()
        self.attn1 = Attention(dim, dim, heads, head_dim)
        self.ff = FeedForward(dim)
        self.attn2 = Attention(dim, context_dim or dim, heads, head_dim)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: Tensor, text: tuple[Tensor, Tensor] | None, rows: int | None) -> Tensor:
        """Tokens (n, q, d); `text` are the keys and values of the text, `rows` those of `Chunks`."""
        x = x + self.attn1.to_itself(self.norm1(x))
        y = self.norm2(x)
        x = x + (self.attn2.to_itself(y) if text is None else self.attn2(y, *text))
        return x + self.ff(self.norm3(x), rows)


def single_block(blocks: nn.ModuleList) -> TransformerBlock:
    """The only block of a list, as the checkpoint has it."""
    (block,) = blocks
    assert isinstance(block, TransformerBlock)
    return block


class SpatialTransformer(nn.Module):
    """The positions of a frame attend to one another and to the text."""

    def __init__(self, channels: int, head_dim: int, context_dim: int, groups: int) -> None:
        super().__init__()
        self.norm = group_norm(channels, groups, 1e-6)
        self.proj_in = Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(channels, context_dim, channels // head_dim, head_dim)]
        )
        self.proj_out = zero_init(Linear(channels, channels))

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        block = single_block(self.transformer_blocks)
        keys = cond.once(block.attn2.to_k, cond.text)
        values = cond.once(block.attn2.to_v, cond.text)

        def frames(x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            tokens = self.proj_in(rearrange(self.norm(image_layout(x)), "n c h w -> n (h w) c"))
            tokens = self.proj_out(block(tokens, (keys, values), cond.options.chunks.rows))
            return x + rearrange(tokens, "n (h w) c -> n c h w", h=x.shape[-2])

        return apply_by_frames(frames, x, cond, keys, values)


class TemporalTransformer(nn.Module):
    """Every position attends over the frames, twice; the text is not read."""

    def __init__(self, channels: int, heads: int, head_dim: int, groups: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.norm = group_norm(channels, groups, 1e-6)
        self.proj_in = nn.Conv1d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(inner, None, heads, head_dim)])
        self.proj_out = zero_init(nn.Conv1d(inner, channels, 1))

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        if cond.options.still:
            return x
        h, f, step = x.shape[-2], cond.num_frames, cond.options.chunks.frames
        x = token_layout(x)
        normed = self.norm(rearrange(x, "(b f) c h w -> b c f (h w)", f=f))
        places = rearrange(normed, "b c f p -> (b p) f c")
        block = single_block(self.transformer_blocks)

        def attended(places: Tensor) -> Tensor:
            tokens = linear(places, self.proj_in.weight.squeeze(-1), self.proj_in.bias)
            tokens = block(tokens, None, cond.options.chunks.rows)
            return linear(tokens, self.proj_out.weight.squeeze(-1), self.proj_out.bias)

        tokens = apply_by_rows(attended, places, None if step is None else max(1, len(places) * step // f))
        return x + rearrange(tokens, "(b h w) f c -> (b f) c h w", h=h, w=x.shape[-1])


class Downsample(nn.Module):
    """A convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        return apply_by_frames(lambda x: self.op(image_layout(x)), x, cond)


class Upsample(nn.Module):
    """Nearest neighbour to the size of the next skip connection, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, cond: Conditioning) -> Tensor:
        size = cond.size or (x.shape[-2] * 2, x.shape[-1] * 2)
        return apply_by_frames(lambda x: upsample_conv(image_layout(x), self.conv, size), x, cond)
