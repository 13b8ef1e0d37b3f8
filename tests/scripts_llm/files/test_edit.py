"""Ids and shots written into a script that a person typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.files.edit import (
    carry_over_scenes,
    insert_ids_and_shots,
    read_scene_text,
    replace_scene,
    set_pick,
)
from scripts_llm.files.read import read_script
from scripts_llm.files.write import save_script
from scripts_llm.plain_text import strip_controls
from scripts_llm.screenplay.script import Beat, Line, Scene, Script, Shot

SHOTS = (Shot(size="medium", prompt="Joe talking, in the kitchen: day"), Shot(size="close-up", prompt="No"))

TYPED = """\
# my own scene list
title:   "The  Fish"   # two spaces are meant

scenes:

    -   slugline: INT. KITCHEN - DAY    # why here
        # about the action
        action: 'Joe is "talking"'

        # the words
        dialogue:
        -    joe: Wait: what?
        - {beat:   0.8}
    -   {slugline: INT. BAR - NIGHT, dialogue: [{who: joe, line: "x"}]}   # in one line
    -
        slugline: |
          EXT. STREET
        part: tag
    -   dialogue: []
        slugline: INT. OFFICE - DAY
    -   slugline: INT. PARK - DAY
        action: >-
          Joe is standing,
          the Don is sleeping.

    # the end
    -   slugline: EXT. BEACH - DAY # last"""

WRITTEN = """\
# my own scene list
title:   "The  Fish"   # two spaces are meant

scenes:

    -   id: s01
        slugline: INT. KITCHEN - DAY    # why here
        # about the action
        action: 'Joe is "talking"'

        # the words
        shots:
          - {size: medium, prompt: "Joe talking, in the kitchen: day"}
          - {size: close-up, prompt: "No"}
        dialogue:
        -    joe: Wait: what?
        - {beat:   0.8}
    -   {id: s02, slugline: INT. BAR - NIGHT, \
shots: [{size: medium, prompt: "Joe talking, in the kitchen: day"}, {size: close-up, prompt: "No"}], \
dialogue: [{who: joe, line: "x"}]}   # in one line
    -
        id: s03
        slugline: |
          EXT. STREET
        shots:
          - {size: medium, prompt: "Joe talking, in the kitchen: day"}
          - {size: close-up, prompt: "No"}
        part: tag
    -   id: s04
        shots:
          - {size: medium, prompt: "Joe talking, in the kitchen: day"}
          - {size: close-up, prompt: "No"}
        dialogue: []
        slugline: INT. OFFICE - DAY
    -   id: s05
        slugline: INT. PARK - DAY
        action: >-
          Joe is standing,
          the Don is sleeping.
        shots:
          - {size: medium, prompt: "Joe talking, in the kitchen: day"}
          - {size: close-up, prompt: "No"}

    # the end
    -   id: s06
        slugline: EXT. BEACH - DAY # last
        shots:
          - {size: medium, prompt: "Joe talking, in the kitchen: day"}
          - {size: close-up, prompt: "No"}"""


def _without_what_was_written(before: bytes, after: bytes) -> bool:
    """Whether `before` is what remains of `after` when inserted bytes are taken out."""
    rest = iter(after)
    return all(byte in rest for byte in before)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_ids_and_shots_are_written_in_and_every_other_byte_stays(
    tmp_path: Path, line_end: str, mark: str
) -> None:
    file = tmp_path / "script.yaml"
    file.write_bytes((mark + TYPED).replace("\n", line_end).encode())
    insert_ids_and_shots(
        file, ids={i: f"s{i + 1:02}" for i in range(6)}, shots=dict.fromkeys(range(6), SHOTS)
    )
    assert file.read_bytes() == (mark + WRITTEN).replace("\n", line_end).encode()
    script = read_script(file, ["joe"])
    assert [scene.id for scene in script.scenes] == ["s01", "s02", "s03", "s04", "s05", "s06"]
    assert all(scene.shots == SHOTS for scene in script.scenes)


