"""What figures wear and hold: hat, glasses, moustache, cigar, apron; phone, fish, cup, ufo, box."""

from __future__ import annotations

import math

from t2v.toon.drawing.anatomy import Anatomy
from t2v.toon.drawing.figures import Look
from t2v.toon.drawing.pen import INK, Colour, Pen, Point, mix, placed
from t2v.toon.world import PEOPLE

WHITE: Colour = (252, 252, 250)


def draw_apron(pen: Pen, kind: str, a: Anatomy, look: Look) -> None:
    """People wear it in their colour over a white shirt, all others white over their own colour."""
    person = kind in PEOPLE
    pale = sum(look.main) > 690
    cloth = look.main if person else ((150, 176, 214) if pale else WHITE)
    top = {"toaster": -0.22, "monster": -0.34, "fish": -0.3, "ghost": -0.42}.get(kind, a.shoulder_y)
    foot = {"toaster": -0.05, "fish": -0.12}.get(kind, -0.1)
    bib, skirt = a.waist * 0.55, a.waist
    middle = top + (foot - top) * 0.4
    corners = [(-bib, top), (bib, top), (bib, middle), (skirt, middle), (skirt, foot), (-skirt, foot)]
    pen.poly([*corners, (-skirt, middle), (-bib, middle)], cloth)
    pocket = mix(cloth, (30, 10, 50), 0.22) if sum(cloth) > 200 else mix(cloth, WHITE, 0.3)
    pen.box(-bib * 0.7, middle + 0.03, bib * 1.4, 0.07, pocket, outline=False)


def draw_apron_strings(pen: Pen, kind: str, a: Anatomy, look: Look) -> None:
    """An apron from behind: a band round the waist and its bow."""
    cloth = look.main if kind in PEOPLE else ((150, 176, 214) if sum(look.main) > 690 else WHITE)
    y = {"toaster": -0.16, "monster": -0.25, "fish": -0.24}.get(kind, -0.26)
    pen.box(-a.waist, y - 0.025, 2 * a.waist, 0.05, cloth)
    for side in (-1, 1):
        pen.poly([(0, y), (side * 0.1, y - 0.06), (side * 0.1, y + 0.05)], cloth)


def draw_hat(pen: Pen, colour: str, a: Anatomy, look: Look) -> None:
    """A bowler-like hat: black with a band in the figure's colour, dark red on a black figure."""
    felt: Colour = (140, 24, 40) if colour == "black" else (44, 42, 54)
    band: Colour = (250, 210, 80) if colour == "black" else look.main
    y, w = a.hat_y, a.head_rx
    pen.slab(-0.2, y - 0.2, 0.4, 0.24, felt, corner=0.06)
    pen.box(-0.2, y - 0.055, 0.4, 0.06, band, outline=False)
    pen.oval(0, y + 0.02, w * 1.08, 0.045, felt)


def draw_glasses(pen: Pen, kind: str, a: Anatomy, look: Look) -> None:
    if pen.halo is not None:
        return
    frame: Colour = (236, 200, 70) if sum(look.main) < 220 and kind not in ("man", "woman", "child") else INK
    centres = (0.0,) if kind == "monster" else (-a.eye_dx, a.eye_dx)
    for x in centres:
        rx, ry = a.eye_rx + 0.035, a.eye_ry + 0.025
        ring = [
            (x + rx * math.cos(t / 8 * math.pi), a.eye_y + ry * math.sin(t / 8 * math.pi)) for t in range(17)
        ]
        pen.stroke(ring, frame, 0.028)
    reach = a.head_rx * 0.98
    for side in (-1, 1):
        inner = side * (a.eye_dx * (len(centres) > 1) + a.eye_rx + 0.035)
        pen.stroke([(inner, a.eye_y), (side * reach, a.eye_y - 0.02)], frame, 0.028)


def draw_moustache(pen: Pen, kind: str, a: Anatomy, look: Look) -> None:
    y = a.mouth_y - (0.07 if kind != "dog" else 0.05)
    hair: Colour = (70, 42, 30) if kind != "old man" else (214, 214, 222)
    if sum(look.main) < 320 and kind not in PEOPLE:
        hair = (255, 214, 120)
    for side in (-1, 1):
        points: list[Point] = [(0, y - 0.02), (side * 0.1, y - 0.03), (side * 0.19, y - 0.02)]
        points += [
            (side * 0.23, y - 0.055),
            (side * 0.18, y + 0.03),
            (side * 0.08, y + 0.035),
            (0, y + 0.015),
        ]
        pen.poly(points, hair)


def draw_cigar(pen: Pen, a: Anatomy, look: Look) -> None:
    x, y = 0.07, a.mouth_y + 0.01
    pen.limb([(x, y), (x + 0.2, y + 0.05)], (140, 84, 40), 0.065)
    pen.oval(x + 0.22, y + 0.055, 0.034, 0.036, (255, 120, 40))
    if pen.halo is None:
        rise = (look.phase / (2 * math.pi)) % 1.0
        for i in range(2):
            share = (rise + 0.5 * i) % 1.0
            r = 0.03 + 0.03 * share
            pen.oval(x + 0.25 + 0.03 * share, y - 0.02 - 0.22 * share, r, r, (226, 226, 232), outline=False)


def draw_prop(pen: Pen, prop: str, at: Point, *, size: float = 1.0) -> None:
    """A prop in a hand at that point, or `size` times as large in both arms."""
    outer = pen.affine
    pen.affine = placed(outer, *at, sx=size, sy=size)
    _draw_prop(pen, prop)
    pen.affine = outer


def _draw_prop(pen: Pen, prop: str) -> None:
    x, y = 0.0, 0.0
    if prop == "box":
        pen.box(x - 0.11, y - 0.16, 0.22, 0.2, (206, 158, 98))
        pen.box(x - 0.025, y - 0.16, 0.05, 0.2, (240, 216, 160), outline=False)
    elif prop == "phone":
        pen.slab(x - 0.06, y - 0.16, 0.12, 0.21, (40, 42, 56), corner=0.02)
        pen.box(x - 0.038, y - 0.13, 0.076, 0.13, (120, 230, 255), outline=False)
    elif prop == "cup":
        pen.oval(x + 0.08, y - 0.05, 0.05, 0.05, (250, 250, 250))
        pen.poly(
            [(x - 0.09, y - 0.13), (x + 0.09, y - 0.13), (x + 0.07, y + 0.04), (x - 0.07, y + 0.04)], WHITE
        )
        pen.box(x - 0.075, y - 0.06, 0.15, 0.04, (230, 60, 60), outline=False)
    elif prop == "fish":
        pen.poly([(x, y + 0.02), (x - 0.09, y + 0.14), (x + 0.09, y + 0.14)], (70, 150, 200))
        pen.oval(x, y - 0.08, 0.075, 0.13, (110, 190, 230))
        pen.oval(x + 0.02, y - 0.13, 0.024, 0.024, INK, outline=False)
    elif prop == "ufo":
        pen.oval(x, y - 0.1, 0.09, 0.09, (150, 240, 250))
        pen.oval(x, y - 0.05, 0.19, 0.06, (180, 186, 200))
        for dx in (-0.1, 0, 0.1):
            pen.oval(x + dx, y - 0.045, 0.026, 0.022, (250, 220, 60), outline=False)
