"""How a shot's words become the film model's prompt."""

from __future__ import annotations

import pytest

from flows.studio.filming import prompt
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Scene, Shot

CAST = {
    "joe": Character(name="Joe Carp", look="man, blue apron"),
    "don": Character(name="The Don", look="large orange cat, black hat, cigar"),
    "mrs_pike": Character(look="purple woman with glasses"),
    "al": Character(name="Al", look=None),
}
PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Joe and the Don",
        "logline": "A fishmonger rents his room to a cat.",
        "settings": {"joes_flat": {"look": "small living room, warm light"}},
        "style": {"prompt": "VHS, 1990s sitcom still."},
    }
).model_copy(update={"characters": CAST})
SCENE = Scene(id="s01", slugline="INT. JOE'S FLAT - NIGHT", setting="joes_flat", action="Joe waits.")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Joe talking, the Don listening", ("joe", "don")),
        ("THE DON and joe carp", ("don", "joe")),
        ("Carp talking", ("joe",)),
        ("a carp on a plate", ()),
        ("don't stop", ()),
        ("Joe's kitchen, empty", ()),
        ("Mrs Pike waves at Mrs. Pike", ("mrs_pike",)),
        ("mrs pike waves", ("mrs_pike",)),
        ("Alan and Sal dance", ()),
        ("Joe, Joe and Joe again", ("joe",)),
        ("", ()),
    ],
)
def test_who_is_named_in_a_text(words: str, named: tuple[str, ...]) -> None:
    assert prompt.characters_named(words, CAST) == named


def test_names_become_looks_once_each_and_the_place_its_look() -> None:
    shot = Shot(size="medium", prompt="Joe talking, the Don listening to Joe, joes flat, day")
    assert prompt.compose(shot, SCENE, PREMISE) == (
        "medium shot, man (blue apron) talking, large orange cat (black hat, cigar) listening to them, "
        "small living room, warm light, day, VHS, 1990s sitcom still"
    )


def test_a_number_in_a_look_is_no_weight_of_it() -> None:
    assert prompt.describe_figure("robot, model: 3") == "robot (model 3)"
    assert prompt.describe_figure("robot, serial: 3b") == "robot (serial: 3b)"
    assert prompt.describe_figure("robot, (red:1.3) lamp") == "robot ((red:1.3) lamp)"


def test_what_the_words_leave_open_comes_from_the_scene() -> None:
    assert prompt.compose(Shot(prompt="Mrs Pike dances."), SCENE, PREMISE) == (
        "purple woman with glasses dances, small living room, warm light, night, VHS, 1990s sitcom still"
    )


def test_a_set_that_the_words_name_is_not_named_twice() -> None:
    composed = prompt.compose(Shot(prompt="Al on the beach, day"), SCENE, PREMISE)
    assert composed == "Al on the beach, day, VHS, 1990s sitcom still"


def test_an_exact_prompt_is_left_word_for_word() -> None:
    assert prompt.compose(Shot(size="close-up", prompt_exact="Joe, a fish"), SCENE, PREMISE) == "Joe, a fish"


@pytest.mark.parametrize(
    ("slugline", "time"),
    [
        ("INT. BAR - NIGHT", "night"),
        ("INT. KITCHEN - LATE EVENING", "night"),
        ("INT. KNIGHT'S BAR - DAY", "day"),
        ("EXT. STREET", "day"),
        ("INT. BAR - LATER", "day"),
    ],
)
def test_day_or_night_stands_in_the_slugline(slugline: str, time: str) -> None:
    assert prompt.time_of_day(Scene(slugline=slugline)) == time


@pytest.mark.parametrize(
    ("slugline", "where"),
    [
        ("INT. FISH SHOP - DAY", "fish shop"),
        ("EXT. BEACH", "beach"),
        ("INT/EXT. CAR - NIGHT", "car"),
        ("Bar", "bar"),
    ],
)
def test_the_place_stands_in_the_slugline_where_no_setting_is_named(slugline: str, where: str) -> None:
    assert prompt.place_name(Scene(slugline=slugline), PREMISE) == where
