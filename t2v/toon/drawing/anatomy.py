"""Where everything is on each kind of figure, in heights of the figure, feet at (0, 0) and up negative."""

from __future__ import annotations

from dataclasses import dataclass

from t2v.toon.drawing.pen import Colour

PAINT: dict[str, Colour] = {
    "red": (228, 38, 44),
    "orange": (255, 138, 20),
    "yellow": (255, 222, 44),
    "green": (62, 182, 62),
    "blue": (40, 96, 228),
    "purple": (142, 62, 200),
    "pink": (255, 136, 196),
    "white": (250, 250, 250),
    "black": (46, 44, 54),
    "brown": (138, 84, 42),
}


@dataclass(frozen=True)
class Anatomy:
    head_y: float = -0.7
    head_rx: float = 0.28
    head_ry: float = 0.27
    eye_y: float = -0.73
    eye_dx: float = 0.11
    eye_rx: float = 0.08
    eye_ry: float = 0.1
    mouth_y: float = -0.55
    hat_y: float = -0.91
    shoulder_x: float = 0.16
    shoulder_y: float = -0.4
    arm: float = 0.302
    arm_width: float = 0.12
    waist: float = 0.19  # half width of the apron
    tall: float = 1.0


ANATOMY: dict[str, Anatomy] = {
    "man": Anatomy(),
    "woman": Anatomy(),
    "old man": Anatomy(eye_y=-0.75, mouth_y=-0.575, tall=0.96),
    "child": Anatomy(
        head_y=-0.66,
        head_rx=0.33,
        head_ry=0.31,
        eye_y=-0.66,
        eye_dx=0.13,
        eye_rx=0.1,
        eye_ry=0.12,
        mouth_y=-0.46,
        hat_y=-0.9,
        shoulder_y=-0.31,
        arm=0.258,
        tall=0.78,
    ),
    "robot": Anatomy(head_ry=0.23, head_y=-0.68, mouth_y=-0.545, shoulder_x=0.22, arm_width=0.1, eye_y=-0.72),
    "cat": Anatomy(
        head_rx=0.31, head_ry=0.25, head_y=-0.66, eye_y=-0.69, eye_dx=0.125, mouth_y=-0.53, hat_y=-0.86
    ),
    "dog": Anatomy(
        head_rx=0.27, head_ry=0.25, head_y=-0.68, eye_y=-0.75, eye_dx=0.1, mouth_y=-0.5, hat_y=-0.88
    ),
    "fish": Anatomy(
        head_y=-0.53,
        head_rx=0.36,
        head_ry=0.3,
        eye_y=-0.6,
        eye_dx=0.13,
        eye_rx=0.1,
        mouth_y=-0.4,
        hat_y=-0.82,
        shoulder_x=0.3,
        shoulder_y=-0.4,
        arm=0.224,
        waist=0.2,
    ),
    "ghost": Anatomy(
        head_y=-0.7, eye_y=-0.7, mouth_y=-0.52, shoulder_x=0.25, arm=0.224, arm_width=0.146, waist=0.24
    ),
    "alien": Anatomy(
        head_rx=0.31,
        head_y=-0.68,
        eye_y=-0.68,
        eye_dx=0.14,
        eye_rx=0.11,
        eye_ry=0.13,
        mouth_y=-0.48,
        arm_width=0.093,
    ),
    "monster": Anatomy(
        head_y=-0.62,
        head_rx=0.34,
        head_ry=0.3,
        eye_y=-0.68,
        eye_rx=0.15,
        eye_ry=0.15,
        mouth_y=-0.43,
        shoulder_x=0.3,
        arm=0.269,
        arm_width=0.16,
        hat_y=-0.88,
        waist=0.26,
    ),
    "toaster": Anatomy(
        head_y=-0.45,
        head_rx=0.37,
        head_ry=0.26,
        eye_y=-0.5,
        eye_dx=0.14,
        eye_rx=0.095,
        mouth_y=-0.31,
        shoulder_x=0.36,
        shoulder_y=-0.36,
        arm=0.224,
        arm_width=0.08,
        hat_y=-0.7,
        waist=0.26,
        tall=0.9,
    ),
}
