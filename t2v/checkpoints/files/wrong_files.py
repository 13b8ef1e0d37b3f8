"""Recognises files that are no weights or settings, whatever their name. No torch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from t2v.errors import CheckpointError

KINDS = (
    (
        rb"\s*<(!doctype|html|head|body|\?xml)",
        "a web page: fetch the file itself, not the page that shows it",
    ),
    (
        rb"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer, not the file that it points to: run `git lfs pull` in its folder",
    ),
    (rb"GGUF", "a GGUF file, which no text-to-video model of this family comes in"),
    (rb"(Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ)", "a packed archive: unpack it first"),
)
PACKED = re.compile(rb"PK\x03\x04")


def check_file_kind(path: Path) -> None:
    """Raise CheckpointError for a file that cannot be one of weights or settings, whatever its name."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(0, 2)
            size = file.tell()
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: not there") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    if not head:
        raise CheckpointError(f"{path}: an empty file: fetch it again")
    for pattern, kind in KINDS:
        if re.match(pattern, head, re.IGNORECASE):
            raise CheckpointError(f"{path}: {kind}{_pointed_at(head)}")
    if PACKED.match(head) and not _ends_as_zip(path, size):
        raise CheckpointError(f"{path}: half a download, {size:,} bytes of it: fetch it again")
    if path.suffix != ".json" and _is_text(head):
        words = head.decode("ascii", "replace").split("\n")[0][:80]
        raise CheckpointError(f"{path}: text, not weights; it begins {words!r}: fetch it again")


def _pointed_at(head: bytes) -> str:
    size = re.search(rb"^size (\d+)", head, re.MULTILINE)
    return f" ({int(size[1]):,} bytes)" if size and b"git-lfs" in head else ""


def _ends_as_zip(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - 66_000))
        return b"PK\x05\x06" in file.read()


def _is_text(head: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\r\n\t" for byte in head)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises CheckpointError with line and column."""
    check_file_kind(path)
    try:
        value = json.loads(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: wanted JSON, got bytes that are no text: fetch it again") from error
    except json.JSONDecodeError as error:
        raise CheckpointError(
            f"{path}:{error.lineno}:{error.colno}: wanted JSON ({error.msg}): fetch it again"
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: wanted a JSON object, got {type(value).__name__}")
    return value
