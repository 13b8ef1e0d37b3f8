"""The words of film models: TOON knows few words, those of a world of its own; others read plain English.

Beside `auto_takes` the only module that knows TOON's words (`t2v.toon`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.studio.cameras.facts import DialectName
from scripts_llm.errors import suggest
from scripts_llm.screenplay.film_vocabulary import Dialect, FilmWords

if TYPE_CHECKING:
    from t2v.toon.prompts.understand import Understood

MOST_WORDS_SHOWN = 8


def read_prompt(words: str, dialect: DialectName, *, directed: bool = False) -> Understood | None:
    """How TOON, or one that is `directed`, reads a prompt.

    None for a dialect of plain English, and for no words.
    """
    if dialect != "toon" or not words:
        return None
    from t2v.toon.prompts.understand import understand

    return understand(words, directed=directed)


def filmed_prompt(words: str, dialect: DialectName) -> str:
    """The prompt that is filmed: translated into TOON's words for TOON, else the words themselves.

    Words with weights are left to the film model, which puts the weights on its own translation.
    """
    understood = read_prompt(words, dialect)
    return words if understood is None or is_weighted(words) else understood.prompt


def is_weighted(words: str) -> bool:
    """Whether a prompt for TOON weighs some of its words."""
    from t2v.toon.prompts.understand import WEIGHTED

    return WEIGHTED.search(words) is not None


def acted_prompt(understood: Understood, actions: Sequence[str]) -> str:
    """The prompt that was understood, with an action of the drawn world for each of its figures."""
    pairs = zip(understood.figures, actions, strict=True)
    return replace(understood, figures=tuple(replace(one, action=action) for one, action in pairs)).directed(
        ()
    )


def directed_prompts(prompt: str, directions: Sequence[Sequence[str]]) -> list[str]:
    """A prompt for each frame: the words of every figure's direction behind its name.

    `directions` are by frame and figure, in the order in which the prompt names the figures.
    """
    places = _figure_ends(prompt)
    return [_insert(prompt, dict(zip(places, words, strict=False))) for words in directions]


def _figure_ends(prompt: str) -> list[int]:
    """Where in a prompt the words of each figure's direction are read as its own: behind its first word."""
    from t2v.toon.prompts.understand import understand

    ends: list[int] = []
    for word in re.finditer(r"\S+", prompt):
        said = word[0].rstrip(",.;:")
        end = word.start() + len(said)
        weight = re.match(r"[^()]*:\s*\d*\.?\d+\s*\)", prompt[end:]) if "(" in prompt[:end] else None
        count = len(understand(prompt[:end], directed=True).figures)
        ends += [end + (weight.end() if weight else 0)] * (count - len(ends))
    return ends


def _insert(prompt: str, words: Mapping[int, str]) -> str:
    for end in sorted(words, reverse=True):
        prompt = f"{prompt[:end]} {words[end]}{prompt[end:]}" if words[end] else prompt
    return prompt


def replacements(understood: Understood) -> dict[str, str]:
    """The model's words by the words that they replace; forms of the same word are left out."""
    return {
        written.lower(): word for written, word in understood.mapped if not _is_form(written.lower(), word)
    }


def _is_form(written: str, word: str) -> bool:
    """Whether the text has a form of the word: "close-up shot" of `close-up`, "talks" of `talking`."""
    from t2v.toon.prompts.verbs import forms_of_verb

    if written in forms_of_verb(word):
        return True
    stem = re.escape(word.removesuffix("ing"))
    return re.search(rf"(?<![\w-]){stem}(?:s|es|e|ed|ing|ning)?(?![\w-])", written) is not None


def describe_reading(
    shots: Iterable[tuple[str, str]], dialect: DialectName, title: str, *, directed: bool = False
) -> tuple[str, ...]:
    """The words of the shots (label, words) that the film model replaces, and those that it leaves out."""
    replaced: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for label, words in shots:
        understood = read_prompt(words, dialect, directed=directed)
        if understood is not None:
            replaced |= replacements(understood)
            for word in understood.unknown:
                unknown.setdefault(word.lower(), f"{word} ({label})")
    lines = []
    if replaced:
        lines.append(f"{title} reads {_first_few([f'{word} as {own}' for word, own in replaced.items()])}")
    if unknown:
        lines.append(f"{title} does not know, and leaves out: {_first_few(list(unknown.values()))}")
    return tuple(lines)


