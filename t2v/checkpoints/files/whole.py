"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write; what lies at `path` stays until all of the new file is there."""
    part = path.with_name(f"{path.name}.part")
    yield part
    os.replace(part, path)
