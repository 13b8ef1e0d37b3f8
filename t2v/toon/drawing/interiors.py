"""The fish shop, the spaceship and the bedroom, and the table of all twelve sets."""

from __future__ import annotations

from collections.abc import Callable

from t2v.toon.drawing import sets
from t2v.toon.drawing.pen import Colour, Pen
from t2v.toon.drawing.sets import FAR, GLOW, WHITE, floor, lamp, wall, window


def fish_shop(pen: Pen, edge: float) -> None:
    wall(pen, (96, 200, 196))
    for i in range(-9, 10):
        pen.stroke([(i * 0.16, 0.2), (i * 0.16, 0.6)], (76, 180, 178))
    floor(pen, "fish shop", 0.84)
    half = edge - 0.05
    pen.box(-half, 0.56, 2 * half, 0.3, (222, 244, 250))
    pen.box(-half, 0.68, 2 * half, 0.06, (20, 110, 140), outline=False)
    pen.box(-half + 0.02, 0.47, 2 * half - 0.04, 0.09, (214, 242, 255))
    scales: tuple[Colour, ...] = ((240, 120, 100), (110, 140, 190), (250, 180, 80))
    for i in range(-4, 5):
        x = i * 0.25 + 0.05
        if abs(x) < half - 0.12:
            colour = scales[i % 3]
            pen.poly([(x + 0.06, 0.49), (x + 0.12, 0.45), (x + 0.12, 0.54)], colour)
            pen.oval(x, 0.49, 0.085, 0.045, colour)
            pen.oval(x - 0.045, 0.48, 0.014, 0.014, (20, 20, 30), outline=False)
    for i in range(-9, 10):
        x = i * 0.16
        colour = (14, 128, 140) if i % 2 else WHITE
        pen.box(x - 0.08, -0.3, 0.16, 0.46, colour, outline=False)
        pen.oval(x, 0.16, 0.08, 0.055, colour, outline=False)
    pen.stroke([(-FAR, 0.16), (FAR, 0.16)], (20, 60, 74))
    x = edge - 0.22
    pen.box(x - 0.12, 0.25, 0.26, 0.15, WHITE)
    pen.oval(x, 0.325, 0.06, 0.035, (40, 110, 180), outline=False)
    pen.poly([(x + 0.04, 0.325), (x + 0.1, 0.29), (x + 0.1, 0.36)], (40, 110, 180), outline=False)
    if pen.night:
        lamp(pen, -edge + 0.2, 0.28)


def spaceship(pen: Pen, edge: float) -> None:
    wall(pen, (100, 112, 152))
    for x in (-0.66, -0.36, 0.36, 0.66):
        pen.stroke([(x, -0.3), (x, 0.72)], (70, 78, 112), 0.02)
    pen.box(-FAR, 0.66, 2 * FAR, 0.025, (60, 230, 240), outline=False, lit=True)
    floor(pen, "spaceship", 0.74)
    for i in range(-4, 5):
        pen.stroke([(i * 0.3, 0.74), (i * 0.55, 1.1)], (58, 64, 92), 0.02)
    x = -edge * 0.52
    pen.oval(x, 0.32, 0.25, 0.25, (170, 180, 200))
    pen.oval(x, 0.32, 0.19, 0.19, (14, 12, 44), lit=True)
    for dx, dy in ((-0.1, -0.06), (0.02, -0.13), (0.1, 0.02), (-0.04, 0.08), (-0.12, 0.06), (0.06, -0.05)):
        pen.oval(x + dx, 0.32 + dy, 0.014, 0.014, WHITE, outline=False, lit=True)
    pen.oval(x + 0.05, 0.4, 0.06, 0.06, (250, 160, 90), outline=False, lit=True)
    x = edge - 0.24
    pen.slab(x - 0.19, 0.12, 0.38, 0.22, (34, 40, 66), corner=0.03)
    pen.stroke(
        [(x - 0.13, 0.25), (x - 0.06, 0.19), (x, 0.28), (x + 0.06, 0.17), (x + 0.13, 0.23)],
        (90, 255, 150),
        0.02,
    )
    pen.poly([(x - 0.24, 0.56), (x + 0.3, 0.56), (x + 0.36, 0.82), (x - 0.28, 0.82)], (140, 150, 176))
    lights: tuple[Colour, ...] = ((255, 70, 70), (255, 210, 60), (80, 230, 120), (60, 200, 255))
    for i, colour in enumerate(lights):
        pen.oval(x - 0.15 + i * 0.1, 0.63, 0.034, 0.034, colour, lit=True)
    pen.box(-0.14, 0.03, 0.28, 0.05, (190, 246, 255), lit=True)
    if not pen.night:
        pen.box(-FAR, -0.2, 2 * FAR, 0.22, (160, 172, 204), outline=False)


def bedroom(pen: Pen, edge: float) -> None:
    wall(pen, (206, 186, 244))
    for i in range(-5, 6):
        for row in range(3):
            pen.oval(
                i * 0.24 + 0.12 * (row % 2), 0.1 + row * 0.2, 0.022, 0.022, (232, 220, 255), outline=False
            )
    floor(pen, "bedroom", 0.74)
    window(pen, -0.2, 0.07, 0.36, 0.28)
    for side in (-1, 1):
        x = -0.02 + side * 0.22
        pen.poly([(x - 0.06, 0.03), (x + 0.06, 0.03), (x + 0.05, 0.4), (x - 0.05, 0.4)], (250, 150, 190))
    left = -edge + 0.02
    length = 0.66 if edge > 0.6 else 0.44
    pen.slab(left, 0.36, 0.12, 0.46, (166, 104, 62), corner=0.03)
    pen.slab(left + 0.06, 0.52, 0.24, 0.14, WHITE, corner=0.04)
    pen.slab(left + 0.06, 0.62, length, 0.2, (84, 110, 220), corner=0.04)
    for i in range(3):
        pen.oval(left + 0.2 + i * 0.15, 0.71, 0.03, 0.03, GLOW, outline=False)
    x = edge - 0.15
    pen.box(x - 0.11, 0.56, 0.22, 0.24, (166, 104, 62))
    pen.oval(x, 0.67, 0.018, 0.018, GLOW, outline=False)
    pen.stroke([(x, 0.46), (x, 0.56)], (60, 44, 50), 0.03)
    lamp(pen, x, 0.42)


SCENERY: dict[str, Callable[[Pen, float], None]] = {
    "kitchen": sets.kitchen,
    "living room": sets.living_room,
    "office": sets.office,
    "bar": sets.bar,
    "park": sets.park,
    "street": sets.street,
    "classroom": sets.classroom,
    "stage": sets.stage,
    "beach": sets.beach,
    "fish shop": fish_shop,
    "spaceship": spaceship,
    "bedroom": bedroom,
}
