"""The matter of a logline: which words name it, and scripts that never do are sent back."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from scripts_llm.llm_writer.matter import Matter, is_due, matter_of_logline, names_matter
from scripts_llm.llm_writer.writer import write_script
from scripts_llm.screenplay.premise import Character, Premise
from tests.scripts_llm.conftest import Reply
from tests.scripts_llm.show import OUTLINE, PUNCHED, SCENES, desk, task

MAYOR = Matter(who="the Don", does="run for", about="mayor", against="Joe", words=("mayor", "election"))


def replies(*contents: Any) -> list[Reply]:
    return [Reply(json.dumps(each)) for each in contents]


@pytest.mark.parametrize(
    ("text", "words", "is_named"),
    [
        ("The elections are on Friday.", ["election"], True),
        ("I elected to stay.", ["election"], True),
        ("A mayoral chain!", ["mayor"], True),
        ("May I?", ["mayor"], False),
        ("Он мэром не станет.", ["мэр"], True),
        ("Рыбу не трогай.", ["рыба"], True),
        ("Вас ждёт Ёлкина.", ["елкин"], True),
        ("The tax man cometh.", ["tax inspection"], False),
        ("Tax inspections hurt.", ["tax inspection"], True),
        ("市長になりたい", ["市長"], True),
        ("A category error.", ["cat"], False),
        ("Nothing.", [], False),
        ("Nothing.", ["?!"], False),
    ],
)
def test_a_word_is_known_in_its_forms(text: str, words: list[str], is_named: bool) -> None:
    assert names_matter(text, words) is is_named


def test_a_logline_that_nobody_reads_gives_its_own_words_but_not_those_of_the_cast() -> None:
    premise = Premise(
        show="x",
        logline="Bruno, an orange cat, runs for mayor against the landlady who never forgives anybody.",
        characters={"bruno": Character(look="orange cat"), "ida": Character(name="Ida", role="landlady")},
    )
    assert matter_of_logline(premise).words == ("runs", "mayor", "forgives")
    assert [number for number in range(1, 8) if is_due(number)] == [1, 4, 7]


def outline(**changes: Any) -> dict[str, Any]:
    return {**OUTLINE, **changes}


def with_mayor(scenes: dict[str, Any], *numbers: int) -> dict[str, Any]:
    named = deepcopy(scenes)
    for number in numbers:
        named["scenes"][number]["dialogue"][0]["line"] = f"The mayor saw {number} lemons."
    return named


def test_the_reading_goes_into_the_prompts_as_data(server) -> None:
    server.replies = replies(outline(logline="The Don runs for mayor."), with_mayor(SCENES, 0, 1), PUNCHED)
    write_script(task(matter=MAYOR), desk(server.url))
    first = server.asked[0]["messages"][1]["content"]
    assert "who: the Don; does: run for; about: mayor; against: Joe; words that name it: mayor, elec" in first
    assert first.index("words that name it") < first.rindex("</show>")
    assert "This episode is the story that the logline promises" in first


def test_a_later_episode_may_tell_something_else(server) -> None:
    server.replies = replies(OUTLINE, SCENES, PUNCHED)
    written = write_script(task(matter=MAYOR, episode=2), desk(server.url))
    assert "tells something else" in server.asked[0]["messages"][1]["content"]
    assert len(server.asked) == 3
    assert written.notes == ()


def test_an_outline_of_something_else_is_sent_back_once(server) -> None:
    server.replies = replies(OUTLINE, outline(title="The Mayor's Lemon"), with_mayor(SCENES, 0, 1), PUNCHED)
    script = write_script(task(matter=MAYOR), desk(server.url)).script
    assert (
        "- the outline is not about the show's logline, wanted a story of: mayor, election"
        in (server.asked[1]["messages"][-1]["content"])
    )
    assert script.title == "The Mayor's Lemon"


def test_scenes_that_never_name_the_matter_are_sent_back_as_many_as_must(server) -> None:
    told = outline(title="The Mayor", words=["ballot"])
    mended = {"scenes": with_mayor(SCENES, 1, 2)["scenes"][1:3]}
    server.replies = replies(told, SCENES, mended, PUNCHED)
    script = write_script(task(matter=MAYOR), desk(server.url)).script
    repair = server.asked[2]["messages"][-1]["content"]
    assert "scene 2: no line names what the episode is about, wanted one of: ballot, mayor, elect" in repair
    assert "a list of just these scenes, put right: 2, 3" in repair
    lines = [scene.dialogue[0].line for scene in script.scenes]  # type: ignore[union-attr]
    assert lines == [
        "Lemon 1 is gone.",
        "The mayor saw 1 lemons.",  # the punch-up had taken the mayor out
        "The mayor saw 2 lemons.",
        "Lemon 4 is gone.",
    ]


def test_a_model_that_stays_deaf_gets_its_script_and_the_person_a_note(server) -> None:
    server.replies = replies(outline(title="The Mayor"), SCENES, {"scenes": SCENES["scenes"][1:3]}, PUNCHED)
    written = write_script(task(matter=MAYOR), desk(server.url))
    assert written.notes[0] == "no scene names what the episode is about (mayor, election)"


def test_a_logline_in_another_alphabet_than_the_dialogue_refuses_nothing(server) -> None:
    russian = deepcopy(SCENES)
    for number, each in enumerate(russian["scenes"]):
        for at, said in enumerate(each["dialogue"]):
            said["line"] = f"Сколько же там лимонов, {number}{at}?"
    server.replies = replies(OUTLINE, russian, "no")
    premise = task().premise.model_copy(update={"language": "ru"})
    written = write_script(task(matter=MAYOR, premise=premise), desk(server.url))
    assert len(server.asked) == 3
    assert not any("what the episode is about" in note for note in written.notes)
    assert "who: the Don; does: run for" in server.asked[0]["messages"][1]["content"], (
        "it is told all the same"
    )
