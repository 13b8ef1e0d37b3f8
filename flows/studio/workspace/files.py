"""Folder listings, atomic writes, JSON files, file hashes, the cache folder, and clear errors of the disk."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.studio.errors import StudioError

_OF_THE_SYSTEM = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"))
_BACKUPS = ("~", ".swp", ".swo", ".bak", ".tmp", ".part", ".crdownload")


def is_clutter(path: Path) -> bool:
    """Whether a file's name says that a system, an editor or a download left it there.

    Hidden files, macOS's `._*`, Windows' thumbnails and `desktop.ini`, backups, unfinished downloads.
    """
    name = path.name.lower()
    return name.startswith((".", "~$")) or name in _OF_THE_SYSTEM or name.endswith(_BACKUPS)


def list_files(folder: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """The files that people have put into a folder, by name: no folders, no clutter.

    `suffixes`, in lower case (".yaml"), are those that count, however a file spells its own. Raises OSError.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if not is_clutter(path) and (suffixes is None or path.suffix.lower() in suffixes) and path.is_file()
    )


def is_temporary(path: Path) -> bool:
    """True for the temporary file of an `atomic_write`."""
    return path.suffix == ".part" or (path.name.startswith(".") and ".part" in path.suffixes)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`, of the same suffix; it replaces `path` when the block ends well.

    Raises:
        StudioError: the disk refuses, as in `disk_errors`.
    """
    owner = f"{os.getpid():x}-{secrets.token_hex(4)}"  # two runs, on two hosts, may write the same file
    part = path.with_name(f".{path.stem[:40]}.{owner}.part{path.suffix}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            os.replace(part, path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                part.unlink()
            if isinstance(error, OSError) and error.filename == str(part):
                error.filename = str(path)
            raise


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256, as recipes hold them. Raises OSError."""
    return sha256_of(path)[:16]


def hash_if_present(path: Path) -> str | None:
    """The `content_hash` of a file, or None if there is no such file."""
    try:
        return content_hash(path)
    except FileNotFoundError:
        return None


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """This program's folder under the user's cache (XDG Base Directory); it may not exist yet."""
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cold-open"


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, atomically."""
    with atomic_write(path) as part:
        part.write_text(json_text(value), encoding="utf-8")


def json_text(value: Any) -> str:
    """`value` as indented JSON, with a line end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any] | None:
    """Reads the JSON object in `path`; None if the file is missing, torn or something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


MAKE_ROOM_HINT = "make room and run the same command again: what is made stays"


_AGAIN = "connect it and run the same command again"
_WHAT_TO_TRY = {
    errno.ENOSPC: (1, "the disk is full", MAKE_ROOM_HINT),
    errno.EDQUOT: (
        1,
        "the disk quota is used up",
        MAKE_ROOM_HINT,
    ),
    errno.EFBIG: (1, "the file may not grow so large", "raise the limit (ulimit -f) and run again"),
    errno.EACCES: (2, "no permission to write", "give yourself the right, or choose another --output"),
    errno.EPERM: (2, "no permission to write", "give yourself the right, or choose another --output"),
    errno.EROFS: (2, "the disk is read-only", "choose another --output"),
    errno.ELOOP: (2, "its symbolic links lead in a circle", "mend them, or choose another --output"),
    errno.EINVAL: (2, "this disk does not allow such a name", "choose another --output"),
    errno.EMFILE: (1, "too many files are open", "raise the limit (ulimit -n) and run again"),
    errno.EIO: (1, "the disk has a fault", "look at the disk, or choose another --output"),
    errno.ESTALE: (1, "the network drive was lost", _AGAIN),
    errno.ENOTCONN: (1, "the network drive was lost", _AGAIN),
    errno.EHOSTDOWN: (1, "the network drive was lost", _AGAIN),
    errno.ENODEV: (1, "the disk was lost", _AGAIN),
    errno.ENXIO: (1, "the disk was lost", _AGAIN),
    errno.ENOTDIR: (2, "a file lies where a folder belongs", "move it away, or choose another --output"),
    errno.EEXIST: (2, "a file lies where a folder belongs", "move it away, or choose another --output"),
    errno.ENAMETOOLONG: (2, "the path is too long", "choose a shorter --output"),
}


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns errors of the disk into one StudioError that names the path and what to try."""
    try:
        yield
    except OSError as error:
        known = _WHAT_TO_TRY.get(error.errno or 0)
        if known is None:
            raise
        code, fault, advice = known
        raise StudioError(f"{error.filename or path}: {fault}; {advice}", code=code) from error
