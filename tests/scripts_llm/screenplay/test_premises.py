"""The shipped premises: each is valid, complete, and cast for what the film model can show."""

from __future__ import annotations

from importlib import resources
from itertools import combinations

import pytest
import yaml

from scripts_llm.offline_writer import bank, cast, places
from scripts_llm.offline_writer.person import find_kind, flatten, matching_blocks
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise
from t2v.toon import world

WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)
FILES = sorted(
    (f for f in (resources.files("templates") / "premises").iterdir() if f.name.endswith(".yaml")),
    key=lambda f: f.name,
)


@pytest.fixture(params=FILES, ids=lambda f: f.name)
def premise(request: pytest.FixtureRequest) -> Premise:
    return Premise.model_validate(yaml.safe_load(request.param.read_text("utf-8")))


def test_there_are_five_shows_and_a_meme() -> None:
    genres = [yaml.safe_load(file.read_text("utf-8"))["genre"] for file in FILES]
    assert genres.count("sitcom") >= 6
    assert genres.count("meme") >= 1


def test_it_leaves_nothing_to_invent(premise: Premise) -> None:
    if premise.genre == "sitcom":
        assert cast.complete_premise(premise, WORDS, seed=0) == (premise, ())
    else:
        assert premise.meme
        assert premise.meme.top
        assert premise.meme.bottom


def test_no_two_share_a_kind_a_colour_or_a_register(premise: Premise) -> None:
    for a, b in combinations(premise.characters.values(), 2):
        looks = [f" {flatten(c.look or '')} " for c in (a, b)]
        assert find_kind(looks[0], WORDS.kinds) != find_kind(looks[1], WORDS.kinds)
        main = [min((look.find(f" {c} "), c) for c in WORDS.colours if f" {c} " in look)[1] for look in looks]
        assert main[0] != main[1]
        language = bank.bank_language(premise.language)
        talk = [matching_blocks("register", c.speech or "", language)[0] for c in (a, b)]
        assert talk[0] != talk[1]


def test_every_set_is_one_that_the_film_model_draws(premise: Premise) -> None:
    for key, setting in premise.settings.items():
        assert places.find_set(setting.look, WORDS.sets) == setting.look, key
    assert len(premise.settings) >= 4 or premise.genre == "meme"


def test_no_voice_is_fixed_so_that_casting_chooses_one(premise: Premise) -> None:
    assert all(character.voice is None for character in premise.characters.values())


def test_the_file_explains_itself() -> None:
    for file in FILES:
        assert file.read_text("utf-8").startswith("# "), file.name
