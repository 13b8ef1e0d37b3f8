"""The languages of the pages: sentences in English, and what other languages say for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES = (ENGLISH, RUSSIAN)
NUMBERS = frozenset("nmkij")  # slots that are numbers
NESTED = frozenset(("time", "what", "rest"))  # slots whose words are themselves said
WARNING = "! "

Words = Mapping[
    str, str | Sequence[str]
]  # English sentences to another language's, or to its three plural forms


@dataclass(frozen=True)
class Language:
    """A language of the pages: `sentences` of the pages themselves, and what runs `said`, with slots."""

    code: str
    sentences: Words = field(default_factory=dict)
    said: Words = field(default_factory=dict)

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

    def told(self, text: str) -> str:
        """What a run says (a label, a warning, an end) in this language; what is not known stays as it is."""
        if not self.said:
            return text
        if text.startswith(WARNING):
            return WARNING + self.told(text.removeprefix(WARNING))
        indent, text = text[: len(text) - len(text.lstrip())], text.lstrip()
        for pattern, found in self._patterns:
            if match := pattern.fullmatch(text):
                values = {
                    name: self.told(value) if name in NESTED else value
                    for name, value in match.groupdict().items()
                }
                form = found if isinstance(found, str) else found[russian_form(int(values["n"]))]
                return indent + form.format(**values)
        return indent + "; ".join(map(self.told, text.split("; "))) if "; " in text else indent + text

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str | Sequence[str]]]:
        """What is said as patterns, those with the most words of their own first."""
        in_order = sorted(self.said.items(), key=lambda each: -len(_SLOT.sub("", each[0])))
        return [(_pattern_of(sentence), found) for sentence, found in in_order]

    def time(self, seconds: float) -> str:
        """Seconds as people say them: "40 s", "4 min", "1 h 10 min"."""
        if seconds < 90:
            return self.say("{n} s", n=max(1, round(seconds)))
        minutes = round(seconds / 60)
        if minutes < 60:
            return self.say("{n} min", n=minutes)
        return self.say("{n} h {m} min", n=minutes // 60, m=minutes % 60)


_SLOT = re.compile(r"{(\w+)}")
_NUMBER, _ANYTHING, _ONE_THING = r"\d+", ".+?", "(?:(?!; ).)+?"


def _pattern_of(sentence: str) -> re.Pattern[str]:
    """The pattern of a sentence with slots."""
    parts = _SLOT.split(sentence)  # text, name, text, name, … text
    for place in range(1, len(parts), 2):
        name = parts[place]
        kind = _NUMBER if name in NUMBERS else _ANYTHING if name in (*NESTED, "why") else _ONE_THING
        parts[place] = f"(?P<{name}>{kind})"
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts))


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

    folder = resources.files("templates") / "board" / "words"
    pages, said = (
        yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in ("ru.yaml", "ru.said.yaml")
    )
    return Language(RUSSIAN, pages, said)


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
