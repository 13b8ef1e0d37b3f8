"""A small picture in the terminal: coloured half blocks, two rows of pixels a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 40  # about how wide one is


def half_blocks(picture: NDArray[np.uint8]) -> str:
    """A picture (h, w, 3) as lines of half blocks in ANSI colours; a small one is enlarged."""
    scale = max(1, CELLS // picture.shape[1])
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    if len(large) % 2:
        large = np.concatenate([large, large[-1:]])
    lines = []
    for upper, lower in zip(large[::2], large[1::2], strict=True):
        cells = [
            "\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*top, *bottom)
            for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True)
        ]
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)
