"""Cues: what each eighth of a second of a shot shows, and which frames of its clip are cut in for a line.

A clip lasts two seconds, and the lines that it is cut to are shorter or longer. Its frames begin with the
first mouths of its lines; what comes after those is cut from the frames that have the mouths wanted, as in
limited animation. (Bregler, Covell and Slaney 1997, "Video Rewrite", choose frames of film the same way.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from flows.studio.acting.mouths import SHUT

Event = Literal["line", "laugh", "beat"]
Pose = frozenset[str]  # of a frame: the words of what its figures do, faces apart
LAUGH, BEAT, REST = 5, 3, 2  # frames of a clip that has all of them
LEAST_SPEECH = 3  # frames of a speaker's line at the least
_REST_MOUTH = 8.0  # the cost of an open mouth where nobody speaks, or of another's
_MOUTH = 4.0  # of a mouth that is one step too far open or shut
_LAUGHS = 3.0  # of a laugh where there is none, or none where there is one
_BEAT = 1.0
_POSE = 0.5  # of each word of a pose that a jump changes
_TURN, _HOLD, _BACK, _JUMP, _FAR = 0.7, 0.8, 0.1, 1.5, 0.05  # of frames that do not follow one another


@dataclass(frozen=True)
class Cue:
    """An eighth of a second of a shot; without an `on` nothing happens.

    `who` speaks with `mouth` (0 to 3), or has said what is laughed at (`laugh` is the size), or is silent for
    a beat; `mood` is how the line is said.
    """

    on: Event | None = None
    who: str = ""
    mouth: int = SHUT
    laugh: str = ""
    mood: str = ""


@dataclass(frozen=True)
class Part:
    """A stretch of a scene that a shot shows: a line or some of it by its `mouths`, a laugh, or a beat.

    `is_last`: the scene has no later line of this speaker.
    """

    on: Event
    who: str
    mouths: str = ""
    laugh: str = ""
    mood: str = ""
    is_last: bool = False


def lay_cues(parts: Sequence[Part], num_frames: int) -> tuple[Cue, ...]:
    """The cues of a clip's frames: as much of its parts as fits, with shut mouths at the end.

    Every speaker's first line is in it before any second one; a beat and a laugh are, too.
    """
    wanted = _without_repeats(parts)
    fixed = {"laugh": LAUGH, "beat": BEAT}
    room = num_frames - REST - sum(fixed.get(part.on, 0) for part in wanted)
    lengths = _share_room([len(part.mouths) for part in wanted if part.on == "line"], max(room, 1))
    cues: list[Cue] = []
    for part in wanted:
        cue = Cue(part.on, part.who, laugh=part.laugh, mood=part.mood)
        if part.on == "line":
            cues += [replace(cue, mouth=int(mouth)) for mouth in part.mouths[: lengths.pop(0)]]
        else:
            cues += [cue] * fixed[part.on]
    cues = cues[: num_frames - REST] if num_frames > 2 * REST else cues[:num_frames]
    return (*cues, *[Cue()] * (num_frames - len(cues)))


def _without_repeats(parts: Sequence[Part]) -> list[Part]:
    """The first line of every speaker, the first laugh of each size at everybody, and the first beat.

    Lines that are seen on are joined: a shot that comes back to one goes on in it.
    """
    first: dict[tuple[str, ...], Part] = {}
    for part in parts:
        key = (part.on,) if part.on == "beat" else (part.on, part.who)
        if key not in first:
            first[key] = part
        elif part.on == "line":
            first[key] = replace(first[key], mouths=first[key].mouths + str(SHUT) + part.mouths)
    laughs = [part for part in first.values() if part.on == "laugh"]
    return [part for part in first.values() if part.on != "laugh" or part is laughs[0]]


def _share_room(needs: Sequence[int], room: int) -> list[int]:
    """Frames for each line: what it needs where there is room, else equal shares of it."""
    given = [0] * len(needs)
    open_ = list(range(len(needs)))
    while open_ and room > 0:
        share = max(1, room // len(open_))
        for index in list(open_):
            more = min(share, needs[index] - given[index], room)
            given[index] += more
            room -= more
            if given[index] == needs[index] or not room:
                open_.remove(index)
    return given


# ------------------------------------------------------------------------------------- frames of the cut


def speaks(cues: Sequence[Cue]) -> bool:
    """Whether anybody speaks in a clip."""
    return any(cue.on == "line" for cue in cues)


def choose_frames(wanted: Sequence[Cue], clip: Sequence[Cue], poses: Sequence[Pose] = ()) -> tuple[int, ...]:
    """For each cue that is wanted, a frame of the clip: the cheapest way through it (Viterbi).

    Frames that follow one another cost nothing, turning back or standing still little, jumps more, the more
    of the `poses` changes, and a wrong mouth most. A mouth that nobody in the clip has is wanted shut.
    """
    if not wanted:
        return ()
    speakers = {cue.who for cue in clip if cue.on == "line" and cue.mouth != SHUT}
    count = len(clip)
    steps = _steps(count, poses)
    total = {state: _mismatch(wanted[0], clip[state[0]], speakers) for state in steps}
    ways: list[dict[_State, _State]] = []
    for cue in wanted[1:]:
        fits = [_mismatch(cue, have, speakers) for have in clip]
        reached: dict[_State, float] = {}
        way: dict[_State, _State] = {}
        for state, before in steps.items():
            best = min(before, key=lambda one: total[one] + before[one])
            reached[state] = total[best] + before[best] + fits[state[0]]
            way[state] = best
        total = reached
        ways.append(way)
    state = min(total, key=lambda one: total[one])
    frames = [state[0]]
    for way in reversed(ways):
        state = way[state]
        frames.append(state[0])
    return tuple(reversed(frames))


_State = tuple[int, int]  # a frame of the clip, and whether it plays on (1) or back (-1)


def _steps(count: int, poses: Sequence[Pose]) -> Mapping[_State, Mapping[_State, float]]:
    """The cost of every state from those that may come before it."""
    steps: dict[_State, dict[_State, float]] = {}
    for frame in range(count):
        on, back = (frame, 1), (frame, -1)
        for state in (on, back):
            steps[state] = {
                (other, way): _JUMP + _FAR * abs(other - frame) + _POSE * _difference(poses, other, frame)
                for other in range(count)
                for way in (1, -1)
            }
            steps[state][state] = _HOLD
        if frame:
            steps[on] |= {(frame - 1, 1): 0.0, (frame - 1, -1): _TURN}
        if frame + 1 < count:
            steps[back] |= {(frame + 1, -1): _BACK, (frame + 1, 1): _TURN}
    return steps


def _difference(poses: Sequence[Pose], one: int, other: int) -> int:
    """How many words of the poses of two frames differ."""
    return len(poses[one] ^ poses[other]) if poses else 0


def _mismatch(wanted: Cue, have: Cue, speakers: set[str]) -> float:
    """How badly a frame of the clip shows a cue."""
    speaking = wanted.on == "line" and wanted.who in speakers
    cost = 0.0
    if have.on == "line" and have.mouth != SHUT and not (speaking and have.who == wanted.who):
        cost += _REST_MOUTH
    elif speaking:
        cost += _MOUTH * abs(wanted.mouth - (have.mouth if have.on == "line" else SHUT))
    if (have.on == "laugh") != (wanted.on == "laugh"):
        cost += _LAUGHS
    if (have.on == "beat") != (wanted.on == "beat"):
        cost += _BEAT
    return cost