def _first_few(parts: list[str]) -> str:
    more = len(parts) - MOST_WORDS_SHOWN
    return ", ".join(parts[:MOST_WORDS_SHOWN]) + (f" and {more} more (see manifest.json)" if more > 0 else "")


# ------------------------------------------------------------------------------------------ single words


def unknown_words(words: str, *, directed: bool) -> tuple[str, ...]:
    """The words of a text that TOON, or one that is `directed`, leaves out."""
    from t2v.toon.prompts.understand import understand

    return tuple(understand(words, directed=directed).unknown)


def nearest_word(word: str) -> str | None:
    """A word of TOON's that is spelled almost like this one."""
    from t2v.toon.prompts.lexicon import directed_index

    return suggest(word, directed_index(), cutoff=0.8)


def is_set(words: str) -> bool:
    """Whether TOON reads a set, one of its places, in these words."""
    from t2v.toon.prompts.understand import understand

    return understand(words).set is not None


# ------------------------------------------------------------------------------------------- for writers


def film_words(*, directed: bool = False) -> FilmWords:
    """The words of everything that TOON can draw; one that takes directions draws more actions."""
    from t2v.toon import world

    return FilmWords(
        sets=world.SETS,
        kinds=world.KINDS,
        colours=world.COLOURS,
        actions=world.EVERY_ACTION if directed else world.ACTIONS,
        accessories=world.ACCESSORIES,
        props=(*world.PROPS, *world.NEW_PROPS) if directed else world.PROPS,
    )


def synonyms(*, directed: bool = False) -> dict[str, str]:
    """Other words that TOON reads as one of its sets or actions, each with that set or action.

    Of actions only the words of its captions: it reads "opening" as standing, which shows no opening.
    `directed` as in `film_words`.
    """
    from t2v.toon.prompts import captions, lexicon

    sets = {word: mean for word, ((kind, mean), *_) in lexicon.index().items() if kind == "sets"}
    actions = (captions.caption_words() if directed else captions.word_table())["actions"]
    return sets | {word: action for action, words in actions.items() for word in words}


def writers_dialect(dialect: DialectName, *, directed: bool = False, most_words: int = 90) -> Dialect:
    """How writers word the prompts of a film model: TOON in its own words, others in plain English.

    `directed`: of a camera that acts; `most_words` are those of a prompt in prose.
    """
    words = film_words(directed=directed)
    if dialect == "toon":
        return Dialect(
            name="TOON, which draws small cartoons and knows few words",
            words=words,
            is_closed=True,
            most_words=24,
            rules=(
                f"People can only be {', '.join(words.actions)}: one of these for everybody seen.",
                f"They may hold one of: {', '.join(words.props)}.",
                "At most three people; nobody opens or gives."
                if directed
                else "At most three people; nobody opens, gives, falls or leaves.",
                "An establishing shot of an empty place is just its name and the time: "
                f'"{words.sets[0]}, night".',
            ),
            example="{first} talking, {second} standing, {place}, day",
            synonyms=synonyms(directed=directed),
        )
    if dialect == "prose":
        return Dialect(
            name="a text-to-video model that films one shot of about five seconds and reads sentences",
            words=words,
            is_closed=False,
            most_words=most_words,
            fewest_words=min(25, most_words // 2),
            rules=(
                f"Write {min(40, most_words // 2)} to {most_words} words in full sentences, present tense.",
                "Say who is seen and where each of them is, the place and its light, then one action with "
                "its beginning and its end.",
                "One continuous shot: no cut, no second place, at most one slow camera move.",
                "No words to be read, no dialogue, no feelings without a face or a gesture that shows them.",
            ),
            example="{first} sits on the left at a small table in {place}, hands around a cup. {second} "
            "stands on the right and talks to {first}, one hand raised. {first} slowly puts the cup down and "
            "looks up. Warm light falls through a window behind them.",
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
