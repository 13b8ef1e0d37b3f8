"""How figures move: a pose for each frame of an action, over a period of 16 frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

PERIOD = 16
SPEECH = (1.0, 1.0, 0.25, 0.25, 0.75, 0.75, 0.0, 0.0, 0.9, 0.9, 0.9, 0.2, 0.2, 0.7, 0.7, 0.0)


@dataclass(frozen=True)
class Pose:
    """Lengths in heights of the figure; arm angles in degrees, 0 hanging and 180 straight up.

    Left and right are the picture's. An arm whose hand has a place of its own (`left_hand`) bends at the
    elbow to reach it, and its angle says nothing.
    """

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
    eyes: str = "open"  # open, closed, happy, wide, dizzy
    mood: str = "calm"  # calm, glad, sad, angry, afraid, surprised
    dozing: float | None = None  # phase of the z's
    afloat: bool = False
    gaze: tuple[float, float] = (0.0, 0.0)  # right and down, from -1 to 1; ahead is at the viewer
    left_hand: str = ""  # point, shrug, hip, front, face, round; nothing: the arm is straight
    right_hand: str = ""
    held: str = ""  # what holds the prop: left, right, both, none; nothing: the hand that does not wave
    seated: bool = False
    turned: bool = False  # seen from behind
    startled: bool = False
    away: float = 0.0  # from its place to outside the picture: -1 has left it to the left, 1 to the right


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
        lean=0.3 + 0.05 * math.sin(p),
        left_arm=34 + 8 * flap,
        right_arm=152 + 8 * flap,
        left_leg=-0.05,
        right_leg=-0.09,
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
        mood="angry",
    )


def _pointing(p: float, k: int) -> Pose:
    return Pose(
        lean=0.05 + 0.02 * math.sin(2 * p),
        right_arm=88,
        right_hand="point",
        left_hand="hip",
        gaze=(1.0, 0.0),
        mouth="open",
        opening=SPEECH[k] if k < 9 else 0.0,
    )


def _shrugging(p: float, k: int) -> Pose:
    rise = 0.5 - 0.5 * math.cos(p)
    up = rise > 0.2
    return Pose(
        dy=-0.01 * rise,
        head_dy=0.045 * rise,
        lean=0.05 * math.sin(p),
        left_hand="shrug" if up else "",
        right_hand="shrug" if up else "",
        mouth="calm",
        gaze=(0.0, -0.8) if up else (0.0, 0.0),
    )


def _sitting(p: float, k: int) -> Pose:
    return Pose(
        seated=True,
        dy=-0.08,
        sy=1 + 0.01 * math.sin(p),
        left_arm=14,
        right_arm=14,
        left_hand="front",
        right_hand="front",
        eyes="closed" if k == 6 else "open",
    )


def _carrying(p: float, k: int) -> Pose:
    swing = math.sin(2 * p)
    return Pose(
        dx=0.12 * math.sin(p),
        dy=-0.02 * abs(math.cos(2 * p)),
        lean=-0.06 + 0.02 * swing,
        left_leg=0.1 * swing,
        right_leg=-0.1 * swing,
        left_hand="front",
        right_hand="front",
        held="both",
    )


def _entering(p: float, k: int) -> Pose:
    swing = math.sin(2 * p + 0.8)
    coming = max(0.0, 1 - k / 11)
    return Pose(
        away=-0.92 * coming,
        dy=-0.03 * abs(math.cos(2 * p)) * (coming > 0),
        lean=0.08 if coming else 0.0,
        left_leg=0.13 * swing if coming else 0.0,
        right_leg=-0.13 * swing if coming else 0.0,
        left_arm=24 - 24 * swing,
        right_arm=118 + 22 * math.sin(3 * p),
        gaze=(0.9, 0.0) if coming else (0.0, 0.0),
        mouth="open",
        opening=0.6 if k % 4 < 2 else 0.2,
    )


def _leaving(p: float, k: int) -> Pose:
    swing = math.sin(2 * p + 0.8)
    gone = max(0.0, (k - 2) / 13)
    return Pose(
        away=-gone,
        dy=-0.03 * abs(math.cos(2 * p)),
        lean=-0.08,
        left_leg=0.13 * swing,
        right_leg=-0.13 * swing,
        left_arm=24 + 24 * swing,
        right_arm=24 - 24 * swing,
        turned=True,
    )


def _falling(p: float, k: int) -> Pose:
    if k < 2:
        return Pose(lean=0.12 * k, left_arm=60 + 20 * k, right_arm=60 + 20 * k, mouth="open", opening=0.6)
    if k < 6:
        share = (k - 1) / 4
        return Pose(
            lean=0.3 + 0.85 * share**2,
            left_arm=130,
            right_arm=120,
            left_leg=0.1,
            right_leg=0.14,
            lift=0.03,
            mouth="open",
            opening=0.9,
            eyes="wide",
            mood="afraid",
        )
    bounce = 0.05 * max(0.0, math.sin((k - 6) * 1.2)) if k < 9 else 0.0
    return Pose(
        dy=-bounce,
        lean=1.42,
        left_arm=75,
        right_arm=75,
        left_leg=-0.06,
        right_leg=0.1,
        mouth="calm",
        opening=0.3,
        eyes="dizzy",
    )


def _hugging(p: float, k: int) -> Pose:
    return Pose(
        dx=0.01 * math.sin(2 * p),
        lean=0.1 + 0.03 * math.sin(p),
        right_hand="round",
        left_hand="front",
        eyes="happy",
        mood="glad",
    )


def _looking(p: float, k: int) -> Pose:
    return Pose(gaze=(1.0, 0.0), head_dx=0.025, lean=0.03, sy=1 + 0.012 * math.sin(p))


def _double_take(p: float, k: int) -> Pose:
    if k < 3:
        return Pose(gaze=(-0.6, 0.0), head_dx=-0.01)
    if k < 5:
        return Pose(gaze=(1.0, 0.0), head_dx=0.025)
    if k < 7:
        return Pose(gaze=(0.0, 0.0), mouth="calm", eyes="closed" if k == 5 else "open")
    hop = max(0.0, math.sin(math.pi * (k - 7) / 3)) if k < 10 else 0.0
    return Pose(
        dy=-0.09 * hop,
        sy=1.05,
        sx=0.97,
        lean=-0.1,
        head_dx=0.02,
        gaze=(1.0, 0.0),
        left_arm=112,
        right_arm=112,
        eyes="wide",
        mood="surprised",
        mouth="open",
        opening=0.95,
        startled=True,
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
    "pointing": _pointing,
    "shrugging": _shrugging,
    "sitting": _sitting,
    "carrying": _carrying,
    "entering": _entering,
    "leaving": _leaving,
    "falling over": _falling,
    "hugging": _hugging,
    "looking aside": _looking,
    "double take": _double_take,
}
_OTHER_HAND = {"left": "right", "right": "left"}


def pose_at(action: str, frame: int, *, facing: float) -> Pose:
    """The pose of an action at a frame; `facing` 1 leans, waves and looks to the right, -1 to the left."""
    k = frame % PERIOD
    pose = _ACTIONS[action](2 * math.pi * k / PERIOD, k)
    return pose if facing > 0 else mirrored(pose)


def mirrored(pose: Pose) -> Pose:
    """The pose with left and right exchanged."""
    return replace(
        pose,
        dx=-pose.dx,
        lean=-pose.lean,
        head_dx=-pose.head_dx,
        left_arm=pose.right_arm,
        right_arm=pose.left_arm,
        left_hand=pose.right_hand,
        right_hand=pose.left_hand,
        left_leg=-pose.right_leg,
        right_leg=-pose.left_leg,
        gaze=(-pose.gaze[0], pose.gaze[1]),
        held=_OTHER_HAND.get(pose.held, pose.held),
        away=-pose.away,
    )
