"""The writer that is a language model, from a premise to a script, against a real HTTP server."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import LLMError
from scripts_llm.llm_writer.writer import rewrite_scene, write_script
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry
from scripts_llm.screenplay.premise import Format, Premise
from scripts_llm.screenplay.script import Beat, Scene
from tests.scripts_llm.conftest import Reply
from tests.scripts_llm.show import ALL, OUTLINE, PARTS, PREMISE, PUNCHED, SCENES, desk, line, scene, task

TOLD = (
    "cannot say no",
    "I know a guy.",
    "real brands",
    "the fish blinks (came 2 times so far",
    "fish shop",
    'The Fish": Joe lost a fish.',
    "The fish will be back.",
    "It blinked first.",
)


def replies(*contents: Any) -> list[Reply]:
    return [Reply(each if isinstance(each, str) else json.dumps(each)) for each in contents]


def asked(server, number: int) -> str:
    """The last words of a question."""
    return server.asked[number]["messages"][-1]["content"]


def test_a_premise_becomes_a_script_in_three_calls(server) -> None:
    server.replies = replies(*ALL)
    at = desk(server.url)
    written = write_script(task(episode=2), at)
    script = written.script
    assert script.title == "The Ninth Lemon"
    assert [(each.id, each.part) for each in script.scenes] == list(
        zip(("s01", "s02", "s03", "s04"), PARTS, strict=True)
    )
    first = script.scenes[0]
    assert first.setting == "kitchen"
    assert [(shot.size, shot.who) for shot in first.shots or ()] == [("medium", None), ("close-up", "don")]
    assert first.dialogue[0].line == "Lemon 1 is gone."  # type: ignore[union-attr]
    assert [each.dialogue[-1].laugh for each in script.scenes] == ["small", "small", "small", "big"]
    assert [call.purpose for call in at.calls] == ["an outline", "a script", "a punch-up"]
    assert (written.outline.promise, written.notes) == ("Somebody took the tenth lemon.", ())


def test_the_model_is_told_the_show_the_craft_and_the_words_of_the_film(server) -> None:
    server.replies = replies(*ALL)
    past = Continuity(
        episodes=(
            ContinuityEntry(
                episode="s01e01",
                title="The Fish",
                happened="Joe lost a fish.",
                gags={"the fish blinks": 2},
                promised=("The fish will be back.",),
                jokes=("It blinked first.",),
            ),
        )
    )
    write_script(task(episode=2, continuity=past), desk(server.url))
    system = server.asked[0]["messages"][0]["content"]
    outline, scenes, punch_up = (asked(server, number) for number in range(3))
    for text in (outline, scenes, punch_up):
        for told in TOLD:
            assert told in text
    assert "at most 14 words" in system
    assert "JSON" in system
    assert "4 to 5 scenes" in outline
    assert "episode 2" in outline
    assert "A (what the episode is about), B (" in outline
    assert "People are standing, talking, sleeping." in scenes
    assert "at most 20 words" in scenes
    assert "The Ninth Lemon" in scenes
    schema = server.asked[1]["response_format"]["json_schema"]["schema"]
    assert schema["$defs"]["DraftLine"]["properties"]["who"] == {"type": "string", "enum": ["joe", "don"]}
    assert schema["properties"]["scenes"]["minItems"] == schema["properties"]["scenes"]["maxItems"] == 4


def test_only_the_bad_scenes_are_repaired(server) -> None:
    wrong = deepcopy(SCENES)
    wrong["scenes"][1]["dialogue"][0]["who"] = "tom"
    wrong["scenes"][2]["setting"] = "moon"
    mended = {"scenes": SCENES["scenes"][1:3]}
    server.replies = replies(OUTLINE, wrong, mended, PUNCHED)
    script = write_script(task(), desk(server.url)).script
    assert [each.part for each in script.scenes] == list(PARTS)
    told = asked(server, 2)
    assert "- scene 2: 'tom' is not in the cast, use joe, don" in told
    assert "- scene 3: unknown setting 'moon', use kitchen, living room, fish shop" in told
    assert "a list of just these scenes, put right: 2, 3" in told


def test_all_scenes_sent_again_are_as_good_as_the_bad_ones_alone(server) -> None:
    wrong = deepcopy(SCENES)
    wrong["scenes"][1]["dialogue"][0]["who"] = "tom"
    server.replies = replies(OUTLINE, wrong, SCENES, PUNCHED)
    assert len(write_script(task(), desk(server.url)).script.scenes) == 4


def test_a_scene_that_stays_bad_is_asked_for_once_more_alone(server) -> None:
    wrong = deepcopy(SCENES)
    wrong["scenes"][2]["dialogue"][0]["line"] = "word " * 30
    bad = {"scenes": [wrong["scenes"][2]]}
    server.replies = replies(OUTLINE, wrong, bad, {"scenes": [SCENES["scenes"][2]]}, PUNCHED)
    at = desk(server.url)
    assert len(write_script(task(), at).script.scenes) == 4
    assert [call.purpose for call in at.calls] == [
        "an outline",
        "a script",
        "a script",
        "scene 3",
        "a punch-up",
    ]
    fresh = server.asked[3]["messages"]
    assert len(fresh) == 2
    assert "has 30 words, wanted at most 14" in fresh[1]["content"]
    assert '"number": 3' in fresh[1]["content"]
    assert '"number": 2' not in fresh[1]["content"]


def test_a_script_that_stays_wrong_keeps_the_answers_and_the_calls(server, tmp_path: Path) -> None:
    server.replies = replies(OUTLINE, '{"scenes": []}', "No.")
    with pytest.raises(LLMError, match="wanted a script, got an unusable one") as refused:
        write_script(task(raw=tmp_path / "answer.txt"), desk(server.url))
    assert [call.purpose for call in refused.value.calls] == ["an outline", "a script", "a script"]
    assert '{"scenes": []}' in (tmp_path / "answer.txt").read_text()
    assert str(tmp_path / "answer.txt") in str(refused.value)


def test_a_punch_up_is_taken_scene_by_scene_where_it_stands_the_tests(server) -> None:
    bold = deepcopy(PUNCHED)
    bold["scenes"][1]["dialogue"][0]["who"] = "tom"
    bold["scenes"][2]["dialogue"] = bold["scenes"][2]["dialogue"][:1]
    bold["scenes"][3]["number"] = 99
    server.replies = replies(OUTLINE, SCENES, bold)
    written = write_script(task(), desk(server.url))
    firsts = [each.dialogue[0].line for each in written.script.scenes]  # type: ignore[union-attr]
    assert firsts == ["Lemon 1 is gone.", *(f"Who ate lemon number {n}?" for n in (4, 5, 6))]
    assert written.notes == ("3 of 4 scenes stay as they were first written",)


@pytest.mark.parametrize("answer", ["I would rather not.", "", '{"scenes": "none"}'])
def test_a_punch_up_that_fails_costs_no_script(server, answer: str) -> None:
    server.replies = replies(OUTLINE, SCENES, answer)
    written = write_script(task(), desk(server.url))
    assert written.script.scenes[0].dialogue[0].line == "Who ate lemon number 3?"  # type: ignore[union-attr]
    assert written.notes[0].startswith("the jokes were not punched up: small-model: wanted a punch-up")


def test_a_budget_that_ends_before_the_punch_up_leaves_a_script(server) -> None:
    server.replies = replies(OUTLINE, SCENES)
    written = write_script(task(), desk(server.url, max_tokens=3900))
    assert len(written.script.scenes) == 4
    assert "max_tokens 3,900: 2,400 are used" in written.notes[0]
    assert len(server.asked) == 2


def test_a_long_episode_is_asked_for_in_pieces_that_know_what_came_before(server) -> None:
    parts = [PARTS[min(3, number // 6)] for number in range(24)]
    outline = {**OUTLINE, "scenes": [{**OUTLINE["scenes"][0], "part": part} for part in parts]}
    scenes = [scene(part, number) for number, part in enumerate(parts, 1)]
    pieces = [{"scenes": scenes[first : first + 10]} for first in (0, 10, 20)]
    server.replies = replies(outline, *pieces, "no", "no", "no")
    long = PREMISE.model_copy(update={"format": Format(scenes=24, length=240)})
    script = write_script(task(premise=long), desk(server.url)).script
    assert [each.id for each in script.scenes] == [f"s{number:02}" for number in range(1, 25)]
    assert "Then 10 of them know a guy." in asked(server, 2)
    assert "Then 9 of them know a guy." not in asked(server, 2)


def test_a_russian_premise_gets_russian_lines(server) -> None:
    russian = deepcopy(SCENES)
    for number, each in enumerate(russian["scenes"], 3):
        each["dialogue"] = [
            line("joe", f"Кто съел лимон номер {number}?"),
            line("don", f"А их было {number}?"),
        ] * 1
    punched = {
        "scenes": [
            {"number": n, "dialogue": [line("joe", f"Lemon {n}."), line("don", f"No {n}.")]}
            for n in range(1, 5)
        ]
    }
    server.replies = replies({**OUTLINE, "title": "Девятый лимон"}, SCENES, russian, punched)
    short = PREMISE.model_copy(update={"language": "ru", "format": Format(scenes="4-5", length=20)})
    script = write_script(task(premise=short), desk(server.url)).script
    assert "scene 1: the dialogue must be in the language 'ru'" in asked(server, 2)
    assert script.scenes[0].dialogue[0].line == "Кто съел лимон номер 3?"  # type: ignore[union-attr]
    assert "dialogue: ru. Slugline, action and shots are in English" in asked(server, 0)


def test_a_premise_without_a_cast_is_refused_before_anything_is_asked(server) -> None:
    with pytest.raises(ScriptError, match="wanted a cast, got none"):
        write_script(task(premise=Premise(show="x", logline="y")), desk(server.url))
    assert server.asked == []


def test_a_prompt_of_ones_own_is_used_and_the_others_stay(server, tmp_path: Path) -> None:
    (tmp_path / "outline.j2").write_text("Own words about {{ premise.show }}, {{ scenes }} scenes.")
    server.replies = replies(*ALL)
    write_script(task(prompts=tmp_path), desk(server.url))
    assert asked(server, 0) == "Own words about Joe and the Don, 4 to 5 scenes.\n"
    assert "<outline>" in asked(server, 1)


# ------------------------------------------------------------------------------------------- one scene again


def script_of(server) -> Any:
    server.replies = replies(*ALL)
    return write_script(task(), desk(server.url)).script


def test_one_scene_is_written_again_with_a_note(server) -> None:
    script = script_of(server)
    old = script.scenes[1].model_copy(update={"transition": "smash_cut", "skip": True})
    script = script.model_copy(update={"scenes": (script.scenes[0], old, *script.scenes[2:])})
    server.replies = replies({"scenes": [scene("act_1", 40)]})
    new = rewrite_scene(task(), desk(server.url), script, "s02", "shorter, and the cat answers")
    assert (new.id, new.part, new.transition, new.skip) == ("s02", "act_1", "smash_cut", True)
    assert new.dialogue[0].line == "Who ate lemon number 40?"  # type: ignore[union-attr]
    told = asked(server, -1)
    assert "<note>\nshorter, and the cat answers\n</note>" in told
    assert "Lemon 1 is gone." in told
    assert "Lemon 3 is gone." in told
    assert "Lemon 4 is gone." not in told


def test_a_scene_written_again_repeats_no_other_scene(server) -> None:
    script = script_of(server)
    same = scene("act_1", 40)
    same["dialogue"][0]["line"] = "They all have names until 3."
    server.replies = replies({"scenes": [same]}, {"scenes": [scene("act_1", 41)]})
    new = rewrite_scene(task(), desk(server.url), script, "s02", "again")
    assert "was said in scene 1 already" in asked(server, -1)
    assert new.dialogue[0].line == "Who ate lemon number 41?"  # type: ignore[union-attr]


def test_a_scene_of_ones_own_without_part_or_lines_can_be_written_again(server) -> None:
    script = script_of(server)
    own = Scene(id="mine", slugline="EXT. MOON - NIGHT", dialogue=(Beat(beat=1),))
    script = script.model_copy(update={"scenes": (*script.scenes, own)})
    server.replies = replies({"scenes": [scene("cold_open", 40)]})
    new = rewrite_scene(task(), desk(server.url), script, "mine", "lines, please")
    assert (new.id, new.part, len(new.dialogue)) == ("mine", None, 4)


@pytest.mark.parametrize(
    ("scene_id", "said"), [("s09", r"wanted the id of a scene \(s01, s02"), ("s02", "lock: true")]
)
def test_a_scene_that_is_not_there_or_locked_is_refused(server, scene_id: str, said: str) -> None:
    script = script_of(server)
    scenes = [each.model_copy(update={"lock": True}) for each in script.scenes]
    with pytest.raises(ScriptError, match=said):
        rewrite_scene(
            task(), desk(server.url), script.model_copy(update={"scenes": tuple(scenes)}), scene_id, "x"
        )
    assert len(server.asked) == 3


def test_the_same_task_asks_the_same_questions(server) -> None:
    server.replies = replies(*ALL, *ALL)
    write_script(task(), desk(server.url))
    write_script(replace(task()), desk(server.url))
    assert server.asked[:3] == server.asked[3:]
