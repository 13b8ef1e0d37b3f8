"""The film model's words, as the writers get them: what scripts may show is data that `flows` hands over."""

from __future__ import annotations

from scripts_llm.casting import FilmWords


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
