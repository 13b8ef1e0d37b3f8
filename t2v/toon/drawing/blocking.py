"""Where the figures of a staging stand, how the camera sees them, and where their heads and arms are.

Scene units are heights of the picture, x from -aspect/2 to aspect/2, y from 0 (top) to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from t2v.toon.drawing.anatomy import ANATOMY, Anatomy
from t2v.toon.drawing.pen import Affine, Colour, Point, placed
from t2v.toon.drawing.poses import PERIOD, Pose, pose_at
from t2v.toon.world import PEOPLE, Figure, Staging

SKINS: tuple[Colour, ...] = ((255, 216, 178), (255, 216, 178), (196, 134, 92))
HAIRS: tuple[Colour, ...] = ((92, 54, 34), (58, 44, 52))
WOMEN_HAIRS: tuple[Colour, ...] = ((150, 74, 36), (88, 50, 36))
TIPPING = 0.37  # sine of the lean from which one is falling, or lies
HUG = 0.56  # heights between two who embrace


@dataclass(frozen=True)
class Actor:
    """A figure with its place in the scene, fixed for the clip."""

    figure: Figure
    anatomy: Anatomy
    x: float
    feet: float
    height: float
    wide: float
    facing: float
    phase: int
    skin: Colour
    hair: Colour
    close: bool
    edge: float  # of the picture, where it leaves it


@dataclass(frozen=True)
class Blocking:
    """What a staging's seed decides: where everybody stands, and how the camera moves."""

    actors: tuple[Actor, ...]
    shift: float  # of the set, sideways
    start: int  # the first frame's tick: a single picture is from anywhere in the period
    pan: float  # 1 to the right, -1 to the left

    def poses_at(self, tick: int) -> list[Pose]:
        """The poses of the figures' actions; each figure speaks and moves with a phase of its own."""
        return [
            pose_at(actor.figure.action, tick + actor.phase, facing=actor.facing) for actor in self.actors
        ]


def block(staging: Staging, aspect: float, num_frames: int) -> Blocking:
    """The blocking of a clip, or of a single picture."""
    rng = np.random.default_rng(staging.seed)
    shift = float(rng.uniform(-0.03, 0.03))
    start = int(rng.integers(PERIOD)) if num_frames == 1 else 0
    pan = 1.0 if rng.random() < 0.5 else -1.0
    return Blocking(tuple(_cast(staging, aspect, rng)), shift, start, pan)


@dataclass(frozen=True)
class View:
    """What the camera sees: `zoom`, and `dx` scene units to the right of the middle."""

    zoom: float = 1.0
    dx: float = 0.0

    def affine(self, aspect: float, unit: float) -> Affine:
        """From scene units to pixels of a picture that is `unit` pixels high."""
        zoom = self.zoom * unit
        return (zoom, 0, unit * (aspect / 2 - self.dx), 0, zoom, unit * (0.5 - 0.5 * self.zoom))


def view_at(staging: Staging, blocking: Blocking, frame: int, num_frames: int, tick: int) -> View:
    """The camera's view in a frame of the clip."""
    share = ((tick % PERIOD) if num_frames == 1 else frame) / max(num_frames - 1, PERIOD - 1)
    if staging.camera == "pan":
        return View(dx=blocking.pan * 0.18 * (min(share, 1.0) - 0.5))
    if staging.camera == "push-in":
        return View(zoom=1.0 + 0.16 * min(share, 1.0))
    return View()


