"""The twelve sets, drawn in units of the picture's height: x from -edge to edge, y from 0 (top) to 1."""

from __future__ import annotations

from collections.abc import Callable

from t2v.toon.drawing.pen import Colour, Pen

WHITE: Colour = (250, 248, 240)
GLOW: Colour = (255, 236, 140)
MOON: Colour = (255, 246, 200)
WOOD: Colour = (176, 112, 62)
BRASS: Colour = (235, 190, 70)
LEAF: Colour = (58, 150, 70)
FAR = 3.0  # beyond every edge

FLOORS: dict[str, Colour] = {
    "kitchen": (236, 240, 244),
    "living room": (150, 92, 66),
    "office": (120, 132, 150),
    "bar": (88, 50, 36),
    "park": (124, 200, 84),
    "street": (120, 120, 128),
    "classroom": (206, 160, 106),
    "stage": (196, 132, 70),
    "beach": (248, 222, 150),
    "fish shop": (206, 232, 236),
    "spaceship": (120, 128, 158),
    "bedroom": (190, 150, 210),
}


def floor(pen: Pen, name: str, y: float) -> None:
    pen.box(-FAR, y, 2 * FAR, 1.5, FLOORS[name], outline=False)
    pen.stroke([(-FAR, y), (FAR, y)], (40, 32, 46))


def wall(pen: Pen, colour: Colour) -> None:
    pen.box(-FAR, -0.5, 2 * FAR, 2.0, colour, outline=False)


def window(pen: Pen, x: float, y: float, w: float, h: float) -> None:
    """A window with the sky of the hour; at night its moon is lit."""
    pen.box(x - 0.02, y - 0.02, w + 0.04, h + 0.04, WHITE)
    if pen.night:
        pen.box(x, y, w, h, (26, 30, 84), lit=True)
        pen.oval(x + w * 0.62, y + h * 0.36, 0.05, 0.05, MOON, outline=False, lit=True)
    else:
        pen.box(x, y, w, h, (140, 214, 255))
        pen.oval(x + w * 0.3, y + h * 0.62, 0.07, 0.035, WHITE, outline=False)
    pen.stroke([(x + w / 2, y), (x + w / 2, y + h)], WHITE, 0.018)


def sky(pen: Pen, day: Colour, *, sun_x: float) -> None:
    if pen.night:
        pen.box(-FAR, -0.5, 2 * FAR, 2.0, (30, 34, 88), outline=False, lit=True)
        pen.oval(sun_x, 0.17, 0.085, 0.085, MOON, outline=False, lit=True)
        pen.oval(sun_x + 0.04, 0.15, 0.07, 0.07, (30, 34, 88), outline=False, lit=True)
        for x, y in ((-0.62, 0.1), (-0.3, 0.05), (0.02, 0.13), (0.33, 0.06), (0.72, 0.2)):
            pen.oval(x, y, 0.014, 0.014, WHITE, outline=False, lit=True)
        return
    pen.box(-FAR, -0.5, 2 * FAR, 2.0, day, outline=False)
    pen.oval(sun_x, 0.17, 0.1, 0.1, (255, 220, 70), outline=False)
    for dx, y in ((-0.5, 0.12), (0.42, 0.2)):
        pen.oval(dx, y, 0.12, 0.045, WHITE, outline=False)
        pen.oval(dx + 0.05, y - 0.03, 0.07, 0.045, WHITE, outline=False)


def lamp(pen: Pen, x: float, y: float) -> None:
    """A lampshade; at night it shines."""
    if pen.night:
        pen.oval(x, y + 0.03, 0.17, 0.15, (110, 100, 110), outline=False, lit=True)
    points = [(x - 0.05, y - 0.06), (x + 0.05, y - 0.06), (x + 0.09, y + 0.07), (x - 0.09, y + 0.07)]
    pen.poly(points, GLOW, lit=pen.night)


def kitchen(pen: Pen, edge: float) -> None:
    wall(pen, (255, 232, 150))
    floor(pen, "kitchen", 0.74)
    for i in range(-9, 9):
        for row in range(2):
            if (i + row) % 2:
                pen.box(i * 0.2, 0.745 + row * 0.13, 0.2, 0.13, (120, 190, 214), outline=False)
    pen.box(-FAR, 0.48, 2 * FAR, 0.27, (232, 120, 74))
    pen.box(-FAR, 0.44, 2 * FAR, 0.05, WHITE)
    for i in range(-5, 6):
        pen.stroke([(i * 0.3, 0.49), (i * 0.3, 0.74)], (40, 32, 46))
    window(pen, -0.2, 0.06, 0.4, 0.26)
    left = -edge + 0.03
    pen.slab(left, 0.1, 0.3, 0.68, (150, 222, 200), corner=0.03)
    pen.stroke([(left, 0.34), (left + 0.3, 0.34)], (24, 20, 34))
    pen.stroke([(left + 0.25, 0.2), (left + 0.25, 0.29)], (24, 20, 34), 0.02)
    right = edge - 0.36
    pen.box(right, 0.44, 0.33, 0.32, (228, 232, 238))
    pen.box(right + 0.06, 0.56, 0.21, 0.13, (60, 60, 74))
    pen.oval(right + 0.16, 0.38, 0.1, 0.06, (220, 60, 56))
    pen.box(right + 0.0, 0.05, 0.33, 0.13, (190, 198, 208))


