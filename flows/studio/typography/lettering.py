"""Lettering: bold type that is made to fit, drawn with Pillow for cards, posters and memes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from flows.studio.typography import fonts, linebreak
from flows.studio.typography.linebreak import TextPiece

Colour = tuple[int, int, int]

BLACK_CONDENSED = (900, 62.5)  # weight and width of the variable Noto Sans: posters, memes
BOLD = (700, 100)
LEADING = 1.04  # from one line to the next, in sizes of the type
BASE = 0.86  # where a line's letters stand, as far under its top
GAP = 0.05  # between a mark and the letters of the line above


@lru_cache(maxsize=64)
def load_font(
    size: int, face: tuple[float, float] = BOLD, path: Path | None = None
) -> ImageFont.FreeTypeFont:
    """Noto Sans, or the font at `path`, at `size` pixels; `face` is its weight and width (to 900 and 100)."""
    type_ = ImageFont.truetype(str(path or fonts.font_file()), size)
    fonts.set_axes(type_, weight=face[0], width=face[1])
    return type_


def drawable(text: str) -> str:
    """`text` without the letters that no font here has, which would be boxes."""
    lost = set(fonts.missing_glyphs(text))
    kept = "".join(c for c in text if c == "\n" or (_is_kept(c) and c not in lost))
    return "\n".join(" ".join(line.split()) for line in kept.split("\n"))


def _is_kept(letter: str) -> bool:
    return letter.isprintable() or letter == "\u200d"  # which joins two emoji to one


def row_width(text: str, size: int, face: tuple[float, float] = BOLD) -> float:
    """The width of a row in pixels."""
    return sum(
        load_font(size, face, path).getlength(run) for path, run in fonts.font_runs(text, fonts.font_file())
    )


def visual_runs(text: str) -> list[tuple[Path, str]]:
    """The font runs of a row from left to right; each by itself is drawn in its own direction."""
    found = fonts.font_runs(text, fonts.font_file())
    strong = (unicodedata.bidirectional(letter) for letter in text)
    is_rtl = next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L"
    return found[::-1] if is_rtl else found


def draw_row(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    *,
    size: int,
    face: tuple[float, float],
    fill: Colour,
) -> None:
    """Draws a row of plain letters with its upper left corner at `at`."""
    x, y = at
    base = y + load_font(size, face).getmetrics()[0]
    for path, run in visual_runs(text):
        type_ = load_font(size, face, path)
        pen.text((x, base), run, fill, type_, "ls")
        x += type_.getlength(run)


@dataclass(frozen=True)
class FittedText:
    """Text broken into lines, with the type size at which it fits."""

    lines: tuple[str, ...]
    size: int
    face: tuple[float, float]
    spacing: float = LEADING

    @property
    def width(self) -> float:
        """The width of the widest line, in pixels."""
        return max((row_width(line, self.size, self.face) for line in self.lines), default=0.0)

    @property
    def leading(self) -> int:
        """Pixels from one line to the next."""
        return round(self.size * self.spacing)

    @property
    def height(self) -> int:
        """The height of all lines, in pixels."""
        return self.leading * len(self.lines)

    @property
    def ink(self) -> tuple[float, float]:
        """Where the letters begin and end, marks included and outlines not, in pixels from the top."""
        above, _ = _reach(self.lines[0], self.size, self.face)
        _, below = _reach(self.lines[-1], self.size, self.face)
        last = (len(self.lines) - 1) * self.leading
        return self.size * BASE - above, last + self.size * BASE + below


def with_clear_lines(text: FittedText) -> FittedText:
    """The text with its lines far enough apart that no mark reaches into the line above.

    Capitals of Vietnamese and tones of Thai are higher than the usual leading has room for.
    """
    reaches = [_reach(line, 100, text.face) for line in text.lines]
    wanted = [(below + above) / 100 + GAP for (_, below), (above, _) in pairwise(reaches)]
    return replace(text, spacing=max([LEADING, *wanted]))


def _reach(row: str, size: int, face: tuple[float, float]) -> tuple[float, float]:
    """How far a row's letters reach above and below their line, in pixels."""
    boxes = [load_font(size, face, path).getbbox(run, anchor="ls") for path, run in visual_runs(row)]
    return max(-top for _, top, _, _ in boxes), max(bottom for _, _, _, bottom in boxes)


def fit_text(
    text: str,
    width: int,
    height: int,
    *,
    face: tuple[float, float] = BLACK_CONDENSED,
    largest: int,
    most_lines: int = 3,
) -> FittedText:
    """`text` as large as it fits `width` × `height`, at most `largest`, on at most `most_lines` lines."""
    words = linebreak.split_pieces(drawable(text), limit=400)
    if not words:
        return FittedText((), 1, face)
    fitted = [
        _at_largest(FittedText(_broken(words, count, face), largest, face), width, height)
        for count in range(1, min(most_lines, len(words)) + 1)
    ]
    return max(fitted, key=lambda candidate: (candidate.size, -len(candidate.lines)))


def _broken(words: Sequence[TextPiece], count: int, face: tuple[float, float]) -> tuple[str, ...]:
    """The words on `count` lines of about the same length: the longest line as short as can be."""
    if count == 1:
        return (linebreak.join_pieces(words),)
    choices = []
    for first in range(1, len(words) - count + 2):
        lines = (linebreak.join_pieces(words[:first]), *_broken(words[first:], count - 1, face))
        choices.append((max(row_width(line, 100, face) for line in lines), lines))
    return min(choices)[1]


def _at_largest(text: FittedText, width: int, height: int) -> FittedText:
    widest = replace(text, size=100).width or 1
    size = min(text.size, int(100 * width / widest), int(height / (LEADING * len(text.lines))))
    return replace(text, size=max(6, size))


@dataclass(frozen=True)
class Ink:
    """The colours of letters: inside, outline and depth behind them; widths are shares of the type size."""

    fill: Colour
    edge: Colour
    edge_width: float = 0.07
    depth: float = 0.0
    depth_colour: Colour = (0, 0, 0)


def draw_text(
    picture: Image.Image, text: FittedText, centre: float, top: float, ink: Ink, *, align: str = "centre"
) -> None:
    """Draws the lines onto `picture`: centred on `centre`, or beginning there (align="left")."""
    pen = ImageDraw.Draw(picture)
    edge = round(text.size * ink.edge_width)
    depth = round(text.size * ink.depth)
    for step in range(depth, -1, -1):
        fill, around = (ink.depth_colour, ink.depth_colour) if step else (ink.fill, ink.edge)
        for i, line in enumerate(text.lines):
            x = centre + step - (row_width(line, text.size, text.face) / 2 if align == "centre" else 0)
            y = top + i * text.leading + text.size * BASE + step
            for path, run in visual_runs(line):
                type_ = load_font(text.size, text.face, path)
                pen.text((x, y), run, fill, type_, "ls", stroke_width=edge, stroke_fill=around)
                x += type_.getlength(run)
