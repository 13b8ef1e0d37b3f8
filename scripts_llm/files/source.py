"""Reads text files and formats faults in them: path, line, column, message, the line itself and a caret."""

from __future__ import annotations

import re
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError, suggest
from scripts_llm.plain_text import display_width

MAX_BYTES = 1_000_000
MAX_FAULTS = 20
SHOWN = 100  # characters of a line, around the caret


@dataclass(frozen=True)
class Spot:
    """A position in a text: its offset, its line and its column; the latter two start at 1."""

    index: int
    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A file's path and its text."""

    path: Path
    text: str

    def format_message(self, line: int, column: int, message: str) -> str:
        """A message with path, line and column in front, and the line with a caret below."""
        shown = self._quoted(line, column)
        return f"{self.path}:{line}:{column}: {message}" + (f"\n{shown}" if shown else "")

    def _quoted(self, line: int, column: int) -> str:
        """The line, shortened around the column, and a caret below it; empty for an empty line."""
        rows = self.text.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
        row = rows[min(line, len(rows)) - 1].rstrip()
        if not row:
            return ""
        offset = min(column - 1, len(row))
        first = max(0, min(offset - SHOWN // 2, len(row) - SHOWN))
        piece = row[first : first + SHOWN]
        piece = ("…" if first else piece[:1]) + piece[1:]
        if first + SHOWN < len(row):
            piece = piece[:-1] + "…"
        before = "".join(map(_visible, piece[: offset - first]))
        return f"    {''.join(map(_visible, piece))}\n    {' ' * display_width(before)}^"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a file, and its position."""

    spot: Spot
    expected: str
    got: str
    hint: str = ""

    def format(self, source: Source) -> str:
        """The fault as a message with the line of the file below it."""
        asks = self.hint.startswith("did you mean")
        tail = "" if not self.hint else f", {self.hint}" if asks else f", try {self.hint}"
        message = f"wanted {self.expected}, got {shorten(self.got)}{tail}"
        return source.format_message(self.spot.line, self.spot.column, message)


def faults_error(faults: Iterable[Fault], source: Source) -> ScriptError:
    """One ScriptError with all faults in the order of the file, at most twenty of them."""
    ordered = sorted(set(faults), key=lambda fault: (fault.spot.index, fault.expected))
    messages = [fault.format(source) for fault in ordered[:MAX_FAULTS]]
    if len(ordered) > MAX_FAULTS:
        messages.append(f"{source.path}: and {len(ordered) - MAX_FAULTS} more")
    return ScriptError("\n".join(messages))


def _visible(sign: str) -> str:
    """A character as a terminal may show it; those that would move or hide others become a dot."""
    return " " if sign == "\t" else sign if sign.isprintable() else "·"


def shorten(text: str) -> str:
    """The text, cut to 70 characters for use in a message."""
    return text if len(text) <= 70 else text[:67] + "..."


# ------------------------------------------------------------------------------------------- the file

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)
_AS_TEXT = "saving it as plain text"
_OTHER_KINDS = (  # by a file's first bytes
    (rb"PK\x03\x04", "a Word file or another zip archive", _AS_TEXT),
    (rb"%PDF-", "a PDF", _AS_TEXT),
    (rb"\{\\rtf", "rich text (RTF)", _AS_TEXT),
    (rb"\xd0\xcf\x11\xe0", "an Office file", _AS_TEXT),
    (rb"\x1f\x8b", "a gzip archive", "unpacking it"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF|ID3|OggS|....ftyp", "a picture, a sound or a film", "another file"),
)


def read_text(path: Path, *, what: str) -> str:
    """The file's text with line ends, as it is in the file. Raises ScriptError if it is no text file."""
    return decode(read_bytes(path, what=what), path)


def read_bytes(path: Path, *, what: str, most: int = MAX_BYTES) -> bytes:
    """The file's bytes. Raises ScriptError if it cannot be read or has more than `most`."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ScriptError(f"{path}: wanted a {what} file, got a folder{_file_hint(_yaml_files(path))}")
        if not stat.S_ISREG(mode):
            raise ScriptError(f"{path}: wanted a {what} file, got something that is no plain file")
        size = path.stat().st_size
        if size > most:
            raise ScriptError(
                f"{path}: wanted at most {most:,} bytes, got {size:,}, try to split or shorten it"
            )
        return path.read_bytes()
    except FileNotFoundError:
        near = _similar_files(path)
        raise ScriptError(
            f"{path}: wanted a {what} file, got nothing at this path{_file_hint(near)}"
        ) from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise ScriptError(f"{path}: wanted a {what} file that can be read, got: {reason}") from None


def _yaml_files(folder: Path) -> list[Path]:
    """The YAML files in a folder, hidden ones aside. Raises OSError."""
    return [file for file in folder.glob("*.[yY]*[mM][lL]") if not file.name.startswith(".")]


def _similar_files(path: Path) -> list[Path]:
    try:
        names = {file.name: file for file in _yaml_files(path.parent)}
    except OSError:
        return []
    meant = suggest(path.name, names)
    return [names[meant]] if meant else []


def _file_hint(files: Any) -> str:
    try:
        first = min(files, default=None)
    except OSError:
        first = None
    return f", try {first}" if first else ""


def decode(raw: bytes, path: Path) -> str:
    """The text of a file's bytes. Raises ScriptError, with the line where there is one, if it is no text.

    It is UTF-8, or what a byte order mark says: UTF-16 or UTF-32, which YAML 1.2 allows.
    """
    for pattern, kind, hint in _OTHER_KINDS:
        if re.match(pattern, raw):
            raise ScriptError(f"{path}: wanted a text file, got {kind}, try {hint}")
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    if not encoding and re.match(rb"(?:[^\0]\0){8}|(?:\0[^\0]){8}", raw):
        got = "UTF-16 without a byte order mark"
        raise ScriptError(f"{path}:1:1: wanted UTF-8, got {got}, try saving the file as UTF-8")
    try:
        text = raw.decode(encoding or "utf-8")
    except UnicodeDecodeError as fault:
        if encoding:
            got = f"{encoding.upper()} that breaks off"
            raise ScriptError(f"{path}: wanted text, got {got}, try saving the file as UTF-8") from None
        got = f"the byte 0x{raw[fault.start]:02x} (Latin-1?)"
        before = raw[: fault.start].decode("utf-8")
        raise _decoding_error(path, raw.decode("utf-8", "replace"), len(before), got) from None
    if "\0" in text:
        raise _decoding_error(path, text, text.index("\0"), "a NUL byte")
    return text


def _decoding_error(path: Path, text: str, index: int, got: str) -> ScriptError:
    expected, hint = ("text", "taking it out") if "NUL" in got else ("UTF-8", "saving the file as UTF-8")
    return faults_error([Fault(spot_at(text, index), expected, got, hint)], Source(path, text))


def spot_at(text: str, index: int) -> Spot:
    """The position of an offset."""
    before = text[:index].removeprefix("\ufeff")
    return Spot(index, before.count("\n") + 1, len(before) - before.rfind("\n"))
