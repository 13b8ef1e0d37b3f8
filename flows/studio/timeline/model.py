"""The timeline: an episode as integers, the one value that rendering, mixing and captions read.

Every start and end counts frames of the timeline (24 a second), the end is exclusive; `start_sample` and
`num_samples` count the sound's (48,000 a second). Seconds appear only where a file format needs them.
`str(timeline)` is all of it as text, and `diff` compares two.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flows.studio.media.clips import ClipSource
from flows.studio.rates import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME

DASH = "– "

Framing = Literal["blur", "crop", "letterbox"]  # what becomes of a picture of another shape than the film's
Card = Literal["title", "credits", "gag"]


@dataclass(frozen=True)
class PictureCut:
    """A clip's place on the picture track.

    `frames` has the number of the clip's own frame for each frame of the cut. Without a clip, `card` is
    drawn. `source` is None for a clip that TOON drew; a clip at `full_rate` has 24 frames a second, not 8.
    """

    scene: str
    shot: str
    start: int
    end: int
    clip: Path | None
    frames: tuple[int, ...] = ()
    card: Card | None = None
    source: ClipSource | None = None
    full_rate: bool = False


@dataclass(frozen=True)
class Word:
    """A word of a line, and the frames in which it is heard."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class LineCue:
    """A spoken line. `num_samples` is its voice's length; 0 stands for a sound as long as the cue.

    `words` are those of `text.split()`, if the voice knows when it said them. `mouths` has a digit for every
    eighth of a second (`acting.mouths`), where the camera acts.
    """

    scene: str
    who: str
    text: str
    start: int
    end: int
    wav: Path
    murmured: bool = False
    num_samples: int = 0
    words: tuple[Word, ...] = ()
    mouths: str = ""

    @property
    def start_sample(self) -> int:
        """The first sample of its sound."""
        return self.start * SAMPLES_PER_FRAME

    @property
    def end_sample(self) -> int:
        """The sample after the last one of its sound."""
        return self.start_sample + (self.num_samples or (self.end - self.start) * SAMPLES_PER_FRAME)


@dataclass(frozen=True)
class LaughCue:
    """A laugh of the audience: it starts when a line ends, and is over when the next one starts."""

    start: int
    end: int
    size: str
    seed: int


@dataclass(frozen=True)
class MusicCue:
    """A piece of music: under the title and the credits, a bed under an act's scenes, a sting between scenes.

    A title sequence may have its own sound instead: that of `film`.
    """

    kind: Literal["title", "bed", "sting", "credits"]
    start: int
    end: int
    seed: int
    film: Path | None = None


@dataclass(frozen=True)
class SoundCue:
    """A sound effect of a scene: a file, or one that `sound/foley` makes by its name."""

    scene: str
    name: str
    start: int
    end: int
    num_samples: int
    file: Path | None = None

    @property
    def start_sample(self) -> int:
        """The first sample of its sound."""
        return self.start * SAMPLES_PER_FRAME


@dataclass(frozen=True)
class EffectCue:
    """An effect on the picture of one scene; `amount` None is the effect's own."""

    scene: str
    name: str
    start: int
    end: int
    amount: float | None = None


@dataclass(frozen=True)
class Transition:
    """How a span begins or ends, within its own frames.

    A dissolve is in the span that comes; its `tail` has the cuts that the span before would go on to show.
    """

    kind: Literal["fade_in", "fade_out", "dissolve"]
    start: int
    end: int
    tail: tuple[PictureCut, ...] = ()


@dataclass(frozen=True)
class Caption:
    """Text on the picture, rows separated by newlines. `style` is "line", or for memes "top" and "bottom".

    Two people who follow each other closely share a caption: `speakers` then has the speaker of each row.
    `words` are the pieces of `text` in order, each with the frames in which it is heard.
    """

    start: int
    end: int
    text: str
    who: str | None = None
    style: Literal["line", "top", "bottom"] = "line"
    speakers: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def rows(self) -> tuple[tuple[str | None, str], ...]:
        """Each row with its speaker."""
        texts = self.text.split("\n")
        return tuple(zip(self.speakers or (self.who,) * len(texts), texts, strict=True))

    @property
    def dashed(self) -> tuple[tuple[str | None, str], ...]:
        """The rows as they are read: with a dash before each of two speakers who share the caption."""
        return tuple((who, DASH + text if self.speakers else text) for who, text in self.rows)


