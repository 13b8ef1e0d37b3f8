"""Memes of the embedded writer: a picture that the film model can show, texts in the premise's language."""

from __future__ import annotations

import re

import pytest

from scripts_llm.offline_writer import bank, memes
from scripts_llm.offline_writer.person import find_kind
from scripts_llm.screenplay.premise import Premise
from t2v.toon import world
from tests.benchmarks.bench_writer import WORDS


def premise(logline: str, language: str) -> Premise:
    return Premise(schema=1, show="A Meme", logline=logline, genre="meme", language=language)


@pytest.mark.parametrize(
    ("logline", "language", "kind"),
    [("A cat runs for mayor", "en", "cat"), ("Привидение сдаёт квартиру", "ru", "ghost")],
)
def test_a_logline_becomes_a_meme_in_its_language(logline: str, language: str, kind: str) -> None:
    made = [memes.write_meme(premise(logline, language), WORDS, seed=seed) for seed in range(40)]
    for meme in made:
        assert find_kind(meme.picture, world.KINDS) == kind, meme.picture
        assert any(meme.picture.endswith(f" the {name}") for name in world.SETS), meme.picture
        assert meme.top
        assert meme.bottom
        letters = "[а-яё]" if language == "ru" else "[a-z]"
        assert re.search(letters, meme.top), meme.top
    assert len({meme.top for meme in made}) >= 3
    assert memes.write_meme(premise(logline, language), WORDS, seed=3) == made[3]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_text_has_a_top_and_a_bottom_that_fit(language: str) -> None:
    for block in bank.blocks("meme", language):
        assert set(block.fact("do")) <= set(world.ACTIONS), block.name
        for text in block.fact("text"):
            top, slash, bottom = text.partition(" / ")
            assert slash, text
            assert max(len(top), len(bottom)) <= 48, text


def test_the_picture_is_a_sentence() -> None:
    made = {
        memes.write_meme(premise("A fish goes to school", "en"), WORDS, seed=s).picture for s in range(60)
    }
    assert all(re.fullmatch(r"an? [\w ]+ \w+s (?:in|on) the [\w ]+", picture) for picture in made), made
