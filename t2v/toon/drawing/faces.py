"""Faces that speak, sleep, laugh and quarrel, look about, and show a mood."""

from __future__ import annotations

import math

from t2v.toon.drawing.anatomy import Anatomy
from t2v.toon.drawing.figures import Look
from t2v.toon.drawing.pen import INK, Affine, Colour, Pen, Point, placed
from t2v.toon.drawing.poses import Pose
from t2v.toon.world import PEOPLE

THROAT: Colour = (110, 20, 36)
TONGUE: Colour = (244, 96, 110)
TEETH: Colour = (255, 255, 255)
EYE: Colour = (255, 255, 255)
BLUSH: Colour = (255, 150, 150)
TEAR: Colour = (96, 190, 255)
BLUSHING = (*PEOPLE, "ghost", "toaster")
TURN = 0.055  # how far a face moves on its head towards what it looks at, in heights of the figure
MOODS = ("calm", "glad", "sad", "angry", "afraid", "surprised")


def _ink_on(main: Colour) -> Colour:
    """The colour of thin lines on a face: dark, but pale on a black one."""
    return INK if sum(main) > 220 else (240, 236, 250)


def _arc(x: float, y: float, rx: float, depth: float) -> list[tuple[float, float]]:
    """A line through (x ± rx, y), sagging by `depth`."""
    return [(x + rx * (i / 3 - 1), y + depth * math.sin(math.pi * i / 6)) for i in range(7)]


def turned_face(head: Affine, pose: Pose) -> Affine:
    """Where the face is on its head: a little towards what it looks at."""
    x, y = pose.gaze
    return placed(head, TURN * x, 0.6 * TURN * y) if x or y else head


def draw_face(pen: Pen, kind: str, a: Anatomy, pose: Pose, look: Look) -> None:
    """Eyes, nose and mouth; a face has no halo of its own."""
    if pen.halo is not None:
        return
    line = _ink_on(look.skin if kind in PEOPLE else look.main)
    if kind in BLUSHING:
        for side in (-1, 1):
            pen.oval(side * a.head_rx * 0.72, a.mouth_y - 0.06, 0.05, 0.032, BLUSH, outline=False)
    for x in (0.0,) if kind == "monster" else (-a.eye_dx, a.eye_dx):
        _eye(pen, kind, a, pose, x, line)
    _lashes_and_nose(pen, kind, a, pose, look)
    _mouth(pen, kind, a, pose, INK if kind in ("dog", "old man") else line)
    if pose.mood == "sad":
        _drop(pen, a.eye_dx * (kind != "monster") + 0.02, a.eye_y + a.eye_ry + 0.03, 0.04)


def draw_brows(pen: Pen, kind: str, a: Anatomy, pose: Pose, look: Look) -> None:
    """The brows of a mood, over hat and glasses, and the sweat of fear."""
    if pen.halo is not None or pose.mood == "calm":
        return
    line = _ink_on(look.skin if kind in PEOPLE else look.main)
    _brows(pen, a, pose.mood, line, single=kind == "monster")
    if pose.mood == "afraid":
        for side in (-1, 1):
            _drop(pen, side * (a.head_rx + 0.05), a.eye_y - 0.13, 0.045)
            _drop(pen, side * (a.head_rx + 0.09), a.eye_y + 0.02, 0.035)


def _drop(pen: Pen, x: float, y: float, r: float) -> None:
    """A tear or a drop of sweat."""
    pen.poly([(x, y - 1.9 * r), (x + r, y), (x + 0.6 * r, y + r), (x - 0.6 * r, y + r), (x - r, y)], TEAR)


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
    if pose.eyes in ("closed", "happy"):
        sag = 0.06 if pose.eyes == "closed" else -0.08
        shift = 0.0 if pose.eyes == "closed" else 0.03
        pen.stroke(_arc(x, y + shift, rx * 1.05, sag), line, 0.04)
        return
    if pose.eyes == "dizzy":
        for turn in (-0.7 * ry, 0.7 * ry):
            pen.stroke([(x - rx * 0.8, y - turn), (x + rx * 0.8, y + turn)], line, 0.042)
        return
    wide = pose.eyes == "wide"
    if wide:
        rx, ry = rx * 1.16, ry * 1.3
    across, down = pose.gaze[0] * rx * 0.4, pose.gaze[1] * ry * 0.42
    if kind == "alien":
        _alien_eye(pen, (x, y), (rx, ry), (across, down), pale=sum(line) > 300, wide=wide)
        return
    if kind == "robot":
        pen.slab(x - rx, y - ry * 0.85, 2 * rx, 1.7 * ry, (130, 240, 255), corner=0.02)
        half = 0.024 if wide else 0.035
        pen.box(x + across - half, y + down - 0.01 - half, 2 * half, 2.6 * half, (16, 22, 44), outline=False)
        return
    pen.oval(x, y, rx, ry, EYE)
    inward = 0.0 if kind == "monster" else (-0.014 if x > 0 else 0.014)
    tall = 1.35 if kind == "cat" else 1.0
    small = 0.6 if wide else 1.0
    px, py = x + inward + across, y + 0.01 + down
    pen.oval(px, py, rx * 0.55 * small, min(rx * 0.6 * tall, ry * 0.85) * small, (18, 14, 26), outline=False)
    pen.oval(px - rx * 0.2 * small, py - 0.01 - ry * 0.22 * small, rx * 0.22, rx * 0.24, EYE, outline=False)


