"""The bodies and heads of the twelve kinds, without faces and without what they wear."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from t2v.toon.drawing.anatomy import Anatomy
from t2v.toon.drawing.pen import INK, Colour, Pen, mix
from t2v.toon.drawing.poses import Pose

WHITE: Colour = (252, 252, 250)
STEEL: Colour = (196, 204, 214)
SHOE: Colour = (60, 44, 52)
PINK: Colour = (255, 168, 190)
CREAM: Colour = (255, 240, 206)
DARK: Colour = (20, 16, 28)
WOOD: Colour = (176, 112, 62)


@dataclass(frozen=True)
class Look:
    """The colours of one figure and where it is in its period (radians)."""

    main: Colour
    skin: Colour
    hair: Colour
    phase: float
    apron: bool
    hat: bool

    @property
    def shade(self) -> Colour:
        lit = sum(self.main) > 200
        return mix(self.main, (30, 10, 50), 0.25) if lit else mix(self.main, WHITE, 0.2)

    @property
    def tint(self) -> Colour:
        return mix(self.main, WHITE, 0.55)


def feet(pen: Pen, pose: Pose, *, spread: float, top: float, leg: Colour, shoe: Colour) -> None:
    if pose.seated:  # they dangle over the edge of the seat, soles to the viewer
        for side in (-1, 1):
            x = side * (spread + 0.035)
            pen.limb([(x, -0.14), (x, -0.02)], leg, 0.11)
            pen.oval(x, 0.0, 0.075, 0.065, shoe)
        return
    for side, swing in ((-1, pose.left_leg), (1, pose.right_leg)):
        x, y = side * spread + swing, -0.03 - pose.lift - 0.25 * abs(swing)
        pen.limb([(side * spread * 0.8, top), (x, y)], leg, 0.1)
        pen.oval(x + 0.02 * side, y + 0.0, 0.085, 0.045, shoe)


def draw_chair(pen: Pen, a: Anatomy) -> None:
    """A kitchen chair under and behind one who sits."""
    wide = a.shoulder_x + 0.17
    for side in (-1, 1):
        pen.limb([(side * (wide - 0.05), -0.12), (side * (wide - 0.02), 0.1)], WOOD, 0.065)
    pen.slab(-wide, a.shoulder_y - 0.2, 2 * wide, 0.3, WOOD, corner=0.05)
    for side in (-1, 1):
        pen.box(side * (wide - 0.06) - 0.03, a.shoulder_y + 0.09, 0.06, 0.3, WOOD)
    pen.slab(-wide - 0.02, -0.19, 2 * wide + 0.04, 0.09, WOOD, corner=0.03)


def person_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.09, top=-0.2, leg=(84, 88, 108), shoe=SHOE)
    shirt = WHITE if look.apron else look.main
    y = a.shoulder_y - 0.06
    pen.poly([(-0.15, y), (0.15, y), (0.205, -0.17), (0.17, -0.12), (-0.17, -0.12), (-0.205, -0.17)], shirt)
    if not look.apron:
        pen.stroke([(0, y + 0.04), (0, -0.13)], look.shade, 0.02)


def woman_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    hair = [(-0.2, -0.9), (0.2, -0.9), (0.36, -0.6), (0.35, -0.34), (-0.35, -0.34), (-0.36, -0.6)]
    pen.poly(hair, look.hair)
    feet(pen, pose, spread=0.08, top=-0.16, leg=look.skin, shoe=SHOE)
    dress = WHITE if look.apron else look.main
    pen.poly([(-0.11, -0.46), (0.11, -0.46), (0.29, -0.1), (-0.29, -0.1)], dress)


def robot_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.12, top=-0.18, leg=STEEL, shoe=look.shade)
    pen.slab(-0.23, -0.46, 0.46, 0.32, look.main, corner=0.03)
    if not look.apron:
        pen.slab(-0.14, -0.4, 0.28, 0.17, STEEL, corner=0.01, outline=False)
        for i, light in enumerate(((240, 60, 60), (250, 210, 60), (70, 210, 110))):
            pen.oval(-0.08 + 0.08 * i, -0.32, 0.03, 0.03, light, outline=False)


def beast_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    wag = 0.06 * math.sin(2 * look.phase)
    pen.limb([(0.12, -0.14), (0.3, -0.1), (0.37 + wag / 2, -0.24), (0.33 + wag, -0.38)], look.main, 0.085)
    feet(pen, pose, spread=0.11, top=-0.14, leg=look.main, shoe=look.main)
    pen.oval(0, -0.28, 0.21, 0.21, look.main)
    if not look.apron:
        pen.oval(0, -0.24, 0.12, 0.12, look.tint, outline=False)


def dog_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    wag = 0.08 * math.sin(4 * look.phase)
    pen.limb([(0.14, -0.2), (0.31 + wag, -0.36)], look.main, 0.08)
    feet(pen, pose, spread=0.11, top=-0.14, leg=look.main, shoe=look.main)
    pen.oval(0, -0.28, 0.2, 0.21, look.main)
    if not look.apron:
        pen.oval(0, -0.22, 0.11, 0.11, look.tint, outline=False)
    pen.box(-0.14, -0.475, 0.28, 0.06, (210, 40, 60) if look.main[0] < 200 else (40, 90, 200))


def fish_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.1, top=-0.2, leg=look.shade, shoe=look.shade)
    wag = 0.07 * math.sin(2 * look.phase)
    tail = [(-0.2, -0.54), (-0.46, -0.8 + wag), (-0.55, -0.77 + wag), (-0.47, -0.54 + wag / 2)]
    pen.poly([*tail, (-0.55, -0.3 + wag), (-0.46, -0.27 + wag)], look.shade)
    pen.poly([(-0.2, -0.78), (-0.22, -1.02), (-0.02, -0.96), (0.1, -1.03), (0.2, -0.78)], look.shade)
    pen.oval(0, -0.53, 0.38, 0.33, look.main)
    if not look.apron:
        for x, y in ((-0.24, -0.5), (-0.2, -0.4), (-0.27, -0.6)):
            pen.stroke([(x - 0.02, y - 0.05), (x + 0.03, y), (x - 0.02, y + 0.05)], look.shade, 0.025)


def ghost_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    points = [(0.31 * math.cos(t), -0.68 - 0.3 * math.sin(t)) for t in (math.pi * i / 10 for i in range(11))]
    for i in range(9):
        x = -0.35 + 0.7 * i / 8
        drop = 0.09 if i % 2 else 0.0
        points.append(
            (x + 0.02 * math.sin(2 * look.phase + i), -0.14 + drop + 0.02 * math.cos(2 * look.phase + i))
        )
    pen.poly(points, look.main)
    for x in (-0.14, 0.1):
        pen.stroke([(x, -0.34), (x * 1.2, -0.18)], look.shade, 0.03)


def alien_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.08, top=-0.18, leg=look.main, shoe=look.shade)
    pen.poly(
        [(-0.09, -0.46), (0.09, -0.46), (0.15, -0.26), (0.12, -0.13), (-0.12, -0.13), (-0.15, -0.26)],
        look.main,
    )
    if not look.apron:
        pen.oval(0, -0.26, 0.07, 0.09, look.tint, outline=False)


def monster_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.16, top=-0.12, leg=look.main, shoe=look.main)
    for side in (-1, 1):
        pen.poly([(side * 0.12, -0.86), (side * 0.34, -1.04), (side * 0.31, -0.76)], CREAM)
    points = []
    for i in range(36):
        t = 2 * math.pi * i / 36
        r = 1.0 if i % 2 else 0.88
        points.append((0.39 * r * math.cos(t), -0.5 + 0.44 * r * math.sin(t)))
    pen.poly(points, look.main)
    if not look.apron:
        for x, y in ((-0.2, -0.25), (0.2, -0.28), (0.06, -0.18)):
            pen.oval(x, y, 0.05, 0.04, look.shade, outline=False)


def toaster_body(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    feet(pen, pose, spread=0.2, top=-0.14, leg=STEEL, shoe=SHOE)
    pop = 0.1 + 0.07 * math.sin(2 * look.phase)
    if not look.hat:
        for x in (-0.16, 0.16):
            pen.slab(x - 0.13, -0.74 - pop, 0.26, 0.3, (226, 160, 84), corner=0.06)
            pen.slab(x - 0.08, -0.7 - pop, 0.16, 0.25, (255, 222, 150), corner=0.04, outline=False)
    pen.box(0.38, -0.56 + pop, 0.1, 0.07, STEEL)
    pen.slab(-0.42, -0.74, 0.84, 0.62, look.main, corner=0.09)
    for x in (-0.31, 0.05):
        pen.box(x, -0.71, 0.26, 0.045, DARK, outline=False)
    pen.box(-0.4, -0.2, 0.8, 0.06, STEEL, outline=False)


def no_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    """The face sits on the body."""


def man_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    for side in (-1, 1):
        pen.oval(side * 0.28, -0.67, 0.05, 0.07, look.skin)
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.skin)
    pen.poly(
        [
            (-0.29, -0.76),
            (-0.28, -0.9),
            (-0.14, -1.0),
            (0.08, -1.01),
            (0.25, -0.94),
            (0.3, -0.76),
            (0.22, -0.86),
            (0.02, -0.88),
            (-0.2, -0.84),
        ],
        look.hair,
    )


def woman_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.skin)
    pen.poly(
        [
            (-0.32, -0.58),
            (-0.32, -0.8),
            (-0.18, -0.97),
            (0.08, -1.0),
            (0.26, -0.91),
            (0.32, -0.58),
            (0.24, -0.78),
            (0.06, -0.89),
            (-0.2, -0.82),
        ],
        look.hair,
    )


def old_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    for side in (-1, 1):
        pen.oval(side * 0.26, -0.74, 0.1, 0.1, WHITE)
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.skin)
    beard = [
        (-0.27, -0.67),
        (-0.12, -0.63),
        (0.12, -0.63),
        (0.27, -0.67),
        (0.23, -0.5),
        (0.09, -0.39),
        (0, -0.34),
        (-0.09, -0.39),
        (-0.23, -0.5),
    ]
    pen.poly(beard, WHITE)


def child_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.skin)
    if look.hat:
        pen.poly(
            [
                (-0.33, -0.68),
                (-0.28, -0.86),
                (0, -0.97),
                (0.28, -0.86),
                (0.33, -0.68),
                (0.16, -0.8),
                (-0.16, -0.8),
            ],
            look.hair,
        )
        return
    cap = [(-0.34, -0.76), (-0.27, -0.92), (-0.1, -1.0), (0.1, -1.0), (0.27, -0.92), (0.34, -0.76)]
    pen.poly(cap, look.main)
    pen.slab(-0.2, -0.82, 0.62, 0.08, look.shade, corner=0.03)
    spin = 0.16 * math.cos(2 * look.phase)
    pen.poly([(-spin, -1.08), (spin, -1.04), (spin, -1.08), (-spin, -1.04)], (250, 210, 60))
    pen.oval(0, -1.03, 0.035, 0.04, (230, 60, 60))


def robot_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    if not look.hat:
        pen.limb([(0, -0.9), (0, -1.01)], STEEL, 0.05)
        pen.oval(0, -1.04, 0.055, 0.055, (255, 70, 60))
    for side in (-1, 1):
        pen.box(side * 0.33 - 0.05, -0.76, 0.1, 0.14, STEEL)
    pen.slab(-0.3, -0.92, 0.6, 0.47, look.main, corner=0.04)


def cat_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    for side in (-1, 1):
        pen.poly([(side * 0.06, -0.86), (side * 0.28, -1.06), (side * 0.32, -0.7)], look.main)
        pen.poly([(side * 0.15, -0.86), (side * 0.25, -0.97), (side * 0.27, -0.8)], PINK, outline=False)
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.main)
    for side in (-1, 1):
        for dy in (-0.03, 0.04):
            pen.stroke([(side * 0.2, -0.55 + dy * 0.4), (side * 0.42, -0.56 + dy * 1.4)], (24, 20, 34), 0.016)
    if not look.hat:
        for x in (-0.07, 0, 0.07):
            pen.stroke([(x, -0.89), (x * 0.8, -0.82)], look.shade, 0.03)


def dog_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.main)
    flop = 0.015 * math.sin(2 * look.phase)
    for side in (-1, 1):
        x = side * 0.3
        ear = [
            (side * 0.15, -0.9),
            (x, -0.88),
            (x + side * 0.09, -0.66 + flop),
            (x + side * 0.07, -0.5 + flop),
            (x - side * 0.03, -0.48 + flop),
            (side * 0.21, -0.66),
        ]
        pen.poly(ear, look.shade)
    pen.oval(0, -0.56, 0.19, 0.13, look.tint)
    pen.oval(0, -0.63, 0.075, 0.05, DARK)


def alien_head(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    wobble = 0.03 * math.sin(2 * look.phase)
    for side in (-1, 1):
        tip = (side * 0.2 + wobble, -1.05)
        pen.limb([(side * 0.1, -0.88), tip], look.main, 0.045)
        pen.oval(tip[0], tip[1], 0.055, 0.055, look.tint)
    head = [
        (-0.32, -0.76),
        (-0.26, -0.89),
        (-0.1, -0.96),
        (0.1, -0.96),
        (0.26, -0.89),
        (0.32, -0.76),
        (0.27, -0.58),
        (0.12, -0.43),
        (-0.12, -0.43),
        (-0.27, -0.58),
    ]
    pen.poly(head, look.main)


def draw_back(pen: Pen, kind: str, a: Anatomy, pose: Pose, look: Look) -> None:
    """The head from behind: hair, ears and tails, and no face."""
    BACKS.get(kind, HEADS[kind])(pen, a, pose, look)
    _draw_rear(pen, kind, look)


def old_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.skin)
    pen.poly([(-0.3, -0.74), (0.3, -0.74), (0.22, -0.5), (0, -0.45), (-0.22, -0.5)], WHITE)


def child_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.hair)
    if not look.hat:
        cap = [(-0.34, -0.68), (-0.27, -0.92), (-0.1, -1.0), (0.1, -1.0), (0.27, -0.92), (0.34, -0.68)]
        pen.poly(cap, look.main)
        pen.oval(0, -1.0, 0.035, 0.04, look.shade)


def man_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    for side in (-1, 1):
        pen.oval(side * 0.28, -0.67, 0.05, 0.07, look.skin)
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.hair)


def woman_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    man_back(pen, a, pose, look)
    pen.poly([(-0.29, -0.72), (0.29, -0.72), (0.33, -0.36), (-0.33, -0.36)], look.hair)
    pen.stroke([(0, -0.9), (0, -0.42)], look.skin, 0.018)


def cat_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    for side in (-1, 1):
        pen.poly([(side * 0.06, -0.86), (side * 0.28, -1.06), (side * 0.32, -0.7)], look.main)
    pen.oval(0, a.head_y, a.head_rx, a.head_ry, look.main)


def dog_back(pen: Pen, a: Anatomy, pose: Pose, look: Look) -> None:
    dog_head(pen, a, pose, look)
    pen.oval(0, a.head_y + 0.02, 0.2, 0.2, look.main, outline=False)


def _draw_rear(pen: Pen, kind: str, look: Look) -> None:
    """What a body has behind."""
    if kind in ("cat", "dog"):
        pen.limb([(0, -0.15), (0.07, -0.27), (0.02, -0.4)], look.main, 0.085)
    elif kind == "robot":
        pen.box(-0.1, -0.4, 0.2, 0.16, look.shade)
        pen.stroke([(-0.07, -0.35), (0.07, -0.35)], INK, 0.02)
        pen.stroke([(-0.07, -0.29), (0.07, -0.29)], INK, 0.02)
    elif kind == "toaster":
        pen.limb([(0, -0.2), (0.14, -0.1), (0.05, 0.0), (0.25, 0.03)], (60, 60, 70), 0.045)
    elif kind in ("fish", "monster"):
        spine = [(0, -0.86), (0.06, -0.7), (-0.06, -0.55), (0.06, -0.4), (0, -0.26)]
        pen.stroke(spine, look.shade, 0.045)


Part = Callable[[Pen, Anatomy, Pose, Look], None]

BODIES: dict[str, Part] = {
    "man": person_body,
    "woman": woman_body,
    "old man": person_body,
    "child": person_body,
    "robot": robot_body,
    "cat": beast_body,
    "dog": dog_body,
    "fish": fish_body,
    "ghost": ghost_body,
    "alien": alien_body,
    "monster": monster_body,
    "toaster": toaster_body,
}
HEADS: dict[str, Part] = {
    "man": man_head,
    "woman": woman_head,
    "old man": old_head,
    "child": child_head,
    "robot": robot_head,
    "cat": cat_head,
    "dog": dog_head,
    "fish": no_head,
    "ghost": no_head,
    "alien": alien_head,
    "monster": no_head,
    "toaster": no_head,
}
BACKS: dict[str, Part] = {  # of the others the head is alike from both sides
    "man": man_back,
    "woman": woman_back,
    "old man": old_back,
    "child": child_back,
    "cat": cat_back,
    "dog": dog_back,
}
