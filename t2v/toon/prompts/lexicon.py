"""Cuts a prompt into spans of words that the world knows, glue, breaks and words that it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from t2v.toon.prompts.captions import WORDS_FILE, new_words, word_table
from t2v.toon.prompts.verbs import forms_of_verb

LONGEST = 5  # words in a phrase of the table
BARE_SIZES = ("establishing", "medium", "close-up", "closeup")
_TOKEN = re.compile(r"[a-z0-9à-ÿ]+(?:[-'’][a-z0-9à-ÿ]+)*|[^\sa-z0-9à-ÿ'’\"]+")

Meanings = tuple[tuple[str, str], ...]  # (category, meaning), in the order of preference


@dataclass(frozen=True)
class Span:
    """Some words of the prompt; with no meanings they are a break, glue or unknown, as `category` says."""

    text: str
    category: str
    meaning: str = ""
    also: Meanings = ()

    def other(self, category: str) -> str | None:
        """What the words mean in another category, if anything."""
        return dict(self.also).get(category)


@cache
def lists() -> dict[str, Any]:
    """The part of the table that only understanding reads: more synonyms, bundles, glue, plurals."""
    extra: dict[str, Any] = json.loads(WORDS_FILE.read_text(encoding="utf-8"))["understand"]
    return extra


@cache
def index() -> dict[str, Meanings]:
    """Every phrase of the table with its meanings."""
    return _meanings(_entries())


@cache
def directed_index() -> dict[str, Meanings]:
    """The same for a TOON that takes directions: the meanings that only it knows come first."""
    known = index()
    new = _meanings(_new_entries())
    return known | {word: (*pairs, *known.get(word, ())) for word, pairs in new.items()}


def _meanings(entries: Iterable[tuple[str, str, str]]) -> dict[str, Meanings]:
    found: dict[str, list[tuple[str, str]]] = {}
    for category, meaning, word in entries:
        pair = (category, meaning)
        if pair not in found.setdefault(word, []):
            found[word].append(pair)
    return {word: tuple(pairs) for word, pairs in found.items()}


def _entries() -> Iterator[tuple[str, str, str]]:
    extra = lists()
    yield from (("bundles", word, word) for word in extra["bundles"])
    for category, meanings in word_table().items():
        for meaning, words in meanings.items():
            captioned = dict.fromkeys([meaning, *words])
            if category == "sizes":  # "full" and "long" are sizes only of shots
                yield from ((category, meaning, f"{word} shot") for word in captioned)
                captioned = dict.fromkeys(word for word in captioned if word in BARE_SIZES)
            yield from ((category, meaning, word) for word in captioned)
            yield from ((category, meaning, word) for word in extra[category].get(meaning, ()))
    yield from (("places", place, word) for place, words in extra["places"].items() for word in words)
    yield from (("features", word, word) for word in extra["features"])
    yield from (("clothes", word, word) for word in extra["clothes"])
    yield from (("pronouns", kind, word) for word, kind in extra["pronouns"].items())


def _new_entries() -> Iterator[tuple[str, str, str]]:
    for category, meanings in new_words().items():
        for meaning, words in meanings.items():
            for word in dict.fromkeys([meaning, *words]):
                yield from ((category, meaning, form) for form in forms_of_verb(word))


def spans(prompt: str, *, directed: bool = False) -> list[Span]:
    """The prompt as spans, longest phrases first; `directed`: by `directed_index`."""
    known = directed_index() if directed else index()
    tokens = list(_tokens(prompt.lower()))
    found = []
    at = 0
    while at < len(tokens):
        span, length = _span_at(tokens, at, known)
        found.append(span)
        at += length
    return found


def _tokens(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text.replace("’", "'")):
        if "-" in token and token[0].isalnum() and not _begins_phrase(token) and not _inflected(token):
            yield from token.split("-")
        else:
            yield token


@cache
def _hyphenated() -> frozenset[str]:
    return frozenset(token for phrase in index() for token in phrase.split() if "-" in token)


def _begins_phrase(token: str) -> bool:
    return token in _hyphenated() or token in lists()["glue"]


def _span_at(tokens: list[str], at: int, known: Mapping[str, Meanings]) -> tuple[Span, int]:
    if not tokens[at][0].isalnum():
        return Span(tokens[at], "break"), 1
    for length in range(min(LONGEST, len(tokens) - at), 0, -1):
        phrase = " ".join(tokens[at : at + length])
        meanings = known.get(phrase) or _inflected(phrase)
        if meanings:
            (category, meaning), *rest = meanings
            return Span(phrase, category, meaning, tuple(rest)), length
        if phrase in lists()["glue"] or phrase.isdigit():
            return Span(phrase, "glue"), length
    return Span(tokens[at], "unknown"), 1


def _owned(owner: str) -> Meanings:
    """A place keeps its meaning in "the spaceship's door"; a figure does not in "the cat's bowl"."""
    kept = {"sets": "sets", "kinds": "owners"}
    return tuple(
        (kept[category], meaning) for category, meaning in index().get(owner, ()) if category in kept
    )


def _inflected(phrase: str) -> Meanings:
    """The meanings of a plural or of a verb in another form: "robots", "whispers", "danced"."""
    singular = lists()["plurals"].get(phrase)
    if singular is not None:
        return index()[singular]
    head, _, word = phrase.rpartition(" ")
    if word.endswith("'s"):
        return _owned(phrase.removesuffix("'s"))
    stems = [word.removesuffix(end) for end in ("es", "ed", "s", "") if word.endswith(end) and len(word) > 3]
    for stem in stems:
        plain = index().get(f"{head} {stem}".strip()) if word.endswith("s") else None
        if plain:
            return plain
        if head:
            continue
        for verb in (f"{stem}ing", f"{stem.removesuffix('e')}ing", f"{stem}{stem[-1:]}ing"):
            meanings = tuple(pair for pair in index().get(verb, ()) if pair[0] in ("actions", "bundles"))
            if meanings:
                return meanings
    return ()
