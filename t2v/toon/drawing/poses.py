"""How the ten actions move: a pose for each frame, periodic over 16 frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

PERIOD = 16
SPEECH = (1.0, 1.0, 0.25, 0.25, 0.75, 0.75, 0.0, 0.0, 0.9, 0.9, 0.9, 0.2, 0.2, 0.7, 0.7, 0.0)


@dataclass(frozen=True)
class Pose:
    """Lengths in heights of the figure; arm angles in degrees, 0 hanging and 180 straight up."""

    dx: float = 0.0
    dy: float = 0.0  # up is negative
    sx: float = 1.0
    sy: float = 1.0
    lean: float = 0.0
    head_dx: float = 0.0
    head_dy: float = 0.0
    left_arm: float = 24.0
    right_arm: float = 24.0
    left_leg: float = 0.0
    right_leg: float = 0.0
    lift: float = 0.0  # how far the feet are drawn up
    mouth: str = "smile"  # smile, open, laugh, calm, frown
    opening: float = 0.0
    eyes: str = "open"  # open, closed, happy
    angry: bool = False
    dozing: float | None = None  # phase of the z's
    afloat: bool = False


def _standing(p: float, k: int) -> Pose:
    return Pose(sy=1 + 0.012 * math.sin(p), eyes="closed" if k == 11 else "open")


def _talking(p: float, k: int) -> Pose:
    opening = SPEECH[k]
    gesture = 52 + 24 * math.sin(p)
    return Pose(
        head_dy=-0.018 * opening,
        head_dx=0.014 * math.sin(p),
        right_arm=gesture,
        mouth="open",
        opening=opening,
    )


def _walking(p: float, k: int) -> Pose:
    swing = math.sin(2 * p)
    across = 0.2 * math.sin(p)
    bounce = -0.035 * abs(math.cos(2 * p))
    return Pose(
        dx=across,
        dy=bounce,
        lean=0.07 * math.cos(p),
        left_leg=0.13 * swing,
        right_leg=-0.13 * swing,
        left_arm=24 + 26 * swing,
        right_arm=24 - 26 * swing,
    )


def _jumping(p: float, k: int) -> Pose:
    phase = (k % 8) / 8
    if phase < 0.25:
        squash = math.sin(math.pi * phase / 0.25)
        return Pose(sx=1 + 0.16 * squash, sy=1 - 0.2 * squash, left_arm=20, right_arm=20)
    height = math.sin(math.pi * (phase - 0.25) / 0.75)
    stretch = 1 + 0.09 * math.cos(math.pi * (phase - 0.25) / 0.75) ** 2
    arms = 60 + 70 * height
    return Pose(
        dy=-0.21 * height,
        sx=1 / stretch,
        sy=stretch,
        left_arm=arms,
        right_arm=arms,
        lift=0.05 * height,
        mouth="open",
        opening=0.7,
        afloat=height > 0.1,
    )


def _waving(p: float, k: int) -> Pose:
    return Pose(right_arm=118 + 27 * math.sin(2 * p), head_dx=0.012 * math.sin(2 * p), lean=0.03)


def _dancing(p: float, k: int) -> Pose:
    sway = math.sin(p)
    beat = abs(math.sin(2 * p))
    return Pose(
        dx=0.07 * sway,
        dy=-0.03 * beat,
        lean=0.17 * sway,
        sy=1 - 0.05 * (1 - beat),
        left_arm=95 + 45 * sway,
        right_arm=95 - 45 * sway,
        left_leg=-0.09 * max(sway, 0) - 0.02,
        right_leg=0.09 * max(-sway, 0) + 0.02,
        eyes="happy",
        mouth="smile",
    )


def _sleeping(p: float, k: int) -> Pose:
    breath = math.sin(p)
    return Pose(
        lean=0.36,
        sy=0.94 + 0.03 * breath,
        head_dy=0.02,
        left_arm=8,
        right_arm=8,
        eyes="closed",
        mouth="calm",
        opening=0.2 + 0.15 * breath,
        dozing=k / PERIOD,
    )


def _flying(p: float, k: int) -> Pose:
    flap = math.sin(2 * p)
    return Pose(
        dy=-0.17 + 0.04 * math.sin(p),
        dx=0.04 * math.cos(p),
        lean=0.1 * math.sin(p),
        left_arm=88 + 34 * flap,
        right_arm=88 + 34 * flap,
        left_leg=0.05,
        right_leg=0.09,
        lift=0.03,
        mouth="open",
        opening=0.45,
        afloat=True,
    )


def _laughing(p: float, k: int) -> Pose:
    shake = math.sin(4 * p)
    return Pose(
        dy=-0.02 * abs(shake),
        sy=1 + 0.045 * shake,
        sx=1 - 0.02 * shake,
        head_dy=-0.02 + 0.015 * shake,
        left_arm=36 + 8 * shake,
        right_arm=36 + 8 * shake,
        mouth="laugh",
        opening=0.85 + 0.15 * shake,
        eyes="happy",
    )


def _arguing(p: float, k: int) -> Pose:
    jab = math.sin(2 * p)
    return Pose(
        lean=0.1 + 0.05 * jab,
        head_dy=0.01 * jab,
        left_arm=112 + 22 * jab,
        right_arm=118 - 18 * jab,
        mouth="frown" if SPEECH[k] < 0.2 else "open",
        opening=SPEECH[k],
        angry=True,
    )


_ACTIONS: dict[str, Callable[[float, int], Pose]] = {
    "standing": _standing,
    "talking": _talking,
    "walking": _walking,
    "jumping": _jumping,
    "waving": _waving,
    "dancing": _dancing,
    "sleeping": _sleeping,
    "flying": _flying,
    "laughing": _laughing,
    "arguing": _arguing,
}


def pose_at(action: str, frame: int, *, facing: float) -> Pose:
    """The pose of an action at a frame; `facing` 1 leans and waves to the right, -1 to the left."""
    k = frame % PERIOD
    pose = _ACTIONS[action](2 * math.pi * k / PERIOD, k)
    if facing > 0:
        return pose
    return replace(
        pose,
        dx=-pose.dx,
        lean=-pose.lean,
        head_dx=-pose.head_dx,
        left_arm=pose.right_arm,
        right_arm=pose.left_arm,
        left_leg=-pose.right_leg,
        right_leg=-pose.left_leg,
    )