def test_only_the_scenes_that_are_named_are_touched(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(TYPED)
    insert_ids_and_shots(file, ids={5: "s09"}, shots={})
    assert file.read_text() == TYPED.replace("slugline: EXT. BEACH", "id: s09\n        slugline: EXT. BEACH")


def test_nothing_to_write_in_touches_nothing(tmp_path: Path) -> None:
    insert_ids_and_shots(tmp_path / "none.yaml", ids={}, shots={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("shots:", "shots:\n    - {prompt: a}"),
        ("shots: # later", "shots: # later\n    - {prompt: a}"),
        ("shots: []", "shots: \n    - {prompt: a}"),
        ("shots: ~", "shots: \n    - {prompt: a}"),
    ],
)
def test_empty_shots_are_filled_where_they_stand(tmp_path: Path, typed: str, written: str) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(f"title: x\nscenes:\n- slugline: x\n  {typed}\n  id:\n  part: tag\n")
    insert_ids_and_shots(file, ids={0: "s01"}, shots={0: [Shot(prompt="a")]})
    assert file.read_text() == f"title: x\nscenes:\n- slugline: x\n  {written}\n  id: s01\n  part: tag\n"


@pytest.mark.parametrize(
    "typed",
    [
        "title: x\nscenes:\n- &first {slugline: x}\n- *first\n",
        "title: x\nscenes:\n- slugline: x\n  id: s07\n",
        "title: x\nscenes:\n- {slugline: x, shots: [{prompt: b}]}\n",
    ],
)
def test_what_cannot_be_written_in_safely_is_refused_and_the_file_stays(tmp_path: Path, typed: str) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(typed)
    with pytest.raises(ScriptError, match="wanted to write shots and ids into the scenes"):
        insert_ids_and_shots(file, ids={0: "s01"}, shots={0: [Shot(prompt="a")]})
    assert file.read_text() == typed
    assert [each.name for each in tmp_path.iterdir()] == ["script.yaml"]


def test_a_scene_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: x\nscenes:\n- slugline: x\n")
    with pytest.raises(ScriptError, match="wanted at least 3 scenes, got fewer"):
        insert_ids_and_shots(file, ids={2: "s03"}, shots={})


def test_a_link_to_a_script_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("title: x\nscenes:\n- slugline: x\n")
    (tmp_path / "script.yaml").symlink_to("mine.yaml")
    insert_ids_and_shots(tmp_path / "script.yaml", ids={0: "s01"}, shots={})
    assert (tmp_path / "script.yaml").is_symlink()
    assert (tmp_path / "mine.yaml").read_text() == "title: x\nscenes:\n- id: s01\n  slugline: x\n"


prompts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(
    lambda text: strip_controls(text).strip()
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sluglines=st.lists(prompts, min_size=1, max_size=3), words=st.lists(prompts, min_size=1, max_size=3))
def test_any_prompt_comes_out_as_it_went_in(tmp_path: Path, sluglines: list[str], words: list[str]) -> None:
    file = tmp_path / "script.yaml"
    script = Script(title="x", scenes=tuple(Scene(slugline=text) for text in sluglines))
    save_script(script, file, head=[])
    before = file.read_bytes()
    shots = tuple(Shot(prompt=text) for text in words)
    insert_ids_and_shots(file, ids={}, shots=dict.fromkeys(range(len(sluglines)), shots))
    assert _without_what_was_written(before, file.read_bytes())
    assert read_script(file, []) == script.model_copy(
        update={"scenes": tuple(scene.model_copy(update={"shots": shots}) for scene in script.scenes)}
    )


# -------------------------------------------------------------------------- picks, and scenes written again

NEW = Scene(
    id="s02",
    slugline="INT. OFFICE - DAY",
    action="Joe is standing.",
    shots=SHOTS,
    dialogue=(Line(who="joe", line="Wait: what?"), Beat(beat=0.8)),
)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("index", range(6))
def test_a_scene_is_replaced_and_every_byte_around_it_stays(
    tmp_path: Path, line_end: str, index: int
) -> None:
    file = tmp_path / "script.yaml"
    typed = TYPED.replace("\n", line_end)
    file.write_bytes(typed.encode())
    old = read_scene_text(file, index)
    before = read_script(file, ["joe"])
    replace_scene(file, index, NEW)
    with file.open(newline="", encoding="utf-8") as written:
        text = written.read()
    at = typed.index(old)
    assert text.startswith(typed[:at])
    assert text.endswith(typed[at + len(old) :])
    scenes = list(before.scenes)
    scenes[index] = NEW
    assert list(read_script(file, ["joe"]).scenes) == scenes


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("{prompt: a}", "{prompt: a, pick: 2}"),
        ("{prompt: a, pick: 1}   # mine", "{prompt: a, pick: 2}   # mine"),
        ("{pick: , prompt: a}", "{pick: 2 , prompt: a}"),
        ("prompt: a  # mine\n    takes: 3", "pick: 2\n    prompt: a  # mine\n    takes: 3"),
        ("pick: 3\n    prompt: 'a'", "pick: 2\n    prompt: 'a'"),
    ],
)
def test_a_pick_is_written_where_its_shot_stands(tmp_path: Path, typed: str, picked: str) -> None:
    file = tmp_path / "script.yaml"
    head = "title: x\nscenes:\n- slugline: x\n  shots:\n  - {prompt: b}\n  - "
    file.write_text(f"{head}{typed}\n  # the end\n")
    set_pick(file, scene=0, shot=1, pick=2)
    assert file.read_text() == f"{head}{picked}\n  # the end\n"


