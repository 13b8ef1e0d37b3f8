"""Files that a page sends: limited, looked at, and kept under a name of their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.media import films, pictures
from flows.studio.media.frames import FILM_SUFFIXES
from flows.studio.media.user_files import STILL_SUFFIXES

MOST_PICTURE_BYTES = 64_000_000
MOST_FILM_BYTES = 512_000_000
ROOM_LEFT = 1_000_000_000  # bytes that stay free
MOST_KEPT = 2_000_000_000  # bytes of all sent files; the oldest go first


class TooLong(StudioError):
    """A file has more bytes than it may have."""


async def receive(body: AsyncIterator[bytes], name: str, folder: Path) -> str:
    """Keeps a sent picture or film and returns its name here.

    Raises TooLong, and StudioError for what is no picture and no film, or no room.
    """
    suffix = Path(name).suffix.lower()
    is_film = suffix in FILM_SUFFIXES and suffix != ".gif"
    if suffix not in (*STILL_SUFFIXES, *FILM_SUFFIXES):
        raise StudioError(f"wanted a picture or a film, got {name[:80]!r}", code=2)
    most = MOST_FILM_BYTES if is_film else MOST_PICTURE_BYTES
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < ROOM_LEFT:
        raise StudioError("there is no room on the disk for a file", code=1)
    handle, part_name = tempfile.mkstemp(".part" + suffix, ".", folder)
    part = Path(part_name)
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            async for chunk in body:
                size += len(chunk)
                if size > most:
                    raise TooLong(f"wanted at most {most // 1_000_000} MB, got more", code=2)
                digest.update(chunk)
                file.write(chunk)
        _check(part, name)
        kept = f"{digest.hexdigest()[:16]}{suffix}"
        os.replace(part, folder / kept)
    finally:
        part.unlink(missing_ok=True)
    _prune(folder)
    return kept


async def keep(content: bytes, name: str, folder: Path) -> str:
    """The same for a file whose bytes are here already."""

    async def whole() -> AsyncIterator[bytes]:
        yield content

    return await receive(whole(), name, folder)


def _check(path: Path, name: str) -> None:
    """Raises StudioError unless the file can be opened as the picture or film that its name says it is."""
    if path.suffix in (*STILL_SUFFIXES, ".gif"):  # ffmpeg believes their names
        is_one = pictures.inspect_picture(path) is not None
    else:
        header = films.read_header(path)
        is_one = header.has_picture and not header.fault
    if is_one:
        return
    raise StudioError(f"{name[:80]!r} is no picture and no film that can be read", code=2)


def _prune(folder: Path) -> None:
    """Takes the oldest files away where they have become too many."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    total = 0
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        total += path.stat().st_size
        if total > MOST_KEPT:
            path.unlink(missing_ok=True)
