"""Decodes pictures in overlapping tiles, where a whole one does not fit into memory.

Tiles overlap by a quarter and are blended linearly. This is approximate: the decoder's group norms and its
attention see a tile instead of the picture, so that a tile's tone is a little off, and the blend makes a
slope of it. A decoder without norms and attention gives the same as for the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def decode_in_tiles(decode: Callable[[Tensor], Tensor], latents: Tensor, tile: int, factor: int) -> Tensor:
    """`decode(latents)` of (n, c, h, w) in tiles of `tile` latents a side; it enlarges by `factor`."""
    n, _, h, w = latents.shape
    overlap = max(1, tile // 4)
    total: Tensor | None = None
    weights = torch.zeros(h * factor, w * factor, device=latents.device)
    for top in tile_starts(h, tile, overlap):
        for left in tile_starts(w, tile, overlap):
            if latents.is_meta and total is not None:
                continue  # without numbers every tile takes as much memory as the first
            part = decode(latents[:, :, top : top + tile, left : left + tile])
            high, wide = part.shape[-2:]
            weight = _ramp(high, overlap * factor)[:, None] * _ramp(wide, overlap * factor)
            weight = weight.to(latents.device)
            if total is None:
                shape = (n, part.shape[1], h * factor, w * factor)
                total = torch.zeros(shape, device=latents.device)
            y, x = top * factor, left * factor
            total[:, :, y : y + high, x : x + wide] += part * weight
            weights[y : y + high, x : x + wide] += weight
    assert total is not None
    return (total / weights).to(latents.dtype)


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """The first latents of the tiles along an axis, evenly spaced, overlapping by `overlap` at least."""
    if length <= tile:
        return [0]
    last = -(-(length - tile) // (tile - overlap))
    return [i * (length - tile) // last for i in range(last + 1)]


def _ramp(length: int, overlap: int) -> Tensor:
    """Weights that rise over the overlap at both ends; without a neighbour they cancel out."""
    rise = torch.arange(1, length + 1) / (overlap + 1)
    return torch.minimum(rise, rise.flip(0)).clamp(max=1.0)
