"""A clip as pages show it: one still, and eight of its frames a second as a moving picture."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

HELD_MS = 125  # a frame of a moving picture


@dataclass(frozen=True)
class MovingPicture:
    """The middle frame of a clip, and all of it as WebP; `size` is (width, height) in pixels."""

    still: bytes
    moving: bytes
    size: tuple[int, int]


def moving_picture(clip: Path, *, side: int, still_format: str = "JPEG") -> MovingPicture:
    """The pictures of a clip, at most `side` pixels long. Raises StudioError for what is no film."""
    from PIL import Image

    from flows.studio.media.clip_rate import iter_at_clip_rate

    frames = []
    for frame in iter_at_clip_rate(clip):
        frames.append(Image.fromarray(frame))
        frames[-1].thumbnail((side, side))
    still, moving = io.BytesIO(), io.BytesIO()
    frames[len(frames) // 2].save(still, still_format, quality=85)
    frames[0].save(
        moving, "WEBP", save_all=True, append_images=frames[1:], duration=HELD_MS, loop=0, quality=75
    )
    return MovingPicture(still.getvalue(), moving.getvalue(), frames[0].size)
