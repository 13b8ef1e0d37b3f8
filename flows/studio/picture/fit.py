"""Fits a clip's small frames into the film's size and shape."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from flows.studio.media.clips import Frames
from flows.studio.picture.upscaler import doublings_for, upscale_frame, upscaler_for
from flows.studio.timeline.model import Framing

STRETCH = 1.02  # a shape that differs by less is stretched: nobody sees it, and no head is cropped
HEADS = 0.35  # of what a crop takes away at top and bottom, this share goes at the top
SCREEN_TOP = 150 / 1280  # of a tall film: under the apps' own bar, over the captions


def fit_frames(frames: Frames, *, width: int, height: int, is_drawn: bool = True) -> Frames:
    """Frames (f, h, w, 3) at (f, height, width, 3), each as `fit_frame` does it."""
    out = np.empty((len(frames), height, width, 3), np.uint8)
    for i, frame in enumerate(frames):
        out[i] = fit_frame(frame, width=width, height=height, is_drawn=is_drawn)
    return out


def fit_frame(
    frame: Frames,
    *,
    width: int,
    height: int,
    framing: Framing = "blur",
    is_drawn: bool = True,
    upscaled: Frames | None = None,
) -> Frames:
    """One frame (h, w, 3) at (height, width, 3).

    A shape that differs by up to 2 % is stretched (224 × 128 into 16:9 is 1.6 %). Any other is seen whole on
    its own blurred enlargement (blur) or on black (letterbox), or fills the frame cropped, a little above its
    middle, where the heads are (crop). A drawn frame is enlarged by the upscaler, any other by Lanczos alone;
    `upscaled` is the same frame from the upscaling step.
    """
    if framing == "crop" and not _is_alike(frame, width, height):
        return _resized(_cropped(frame, width / height), width, height, is_drawn)
    inner = picture_size((frame.shape[1], frame.shape[0]), (width, height))
    picture = _resized(frame if upscaled is None else upscaled, *inner, is_drawn and upscaled is None)
    if inner == (width, height):
        return picture
    left = (width - inner[0]) // 2
    room = height - inner[1]
    is_tall = framing == "blur" and room > 2 * height * SCREEN_TOP
    top = round(height * SCREEN_TOP) if is_tall else room // 2
    black = np.zeros((height, width, 3), np.uint8)
    out = _backdrop(frame, width, height) if framing == "blur" else black
    out[top : top + inner[1], left : left + inner[0]] = picture
    return out


def picture_size(frame_size: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a whole frame in a film of `size`: the film's own if their shapes are alike."""
    (frame_width, frame_height), (width, height) = frame_size, size
    shape = (frame_width / frame_height) / (width / height)
    if 1 / STRETCH <= shape <= STRETCH:
        return size
    scale = min(width / frame_width, height / frame_height)
    return _even(frame_width * scale), _even(frame_height * scale)


def _is_alike(frame: Frames, width: int, height: int) -> bool:
    return picture_size((frame.shape[1], frame.shape[0]), (width, height)) == (width, height)


def _cropped(frame: Frames, shape: float) -> Frames:
    """The largest part of a frame that has this shape (width by height)."""
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


def _resized(frame: Frames, width: int, height: int, is_drawn: bool) -> Frames:
    """A drawn frame doubled to at least two thirds of the size, then any frame resized to it by Lanczos.

    The upscalers' networks are for drawings; they make skin and leaves into flat patches with outlines.
    """
    if is_drawn:
        doublings = doublings_for((frame.shape[1], frame.shape[0]), (width, height))
        frame = upscale_frame(frame, doublings, upscaler_for(doublings))
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
