"""Cleans and measures text that comes from users, models and servers.

Escape sequences, control characters and bidirectional overrides are removed; markup stays, and is escaped by
whoever writes HTML, captions or a prompt.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

_ESCAPES = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?"  # ECMA-48
_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]"
_DIRECTIONS = r"[\u202a-\u202e\u2066-\u2069]"  # embeddings, overrides and isolates, not the marks
_HARMFUL = re.compile(f"{_ESCAPES}|{_CONTROLS}|{_DIRECTIONS}")


def strip_controls(text: str) -> str:
    """The text without escape sequences, control characters and bidirectional overrides."""
    return _HARMFUL.sub("", text)


def strip_controls_deep(value: Any) -> Any:
    """Applies `strip_controls` to every text in nested lists, tuples and mappings, keys included."""
    if isinstance(value, str):
        return strip_controls(value)
    if type(value) in (list, tuple):
        return type(value)(strip_controls_deep(each) for each in value)
    if type(value) is dict:
        return {strip_controls_deep(key): strip_controls_deep(each) for key, each in value.items()}
    return value


def join_surrogates(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates as U+FFFD: streams cut an emoji in two."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def one_line(text: str, most: int = 200) -> str:
    """A text for use inside a message: without controls, on one line, cut to `most` characters."""
    line = " ".join(strip_controls(text).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def split_text(text: str, most: int) -> list[str]:
    """A text in pieces of at most `most` characters, cut behind sentences, else commas, else words."""
    pieces, start = [], 0
    while len(text) - start > most:
        window = text[start : start + most + 1]
        for end in (r"[.!?…。！？][\"'”’)»]*\s+|[。！？]", r"[,;:–—]\s+|[、，]", r"\s+"):
            cuts = [match.end() for match in re.finditer(end, window) if match.end() > most // 4]
            if cuts:
                break
        cut = min(cuts[-1] if cuts else most, most)
        pieces.append(window[:cut].strip())
        start += cut
    return [*pieces, text[start:].strip()]


def display_width(text: str) -> int:
    """Columns of a text: a Chinese, Japanese or Korean letter takes two, a combining mark none."""
    return sum(letter_width(letter) for letter in text)


@lru_cache(maxsize=4096)
def letter_width(letter: str) -> int:
    """Columns of one character: 0, 1 or 2 (UAX 11)."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
