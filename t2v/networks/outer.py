"""Cheap levels around a UNet: finer pictures from a network that has learned coarser ones.

A level has no attention. What is inside it sees its latents averaged over two by two places, and what the
level adds to that begins at zero: a fresh level answers what the network inside answers, enlarged.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.networks.conditioning import Conditioning, apply_by_frames
from t2v.networks.kernels import image_layout, token_layout, upsample_conv
from t2v.networks.layers import ResBlock, group_norm, zero_init


def pooled(x: Tensor) -> Tensor:
    """Two by two places averaged: (n, c, h, w) -> (n, c, ceil(h/2), ceil(w/2))."""
    return F.avg_pool2d(x, 2, ceil_mode=True)


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Every place twice as wide and high, cut to `size`."""
    return F.interpolate(x, scale_factor=2, mode="nearest")[..., : size[0], : size[1]]


class OuterLevel(nn.Module):
    """Two residual blocks down, three up with skips across; `inner` channels are the next level's inside.

    Of the blocks, the two down and the second one up look over the frames (`temporal`).
    """

    def __init__(
        self,
        latent_channels: tuple[int, int],
        width: int,
        inner: int,
        time_dim: int,
        groups: int,
        *,
        temporal: bool,
    ) -> None:
        super().__init__()

        def block(channels: int, *, over_frames: bool) -> ResBlock:
            return ResBlock(channels, width, time_dim, 0.0, groups, temporal=temporal and over_frames)

        self.first = nn.Conv2d(latent_channels[0], width, 3, padding=1)
        self.down = nn.ModuleList([block(width, over_frames=True), block(width, over_frames=True)])
        self.join = zero_init(nn.Conv2d(width, inner, 3, stride=2, padding=1))
        self.rise = nn.Conv2d(inner, width, 3, padding=1)
        self.up = nn.ModuleList(
            [
                block(2 * width, over_frames=False),
                block(2 * width, over_frames=True),
                block(width, over_frames=False),
            ]
        )
        self.out = nn.Sequential(
            group_norm(width, groups, 1e-5),
            nn.SiLU(),
            zero_init(nn.Conv2d(width, latent_channels[1], 3, padding=1)),
        )

    def enter(self, latents: Tensor, added: Tensor | None, cond: Conditioning) -> tuple[list[Tensor], Tensor]:
        """The skips of its blocks, and what is added to the first features of the level inside.

        latents (b f) c h w; `added`: what the level around this one adds to its own first features.
        """
        x = token_layout(self.first(latents))
        if added is not None:
            x = x + added
        skips = []
        for block in self.down:
            x = block(x, cond)
            skips.append(x)
        return skips, self.join(x)

    def leave(self, features: Tensor, skips: list[Tensor], cond: Conditioning) -> Tensor:
        """The level's last features, from those of the level inside."""
        h, w = skips[-1].shape[-2:]

        def rise(x: Tensor) -> Tensor:
            size = (2 * x.shape[-2], 2 * x.shape[-1])
            return upsample_conv(image_layout(x), self.rise, size)[..., :h, :w]

        x = apply_by_frames(rise, features, cond)
        x = self.up[0](torch.cat([x, skips[1]], dim=1), cond)
        x = self.up[1](torch.cat([x, skips[0]], dim=1), cond)
        return self.up[2](x, cond)
