"""Paid jobs that outlive the program: what was asked for, under which id, what it costs.

A job is a file in the episode's folder, written down before it is asked for: `jobs/3fa94c1e.json` by the
recipe's digest of its clip, and `jobs/3fa94c1e.mp4` beside it, the film as the server sent it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from flows.studio.errors import StudioError
from flows.studio.workspace import posix
from flows.studio.workspace.files import atomic_write, is_temporary

# asking: on its way, and if the program ends now nobody knows whether it arrived; asked: the server has it;
# filmed: its film is here; refused, failed: the server said no; lost: nobody will hear of it any more.
State = Literal["asking", "asked", "filmed", "refused", "failed", "lost"]
_MAY_BE_PAID = ("asking", "asked", "filmed", "lost")


@dataclass(frozen=True)
class Job:
    """One job. `where` is what the server needs to find it again, `mark` what it had before it was asked.

    `dollars` are those of this job, `earlier` those of jobs for the same clip that may have been paid for and
    gave no film.
    """

    digest: str
    label: str
    camera: str
    state: State
    asked_at: float  # Unix time
    dollars: float = 0.0
    earlier: float = 0.0
    where: Mapping[str, Any] | None = None
    mark: Any = None
    fault: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)  # what the server told of the film

    @property
    def is_taken(self) -> bool:
        """Whether the server has it, or had it: its film costs nothing more."""
        return self.state in ("asked", "filmed")

    @property
    def spent(self) -> float:
        """The dollars that it may have cost at most; a refusal of a job that was taken counts too."""
        is_counted = self.state in _MAY_BE_PAID or (self.state == "refused" and self.where is not None)
        return self.earlier + (self.dollars if is_counted else 0.0)


class Jobs:
    """The jobs of an episode, by the digest of their clips. A folder that is not there has none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def film(self, digest: str) -> Path:
        """The path of a job's film."""
        return self.folder / f"{digest}.mp4"

    def get(self, digest: str) -> Job | None:
        """The job of a clip, if it was ever asked for.

        Raises StudioError for a file that cannot be read: what it says of money is not to be guessed.
        """
        return self._read(self.folder / f"{digest}.json")

    def __iter__(self) -> Iterator[Job]:
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            job = None if is_temporary(path) else self._read(path)  # a kill leaves a part of one behind
            if job is not None:
                yield job

    @property
    def spent(self) -> float:
        """The dollars that all jobs may have cost at most, those going on included."""
        return sum(job.spent for job in self)

    def spent_since(self, moment: float) -> float:
        """The dollars of jobs that were asked for after a moment (Unix time)."""
        return sum(job.spent for job in self if job.asked_at >= moment)

    def keep(self, job: Job, **changes: Any) -> Job:
        """Writes a job down, with changes; when it returns, the disk has it, also after a power cut."""
        job = replace(job, **changes)
        with (
            atomic_write(self.folder / f"{job.digest}.json") as part,
            part.open("w", encoding="utf-8") as file,
        ):
            json.dump(asdict(job), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        posix.sync_folder(self.folder)
        return job

    def give_up_unheard(self) -> list[Job]:
        """Gives up the jobs that nobody has heard of, to ask anew; what they may have cost stays counted."""
        unheard = [
            job for job in self if job.state == "lost" or (job.state == "asking" and job.where is None)
        ]
        return [
            self.keep(job, state="failed", earlier=job.spent, dollars=0.0, fault="given up by --pay-again")
            for job in unheard
        ]

    @contextlib.contextmanager
    def locked(self, digest: str) -> Iterator[None]:
        """Holds a clip's job: two programs never ask for it at once. Raises StudioError if one has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f".{digest}.lock"
        with path.open("a", encoding="utf-8") as file:
            if not posix.try_lock(file):
                raise StudioError(f"{path}: another program is filming this shot; let it end first")
            yield

    def _read(self, path: Path) -> Job | None:
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            known = {each.name for each in fields(Job)}
            return Job(**{key: value for key, value in read.items() if key in known})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError):
            raise StudioError(
                f"{path}: wanted a job that may be paid for, got a file that cannot be read; look at the "
                "server's own list of jobs, then delete it"
            ) from None
