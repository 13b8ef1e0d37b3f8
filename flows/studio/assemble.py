"""The assembly: scenes with their clips and voices become a timeline, with a comedy's timing.

Lines follow each other closely, the next speaker waits for the laugh, a new place is shown before it is
spoken in, and the film opens cold: somebody talks within two seconds, the title follows the first joke.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from flows.studio import audience, framing
from flows.studio import captions as captioning
from flows.studio.errors import StudioError
from flows.studio.framing import FilmedShot, Moment
from flows.studio.timeline import (
    FPS,
    SAMPLES_PER_FRAME,
    Caption,
    LaughCue,
    LineCue,
    MusicCue,
    PictureCut,
    Span,
    Timeline,
)
from scripts_llm.screenplay import Beat, Line, Scene

__all__ = ["FilmedShot", "SceneTake", "SpokenLine", "assemble"]

GAPS = (2, 6)  # frames between two lines, the least and the most
QUIET = 18  # no pause that nobody wrote is longer: 0.75 s
OPENING = 30  # a new place is seen this long
COLD_OPEN = 40  # the film's first line starts by then
FIRST_LAUGH = 11 * FPS
TAIL = 8  # a scene goes on this long after a last line without a laugh
LINGER = 10  # a caption stays this long after its line
SILENT_SHOT = 48
SHORTEST_SCENE = 20
TITLE = 64
CREDITS = 88
STING = 30


@dataclass(frozen=True)
class SpokenLine:
    """A line's voice: mono, 48 kHz."""

    wav: Path
    num_samples: int
    murmured: bool = False


@dataclass(frozen=True)
class SceneTake:
    """A scene with what was filmed and spoken for it: `spoken` has one entry for each of its dialogue."""

    scene: Scene
    shots: tuple[FilmedShot, ...]
    spoken: tuple[SpokenLine | None, ...]


@dataclass
class _Tracks:
    """The tracks while they grow. `heard` is where the last sound so far ends."""

    spans: list[Span] = field(default_factory=list)
    pictures: list[PictureCut] = field(default_factory=list)
    lines: list[LineCue] = field(default_factory=list)
    laughs: list[LaughCue] = field(default_factory=list)
    music: list[MusicCue] = field(default_factory=list)
    heard: int = 0

    @property
    def now(self) -> int:
        return self.spans[-1].end if self.spans else 0