def living_room(pen: Pen, edge: float) -> None:
    wall(pen, (244, 160, 122))
    for i in range(-8, 9):
        pen.stroke([(i * 0.22, 0), (i * 0.22, 0.7)], (232, 142, 106), 0.05)
    floor(pen, "living room", 0.7)
    pen.oval(0, 0.88, 0.62, 0.1, (240, 204, 130))
    sofa = (28, 134, 128)
    half = min(0.62, edge - 0.06)
    pen.slab(-half + 0.06, 0.36, 2 * half - 0.12, 0.34, sofa, corner=0.07)
    pen.stroke([(0, 0.4), (0, 0.56)], (14, 84, 84))
    pen.slab(-half, 0.56, 2 * half, 0.2, (40, 160, 150), corner=0.05)
    pen.slab(-half - 0.03, 0.46, 0.15, 0.32, sofa, corner=0.05)
    pen.slab(half - 0.12, 0.46, 0.15, 0.32, sofa, corner=0.05)
    pen.box(-0.16, 0.06, 0.32, 0.2, BRASS)
    pen.box(-0.12, 0.09, 0.24, 0.14, (120, 190, 230))
    pen.poly([(-0.12, 0.23), (-0.02, 0.13), (0.12, 0.23)], (70, 150, 90), outline=False)
    x = edge - 0.13
    pen.stroke([(x, 0.2), (x, 0.8)], (60, 44, 50), 0.025)
    lamp(pen, x, 0.16)
    if edge > 0.6:
        window(pen, -edge + 0.1, 0.08, 0.26, 0.26)


def office(pen: Pen, edge: float) -> None:
    wall(pen, (196, 212, 228))
    floor(pen, "office", 0.72)
    window(pen, -0.26, 0.07, 0.52, 0.3)
    for i in range(5):
        pen.stroke([(-0.26, 0.1 + i * 0.055), (0.26, 0.1 + i * 0.055)], (226, 232, 238), 0.014)
    x = edge - 0.34
    pen.box(x, 0.09, 0.28, 0.25, WHITE)
    pen.stroke([(x + 0.04, 0.28), (x + 0.11, 0.22), (x + 0.16, 0.25), (x + 0.24, 0.13)], (222, 40, 40), 0.025)
    pen.box(x - 0.14, 0.55, 0.52, 0.06, (150, 104, 70))
    pen.box(x - 0.1, 0.61, 0.44, 0.2, (128, 86, 58))
    pen.slab(x - 0.02, 0.38, 0.24, 0.15, (52, 56, 72), corner=0.02)
    pen.box(x + 0.01, 0.405, 0.18, 0.1, (110, 220, 250), lit=pen.night)
    y = -edge + 0.05
    pen.box(y, 0.4, 0.22, 0.4, (130, 142, 160))
    for i in range(3):
        pen.stroke([(y, 0.4 + 0.133 * i), (y + 0.22, 0.4 + 0.133 * i)], (24, 20, 34))
        pen.stroke([(y + 0.08, 0.46 + 0.133 * i), (y + 0.14, 0.46 + 0.133 * i)], (50, 54, 66), 0.02)
    pen.oval(y + 0.06, 0.24, 0.06, 0.12, LEAF)
    pen.oval(y + 0.17, 0.25, 0.06, 0.11, LEAF)
    pen.poly([(y + 0.05, 0.31), (y + 0.18, 0.31), (y + 0.16, 0.4), (y + 0.07, 0.4)], (210, 110, 70))


