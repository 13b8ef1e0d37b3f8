"""Checks an encoded film: it is decoded once and compared with the frames that were fed to the encoder.

A grid of points of every frame is enough to see missing frames, a second that is black or stands still while
the fed pictures are not and do not, and colours that were read by another matrix. Points of a fine regular
pattern may all lie on one of its colours, which the encoder mixes with those beside it: where points differ,
the mean colours of whole cells decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.media.clips import Frames
from flows.studio.rates import FPS

GRID = 32  # points across and down
CELLS_EVERY = 12  # frames: colours are wrong in all of them, or in none
MOST_COLOUR = 6  # of 255: how far the middle of all points may be from what was fed
_BLACK, _LIT = 8, 24  # the mean of a black frame is under the first, of one that is none over the second
_MOVED, _STILL = 40, 12  # of 255: what a point does that moves, and what one may do that stands still
_MOVED_SHARE = 0.02  # of the points: fewer is no motion that anybody misses


@dataclass
class Fed:
    """What was fed to an encoder: points of every frame, and mean colours of cells of some."""

    points: list[Frames] = field(default_factory=list)
    cells: list[Frames] = field(default_factory=list)

    def add(self, frame: Frames) -> None:
        """Notes the next frame, uint8 (h, w, 3)."""
        if len(self.points) % CELLS_EVERY == 0:
            cells = Image.fromarray(frame).resize((GRID, GRID), Image.Resampling.BOX)
            self.cells.append(np.asarray(cells))
        rows, columns = (((np.arange(GRID) + 0.5) * side / GRID).astype(int) for side in frame.shape[:2])
        self.points.append(frame[rows[:, None], columns])


def check_encode(film: Path, fed: Fed, *, name: Path) -> None:
    """Compares a film with what was `fed` to its encoder.

    Raises:
        StudioError: it differs; the message begins with `name`.
    """
    got = _decoded(film, "neighbor")
    if len(got) != len(fed.points):
        raise StudioError(
            f"{name}: wanted {len(fed.points)} frames, ffmpeg wrote {len(got)}; is the disk full?"
        )
    wanted = np.stack(fed.points)
    faults = _seconds_lost(wanted, got)
    if _other_colours(wanted, got):
        faults += _other_colours(np.stack(fed.cells), _decoded(film, "area")[::CELLS_EVERY])
    if faults:
        raise StudioError(f"{name}: {'; '.join(faults)}; nothing was kept of it, run again")


def _decoded(film: Path, scaling: str) -> Frames:
    grid = f"scale={GRID}:{GRID}:flags={scaling},format=rgb24"
    source = ["-xerror", "-i", str(film.absolute()), "-map", "0:v:0", "-fps_mode", "passthrough"]
    stream = ffmpeg.run([*source, "-vf", grid, "-f", "rawvideo", "-"], doing=f"looking at {film}")
    return np.frombuffer(stream, np.uint8).reshape(-1, GRID, GRID, 3)


def _seconds_lost(fed: Frames, got: Frames) -> list[str]:
    """The first second that came out black or still although it was fed otherwise."""
    faults = []
    for start in range(len(fed) - FPS + 1):
        before, after = fed[start : start + FPS], got[start : start + FPS]
        if after.max(axis=0).mean() < _BLACK and before.mean(axis=(1, 2, 3)).min() > _LIT:
            faults.append(f"black from second {start / FPS:.2f}")
        elif _stands_still(before, after):
            faults.append(f"a still picture from second {start / FPS:.2f}")
        if faults:
            break  # the first one tells enough
    return faults


def _stands_still(fed: Frames, got: Frames) -> bool:
    moved = _ways(fed) > _MOVED
    return bool(moved.mean() > _MOVED_SHARE and _ways(got)[moved].max() < _STILL)


def _ways(frames: Frames) -> NDArray[np.uint8]:
    """How far each point's colour moves within these frames, (GRID, GRID)."""
    return np.asarray((frames.max(axis=0) - frames.min(axis=0)).max(axis=-1))


def _other_colours(fed: Frames, got: Frames) -> list[str]:
    """A fault if the middle of all points, or cells, is another colour than was fed.

    Captions cover less than half of a film, so that middle is the picture's own.
    """
    apart = np.median(got.astype(np.int16) - fed, axis=(0, 1, 2))
    if np.abs(apart).max() <= MOST_COLOUR:
        return []
    shifts = ", ".join(f"{value:+.0f}" for value in apart)
    return [f"wanted the colours within {MOST_COLOUR} of the cut's, got red, green, blue {shifts}"]


@dataclass(frozen=True)
class FinishedFilm:
    """The measurements of a finished film; a silent one has no loudness."""

    num_frames: int
    seconds: float
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