def assemble(  # noqa: PLR0913 (what a film is made of)
    scenes: Sequence[SceneTake],
    *,
    width: int,
    height: int,
    title: str,
    credits: Sequence[str],
    laugh_track: bool = True,
    captions: bool = True,
    names: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Timeline:
    """The whole film as frames. `title` and `credits` may be empty: then there is no such card."""
    takes = [take for take in scenes if not take.scene.skip]
    if not takes:
        raise StudioError("wanted a scene to cut, but every scene of the script is skipped", code=2)
    script = [take.scene for take in takes]
    laughing = audience.laughing(script) if laugh_track else {}
    tracks = _lay(takes, laughing, title, credits, seed)
    if laughing and (not tracks.laughs or tracks.laughs[0].start > FIRST_LAUGH):
        laughing = audience.with_early_laugh(script, laughing, _early(takes, tracks))
        tracks = _lay(takes, laughing, title, credits, seed)
    return Timeline(
        width=width,
        height=height,
        spans=tuple(tracks.spans),
        pictures=tuple(tracks.pictures),
        lines=tuple(tracks.lines),
        laughs=tuple(tracks.laughs),
        music=tuple(sorted(tracks.music, key=lambda cue: cue.start)),
        captions=_captions(tracks, captioning.limit_of(width, height)) if captions else (),
        title=title,
        credits=tuple(credits),
        names=dict(names or {}),
    )


def _early(takes: Sequence[SceneTake], tracks: _Tracks) -> set[tuple[int, int]]:
    """The lines that are over soon enough for the film's first laugh."""
    elements = [(s, e, x) for s, take in enumerate(takes) for e, x in enumerate(take.scene.dialogue)]
    places = [(s, e) for s, e, element in elements if isinstance(element, Line)]
    return {place for place, cue in zip(places, tracks.lines, strict=True) if cue.end <= FIRST_LAUGH}


# --------------------------------------------------------------------------------------- laying tracks


def _lay(
    takes: Sequence[SceneTake],
    laughing: Mapping[tuple[int, int], str],
    title: str,
    credits: Sequence[str],
    seed: int,
) -> _Tracks:
    tracks = _Tracks()
    parts = [take.scene.part for take in takes]
    cold = max(1, next((n for n, part in enumerate(parts) if part != "cold_open"), len(parts)))
    for number in range(len(takes)):
        sizes = {e: size for (s, e), size in laughing.items() if s == number}
        _lay_scene(tracks, takes, number, sizes=sizes, seed=seed)
        if title and number + 1 == cold:
            _lay_card(tracks, "title", TITLE, seed)
    _lay_beds(tracks, parts, seed)
    if credits:
        _lay_card(tracks, "credits", CREDITS, seed)
    return tracks


def _lay_card(tracks: _Tracks, card: Literal["title", "credits"], length: int, seed: int) -> None:
    start, end = tracks.now, tracks.now + length
    tracks.spans.append(Span(card, start, end, card))
    tracks.pictures.append(PictureCut(card, card, start, end, clip=None, card=card))
    tracks.music.append(MusicCue(card, start, end, _derived(seed, card)))
    tracks.heard = end


def _lay_scene(
    tracks: _Tracks, takes: Sequence[SceneTake], number: int, *, sizes: Mapping[int, str], seed: int
) -> None:
    take, scene = takes[number], takes[number].scene
    name = scene.id or f"s{number + 1:02d}"
    if len(take.spoken) != len(scene.dialogue):
        raise StudioError(f"{name}: wanted {len(scene.dialogue)} voices, got {len(take.spoken)}")
    start = tracks.now
    is_new_place = number == 0 or _where(takes[number - 1].scene) != _where(scene)
    opening = is_new_place and framing.establishing(take.shots) is not None
    before = len(tracks.lines), len(tracks.laughs)
    end = _lay_dialogue(tracks, take, name, lead=OPENING if opening else 0, sizes=sizes, seed=seed)
    lines, laughs = tracks.lines[before[0] :], tracks.laughs[before[1] :]
    if scene.duration != "auto":
        end = max(end, start + _frames(scene.duration))
    if number + 1 == len(takes):
        end = max(end, tracks.heard)  # the last laugh is heard to its end
    end = max(end, start + SHORTEST_SCENE)
    tracks.spans.append(Span(name, start, end, "scene"))
    if lines:
        moments = _moments(start, end, lines, laughs, take.shots, opening=opening)
    else:
        moments = _silent_moments(start, end, take.shots)
        tracks.heard = max(tracks.heard, end)
    tracks.pictures += framing.frame_pictures(name, take.shots, moments)
    if number and scene.transition != "smash_cut":
        tracks.music.append(MusicCue("sting", start, min(end, start + STING), _derived(seed, name, "sting")))


def _where(scene: Scene) -> str:
    return (scene.setting or scene.slugline).casefold()


def _lay_dialogue(
    tracks: _Tracks, take: SceneTake, name: str, *, lead: int, sizes: Mapping[int, str], seed: int
) -> int:
    """Places the scene's lines and laughs; returns where its picture may end."""
    start = tracks.now
    now = start  # where the last line or written silence ends
    silence = 0
    spoken = 0
    end = start
    for e, (element, voice) in enumerate(zip(take.scene.dialogue, take.spoken, strict=True)):
        if isinstance(element, Beat):
            silence += _frames(element.beat)
            if e in sizes and not spoken and tracks.lines:
                tracks.laughs.append(_laugh(max(start, tracks.heard), sizes[e], seed, name, str(e)))
                tracks.heard = tracks.laughs[-1].end
            continue
        if voice is None:
            raise StudioError(f"{name}: wanted a voice for the line {element.line!r}, got none")
        gap = _gap(element, silence, name, seed) if spoken or silence or element.pause_before else None
        at = _first_start(tracks, start, lead, gap) if not spoken else max(now + (gap or 0), tracks.heard)
        now = at + max(1, math.ceil(voice.num_samples / SAMPLES_PER_FRAME))
        tracks.lines.append(LineCue(name, element.who, element.line, at, now, voice.wav, voice.murmured))
        tracks.heard = now
        spoken, silence, end = spoken + 1, 0, now + TAIL
        size = sizes.get(e) or _laugh_of_next_beat(take.scene, e, sizes)
        if size:
            cue = _laugh(now, size, seed, name, element.line)
            tracks.laughs.append(cue)
            tracks.heard = cue.end
            end = now + (cue.end - now) * 4 // 5  # the rest is heard over the next scene's first picture
    if silence:
        end = max(end, now + silence)
        tracks.heard = max(tracks.heard, now + silence)
    return end if spoken else max(end, start + SILENT_SHOT * max(1, len(take.shots[:2])))


def _first_start(tracks: _Tracks, start: int, lead: int, gap: int | None) -> int:
    """Where a scene's first line starts: soon after the last sound, and early in the film's first scene."""
    soonest = max(start + 2, tracks.heard + 2 if tracks.lines else 0)
    if gap is not None:
        at = max(soonest, start + gap)
    else:
        at = max(soonest, min(start + lead, tracks.heard + QUIET))
    return at if tracks.lines or start else min(at, COLD_OPEN)


def _laugh_of_next_beat(scene: Scene, e: int, sizes: Mapping[int, str]) -> str | None:
    following = scene.dialogue[e + 1] if e + 1 < len(scene.dialogue) else None
    return sizes.get(e + 1) if isinstance(following, Beat) else None


def _gap(line: Line, silence: int, name: str, seed: int) -> int:
    """Frames of silence before a line: what is written, else a few."""
    if silence or line.pause_before is not None:
        return silence + _frames(line.pause_before or 0)
    return GAPS[0] + _derived(seed, name, line.who, line.line) % (GAPS[1] - GAPS[0] + 1)


def _laugh(start: int, size: str, seed: int, *names: str) -> LaughCue:
    number = _derived(seed, *names, "laugh")
    return LaughCue(start, start + audience.length(size, number), size, number)


def _frames(seconds: float) -> int:
    return round(seconds * FPS)


def _derived(seed: int, *names: str) -> int:
    """A number that hangs on the seed and the names alone, never on a position."""
    digest = hashlib.blake2b("\x1f".join([str(seed), *names]).encode("utf-8", "surrogatepass"), digest_size=4)
    return int.from_bytes(digest.digest(), "big")


# -------------------------------------------------------------------------------------------- pictures


def _moments(
    start: int,
    end: int,
    lines: Sequence[LineCue],
    laughs: Sequence[LaughCue],
    shots: Sequence[FilmedShot],
    *,
    opening: bool,
) -> list[Moment]:
    """What is to be seen from `start` to `end`, without a gap: the place, each speaker, faces that react."""
    moments = []
    begins = start
    if opening:
        first = lines[0]
        begins = max(
            start + framing.SHORTEST_CUT, min(start + OPENING, first.start + (first.end - first.start) // 2)
        )
        moments.append(Moment(start, begins, place=True))
    after = [*(max(line.start - 2, begins + 1) for line in lines[1:]), end]
    for line, stop in zip(lines, after, strict=True):
        if stop <= begins:
            continue  # a word so short that the place is still seen
        reacts = _reaction(line, stop, laughs, shots)
        moments.append(Moment(begins, reacts or stop, who=line.who))
        if reacts:
            moments.append(Moment(reacts, stop, who=line.who, reaction=True))
        begins = stop
    return moments


def _reaction(
    line: LineCue, stop: int, laughs: Sequence[LaughCue], shots: Sequence[FilmedShot]
) -> int | None:
    """Where somebody else's face comes in: a big laugh, long enough to look at it, and a face to look at."""
    laugh = next((laugh for laugh in laughs if laugh.start == line.end), None)
    others = any(s.shot.who not in (None, line.who) and s.clip is not None for s in shots)
    if laugh is None or laugh.size == "small" or not others:
        return None
    at = laugh.start + framing.REACTION_DELAY
    return at if stop - at >= framing.SHORTEST_CUT else None


def _silent_moments(start: int, end: int, shots: Sequence[FilmedShot]) -> list[Moment]:
    """A scene without a line: each of its first shots in turn."""
    count = max(1, min(len(shots), (end - start) // framing.SHORTEST_CUT))
    edges = [start + (end - start) * i // count for i in range(count + 1)]
    return [Moment(a, b, place=i == 0) for i, (a, b) in enumerate(pairwise(edges))]


# ---------------------------------------------------------------------------------- captions and music


def _captions(tracks: _Tracks, limit: int) -> tuple[Caption, ...]:
    """Each line's cues; the last one lingers while nobody else speaks, but never into the next span."""
    ends = {span.id: span.end for span in tracks.spans}
    following = [*(line.start for line in tracks.lines), tracks.now][1:]
    cues: list[Caption] = []
    for line, next_start in zip(tracks.lines, following, strict=True):
        parts = captioning.split_line(line.text, line.start, line.end, who=line.who, limit=limit)
        if parts:
            last = parts[-1]
            stays = max(last.end, min(last.end + LINGER, next_start, ends[line.scene]))
            cues += [*parts[:-1], Caption(last.start, stays, last.text, last.who)]
    return tuple(cues)


def _lay_beds(tracks: _Tracks, parts: Sequence[str | None], seed: int) -> None:
    """One bed under each run of scenes of the same part; a title card ends a run."""
    runs: list[tuple[str, int, int]] = []
    scenes = [span for span in tracks.spans if span.kind == "scene"]
    for part, span in zip(parts, scenes, strict=True):
        name = part or "act_1"
        if runs and runs[-1][0] == name and runs[-1][2] == span.start:
            runs[-1] = (name, runs[-1][1], span.end)
        else:
            runs.append((name, span.start, span.end))
    tracks.music += [MusicCue("bed", a, b, _derived(seed, name, "bed")) for name, a, b in runs]
