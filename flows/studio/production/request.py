"""Requests and outcomes: one request for an episode, whoever makes it.

The command line, Prefect and HTTP fill in the same model; None means that nothing was said, and the
episode's own memory counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flows.studio.timeline.model import Framing

Aspect = Literal["16:9", "1:1", "9:16"]
Until = Literal["outline", "script", "clips", "voices", "cut"]

OUTPUT = Path("output")
PREMISES = Path("premises")
UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # `~` is the home folder


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    writer: str | None = Field(default=None, description="offline, auto, MODEL or MODEL@URL.")
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="Everything follows from it.")
    output: UserPath = Field(default=OUTPUT, description="The folder of all episodes.")
    device: str | None = Field(default=None, description="cpu, cuda, mps …; left out: the best there is.")
    farm: str | None = Field(
        default=None, description="tls://head.lan:8786: other machines film; left out: COLDOPEN_FARM."
    )
    video: Mapping[str, Any] = Field(
        default={}, description="Keys of the premise's `video:`; they count before them."
    )


class MemeText(BaseModel):
    """A meme without a premise file: its picture in words, and its texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    picture: str = Field(description="What is seen: “a toaster dances”. No file.")
    top: str = Field(default="", description="The text above.")
    bottom: str = Field(default="", description="The text below.")
    bar: str = Field(default="", description="Black text in a white bar above the picture.")


class EpisodeRequest(_Request):
    """One episode: of which show, which one, how far, and with what."""

    premise: UserPath | None = Field(
        default=None, description="The show's YAML file; left out: the last one worked on."
    )
    episode: str | None = Field(default=None, description="s01e03, or next; left out: the show's newest one.")
    until: Until | None = Field(default=None, description="Stop after this step.")
    stop_at: datetime | None = Field(default=None, description="No shot is begun after it.")
    draft: bool = Field(
        default=False, description="Film with TOON, to draft.mp4; the episode stays as it is."
    )
    meme: MemeText | None = Field(default=None, description="A meme that has no premise file.")
    max_cost: float | None = Field(
        default=None, ge=0, description="US dollars that films by services may cost in this run."
    )
    pay_again: bool = Field(
        default=False, description="Ask again for films that may have been paid for and never came."
    )


class BatchRequest(_Request):
    """An episode of every show in a folder."""

    premises: UserPath = Field(default=PREMISES, description="The folder of premises, a show each.")
    stop_at: str | None = Field(default=None, description="07:00: no shot is begun after it.")
    max_cost: float | None = Field(
        default=None, ge=0, description="US dollars that films by services may cost in the whole night."
    )
    at_once: int | None = Field(
        default=None, ge=1, description="So many shows at a time, on the hosts of the work pool."
    )
    on_done: str | None = Field(
        default=None, description="A command that gets the summary as JSON on its stdin."
    )


@dataclass(frozen=True)
class CutRequest:
    """Another cut of an episode: where it differs. `lines` is the shorter side in pixels."""

    aspect: Aspect | None = None
    lines: int | None = None
    scenes: tuple[str, ...] = ()
    framing: Framing = "blur"


@dataclass(frozen=True)
class Outcome:
    """The end of a command: its exit code, the file to look at, the lines to say last.

    Codes: 0 made, 1 failed, 2 the input is wrong, 3 made with gag cards. `notes` is what a night's summary
    repeats: a writer that fell back, gag cards.
    """

    code: Literal[0, 1, 2, 3]
    path: Path | None = None
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
