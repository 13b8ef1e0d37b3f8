"""The languages of the pages: sentences in English, and what other languages say for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES = (ENGLISH, RUSSIAN)


@dataclass(frozen=True)
class Language:
    """A language of the pages. `sentences` has for an English sentence another, or its three plural forms."""

    code: str
    sentences: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    def say(self, sentence: str, **values: Any) -> str:
        """The sentence in this language, with its slots filled; one that is not known stays English."""
        found = self.sentences.get(sentence, sentence)
        text = found if isinstance(found, str) else found[0]
        return text.format(**values) if values else text

    def count(self, number: int, one: str, many: str, **values: Any) -> str:
        """The sentence for a number: `one` for a single thing, else `many`; `{n}` is the number."""
        forms = self.sentences.get(many)
        if isinstance(forms, str) or forms is None:
            text = one if number == 1 else many
        else:
            text = forms[russian_form(number)]
        return text.format(n=number, **values)

    def reason(self, why: str) -> str:
        """Why something is to be made, in this language: one or several of the program's reasons."""
        parts, said = why.split(", "), []
        while parts:  # a reason may have a comma of its own
            most = next((n for n in (3, 2) if ", ".join(parts[:n]) in self.sentences), 1)
            said.append(self.say(", ".join(parts[:most])))
            parts = parts[most:]
        return ", ".join(said)

    def time(self, seconds: float) -> str:
        """Seconds as people say them: "40 s", "4 min", "1 h 10 min"."""
        if seconds < 90:
            return self.say("{n} s", n=max(1, round(seconds)))
        minutes = round(seconds / 60)
        if minutes < 60:
            return self.say("{n} min", n=minutes)
        return self.say("{n} h {m} min", n=minutes // 60, m=minutes % 60)


def russian_form(number: int) -> int:
    """Which of three forms: 0 for 1, 21 … (кадр), 1 for 2 to 4, 22 … (кадра), 2 for all others (кадров)."""
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else 2


@cache
def language(code: str) -> Language:
    """A language by its code; English for one that there is not."""
    if code != RUSSIAN:
        return Language(ENGLISH)
    import yaml

    path = resources.files("templates") / "board" / "words" / "ru.yaml"
    return Language(RUSSIAN, yaml.safe_load(path.read_text(encoding="utf-8")) or {})


def choose_language(asked: str | None, accepted: str) -> Language:
    """The language asked for (`?lang=ru`), else the first of Accept-Language that there is, else English."""
    if asked in LANGUAGES:
        return language(asked)
    weighted = []
    for place, part in enumerate(accepted.split(",")):
        match = re.fullmatch(r"\s*([A-Za-z]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d*)?))?\s*", part)
        if match and match[1].lower() in LANGUAGES:
            weighted.append((-float(match[2] or 1), place, match[1].lower()))
    return language(min(weighted)[2] if weighted else ENGLISH)
