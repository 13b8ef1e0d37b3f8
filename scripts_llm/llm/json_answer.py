"""Extracts the JSON object from a language model's answer."""

from __future__ import annotations

import json
import re
from typing import Any

from scripts_llm.errors import MalformedAnswer
from scripts_llm.plain_text import join_surrogates

_START = re.compile(
    r"""\{(?:\s|//[^\n]*(?:\n|$)|/\*[^*{]{0,300}\*/)*
    (?: \} | $
      | "(?:[^"\\]|\\.)* (?: $ | "\s*(?::|$) )
      | '(?:[^'\\]|\\.)* (?: $ | '\s*(?::|$) )
      | [“”‘’][^“”‘’]* (?: $ | [“”‘’]\s*(?::|$) )
      | [\w$-]+\s*:
    )""",
    re.DOTALL | re.VERBOSE,
)
"""A brace with a key behind it, or with the beginning of one. In prose a brace may stand alone."""


def extract_object(answer: str) -> dict[str, Any]:
    """The last JSON object in an answer.

    Thinking and code fences are removed, small slips (a trailing comma, single quotes) repaired. Raises
    MalformedAnswer if there is no object, or only the beginning of one: repairing that would invent its rest.
    """
    text = _unquoted(_without_thinking(answer))
    if not text:
        raise MalformedAnswer(
            "wanted a JSON object, got no answer" + (" behind the thinking" if answer.strip() else "")
        )
    whole = _loads(_without_fence(text))
    if whole is not None:
        return whole
    candidates, is_cut_off = _outer_objects(text)
    for candidate in reversed(candidates):
        found = _loads(candidate) or _repair(candidate)
        if found:
            return found
    if is_cut_off:
        raise MalformedAnswer("wanted a whole JSON object, got one that is cut off")
    start = text.find("{")
    is_closed = start >= 0 and _closing_brace(text, start) is not None
    found = _repair(text[start : text.rfind("}") + 1]) if is_closed else None
    if not found:
        raise MalformedAnswer(f"wanted a JSON object, got {text[:60]!r}")
    return found


def _without_thinking(answer: str) -> str:
    """The text behind the last `</think>`; empty if the thinking never ends."""
    for name in ("think", "thinking", "thought", "reasoning", "seed:think"):
        answer = re.sub(rf"(?is)^.*(?:</{name}>|\[/{name}\])", "", answer)
        answer = re.sub(rf"(?is)^\s*(?:<{name}>|\[{name}\]).*$", "", answer)
    return answer.strip()


def _unquoted(text: str) -> str:
    """The text inside, if the whole text is a JSON string: an object that was encoded twice."""
    if not text.startswith('"'):
        return text
    try:
        inner = json.loads(text, strict=False)
    except ValueError:
        return text
    return inner.strip() if isinstance(inner, str) else text


def _without_fence(text: str) -> str:
    blocks = re.findall(r"```[a-zA-Z0-9]*\s*\n(.*?)```", text, flags=re.DOTALL)
    return str(blocks[-1]) if blocks else text


def _loads(text: str) -> dict[str, Any] | None:
    try:
        return _as_object(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        return None


def _repair(text: str) -> dict[str, Any] | None:
    import json_repair

    plain = re.sub(
        r"(\\\\)|\\([_*#~.!()<>-])", r"\1\2", text
    )  # escapes of Markdown, which JSON does not have
    try:
        return _as_object(json_repair.loads(plain)) or None
    except (ValueError, RecursionError):
        return None


def _as_object(found: Any) -> dict[str, Any] | None:
    """The value if it is an object; escaped halves of characters in its texts become U+FFFD."""
    if not isinstance(found, dict):
        return None
    text = json.dumps(found, ensure_ascii=False)
    whole = join_surrogates(text)
    return found if whole == text else dict(json.loads(whole))


def _outer_objects(text: str) -> tuple[list[str], bool]:
    """The outermost {...} of a text, and whether the last one is not closed."""
    found: list[str] = []
    start = _START.search(text)
    while start:
        end = _closing_brace(text, start.start())
        if end is None:
            return found, True
        found.append(text[start.start() : end])
        start = _START.search(text, end)
    return found, False


def _closing_brace(text: str, start: int) -> int | None:
    """The offset behind the brace that closes the one at `start`; None if none does."""
    depth = 0
    for match in re.compile(r'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return None
