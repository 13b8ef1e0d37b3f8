"""A film as it is asked for, a look at its job, and what every server's shape must do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flows.studio.hosted.errors import HostedError, Refused, ShotError
from flows.studio.hosted.wire import Wire


@dataclass(frozen=True)
class Asked:
    """A clip as it is asked for. Pictures are PNG files; `inputs` are fields of the server's own."""

    prompt: str
    seconds: float
    width: int
    height: int
    fps: int
    seed: int
    negative_prompt: str = ""
    num_steps: int | None = None
    guidance_scale: float | None = None
    first: bytes | None = None  # the picture that it begins with
    references: tuple[bytes, ...] = ()  # of who and what is to be seen
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_frames(self) -> int:
        return round(self.seconds * self.fps)


@dataclass(frozen=True)
class Look:
    """How far a job is, from 0 to 1 if the server says so; the address of its film, or the fault of its end.

    `notes` go into the clip's notes: what it really cost, the seed that counted.
    """

    share: float | None = None
    film: str | None = None
    fault: HostedError | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a server knows of a job whose answer nobody heard: what `look` needs, or that it has none.

    Without `is_sure` the server may have the job all the same: it lists none, or not what they were asked.
    """

    where: Mapping[str, Any] | None = None
    is_sure: bool = False


class Provider(Protocol):
    """One shape of server: how a film is asked for, looked at and found again; no money, no waiting."""

    @property
    def wire(self) -> Wire:
        """The server."""

    def mark(self, asked: Asked) -> Any:
        """What the server has before it is asked, as JSON, for `find`; None if it tells nothing."""

    def ask(self, asked: Asked) -> dict[str, Any]:
        """Asks for the film; returns what `look` needs. Raises HostedError."""

    def look(self, where: Mapping[str, Any]) -> Look:
        """How far the job is. Raises HostedError, with the status 404 for a job that it does not have."""

    def find(self, asked: Asked, mark: Any) -> Found:
        """The job that was asked for after `mark`, whose answer nobody heard. Raises HostedError."""


RUNNING, DONE, FAILED = "running", "done", "failed"
# What servers call the states of a job; a word that stands nowhere is one more kind of waiting.
_DONE = {"completed", "complete", "succeeded", "succeed", "success", "finished", "done"}
_FAILED = {"failed", "failure", "fail", "error", "canceled", "cancelled", "aborted", "expired", "rejected"}


def state_of(word: Any) -> str:
    """A server's word for the state of a job as one of ours."""
    plain = str(word or "").lower()
    return DONE if plain in _DONE else FAILED if plain in _FAILED else RUNNING


def job_fault(wire: Wire, words: str, *, is_refusal: bool) -> HostedError:
    """The fault of a job that the server took and did not film."""
    said = wire.redact(words) or "no reason told"
    if is_refusal:
        return Refused(f"{wire.where}: its rules forbid this prompt or picture ({said})")
    return ShotError(f"{wire.where}: wanted a film, the job failed ({said})")


def field_of(wire: Wire, answer: Mapping[str, Any], name: str) -> str:
    """A text that the answer to an ask must have. Raises HostedError: the job may be taken all the same."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise HostedError(f"{wire.where}: wanted a job with {name}, got one without", is_unheard=True)
    return value
