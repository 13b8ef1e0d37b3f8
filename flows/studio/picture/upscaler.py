"""Upscalers, which double drawn frames with clean edges, and the choice between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media.clips import Frames

MAX_DOUBLINGS = 3
ENOUGH = 1.5  # frames are doubled until at most this factor is left to resize by Lanczos


@dataclass(frozen=True)
class Upscaler:
    """A way to enlarge drawn frames.

    `name` stands in recipes. `double` maps uint8 (h, w, 3) to (2h, 2w, 3); without it, frames are resized by
    Lanczos alone.
    """

    name: str
    double: Callable[[Frames], Frames] | None


def default_upscaler() -> Upscaler:
    """ACNet if the extra `anime4k` is installed, else Lanczos."""
    return ACNET if find_spec("pyanime4k") else LANCZOS


def describe_fallback() -> str | None:
    """One line for people if Lanczos stands in for ACNet, else None."""
    if default_upscaler() is ACNET:
        return None
    return "drawn pictures are enlarged by Lanczos; `pip install pyanime4k` gives them cleaner edges"


def doublings_for(size: tuple[int, int], target: tuple[int, int]) -> int:
    """How often a frame of `size` (width, height) is doubled before it is resized to `target`: 0 to 3."""
    scale = max(target[0] / size[0], target[1] / size[1])
    return min(MAX_DOUBLINGS, max(0, math.ceil(math.log2(scale / ENOUGH))))


def upscale_frame(frame: Frames, doublings: int, upscaler: Upscaler) -> Frames:
    """The frame (h, w, 3) doubled so often; as it is by an upscaler that doubles nothing."""
    for _ in range(doublings if upscaler.double is not None else 0):
        assert upscaler.double is not None
        frame = upscaler.double(np.ascontiguousarray(frame))
    return frame


def _acnet(frame: Frames) -> Frames:
    doubled: Frames = _network()(frame, 2.0)
    return doubled


@lru_cache(maxsize=1)
def _network() -> Any:
    """pyanime4k's ACNet on the CPU. An unknown name would silently be another network, so it is looked up."""
    import pyanime4k  # loads its binary library

    if ACNET.name not in pyanime4k.pyac.specs.ModelNameList:
        raise StudioError(f"pyanime4k has no network {ACNET.name!r}; install pyanime4k 3.1")
    network = pyanime4k.Processor(processor_type="cpu", device=0, model=ACNET.name)
    if not network.ok():
        raise StudioError(f"pyanime4k does not start: {network.error()}")
    return network


ACNET = Upscaler("acnet-hdn0", _acnet)
LANCZOS = Upscaler("lanczos", None)
