"""The film model's words, as the writers get them: what scripts may show is data that `flows` hands over."""

from __future__ import annotations

from flows.studio.filming.settings import FILM_MODEL
from scripts_llm.offline_writer.cast import FilmWords
from scripts_llm.screenplay.film_vocabulary import Dialect
from t2v.checkpoints.fingerprint import is_toon


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
