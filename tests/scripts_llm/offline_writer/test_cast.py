"""Casting: a cast, looks and sets for a premise that leaves them out, in what the film model can show."""

from __future__ import annotations

import pytest
import yaml

from scripts_llm.offline_writer import cast as casting
from scripts_llm.offline_writer.person import find_kind, flatten, matching_blocks
from scripts_llm.offline_writer.premises import premise_from_logline, title_from
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Character, Premise, Setting
from t2v.toon import world

WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)
LOGLINES = (
    "A cat runs for mayor",
    "A ghost and a robot open a restaurant",
    "Two people who cannot stand each other inherit a house",
    "A detective investigates the theft of a toaster",
    "An old pirate teaches at a school for monsters",
    "Кот становится мэром",
    "x",
)


def bare(logline: str) -> Premise:
    return Premise(schema=1, show="A Show", logline=logline)


def colours_of(look: str) -> list[str]:
    return [colour for colour in WORDS.colours if f" {colour} " in f" {flatten(look)} "]


@pytest.mark.parametrize("logline", LOGLINES)
def test_nobody_shares_a_kind_a_colour_or_a_way_of_talking(logline: str) -> None:
    for seed in range(25):
        premise, _ = casting.complete_premise(bare(logline), WORDS, seed=seed)
        cast = list(premise.characters.values())
        assert 2 <= len(cast) <= 3
        kinds = [find_kind(c.look or "", WORDS.kinds) for c in cast]
        colours = [colours_of(c.look or "")[0] for c in cast]
        talk = [matching_blocks("register", c.speech or "")[0] for c in cast]
        assert len(set(kinds) - {None}) == len(kinds), (seed, kinds)
        assert len(set(colours)) == len(colours), (seed, colours)
        assert len(set(talk)) == len(talk), (seed, talk)
        assert len({c.name for c in cast}) == len(cast)


@pytest.mark.parametrize("logline", LOGLINES)
def test_everybody_has_every_field_and_it_is_told(logline: str) -> None:
    premise, told = casting.complete_premise(bare(logline), WORDS, seed=4)
    for character in premise.characters.values():
        assert character.look
        assert character.role
        assert character.wants
        assert character.flaw
        assert character.catchphrase
        assert character.speech
        assert any((character.name or "") in sentence for sentence in told)
    assert all(sentence.startswith("I assumed: ") and sentence.endswith(".") for sentence in told)
    assert not any(twice in sentence for sentence in told for twice in ("..", "!.", "?."))
    assert len(premise.settings) >= 3
    assert all(setting.look in WORDS.sets for setting in premise.settings.values())


def test_the_loglines_own_nouns_are_cast_first() -> None:
    premise, _ = casting.complete_premise(bare("A cat runs for mayor"), WORDS, seed=1)
    lead = next(iter(premise.characters.values()))
    assert find_kind(lead.look or "", WORDS.kinds) == "cat"
    assert matching_blocks("trade", lead.role or "")[0] == "politician"
    both, _ = casting.complete_premise(bare("A ghost and a robot open a restaurant"), WORDS, seed=1)
    kinds = [find_kind(c.look or "", WORDS.kinds) for c in both.characters.values()]
    assert kinds[:2] == ["ghost", "robot"]


def test_what_the_premise_says_is_kept() -> None:
    given = Premise(
        schema=1,
        show="Pair",
        logline="A fishmonger rents his spare room to a retired mob boss, who is a cat.",
        characters={
            "joe": Character(look="skinny man, blue apron"),
            "don": Character(look="large orange cat, black hat", wants="respect"),
        },
        settings={"shop": Setting(look="fish shop")},
    )
    filled, told = casting.complete_premise(given, WORDS, seed=9)
    assert list(filled.characters) == ["joe", "don"]
    assert filled.characters["joe"].look == "skinny man, blue apron"
    assert filled.characters["don"].wants == "respect"
    assert filled.settings == given.settings
    assert matching_blocks("trade", filled.characters["joe"].role or "")[0] == "fishmonger"
    assert len(told) == 2


def test_a_complete_premise_is_left_alone() -> None:
    first, _ = casting.complete_premise(bare("A cat runs for mayor"), WORDS, seed=2)
    assert casting.complete_premise(first, WORDS, seed=99) == (first, ())


def test_the_same_seed_invents_the_same_cast_and_another_another() -> None:
    casts = [casting.complete_premise(bare("A robot moves in"), WORDS, seed=s)[0] for s in (1, 1, 2, 3, 4)]
    assert casts[0] == casts[1]
    assert len({str(c.characters) for c in casts}) >= 3


@pytest.mark.parametrize(
    "logline", [*LOGLINES, 'He said "no": # not a comment', "a: b {c} [d] 'e'", "it's — “quoted” \\ slash"]
)
def test_a_logline_becomes_a_premise_file(logline: str) -> None:
    text = premise_from_logline(logline, WORDS, seed=7)
    premise = Premise.model_validate(yaml.safe_load(text))
    assert (premise.logline or "").rstrip(".").lower() == logline.rstrip(".").lower()
    assert premise.show
    assert len(premise.show) <= 80
    assert premise.seed == 7
    assert text.count("#") >= 5
    assert casting.complete_premise(premise, WORDS, seed=1)[1] == ()


def test_the_show_is_named_after_the_logline() -> None:
    assert title_from("A cat runs for mayor, and wins.") == "A Cat Runs for Mayor"
    assert title_from("An old captain swears never to set foot on land") == "An Old Captain Swears"
    assert (
        title_from("A pensioner wants to walk to Norway with a barrow")
        == "A Pensioner Wants to Walk to Norway"
    )
    assert title_from("A child finds a door behind the wardrobe") == "A Child Finds a Door"