def bar(pen: Pen, edge: float) -> None:
    wall(pen, (140, 58, 48))
    floor(pen, "bar", 0.8)
    half = edge - 0.1
    pen.box(-half, 0.05, 2 * half, 0.36, (130, 70, 50) if pen.night else (234, 160, 70), lit=True)
    colours: tuple[Colour, ...] = (
        (60, 150, 80),
        (200, 60, 50),
        (250, 230, 150),
        (60, 110, 180),
        (130, 70, 40),
    )
    count = int(2 * half / 0.105)
    for shelf in range(2):
        base = 0.22 + 0.19 * shelf
        for i in range(count):
            x = -half + 0.045 + i * 0.105
            colour = colours[(i * 2 + shelf) % len(colours)]
            pen.box(x, base - 0.1, 0.06, 0.1, colour, outline=False)
            pen.box(x + 0.02, base - 0.145, 0.022, 0.05, colour, outline=False)
        pen.box(-half, base, 2 * half, 0.025, (70, 36, 26))
    pen.box(-FAR, 0.56, 2 * FAR, 0.27, (134, 72, 38))
    pen.box(-FAR, 0.51, 2 * FAR, 0.06, (190, 112, 56))
    for i in range(-5, 5):
        pen.box(i * 0.36 + 0.06, 0.62, 0.24, 0.15, (112, 58, 30))
    for x in (-edge * 0.62, edge * 0.62):
        pen.stroke([(x, -0.2), (x, 0.02)], (24, 20, 34))
        pen.poly([(x - 0.04, 0.0), (x + 0.04, 0.0), (x + 0.1, 0.09), (x - 0.1, 0.09)], GLOW, lit=True)
    x = -edge + 0.13
    pen.box(x - 0.05, 0.4, 0.1, 0.12, (250, 190, 50), lit=True)
    pen.oval(x, 0.395, 0.06, 0.03, WHITE, lit=True)


def park(pen: Pen, edge: float) -> None:
    sky(pen, (150, 218, 255), sun_x=0.1)
    pen.oval(-0.5, 0.72, 0.8, 0.2, (92, 176, 84), outline=False)
    pen.oval(0.7, 0.74, 0.8, 0.2, (80, 164, 80), outline=False)
    floor(pen, "park", 0.66)
    pen.poly([(-0.1, 0.66), (0.08, 0.66), (0.5, 1.4), (-0.5, 1.4)], (232, 206, 150), outline=False)
    for x, size in ((-edge + 0.17, 1.0), (edge - 0.14, 0.85)):
        pen.box(x - 0.035, 0.42, 0.07, 0.31, (124, 78, 46))
        pen.oval(x, 0.27, 0.2 * size, 0.21 * size, (44, 140, 66))
        pen.oval(x - 0.05, 0.2, 0.08 * size, 0.06 * size, (84, 178, 92), outline=False)
    x = edge * 0.45
    pen.box(x - 0.17, 0.52, 0.34, 0.05, WOOD)
    pen.box(x - 0.17, 0.6, 0.34, 0.05, WOOD)
    for dx in (-0.13, 0.1):
        pen.box(x + dx, 0.65, 0.03, 0.1, (60, 50, 50), outline=False)
    for x in (-0.7, -0.42, 0.36, 0.66):
        pen.oval(x, 0.86, 0.025, 0.025, (255, 120, 150), outline=False)


def street(pen: Pen, edge: float) -> None:
    sky(pen, (250, 226, 190), sun_x=-0.08)
    fronts: tuple[Colour, ...] = ((190, 84, 62), (226, 160, 96), (150, 106, 120), (204, 104, 70))
    width = 0.42
    for i in range(-3, 4):
        x = i * width - 0.2
        top = 0.12 + 0.09 * ((i * 5) % 3)
        pen.box(x, top, width, 0.7, fronts[i % 4])
        for row in range(2):
            for column in range(2):
                shine = pen.night and (i + row + column) % 3 == 0
                glass: Colour = GLOW if shine else (92, 120, 150)
                pen.box(x + 0.06 + column * 0.18, top + 0.07 + row * 0.17, 0.11, 0.1, glass, lit=shine)
    pen.box(-FAR, 0.66, 2 * FAR, 0.1, (190, 188, 186))
    floor(pen, "street", 0.75)
    for i in range(-6, 7):
        pen.box(i * 0.36, 0.9, 0.18, 0.03, (250, 226, 120), outline=False)
    x = edge - 0.12
    pen.stroke([(x, 0.14), (x, 0.74)], (44, 44, 56), 0.035)
    pen.stroke([(x + 0.02, 0.14), (x - 0.14, 0.14)], (44, 44, 56), 0.035)
    lamp(pen, x - 0.13, 0.19)
    x = -edge + 0.1
    pen.slab(x - 0.05, 0.55, 0.1, 0.2, (222, 44, 40), corner=0.02)
    pen.oval(x, 0.55, 0.065, 0.03, (222, 44, 40))