@dataclass(frozen=True)
class Span:
    """A scene, or the title or credits: one segment of the finished film."""

    id: str
    start: int
    end: int
    kind: Literal["scene", "title", "credits"]


@dataclass(frozen=True)
class Timeline:
    """All tracks of an episode. `spans` cover every frame without a gap, in order, and so do `pictures`."""

    width: int
    height: int
    spans: tuple[Span, ...]
    pictures: tuple[PictureCut, ...]
    lines: tuple[LineCue, ...]
    laughs: tuple[LaughCue, ...]
    music: tuple[MusicCue, ...]
    captions: tuple[Caption, ...]
    title: str = ""  # what the title card says: the show, and under it, after a newline, the episode
    credits: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # who -> the name that people read
    sounds: tuple[SoundCue, ...] = ()
    effects: tuple[EffectCue, ...] = ()
    transitions: tuple[Transition, ...] = ()

    @property
    def num_frames(self) -> int:
        """The length of the film in frames."""
        return self.spans[-1].end if self.spans else 0

    def __str__(self) -> str:
        """One row for each clip, line, laugh, caption and effect, by where it starts; files by name alone."""
        head = f"timeline {self.width}x{self.height} {FPS} fps {SAMPLE_RATE} Hz {self.num_frames} frames"
        rows = [(start, order, row) for order, (start, row) in enumerate(_rows(self))]
        return "\n".join([head, *(row for _, _, row in sorted(rows)), ""])


def diff(before: Timeline, after: Timeline) -> tuple[str, ...]:
    """The rows that differ between two timelines: `- ` is only in `before`, `+ ` only in `after`."""
    rows = difflib.ndiff(str(before).splitlines(), str(after).splitlines())
    return tuple(row for row in rows if row[:2] in ("- ", "+ "))


def _rows(timeline: Timeline) -> list[tuple[int, str]]:
    tracks: list[tuple[str, tuple[Any, ...]]] = [
        ("span", timeline.spans),
        ("transition", timeline.transitions),
        ("effect", timeline.effects),
        ("picture", timeline.pictures),
        ("line", timeline.lines),
        ("laugh", timeline.laughs),
        ("music", timeline.music),
        ("sound", timeline.sounds),
        ("caption", timeline.captions),
    ]
    return [
        (cue.start, f"{cue.start:>7} {cue.end:>7} {kind:<10} {_words(cue)}".rstrip())
        for kind, cues in tracks
        for cue in cues
    ]


def _words(cue: Any) -> str:
    """A cue's fields besides its place, as text."""
    values = {key: value for key, value in vars(cue).items() if key not in ("start", "end")}
    return " ".join(_word(key, value) for key, value in values.items() if value not in (None, (), "", False))


def _word(key: str, value: object) -> str:
    match value:
        case Path():
            return value.name
        case True:
            return key
        case str():
            return repr(value) if key == "text" else value
        case tuple():
            return f"{key}={_listed(value)}"
        case _:
            return f"{key}={value}"


def _listed(values: tuple[Any, ...]) -> str:
    """Numbers that count up as from-to, words with their places, cuts by their shot."""
    if all(isinstance(value, int) for value in values):
        runs: list[list[int]] = []
        for value in values:
            if runs and value == runs[-1][0]:
                runs[-1][1] += 1
            else:
                runs.append([value, 1])
        return ",".join(f"{value}x{count}" if count > 1 else f"{value}" for value, count in runs)
    return ",".join(_one(value) for value in values)


def _one(value: Any) -> str:
    if isinstance(value, PictureCut):
        frames = f"[{_listed(value.frames)}]" if value.frames else ""
        return f"{value.shot or value.card}@{value.start}-{value.end}{frames}"
    return f"{value.start}-{value.end}" if isinstance(value, Word) else str(value)
