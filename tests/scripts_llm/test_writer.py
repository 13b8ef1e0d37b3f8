"""The writer that is a language model, from a premise to a script, against a real HTTP server."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.casting import FilmWords
from scripts_llm.draft import Brief, outline_schema, read_scenes, scenes_schema
from scripts_llm.endpoint import LLMError, LLMSettings
from scripts_llm.errors import ScriptError
from scripts_llm.prompts import render
from scripts_llm.screenplay import Character, Format, Premise, Setting
from scripts_llm.writer import write

WORDS = FilmWords(
    sets=("kitchen", "living room", "fish shop"),
    kinds=("man", "cat"),
    colours=("blue", "orange"),
    actions=("standing", "talking", "sleeping"),
    accessories=("hat", "apron"),
    props=("fish", "phone"),
)
PREMISE = Premise(
    show="Joe and the Don",
    logline="A fishmonger rents his spare room to a retired mob boss, who is a cat.",
    tone=("dry",),
    avoid=("real brands",),
    running_gags=("the fish blinks",),
    format=Format(scenes="4-5", length=40),
    characters={
        "joe": Character(name="Joe Carp", look="man, blue apron", wants="peace", flaw="cannot say no"),
        "don": Character(name="the Don", look="large orange cat, hat", catchphrase="I know a guy."),
    },
)
OUTLINE: dict[str, Any] = {
    "title": "The Ninth Lemon",
    "logline": "Joe must hide nine lemons from the Don.",
    "object": "a lemon",
    "scenes": [
        {
            "part": part,
            "setting": "kitchen",
            "who": ["joe", "don"],
            "turn": "It gets worse.",
            "button": "Lemons.",
        }
        for part in ("cold_open", "act_1", "act_2", "tag")
    ],
}


def scene(part: str, number: int) -> dict[str, Any]:
    return {
        "part": part,
        "setting": "kitchen",
        "slugline": "INT. KITCHEN - DAY",
        "action": "Joe Carp is talking, the Don is sleeping.",
        "dialogue": [
            {"who": "joe", "line": f"Who ate lemon number {number}?", "parenthetical": "", "laugh": "none"},
            {"who": "don", "line": f"There were {number}?", "parenthetical": "(yawning)", "laugh": "none"},
            {
                "who": "joe",
                "line": f"There were {number} when I went to bed, Don.",
                "parenthetical": "",
                "laugh": "none",
            },
            {
                "who": "don",
                "line": f"Then {number} of them know a guy.",
                "parenthetical": "",
                "laugh": "none",
            },
        ],
    }


SCENES: dict[str, Any] = {
    "scenes": [scene(turn["part"], number) for number, turn in enumerate(OUTLINE["scenes"], 3)]
}


@pytest.fixture
def settings(server) -> LLMSettings:
    return LLMSettings(model="small-model", base_url=server.url, temperature=0.8, max_retries=0)


def test_a_premise_becomes_a_script_in_two_calls(server, reply, settings: LLMSettings) -> None:
    server.replies = [reply(json.dumps(OUTLINE)), reply("```json\n" + json.dumps(SCENES) + "\n```")]
    script, calls = write(PREMISE, WORDS, client_settings=settings, seed=7, episode=2)
    assert script.title == "The Ninth Lemon"
    assert [(each.id, each.part) for each in script.scenes] == [
        ("s01", "cold_open"),
        ("s02", "act_1"),
        ("s03", "act_2"),
        ("s04", "tag"),
    ]
    first = script.scenes[0]
    assert (first.setting, first.shots, first.dialogue[1].parenthetical) == ("kitchen", None, "yawning")
    assert [each.dialogue[-1].laugh for each in script.scenes] == ["small", "small", "small", "big"]
    assert [(call.purpose, call.prompt_tokens, call.seed) for call in calls] == [
        ("an outline", 900, 7),
        ("a script", 900, 7),
    ]


def test_the_model_is_told_the_show_the_craft_and_the_words_of_the_film(
    server, reply, settings: LLMSettings
) -> None:
    server.replies = [reply(json.dumps(OUTLINE)), reply(json.dumps(SCENES))]
    write(PREMISE, WORDS, client_settings=settings, seed=7, episode=2)
    system, outline = (message["content"] for message in server.asked[0]["messages"])
    script = server.asked[1]["messages"][1]["content"]
    for text in (outline, script):
        for told in (
            "Joe and the Don",
            "cannot say no",
            "I know a guy.",
            "real brands",
            "the fish blinks",
            "fish shop",
        ):
            assert told in text
    assert "at most 14 words" in system
    assert "JSON" in system
    assert "4 to 5 scenes" in outline
    assert "episode 2" in outline
    assert "standing, talking, sleeping" in script
    assert "The Ninth Lemon" in script
    line = server.asked[1]["response_format"]["json_schema"]["schema"]["$defs"]["DraftLine"]
    assert line["properties"]["who"] == {"type": "string", "enum": ["joe", "don"]}


def test_a_scene_of_strangers_is_repaired_once(server, reply, settings: LLMSettings) -> None:
    wrong = deepcopy(SCENES)
    wrong["scenes"][1]["dialogue"][0]["who"] = "tom"
    wrong["scenes"][2]["setting"] = "moon"
    server.replies = [reply(json.dumps(OUTLINE)), reply(json.dumps(wrong)), reply(json.dumps(SCENES))]
    script, calls = write(PREMISE, WORDS, client_settings=settings, seed=7)
    assert len(script.scenes) == 4
    assert len(calls) == 3
    told = server.asked[2]["messages"][-1]["content"]
    assert "- scene 2: 'tom' is not in the cast, use joe, don" in told
    assert "- scene 3: unknown setting 'moon', use kitchen, living room, fish shop" in told


def test_a_script_that_stays_wrong_keeps_the_answers_and_the_calls(
    server, reply, settings: LLMSettings, tmp_path: Path
) -> None:
    server.replies = [reply(json.dumps(OUTLINE)), reply('{"scenes": []}'), reply("No.")]
    with pytest.raises(LLMError, match="wanted a script, got an unusable one") as refused:
        write(PREMISE, WORDS, client_settings=settings, seed=7, raw=tmp_path / "answer.txt")
    assert [call.purpose for call in refused.value.calls] == ["an outline", "a script", "a script"]
    assert '{"scenes": []}' in (tmp_path / "answer.txt").read_text()


def test_a_premise_without_a_cast_is_refused_before_anything_is_asked(server, settings: LLMSettings) -> None:
    with pytest.raises(ScriptError, match="wanted a cast, got none"):
        write(Premise(show="x", logline="y"), WORDS, client_settings=settings, seed=1)
    assert server.asked == []


# ---------------------------------------------------------------------------------------------- the draft

BRIEF = Brief.of(PREMISE, WORDS)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda found: found["scenes"].pop(1), "wanted 4 to 5 scenes, got 3"),
        (lambda found: found["scenes"].reverse(), "the parts must be cold_open, act_1, act_2, tag"),
        (lambda found: found["scenes"][0].update(part="intro"), "unknown part 'intro'"),
        (lambda found: found["scenes"][0].update(dialogue=[]), "scenes.0.dialogue: "),
        (lambda found: found["scenes"][0].pop("slugline"), "scenes.0.slugline: field required"),
        (
            lambda found: found["scenes"][0]["dialogue"][0].update(line="word " * 19),
            "has 19 words, wanted at most 14",
        ),
        (
            lambda found: found["scenes"][0]["dialogue"][0].update(line="Hello [NAME]."),
            "has an unfilled slot",
        ),
        (lambda found: found["scenes"][0]["dialogue"][0].update(laugh="huge"), "scenes.0.dialogue.0.laugh"),
        (lambda found: found["scenes"][0].update(setting="kichen"), "unknown setting 'kichen', use kitchen"),
    ],
)
def test_a_draft_that_cannot_be_filmed_is_refused_even_the_second_time(change, fault: str) -> None:
    found = deepcopy(SCENES)
    change(found)
    with pytest.raises(ScriptError) as refused:
        read_scenes(found, BRIEF, is_lenient=True)
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda found: found["scenes"][0].update(action="A door opens."),
            "names nobody who is standing, talking",
        ),
        (
            lambda found: found["scenes"][1]["dialogue"][2].update(
                line="There were 3 when I went to bed, Don!"
            ),
            "was said in scene 1 already",
        ),
        (
            lambda found: found["scenes"][0]["dialogue"][0].update(line="*sighs* Who ate it?"),
            "has a stage direction",
        ),
        (
            lambda found: [
                each["dialogue"].extend(deepcopy(each["dialogue"]) * 4) for each in found["scenes"]
            ],
            "wanted at most 40: fewer lines",
        ),
    ],
)
def test_small_things_are_sent_back_once_and_then_put_right(change, fault: str) -> None:
    found = deepcopy(SCENES)
    change(found)
    with pytest.raises(ScriptError) as refused:
        read_scenes(found, BRIEF, is_lenient=False)
    assert fault in str(refused.value)
    first = read_scenes(found, BRIEF, is_lenient=True)[0]
    assert first.action == "Joe Carp is talking, the Don is " + (
        "standing." if "door" in str(found) else "sleeping."
    )
    assert "*" not in first.dialogue[0].line


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("Joe Carp: Who ate it?", "Who ate it?"),
        ("joe: Who ate it?", "Who ate it?"),
        ('"Who ate it?"', "Who ate it?"),
        ("(sighs) Who ate it?", "Who ate it?"),
        ("Who *ate* it?\n", "Who ate it?"),
        ("Who   ate\nit?", "Who ate it?"),
        ("Wait: who ate it?", "Wait: who ate it?"),
    ],
)
def test_a_line_is_only_what_is_spoken(typed: str, spoken: str) -> None:
    found = deepcopy(SCENES)
    found["scenes"][0]["dialogue"][0].update(who="Joe Carp", line=typed)
    line = read_scenes(found, BRIEF, is_lenient=True)[0].dialogue[0]
    assert (line.who, line.line) == ("joe", spoken)


def test_a_catchphrase_may_come_back() -> None:
    found = deepcopy(SCENES)
    for each in found["scenes"]:
        each["dialogue"][3]["line"] = "I know a guy!"
    assert read_scenes(found, BRIEF, is_lenient=False)[3].dialogue[3].line == "I know a guy!"


def test_a_show_with_settings_of_its_own_plays_there() -> None:
    brief = Brief.of(
        PREMISE.model_copy(update={"settings": {"joes_flat": Setting(look="small flat")}}), WORDS
    )
    assert brief.places == ("joes_flat",)
    found = deepcopy(SCENES)
    for each in found["scenes"]:
        each["setting"] = "Joes flat"
    assert read_scenes(found, brief, is_lenient=False)[0].setting == "joes_flat"


def test_a_short_episode_has_fewer_parts() -> None:
    brief = Brief.of(PREMISE.model_copy(update={"format": Format(scenes=1, length=8)}), WORDS)
    assert (brief.scenes, brief.structure) == ((1, 1), ("cold_open",))


@pytest.mark.parametrize("schema", [outline_schema(BRIEF), scenes_schema(BRIEF)], ids=["outline", "scenes"])
def test_the_schema_is_one_that_strict_servers_take(schema: dict[str, Any]) -> None:
    objects = [schema, *schema["$defs"].values()]
    for each in objects:
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
    text = json.dumps(schema)
    assert not any(
        f'"{word}":' in text for word in ("default", "maxLength", "minItems", "pattern", "maxItems")
    )


@pytest.mark.parametrize("name", ["system", "outline", "script", "repair"])
def test_a_prompt_with_an_empty_slot_is_an_error(name: str) -> None:
    with pytest.raises(ScriptError, match=rf"templates/prompts/{name}\.j2: wanted a filled prompt"):
        render(name)
