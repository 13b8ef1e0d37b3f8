"""Interpolation: frames between a clip's frames, so that 8 a second become the film's 24."""

from __future__ import annotations

import numpy as np

from flows.studio.media import ffmpeg
from flows.studio.media.clips import Frames
from flows.studio.rates import CLIP_HOLD, FPS

# Motion both ways, in overlapping blocks; where the picture changes at once nothing is put between.
_FILTER = f"minterpolate=fps={FPS}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1"
_PADDING = 2  # the filter wants frames before and after those that it works on


def interpolate(frames: Frames) -> Frames:
    """Puts two frames between each of `frames` (f, h, w, 3) and the next: (3f, h, w, 3); the last is held.

    The clip's own frames are kept as they are. By ffmpeg's minterpolate, which follows slow, large motion and
    smears fast or small motion.
    """
    num_frames, height, width = frames.shape[:3]
    held = np.repeat(frames, CLIP_HOLD, axis=0)
    if num_frames < 2:
        return held
    padded = np.pad(frames, ((_PADDING, _PADDING), (0, 0), (0, 0), (0, 0)), mode="edge")
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    source = [*raw, "-r", str(FPS // CLIP_HOLD), "-i", "-"]
    shape = ["-vf", f"format=yuv444p,{_FILTER},format=rgb24", "-fps_mode", "passthrough"]
    stream = ffmpeg.run(
        [*source, *shape, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        doing="putting frames between a clip's frames",
        stdin=padded.tobytes(),
    )
    found = np.frombuffer(stream, np.uint8).reshape(-1, height, width, 3)
    first = _PADDING * CLIP_HOLD
    between = found[first : first + (num_frames - 1) * CLIP_HOLD]
    held[: len(between)] = between
    held[::CLIP_HOLD] = frames
    return held
