"""Enlarging: a clip's small frames become the film's, drawn ones with clean edges, and nothing cropped."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from flows.studio.errors import StudioError
from flows.studio.media.clips import Frames
from flows.studio.timeline.model import Framing

NETWORK = "acnet-hdn0"
STRETCH = 1.02  # a shape that differs by less is stretched: nobody sees it, and no head is cropped
HEADS = 0.35  # of what a crop takes away at top and bottom, this share goes at the top
SCREEN_TOP = 150 / 1280  # of a tall film: under the apps' own bar, over the captions


def enlarge(frames: Frames, *, width: int, height: int, is_drawn: bool = True) -> Frames:
    """`frames` (f, h, w, 3) at (f, height, width, 3): the whole picture, filling the frame.

    Up to 2 % of difference in shape is stretched away (112 × 64 into 16:9 is 1.6 %). Any other shape stands
    whole on its own blurred enlargement.
    """
    out = np.empty((len(frames), height, width, 3), np.uint8)
    for i, frame in enumerate(frames):
        out[i] = enlarge_frame(frame, width=width, height=height, is_drawn=is_drawn)
    return out


def enlarge_frame(
    frame: Frames, *, width: int, height: int, framing: Framing = "blur", is_drawn: bool = True
) -> Frames:
    """One frame (h, w, 3) at (height, width, 3): a drawn one by the network, any other by Lanczos alone.

    One of another shape stands whole on its own blurred enlargement, or whole on black (letterbox), or fills
    the frame cropped, a little above its middle, where the heads are.
    """
    shape = (frame.shape[1] / frame.shape[0]) / (width / height)
    if 1 / STRETCH <= shape <= STRETCH:
        return _sharp(frame, width, height, is_drawn)
    if framing == "crop":
        return _sharp(_cropped(frame, width / height), width, height, is_drawn)
    scale = min(width / frame.shape[1], height / frame.shape[0])
    inner = _even(frame.shape[1] * scale), _even(frame.shape[0] * scale)
    picture = _sharp(frame, *inner, is_drawn)
    left = (width - inner[0]) // 2
    room = height - inner[1]
    is_tall = framing == "blur" and room > 2 * height * SCREEN_TOP
    top = round(height * SCREEN_TOP) if is_tall else room // 2
    black = np.zeros((height, width, 3), np.uint8)
    out = _backdrop(frame, width, height) if framing == "blur" else black
    out[top : top + inner[1], left : left + inner[0]] = picture
    return out


def _cropped(frame: Frames, shape: float) -> Frames:
    """The largest piece of a frame that has this shape (width by height)."""
    height, width = frame.shape[:2]
    if width / height > shape:
        kept = max(1, round(height * shape))
        left = (width - kept) // 2
        return frame[:, left : left + kept]
    kept = max(1, round(width / shape))
    top = round((height - kept) * HEADS)
    return frame[top : top + kept]


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _sharp(frame: Frames, width: int, height: int, is_drawn: bool) -> Frames:
    """Doubled by the network until at least two thirds of the size, if drawn, then resized to it exactly.

    The network is trained on drawings; it makes skin and leaves into flat patches with outlines.
    """
    doublings = max(0, math.ceil(math.log2(max(width / frame.shape[1], height / frame.shape[0]) / 1.5)))
    for _ in range(min(doublings, 3) if is_drawn else 0):
        frame = _network()(np.ascontiguousarray(frame), 2.0)
    if frame.shape[:2] == (height, width):
        return frame
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS))


def _backdrop(frame: Frames, width: int, height: int) -> Frames:
    """The frame, cropped to the shape of the film, blurred, a little darker."""
    picture = Image.fromarray(frame)
    scale = max(width / picture.width, height / picture.height)
    cut_width, cut_height = width / scale, height / scale
    box = (
        (picture.width - cut_width) / 2,
        (picture.height - cut_height) / 2,
        (picture.width + cut_width) / 2,
        (picture.height + cut_height) / 2,
    )
    small = picture.resize((max(1, width // 16), max(1, height // 16)), Image.Resampling.BILINEAR, box=box)
    soft = ImageEnhance.Brightness(small.filter(ImageFilter.GaussianBlur(3))).enhance(0.72)
    return np.array(soft.resize((width, height), Image.Resampling.BICUBIC))


@lru_cache(maxsize=1)
def _network() -> Any:
    """pyanime4k's ACNet on the CPU. An unknown name would silently be another network, so it is looked up."""
    import pyanime4k

    if NETWORK not in pyanime4k.pyac.specs.ModelNameList:
        raise StudioError(f"pyanime4k has no network {NETWORK!r}; install pyanime4k 3.1")
    network = pyanime4k.Processor(processor_type="cpu", device=0, model=NETWORK)
    if not network.ok():
        raise StudioError(f"pyanime4k does not start: {network.error()}")
    return network
