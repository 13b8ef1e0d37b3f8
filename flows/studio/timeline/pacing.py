"""Pacing: when each line, silence and laugh of a scene comes, from the script and from a comedy's habits.

Lines follow each other closely, the next speaker waits for the laugh unless the script has an interruption,
and a new place is shown before anybody speaks in it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from flows.studio.errors import StudioError
from flows.studio.rates import CLIP_HOLD, FPS, SAMPLES_PER_FRAME
from flows.studio.timeline import laugh_cues
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import (
    EffectCue,
    LaughCue,
    LineCue,
    MusicCue,
    PictureCut,
    SoundCue,
    Span,
    Transition,
    Word,
)
from flows.studio.voice.delivery import read_parenthetical
from scripts_llm.screenplay.script import Beat, Line, Scene

GAPS = (2, 6)  # frames between two lines, the least and the most
QUIET = 18  # no pause that nobody wrote is longer: 0.75 s
OPENING = 30  # a new place is seen this long
COLD_OPEN = 40  # the film's first line starts by then
TAIL = 8  # a scene goes on this long after a last line without a laugh
SMASH = 1  # and this long before a smash cut
UNINTERRUPTED = 6  # of a line that is interrupted at least this much is heard alone
SILENT_SHOT = 48


@dataclass(frozen=True)
class SpokenLine:
    """A line's voice: mono, 48 kHz. `words` has the first and last sample of each word of `text.split()`.

    `mouths` as in `LineCue`.
    """

    wav: Path
    num_samples: int
    murmured: bool = False
    words: tuple[tuple[int, int], ...] = ()
    mouths: str = ""


@dataclass(frozen=True)
class SceneSound:
    """A sound effect of a scene: from its start, up to its end, or from so many seconds after its start."""

    name: str
    num_samples: int
    at: Literal["start", "end"] | float = "start"
    file: Path | None = None


@dataclass(frozen=True)
class SceneMaterial:
    """A scene with its clips, voices and sounds; `spoken` has one entry for each element of its dialogue."""

    scene: Scene
    shots: tuple[Footage, ...]
    spoken: tuple[SpokenLine | None, ...]
    sounds: tuple[SceneSound, ...] = ()


@dataclass
class Tracks:
    """The tracks while they grow. `heard` is the frame at which the last sound so far ends."""

    spans: list[Span] = field(default_factory=list)
    pictures: list[PictureCut] = field(default_factory=list)
    lines: list[LineCue] = field(default_factory=list)
    laughs: list[LaughCue] = field(default_factory=list)
    music: list[MusicCue] = field(default_factory=list)
    sounds: list[SoundCue] = field(default_factory=list)
    effects: list[EffectCue] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    holds: list[tuple[int, int]] = field(default_factory=list)  # where the picture stands still
    tail: tuple[PictureCut, ...] = ()  # what the last span would go on to show
    heard: int = 0

    @property
    def now(self) -> int:
        """The first frame of the next span."""
        return self.spans[-1].end if self.spans else 0


@dataclass(frozen=True)
class SceneEnd:
    """The frames at which a scene's picture ends, and the soonest at which it may."""

    end: int
    soonest: int


@dataclass
class _Talk:
    """The dialogue of a scene while it is laid onto the tracks.

    `start` is the scene's first frame, `lead` how long its place is seen before the first line. `now` is
    where the last line or written silence ends, `end` where the picture may end, `silence` the frames of
    beats since the last line, `spoken` the number of lines so far.
    """

    tracks: Tracks
    scene: str
    seed: int
    lead: int
    start: int
    now: int
    end: int
    silence: int = 0
    spoken: int = 0


def lay_dialogue(
    tracks: Tracks, material: SceneMaterial, name: str, *, lead: int, sizes: Mapping[int, str], seed: int
) -> SceneEnd:
    """Lays the lines and laughs of a scene onto the tracks, from the end of the last span on.

    `name` is the scene's, `lead` the frames for which its place is seen first, `sizes` the laughs' sizes by
    the number of the element of the dialogue that they follow. Raises StudioError for a line without a voice.
    """
    talk = _Talk(tracks, name, seed, lead, start=tracks.now, now=tracks.now, end=tracks.now)
    for e, (element, voice) in enumerate(zip(material.scene.dialogue, material.spoken, strict=True)):
        if isinstance(element, Beat):
            _lay_beat(talk, element, e, sizes.get(e))
        elif voice is None:
            raise StudioError(f"{name}: wanted a voice for the line {element.line!r}, got none")
        else:
            _lay_line(talk, element, voice, sizes.get(e) or _laugh_of_next_beat(material.scene, e, sizes))
    if talk.silence:
        talk.end = max(talk.end, talk.now + talk.silence)
        tracks.heard = max(tracks.heard, talk.now + talk.silence)
    if not talk.spoken:
        talk.end = max(talk.end, talk.start + _seen_once(material.shots))
        return SceneEnd(talk.end, talk.end)
    return SceneEnd(talk.end, talk.now + talk.silence)


def _lay_beat(talk: _Talk, beat: Beat, number: int, size: str | None) -> None:
    """A silence; one before the first line may have a laugh of its own, later ones leave it to the line."""
    talk.silence += to_frames(beat.beat)
    if size and not talk.spoken and talk.tracks.lines:
        start = max(talk.start, talk.tracks.heard)
        _lay_laugh(talk, start, size, str(number))


