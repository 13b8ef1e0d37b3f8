"""The rates of clips: eight frames a second, by which the cut counts, and the timeline's own 24.

A clip of eight frames a second is stored as it was filmed; each frame is held for three of the timeline's.
Every other one is converted once, as it is stored, to the timeline's 24, and has `full_frames` in its notes
beside `num_frames`, which counts eighths of a second. Framing counts in eighths all the same; `at_full_rate`
puts the frames between them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from flows.studio.media.clips import Frames, iter_frames, write_clip
from flows.studio.rates import CLIP_HOLD, FPS
from flows.studio.workspace.files import read_json

CLIP_FPS = FPS // CLIP_HOLD
PAL = 25  # frames a second, that play at 24 one for one, as cinema films in PAL countries play at 25


def timeline_frames(num_frames: int, fps: float) -> tuple[int, ...]:
    """The numbers of a clip's frames that the timeline shows one after the other, at the clip's own speed.

    16 a second are held for one frame and two in turn, of 30 every fifth is left out; 25 play one for one.
    """
    if num_frames < 1 or fps <= 0:
        raise ValueError(f"wanted frames and a rate, got {num_frames} at {fps}")
    rate = Fraction(FPS) if fps == PAL else Fraction(fps)
    length = max(1, round(num_frames * FPS / rate))
    return tuple(min(int(i * rate / FPS), num_frames - 1) for i in range(length))


def store_clip(frames: Frames, fps: float, path: Path) -> dict[str, Any]:
    """Writes frames (f, h, w, 3) uint8 of any rate as a clip, and returns the notes of its length.

    Raises StudioError for other frames.
    """
    if fps == CLIP_FPS:
        write_clip(frames, CLIP_FPS, path)
        return {"num_frames": len(frames), "fps": CLIP_FPS}
    numbers = timeline_frames(len(frames), fps)
    write_clip(frames, FPS, path, numbers=numbers)
    return {**full_rate_notes(len(numbers)), "fps": fps}


def full_rate_notes(num_frames: int) -> dict[str, int]:
    """The notes of a clip of so many frames at the timeline's rate."""
    return {"num_frames": -(-num_frames // CLIP_HOLD), "full_frames": num_frames}


def is_filmed_at_full_rate(clip: Path) -> bool:
    """Whether a stored clip is a film model's, of 24 frames a second; a person's file has no rate noted."""
    return {"full_frames", "fps"} <= _notes(clip).keys()


def _notes(clip: Path) -> Mapping[str, Any]:
    made = (read_json(clip.with_suffix(".json")) or {}).get("made")
    return made if isinstance(made, Mapping) else {}


def iter_at_clip_rate(clip: Path) -> Iterator[Frames]:
    """Reads eight frames a second of a clip, one after the other, at any rate of the clip."""
    return islice(iter_frames(clip), 0, None, CLIP_HOLD if "full_frames" in _notes(clip) else 1)


def at_full_rate(frames: Sequence[int], full_frames: int) -> tuple[int, ...]:
    """The clip's own 24 frames a second for a cut that counts eighths, forwards and backwards.

    An eighth that is held for more than three frames is a still picture or slow motion.
    """
    runs = [(index, len(list(run))) for index, run in groupby(frames)]
    usual = max(CLIP_HOLD, sorted(length for _, length in runs)[(len(runs) - 1) // 2]) if runs else 0
    found: list[int] = []
    for place, (index, length) in enumerate(runs):
        came_from = runs[place - 1][0] if place else None
        backwards = came_from == index + 1 or (place == 0 and runs[1:2] and runs[1][0] == index - 1)
        for step in range(length):
            offset = min(CLIP_HOLD - 1, step * CLIP_HOLD // min(usual, max(CLIP_HOLD, length)))
            offset = CLIP_HOLD - 1 - offset if backwards else offset
            found.append(min(index * CLIP_HOLD + offset, full_frames - 1))
    return tuple(found)
