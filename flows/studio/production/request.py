"""What a person asked for on the command line, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from flows.studio.timeline.model import Framing

Aspect = Literal["16:9", "1:1", "9:16"]
Until = Literal["script", "clips", "voices", "cut"]

OUTPUT = Path("output")


@dataclass(frozen=True)
class EpisodeOptions:
    """The options of `episode`; None means that nothing was said, and the episode's own memory counts.

    `video` has the keys of the premise's, as far as they were said.
    """

    premise: Path | None = None
    episode: str | None = None
    until: Until | None = None
    writer: str | None = None
    seed: int | None = None
    output: Path = OUTPUT
    device: str | None = None
    verbose: bool = False
    stop_at: datetime | None = None  # no shot is begun after it
    video: Mapping[str, Any] = field(default_factory=dict)
    draft: bool = False


@dataclass(frozen=True)
class MemeOptions:
    """The options of `meme`: a premise of the genre, or a picture and its two texts and no file at all.

    `video` as in `EpisodeOptions`.
    """

    premise: Path | None = None
    picture: str | None = None
    top: str = ""
    bottom: str = ""
    bar: str = ""
    episode: str | None = None
    seed: int | None = None
    output: Path = OUTPUT
    device: str | None = None
    verbose: bool = False
    video: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchOptions:
    """The options of `batch`; they hold for every show of the folder.

    `stop_at` is a time of day, "07:00"; `on_done` a command that gets the summary as JSON; `video` as in
    `EpisodeOptions`.
    """

    premises: Path
    writer: str | None = None
    seed: int | None = None
    output: Path = OUTPUT
    device: str | None = None
    verbose: bool = False
    stop_at: str | None = None
    on_done: str | None = None
    video: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CutOptions:
    """What another cut of an episode differs in. `lines` is the shorter side in pixels."""

    aspect: Aspect | None = None
    lines: int | None = None
    scenes: tuple[str, ...] = ()
    framing: Framing = "blur"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: 0 made, 1 failed, 3 made with gag cards; where it lies; what to say last.

    `notes` is what a night's summary repeats: a writer that fell back, gag cards.
    """

    code: Literal[0, 1, 3]
    path: Path | None = None
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
