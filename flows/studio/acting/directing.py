"""Directing: one direction a frame for every figure of a shot, from its action and its frames' cues.

An action is a list of poses (`t2v.toon.drawing.poses`). Over it lie who speaks with which mouth, who looks at
whom, what is laughed at, a beat, and what the script says by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flows.studio.acting.cues import Cue, Pose, speaks
from flows.studio.acting.mouths import SHUT
from flows.studio.acting.stage_directions import EVERYBODY, StageDirection
from t2v.toon.direction import Direction, act, describe_direction, make_possible

MOUTHS = ("shut", "ajar", "open", "wide")
IDLE = ("standing", "talking")
OPEN_BY_ITSELF = ("laughing",)  # the mouth of an action that stays open where nobody speaks
OF_FACES = ("mouth-", "looks-", "eyes-", "feels-")
TAKE = 2  # frames of surprise before a laugh
BIG_LAUGHS = ("big", "applause")

Directions = tuple[tuple[str, ...], ...]  # of every frame, of every figure: its words


@dataclass(frozen=True)
class Role:
    """A figure of a shot: who it is, where it stands (left, centre, right), what it does.

    `faces` is the side on which those are to whom it speaks: 1 is the right.
    """

    who: str
    place: str = "centre"
    action: str = "standing"
    faces: int = 1


ByHand = Mapping[int, Mapping[str, StageDirection]]  # by the frame from which on it holds, and by person


def direct(roles: Sequence[Role], cues: Sequence[Cue], *, by_hand: ByHand | None = None) -> Directions:
    """The words of every frame's direction, for every figure in order; none where nobody is seen."""
    if not roles:
        return ()
    frames = []
    for frame, cue in enumerate(cues):
        since = _since(cues, frame)
        shown = (_direction(role, roles, cues, frame, since) for role in roles)
        pairs = zip(roles, shown, strict=True)
        changed = (_by_hand(each, role, roles, frame, by_hand or {}, cue) for role, each in pairs)
        frames.append(tuple(" ".join(describe_direction(make_possible(one))) for one in changed))
    return tuple(frames)


def poses_of(directions: Directions) -> tuple[Pose, ...]:
    """Of every frame the words of what its figures do, without those of their faces."""
    return tuple(
        frozenset(
            f"{number} {word}"
            for number, words in enumerate(figures)
            for word in words.split()
            if not word.startswith(OF_FACES)
        )
        for figures in directions
    )


def _since(cues: Sequence[Cue], frame: int) -> int:
    """For how many frames the same has been going on; the mouths of a line are the same line."""
    first = frame
    while first and _event(cues[first - 1]) == _event(cues[frame]):
        first -= 1
    return frame - first


def _event(cue: Cue) -> Cue:
    return replace(cue, mouth=SHUT)


def _direction(role: Role, roles: Sequence[Role], cues: Sequence[Cue], frame: int, since: int) -> Direction:
    """What a figure does in a frame by itself."""
    cue = cues[frame]
    is_speaking = cue.on == "line" and cue.who == role.who
    action, at = _action_at(role, cues, frame)
    shown = act(action, at, facing=role.faces)
    if speaks(cues) and not (action in OPEN_BY_ITSELF and cue.on != "line"):
        shown = replace(shown, mouth=MOUTHS[cue.mouth] if is_speaking else "shut")
    if action == "sleeping" and not is_speaking:
        return shown
    if is_speaking:
        shown = replace(
            shown, mood=cue.mood or shown.mood, eyes="open" if action == "sleeping" else shown.eyes
        )
        return _looking(shown, action, _towards_listener(role, roles))
    if cue.on == "line":
        return _looking(shown, action, _towards(cue.who, role, roles))
    if cue.on == "laugh":
        return _laughing(shown, role, roles, cue, since)
    if cue.on == "beat":
        gaze = _towards_listener(role, roles) if cue.who == role.who else "ahead"
        return replace(_looking(shown, action, gaze), eyes="shut" if since == 1 else shown.eyes)
    return replace(shown, mood=_last_mood(role, cues[:frame]) or shown.mood)


