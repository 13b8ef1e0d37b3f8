"""Upscalers, which enlarge drawn frames with clean edges, and the choice between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import user_files
from flows.studio.media.clips import Frames
from flows.studio.workspace.files import hash_if_present
from scripts_llm.screenplay.video import Video

MAX_DOUBLINGS = 3
SMALLEST = (112, 64)  # width and height of frames by the first TOON
ENOUGH = 1.5  # frames are doubled until at most this factor is left to resize by Lanczos


@dataclass(frozen=True)
class Upscaler:
    """A way to enlarge drawn frames.

    `name` stands in recipes. `enlarge` maps a uint8 frame (h, w, 3) and a number of doublings to a frame
    `2 ** doublings` times as high and wide; without it, frames are resized by Lanczos alone. It doubles
    `most` times at most, and Lanczos does the rest.
    """

    name: str
    enlarge: Callable[[Frames, int], Frames] | None
    most: int = MAX_DOUBLINGS


def default_upscaler() -> Upscaler:
    """ACNet if the extra `anime4k` is installed, else Lanczos."""
    return ACNET if find_spec("pyanime4k") else LANCZOS


def upscaler_for(doublings: int) -> Upscaler:
    """The upscaler of drawn frames that are to be doubled so often.

    Four times is what Real-ESRGAN's network for animated films was trained for, and its lines and flats are
    cleaner than those of ACNet that is asked twice or three times (docs/finishing.md).
    """
    return ANIME_VIDEO if doublings >= ANIME_VIDEO.most else default_upscaler()


def default_for(size: tuple[int, int]) -> str | None:
    """What the recipes of segments of `size` (width, height) call the upscaler, if it is not ACNet.

    Frames by the first TOON are the smallest. A film in which they are doubled twice has never named it.
    """
    return ANIME_VIDEO.name if doublings_for(SMALLEST, size) > ANIME_VIDEO.most else None


def locate_network(video: Video, places: Sequence[Path]) -> Video:
    """The settings with the whole path of a person's network. Raises StudioError if it is in no place."""
    if video.upscale is None:
        return video
    path = user_files.locate(video.upscale, places, where="video.upscale").absolute()
    return video.model_copy(update={"upscale": str(path)})


def own_upscaler(path: Path) -> Upscaler:
    """A person's network, known by its file's content; `check_upscaler` says whether it can be loaded.

    Raises StudioError for a file that is not there.
    """
    content = hash_if_present(path)
    if content is None:
        raise StudioError(f"video.upscale: {path}: not there", code=2)

    def enlarge(frame: Frames, _: int) -> Frames:
        return _open_own(path)(frame)

    return Upscaler(f"{path.stem}-{content[:8]}", enlarge)


def check_upscaler(path: Path) -> None:
    """Raises StudioError if a person's network cannot be loaded."""
    _open_own(path)


def _open_own(path: Path) -> Callable[[Frames], Frames]:
    from t2v.enlarge import load_own_enlarger  # needs torch
    from t2v.errors import T2VError

    try:
        return load_own_enlarger(path)
    except T2VError as error:
        raise StudioError(f"video.upscale: {error}", code=2) from error


def describe_fallback(doublings: int) -> str | None:
    """One line for people if Lanczos stands in for ACNet where drawn frames are to be doubled, else None."""
    if not doublings or upscaler_for(doublings) is not LANCZOS:
        return None
    return "drawn pictures are enlarged by Lanczos; `pip install pyanime4k` gives them cleaner edges"


def doublings_for(size: tuple[int, int], target: tuple[int, int]) -> int:
    """How often a frame of `size` (width, height) is doubled before it is resized to `target`: 0 to 3."""
    scale = max(target[0] / size[0], target[1] / size[1])
    return min(MAX_DOUBLINGS, max(0, math.ceil(math.log2(scale / ENOUGH))))


def upscale_frame(frame: Frames, doublings: int, upscaler: Upscaler) -> Frames:
    """The frame (h, w, 3) doubled so often; as it is by an upscaler that doubles nothing."""
    if not doublings or upscaler.enlarge is None:
        return frame
    return upscaler.enlarge(np.ascontiguousarray(frame), min(doublings, upscaler.most))


def _acnet(frame: Frames, doublings: int) -> Frames:
    for _ in range(doublings):
        frame = _network()(np.ascontiguousarray(frame), 2.0)
    return frame


def _anime_video(frame: Frames, doublings: int) -> Frames:
    from t2v.enlarge import SCALE, enlarge  # needs torch

    if 2**doublings != SCALE:
        raise ValueError(f"wanted {SCALE} times the size, got {2**doublings}")
    return enlarge(frame)


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
ANIME_VIDEO = Upscaler("realesr-animevideov3", _anime_video, most=2)
LANCZOS = Upscaler("lanczos", None)
