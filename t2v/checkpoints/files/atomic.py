"""Atomic file writes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it is moved to `path` when the block ends without an error.

    Until then, and after an error, `path` has its old content. A temporary file that a killed process leaves
    is overwritten by the next write. `shared`: other processes may write the same file at the same time, so
    the temporary name has this process's number in it. Raises OSError.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part" if shared else f"{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except BaseException as error:
        try:
            if isinstance(error, RuntimeError):
                _raise_disk_error(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        raise


def _raise_disk_error(part: Path, path: Path) -> None:
    """Raises the OSError of a disk that takes no more: torch has a RuntimeError without its number for it."""
    try:
        with part.open("ab") as file:
            file.write(bytes(65536))
    except OSError as error:
        error.filename = str(path)
        raise
