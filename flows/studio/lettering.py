"""Lettering: bold type that is made to fit, for cards, posters and memes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from flows.studio import captions, ffmpeg

Colour = tuple[int, int, int]

BLACK_CONDENSED = (900, 62.5)  # weight and width of the variable Noto Sans: posters, memes
BOLD = (700, 100)


@lru_cache(maxsize=64)
def font(size: int, face: tuple[float, float] = BOLD) -> ImageFont.FreeTypeFont:
    """Noto Sans at `size` pixels, in a weight (100 to 900) and a width (62.5 to 100)."""
    type_ = ImageFont.truetype(str(ffmpeg.font_file()), size)
    type_.set_variation_by_axes([face[0], face[1]])
    return type_


def drawable(text: str) -> str:
    """`text` without the letters that the font does not have: better none than boxes."""
    missing = set(captions.missing_glyphs(text))
    kept = "".join(c for c in text if c == "\n" or (c.isprintable() and c not in missing))
    return "\n".join(" ".join(line.split()) for line in kept.split("\n"))


@dataclass(frozen=True)
class Fitted:
    """A text broken into lines, and the size of type at which it fits."""

    lines: tuple[str, ...]
    size: int
    face: tuple[float, float]

    @property
    def leading(self) -> int:
        return round(self.size * 1.04)

    @property
    def height(self) -> int:
        return self.leading * len(self.lines)


def fit(
    text: str,
    width: int,
    height: int,
    *,
    face: tuple[float, float] = BLACK_CONDENSED,
    largest: int,
    most_lines: int = 3,
) -> Fitted:
    """`text` as large as it can be within `width` × `height`, on at most `most_lines` lines."""
    words = drawable(text).split()
    if not words:
        return Fitted((), 1, face)
    fitted = [
        _at_largest(lines, width, height, face, largest)
        for count in range(1, min(most_lines, len(words)) + 1)
        for lines in [_broken(words, count, face)]
    ]
    return max(fitted, key=lambda candidate: (candidate.size, -len(candidate.lines)))


def _broken(words: Sequence[str], count: int, face: tuple[float, float]) -> tuple[str, ...]:
    """The words on `count` lines of about the same length: the longest line as short as can be."""
    if count == 1:
        return (" ".join(words),)
    choices = []
    for first in range(1, len(words) - count + 2):
        lines = (" ".join(words[:first]), *_broken(words[first:], count - 1, face))
        choices.append((max(font(100, face).getlength(line) for line in lines), lines))
    return min(choices)[1]


def _at_largest(
    lines: tuple[str, ...], width: int, height: int, face: tuple[float, float], largest: int
) -> Fitted:
    widest = max(font(100, face).getlength(line) for line in lines) or 1
    size = min(largest, int(100 * width / widest), int(height / (1.04 * len(lines))))
    return Fitted(lines, max(6, size), face)


@dataclass(frozen=True)
class Ink:
    """How letters are coloured: inside, around (in shares of the type's size), and in depth behind them."""

    fill: Colour
    edge: Colour
    edge_width: float = 0.07
    depth: float = 0.0
    depth_colour: Colour = (0, 0, 0)


def letter(
    picture: Image.Image, text: Fitted, centre: float, top: float, ink: Ink, *, align: str = "centre"
) -> None:
    """Draws the lines onto `picture`: centred on `centre`, or beginning there (align="left")."""
    pen = ImageDraw.Draw(picture)
    type_ = font(text.size, text.face)
    edge = round(text.size * ink.edge_width)
    anchor = "ms" if align == "centre" else "ls"
    depth = round(text.size * ink.depth)
    for step in range(depth, -1, -1):
        fill, around = (ink.depth_colour, ink.depth_colour) if step else (ink.fill, ink.edge)
        for i, line in enumerate(text.lines):
            at = (centre + step, top + i * text.leading + text.size * 0.86 + step)
            pen.text(at, line, fill, type_, anchor, stroke_width=edge, stroke_fill=around)
