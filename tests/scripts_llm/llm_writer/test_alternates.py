"""More last lines: one question writes them, another ranks them blind; the best is kept, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from scripts_llm.llm_writer.alternates import CRITICS, offer_alternates
from scripts_llm.llm_writer.writer import write_script
from scripts_llm.screenplay.script import Line, Script
from tests.scripts_llm.conftest import Reply
from tests.scripts_llm.show import ALL, desk, task

NEW = ["Ask the cod.", "I know a lawyer.", "It was ripe."]


def offer(*numbers: int, lines: Any = NEW) -> dict[str, Any]:
    return {"scenes": [{"number": n, "lines": [f"{line} {n}" for line in lines]} for n in numbers]}


def critics(choose: Callable[[dict[str, str]], list[list[str]]]) -> Callable[[dict[str, Any]], Reply]:
    """The critics' answer: for each scene the orders that `choose` makes of its candidates by letter."""

    def answer(asked: dict[str, Any]) -> Reply:
        text = asked["messages"][-1]["content"]
        scenes = json.loads(text.partition("<script>")[2].partition("</script>")[0])
        ranked = [{"number": each["number"], "orders": choose(each["candidates"])} for each in scenes]
        return Reply(json.dumps({"scenes": ranked}))

    return answer


def favouring(start: str) -> Callable[[dict[str, str]], list[list[str]]]:
    def choose(candidates: dict[str, str]) -> list[list[str]]:
        order = sorted(candidates, key=lambda letter: (not candidates[letter].startswith(start), letter))
        return [order] * len(CRITICS)

    return choose


def written(server, *more: Any, count: int = 3) -> tuple[Any, Any]:
    replies = [Reply(each) for each in ALL]
    server.replies = [*replies, *map(reply, more)]
    at = desk(server.url)
    return write_script(task(alternates=count), at), at


def reply(each: Any) -> Any:
    if isinstance(each, str):
        return Reply(each)
    return Reply(json.dumps(each)) if isinstance(each, dict) else each


def button(script: Script, index: int) -> Line:
    line = script.scenes[index].dialogue[-1]
    assert isinstance(line, Line)
    return line


def test_the_best_of_four_is_the_button_and_the_others_stay_beside_it(server) -> None:
    result, at = written(server, offer(1, 2, 3, 4), critics(favouring("I know a lawyer")))
    assert [call.purpose for call in at.calls[-2:]] == ["alternates", "a ranking"]
    for index in range(4):
        line = button(result.script, index)
        assert line.line == f"I know a lawyer. {index + 1}"
        assert f"They all have names until {index + 3}." in line.alternates
        assert len(line.alternates) == 3
        assert line.laugh == ("big" if index == 3 else "small")
    assert result.notes == ()


def test_the_critics_do_not_know_which_line_is_the_scripts(server) -> None:
    result, _ = written(server, offer(1, 2, 3, 4), critics(favouring("They all")))
    system, text = (message["content"] for message in server.asked[-1]["messages"])
    for name, taste in CRITICS.items():
        assert f"- {name}: {taste}" in system
    scenes = json.loads(text.partition("<script>")[2].partition("</script>")[0])
    places = [
        next(letter for letter, line in each["candidates"].items() if line.startswith("They all"))
        for each in scenes
    ]
    assert len(set(places)) > 1, "its letter is chance's"
    assert all("They all" not in row for each in scenes for row in each["before"])
    assert "You write sitcoms" not in system
    assert button(result.script, 0).line == "They all have names until 3."


def test_critics_who_disagree_are_counted_and_one_who_talks_nonsense_is_not(server) -> None:
    def choose(candidates: dict[str, str]) -> list[list[str]]:
        letter = {line.rpartition(" ")[0]: key for key, line in candidates.items()}
        own = next(key for key, line in candidates.items() if line.startswith("They all"))
        cod, lawyer, ripe = (letter[line] for line in NEW)
        return [[cod, ripe, lawyer, own], [ripe, cod, own, lawyer], [own, own, "z"]]

    result, _ = written(server, offer(1), critics(choose))
    line = button(result.script, 0)
    assert (line.line, line.alternates[0]) == ("Ask the cod. 1", "It was ripe. 1")
    assert button(result.script, 1).alternates == ()


@pytest.mark.parametrize(
    "lines",
    [
        ["word " * 30, "{{ slot }}", "", "They all have names until 3"],
        ["<script>", "Lemon 1 is gone", "Ещё одна рыба на завтра"],
    ],
)
def test_lines_that_cannot_be_used_are_left_out(server, lines: list[str]) -> None:
    scenes = {
        "scenes": [{"number": 1, "lines": [*lines, "Don: *Ask* the cod."]}, {"number": 99, "lines": NEW}]
    }
    result, _ = written(server, scenes, critics(favouring("They")))
    line = button(result.script, 0)
    assert (line.line, line.alternates) == ("They all have names until 3.", ("Ask the cod.",))


def test_a_ranking_that_fails_leaves_the_scripts_own_line_and_the_offers(server) -> None:
    result, _ = written(server, offer(1, 2), "no", "no")
    assert button(result.script, 0).line == "They all have names until 3."
    assert button(result.script, 0).alternates == tuple(f"{line} 1" for line in NEW)
    assert result.notes[0].startswith("the alternates are not ranked: small-model: wanted a ranking")


def test_an_offer_that_fails_costs_no_script(server) -> None:
    result, _ = written(server, "no", "no")
    assert button(result.script, 0).alternates == ()
    assert result.notes[0].startswith("there are no alternates: small-model: wanted alternates")


def test_none_are_asked_for_where_none_are_wanted(server) -> None:
    result, _ = written(server, count=0)
    assert len(server.asked) == 3
    assert button(result.script, 0).alternates == ()


def test_one_scene_alone_is_asked_about_with_its_number(server) -> None:
    result, _ = written(server, count=0)
    server.replies = [reply(offer(3)), critics(favouring("It was ripe"))]
    ranked, notes = offer_alternates(task(), desk(server.url), result.script, [2], count=3)
    assert list(ranked) == [2]
    assert ranked[2].texts[0] == "It was ripe. 3"
    assert ranked[2].ranked
    assert notes == ()
    schema = server.asked[-2]["response_format"]["json_schema"]["schema"]
    assert schema["$defs"]["OfferedScene"]["properties"]["lines"]["minItems"] == 3