def _cast(staging: Staging, aspect: float, rng: np.random.Generator) -> list[Actor]:
    """Every figure's place: side by side, heads inside the picture."""
    count = len(staging.figures)
    offsets = {"left": -1.0, "centre": 0.0, "right": 1.0}
    reach = aspect * {1: 0.2, 2: 0.235, 3: 0.33}.get(count, 0.0)
    slot = aspect / max(count, 1)
    actors = []
    for figure in staging.figures:
        anatomy = ANATOMY[figure.kind]
        jitter_x, jitter_y, jitter_h = rng.uniform(-1, 1, 3)
        facing = {"left": 1.0, "right": -1.0, "centre": 1.0 if rng.random() < 0.5 else -1.0}[figure.place]
        tint = int(rng.integers(6))
        close = staging.size == "close-up"
        build = {"small": 0.78, "normal": 1.0, "large": 1.08}[figure.build]
        if close:
            person = figure.kind in PEOPLE
            size = min(
                (0.62 if person else 0.68) / (2 * anatomy.head_ry), 0.72 * aspect / (2 * anatomy.head_rx)
            )
            size *= {"small": 0.88, "normal": 1.0, "large": 1.06}[figure.build]
            feet, x = (0.47 if person else 0.53) - anatomy.head_y * size + 0.012 * jitter_y, 0.03 * jitter_x
        else:
            medium = staging.size == "medium"
            size = min(0.77 if medium else 0.55, slot / (0.74 if count > 1 else 0.7))
            size *= anatomy.tall * build * (1 + 0.03 * jitter_h)
            if medium and figure.action in ("jumping", "flying", "double take"):
                size *= 0.92  # room above
            feet = (0.955 if medium else 0.9) + 0.01 * jitter_y
            x = offsets[figure.place] * reach + 0.025 * jitter_x * min(aspect / count, 1)
        hairs = WOMEN_HAIRS if figure.kind == "woman" else HAIRS
        wide = 1.16 if figure.build == "large" else 1.0
        actors.append(
            Actor(
                figure,
                anatomy,
                x,
                feet,
                size,
                wide,
                facing,
                tint * 2,
                SKINS[tint % 3],
                hairs[tint // 3],
                close,
                aspect / 2,
            )
        )
    return actors


def together(actors: Sequence[Actor], poses: Sequence[Pose]) -> list[Actor]:
    """The actors, those who put an arm round their neighbour close beside them."""
    near = list(actors)
    for i, (actor, pose) in enumerate(zip(actors, poses, strict=True)):
        reach = (pose.right_hand == "round") - (pose.left_hand == "round")
        if reach and 0 <= i + reach < len(actors):
            other = actors[i + reach]
            middle = (actor.x + other.x) / 2
            near[i] = replace(actor, x=middle - reach * 0.5 * HUG * (actor.height + other.height) / 2)
    return near


def ground_x(actor: Actor, pose: Pose) -> float:
    """Where on the floor it stands."""
    h = actor.height
    x = actor.x + pose.dx * h * (0.35 if actor.close else 1.0)
    outside = math.copysign(actor.edge + 0.36 * h, pose.away)
    return x + abs(pose.away) * (outside - x)


def body_affine(base: Affine, actor: Actor, pose: Pose) -> Affine:
    """From units of the figure to the picture's."""
    h = actor.height
    damp = 0.35 if actor.close else 1.0
    sine = math.sin(pose.lean)
    back = (0.8 if actor.close else 0.5) * sine * actor.anatomy.head_y * h
    x = ground_x(actor, pose) + back
    y = actor.feet + pose.dy * h * damp
    y -= 0.45 * h * max(0.0, abs(sine) - TIPPING)  # one who falls lies on the side, not in the floor
    return placed(base, x, y, sx=h * pose.sx * actor.wide, sy=h * pose.sy, lean=pose.lean)


@dataclass(frozen=True)
class Arm:
    """An arm in units of the figure, from the shoulder to the hand."""

    side: float  # -1 left, 1 right in the picture
    points: tuple[Point, ...]
    hand: str  # where it is bent to, "" for a straight arm
    holds: bool  # the figure's prop, alone


def arms_of(actor: Actor, pose: Pose) -> tuple[Arm, Arm]:
    """The left and the right arm; one that holds the prop is lifted to show it."""
    prop = actor.figure.prop if pose.held != "none" else None
    waiting = "left" if actor.facing > 0 else "right"  # the other arm is the one that waves
    arms = []
    for side, name, angle, hand in (
        (-1.0, "left", pose.left_arm, pose.left_hand),
        (1.0, "right", pose.right_arm, pose.right_hand),
    ):
        holds = prop is not None and (pose.held or waiting) == name
        degrees = max(angle, 130.0 if actor.close else 75.0) if holds and not pose.held else angle
        arms.append(Arm(side, tuple(_arm(actor.anatomy, side, degrees, hand)), hand, holds))
    return arms[0], arms[1]


def _arm(a: Anatomy, side: float, degrees: float, hand: str) -> list[Point]:
    """An arm from the shoulder: straight at an angle, or bent to where its hand is."""
    sx, sy, n = a.shoulder_x, a.shoulder_y, a.arm
    bent: dict[str, list[Point]] = {
        "point": [(sx + 1.25 * n, sy - 0.06)],
        "shrug": [(sx + 0.5 * n, sy + 0.42 * n), (sx + 1.12 * n, sy - 0.28 * n)],
        "hip": [(sx + 0.8 * n, sy + 0.32 * n), (sx + 0.12 * n, sy + 0.72 * n)],
        "front": [(sx + 0.42 * n, sy + 0.5 * n), (0.15, sy + 0.52 * n)],
        "face": [(sx + 0.75 * n, sy + 0.42 * n), (0.09, a.eye_y + 0.05)],
        "round": [(sx + 0.6 * n, sy - 0.02), (sx + 1.45 * n, sy + 0.1)],
    }
    if hand:
        return [(side * x, y) for x, y in [(sx, sy), *bent[hand]]]
    theta = math.radians(degrees)
    return [(side * sx, sy), (side * (sx + n * math.sin(theta)), sy + n * math.cos(theta))]
