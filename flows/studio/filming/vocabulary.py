"""How the film model reads a shot's words: TOON has a world of its own, and words for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flows.studio.filming.settings import FILM_MODEL, title_of

if TYPE_CHECKING:
    from t2v.toon.prompts.understand import Understood
from scripts_llm.screenplay.film_vocabulary import Dialect, FilmWords
from t2v.checkpoints.fingerprint import is_toon

MOST_TOLD = 8


def read(words: str, film_model: str) -> Understood | None:
    """What TOON makes of the words; None for other models, which read them as they are."""
    if film_model != FILM_MODEL or not words:
        return None
    from t2v.toon.prompts.understand import understand

    return understand(words)


def filmed_prompt(words: str, film_model: str) -> str:
    """The prompt that is filmed: in TOON's own dialect for TOON, else the words themselves.

    Words with weights are left to the film model, which puts the weights on what it makes of them.
    """
    found = read(words, film_model)
    if found is None:
        return words
    from t2v.toon.prompts.understand import WEIGHTED

    return words if WEIGHTED.search(words) else found.prompt


def replaced(found: Understood) -> dict[str, str]:
    """The model's words by those that were written in their place; forms of one word are none."""
    return {said.lower(): meant for said, meant in found.mapped if not _says(said.lower(), meant)}


def _says(said: str, meant: str) -> bool:
    """Whether a word stands in what was said: `close-up` in "close-up shot", `talking` in "talks"."""
    stem = re.escape(meant.removesuffix("ing"))
    return re.search(rf"(?<![\w-]){stem}(?:s|es|e|ed|ing|ning)?(?![\w-])", said) is not None


def told(shots: Iterable[tuple[str, str]], film_model: str) -> tuple[str, ...]:
    """Which words of the shots (label, words) are read as others, and which are left out, in a line each."""
    others: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for label, words in shots:
        found = read(words, film_model)
        if found is not None:
            others |= replaced(found)
            for word in found.unknown:
                unknown.setdefault(word.lower(), f"{word} ({label})")
    title = title_of(film_model)
    lines = [f"{title} reads {_few([f'{said} as {meant}' for said, meant in others.items()])}"] * bool(others)
    lines += [f"{title} does not know, and leaves out: {_few(list(unknown.values()))}"] * bool(unknown)
    return tuple(lines)


def _few(parts: list[str]) -> str:
    more = len(parts) - MOST_TOLD
    return ", ".join(parts[:MOST_TOLD]) + (f" and {more} more (see manifest.json)" if more > 0 else "")


def film_words() -> FilmWords:
    """What TOON can draw. Imports no torch."""
    from t2v.toon import world

    return FilmWords(
        sets=world.SETS,
        kinds=world.KINDS,
        colours=world.COLOURS,
        actions=world.ACTIONS,
        accessories=world.ACCESSORIES,
        props=world.PROPS,
    )


def synonyms() -> dict[str, str]:
    """Other words that TOON takes for a set or an action, each with what it means.

    Of actions only what its captions call them: it reads "opening" as standing, which shows no opening.
    """
    from t2v.toon.prompts import captions, lexicon

    sets = {word: mean for word, ((kind, mean), *_) in lexicon.index().items() if kind == "sets"}
    actions = captions.word_table()["actions"]
    return sets | {word: action for action, said in actions.items() for word in said}


def dialect(film_model: str | None = None) -> Dialect:
    """How the film model wants to be asked: TOON in its own words, any other one in short English."""
    words = film_words()
    if is_toon(film_model or FILM_MODEL):
        return Dialect(
            name="TOON, which draws small cartoons and knows few words",
            words=words,
            is_closed=True,
            most_words=24,
            rules=(
                f"People can only be {', '.join(words.actions)}: one of these for everybody seen.",
                f"They may hold one of: {', '.join(words.props)}.",
                "At most three people; nobody opens, gives, falls or leaves.",
                "An establishing shot of an empty place is just its name and the time: "
                f'"{words.sets[0]}, night".',
            ),
            example="{first} talking, {second} standing, {place}, day",
            synonyms=synonyms(),
        )
    return Dialect(
        name="a text-to-video model that films about two seconds at a time",
        words=words,
        is_closed=False,
        most_words=30,
        rules=(
            "One person or two, one action that can be seen, one place; concrete nouns, present tense.",
            "No words to be read, no dialogue, no feelings without a face, no camera moves.",
        ),
        example="{first} talks to {second} at a table, {place}",
    )
