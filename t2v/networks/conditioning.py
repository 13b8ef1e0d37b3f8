"""The input of the UNet's layers besides the latents: conditioning, layer options, chunks, the memo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Once = Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]  # (function, x) -> function(x)


class Memo:
    """Caches functions of tensors by identity, the last two tensors of each function.

    It serves a text's keys and values over all steps of a clip, and the timestep's embedding in both branches
    of guidance.
    """

    def __init__(self) -> None:
        self._results: dict[Callable[[Tensor], Tensor], list[tuple[Tensor, Tensor]]] = {}

    def __call__(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        results = self._results.setdefault(function, [])
        for known, result in results:
            if known is x:
                return result
        results.append((x, function(x)))
        del results[:-2]
        return results[-1][1]


def compute_always(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Replaces a memo where nothing may be cached, as in training."""
    return function(x)


@dataclass(frozen=True)
class Chunks:
    """How much a layer takes at once; None is all. Chunks take less memory and give the same results.

    Spatial layers take `frames` frames, a temporal transformer as many tokens; a feed-forward takes `rows`
    tokens.
    """

    frames: int | None = None
    rows: int | None = None


WHOLE = Chunks()  # everything at once


@dataclass(frozen=True)
class LayerOptions:
    """How the layers of one pass run.

    `chunks`: how much a layer takes at once. `still`: layers over frames are left out, so that every frame is
    a picture of its own. `ring`: the clip is a loop, where the last frame is the first one's neighbour.
    `outer_levels`: how many of them run, from the inside out; None is all.
    """

    chunks: Chunks = WHOLE
    still: bool = False
    ring: bool = False
    outer_levels: int | None = None


DEFAULT = LayerOptions()


@dataclass(frozen=True)
class Conditioning:
    """The second argument of every layer of the UNet."""

    time_emb: Tensor  # b d
    text: Tensor  # b l d, or (b f) l d where every frame has a text of its own
    num_frames: int
    size: tuple[int, int] | None = None  # height and width that an upsampling layer has to reach
    once: Once = compute_always
    options: LayerOptions = DEFAULT


def apply_by_frames(layer: Callable[..., Tensor], x: Tensor, cond: Conditioning, *others: Tensor) -> Tensor:
    """`layer(x, *others)` on a few frames of (b f) c h w at once; others have a row a frame or a clip."""
    f, step = cond.num_frames, cond.options.chunks.frames
    if step is None or step >= f:
        return layer(x, *others)
    out: Tensor | None = None
    for clip in range(len(x) // f):
        for first in range(clip * f, (clip + 1) * f, step):
            if x.is_meta and out is not None:
                break  # without numbers every chunk takes as much memory as the first
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
    """`function(x)` on `size` rows at once, for a function of single rows that keeps their shape."""
    if size is None or size >= len(x):
        return function(x)
    out: Tensor | None = None
    for first in range(0, len(x), size):
        if x.is_meta and out is not None:
            break  # as above
        part = function(x[first : first + size])
        if out is None:
            out = x.new_empty(len(x), *part.shape[1:])
        out[first : first + size] = part
    assert out is not None
    return out
