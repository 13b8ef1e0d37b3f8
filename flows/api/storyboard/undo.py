"""Undo: the script as it was before the last change of its scenes, for as long as nothing else changes it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.files.write import replace_file


def path_of(folder: EpisodeFolder, output: Path) -> Path:
    """The note of the last change; the bytes of before lie beside it."""
    return output / ".board" / "undo" / f"{folder.root.parent.name}-{folder.code}.json"


@contextmanager
def remembered(folder: EpisodeFolder, output: Path, what: str) -> Iterator[None]:
    """Keeps the script as it is before this block, if the block changes it."""
    before = folder.script.read_bytes()
    yield
    after = folder.script.read_bytes()
    if before != after:
        path = path_of(folder, output)
        with files.atomic_write(path.with_suffix(".yaml")) as part:
            part.write_bytes(before)
        files.write_json(path, {"what": what, "after": _sha(after), "before": _sha(before)})


def offer(folder: EpisodeFolder, output: Path) -> str:
    """What can be undone; empty if nothing can."""
    note = files.read_json(path_of(folder, output))
    try:
        if note is None or note.get("after") != _sha(folder.script.read_bytes()):
            return ""
    except OSError:
        return ""
    return str(note.get("what") or "")


def undo(folder: EpisodeFolder, output: Path) -> None:
    """Gives the script its bytes of before. Raises StudioError if it was changed since."""
    path = path_of(folder, output)
    if not offer(folder, output):
        raise StudioError("there is nothing to undo: the script was changed since", code=2)
    before = path.with_suffix(".yaml").read_bytes()
    note = files.read_json(path) or {}
    if note.get("before") != _sha(before):
        raise StudioError("there is nothing to undo: the bytes of before are not there any more", code=2)
    replace_file(folder.script, before)
    path.unlink(missing_ok=True)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
