"""Effects and transitions: what is done to the picture of one scene, made by moviepy on that scene alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from flows.studio.media.clips import Frames
from flows.studio.rates import FPS
from flows.studio.timeline.model import EffectCue, PictureCut, Span, Timeline, Transition

FrameSource = Callable[[int], Frames]  # a frame's number in the span -> (h, w, 3)

ZOOM = 1.15  # how much larger the picture is at the end
SHAKE = 1.0  # times 1.2 % of the height
_SWAY = 0.012
_MARGIN = 1.04  # a shaken picture is this much larger, so that no edge is seen


def cues_in_span(timeline: Timeline, span: Span) -> tuple[tuple[EffectCue, ...], tuple[Transition, ...]]:
    """The effects and transitions that lie in a span."""
    effects = tuple(cue for cue in timeline.effects if span.start <= cue.start < span.end)
    joins = tuple(cue for cue in timeline.transitions if span.start <= cue.start < span.end)
    return effects, joins


def apply_effects(
    reel: FrameSource, timeline: Timeline, span: Span, *, picture: Callable[[PictureCut, int], Frames]
) -> FrameSource:
    """The span's pictures with its effects and transitions; `picture` draws a frame of a cut to dissolve."""
    effects, joins = cues_in_span(timeline, span)
    if not effects and not joins:
        return reel
    from moviepy import VideoClip

    num_frames = span.end - span.start
    clip = VideoClip(lambda t: reel(min(num_frames - 1, round(t * FPS))), duration=num_frames / FPS)
    for effect in effects:
        clip = _with_effect(clip, effect)
    for join in joins:
        clip = _with_transition(clip, join, span, picture)
    return lambda number: np.asarray(clip.get_frame(number / FPS), np.uint8)


def _with_effect(clip: Any, cue: EffectCue) -> Any:
    from moviepy import vfx

    seconds = (cue.end - cue.start) / FPS
    made = {
        "fade_in": lambda: vfx.FadeIn(seconds),
        "fade_out": lambda: vfx.FadeOut(seconds),
        "black_and_white": vfx.BlackAndWhite,
        "mirror": vfx.MirrorX,
        "negative": vfx.InvertColors,
    }
    if cue.name in made:
        return clip.with_effects([made[cue.name]()])
    if cue.name == "shake":
        sway = _SWAY * (SHAKE if cue.amount is None else cue.amount)
        return clip.transform(lambda frame, t: _shaken(frame(t), round(t * FPS), sway))
    most = ZOOM if cue.amount is None else cue.amount
    return clip.transform(lambda frame, t: _zoomed(frame(t), _scale(most, t / seconds)))


def _scale(most: float, share: float) -> float:
    """From 1 to `most`; a number under 1 begins near and goes back."""
    first, last = (1.0, most) if most >= 1 else (1 / most, 1.0)
    eased = 0.5 - 0.5 * math.cos(math.pi * min(1.0, share))
    return first + (last - first) * eased


def _zoomed(frame: Frames, scale: float, x: float = 0.0, y: float = 0.0) -> Frames:
    """The middle of the frame, moved by `x` and `y` pixels, enlarged to all of it."""
    height, width = frame.shape[:2]
    inner_width, inner_height = width / scale, height / scale
    left = min(max((width - inner_width) / 2 + x, 0.0), width - inner_width)
    top = min(max((height - inner_height) / 2 + y, 0.0), height - inner_height)
    box = (left, top, left + inner_width, top + inner_height)
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC, box=box))


def _shaken(frame: Frames, number: int, sway: float) -> Frames:
    """As from a hand: two slow swings and a fast one, never the same twice in a row."""
    far = sway * frame.shape[0]
    x = far * (0.6 * math.sin(number * 1.31) + 0.4 * math.sin(number * 2.87 + 1))
    y = far * (0.6 * math.sin(number * 1.73 + 2) + 0.4 * math.sin(number * 3.11))
    return _zoomed(frame, max(_MARGIN, 1 + 2.2 * sway), x, y)


def _with_transition(
    clip: Any, join: Transition, span: Span, picture: Callable[[PictureCut, int], Frames]
) -> Any:
    from moviepy import vfx

    seconds = (join.end - join.start) / FPS
    if join.kind != "dissolve":
        return clip.with_effects([vfx.FadeIn(seconds) if join.kind == "fade_in" else vfx.FadeOut(seconds)])

    def blended(frame: Callable[[float], Frames], t: float) -> Frames:
        now = span.start + round(t * FPS)
        before = _at(join.tail, now)
        if before is None:
            return frame(t)
        share = (now - join.start + 1) / (join.end - join.start + 1)
        old = picture(before, now - before.start).astype(np.float32)
        return np.asarray(np.rint(old + (frame(t) - old) * share), np.uint8)

    return clip.transform(blended)


def _at(cuts: Sequence[PictureCut], now: int) -> PictureCut | None:
    return next((cut for cut in cuts if cut.start <= now < cut.end), None)