def _action_at(role: Role, cues: Sequence[Cue], frame: int) -> tuple[str, int]:
    """What a figure does in a frame, and in which frame of it; who leaves says all its lines first."""
    lines = [at for at, cue in enumerate(cues) if cue.on == "line" and cue.who == role.who]
    if role.action == "leaving" and lines and frame > lines[-1]:
        return "leaving", frame - lines[-1] - 1
    if role.action in IDLE or (role.action == "leaving" and lines):
        return "talking" if frame in lines else "standing", frame
    return role.action, frame


def _looking(shown: Direction, action: str, gaze: str) -> Direction:
    """The same with another gaze, where the action is not about one."""
    return shown if action in ("looking aside", "double take", "leaving") else replace(shown, gaze=gaze)


def _laughing(shown: Direction, role: Role, roles: Sequence[Role], cue: Cue, since: int) -> Direction:
    """Who has the button looks at the viewer; the others take it in, and laugh on a big laugh."""
    if cue.who == role.who:
        mood = "sad" if cue.laugh == "aww" else "glad"
        return replace(shown, gaze="ahead", mood=mood, mouth="shut")
    at = _towards(cue.who, role, roles)
    if since < TAKE or cue.laugh == "ooh":
        return replace(shown, gaze=at, mood="surprised", eyes="wide", mouth="shut")
    if cue.laugh in BIG_LAUGHS:
        return replace(shown, gaze=at, mood="glad", eyes="smiling", mouth="laughing")
    if cue.laugh == "aww":
        return replace(shown, gaze=at, mood="sad", mouth="shut")
    return replace(shown, gaze="ahead", mood="glad", eyes="smiling", mouth="shut")


def _last_mood(role: Role, before: Sequence[Cue]) -> str:
    """The mood of this figure's last line, which stays on its face."""
    return next((cue.mood for cue in reversed(before) if cue.on == "line" and cue.who == role.who), "")


# ------------------------------------------------------------------------------------------------ gazes

_ORDER = ("left", "centre", "right")


def _towards(who: str, role: Role, roles: Sequence[Role]) -> str:
    """The gaze at somebody where they stand, or to the side that one faces if they are not seen."""
    other = next((one for one in roles if one.who == who and one is not role), None)
    return _side(role.faces) if other is None else _gaze_at(role, other)


def _towards_listener(role: Role, roles: Sequence[Role]) -> str:
    others = [one for one in roles if one is not role]
    nearest = min(
        others, key=lambda one: abs(_ORDER.index(one.place) - _ORDER.index(role.place)), default=None
    )
    return _side(role.faces) if nearest is None else _gaze_at(role, nearest)


def _gaze_at(role: Role, other: Role) -> str:
    away = _ORDER.index(other.place) - _ORDER.index(role.place)
    return _side(away or role.faces)


def _side(towards: int) -> str:
    return "right" if towards > 0 else "left"


# --------------------------------------------------------------------------------------------- by hand


def _by_hand(
    shown: Direction, role: Role, roles: Sequence[Role], frame: int, by_hand: ByHand, cue: Cue
) -> Direction:
    """What the script says of this figure in this frame, over what it does by itself."""
    of_role = {start: who.get(role.who) or who.get(EVERYBODY) for start, who in by_hand.items()}
    start = max((start for start, said in of_role.items() if said and start <= frame), default=None)
    said = None if start is None else of_role[start]
    if start is None or said is None:
        return shown
    if said.action is not None:
        acted = act(said.action, frame - start, facing=role.faces)
        speaking = cue.on == "line" and cue.who == role.who
        shown = replace(acted, mouth=shown.mouth) if speaking else acted
    if said.looks_at is not None:
        shown = replace(shown, gaze=_towards(said.looks_at, role, roles))
    return replace(shown, **said.parts)
