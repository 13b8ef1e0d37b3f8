"""Finds the people that a text names: by whole words, by parts of names, and by Russian cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from scripts_llm import russian

_GAP = r"[\s_-]+"  # joes_flat is "joes flat"
_NOT_AFTER = r"(?!['’]?\w)"  # "Joe's kitchen" is a place
_FORMS = r"(?:e?s|['’]s)?(?!\w)"  # "streets", "the bar's door"

Names = Mapping[str, str]  # key of the cast -> as people call them


def people_named(words: str, names: Names) -> tuple[str, ...]:
    """The keys of the people whom a text names, in its order, each once. "Joe's kitchen" names nobody."""
    return tuple(dict.fromkeys(key for key, _ in name_matches(words, names)))


def name_matches(words: str, names: Names) -> Iterator[tuple[str, re.Match[str]]]:
    """Every place where a text names somebody: the key, and the match."""
    pattern, keys = _name_pattern(tuple(names.items()))
    for match in pattern.finditer(words):
        yield keys[int(str(match.lastgroup)[1:])], match


def contains_phrase(words: str, phrases: Iterable[str]) -> bool:
    """Whether a text has one of the phrases as whole words, in any case, plural or possessive."""
    choices = "|".join(spelled for phrase in phrases if (spelled := _spelled(phrase)))
    return bool(choices) and re.search(rf"(?<!\w)(?:{choices}){_FORMS}", words, re.IGNORECASE) is not None


@lru_cache(maxsize=64)
def _name_pattern(names: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern for a whole cast: full names and keys in any case, parts of names with their capital."""
    words = [word for _, name in names for word in set(name.split())]
    spellings: list[tuple[str, str, bool]] = []
    for key, name in names:
        parts = [word for word in name.split() if len(word) > 2 and word[0].isupper() and word != "The"]
        own = [word for word in parts if words.count(word) == 1]
        spellings += [(name, key, True), (key, key, True), *((word, key, False) for word in own)]
    bent = [(form, key, any_case) for name, key, any_case in spellings for form in _russian_forms(name)]
    spellings += bent  # behind the names themselves: "Александра" is herself before she is Александр's
    spellings.sort(key=lambda spelling: -len(spelling[0]))
    choices: list[str] = []
    keys: list[str] = []
    for spelling, key, any_case in spellings:
        body = _spelled(re.sub(rf"^the{_GAP}", "", spelling, flags=re.IGNORECASE))
        if body:
            choices.append(rf"(?P<n{len(keys)}>(?:[Tt]he\s+)?(?{'i' if any_case else ''}:{body}))")
            keys.append(key)
    nobody = r"(?!)"
    return re.compile(rf"(?<!\w)(?:{'|'.join(choices) or nobody}){_NOT_AFTER}"), tuple(keys)


def _russian_forms(name: str) -> tuple[str, ...]:
    """The other cases of a Russian name; none for other names."""
    if not re.search("[а-яё]", name, re.IGNORECASE):
        return ()
    return russian.forms(name)[1:]


def _spelled(phrase: str) -> str:
    """A pattern for a phrase with any separator between its words; empty if it has no words."""
    return _GAP.join(re.escape(word) for word in re.split(_GAP, phrase) if word)
