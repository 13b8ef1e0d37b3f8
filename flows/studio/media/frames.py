"""Pictures and films from disk as frames for the film model: fitted to a size, the middle kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg, user_files
from flows.studio.media.clips import Frames


def picture(file: Path, *, height: int, width: int) -> Frames:
    """The picture in a file as uint8 (h, w, 3). Raises StudioError for what is none."""
    fitted = ImageOps.fit(user_files.opened(file), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def film(file: Path, *, fps: int, height: int, width: int, most: int) -> tuple[Frames, bool]:
    """At most `most` frames (f, h, w, 3) of a film from its beginning, at `fps`; whether there are more.

    Raises StudioError for a file that ffmpeg reads no picture in.
    """
    if not file.is_file():
        raise StudioError(f"{file}: wanted a film, there is no such file", code=2)
    fitted = (
        f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos,crop={width}:{height}"
    )
    # Only this file: a playlist that is called a film opens no others.
    source = ["-protocol_whitelist", "file", "-i", str(file.absolute())]
    try:
        pixels = ffmpeg.run(
            [
                *source,
                "-map",
                "0:v:0",
                "-vf",
                f"fps={fps},{fitted}",
                "-frames:v",
                str(most + 1),
                "-f",
                "rawvideo",
                "-pix_fmt",
                "rgb24",
                "-",
            ],
            doing=f"{file}: wanted a film that ffmpeg can read",
        )
    except StudioError as error:  # whose words are ffmpeg's own, for those who know it
        raise StudioError(
            f"{file}: wanted a film that ffmpeg can read, and it reads none there; try an mp4", code=2
        ) from error
    frames = np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)
    if not len(frames):
        raise StudioError(f"{file}: wanted a film, found no picture in it", code=2)
    return frames[:most], len(frames) > most
