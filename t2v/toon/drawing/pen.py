"""A pen that draws outlined flat shapes through an affine map, on a supersampled Pillow image."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Affine = tuple[float, float, float, float, float, float]  # x' = a x + b y + c, y' = d x + e y + f

INK: Colour = (24, 20, 34)
_CIRCLE = tuple((math.cos(2 * math.pi * i / 22), math.sin(2 * math.pi * i / 22)) for i in range(22))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour `a` with `share` of it replaced by `b`."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def moonlit(colour: Colour) -> Colour:
    """The colour of a thing of the set at night."""
    r, g, b = colour
    return (round(r * 0.4 + 4), round(g * 0.46 + 12), round(b * 0.6 + 42))


def placed(outer: Affine, x: float, y: float, *, sx: float = 1, sy: float = 1, lean: float = 0) -> Affine:
    """`outer` after moving to (x, y), turning by `lean` radians and scaling."""
    a, b, c, d, e, f = outer
    cos, sin = math.cos(lean), math.sin(lean)
    p, q, r, s = cos * sx, -sin * sy, sin * sx, cos * sy
    return (
        a * p + b * r,
        a * q + b * s,
        a * x + b * y + c,
        d * p + e * r,
        d * q + e * s,
        d * x + e * y + f,
    )


class Pen:
    """Draws in its own units; `line` is the outline's width in pixels of the image.

    With `halo` set, every outlined shape becomes a slightly larger patch of that colour and details are
    left out: drawing a figure first so and then plainly gives it the light rim of a paper cut-out.
    """

    def __init__(self, image: Image.Image, affine: Affine, *, line: float, night: bool = False) -> None:
        self.draw = ImageDraw.Draw(image)
        self.affine = affine
        self.line = line
        self.night = night
        self.halo: Colour | None = None

    @property
    def scale(self) -> float:
        a, b, _, d, e, _ = self.affine
        return math.sqrt(abs(a * e - b * d))

    def _map(self, points: Sequence[Point]) -> list[Point]:
        a, b, c, d, e, f = self.affine
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]

    def _ink(self, colour: Colour, lit: bool) -> Colour:
        return moonlit(colour) if self.night and not lit else colour

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: Colour,
        *,
        outline: bool = True,
        lit: bool = False,
    ) -> None:
        edge = 0.55 * self.line / self.scale if outline else 0.0
        if self.halo is not None:
            if outline:
                edge += 0.9 * self.line / self.scale
                self._disc(x, y, rx + edge, ry + edge, self.halo)
            return
        if outline:
            self._disc(x, y, rx + edge, ry + edge, INK)
        self._disc(x, y, max(rx - edge, 0.0), max(ry - edge, 0.0), self._ink(fill, lit))

    def _disc(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self.draw.polygon(self._map([(x + rx * u, y + ry * v) for u, v in _CIRCLE]), fill=fill)

    def poly(self, points: Sequence[Point], fill: Colour, *, outline: bool = True, lit: bool = False) -> None:
        if self.halo is not None and not outline:
            return
        mapped = self._map(points)
        if self.halo is not None:
            self.draw.polygon(mapped, fill=self.halo)
            self._stroke([*mapped, mapped[0], mapped[1]], self.halo, 2.9 * self.line)
            return
        self.draw.polygon(mapped, fill=self._ink(fill, lit))
        if outline:
            self._stroke([*mapped, mapped[0], mapped[1]], INK, 1.1 * self.line)

    def box(
        self, x: float, y: float, w: float, h: float, fill: Colour, *, outline: bool = True, lit: bool = False
    ) -> None:
        """A rectangle from its left upper corner."""
        self.poly([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], fill, outline=outline, lit=lit)

    def slab(
        self, x: float, y: float, w: float, h: float, fill: Colour, *, corner: float, outline: bool = True
    ) -> None:
        """A rectangle with cut corners."""
        k = corner
        corners = [(x + k, y), (x + w - k, y), (x + w, y + k), (x + w, y + h - k)]
        corners += [(x + w - k, y + h), (x + k, y + h), (x, y + h - k), (x, y + k)]
        self.poly(corners, fill, outline=outline)

    def stroke(self, points: Sequence[Point], colour: Colour, width: float | None = None) -> None:
        """A plain line; `width` in units, by default the outline's."""
        if self.halo is None:
            pixels = self.line if width is None else max(width * self.scale, 1.0)
            self._stroke(self._map(points), self._ink(colour, False), pixels)

    def limb(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A thick outlined line with round ends: an arm, a tail."""
        mapped = self._map(points)
        pixels = width * self.scale
        if self.halo is not None:
            self._rounded(mapped, self.halo, pixels + 2.9 * self.line)
            return
        self._rounded(mapped, INK, pixels + 1.1 * self.line)
        self._rounded(mapped, fill, pixels - 1.1 * self.line)

    def _rounded(self, points: list[Point], colour: Colour, pixels: float) -> None:
        pixels = max(pixels, 1.0)
        self._stroke(points, colour, pixels)
        r = pixels / 2
        for x, y in points:
            self.draw.polygon([(x + r * u, y + r * v) for u, v in _CIRCLE[::2]], fill=colour)

    def _stroke(self, points: list[Point], colour: Colour, pixels: float) -> None:
        self.draw.line(points, fill=colour, width=max(1, round(pixels)))
