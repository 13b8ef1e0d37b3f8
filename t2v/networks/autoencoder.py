"""AutoencoderKL ("VQGAN" in ModelScope's file names): frames to latents and back, frame by frame.

Names and shapes: CompVis latent-diffusion; Rombach et al. 2022, "High-Resolution Image Synthesis with Latent
Diffusion Models". The latent scale is applied inside.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from t2v.configs import AutoencoderConfig
from t2v.networks.kernels import attend, upsample_conv
from t2v.networks.tiles import decode_in_tiles


def _norm(channels: int, groups: int) -> nn.GroupNorm:
    return nn.GroupNorm(groups, channels, eps=1e-6)


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, on (n, c, h, w)."""

    def __init__(self, channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = _norm(channels, groups)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.norm2 = _norm(out_channels, groups)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.nin_shortcut: nn.Module = (
            nn.Identity() if channels == out_channels else nn.Conv2d(channels, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x), inplace=True))
        h = self.conv2(F.silu(self.norm2(h), inplace=True))
        return h + self.nin_shortcut(x)


class AttnBlock(nn.Module):
    """Single-head attention over all positions of a frame (n, c, h, w)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = _norm(channels, groups)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y, h = self.norm(x), x.shape[-2]
        q, k, v = (rearrange(conv(y), "b c h w -> b 1 (h w) c") for conv in (self.q, self.k, self.v))
        out = attend(q, k, v)
        return x + self.proj_out(rearrange(out, "b 1 (h w) c -> b c h w", h=h))


class Downsample(nn.Module):
    """A convolution of stride 2: (n, c, h, w) to (n, c, h / 2, w / 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))  # padded at the right and below only, as in training


class Upsample(nn.Module):
    """Nearest neighbour and a convolution: (n, c, h, w) to (n, c, 2 h, 2 w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return upsample_conv(x, self.conv, (2 * x.shape[-2], 2 * x.shape[-1]))


def _blocks(channels: int, out_channels: int, count: int, groups: int) -> nn.ModuleList:
    widths = [channels] + [out_channels] * (count - 1)
    return nn.ModuleList(ResnetBlock(c, out_channels, groups) for c in widths)


class DownLevel(nn.Module):
    """The blocks of one resolution of the encoder, then a downsampling unless it is the last."""

    def __init__(self, channels: int, out_channels: int, num_blocks: int, groups: int, *, last: bool) -> None:
        super().__init__()
        self.block = _blocks(channels, out_channels, num_blocks, groups)
        self.downsample = nn.Identity() if last else Downsample(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return self.downsample(x)


class UpLevel(nn.Module):
    """The blocks of one resolution of the decoder, then an upsampling unless it is the last."""

    def __init__(self, channels: int, out_channels: int, num_blocks: int, groups: int, *, last: bool) -> None:
        super().__init__()
        self.block = _blocks(channels, out_channels, num_blocks, groups)
        self.upsample = nn.Identity() if last else Upsample(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return self.upsample(x)


class Middle(nn.Module):
    """Two blocks with attention between them, at the lowest resolution."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.block_1 = ResnetBlock(channels, channels, groups)
        self.attn_1 = AttnBlock(channels, groups)
        self.block_2 = ResnetBlock(channels, channels, groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder(nn.Module):
    """(n, 3, h, w) -> (n, 2 * latent channels, h / factor, w / factor)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        c = config.width
        self.conv_in = nn.Conv2d(3, c, 3, padding=1)
        self.down = nn.ModuleList()
        for i, multiplier in enumerate(config.channel_multipliers, 1):
            c_out, last = config.width * multiplier, i == len(config.channel_multipliers)
            self.down.append(DownLevel(c, c_out, config.num_res_blocks, config.norm_groups, last=last))
            c = c_out
        self.mid = Middle(c, config.norm_groups)
        self.norm_out = _norm(c, config.norm_groups)
        self.conv_out = nn.Conv2d(c, 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    """(n, latent channels, h, w) -> (n, 3, h * factor, w * factor)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        slim = config.decoder_widths
        widths = slim or tuple(config.width * multiplier for multiplier in config.channel_multipliers)
        num_blocks = 1 if slim else config.num_res_blocks + 1
        c = widths[-1]
        self.conv_in = nn.Conv2d(config.latent_channels, c, 3, padding=1)
        self.mid = Middle(c, config.norm_groups)
        self.up = nn.ModuleList()  # finest first, as in the checkpoint; run from the last to the first
        for i, c_out in reversed(list(enumerate(widths))):
            self.up.insert(0, UpLevel(c, c_out, num_blocks, config.norm_groups, last=i == 0))
            c = c_out
        self.norm_out = _norm(c, config.norm_groups)
        self.conv_out = nn.Conv2d(c, 3, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        h = self.mid(self.conv_in(latents))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Autoencoder(nn.Module):
    """Frames (b, 3, f, h, w), nominally in [-1, 1], to latents (b, c, f, h / factor, w / factor) and back."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        c = config.latent_channels
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * c, 2 * c, 1)
        self.post_quant_conv = nn.Conv2d(c, c, 1)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that it computes in."""
        return self.quant_conv.weight.dtype

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents of images (n, 3, h, w), before the latent scale."""
        mean, log_variance = self.quant_conv(self.encoder(images)).chunk(2, dim=1)
        return mean, log_variance.clamp(-30, 20)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (b, 3, f, h, w) to the posterior's mean (b, c, f, h / factor, w / factor), scaled."""
        images = rearrange(frames.to(self.dtype), "b c f h w -> (b f) c h w")
        means = torch.cat([self.posterior(part)[0] for part in torch.split(images, 1)])
        return rearrange(means, "(b f) c h w -> b c f h w", f=frames.shape[2]) * self.config.latent_scale

    def decode_images(self, latents: Tensor, tile: int | None = None) -> Tensor:
        """Latents (n, c, h, w), before the latent scale, to images (n, 3, h * factor, w * factor).

        Latents higher or wider than `tile` are decoded in tiles of that size, which is approximate: see
        `t2v.networks.tiles`.
        """
        if tile is None or max(latents.shape[-2:]) <= tile:
            return self._whole(latents)
        return decode_in_tiles(self._whole, latents, tile, self.config.factor)

    def _whole(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents))

    def decode(self, latents: Tensor, tile: int | None = None) -> Tensor:
        """Latents (b, c, f, h, w) to frames (b, 3, f, h * factor, w * factor), not clamped, one at a time.

        `tile`: see `decode_images`.
        """
        images = rearrange(latents / self.config.latent_scale, "b c f h w -> (b f) c h w").to(self.dtype)
        out = torch.cat([self.decode_images(image, tile) for image in torch.split(images, 1)])
        return rearrange(out, "(b f) c h w -> b c f h w", f=latents.shape[2])
