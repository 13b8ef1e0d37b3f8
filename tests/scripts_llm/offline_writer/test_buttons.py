"""The offline writer's alternates: they fit who speaks and what was said, and repeat nothing."""

from __future__ import annotations

import re

import pytest

from scripts_llm.offline_writer import bank, writer
from scripts_llm.offline_writer.pitches.buttons import offer_buttons, with_alternates
from scripts_llm.offline_writer.wording import count_words, find_fault
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Beat, Line, Scene, Script
from t2v.toon import world

WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)
PREMISE = Premise(
    show="Two Rooms",
    logline="A baker shares two rooms with a robot.",
    characters={
        "ann": Character(look="woman, red apron", flaw="cannot say no", speech="nervous"),
        "unit": Character(look="blue robot", flaw="takes everything literally", speech="flat"),
    },
)


def scene(*lines: tuple[str, str]) -> Script:
    dialogue = tuple(Line(who=who, line=text) for who, text in lines)
    return Script(title="x", scenes=(Scene(id="s01", slugline="INT. KITCHEN - DAY", dialogue=dialogue),))


def offered(script: Script, *, premise: Premise = PREMISE, count: int = 3, seed: int = 1) -> tuple[str, ...]:
    return offer_buttons(premise, WORDS, script, 0, count=count, seed=seed)


def facts(key: str, *names: str, language: str = "en") -> set[str]:
    return {text for name in names for text in bank.table("button", language)[name].fact(key)}


def test_an_answer_is_offered_after_a_question_and_a_reaction_after_news() -> None:
    asked = offered(scene(("ann", "Is it bread?"), ("unit", "It is a hat.")))
    news = offered(scene(("ann", "The bread left."), ("unit", "It has no legs.")))
    assert len(asked) == len(news) == 3
    assert set(asked) <= facts("asked", "literal", "flat", "robot", "any")
    assert set(news) <= facts("news", "literal", "flat", "robot", "any")
    assert set(asked) & facts("asked", "literal", "flat", "robot"), "the speaker's own come first"


def test_an_accusation_may_be_met_with_the_speakers_excuse() -> None:
    excuses = set(bank.table("flaw")["yes"].fact("excuse"))
    assert set(offered(scene(("unit", "Why did you buy nine doors?"), ("ann", "I don't know.")))) & excuses


def test_another_wording_of_the_same_line_comes_first_with_what_stood_in_its_slots() -> None:
    (story,) = (block for block in bank.blocks("runner") if block.name == "moth")
    line = story.at("tag")[0].lines[-1]
    assert [wording.text for wording in line.wordings] == [
        "It left the light on. It knew.",
        "It moved to a bigger lamp. It's doing well.",
    ]
    script = scene(("unit", "The moth's gone."), ("ann", "It left the light on. It knew."))
    assert offered(script)[0] == "It moved to a bigger lamp. It's doing well."


def test_a_plot_of_the_loglines_own_is_worded_with_its_words() -> None:
    premise = PREMISE.model_copy(update={"logline": "A cat runs for mayor"})
    script = scene(
        ("unit", "It's one vote. One to nothing."),
        ("ann", "Good manners pay. I've always said so. To you, mostly."),
    )
    assert offered(script, premise=premise)[0] == "Then it was a landslide!"


def test_nothing_that_the_script_says_is_offered_and_the_same_seed_offers_the_same() -> None:
    script = scene(("ann", "Is it bread?"), ("unit", "It is a hat."))
    first = offered(script)
    again = scene(("ann", first[0]), ("ann", "Is it bread?"), ("unit", "It is a hat."))
    assert first[0] not in offered(again, count=9)
    assert offered(script) == first
    assert offered(script, seed=2) != first


def test_who_is_not_in_the_cast_and_a_scene_without_words_are_no_trouble() -> None:
    stranger = scene(("ann", "Hello?"), ("tom", "Hello."))
    assert set(offered(stranger)) <= facts("asked", "any") | {
        text.replace("{own}", noun)
        for text in facts("asked", "any")
        for noun in ("rooms", "two rooms", "house")
    }
    silent = Script(title="x", scenes=(Scene(slugline="INT. X - DAY", dialogue=(Beat(beat=1),)),))
    assert offered(silent) == ()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_line_of_the_bank_may_stand_anywhere(language: str) -> None:
    blocks = bank.blocks("button", language)
    texts = [text for block in blocks for key in ("asked", "news") for text in block.fact(key)]
    assert len(texts) == len(set(texts)) > 90
    for text in texts:
        spoken = re.sub(r"\{S\|([^|]*)\|([^|]*)\}", r"\1", text).replace("{own}", "sofa")
        assert find_fault(spoken) is None, text
        assert count_words(spoken) <= 10, text
        assert spoken[-1] in ".?!", text
    names = {name for kind in ("flaw", "register") for name in bank.table(kind, language)}
    assert names <= {block.name for block in blocks}


@pytest.mark.parametrize(("language", "show"), [("en", "Two Rooms"), ("ru", "Две комнаты")])
def test_every_scene_of_an_offline_script_gets_some(language: str, show: str) -> None:
    premise = PREMISE.model_copy(update={"language": language, "show": show})
    script = writer.write_script(premise, WORDS, seed=3)
    full = with_alternates(premise, WORDS, script, count=3, seed=3)
    lines = [line for each in full.scenes for line in each.dialogue if isinstance(line, Line)]
    others = [text for line in lines for text in line.alternates]
    assert sum(bool(line.alternates) for line in lines) == len(full.scenes)
    assert len(set(others)) == len(others) >= 2 * len(full.scenes)
    assert not any("{" in text or "|" in text for text in others)
    assert sum(text.startswith("Well. At least we've still got the ") for text in others) <= 1
    plain = [line.model_copy(update={"alternates": ()}) for line in lines]
    assert plain == [line for each in script.scenes for line in each.dialogue if isinstance(line, Line)]
