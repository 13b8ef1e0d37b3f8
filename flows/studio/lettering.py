"""Lettering: bold type that is made to fit, for cards, posters and memes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from flows.studio import fonts, linebreak
from flows.studio.linebreak import Piece

Colour = tuple[int, int, int]

BLACK_CONDENSED = (900, 62.5)  # weight and width of the variable Noto Sans: posters, memes
BOLD = (700, 100)


@lru_cache(maxsize=64)
def font(size: int, face: tuple[float, float] = BOLD, path: Path | None = None) -> ImageFont.FreeTypeFont:
    """Noto Sans, or the font at `path`, at `size` pixels, in a weight (to 900) and a width (62.5 to 100)."""
    type_ = ImageFont.truetype(str(path or fonts.font_file()), size)
    fonts.set_axes(type_, weight=face[0], width=face[1])
    return type_


def font_path(text: str) -> Path:
    """The font that `text` is set in: Noto Sans, or one that has more of its letters."""
    best = fonts.best_font(text, fonts.font_file())
    return best.path if best else fonts.font_file()


def drawable(text: str) -> str:
    """`text` without the letters that its font does not have: better none than boxes."""
    own = fonts.read_font(font_path(text))
    lost = {c for c in text if fonts.needs_glyph(c) and not (own and own.has(c))}
    kept = "".join(c for c in text if c == "\n" or (c.isprintable() and c not in lost))
    return "\n".join(" ".join(line.split()) for line in kept.split("\n"))


@dataclass(frozen=True)
class Fitted:
    """A text broken into lines, and the size of type at which it fits."""

    lines: tuple[str, ...]
    size: int
    face: tuple[float, float]
    path: Path | None = None

    @property
    def type(self) -> ImageFont.FreeTypeFont:
        """The font in that size."""
        return font(self.size, self.face, self.path)

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
    path = font_path(text)
    words = linebreak.pieces(drawable(text), limit=400)
    if not words:
        return Fitted((), 1, face, path)
    fitted = [
        _at_largest(Fitted(lines, largest, face, path), width, height)
        for count in range(1, min(most_lines, len(words)) + 1)
        for lines in [_broken(words, count, font(100, face, path))]
    ]
    return max(fitted, key=lambda candidate: (candidate.size, -len(candidate.lines)))


def _broken(words: Sequence[Piece], count: int, type_: ImageFont.FreeTypeFont) -> tuple[str, ...]:
    """The words on `count` lines of about the same length: the longest line as short as can be."""
    if count == 1:
        return (linebreak.joined(words),)
    choices = []
    for first in range(1, len(words) - count + 2):
        lines = (linebreak.joined(words[:first]), *_broken(words[first:], count - 1, type_))
        choices.append((max(type_.getlength(line) for line in lines), lines))
    return min(choices)[1]


def _at_largest(text: Fitted, width: int, height: int) -> Fitted:
    type_ = font(100, text.face, text.path)
    widest = max(type_.getlength(line) for line in text.lines) or 1
    size = min(text.size, int(100 * width / widest), int(height / (1.04 * len(text.lines))))
    return replace(text, size=max(6, size))


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
    type_ = text.type
    edge = round(text.size * ink.edge_width)
    anchor = "ms" if align == "centre" else "ls"
    depth = round(text.size * ink.depth)
    for step in range(depth, -1, -1):
        fill, around = (ink.depth_colour, ink.depth_colour) if step else (ink.fill, ink.edge)
        for i, line in enumerate(text.lines):
            at = (centre + step, top + i * text.leading + text.size * 0.86 + step)
            pen.text(at, line, fill, type_, anchor, stroke_width=edge, stroke_fill=around)
