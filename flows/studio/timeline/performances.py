"""Performances: what each shot shows of its scene's lines, and the frames of acted clips that go with them.

Before anything is filmed, the scenes are cut with clips that are not there yet (`rehearse`): so the camera
knows which line a shot is for. When they are there, `acted_frames` chooses those with the mouths of the
voices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.studio.acting.cues import Cue, Part, Pose, choose_frames
from flows.studio.acting.mouths import SHUT
from flows.studio.acting.stage_directions import mood_of
from flows.studio.rates import CLIP_HOLD
from flows.studio.timeline.model import LaughCue, LineCue, PictureCut, Timeline
from flows.studio.voice.delivery import read_parenthetical
from scripts_llm.screenplay.script import Beat, Line, Scene

SHORTEST_PART = 6  # frames of the timeline: less of a line, a laugh or a silence is not acted
SILENCE = 12  # frames without a word that are a beat


@dataclass(frozen=True)
class _Spoken:
    """A line of a scene with its cue, and what follows it: a laugh that the script wants, a beat."""

    cue: LineCue
    line: Line
    laugh: str
    has_beat: bool
    end: int  # the frame at which the next line starts
    is_last: bool  # of its speaker's in the scene


def seen_parts(timeline: Timeline, scenes: Sequence[Scene]) -> dict[str, tuple[Part, ...]]:
    """The parts of its scene that each shot shows, by the shot's name, in the film's order.

    A line without mouths, which is not spoken yet, is a part without mouths. Laughs count that the script
    asks for: those that the film adds come and go with other lines.
    """
    parts: dict[str, list[Part]] = {}
    for scene in scenes:
        spoken = list(_spoken(timeline, scene))
        for cut in (cut for cut in timeline.pictures if cut.scene == scene.id):
            parts.setdefault(cut.shot, []).extend(_parts_of_cut(cut, spoken, timeline.laughs))
    return {shot: tuple(of_shot) for shot, of_shot in parts.items()}


def _spoken(timeline: Timeline, scene: Scene) -> Iterator[_Spoken]:
    cues = [cue for cue in timeline.lines if cue.scene == scene.id]
    ends = [*(cue.start for cue in cues[1:]), timeline.num_frames]
    places = [index for index, element in enumerate(scene.dialogue) if isinstance(element, Line)]
    for cue, end, index in zip(cues, ends[: len(cues)], places, strict=True):
        line = scene.dialogue[index]
        after = scene.dialogue[index + 1] if index + 1 < len(scene.dialogue) else None
        beat = after if isinstance(after, Beat) else None
        assert isinstance(line, Line)
        laugh = line.laugh or (beat.laugh if beat else None) or "none"
        has_beat = beat is not None or bool(line.hold) or (isinstance(after, Line) and _begins_late(after))
        is_last = all(later.who != cue.who for later in cues if later.start > cue.start)
        yield _Spoken(cue, line, "" if laugh == "none" else laugh, has_beat, end, is_last)


def _begins_late(line: Line) -> bool:
    return bool(line.pause_before or read_parenthetical(line.parenthetical).pause_seconds)


def _parts_of_cut(cut: PictureCut, spoken: Sequence[_Spoken], laughs: Sequence[LaughCue]) -> Iterator[Part]:
    for one in spoken:
        cue, mood = one.cue, mood_of(one.line.parenthetical)
        heard = _overlap(cut, cue.start, cue.end)
        if heard >= min(SHORTEST_PART, cue.end - cue.start):
            first = (max(cut.start, cue.start) - cue.start) // CLIP_HOLD
            last = -(-(min(cut.end, cue.end) - cue.start) // CLIP_HOLD)
            yield Part("line", cue.who, cue.mouths[first:last], mood=mood, is_last=one.is_last)
        laugh = next((each for each in laughs if cue.end <= each.start < one.end), None)
        if one.laugh and laugh and _overlap(cut, laugh.start, laugh.end) >= SHORTEST_PART:
            yield Part("laugh", cue.who, laugh=one.laugh)
        elif one.has_beat and _overlap(cut, cue.end, one.end) >= SHORTEST_PART:
            yield Part("beat", cue.who)


def _overlap(cut: PictureCut, start: int, end: int) -> int:
    return min(cut.end, end) - max(cut.start, start)


# ------------------------------------------------------------------------------------- frames of the cut


def is_acted(lines: Sequence[LineCue]) -> bool:
    """Whether the mouths of a scene's lines are known."""
    return any(line.mouths for line in lines)


def acted_frames(
    clip: Sequence[Cue],
    poses: Sequence[Pose],
    start: int,
    end: int,
    lines: Sequence[LineCue],
    laughs: Sequence[LaughCue],
) -> tuple[int, ...]:
    """The clip's own frame for each frame of the timeline from `start` to `end`, in step with the voices."""
    steps = list(_wanted(start, end, lines, laughs))
    chosen = choose_frames([cue for cue, _ in steps], clip, poses)
    return tuple(frame for frame, (_, length) in zip(chosen, steps, strict=True) for _ in range(length))


def _wanted(
    start: int, end: int, lines: Sequence[LineCue], laughs: Sequence[LaughCue]
) -> Iterator[tuple[Cue, int]]:
    """What is to be seen, eight times a second in step with the line, and for how many frames."""
    at = start
    while at < end:
        line = max(
            (one for one in lines if one.start <= at < one.end), key=lambda one: one.start, default=None
        )
        following = min((one.start for one in lines if one.start > at), default=end)
        stop = min(at + CLIP_HOLD, end, following)
        if line is not None:
            step = (at - line.start) // CLIP_HOLD
            stop = min(line.start + (step + 1) * CLIP_HOLD, line.end, end, following)
            mouth = int(line.mouths[step]) if step < len(line.mouths) else SHUT
            yield Cue("line", line.who, mouth), stop - at
        else:
            yield _silent_cue(at, following, lines, laughs), stop - at
        at = stop


def _silent_cue(at: int, following: int, lines: Sequence[LineCue], laughs: Sequence[LaughCue]) -> Cue:
    before = max((one for one in lines if one.end <= at), key=lambda one: one.end, default=None)
    who = before.who if before else ""
    laugh = next((one for one in laughs if one.start <= at < one.end), None)
    if laugh is not None:
        return Cue("laugh", who, laugh=laugh.size)
    is_beat = before is not None and following - before.end >= SILENCE
    return Cue("beat", who) if is_beat else Cue()
