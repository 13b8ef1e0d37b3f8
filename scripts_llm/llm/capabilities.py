"""Capabilities of servers, learned from their error messages and saved for a week."""

from __future__ import annotations

import contextlib
import datetime
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from scripts_llm.files.write import replace_file
from scripts_llm.llm.client import OPENAI, Form, LLMSettings, display_address

FILE_NAME = "endpoints.json"  # in the cache folder: the capabilities of all servers
DAYS = 7  # then a server is tried anew: it may accept more


@dataclass(frozen=True)
class Capabilities:
    """How this server is asked; the defaults are the most that a server can accept."""

    form: Form = "json_schema"
    has_bounds: bool = True  # the schema may have minItems, maxLength and the like
    is_in_words: bool = False  # the schema is in the prompt as well: this server accepts one and ignores it
    needs_v1: bool = False
    limit: str = "max_tokens"
    left_out: tuple[str, ...] = ()
    has_system_role: bool = True  # else the system's text is in the user's turn
    is_streamed: bool = False  # the model answers by a stream of events only
    answer_tokens: int | None = None  # the most that an answer may have, where the server said so
    context_tokens: int | None = None  # the most that prompt and answer may have together, likewise

    @classmethod
    def guess(cls, settings: LLMSettings) -> Capabilities:
        """The first guess: OpenAI's strict schemas have no maxLength, its newer models no max_tokens."""
        is_openai = settings.base_url == OPENAI
        return cls(has_bounds=not is_openai, limit="max_completion_tokens" if is_openai else "max_tokens")

    def reduced(self, complaint: str) -> Capabilities | None:
        """Fewer demands after a 400: without the parameter it names, or a simpler form; None at the end."""
        complaint = complaint.lower()
        limits = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
        if self.limit in complaint and "limit" not in self.left_out:
            return replace(self, limit=limits[self.limit], left_out=(*self.left_out, "limit"))
        for name in ("temperature", "seed"):
            if name in complaint and name not in self.left_out:
                return replace(self, left_out=(*self.left_out, name))
        if self.form == "json_schema" and self.has_bounds:
            return replace(self, has_bounds=False)
        plainer: dict[Form, Form] = {"json_schema": "json_object", "json_object": "prompt"}
        return replace(self, form=plainer[self.form], is_in_words=True) if self.form in plainer else None


def load(memory: Path | None, settings: LLMSettings, *, today: datetime.date | None = None) -> Capabilities:
    """The saved capabilities of this server and model; a guess if there are none from the last week."""
    known = _read(memory).get(_key(settings))
    try:
        learned = datetime.date.fromisoformat(known["on"]) if isinstance(known, dict) else None
        age = ((today or datetime.date.today()) - learned).days if learned else DAYS
        if isinstance(known, dict) and 0 <= age < DAYS:
            values = {field.name: known[field.name] for field in fields(Capabilities) if field.name in known}
            return Capabilities(**{**values, "left_out": tuple(known["left_out"])})
    except (KeyError, TypeError, ValueError):
        pass
    return Capabilities.guess(settings)


def save(
    memory: Path | None, settings: LLMSettings, ability: Capabilities, *, today: datetime.date | None = None
) -> None:
    """Saves the capabilities for later runs, without a key. Errors of the disk are ignored."""
    if memory is None:
        return
    known = {**_read(memory), _key(settings): {**asdict(ability), "on": str(today or datetime.date.today())}}
    text = json.dumps(dict(list(known.items())[-64:]), indent=1) + "\n"
    with contextlib.suppress(OSError):
        replace_file(memory, text.encode("utf-8"))


def _key(settings: LLMSettings) -> str:
    return f"{settings.model} at {display_address(settings)}"


def _read(memory: Path | None) -> dict[str, Any]:
    try:
        found = json.loads(memory.read_text(encoding="utf-8")) if memory else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
