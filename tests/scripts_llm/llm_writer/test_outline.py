"""outline.yaml: written, edited by a person, read with every fault's line, and followed by the scenes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.files.outline import save_outline
from scripts_llm.llm_writer.draft import Brief
from scripts_llm.llm_writer.outline import develop_outline, load_outline, read_outline
from scripts_llm.llm_writer.writer import write_script
from tests.scripts_llm.conftest import Reply
from tests.scripts_llm.show import DIALECT, OUTLINE, PREMISE, PUNCHED, SCENES, desk, task

BRIEF = Brief.from_premise(PREMISE, DIALECT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An outline as the program writes it."""
    file = tmp_path / "outline.yaml"
    outline = read_outline({**OUTLINE, "about": "nine: lemons", "words": ["lemon", "7"]}, BRIEF)
    save_outline(outline, file, head=["Fish s01e01, outlined by\na model."])
    return file


def test_what_is_written_is_read_back(path: Path) -> None:
    outline = load_outline(path, BRIEF)
    assert (outline.title, outline.about, outline.words) == (
        "The Ninth Lemon",
        "nine: lemons",
        ("lemon", "7"),
    )
    assert outline.scenes[0].wants == "Joe wants the lemons out of sight."
    assert path.read_text().startswith("# Fish s01e01, outlined by\n# a model.\n#\n# This file is yours")


def test_the_scenes_follow_what_a_person_made_of_it(path: Path, server) -> None:
    text = path.read_text()
    assert text.count("turn: It gets worse.") == 4
    text = text.replace("turn: It gets worse.", "turn: The cat resigns.", 1).replace(
        "who: [joe, don]", "who: [Joe Carp]", 1
    )
    first, *rest = text.split("  - part: ")
    path.write_text(
        "  - part: ".join([first, rest[1], rest[0]])
    )  # two scenes are left, and the order is theirs
    outline = load_outline(path, BRIEF)
    assert [(scene.part, scene.who) for scene in outline.scenes] == [
        ("act_1", ("joe", "don")),
        ("cold_open", ("joe",)),
    ]
    scenes = {"scenes": [SCENES["scenes"][1], SCENES["scenes"][0]]}
    server.replies = [Reply(json.dumps(each)) for each in (scenes, {"scenes": PUNCHED["scenes"][:2]})]
    script = write_script(task(), desk(server.url), outline).script
    asked = server.asked[0]["messages"][1]["content"]
    assert "The cat resigns." in asked
    assert "wanted 4 to 5 scenes" not in asked
    assert [scene.part for scene in script.scenes] == ["act_1", "cold_open"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "part: act_1",
            "part: act_9",
            r"outline.yaml:24:11: wanted one of cold_open, act_1, act_2, tag, got 'act_9'",
        ),
        ("setting: kitchen", "setting: kitchn", r":18:14: unknown setting 'kitchn', use kitchen"),
        ("who: [joe, don]", "who: [joe, tom]", r":19:16: 'tom' is not in the cast, use joe, don"),
        ("button: Lemons.", "buton: Lemons.", r"wanted a known key, got 'buton', did you mean 'button'"),
        ("title: The Ninth Lemon\n", "", r"wanted the key 'title'"),
        ("story: A", "story: C", r"wanted 'A', 'B' or 'runner', got 'C'"),
    ],
)
def test_a_fault_is_told_with_its_line(path: Path, old: str, new: str, said: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ScriptError, match=said):
        load_outline(path, BRIEF)


def test_an_empty_outline_is_told(path: Path) -> None:
    path.write_text("# nothing\n")
    with pytest.raises(ScriptError, match="wanted an outline, got an empty file"):
        load_outline(path, BRIEF)


def test_the_number_of_a_suggestion_is_asked_for_only_where_there_are_some(server) -> None:
    server.replies = [Reply(json.dumps(OUTLINE)), Reply(json.dumps({**OUTLINE, "suggestion": 2}))]
    assert develop_outline(task(), desk(server.url)).suggestion == ""
    two = {"a.txt": "a llama", "b.txt": "a flood"}
    assert develop_outline(task(suggestions=two), desk(server.url)).suggestion == "b.txt"
    without, with_two = (properties(asked) for asked in server.asked)
    assert "suggestion" not in without
    assert with_two["suggestion"] == {"type": "string", "enum": ["", "1", "2"]}
    assert "schema" not in with_two


def properties(asked: dict[str, Any]) -> Any:
    return asked["response_format"]["json_schema"]["schema"]["properties"]
