"""Acted stagings, from which TOON learns directions.

Figures do their actions and speak, look and feel at random meanwhile, so that training meets all combinations
of a direction's parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from t2v.toon.direction import ARMS, PARTS, Direction, make_pose, make_possible, read_direction
from t2v.toon.drawing.poses import PERIOD, Pose, pose_at
from t2v.toon.world import (
    EVERY_ACTION,
    NEW_ACTIONS,
    NEW_PROPS,
    PROPS,
    Figure,
    Staging,
    sample_staging,
)

CLOSE_ACTIONS = {  # shares in close-ups, where hands and feet are seldom seen
    "standing": 0.16,
    "talking": 0.3,
    "sleeping": 0.05,
    "laughing": 0.14,
    "arguing": 0.08,
    "dancing": 0.02,
    "waving": 0.03,
    "shrugging": 0.05,
    "looking aside": 0.09,
    "double take": 0.08,
}
ALONE = tuple(action for action in EVERY_ACTION if action != "hugging")
MOODS = PARTS["mood"][1:]
FREE_SHARE = 0.35  # of single pictures: each part of the pose is drawn for itself
SEEN = 0.7  # of the way out of a single picture: what has left it is no picture of it
SYLLABLES = (0.0, 0.33, 0.33, 0.65, 0.65, 0.95)

Poses = tuple[tuple[Pose, ...], ...]  # of every frame, of every figure


@dataclass(frozen=True)
class Scene:
    """A staging and how it is played."""

    staging: Staging
    poses: Poses

    def directions(self) -> tuple[tuple[Direction, ...], ...]:
        """Of every frame the direction of every figure."""
        return tuple(tuple(read_direction(pose) for pose in frame) for frame in self.poses)


def sample_scene(rng: np.random.Generator, num_frames: int, *, plainly: bool = False) -> Scene:
    """A random staging with all actions of the world, played over `num_frames` frames.

    `plainly`: clips' figures do what their actions are and nothing else meanwhile.
    """
    staging = _cast(sample_staging(rng), rng)
    start = int(rng.integers(PERIOD)) if num_frames == 1 else 0
    close = staging.size == "close-up"
    parts = [_play(figure, close, start, num_frames, rng, plainly) for figure in staging.figures]
    return Scene(staging, tuple(tuple(part[i] for part in parts) for i in range(num_frames)))


def _cast(staging: Staging, rng: np.random.Generator) -> Staging:
    """The staging with its figures' actions and props drawn from all that the world has."""
    figures = list(staging.figures)
    names, shares = list(CLOSE_ACTIONS), list(CLOSE_ACTIONS.values())
    embrace = len(figures) == 2 and rng.random() < 0.08
    for i, figure in enumerate(figures):
        if staging.size == "close-up":
            action = names[int(rng.choice(len(names), p=shares))]
        else:
            action = "hugging" if embrace else ALONE[int(rng.integers(len(ALONE)))]
        prop = figure.prop
        if action == "carrying" or (prop is not None and rng.random() < 0.25):
            every = (*PROPS, *NEW_PROPS)
            prop = every[int(rng.integers(len(every)))]
        figures[i] = replace(figure, action=action, prop=None if embrace else prop)
    return replace(staging, figures=tuple(figures))


