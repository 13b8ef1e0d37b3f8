"""Files that a page hands over: into `uploads/` of the episode, looked at before they count."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.workspace import files
from flows.studio.workspace.folder import MIN_FREE_BYTES, EpisodeFolder

FOLDER = "uploads"
MOST_BYTES = {"picture": 64_000_000, "sound": 64_000_000, "film": 512_000_000}
_NAME = re.compile(r"[\w][\w .()-]{0,79}\.([A-Za-z0-9]{2,4})")
_KINDS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif"), "picture"),
    **dict.fromkeys(("wav", "mp3", "flac", "ogg", "opus", "m4a", "aiff"), "sound"),
    **dict.fromkeys(("mp4", "mov", "webm", "mkv", "avi"), "film"),
}
_MAGIC: dict[str, Callable[[bytes], bool]] = {
    "picture": lambda head: (
        head.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[4:12] in (b"ftypavif", b"ftypavis")
    ),
    "sound": lambda head: (
        head.startswith((b"fLaC", b"OggS", b"ID3", b"FORM"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WAVE")
        or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0)
        or head[4:8] == b"ftyp"
    ),
    "film": lambda head: (
        head[4:8] == b"ftyp"
        or head.startswith(b"\x1a\x45\xdf\xa3")
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
    ),
}


class TooMuch(StudioError):
    """An upload is longer than it may be, or the disk has no room for it (answered with 413)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)


class Upload:
    """A file that comes in pieces; it is in its place only after `finish`."""

    def __init__(self, folder: EpisodeFolder, name: str) -> None:
        """Raises StudioError for a name that is none, or of a kind that no script uses."""
        match = _NAME.fullmatch(name)
        kind = _KINDS.get(match[1].lower()) if match else None
        if kind is None:
            raise StudioError(
                f"wanted a name like hat.png, of a picture, a sound or a film, got {name[:80]!r}", code=2
            )
        self.kind = kind
        self.path = folder.root / FOLDER / name
        self._part = self.path.with_name(f".{name}.part")
        self._size = 0
        self._head = b""
        self.path.parent.mkdir(exist_ok=True)
        if shutil.disk_usage(self.path.parent).free < MIN_FREE_BYTES:
            raise TooMuch(f"{self.path.parent}: the disk is full; {files.MAKE_ROOM_HINT}")
        self._file = self._part.open("wb")

    def add(self, piece: bytes) -> None:
        """Adds a piece. Raises TooMuch once it is longer than files of its kind may be."""
        self._size += len(piece)
        self._head = (self._head + piece[:16])[:16]
        if self._size > MOST_BYTES[self.kind]:
            most = MOST_BYTES[self.kind] // 10**6
            raise TooMuch(f"{self.path.name}: wanted at most {most} MB of a {self.kind}")
        self._file.write(piece)

    def finish(self) -> str:
        """Puts it in its place; gives its name as scripts say it. Raises StudioError for another content."""
        self._file.close()
        if not _MAGIC[self.kind](self._head):
            raise StudioError(f"{self.path.name}: wanted a {self.kind}, got another content", code=2)
        if self.path.exists() and files.sha256_of(self.path) != files.sha256_of(self._part):
            raise StudioError(
                f"{self.path.name}: there is another file of this name; give yours another", code=2
            )
        self._part.replace(self.path)
        return f"{FOLDER}/{self.path.name}"

    def abandon(self) -> None:
        """Leaves nothing behind of an upload that was not finished."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def uploaded(folder: EpisodeFolder) -> frozenset[str]:
    """The names of uploads as scripts say them: all that a page may name."""
    place = folder.root / FOLDER
    found = place.iterdir() if place.is_dir() else iter(list[Path]())
    return frozenset(f"{FOLDER}/{path.name}" for path in found if not path.name.startswith("."))
