"""Files that a page hands over: limited, opened as what they say they are, and only then in their place.

Those of an episode keep their names, in its `uploads/`; those of One clip are named by their content.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from flows.studio.errors import StudioError
from flows.studio.media import films, pictures
from flows.studio.media.frames import FILM_SUFFIXES
from flows.studio.media.user_files import STILL_SUFFIXES
from flows.studio.workspace import files
from flows.studio.workspace.folder import MIN_FREE_BYTES, EpisodeFolder

FOLDER = "uploads"
MOST_BYTES = {"picture": 64_000_000, "sound": 64_000_000, "film": 512_000_000}
MOST_KEPT = 2_000_000_000  # bytes of all files of One clip; the oldest go first
SOUND_SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aiff")
_NAME = re.compile(r"[\w][\w .()-]{0,79}\.[A-Za-z0-9]{2,4}")

Kind = Literal["picture", "sound", "film"]
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(FILM_SUFFIXES, "film"),
    **dict.fromkeys(SOUND_SUFFIXES, "sound"),
    **dict.fromkeys((*STILL_SUFFIXES, ".gif"), "picture"),
}
Pieces = AsyncIterator[bytes]


class TooMuch(StudioError):
    """An upload is longer than it may be, or the disk has no room for it (answered with 413)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)


async def receive_into_episode(pieces: Pieces, name: str, folder: EpisodeFolder) -> str:
    """Takes a picture, a sound or a film into an episode; its name as scripts say it: "uploads/hat.png".

    Raises TooMuch, and StudioError for a name that is none, for another content than the name says, and for
    a name that another file has.
    """
    kind = _kind_of(name) if _NAME.fullmatch(name) else None
    if kind is None:
        wanted = "a name like hat.png, of a picture, a sound or a film"
        raise StudioError(f"wanted {wanted}, got {name[:80]!r}", code=2)
    path = folder.root / FOLDER / name
    with _part_in(path.parent, path.suffix) as part:
        await _write(pieces, part, name, kind)
        if path.exists() and files.sha256_of(path) != files.sha256_of(part):
            raise StudioError(f"{name}: there is another file of this name; give yours another", code=2)
        os.replace(part, path)
    return f"{FOLDER}/{name}"


async def receive_for_clip(pieces: Pieces, name: str, folder: Path) -> str:
    """Keeps a picture or a film that a clip may start from; its name here, which its content decides.

    Raises TooMuch, and StudioError for what is no picture and no film.
    """
    kind, suffix = _kind_of(name), Path(name).suffix.lower()
    if kind not in ("picture", "film"):
        raise StudioError(f"wanted a picture or a film, got {name[:80]!r}", code=2)
    with _part_in(folder, suffix) as part:
        digest = await _write(pieces, part, name, kind)
        kept = f"{digest[:16]}{suffix}"
        os.replace(part, folder / kept)
    _prune(folder)
    return kept


async def pieces_of(content: bytes) -> Pieces:
    """A file whose bytes are here already, as one piece."""
    yield content


def uploaded(folder: EpisodeFolder) -> frozenset[str]:
    """The names of an episode's uploads as scripts say them: all that a page may name."""
    place = folder.root / FOLDER
    found = place.iterdir() if place.is_dir() else iter(list[Path]())
    return frozenset(f"{FOLDER}/{path.name}" for path in found if not path.name.startswith("."))


# ------------------------------------------------------------------------------------------------- parts


def _kind_of(name: str) -> Kind | None:
    return _KINDS.get(Path(name).suffix.lower())


@contextmanager
def _part_in(folder: Path, suffix: str) -> Iterator[Path]:
    """A file beside its place, which is gone afterwards unless it was moved there. Raises TooMuch."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
        raise TooMuch(f"{folder}: the disk is full; {files.MAKE_ROOM_HINT}")
    handle, name = tempfile.mkstemp(".part" + suffix.lower(), ".", folder)  # readers go by the ending
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


async def _write(pieces: Pieces, part: Path, name: str, kind: Kind) -> str:
    """Writes the pieces and looks at what they are; the digest of their content."""
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > MOST_BYTES[kind]:
                raise TooMuch(f"{name[:80]}: wanted at most {MOST_BYTES[kind] // 10**6} MB of a {kind}")
            digest.update(piece)
            file.write(piece)
    part.chmod(0o644)
    if not await asyncio.to_thread(_is, kind, part):
        raise StudioError(f"{name[:80]}: wanted a {kind}, got another content", code=2)
    return digest.hexdigest()


def _is(kind: Kind, path: Path) -> bool:
    """Whether a file can be opened as what its name says it is."""
    if kind == "picture":  # ffmpeg believes their names
        return pictures.inspect_picture(path) is not None
    header = films.read_header(path)
    if header.fault:
        return False
    return header.has_sound if kind == "sound" else header.has_picture and not header.is_one_picture


def _prune(folder: Path) -> None:
    """Takes the oldest files away where they have become too many."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    total = 0
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        total += path.stat().st_size
        if total > MOST_KEPT:
            path.unlink(missing_ok=True)
