"""Animated GIFs of a film or of frames, as large as a limit in bytes allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.media.clips import Frames
from flows.studio.workspace.files import atomic_write

WIDTHS = (720, 640, 560, 480, 400, 320, 240, 160)
# One palette for the whole gif; ordered dither, so that what stands still costs nothing.
_COLOURS = (
    "split[a][b];[a]palettegen=max_colors={colours}:stats_mode=full[p];"
    "[b][p]paletteuse=dither=bayer:bayer_scale=4"
)


def write_gif(frames: Frames, fps: int, out: Path, *, most_bytes: int) -> None:
    """Writes frames (f, h, w, 3) as a gif that repeats for ever, at most `most_bytes` large.

    Raises StudioError.
    """
    height, width = frames.shape[1:3]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    _write(source, np.ascontiguousarray(frames).tobytes(), out, fps=fps, width=width, most_bytes=most_bytes)


def write_gif_of_film(
    film: Path, out: Path, *, start: float, seconds: float, most_bytes: int, fps: int = 8
) -> None:
    """Writes `seconds` of a film from `start` as a gif of at most `most_bytes`. Raises StudioError.

    8 frames a second are every drawing of a film by TOON.
    """
    source = ["-ss", f"{start:.3f}", "-t", f"{seconds:.3f}", "-i", str(film.absolute())]
    _write(source, b"", out, fps=fps, width=ffmpeg.probe(film).width, most_bytes=most_bytes)


def _write(source: Sequence[str], stdin: bytes, out: Path, *, fps: int, width: int, most_bytes: int) -> None:
    first = min(width, WIDTHS[0])
    widths = [first, *(w for w in WIDTHS if w < first)]
    size, at = 0, first
    with atomic_write(out) as part:
        for scaled, colours in [*((w, 256) for w in widths), (widths[-1], 64)]:
            if colours == 256 and size * (scaled / at) ** 2 > most_bytes * 1.15:
                continue  # by what the last one weighed, this one is too large as well
            graph = f"fps={fps},scale={scaled}:-2:flags=lanczos,{_COLOURS.format(colours=colours)}"
            ffmpeg.run(
                ["-y", *source, "-filter_complex", graph, "-loop", "0", "-f", "gif", str(part.absolute())],
                doing=f"writing {out}",
                stdin=stdin,
            )
            size, at = part.stat().st_size, scaled
            if size <= most_bytes:
                return
        raise StudioError(
            f"{out}: wanted a gif of at most {most_bytes} bytes, at {at} pixels wide it has {size}"
        )