def _lay_line(talk: _Talk, line: Line, voice: SpokenLine, size: str | None) -> None:
    tracks = talk.tracks
    start = _line_start(talk, line)
    end = start + max(1, math.ceil(voice.num_samples / SAMPLES_PER_FRAME))
    tracks.lines.append(_cue(talk.scene, line, voice, start, end))
    end = max(end, tracks.heard if start < tracks.heard else end)  # who is interrupted may be the last
    talk.now = end + to_frames(line.hold or 0)
    if line.hold:
        tracks.holds.append((end, talk.now))
    tracks.heard = end
    talk.spoken, talk.silence, talk.end = talk.spoken + 1, 0, talk.now + (0 if line.hold else TAIL)
    if size:
        laugh = _lay_laugh(talk, end, size, line.line)
        # the rest of it is heard over the next scene's first picture
        talk.end = max(talk.now, end + (laugh.end - end) * 4 // 5)


def _lay_laugh(talk: _Talk, start: int, size: str, name: str) -> LaughCue:
    seed = derive_seed(talk.seed, talk.scene, name, "laugh")
    laugh = LaughCue(start, start + laugh_cues.laugh_length(size, seed), size, seed)
    talk.tracks.laughs.append(laugh)
    talk.tracks.heard = laugh.end
    return laugh


def _line_start(talk: _Talk, line: Line) -> int:
    if talk.spoken and line.overlap and not talk.silence:
        return _interrupting(talk, to_frames(line.overlap))
    written = talk.spoken or talk.silence or _pause(line)
    gap = _gap(talk, line) if written else None
    if talk.spoken:
        return max(talk.now + (gap or 0), talk.tracks.heard)
    return _first_start(talk, gap)


def _interrupting(talk: _Talk, overlap: int) -> int:
    """The first frame of an interruption: never over two people at once, nor over all of a line."""
    *others, before = talk.tracks.lines
    heard_alone = before.start + min(UNINTERRUPTED, before.end - before.start)
    soonest = max([heard_alone, *(line.end for line in others)])
    return max(soonest, talk.now - overlap)


def _cue(name: str, line: Line, voice: SpokenLine, start: int, end: int) -> LineCue:
    texts = line.line.split()
    words: tuple[Word, ...] = ()
    if len(texts) == len(voice.words):
        places = [
            (start + a // SAMPLES_PER_FRAME, start + math.ceil(b / SAMPLES_PER_FRAME)) for a, b in voice.words
        ]
        words = tuple(
            Word(text, a, min(end, max(a + 1, b))) for text, (a, b) in zip(texts, places, strict=True)
        )
    return LineCue(
        name,
        line.who,
        line.line,
        start,
        end,
        voice.wav,
        voice.murmured,
        voice.num_samples,
        words,
        voice.mouths,
    )


def _first_start(talk: _Talk, gap: int | None) -> int:
    """The first frame of a scene's first line: soon after the last sound, early in the first scene."""
    tracks = talk.tracks
    soonest = max(talk.start + 2, tracks.heard + 2 if tracks.lines else 0)
    if gap is not None:
        at = max(soonest, talk.start + gap)
    else:
        at = max(soonest, min(talk.start + talk.lead, tracks.heard + QUIET))
    return at if tracks.lines or talk.start else min(at, COLD_OPEN)


def _laugh_of_next_beat(scene: Scene, e: int, sizes: Mapping[int, str]) -> str | None:
    following = scene.dialogue[e + 1] if e + 1 < len(scene.dialogue) else None
    return sizes.get(e + 1) if isinstance(following, Beat) else None


def _gap(talk: _Talk, line: Line) -> int:
    """Frames of silence before a line: what is written, else a few."""
    pause = _pause(line)
    if talk.silence or pause is not None:
        return talk.silence + to_frames(pause or 0)
    return GAPS[0] + derive_seed(talk.seed, talk.scene, line.who, line.line) % (GAPS[1] - GAPS[0] + 1)


def _pause(line: Line) -> float | None:
    """Seconds that the script asks for before a line, as a number or as `(after a pause)`."""
    if line.pause_before is not None:
        return line.pause_before
    return read_parenthetical(line.parenthetical).pause_seconds or None


def _seen_once(shots: Sequence[Footage]) -> int:
    """Frames in which a scene without a line shows its clips once, at most two of them."""
    return sum(shot.num_frames * CLIP_HOLD or SILENT_SHOT for shot in shots[:2]) or SILENT_SHOT


def without_drowned_laughs(scene: Scene) -> Scene:
    """The scene without the laughs that an interruption would be spoken over."""
    following = [*scene.dialogue[1:], None]
    drowned = [
        isinstance(element, Line) and isinstance(after, Line) and bool(after.overlap)
        for element, after in zip(scene.dialogue, following, strict=False)
    ]
    if not any(drowned):
        return scene
    dialogue = tuple(
        element.model_copy(update={"laugh": "none"}) if is_drowned else element
        for element, is_drowned in zip(scene.dialogue, drowned, strict=True)
    )
    return scene.model_copy(update={"dialogue": dialogue})


def to_frames(seconds: float) -> int:
    """Seconds of a script as frames."""
    return round(seconds * FPS)


def derive_seed(seed: int, *names: str) -> int:
    """A number of 32 bits that follows from the seed and the names alone, never from a position."""
    digest = hashlib.blake2b("\x1f".join([str(seed), *names]).encode("utf-8", "surrogatepass"), digest_size=4)
    return int.from_bytes(digest.digest(), "big")
