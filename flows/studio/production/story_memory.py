"""What a show remembers: continuity.yaml in its folder, read by the writer, added to by every episode."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.production.episode import Job, Written
from flows.studio.workspace import posix
from flows.studio.workspace.files import disk_errors
from scripts_llm.files import continuity
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry, continuity_entry

LOCK_SECONDS = 30.0


def path_of(job: Job) -> Path:
    return job.folder.root.parent / "continuity.yaml"


def so_far(job: Job) -> Continuity:
    """What was told before this episode. Raises ScriptError for a file that is not as wanted."""
    return continuity.read_continuity(path_of(job)).before(str(job.folder.code))


def remember(job: Job, written: Written) -> Job:
    """Adds what this episode tells, or tells now; an entry that a person changed stays as it is.

    An episode that was deleted and is begun anew takes the place of the old one's entry.
    """
    if job.premise.genre == "meme":
        return job
    path, code = path_of(job), str(job.folder.code)
    told = continuity_entry(
        written.script, episode=code, gags=job.premise.running_gags, promised=written.memory.promised
    )
    with _alone(path), disk_errors(path):
        before = continuity.read_entry(path, code)
        is_ours = before is None or job.memory.told in (None, _hash(before))
        if is_ours and before != told:
            continuity.save_entry(path, told, show=job.premise.show)
    return replace(job, memory=replace(job.memory, told=_hash(told))) if is_ours else job


def _hash(told: ContinuityEntry) -> str:
    return hashlib.sha256("\n".join(continuity.entry_rows(told)).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else changes the show's memory meanwhile; two episodes of a show may be made at once."""
    lock = path.with_name(".continuity.lock")
    deadline = time.monotonic() + LOCK_SECONDS
    with disk_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+", encoding="utf-8")
    with file:
        while not posix.try_lock(file):
            if time.monotonic() > deadline:
                raise StudioError(f"{path} is being written by another run; let it end first")
            time.sleep(0.02)
        yield