def test_a_scene_that_is_an_alias_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: x\nscenes:\n- &a {slugline: x, shots: [{prompt: b}]}\n- *a\n")
    for edit in (lambda: replace_scene(file, 1, NEW), lambda: set_pick(file, scene=0, shot=0, pick=2)):
        before = file.read_text()
        with pytest.raises(ScriptError, match="too clever"):
            edit()
        assert file.read_text() == before


def test_kept_scenes_take_their_place_with_their_comments(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("title: x\nscenes:\n  - id: s01\n    slugline: a\n  - id: s02\n    slugline: b\n")
    mine = "lock: true\n      id: s02  # mine\n      # a comment\n      slugline: |\n        c\n          d"
    carry_over_scenes(file, {"s02": mine, "s09": "{id: s09, lock: true, slugline: z}"})
    assert file.read_text() == (
        "title: x\nscenes:\n  - id: s01\n    slugline: a\n"
        "  - lock: true\n    id: s02  # mine\n    # a comment\n    slugline: |\n      c\n        d\n"
        "\n  - {id: s09, lock: true, slugline: z}\n"
    )
    assert [scene.id for scene in read_script(file, []).scenes] == ["s01", "s02", "s09"]


gaps = st.sampled_from(["", "\n", "  # a comment: here\n", "\n\n"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
quotes = st.sampled_from(["{}", '"{}"', "'{}'"])


@st.composite
def typed_scripts(draw: st.DrawFn) -> str:
    """Scripts as people type them: their own order, quotes, comments, blank lines and indentation."""
    depth = draw(st.sampled_from(["", "  ", "    "]))
    rows = ["# mine\n", "title:   x\n", draw(gaps), "scenes:\n"]
    for number in range(draw(st.integers(1, 4))):
        keys = draw(st.permutations(["slugline", "action", "part", "dialogue"]))
        values = {
            "slugline": draw(quotes).format("INT. BAR - DAY"),
            "action": f"Joe {draw(st.sampled_from(['talks', 'sleeps: well', '| x']))}",
            "part": draw(st.sampled_from(["tag", '"act_1"   # here'])),
            "dialogue": f"[{{who: joe, line: Hm{number}}}]",
        }
        lead = draw(st.sampled_from(["- ", "-   "]))
        for place, key in enumerate(keys):
            indent = depth + (lead if place == 0 else " " * len(lead))
            rows += [f"{indent}{key}:{draw(st.sampled_from([' ', '   ']))}{values[key]}\n"]
        rows += [draw(gaps)]
    return "".join(rows)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=typed_scripts(), data=st.data())
def test_what_is_written_in_leaves_comments_order_quotes_and_blank_lines(
    tmp_path: Path, typed: str, data: st.DataObject
) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(typed, "utf-8")
    count = len(read_script(file, ["joe"]).scenes)
    index = data.draw(st.integers(0, count - 1))
    insert_ids_and_shots(
        file, ids={i: f"s{i + 1:02}" for i in range(count)}, shots=dict.fromkeys(range(count), SHOTS)
    )
    assert _without_what_was_written(typed.encode(), file.read_bytes())
    set_pick(file, scene=index, shot=1, pick=3)
    assert _without_what_was_written(typed.encode(), file.read_bytes())
    before, old = file.read_text("utf-8"), read_scene_text(file, index)
    replace_scene(file, index, NEW)
    assert file.read_text("utf-8").replace(read_scene_text(file, index), old, 1) == before
    replace_scene(file, index, old)
    assert file.read_text("utf-8") == before, "there and back again is nothing"
