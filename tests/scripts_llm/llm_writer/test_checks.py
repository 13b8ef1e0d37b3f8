"""Drafts are checked for what they mean: what a person must mend is refused, what is small is put right."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm_writer.checks import build_scene, find_place
from scripts_llm.llm_writer.draft import (
    Brief,
    DraftOutline,
    DraftScene,
    DraftScenes,
    PunchUp,
    draft_schema,
)
from scripts_llm.llm_writer.outline import read_outline
from scripts_llm.llm_writer.scenes import SceneCollector
from scripts_llm.screenplay.outline import OutlineScene
from scripts_llm.screenplay.premise import Format, Setting
from scripts_llm.screenplay.script import Line, Scene
from tests.scripts_llm.show import DIALECT, OUTLINE, PREMISE, SCENES, line

BRIEF = Brief.from_premise(PREMISE, DIALECT)
OPEN = replace(DIALECT, is_closed=False)
Change = Callable[[dict[str, Any]], Any]


def read(found: dict[str, Any], brief: Brief = BRIEF, *, is_lenient: bool = False) -> list[Scene]:
    beats = {number: OutlineScene(**turn) for number, turn in enumerate(OUTLINE["scenes"], 1)}
    drafts = SceneCollector(brief, beats).judge(found, is_lenient)
    return [build_scene(draft, brief, is_last=draft is drafts[-1]) for draft in drafts]


def of_line(scene: int = 0, number: int = 0, **changes: Any) -> Change:
    return lambda found: found["scenes"][scene]["dialogue"][number].update(changes)


def of_shot(**changes: Any) -> Change:
    return lambda found: found["scenes"][0]["shots"][0].update(changes)


def of_scene(**changes: Any) -> Change:
    return lambda found: found["scenes"][0].update(changes)


def changed(change: Change) -> dict[str, Any]:
    found = deepcopy(SCENES)
    change(found)
    return found


def first_line(found: dict[str, Any], brief: Brief = BRIEF, *, is_lenient: bool = True) -> Line:
    line = read(found, brief, is_lenient=is_lenient)[0].dialogue[0]
    assert isinstance(line, Line)
    return line


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda found: found["scenes"].pop(1), "wanted 4 scenes, got 3"),
        (lambda found: found["scenes"].reverse(), "scene 1: the part must be cold_open, got 'tag'"),
        (of_scene(part="intro"), "the part must be cold_open, got 'intro'"),
        (of_scene(dialogue=[]), "scene 1.dialogue: "),
        (lambda found: found["scenes"][0].pop("slugline"), "scene 1.slugline: field required"),
        (lambda found: found["scenes"].insert(0, found["scenes"].pop(0)["slugline"]), "scene 1: "),
        (lambda found: found.update(scenes="none"), "scenes: a list of scenes is required"),
        (of_line(line="word " * 19), "has 19 words, wanted at most 14"),
        (of_line(line="Hello [NAME]."), "has an unfilled slot"),
        (of_line(line="Hello {{ name }}."), "has an unfilled slot"),
        (of_line(laugh="huge"), "scene 1.dialogue.0.laugh"),
        (of_line(who="tom"), "'tom' is not in the cast, use joe, don"),
        (of_scene(setting="kichen"), "unknown setting 'kichen', use kitchen"),
        (
            lambda found: [line.update(line="Что было, то было.") for line in found["scenes"][0]["dialogue"]],
            "scene 1: the dialogue must be in the language 'en'",
        ),
    ],
)
def test_a_draft_that_cannot_be_filmed_is_refused_even_the_second_time(change: Change, fault: str) -> None:
    with pytest.raises(ScriptError) as refused:
        read(changed(change), is_lenient=True)
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (of_scene(action="A door opens."), "shows nobody who is standing, talking"),
        (
            of_shot(prompt="a feeling of dread"),
            "the shot 'a feeling of dread' shows nobody who is standing",
        ),
        (of_shot(prompt="Joe Carp talking " * 8), "has 24 words"),
        (
            of_line(1, 2, line="There were 3 when I went to bed, Don!"),
            "was said in scene 1 already",
        ),
        (of_line(line="*sighs* Who ate it?"), "has a stage direction"),
        (
            lambda found: [each["dialogue"].extend(deepcopy(each["dialogue"])) for each in found["scenes"]],
            "was said in scene 1 already",
        ),
    ],
)
def test_small_things_are_sent_back_once_and_then_put_right(change: Change, fault: str) -> None:
    found = changed(change)
    with pytest.raises(ScriptError) as refused:
        read(found)
    assert fault in str(refused.value)
    first = read(found, is_lenient=True)[0]
    ending = "standing." if "door" in str(found) else "sleeping."
    assert first.action == f"Joe Carp is talking, the Don is {ending}"
    assert "*" not in str(first.dialogue[0])
    is_bad_shot = "shot" in fault or "24 words" in fault
    assert (first.shots is None) == is_bad_shot, "a scene with a bad shot is broken down anew"


def test_an_episode_that_is_far_too_long_is_sent_back_whole() -> None:
    short = Brief.from_premise(
        PREMISE.model_copy(update={"format": Format(scenes="4-5", length=10)}), DIALECT
    )
    with pytest.raises(ScriptError, match=r"this lasts about \d+ s, wanted at most 10: fewer lines"):
        read(SCENES, short)
    assert len(read(SCENES, short, is_lenient=True)) == 4


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("Joe Carp: Who ate it?", "Who ate it?"),
        ("joe: Who ate it?", "Who ate it?"),
        ('"Who ate it?"', "Who ate it?"),
        ("(sighs) Who ate it?", "Who ate it?"),
        ("Who *ate* it?\n", "Who ate it?"),
        ("Who   ate\nit?", "Who ate it?"),
        ("Who \x1b[31mate\x07 it?\u202e", "Who ate it?"),
        ("Wait: who ate it?", "Wait: who ate it?"),
    ],
)
def test_a_line_is_only_what_is_spoken(typed: str, spoken: str) -> None:
    found = changed(of_line(who="Joe Carp", line=typed))
    line = first_line(found)
    assert (line.who, line.line) == ("joe", spoken)


def test_a_catchphrase_may_come_back() -> None:
    def change(found: dict[str, Any]) -> None:
        for each in found["scenes"]:
            each["dialogue"][3]["line"] = "I know a guy!"

    assert read(changed(change))[3].dialogue[3].line == "I know a guy!"  # type: ignore[union-attr]


def test_a_show_with_settings_of_its_own_plays_there() -> None:
    brief = Brief.from_premise(
        PREMISE.model_copy(update={"settings": {"joes_flat": Setting(look="small flat")}}), DIALECT
    )
    assert brief.places == ("joes_flat",)
    found = changed(lambda found: [each.update(setting="Joes flat") for each in found["scenes"]])
    assert read(found, brief)[0].setting == "joes_flat"


def test_a_show_has_at_most_the_shots_that_its_premise_says() -> None:
    brief = Brief.from_premise(
        PREMISE.model_copy(update={"format": Format(scenes="4-5", length=40, shots=1)}), DIALECT
    )
    assert [len(scene.shots or ()) for scene in read(SCENES, brief)] == [1, 1, 1, 1]


def test_a_short_episode_has_fewer_parts() -> None:
    brief = Brief.from_premise(PREMISE.model_copy(update={"format": Format(scenes=1, length=8)}), DIALECT)
    assert (brief.scenes, brief.structure) == ((1, 1), ("cold_open",))


# --------------------------------------------------------------------------------------------- outline


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda found: found["scenes"].pop(1), "wanted 4 to 5 scenes, got 3"),
        (lambda found: found["scenes"].reverse(), "the parts must be cold_open, act_1, act_2, tag"),
        (of_scene(part="intro"), "unknown part 'intro'"),
        (lambda found: found["scenes"][1].update(setting="moon"), "scene 2: unknown setting 'moon'"),
        (lambda found: found["scenes"][1].update(who=["tom"]), "scene 2: 'tom' is not in the cast"),
        (lambda found: found.pop("logline"), "logline: field required"),
        (of_scene(story="C"), "scenes.0.story: "),
    ],
)
def test_an_outline_of_the_wrong_kind_is_refused(change: Change, fault: str) -> None:
    found = deepcopy(OUTLINE)
    change(found)
    with pytest.raises(ScriptError) as refused:
        read_outline(found, BRIEF)
    assert fault in str(refused.value)


# --------------------------------------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("prompt", "closed", "open_"),
    [
        ("Joe Carp talking, the Don sleeping, kitchen", None, None),
        ("joe standing", "", ""),
        ("kitchen, night", None, ""),
        ("Joe Carp juggles nine lemons in the kitchen", "shows nobody", None),
        ("tension rises", "shows nobody", "cannot be filmed"),
        ("Joe Carp realizes the truth about lemons", "shows nobody", "'realizes' cannot be filmed"),
        ("a red door opens onto a rainy street", "shows nobody", None),
        ("", "shows nobody", "shows nothing"),
    ],
)
def test_a_prompt_must_show_something_in_the_film_models_own_way(
    prompt: str, closed: str | None, open_: str | None
) -> None:
    for dialect, wanted in ((DIALECT, closed), (OPEN, open_)):
        if wanted != "":
            fault = dialect.find_fault(prompt, BRIEF.names, BRIEF.places)
            assert (fault is None) if wanted is None else (wanted in str(fault))


CAST = {"stan": "Stan", "rosa": "Rosa", "al": "Al", "mayor": "Mayor Whiskers", "boris": "Борис"}


@pytest.mark.parametrize(
    ("prompt", "closed"),
    [
        ("A robot standing, kitchen, day", "shows nobody"),
        ("a cat with whiskers sleeping", "shows nobody"),
        ("Rosa misunderstanding the bill, kitchen", "shows nobody"),
        ("embarrassed silence", "shows nobody"),
        ("Whiskers sleeping", None),
        ("mayor_whiskers sleeping", None),
        ("Al talking to Stan", None),
        ("Бориса talking", None),
        ("the stages, night", None),
    ],
)
def test_names_actions_and_places_are_whole_words(prompt: str, closed: str | None) -> None:
    fault = DIALECT.find_fault(prompt, CAST, ("bar", "stage"))
    assert (fault is None) if closed is None else (closed in str(fault))


@pytest.mark.parametrize(
    ("prompt", "who"),
    [
        ("A robot standing, kitchen", None),
        ("Rosa standing, kitchen", "rosa"),
        ("Whiskers standing, kitchen", "mayor"),
        ("Stan standing, Rosa talking", None),
        ("Stan standing, Al talking", "stan"),
        ("Stan talking to Stanley, dancing Dan", "stan"),
        ("Бориса standing, kitchen", "boris"),
    ],
)
def test_a_shot_is_for_the_one_speaker_that_its_prompt_names(prompt: str, who: str | None) -> None:
    brief = replace(BRIEF, names=CAST, dialect=OPEN)
    speakers = ("stan", "rosa", "mayor", "boris")
    draft = DraftScene.model_validate(
        {
            "part": "tag",
            "setting": "kitchen",
            "slugline": "INT. KITCHEN - DAY",
            "action": "Stan stands on the stage.",
            "shots": [{"size": "medium", "prompt": prompt}],
            "dialogue": [line(who, f"I am {who}, and I said so.") for who in speakers],
        }
    )
    scene = build_scene(draft, brief, is_last=False)
    assert [shot.who for shot in scene.shots or ()] == [who]


def test_other_words_for_a_set_or_an_action_are_what_they_mean() -> None:
    spoken = replace(DIALECT, synonyms={"lounge": "living room", "chats": "talking", "pub": "bar"})
    assert spoken.find_fault("Al chats, lounge", CAST, ("kitchen",)) is None
    assert spoken.find_fault("the lounge, night", CAST, ("kitchen",)) is None
    assert spoken.find_fault("the pub, night", CAST, ("kitchen",)) is not None, "no set of this film model"
    brief = replace(BRIEF, dialect=spoken)
    wanted = {"Lounge": "living room", "living_room": "living room", "pub": None, "kitchen": "kitchen"}
    assert {setting: find_place(setting, brief) for setting in wanted} == wanted
    own = replace(brief, places=("living_room", "lounge"))
    assert (find_place("lounge", own), find_place("living room", own)) == ("lounge", "living_room")


# --------------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize("model", [DraftOutline, DraftScenes, PunchUp])
def test_the_schema_is_one_that_strict_servers_take(model: Any) -> None:
    schema = draft_schema(model, BRIEF)
    for each in (schema, *schema["$defs"].values()):
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
    text = json.dumps(schema)
    assert not any(f'"{word}":' in text for word in ("default", "pattern", "description", "prefixItems"))
    assert "maxLength" in text
    assert "maxItems" in text