def classroom(pen: Pen, edge: float) -> None:
    wall(pen, (246, 226, 190))
    floor(pen, "classroom", 0.74)
    half = edge - 0.14
    pen.box(-half - 0.02, 0.06, 2 * half + 0.04, 0.46, WOOD)
    pen.box(-half + 0.01, 0.09, 2 * half - 0.02, 0.4, (36, 116, 76))
    chalk: Colour = (232, 244, 232)
    left = -half + 0.06
    for i in range(3):
        pen.stroke([(left, 0.16 + i * 0.07), (left + 0.24 - 0.05 * i, 0.16 + i * 0.07)], chalk, 0.018)
    x = half - 0.18
    pen.stroke([(x - 0.1, 0.34), (x, 0.15), (x + 0.1, 0.34), (x - 0.1, 0.34)], chalk, 0.018)
    pen.box(left, 0.515, 0.3, 0.035, WOOD)
    pen.box(edge - 0.46, 0.6, 0.44, 0.05, (214, 150, 84))
    pen.box(edge - 0.42, 0.65, 0.36, 0.2, (180, 116, 60))
    pen.oval(edge - 0.35, 0.56, 0.045, 0.045, (222, 40, 40))
    x = -edge + 0.12
    pen.oval(x, 0.62, 0.085, 0.085, (70, 150, 230))
    pen.oval(x - 0.02, 0.6, 0.035, 0.04, (90, 180, 90), outline=False)
    pen.box(x - 0.05, 0.7, 0.1, 0.14, WOOD)


def stage(pen: Pen, edge: float) -> None:
    wall(pen, (84, 40, 110))
    pale: Colour = (158, 104, 170) if not pen.night else (84, 60, 116)
    pen.poly([(-0.1, -0.3), (0.1, -0.3), (0.5, 0.84), (-0.5, 0.84)], pale, outline=False, lit=True)
    floor(pen, "stage", 0.74)
    pen.oval(0, 0.87, 0.5, 0.09, (255, 232, 150), outline=False, lit=True)
    red: Colour = (206, 30, 44)
    dark: Colour = (150, 16, 38)
    for side in (-1, 1):
        x = side * edge
        width = 0.36 if edge > 0.6 else 0.2
        pen.poly(
            [(x * 1.4, -0.3), (x - side * width, -0.3), (x - side * width * 0.55, 0.84), (x * 1.4, 0.84)], red
        )
        for k in (0.2, 0.45, 0.7):
            top, foot = x - side * width * k, x - side * width * k * 0.6
            pen.stroke([(top, -0.2), (foot, 0.82)], dark, 0.03)
    pen.box(-FAR, -0.3, 2 * FAR, 0.4, red)
    for i in range(-7, 8):
        pen.oval(i * 0.2, 0.1, 0.1, 0.055, red)
        pen.oval(i * 0.2, 0.145, 0.022, 0.016, BRASS, outline=False)
    for i in range(-5, 6):
        pen.oval(i * 0.3, 0.985, 0.06, 0.04, GLOW, lit=True)


def beach(pen: Pen, edge: float) -> None:
    sky(pen, (120, 216, 255), sun_x=-0.3 if edge > 0.6 else -0.1)
    pen.box(-FAR, 0.42, 2 * FAR, 0.4, (24, 150, 200), outline=False)
    pen.box(-FAR, 0.56, 2 * FAR, 0.1, (60, 190, 214), outline=False)
    for x, y in ((-0.7, 0.48), (-0.3, 0.52), (0.1, 0.47), (0.5, 0.53)):
        pen.box(x, y, 0.16, 0.014, (200, 240, 250), outline=False)
    pen.box(-FAR, 0.64, 2 * FAR, 1, FLOORS["beach"], outline=False)
    pen.box(-FAR, 0.63, 2 * FAR, 0.03, WHITE, outline=False)
    x = edge - 0.25
    pen.stroke([(x, 0.25), (x + 0.03, 0.86)], (110, 80, 60), 0.028)
    for i, colour in enumerate(((230, 50, 50), WHITE, (230, 50, 50), WHITE)):
        left = x - 0.24 + i * 0.12
        pen.poly([(x, 0.16), (left, 0.38 - (i % 3 != 0) * 0.0), (left + 0.12, 0.38)], colour)
    x = -edge + 0.1
    pen.stroke([(x, 0.84), (x + 0.03, 0.55), (x + 0.1, 0.28)], (140, 92, 54), 0.05)
    for dx, dy in ((-0.2, 0.06), (-0.12, -0.11), (0.12, -0.12), (0.22, 0.04), (0.02, 0.12)):
        tip = (x + 0.1 + dx, 0.26 + dy)
        pen.poly([(x + 0.1, 0.22), (x + 0.1 + dx * 0.6, 0.2 + dy * 0.5), tip, (x + 0.09, 0.29)], LEAF)
    pen.oval(0.3, 0.93, 0.035, 0.03, (255, 130, 100), outline=False)


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
    "kitchen": kitchen,
    "living room": living_room,
    "office": office,
    "bar": bar,
    "park": park,
    "street": street,
    "classroom": classroom,
    "stage": stage,
    "beach": beach,
    "fish shop": fish_shop,
    "spaceship": spaceship,
    "bedroom": bedroom,
}
