"""The episode as integer frames: the one value that the cut, the mix and the captions read.

Every start and end counts frames of the timeline (24 a second), the end is exclusive. Seconds appear only
where a file format wants them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FPS = 24
SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
CLIP_HOLD = 3  # a clip's 8 frames a second, each held for three of the timeline's 24


@dataclass(frozen=True)
class PictureCut:
    """A clip's place on the picture track.

    `frames` names the clip's own frame for each frame of the cut. Without a clip `card` says what is drawn.
    """

    scene: str
    shot: str
    start: int
    end: int
    clip: Path | None
    frames: tuple[int, ...] = ()
    card: Literal["title", "credits", "gag"] | None = None


@dataclass(frozen=True)
class LineCue:
    """A spoken line."""

    scene: str
    who: str
    text: str
    start: int
    end: int
    wav: Path
    murmured: bool = False


@dataclass(frozen=True)
class LaughCue:
    """The audience: it starts as a line ends, and is over when the next one starts."""

    start: int
    end: int
    size: str
    seed: int


@dataclass(frozen=True)
class MusicCue:
    """Music: the title's and the credits', a bed under the scenes of an act, a sting at a change of scene."""

    kind: Literal["title", "bed", "sting", "credits"]
    start: int
    end: int
    seed: int


@dataclass(frozen=True)
class Caption:
    """Text on the picture, lines parted by newlines. `style` is "line" or, for memes, "top" and "bottom"."""

    start: int
    end: int
    text: str
    who: str | None = None
    style: Literal["line", "top", "bottom"] = "line"


@dataclass(frozen=True)
class Span:
    """A scene, or the title or credits: one segment of the finished film."""

    id: str
    start: int
    end: int
    kind: Literal["scene", "title", "credits"]


@dataclass(frozen=True)
class Timeline:
    """All tracks of an episode; `spans` cover every frame without a gap, in order, and so do `pictures`."""

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

    @property
    def num_frames(self) -> int:
        """The length of the film."""
        return self.spans[-1].end if self.spans else 0