def _play(
    figure: Figure, close: bool, start: int, num_frames: int, rng: np.random.Generator, plainly: bool
) -> list[Pose]:
    """The poses of one figure over the frames."""
    if num_frames == 1 and figure.action != "hugging" and rng.random() < FREE_SHARE:
        return [_hold_prop(_free_pose(figure, close, rng), figure, close, rng.random() < 0.5)]
    facing = {"left": 1.0, "right": -1.0, "centre": 1.0 if rng.random() < 0.5 else -1.0}[figure.place]
    phase = 0 if figure.action in NEW_ACTIONS and num_frames > 1 else 2 * int(rng.integers(PERIOD // 2))
    poses = [pose_at(figure.action, start + phase + i, facing=facing) for i in range(num_frames)]
    if num_frames == 1 and abs(poses[0].away) > SEEN:
        poses = [replace(poses[0], away=math.copysign(float(rng.uniform(0.3, SEEN)), poses[0].away))]
    if not plainly and rng.random() < 0.6:
        poses = _overlay(poses, figure, rng)
    hand = facing > 0 if rng.random() < 0.7 else facing < 0
    poses = [_hold_prop(pose, figure, close, hand) for pose in poses]
    return _ease(poses)


def _overlay(poses: list[Pose], figure: Figure, rng: np.random.Generator) -> list[Pose]:
    """The poses with another mouth, gaze, mood, blink or arms laid over some of their frames."""
    n = len(poses)
    if rng.random() < 0.55:
        poses = _speak(poses, rng)
    if rng.random() < 0.5:
        looks = _spans(n, rng, lambda: PARTS["gaze"][int(rng.integers(5))])
        faces = [make_pose(Direction(gaze=look)) for look in looks]
        poses = [replace(p, gaze=f.gaze, head_dx=f.head_dx) for p, f in zip(poses, faces, strict=True)]
    if rng.random() < 0.5:
        poses = _feel(poses, MOODS[int(rng.integers(len(MOODS)))], rng)
    if rng.random() < 0.3 and figure.action not in ("carrying", "hugging", "sleeping"):
        poses = _gesture(poses, rng)
    if rng.random() < 0.2:
        at = int(rng.integers(n))
        poses[at] = replace(poses[at], eyes="closed")
    return poses


def _spans(n: int, rng: np.random.Generator, draw: Callable[[], str]) -> list[str]:
    """`n` values that change at most twice."""
    cuts = sorted(int(cut) for cut in rng.integers(0, n, size=int(rng.integers(3))))
    out: list[str] = []
    for first, last in zip([0, *cuts], [*cuts, n], strict=True):
        out += [draw()] * (last - first)
    return out


def _speak(poses: list[Pose], rng: np.random.Generator) -> list[Pose]:
    """Lips that speak a stretch of the frames and are shut in the others, or shut all the time."""
    n = len(poses)
    begin, end = sorted(int(at) for at in rng.integers(0, n + 1, size=2))
    if n == 1:
        begin, end = 0, int(rng.random() < 0.7)
    out = []
    for i, pose in enumerate(poses):
        opening = SYLLABLES[int(rng.integers(len(SYLLABLES)))] if begin <= i < end else 0.0
        shut = "frown" if pose.mood == "angry" else "smile"
        out.append(replace(pose, mouth="open" if opening else shut, opening=opening))
    return out


def _feel(poses: list[Pose], mood: str, rng: np.random.Generator) -> list[Pose]:
    """A mood from some frame on, mostly from the first."""
    since = 0 if rng.random() < 0.6 else int(rng.integers(len(poses)))
    wide = mood in ("afraid", "surprised") and rng.random() < 0.85
    out = []
    for i, pose in enumerate(poses):
        if i < since:
            out.append(pose)
            continue
        shut = pose.mouth in ("smile", "calm", "frown") and pose.opening < 0.15
        mouth = ("frown" if mood == "angry" else "smile") if shut else pose.mouth
        eyes = "wide" if wide and pose.eyes == "open" else pose.eyes
        out.append(replace(pose, mood=mood, mouth=mouth, eyes=eyes))
    return out


def _gesture(poses: list[Pose], rng: np.random.Generator) -> list[Pose]:
    """Arms of their own, changed at most twice; in half of the spans both do the same."""

    def draw() -> str:
        left, right = (ARMS[int(rng.integers(len(ARMS) - 1))] for _ in range(2))  # but round another
        return f"{left} {left if rng.random() < 0.5 else right}"

    out = []
    for pose, arms in zip(poses, _spans(len(poses), rng, draw), strict=True):
        left, right = arms.split()
        shown = make_pose(Direction(left_arm=left, right_arm=right))
        out.append(
            replace(
                pose,
                left_arm=shown.left_arm,
                right_arm=shown.right_arm,
                left_hand=shown.left_hand,
                right_hand=shown.right_hand,
            )
        )
    return out


def _free_pose(figure: Figure, close: bool, rng: np.random.Generator) -> Pose:
    """A pose whose parts know nothing of one another; what is as usual is the rule."""
    usual = {"mood": 0.35, "eyes": 0.6, "body": 0.6, "lean": 0.7, "step": 0.75, "legs": 0.7, "back": 0.93}
    chosen: dict[str, str] = {}
    for part, values in PARTS.items():
        options = values[:-1] if part in ("left_arm", "right_arm", "step") else values
        if part in ("hold", "mark") or (close and part in ("body", "step", "legs", "back")):
            continue
        if rng.random() >= usual.get(part, 0.0):
            chosen[part] = options[int(rng.integers(len(options)))]
    if rng.random() < 0.4:
        chosen["right_arm"] = chosen["left_arm"]
    if chosen.get("mood") in ("afraid", "surprised") and rng.random() < 0.7:
        chosen["eyes"] = "wide"
    if rng.random() < 0.06:
        chosen["mark"] = "start"
    return _loosen(make_pose(make_possible(Direction(**chosen))), rng)


def _loosen(pose: Pose, rng: np.random.Generator) -> Pose:
    """The pose a little off, still in the same words."""
    left, right, lean = (float(x) for x in rng.uniform(-1, 1, 3))
    loose = replace(
        pose,
        left_arm=pose.left_arm + 14 * left,
        right_arm=pose.right_arm + 14 * right,
        lean=pose.lean + 0.05 * lean,
        sy=pose.sy * float(rng.uniform(0.98, 1.02)),
    )
    return loose if read_direction(loose) == read_direction(pose) else pose


def _hold_prop(pose: Pose, figure: Figure, close: bool, in_left: bool) -> Pose:
    """The pose with its prop in a hand that is lifted to show it, unless both arms carry it."""
    if figure.prop is None:
        return replace(pose, held="")
    if pose.held == "both":
        return pose
    side = "left" if in_left else "right"
    least = 130.0 if close else 75.0
    arm, hand = f"{side}_arm", f"{side}_hand"
    lifted = {arm: max(getattr(pose, arm), least)} if not getattr(pose, hand) else {}
    return replace(pose, held=side, **lifted)


def _ease(poses: Sequence[Pose]) -> list[Pose]:
    """Straight arms, lean and steps that go a third of the way ahead of their next position."""
    out = list(poses)
    for i in range(1, len(poses) - 1):
        before, now, after = poses[i - 1], poses[i], poses[i + 1]
        names = ["lean", "dx", "head_dx"]
        names += ["left_arm"] if not (before.left_hand or now.left_hand or after.left_hand) else []
        names += ["right_arm"] if not (before.right_hand or now.right_hand or after.right_hand) else []
        eased = {
            name: 0.15 * getattr(before, name) + 0.7 * getattr(now, name) + 0.15 * getattr(after, name)
            for name in names
        }
        out[i] = replace(now, **eased)
    return out
