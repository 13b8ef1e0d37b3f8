"""Text that others wrote, made harmless: what steers a terminal or turns the reading direction is taken out.

Everything else stays as it was typed. Markup is no business of this module: whoever writes HTML, captions
or a prompt quotes its own.
"""

from __future__ import annotations

import re
from typing import Any

_ESCAPES = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?"  # ECMA-48
_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]"
_DIRECTIONS = r"[\u202a-\u202e\u2066-\u2069]"  # embeddings, overrides and isolates, not the marks
_HARMFUL = re.compile(f"{_ESCAPES}|{_CONTROLS}|{_DIRECTIONS}")


def strip_controls(text: str) -> str:
    """The text without escape sequences, control characters and changes of the reading direction."""
    return _HARMFUL.sub("", text)


def strip_controls_deep(value: Any) -> Any:
    """The same for every text in lists and mappings; what is clean is handed back as it is."""
    if isinstance(value, str):
        return strip_controls(value)
    if isinstance(value, list | tuple):
        return (
            type(value)(strip_controls_deep(each) for each in value)
            if type(value) in (list, tuple)
            else value
        )
    if type(value) is dict:
        return {strip_controls_deep(key): strip_controls_deep(each) for key, each in value.items()}
    return value


def one_line(text: str, most: int = 200) -> str:
    """A text as part of a message: plain, on one line, and not long."""
    line = " ".join(strip_controls(text).split())
    return line if len(line) <= most else line[: most - 3] + "..."
