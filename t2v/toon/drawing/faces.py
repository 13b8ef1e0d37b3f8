"""Faces that speak, sleep, laugh and quarrel."""

from __future__ import annotations

import math

from t2v.toon.drawing.anatomy import Anatomy
from t2v.toon.drawing.figures import Look
from t2v.toon.drawing.pen import INK, Colour, Pen
from t2v.toon.drawing.poses import Pose
from t2v.toon.world import PEOPLE

THROAT: Colour = (110, 20, 36)
TONGUE: Colour = (244, 96, 110)
TEETH: Colour = (255, 255, 255)
EYE: Colour = (255, 255, 255)
BLUSH: Colour = (255, 150, 150)
BLUSHING = (*PEOPLE, "ghost", "toaster")


def _ink_on(main: Colour) -> Colour:
    """The colour of thin lines on a face: dark, but pale on a black one."""
    return INK if sum(main) > 220 else (240, 236, 250)


def _arc(x: float, y: float, rx: float, depth: float) -> list[tuple[float, float]]:
    """A line through (x ± rx, y), sagging by `depth`."""
    return [(x + rx * (i / 3 - 1), y + depth * math.sin(math.pi * i / 6)) for i in range(7)]


def draw_face(pen: Pen, kind: str, a: Anatomy, pose: Pose, look: Look) -> None:
    """Eyes, brows, nose and mouth; a face has no halo of its own."""
    if pen.halo is not None:
        return
    line = _ink_on(look.skin if kind in PEOPLE else look.main)
    if kind in BLUSHING:
        for side in (-1, 1):
            pen.oval(side * a.head_rx * 0.72, a.mouth_y - 0.06, 0.05, 0.032, BLUSH, outline=False)
    for x in (0.0,) if kind == "monster" else (-a.eye_dx, a.eye_dx):
        _eye(pen, kind, a, pose, x, line)
    if pose.angry:
        _brows(pen, a, line, single=kind == "monster")
    _lashes_and_nose(pen, kind, a, pose, look)
    _mouth(pen, kind, a, pose, INK if kind in ("dog", "old man") else line)


def _lashes_and_nose(pen: Pen, kind: str, a: Anatomy, pose: Pose, look: Look) -> None:
    if kind == "woman" and pose.eyes == "open":
        for side in (-1, 1):
            x = side * (a.eye_dx + a.eye_rx)
            pen.stroke([(x - side * 0.01, a.eye_y - 0.05), (x + side * 0.05, a.eye_y - 0.1)], INK, 0.025)
    if kind in ("man", "old man"):
        pen.oval(0, a.eye_y + 0.11, 0.045, 0.035, look.skin)
    if kind == "cat":
        pen.poly([(-0.035, -0.615), (0.035, -0.615), (0, -0.58)], (255, 120, 150))


def _eye(pen: Pen, kind: str, a: Anatomy, pose: Pose, x: float, line: Colour) -> None:
    y, rx, ry = a.eye_y, a.eye_rx, a.eye_ry
    if pose.eyes != "open":
        sag = 0.06 if pose.eyes == "closed" else -0.08
        shift = 0.0 if pose.eyes == "closed" else 0.03
        pen.stroke(_arc(x, y + shift, rx * 1.05, sag), line, 0.04)
        return
    if kind == "alien":
        pen.oval(x, y, rx, ry, (16, 12, 24), outline=sum(line) < 300)
        if sum(line) > 300:
            pen.oval(x, y, rx, ry, (90, 240, 130), outline=False)
            pen.oval(x, y, rx * 0.72, ry * 0.72, (16, 12, 24), outline=False)
        pen.oval(x - 0.035, y - 0.05, 0.036, 0.042, EYE, outline=False)
        return
    if kind == "robot":
        pen.slab(x - rx, y - ry * 0.85, 2 * rx, 1.7 * ry, (130, 240, 255), corner=0.02)
        pen.box(x - 0.035, y - 0.045, 0.07, 0.09, (16, 22, 44), outline=False)
        return
    pen.oval(x, y, rx, ry, EYE)
    inward = 0.0 if kind == "monster" else (-0.014 if x > 0 else 0.014)
    tall = 1.35 if kind == "cat" else 1.0
    pen.oval(x + inward, y + 0.01, rx * 0.55, min(rx * 0.6 * tall, ry * 0.85), (18, 14, 26), outline=False)
    pen.oval(x + inward - rx * 0.2, y - ry * 0.22, rx * 0.22, rx * 0.24, EYE, outline=False)


def _brows(pen: Pen, a: Anatomy, line: Colour, *, single: bool) -> None:
    top = a.eye_y - a.eye_ry
    if single:
        pen.stroke([(-0.17, top - 0.06), (0, top + 0.05), (0.17, top - 0.06)], line, 0.048)
        return
    for side in (-1, 1):
        inner, outer = (side * 0.03, top + 0.055), (side * (a.eye_dx + a.eye_rx), top - 0.05)
        pen.stroke([inner, outer], line, 0.048)


def _mouth(pen: Pen, kind: str, a: Anatomy, pose: Pose, line: Colour) -> None:
    y = a.mouth_y
    if kind == "fish" and pose.mouth != "laugh":
        _fish_lips(pen, y, pose)
    elif kind == "robot" and pose.mouth != "laugh":
        _grille(pen, y, pose)
    else:
        _plain_mouth(pen, y, pose, line)
    if kind == "monster":
        for x in (-0.1, 0.1):
            pen.poly([(x - 0.035, y - 0.04), (x + 0.035, y - 0.04), (x, y + 0.055)], TEETH)


def _fish_lips(pen: Pen, y: float, pose: Pose) -> None:
    opening = pose.opening if pose.mouth in ("open", "calm") else 0.15
    pen.oval(0, y, 0.11, 0.055 + 0.045 * opening, (255, 150, 140))
    pen.oval(0, y, 0.075, 0.012 + 0.05 * opening, THROAT, outline=False)


def _grille(pen: Pen, y: float, pose: Pose) -> None:
    """A robot's mouth: a row of teeth that grows when it speaks."""
    height = 0.022 + 0.045 * (pose.opening if pose.mouth == "open" else 0.2)
    pen.box(-0.13, y - height, 0.26, 2 * height, (250, 252, 255))
    for i in (-1, 0, 1):
        pen.stroke([(i * 0.065, y - height), (i * 0.065, y + height)], INK, 0.018)


def _plain_mouth(pen: Pen, y: float, pose: Pose, line: Colour) -> None:
    if pose.mouth == "laugh":
        depth = 0.05 + 0.1 * pose.opening
        top = y - 0.045
        pen.poly([(-0.155, top), (0.155, top), *_arc(0, top, 0.155, depth)[::-1]], THROAT)
        pen.oval(0, top + depth * 0.72, 0.07, depth * 0.22, TONGUE, outline=False)
        pen.box(-0.13, top, 0.26, 0.035, TEETH, outline=False)
    elif pose.mouth in ("open", "calm") and pose.opening > 0.1:
        rx = 0.11 if pose.mouth == "open" else 0.05
        ry = 0.012 + 0.072 * pose.opening
        pen.oval(0, y, rx, ry, THROAT)
        if pose.opening > 0.4:
            pen.oval(0, y + ry * 0.5, rx * 0.55, ry * 0.36, TONGUE, outline=False)
    elif pose.mouth == "frown":
        pen.stroke(_arc(0, y + 0.02, 0.1, -0.05), line, 0.035)
    else:
        pen.stroke(_arc(0, y - 0.015, 0.1, 0.05 if pose.mouth == "smile" else 0.0), line, 0.035)
