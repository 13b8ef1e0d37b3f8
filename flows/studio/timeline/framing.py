"""Framing: which shot is seen when, and which of its frames, so that the speaker is in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.studio.acting.cues import Cue, Pose, speaks
from flows.studio.rates import CLIP_HOLD
from flows.studio.timeline.model import LaughCue, LineCue, PictureCut
from flows.studio.timeline.performances import acted_frames, is_acted
from scripts_llm.screenplay.script import Shot
from scripts_llm.screenplay.video import Fit

LONG_CUT = 84  # a line that lasts longer is seen from two sides, if there are two
REACTION_DELAY = 6  # the laugh is heard before somebody else's face is seen
SHORTEST_CUT = 12
LONGEST_INSERT = 30


@dataclass(frozen=True)
class Footage:
    """What the cut has of a shot: its clip of `num_frames` frames; without a clip it becomes a gag card.

    `cues` are what each frame of an acted clip shows, `poses` what its people do in it.
    """

    id: str
    shot: Shot
    clip: Path | None
    num_frames: int
    cues: tuple[Cue, ...] = ()
    poses: tuple[Pose, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A stretch of a scene that shows one thing: a speaker, a face that reacts, or the place."""

    start: int
    end: int
    who: str | None = None
    place: bool = False
    reaction: bool = False  # anybody but `who`
    thing: str = ""  # what is talked about, as the shot of it calls it


@dataclass
class _Memory:
    """The shots and sizes that were seen in this scene so far."""

    uses: dict[str, int] = field(default_factory=dict)
    sizes: list[str] = field(default_factory=list)
    last: str | None = None


def establishing_shot(shots: Sequence[Footage]) -> Footage | None:
    """The filmed shot that shows the place; None if the scene has none."""
    return next((s for s in shots if s.shot.size == "establishing" and s.clip is not None), None)


def lay_pictures(
    scene: str,
    shots: Sequence[Footage],
    moments: Sequence[Moment],
    *,
    fit: Fit = "boomerang",
    holds: Sequence[tuple[int, int]] = (),
    lines: Sequence[LineCue] = (),
    laughs: Sequence[LaughCue] = (),
) -> tuple[PictureCut, ...]:
    """The picture track of one scene, for `moments` that follow each other without a gap.

    The picture stands still from each start to each end of `holds`. `fit` applies to shots that have none;
    acted clips follow the mouths of `lines`, and the `laughs`, instead.
    """
    if not shots:
        card = PictureCut(scene, "", moments[0].start, moments[-1].end, clip=None, card="gag")
        return (card,)
    memory = _Memory()
    chosen: list[tuple[Footage, int, int]] = []
    for moment in _parted(shots, moments):
        shot = _choose(shots, moment, memory)
        if chosen and chosen[-1][0] is shot:
            chosen[-1] = (shot, chosen[-1][1], moment.end)
            continue
        chosen.append((shot, moment.start, moment.end))
        memory.sizes.append(_size(shot))
        memory.last = shot.id
        memory.uses[shot.id] = memory.uses.get(shot.id, 0) + 1
    cuts = _cuts(scene, _trimmed(shots, chosen, fit), fit)
    if not is_acted(lines):
        return tuple(_held(cut, holds) for cut in cuts)
    acted = {shot.id: shot for shot in shots if shot.clip is not None and speaks(shot.cues)}
    return tuple(
        _in_step(cut, acted[cut.shot], lines, laughs, holds) if cut.shot in acted else _held(cut, holds)
        for cut in cuts
    )


