"""Cards drawn in the show's own colours: the title, the credits, and the gag card of a shot that failed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from flows.studio.media.clips import Frames
from flows.studio.typography.lettering import BOLD, Colour, FittedText, Ink, draw_text, fit_text

RAYS = 12
APOLOGY = "We are experiencing technical difficulties"


@dataclass(frozen=True)
class Palette:
    """A show's colours: two for backgrounds, one for paper, one for ink, two bright ones."""

    light: Colour
    deep: Colour
    paper: Colour
    ink: Colour
    bright: Colour
    second: Colour


_PALETTES = (
    Palette((244, 162, 54), (222, 92, 46), (255, 243, 214), (58, 28, 40), (255, 226, 92), (46, 150, 150)),
    Palette((92, 190, 190), (28, 122, 140), (255, 246, 222), (20, 40, 62), (255, 190, 66), (236, 98, 78)),
    Palette((240, 128, 122), (190, 56, 92), (255, 240, 220), (60, 18, 48), (255, 214, 90), (70, 130, 180)),
    Palette((150, 198, 92), (62, 138, 84), (253, 247, 218), (26, 52, 44), (255, 206, 74), (224, 96, 62)),
    Palette((158, 138, 220), (92, 70, 168), (255, 244, 226), (40, 24, 72), (255, 200, 88), (240, 110, 130)),
    Palette((110, 170, 232), (48, 98, 178), (255, 246, 224), (22, 34, 74), (255, 216, 84), (238, 104, 74)),
)


def palette_of(title: str) -> Palette:
    """The colours of a show: the same ones for the same name."""
    show = title.split("\n")[0].strip().casefold()
    return _PALETTES[hashlib.sha256(show.encode("utf-8", "surrogatepass")).digest()[0] % len(_PALETTES)]


def title_card(title: str, *, width: int, height: int, turn: float = 0.0) -> Frames:
    """The show's name on a sunburst, (height, width, 3); text after a newline is on a ribbon under it.

    `turn` from 0 to 1 turns the rays until they look the same again.
    """
    burst = Image.fromarray(_sunburst(palette_of(title), width, height, turn))
    front = _title_front(title, width, height)
    burst.paste(front, (0, 0), front)
    return np.array(burst)


@lru_cache(maxsize=2)
def _title_front(title: str, width: int, height: int) -> Image.Image:
    """The title and its ribbon on nothing, a little aslant."""
    colours = palette_of(title)
    show, _, episode = title.partition("\n")
    front = Image.new("RGBA", (width, height), (*colours.ink, 0))
    unit = min(width, height)
    name = fit_text(show.upper(), round(width * 0.82), round(height * 0.46), largest=round(unit * 0.26))
    below = fit_text(
        episode,
        round(width * 0.62),
        round(unit * 0.075),
        face=BOLD,
        largest=round(unit * 0.062),
        most_lines=1,
    )
    ribbon = round(unit * 0.11) if below.lines else 0
    top = (height - name.height - ribbon) / 2 - unit * 0.02
    ink = Ink(colours.paper, colours.ink, edge_width=0.075, depth=0.075, depth_colour=colours.ink)
    if name.lines:
        draw_text(front, name, width / 2, top, ink)
    if below.lines:
        _ribbon(front, below, top + name.height + unit * 0.065, ribbon, colours)
    return front.rotate(3, Image.Resampling.BICUBIC)


