"""Effects and transitions on the picture of one span: fades, dissolves, zoom, shake, mirror and colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.studio.media.clips import Frames
from flows.studio.rates import FPS
from flows.studio.timeline.model import EffectCue, PictureCut, Span, Timeline, Transition

FrameSource = Callable[[int], Frames]  # a frame's number in the span -> uint8 (h, w, 3)
_Picture = NDArray[Any]  # a frame while effects are applied to it: uint8 or float, 0 to 255, (h, w, 3)
_Layer = Callable[[int], _Picture]

ZOOM = 1.15  # how much larger the picture is at the end
SHAKE = 1.0  # times 1.2 % of the height
_SWAY = 0.012
_MARGIN = 1.04  # a shaken picture is this much larger, so that no edge is seen


def cues_in_span(timeline: Timeline, span: Span) -> tuple[tuple[EffectCue, ...], tuple[Transition, ...]]:
    """The effects and transitions of a span."""
    effects = tuple(cue for cue in timeline.effects if span.start <= cue.start < span.end)
    joins = tuple(cue for cue in timeline.transitions if span.start <= cue.start < span.end)
    return effects, joins


def apply_effects(
    source: FrameSource, timeline: Timeline, span: Span, *, picture: Callable[[PictureCut, int], Frames]
) -> FrameSource:
    """The frames of a span with its effects and transitions, in the order of the timeline.

    `picture` draws a frame of a cut by its number since the cut's start: a dissolve needs those of the span
    before.
    """
    effects, joins = cues_in_span(timeline, span)
    if not effects and not joins:
        return source
    num_frames = span.end - span.start
    frames: _Layer = source
    for effect in effects:
        frames = _with_effect(frames, effect, num_frames)
    for join in joins:
        frames = _with_transition(frames, join, span, picture)
    return lambda number: np.asarray(frames(number), np.uint8)


def _with_effect(frames: _Layer, cue: EffectCue, num_frames: int) -> _Layer:
    seconds = (cue.end - cue.start) / FPS
    match cue.name:
        case "fade_in":
            return _fade_in(frames, seconds)
        case "fade_out":
            return _fade_out(frames, seconds, num_frames)
        case "black_and_white":
            return lambda number: _grey(frames(number))
        case "mirror":
            return lambda number: frames(number)[:, ::-1]
        case "negative":
            return lambda number: 255 - frames(number)
        case "shake":
            sway = _SWAY * (SHAKE if cue.amount is None else cue.amount)
            return lambda number: _shaken(frames(number), number, sway)
        case _:
            most = ZOOM if cue.amount is None else cue.amount
            return lambda number: _zoomed(frames(number), _scale(most, number / FPS / seconds))


def _fade_in(frames: _Layer, seconds: float) -> _Layer:
    """Rises out of black within the first `seconds`."""

    def faded(number: int) -> _Picture:
        time = number / FPS
        return frames(number) if time >= seconds else frames(number) * (time / seconds)

    return faded


def _fade_out(frames: _Layer, seconds: float, num_frames: int) -> _Layer:
    """Sinks into black within the last `seconds`; black itself would be the frame after the last."""

    def faded(number: int) -> _Picture:
        left = num_frames / FPS - number / FPS
        return frames(number) if left >= seconds else frames(number) * (left / seconds)

    return faded


def _grey(frame: _Picture) -> _Picture:
    """The mean of red, green and blue, three times."""
    third = 1.0 / 3
    grey = third * frame[:, :, 0] + third * frame[:, :, 1] + third * frame[:, :, 2]
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _scale(most: float, share: float) -> float:
    """From 1 to `most`; a number under 1 begins near and goes back."""
    first, last = (1.0, most) if most >= 1 else (1 / most, 1.0)
    eased = 0.5 - 0.5 * math.cos(math.pi * min(1.0, share))
    return first + (last - first) * eased


def _zoomed(frame: _Picture, scale: float, x: float = 0.0, y: float = 0.0) -> Frames:
    """The middle of the frame, moved by `x` and `y` pixels, enlarged to the whole frame."""
    height, width = frame.shape[:2]
    inner_width, inner_height = width / scale, height / scale
    left = min(max((width - inner_width) / 2 + x, 0.0), width - inner_width)
    top = min(max((height - inner_height) / 2 + y, 0.0), height - inner_height)
    box = (left, top, left + inner_width, top + inner_height)
    image = Image.fromarray(np.asarray(frame, np.uint8))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box))


def _shaken(frame: _Picture, number: int, sway: float) -> Frames:
    """A frame as from a hand-held camera: two slow swings and a fast one, never the same twice in a row."""
    far = sway * frame.shape[0]
    x = far * (0.6 * math.sin(number * 1.31) + 0.4 * math.sin(number * 2.87 + 1))
    y = far * (0.6 * math.sin(number * 1.73 + 2) + 0.4 * math.sin(number * 3.11))
    return _zoomed(frame, max(_MARGIN, 1 + 2.2 * sway), x, y)


def _with_transition(
    frames: _Layer, join: Transition, span: Span, picture: Callable[[PictureCut, int], Frames]
) -> _Layer:
    seconds = (join.end - join.start) / FPS
    if join.kind == "fade_in":
        return _fade_in(frames, seconds)
    if join.kind == "fade_out":
        return _fade_out(frames, seconds, span.end - span.start)

    def blended(number: int) -> _Picture:
        now = span.start + number
        before = _at(join.tail, now)
        if before is None:
            return frames(number)
        share = (now - join.start + 1) / (join.end - join.start + 1)
        old = picture(before, now - before.start).astype(np.float32)
        return np.rint(old + (frames(number) - old) * share).astype(np.uint8)

    return blended


def _at(cuts: Sequence[PictureCut], now: int) -> PictureCut | None:
    return next((cut for cut in cuts if cut.start <= now < cut.end), None)
