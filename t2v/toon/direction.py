"""Poses as words: the direction of a pose, in fixed words, and a pose for a direction.

A direction has one value for each part of a figure. A value is one word ("mouth-open", "left-arm-up") and one
token of TOON's vocabulary; usual values (upright, in its place, calm) have no word. Left and right are the
picture's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from t2v.toon.drawing.poses import PERIOD, Pose, pose_at

ARMS = ("down", "out", "up", "point", "shrug", "hip", "front", "face", "round")
STRAIGHT = {"down": 24.0, "out": 78.0, "up": 140.0}  # degrees
LIES, TIPS, LEANS = 1.1, 0.45, 0.09  # radians of lean
ENDING = ("entering", "leaving", "falling over", "double take")  # actions that end somewhere
OPENINGS = {"shut": 0.0, "ajar": 0.33, "open": 0.65, "wide": 0.95}


@dataclass(frozen=True)
class Direction:
    """The pose of one figure in one frame; `PARTS` has the values of each part."""

    mouth: str = "shut"
    gaze: str = "ahead"
    left_arm: str = "down"
    right_arm: str = "down"
    mood: str = "calm"
    eyes: str = "open"
    body: str = "upright"
    lean: str = "none"
    step: str = "none"
    legs: str = "together"
    back: str = "hidden"
    hold: str = "usual"
    mark: str = "none"


PARTS: dict[str, tuple[str, ...]] = {
    "mouth": ("shut", "ajar", "open", "wide", "laughing"),
    "gaze": ("ahead", "left", "right", "up", "down"),
    "left_arm": ARMS,
    "right_arm": ARMS,
    "mood": ("calm", "glad", "sad", "angry", "afraid", "surprised"),
    "eyes": ("open", "shut", "smiling", "wide", "dizzy"),
    "body": ("upright", "crouched", "airborne", "seated", "tipping", "lying"),
    "lean": ("none", "left", "right"),
    "step": ("none", "left", "right", "edge-left", "edge-right", "gone"),
    "legs": ("together", "apart"),
    "back": ("hidden", "seen"),
    "hold": ("usual", "left", "right", "both", "none"),
    "mark": ("none", "start", "dozing"),
}
SAID_ALWAYS = ("mouth", "gaze", "left_arm", "right_arm")  # of the others a word stands for what is unusual
_WORDS: dict[str, str] = {  # how a part's value is said
    "mouth": "mouth-{}",
    "gaze": "looks-{}",
    "left_arm": "left-arm-{}",
    "right_arm": "right-arm-{}",
    "mood": "feels-{}",
    "eyes": "eyes-{}",
    "body": "body-{}",
    "lean": "leans-{}",
    "step": "place-{}",
    "legs": "legs-{}",
    "back": "back-{}",
    "hold": "holds-{}",
    "mark": "mark-{}",
}
BOTH_ARMS = "arms-{}"  # stands for both arms where they do the same


def _meanings() -> dict[str, dict[str, str]]:
    """Each word with the values that it gives to parts."""
    said: dict[str, dict[str, str]] = {}
    for part, values in PARTS.items():
        for value in values if part in SAID_ALWAYS else values[1:]:
            said[_WORDS[part].format(value)] = {part: value}
    said |= {BOTH_ARMS.format(arm): {"left_arm": arm, "right_arm": arm} for arm in ARMS}
    return said


MEANINGS = _meanings()
DIRECTION_WORDS = tuple(MEANINGS)


def describe_direction(direction: Direction, parts: Iterable[str] = tuple(PARTS)) -> tuple[str, ...]:
    """The words of a direction, or of some `parts` of it: the others are free."""
    if direction.step == "gone":
        return (_WORDS["step"].format("gone"),)
    wanted = set(parts)
    said: list[str] = []
    for field in fields(direction):
        part, value = field.name, getattr(direction, field.name)
        same_arms = direction.left_arm == direction.right_arm and {"left_arm", "right_arm"} <= wanted
        if part not in wanted or (part == "right_arm" and same_arms):
            continue
        if part == "left_arm" and same_arms:
            said.append(BOTH_ARMS.format(value))
        elif part in SAID_ALWAYS or value != PARTS[part][0]:
            said.append(_WORDS[part].format(value))
    return tuple(said)


def parse_direction(words: Iterable[str]) -> Direction:
    """The direction of words, with usual values for the rest. Raises ValueError for another word."""
    parts: dict[str, str] = {}
    for word in words:
        if word not in MEANINGS:
            raise ValueError(f"wanted words of a direction such as {DIRECTION_WORDS[0]!r}, got {word!r}")
        parts |= MEANINGS[word]
    return Direction(**parts)


def act(action: str, frame: int, *, facing: float = 1.0) -> Direction:
    """The direction of an action in a frame; one that ends somewhere stays there, others go round.

    `facing` is the side on which those are to whom one speaks: 1 is the right.
    """
    at = min(frame, PERIOD - 1) if action in ENDING else frame
    return read_direction(pose_at(action, at, facing=facing))


# ------------------------------------------------------------------------------- what a pose shows


def read_direction(pose: Pose) -> Direction:
    """The direction that a pose shows."""
    return Direction(
        mouth=_mouth(pose),
        gaze=_gaze(*pose.gaze),
        left_arm=_arm(pose.left_arm, pose.left_hand),
        right_arm=_arm(pose.right_arm, pose.right_hand),
        mood=pose.mood,
        eyes={"closed": "shut", "happy": "smiling"}.get(pose.eyes, pose.eyes),
        body=_body(pose),
        lean="none" if abs(pose.lean) <= LEANS else "right" if pose.lean > 0 else "left",
        step=_step(pose),
        legs="apart" if max(abs(pose.left_leg), abs(pose.right_leg)) > 0.07 else "together",
        back="seen" if pose.turned else "hidden",
        hold=pose.held or "usual",
        mark="dozing" if pose.dozing is not None else "start" if pose.startled else "none",
    )


def _mouth(pose: Pose) -> str:
    if pose.mouth == "laugh":
        return "laughing"
    opening = pose.opening if pose.mouth in ("open", "calm") else 0.0
    return "shut" if opening < 0.15 else "ajar" if opening < 0.5 else "open" if opening < 0.8 else "wide"


def _gaze(right: float, down: float) -> str:
    if max(abs(right), abs(down)) < 0.4:
        return "ahead"
    if abs(right) >= abs(down):
        return "right" if right > 0 else "left"
    return "down" if down > 0 else "up"


def _arm(degrees: float, hand: str) -> str:
    return hand or ("up" if degrees >= 105 else "out" if degrees >= 50 else "down")


def _body(pose: Pose) -> str:
    if pose.seated:
        return "seated"
    if abs(pose.lean) >= TIPS:
        return "lying" if abs(pose.lean) >= LIES else "tipping"
    if pose.dy < -0.1:
        return "airborne"
    return "crouched" if pose.sx > 1.06 else "upright"


def _step(pose: Pose) -> str:
    if abs(pose.away) > 0.85:
        return "gone"
    if abs(pose.away) > 0.3:
        return "edge-left" if pose.away < 0 else "edge-right"
    return "none" if abs(pose.dx) <= 0.07 else "right" if pose.dx > 0 else "left"


# ------------------------------------------------------------------------------- a pose that shows it


def make_pose(direction: Direction) -> Pose:
    """A pose that shows a direction: `read_direction(make_pose(d))` is `d` where one body can do all of it.

    One who tips or lies does so to the side of the lean, to the right where there is none.
    """
    d = direction
    pose = Pose(
        **_face(d),
        **_hands(d),
        **_stance(d),
        left_leg=0.11 if d.legs == "apart" else 0.0,
        right_leg=-0.11 if d.legs == "apart" else 0.0,
        held="" if d.hold == "usual" else d.hold,
        turned=d.back == "seen",
        dozing=0.3 if d.mark == "dozing" else None,
        startled=d.mark == "start",
    )
    return replace(
        pose, head_dx=0.02 * pose.gaze[0], head_dy=0.03 if "shrug" in (d.left_arm, d.right_arm) else 0
    )


def _face(d: Direction) -> dict[str, Any]:
    right, down = {"left": (-1, 0), "right": (1, 0), "up": (0, -0.9), "down": (0, 0.9)}.get(d.gaze, (0, 0))
    if d.mouth == "laughing":
        mouth = {"mouth": "laugh", "opening": 0.9}
    elif d.mouth == "shut":
        mouth = {"mouth": "frown" if d.mood == "angry" else "smile", "opening": 0.0}
    else:
        mouth = {"mouth": "open", "opening": OPENINGS[d.mouth]}
    eyes = {"shut": "closed", "smiling": "happy"}.get(d.eyes, d.eyes)
    return {**mouth, "gaze": (float(right), float(down)), "eyes": eyes, "mood": d.mood}


def _hands(d: Direction) -> dict[str, Any]:
    return {
        "left_arm": STRAIGHT.get(d.left_arm, 24.0),
        "right_arm": STRAIGHT.get(d.right_arm, 24.0),
        "left_hand": "" if d.left_arm in STRAIGHT else d.left_arm,
        "right_hand": "" if d.right_arm in STRAIGHT else d.right_arm,
    }


def _stance(d: Direction) -> dict[str, Any]:
    side = -1.0 if d.lean == "left" else 1.0
    lean = {"tipping": 0.9, "lying": 1.42}.get(d.body, 0.0 if d.lean == "none" else 0.16) * side
    return {
        "lean": lean,
        "dx": {"left": -0.13, "right": 0.13}.get(d.step, 0.0),
        "away": {"edge-left": -0.6, "edge-right": 0.6, "gone": 1.0}.get(d.step, 0.0),
        "seated": d.body == "seated",
        "dy": {"seated": -0.08, "airborne": -0.17}.get(d.body, 0.0),
        "lift": 0.04 if d.body == "airborne" else 0.0,
        "afloat": d.body == "airborne",
        **({"sx": 1.13, "sy": 0.84} if d.body == "crouched" else {}),
    }


def make_possible(direction: Direction) -> Direction:
    """The nearest direction that one body can do: who tips or lies leans, of who is gone nothing is seen."""
    if direction.step == "gone":
        return Direction(step="gone")
    if direction.body in ("tipping", "lying") and direction.lean == "none":
        return replace(direction, lean="right")
    return direction