def _alien_eye(pen: Pen, at: Point, radii: Point, look_at: Point, *, pale: bool, wide: bool) -> None:
    """All pupil: where it looks its gleam goes; wide it has a white rim."""
    (x, y), (rx, ry) = at, radii
    pen.oval(x, y, rx, ry, (16, 12, 24), outline=not pale)
    if pale:
        pen.oval(x, y, rx, ry, (90, 240, 130), outline=False)
        pen.oval(x, y, rx * 0.72, ry * 0.72, (16, 12, 24), outline=False)
    if wide:
        pen.oval(x, y, rx, ry, EYE)
        pen.oval(x + look_at[0], y + look_at[1], rx * 0.62, ry * 0.62, (16, 12, 24), outline=False)
    gleam = (x - 0.035 + 1.6 * look_at[0], y - 0.05 + 1.4 * look_at[1])
    pen.oval(*gleam, 0.036, 0.042, EYE, outline=False)


def _brows(pen: Pen, a: Anatomy, mood: str, line: Colour, *, single: bool) -> None:
    """Down to the nose in anger, up at it in sorrow and fear, arched high in surprise, lightly in joy."""
    top = a.eye_y - a.eye_ry
    inner_y, outer_y = {
        "angry": (0.055, -0.05),
        "sad": (-0.1, 0.03),
        "afraid": (-0.15, -0.02),
        "surprised": (-0.13, -0.1),
        "glad": (-0.05, -0.03),
    }[mood]
    arched = mood in ("surprised", "glad")
    if single:
        low = top + outer_y - 0.01
        straight = [(-0.17, low), (0, top + inner_y), (0.17, low)]
        pen.stroke(_arc(0, top + inner_y, 0.17, -0.06) if arched else straight, line, 0.048)
        return
    for side in (-1, 1):
        if arched:
            pen.stroke(_arc(side * a.eye_dx, top + outer_y + 0.02, a.eye_rx * 0.95, -0.05), line, 0.042)
        else:
            outer = (side * (a.eye_dx + a.eye_rx), top + outer_y)
            pen.stroke([(side * 0.03, top + inner_y), outer], line, 0.048)


def _mouth(pen: Pen, kind: str, a: Anatomy, pose: Pose, line: Colour) -> None:
    y = a.mouth_y
    plain = pose.mouth == "laugh" or pose.mood not in ("calm", "angry")
    if kind == "fish" and not plain:
        _fish_lips(pen, y, pose)
    elif kind == "robot" and not plain:
        _grille(pen, y, pose)
    elif pose.mood in ("calm", "angry") or pose.mouth == "laugh":
        _plain_mouth(pen, y, pose, line)
    else:
        _moody_mouth(pen, y, pose, line)
    if kind == "monster":
        for x in (-0.1, 0.1):
            pen.poly([(x - 0.035, y - 0.04), (x + 0.035, y - 0.04), (x, y + 0.055)], TEETH)


def _moody_mouth(pen: Pen, y: float, pose: Pose, line: Colour) -> None:
    """Up at its ends in joy, down in sorrow; in fear it wavers and shows teeth, in surprise it is round."""
    opening = pose.opening if pose.mouth in ("open", "calm") else 0.0
    if opening <= 0.1:
        _shut_mouth(pen, y, pose.mood, line)
        return
    depth = 0.03 + 0.12 * opening
    if pose.mood == "glad":
        top = y - 0.04
        pen.poly([(-0.15, top), (0.15, top), *_arc(0, top, 0.15, depth)[::-1]], THROAT)
        if opening > 0.4:
            pen.oval(0, top + depth * 0.7, 0.07, depth * 0.24, TONGUE, outline=False)
    elif pose.mood == "sad":
        base = y + 0.04 + 0.03 * opening
        pen.poly([(-0.12, base), (0.12, base), *_arc(0, base, 0.12, -depth)[::-1]], THROAT)
    elif pose.mood == "afraid":
        half = 0.02 + 0.06 * opening
        pen.slab(-0.13, y - half, 0.26, 2 * half, THROAT, corner=0.02)
        pen.box(-0.11, y - half + 0.008, 0.22, 0.28 * half + 0.012, TEETH, outline=False)
    else:
        pen.oval(0, y, 0.045 + 0.04 * opening, 0.03 + 0.085 * opening, THROAT)


def _shut_mouth(pen: Pen, y: float, mood: str, line: Colour) -> None:
    if mood == "glad":
        pen.stroke(_arc(0, y - 0.035, 0.15, 0.085), line, 0.04)
    elif mood == "sad":
        pen.stroke(_arc(0, y + 0.045, 0.12, -0.075), line, 0.038)
    elif mood == "afraid":
        zigzag = [(-0.135 + 0.045 * i, y + (0.022 if i % 2 else -0.022)) for i in range(7)]
        pen.stroke(zigzag, line, 0.032)
    else:
        pen.oval(0, y, 0.04, 0.035, THROAT)


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
