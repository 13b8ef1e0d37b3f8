"""Levels without attention around a UNet, which film twice the side for a third of its work.

The network inside sees the latents averaged over 2x2 places. A level's own last layers begin at zero, so a
fresh one predicts what the network inside predicts, enlarged.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.networks.conditioning import Conditioning, apply_by_frames
from t2v.networks.kernels import image_layout, token_layout, upsample_conv
from t2v.networks.layers import ResBlock, group_norm, zero_init


def average_2x2(x: Tensor) -> Tensor:
    """The means of 2x2 places: (n, c, h, w) to (n, c, ceil(h / 2), ceil(w / 2))."""
    return F.avg_pool2d(x, 2, ceil_mode=True)


def enlarge_2x2(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Each place as 2x2 equal ones, cut to `size` (height, width)."""
    return F.interpolate(x, scale_factor=2, mode="nearest")[..., : size[0], : size[1]]


class Enlarge(nn.Conv2d):
    """2x2 nearest neighbours, then the convolution, cut to `size` (height, width)."""

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:  # type: ignore[override]
        h, w = size
        return upsample_conv(image_layout(x), self, (2 * x.shape[-2], 2 * x.shape[-1]))[..., :h, :w]


class OuterLevel(nn.Module):
    """Two residual blocks down, and three up with skips across; `inner` is the width of the level inside.

    With `temporal` the two blocks down and the second one up have convolutions over the frames.
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
        self.rise = Enlarge(inner, width, 3, padding=1)
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
        """The features after each block down, and what the level inside adds to its first features.

        latents (b f) c h w; `added`: what this level adds to its own, from the level around it.
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
        """The level's last features, from those of the level inside and from `enter`'s."""
        h, w = skips[-1].shape[-2:]
        x = apply_by_frames(lambda x: self.rise(x, (h, w)), features, cond)
        x = self.up[0](torch.cat([x, skips[1]], dim=1), cond)
        x = self.up[1](torch.cat([x, skips[0]], dim=1), cond)
        return self.up[2](x, cond)
