"""Reads the bodies of servers' refusals: their codes, which decide, and their words, which are only shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_REFUSALS = ("moderation", "content_policy", "safety", "sensitive", "nsfw", "prohibited")
_CODES = ("code", "type", "error_type", "error_code", "failureCode", "failure_code")
_WORDS = ("message", "msg", "detail", "error", "failure", "exception_message")


def is_refusal(body: Any) -> bool:
    """Whether a body has a code that providers give for what their rules forbid.

    The message never counts: it may say anything, the prompt's own words among it.
    """
    return any(word in code.lower() for code in _codes_of(body) for word in _REFUSALS)


def _codes_of(body: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(body, list) and depth < 5:
        for one in body[:20]:
            yield from _codes_of(one, depth + 1)
    if isinstance(body, Mapping) and depth < 5:
        for name, value in body.items():
            if name in _CODES and isinstance(value, str):
                yield value
            elif name in ("error", "detail", "errors"):
                yield from _codes_of(value, depth + 1)


def message_of(body: Any, depth: int = 0) -> str:
    """The words of an error in any of the shapes that servers use; empty if it has none."""
    if depth > 5:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (message_of(one, depth + 1) for one in body[:5])))
    if isinstance(body, Mapping):
        inner = next((body[key] for key in _WORDS if body.get(key)), "")
        return message_of(inner, depth + 1)
    return str(body or "")
