"""Writes memes offline: a picture of the first character, and two texts that suit the character's nature."""

from __future__ import annotations

from random import Random

from scripts_llm.offline_writer import bank, cast, places
from scripts_llm.offline_writer.person import read_person
from scripts_llm.offline_writer.wording import article
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Meme, Premise

_DOES = {"arguing": "argues", "dancing": "dances", "flying": "flies", "waving": "waves"}  # the rest add an s
_ON = ("street", "stage", "beach")


def write_meme(premise: Premise, words: FilmWords, *, seed: int) -> Meme:
    """A meme: its picture in the film model's words, its texts in the premise's language."""
    filled, _ = cast.complete_premise(premise, words, seed=seed)
    language = bank.bank_language(premise.language)
    rng = Random(f"meme {seed} {premise.show} {premise.logline}")
    key, hero = next(iter(filled.characters.items()))
    person = read_person(key, hero, kinds=words.kinds, language=language)
    table = bank.table("meme", language)
    own = [table[name] for name in (person.kind, person.trade, person.flaw, person.drive) if name in table]
    block = rng.choice([*own, table["any"]])
    top, _, bottom = rng.choice(block.fact("text")).partition(" / ")
    action = rng.choice([verb for verb in block.fact("do") if verb in words.actions] or list(words.actions))
    setting = rng.choice(
        [s for s in places.map_settings(filled, words.sets).values() if s] or list(words.sets)
    )
    look = (hero.look or person.kind).split(",")[0].strip()
    verb = _DOES.get(action) or f"{action.removesuffix('ing')}s"
    where = f"{'on' if setting in _ON else 'in'} the {setting}"
    return Meme(picture=f"{article(look)} {look} {verb} {where}", top=top, bottom=bottom)
