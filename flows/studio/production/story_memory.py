"""The memory of a show: continuity.yaml in its folder, read by the writer, added to by every episode."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.production.episode import Episode
from flows.studio.workspace import posix
from flows.studio.workspace.files import disk_errors
from scripts_llm.files import continuity
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry, continuity_entry

LOCK_SECONDS = 30.0


def continuity_path(episode: Episode) -> Path:
    """The show's continuity.yaml."""
    return episode.folder.root.parent / "continuity.yaml"


def read_continuity_before(episode: Episode) -> Continuity:
    """The entries before this episode. Raises ScriptError for a file with faults."""
    return continuity.read_continuity(continuity_path(episode)).before(str(episode.folder.code))


def remember(episode: Episode) -> Episode:
    """Writes this episode's entry; an entry that a person changed stays as it is.

    An episode that was deleted and is begun anew takes the place of the old one's entry.
    """
    if episode.is_meme:
        return episode
    assert episode.script is not None
    path, code = continuity_path(episode), str(episode.folder.code)
    gags, promised = episode.own_premise.running_gags, episode.memory.promised
    entry = continuity_entry(episode.script, episode=code, gags=gags, promised=promised)
    with _locked(path), disk_errors(path):
        before = continuity.read_entry(path, code)
        is_ours = before is None or episode.memory.told in (None, _hash(before))
        if is_ours and before != entry:
            continuity.save_entry(path, entry, show=episode.own_premise.show)
    return episode.remember(told=_hash(entry)) if is_ours else episode


def _hash(entry: ContinuityEntry) -> str:
    return hashlib.sha256("\n".join(continuity.entry_rows(entry)).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps others from writing the file meanwhile; two episodes of a show may be made at once."""
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
