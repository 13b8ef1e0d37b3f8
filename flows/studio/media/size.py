"""Sizes of pictures as people write them: "256x144"."""

from __future__ import annotations

from flows.studio.errors import StudioError


def parse_size(text: str, *, where: str) -> tuple[int, int]:
    """Width and height, in pixels, of "WIDTHxHEIGHT".

    Raises:
        StudioError: it is not two positive numbers; `where` begins the message.
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise StudioError(f"{where}: wanted width and height like 256x256, got {text!r}", code=2)
    return int(width), int(height)
