"""What the layers of the UNet are told beside the picture, and how much of it they take at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Once = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]  # (function, x) -> function(x)


class Memo:
    """Functions of tensors that come again, computed once: a text's keys and values over all steps of a clip,
    the timestep's embedding in both branches of guidance. Remembers a function's last two tensors.
    """

    def __init__(self) -> None:
        self._seen: dict[Callable[[Tensor], Tensor], list[tuple[Tensor, Tensor]]] = {}

    def __call__(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        seen = self._seen.setdefault(function, [])
        for known, answer in seen:
            if known is x:
                return answer
        seen.append((x, function(x)))
        del seen[:-2]
        return seen[-1][1]


def compute_always(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What stands for a memo where nothing may be kept, as in training."""
    return function(x)


@dataclass(frozen=True)
class Chunks:
    """How much a layer takes at once; None is all. The results are the same, the memory is less.

    Spatial layers take `frames`; a temporal transformer takes the places that are as many tokens.
    `rows` are the tokens that a feed-forward widens at once.
    """

    frames: int | None = None
    rows: int | None = None


WHOLE = Chunks()  # everything at once


@dataclass(frozen=True)
class LayerOptions:
    """How the layers of one pass run.

    `chunks`: how much a layer takes at once. `still`: layers over frames are left out, so that every frame is
    a picture of its own. `ring`: the clip is a loop, where the last frame is the first one's neighbour.
    """

    chunks: Chunks = WHOLE
    still: bool = False
    ring: bool = False


DEFAULT = LayerOptions()


@dataclass(frozen=True)
class Conditioning:
    """What every layer of the UNet may read besides its input."""

    time_emb: Tensor  # b d
    text: Tensor  # b l d, or (b f) l d where every frame has a text of its own
    num_frames: int
    size: tuple[int, int] | None = None  # height and width that an upsampling layer has to reach
    once: Once = compute_always
    options: LayerOptions = DEFAULT


def apply_by_frames(layer: Callable[..., Tensor], x: Tensor, cond: Conditioning, *others: Tensor) -> Tensor:
    """`layer(x, *others)`, a few frames of (b f) c h w at once; others: one row a frame, or one a clip."""
    f, step = cond.num_frames, cond.options.chunks.frames
    if step is None or step >= f:
        return layer(x, *others)
    out: Tensor | None = None
    for clip in range(len(x) // f):
        for first in range(clip * f, (clip + 1) * f, step):
            if x.is_meta and out is not None:
                break  # a dry run: every piece takes what the first one takes
            here = slice(first, min(first + step, (clip + 1) * f))
            rows = [o[here] if len(o) == len(x) else o[clip : clip + 1] for o in others]
            part = layer(x[here], *rows)
            if out is None:
                out = torch.empty_strided(
                    (len(x), *part.shape[1:]), part.stride(), dtype=x.dtype, device=x.device
                )
            out[here] = part
    assert out is not None
    return out


def apply_by_rows(function: Callable[[Tensor], Tensor], x: Tensor, size: int | None) -> Tensor:
    """`function(x)`, `size` rows at once, where it takes every row for itself and keeps the shape."""
    if size is None or size >= len(x):
        return function(x)
    out: Tensor | None = None
    for first in range(0, len(x), size):
        if x.is_meta and out is not None:
            break  # a dry run, as above
        part = function(x[first : first + size])
        if out is None:
            out = x.new_empty(len(x), *part.shape[1:])
        out[first : first + size] = part
    assert out is not None
    return out