def _ribbon(picture: Image.Image, text: FittedText, top: float, height: int, colours: Palette) -> None:
    pen = ImageDraw.Draw(picture)
    line = max(2, height // 24)
    half = text.width / 2 + height * 0.6
    middle, bottom, drop = picture.width / 2, top + height * 0.86, height * 0.2
    for side, outward in ((middle - half, -1), (middle + half, 1)):
        tip, dent = side + outward * height * 0.55, side + outward * height * 0.25
        low, high = bottom + drop, top + drop
        tail = [(side, high), (tip, high), (dent, (low + high) / 2), (tip, low), (side, low)]
        pen.polygon(tail, fill=colours.second, outline=colours.ink, width=line)
    box = (middle - half, top, middle + half, bottom)
    pen.rectangle(box, fill=colours.bright, outline=colours.ink, width=line)
    plain = Ink(colours.ink, colours.ink, edge_width=0)
    draw_text(picture, text, middle, top + height * 0.43 - text.size * 0.52, plain)


def credits_card(title: str, credits: Sequence[str], *, width: int, height: int) -> Frames:
    """The credits, (height, width, 3): on paper before the show's stripes, in one size that can be read."""
    colours = palette_of(title)
    card = _striped(colours, width, height)
    unit = min(width, height)
    inner = round(width * 0.7 - unit * 0.14)
    size = round(unit * min(0.052, 0.5 / max(1, len(credits))))
    show = title.split("\n")[0].upper()
    head = fit_text(show, inner, round(unit * 0.11), largest=unit, most_lines=1)
    lines = [fit_text(line, inner, size * 3, face=BOLD, largest=size, most_lines=2) for line in credits]
    gap = size * 0.45
    tall = head.height + gap * 2 + sum(line.height + gap for line in lines if line.lines)
    paper = min(height * 0.9, tall + unit * 0.14)
    _paper(card, colours, round(width * 0.7), round(paper), unit)
    top = (height - tall) / 2
    draw_text(card, head, width / 2, top, Ink(colours.deep, colours.ink, edge_width=0.04))
    top += head.height + gap * 2
    for line in lines:
        draw_text(card, line, width / 2, top, Ink(colours.ink, colours.ink, edge_width=0))
        top += line.height + gap if line.lines else 0
    return np.array(card)


@lru_cache(maxsize=2)
def gag_card(title: str, *, width: int, height: int) -> Frames:
    """The picture in place of a shot that failed, (height, width, 3): a television that is sorry."""
    colours = palette_of(title)
    card = _striped(colours, width, height)
    unit = min(width, height)
    middle = height / 2 - unit * 0.17
    _television(card, colours, width / 2, middle, unit * 0.56)
    text = fit_text(
        APOLOGY.upper(), round(width * 0.86), round(unit * 0.19), largest=unit // 11, most_lines=2
    )
    ink = Ink(colours.paper, colours.ink, edge_width=0.1, depth=0.05, depth_colour=colours.ink)
    draw_text(card, text, width / 2, middle + unit * 0.25, ink)
    return np.array(card)


# ------------------------------------------------------------------------------------------- grounds


@lru_cache(maxsize=2)
def _angles(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each pixel's angle as a share of the circle, and its distance from the middle in pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y - height * 0.52, x - width * 0.5
    return (np.arctan2(y, x) / (2 * np.pi)).astype(np.float32), np.hypot(x, y)


def _sunburst(colours: Palette, width: int, height: int, turn: float) -> Frames:
    """Rays of the show's two colours, brighter in the middle."""
    angle, distance = _angles(width, height)
    wave = np.abs(((angle * RAYS + turn) % 1) - 0.5) - 0.25  # a ray's edge is where this is 0
    softness = RAYS / (2 * np.pi * np.maximum(distance, 1))  # of a pixel, in the wave's measure
    share = np.clip(wave / softness + 0.5, 0, 1)[..., None]
    rays = np.array(colours.light, np.float32) * share + np.array(colours.deep, np.float32) * (1 - share)
    glow = np.clip(1 - distance / (0.62 * min(width, height)), 0, 1)[..., None] * 0.55
    return np.asarray(rays * (1 - glow) + np.array(colours.bright, np.float32) * glow, np.uint8)


def _striped(colours: Palette, width: int, height: int) -> Image.Image:
    """Three broad bands that come in from below and turn to the side, as on a van of those years."""
    ground = Image.new("RGB", (width * 2, height * 2), colours.light)
    pen = ImageDraw.Draw(ground)
    unit = min(width, height) * 2
    band = unit * 0.085
    middle = (width * 2 * 0.86, height * 2 * 0.1)
    for i, colour in enumerate((colours.deep, colours.second, colours.bright)):
        radius = unit * 1.02 - i * band
        box = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
        pen.ellipse(box, outline=colour, width=round(band * 0.86))
    return ground.resize((width, height), Image.Resampling.BOX)


def _paper(card: Image.Image, colours: Palette, width: int, height: int, unit: int) -> None:
    """A sheet of paper with a shadow in the middle of the card."""
    left, top = (card.width - width) / 2, (card.height - height) / 2
    shift, corner = unit * 0.016, unit * 0.03
    shade = Image.new("L", card.size, 0)
    under = (left + shift, top + shift, left + width + shift, top + height + shift)
    ImageDraw.Draw(shade).rounded_rectangle(under, corner, fill=110)
    card.paste(colours.ink, (0, 0), shade.filter(ImageFilter.GaussianBlur(unit * 0.012)))
    sheet = (left, top, left + width, top + height)
    line = max(2, unit // 160)
    ImageDraw.Draw(card).rounded_rectangle(sheet, corner, fill=colours.paper, outline=colours.ink, width=line)


def _television(card: Image.Image, colours: Palette, x: float, y: float, size: float) -> None:
    """A set with an aerial, a test picture, and a sad face; drawn at twice the size."""
    side = round(size * 1.3)
    toy = Image.new("RGBA", (side * 2, side * 2), (*colours.ink, 0))
    pen = ImageDraw.Draw(toy)
    s, line = size * 2, max(3, round(size * 0.024))

    def at(*xy: float) -> list[float]:
        return [side + s * value for value in xy]

    for tip in (-0.2, 0.22):
        pen.line(at(0, -0.26, tip, -0.52), fill=colours.ink, width=line)
        pen.ellipse(
            at(tip - 0.025, -0.545, tip + 0.025, -0.495),
            fill=colours.bright,
            outline=colours.ink,
            width=line // 2,
        )
    for leg in (-0.3, 0.3):
        pen.line(at(leg, 0.24, leg * 1.18, 0.40), fill=colours.ink, width=line * 2)
    pen.rounded_rectangle(
        at(-0.5, -0.3, 0.5, 0.3), s * 0.07, fill=colours.second, outline=colours.ink, width=line
    )
    pen.rounded_rectangle(at(-0.44, -0.24, 0.25, 0.24), s * 0.07, fill=colours.ink)
    bars = (colours.paper, colours.bright, colours.second, colours.light, colours.deep)
    for i, bar in enumerate(bars):
        pen.rectangle(at(-0.40 + i * 0.122, -0.2, -0.40 + (i + 1) * 0.122, 0.2), fill=bar)
    for eye in (-0.2, 0.01):
        pen.ellipse(at(eye - 0.04, -0.1, eye + 0.04, 0.0), fill=colours.ink)
        pen.ellipse(at(eye - 0.025, -0.09, eye, -0.06), fill=colours.paper)
    pen.arc(at(-0.21, 0.05, 0.02, 0.21), 200, 340, fill=colours.ink, width=round(line * 1.6))
    for knob in (-0.13, 0.05):
        pen.ellipse(
            at(0.32, knob - 0.05, 0.42, knob + 0.05), fill=colours.bright, outline=colours.ink, width=line
        )
    small = toy.resize((side, side), Image.Resampling.BOX).rotate(-4, Image.Resampling.BICUBIC)
    card.paste(small, (round(x - side / 2), round(y - side / 2)), small)