def with_thing(spoken: Moment, thing: str) -> tuple[Moment, ...]:
    """A spoken moment with a cut to the thing talked about in its middle; whole if there is no time."""
    length = spoken.end - spoken.start
    if not thing or length < 3 * SHORTEST_CUT:
        return (spoken,)
    begins = spoken.start + length // 3
    ends = begins + max(SHORTEST_CUT, min(LONGEST_INSERT, length // 3))
    return (
        replace(spoken, end=begins),
        Moment(begins, ends, thing=thing),
        replace(spoken, start=ends),
    )


def _in_step(
    cut: PictureCut,
    shot: Footage,
    lines: Sequence[LineCue],
    laughs: Sequence[LaughCue],
    holds: Sequence[tuple[int, int]],
) -> PictureCut:
    """The cut with the frames that go with the voices; it stands still in holds, and goes on in step."""
    frames = list(acted_frames(shot.cues, shot.poses, cut.start, cut.end, lines, laughs))
    for start, end in holds:
        a, b = max(start, cut.start) - cut.start, min(end, cut.end) - cut.start
        if a < b:
            frames[a:b] = [frames[max(0, a - 1)]] * (b - a)
    return replace(cut, frames=tuple(frames))


def _held(cut: PictureCut, holds: Sequence[tuple[int, int]]) -> PictureCut:
    """The cut with its frame before each hold repeated as long as the hold lasts; the others come later."""
    frames = list(cut.frames)
    for start, end in holds:
        a, b = max(start, cut.start) - cut.start, min(end, cut.end) - cut.start
        if frames and a < b:
            frames[a:] = [frames[max(0, a - 1)]] * (b - a) + frames[a : len(frames) - (b - a)]
    return replace(cut, frames=tuple(frames))


def _trimmed(
    shots: Sequence[Footage], chosen: Sequence[tuple[Footage, int, int]], fit: Fit
) -> list[tuple[Footage, int, int]]:
    """Replaces a shot with fit "trim" by the next filmed one when its clip is over."""
    filmed = [shot for shot in shots if shot.clip is not None]
    found: list[tuple[Footage, int, int]] = []
    for first, start, end in chosen:
        shot, at, seen = first, start, {first.id}
        while (shot.shot.fit or fit) == "trim" and shot.clip is not None:
            over = at + shot.num_frames * CLIP_HOLD
            rest = [other for other in filmed if other.id not in seen]
            if end - over < SHORTEST_CUT or not rest:
                break
            found.append((shot, at, over))
            shot, at = rest[0], over
            seen.add(shot.id)
        found.append((shot, at, end))
    return found


def _parted(shots: Sequence[Footage], moments: Sequence[Moment]) -> list[Moment]:
    """Splits long moments in two or more, where their speaker can be seen in more than one shot."""
    parted = []
    for moment in moments:
        length = moment.end - moment.start
        views = sum(_distance(shot, moment) < 40 for shot in shots)
        pieces = 1 if moment.place or views < 2 else 1 + (length - 1) // LONG_CUT
        ends = [moment.start + length * (i + 1) // pieces for i in range(pieces)]
        starts = [moment.start, *ends[:-1]]
        parted += [replace(moment, start=a, end=b) for a, b in zip(starts, ends, strict=True)]
    return parted


def _size(shot: Footage) -> str:
    return shot.shot.size or "medium"


def _distance(shot: Footage, moment: Moment) -> int:
    """How badly a shot shows a moment; it shows it at all below 40."""
    missing = 30 if shot.clip is None else 0
    if moment.thing or shot.shot.of:  # a thing is seen while it is talked about, and then alone
        return missing + (0 if moment.thing == (shot.shot.of or "") else 70)
    if moment.place:
        return missing + (0 if _size(shot) == "establishing" else 20)
    if moment.reaction:
        return missing + (60 if shot.shot.who == moment.who else 45 if _size(shot) == "establishing" else 0)
    if moment.who is not None and shot.shot.who == moment.who:
        return missing
    if shot.shot.who is None:
        return missing + (45 if _size(shot) == "establishing" else 6)
    return missing + {"medium": 50, "establishing": 55}.get(_size(shot), 60)  # a medium shot may show two


def _choose(shots: Sequence[Footage], moment: Moment, memory: _Memory) -> Footage:
    """The best shot; equally good ones take turns, and a third identical framing in a row is avoided."""

    def cost(shot: Footage) -> int:
        same = shot.id == memory.last
        third = not same and memory.sizes[-2:] == [_size(shot)] * 2
        return _distance(shot, moment) + 3 * same + 25 * third + 4 * memory.uses.get(shot.id, 0)

    return min(shots, key=cost)


def _cuts(scene: str, chosen: Sequence[tuple[Footage, int, int]], fit: Fit) -> tuple[PictureCut, ...]:
    cuts = []
    uses: dict[str, int] = {}
    for shot, start, end in chosen:
        turn = uses.get(shot.id, 0)
        uses[shot.id] = turn + 1
        if shot.clip is None:
            cuts.append(PictureCut(scene, shot.id, start, end, clip=None, card="gag"))
            continue
        indices = clip_frame_numbers(shot.num_frames, end - start, shot.shot.fit or fit, turn=turn)
        cuts.append(PictureCut(scene, shot.id, start, end, clip=shot.clip, frames=indices))
    return tuple(cuts)


def clip_frame_numbers(num_frames: int, length: int, fit: Fit, *, turn: int = 0) -> tuple[int, ...]:
    """The clip's own frame for each of `length` frames of the timeline, each held for three.

    A clip that is too short begins anew (loop), goes back and forth (boomerang), stays on its last frame
    (hold, and trim once it is over), or is held longer (slow). The second `turn` of a clip that repeats
    begins elsewhere in it, so that it is not seen twice alike.
    """
    if num_frames < 1:
        raise ValueError("a clip without frames")
    if fit == "slow" and length > num_frames * CLIP_HOLD:
        return tuple(i * num_frames // length for i in range(length))
    if fit == "loop":
        cycle = list(range(num_frames))
    elif fit == "boomerang":
        cycle = [*range(num_frames), *range(num_frames - 2, 0, -1)]
    else:
        return tuple(min(i // CLIP_HOLD, num_frames - 1) for i in range(length))
    phase = turn * len(cycle) * 3 // 8
    return tuple(cycle[(i // CLIP_HOLD + phase) % len(cycle)] for i in range(length))
