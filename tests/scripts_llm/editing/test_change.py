"""One change at a time in a script that somebody else has open: nothing else changes."""

from __future__ import annotations

import difflib
import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scripts_llm.editing.change import (
    Conflict,
    Place,
    arrange_part,
    arrange_scenes,
    insert_element,
    insert_scene,
    set_value,
)
from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_script
from scripts_llm.files.write import save_script
from scripts_llm.screenplay.script import Beat, Line, Scene, Script, Shot

TYPED = """\
# my own scene list
schema: 1
title:   "The  Fish"   # two spaces are meant

scenes:
  - id: s01   # the cold open
    slugline: INT. KITCHEN - DAY
    action: >-
      Joe is standing,
      the Don is sleeping.
    shots:
      # wide first
      - {size: establishing, prompt: "Joe, the Don"}
      - size: close-up
        prompt: 'Joe: talking'   # closer
    dialogue:
      # Anna: is this line funny?
      - joe: "Wait: what?"   # Anna: I like it
      - {who: don, line: Cod., laugh: small}   # short
      - {beat: 0.8}
      - don: No.
        laugh: big

  # Anna: the best one
  # by far
  - id: s02
    slugline: INT. BAR - NIGHT
    skip: true
    dialogue: [{who: joe, line: "x"}, {who: don, line: y}]
    shots: []
  -  # the last one
    id: s03
    slugline: EXT. BEACH - DAY
    lock: true   # do not touch
    dialogue: []
# the end of my file
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.yaml"
    path.write_text(TYPED, "utf-8")
    return path


def changed(path, before=TYPED):
    """The lines that differ, without their place."""
    rows = difflib.unified_diff(before.splitlines(), path.read_text("utf-8").splitlines(), n=0, lineterm="")
    return [row for row in rows if not row.startswith(("---", "+++", "@@"))]


def second_reader(path):
    return YAML(typ="safe").load(io.StringIO(path.read_text("utf-8")))


DIALOGUE = "dialogue"


@pytest.mark.parametrize(
    ("place", "key", "old", "new", "lines"),
    [
        (Place("s01", DIALOGUE, 1), "line", "Cod.", "Hake, fresh", 2),
        (Place("s01", DIALOGUE, 0), "line", "Wait: what?", "No # comment: at all", 2),
        (Place("s01", DIALOGUE, 3), "line", "No.", "y", 2),
        (Place("s01", DIALOGUE, 3), "laugh", "big", "aww", 2),
        (Place("s01", DIALOGUE, 3), "laugh", "big", None, 1),
        (Place("s01", DIALOGUE, 1), "laugh", "small", None, 2),
        (Place("s01", DIALOGUE, 1), "parenthetical", None, "whispering", 2),
        (Place("s01", DIALOGUE, 0), "laugh", None, "small", 1),
        (Place("s01", DIALOGUE, 0), "who", "joe", "don", 2),
        (Place("s01", DIALOGUE, 1), "who", "don", "joe", 2),
        (Place("s01", DIALOGUE, 2), "beat", 0.8, 1.5, 2),
        (Place("s01", "shots", 0), "prompt", "Joe, the Don", "the Don, Joe", 2),
        (Place("s01", "shots", 1), "prompt", "Joe: talking", "Joe", 2),
        (Place("s01", "shots", 1), "pick", None, 2, 1),
        (Place("s01", "shots", 0), "seed", None, 7, 2),
        (Place("s01"), "slugline", "INT. KITCHEN - DAY", "INT. CAFE - DAY", 2),
        (Place("s01"), "action", "Joe is standing, the Don is sleeping.", "Nobody.\nAt all.", 4),
        (Place("s01"), "skip", False, True, 1),
        (Place("s02"), "skip", True, False, 2),
        (Place("s02"), "skip", True, None, 1),
        (Place("s03"), "lock", True, None, 2),
        (Place("s03"), "setting", None, "beach", 1),
    ],
)
def test_a_value_changes_and_nothing_else(script, place, key, old, new, lines):
    set_value(script, place, key, old=old, new=new)
    assert len(changed(script)) == lines, changed(script)
    for comment in (
        "# my own",
        "# two spaces",
        "# Anna: I like it",
        "# closer",
        "# do not touch",
        "# the end",
    ):
        assert comment in script.read_text("utf-8")
    read_script(script, cast=("joe", "don"))
    found = next(scene for scene in second_reader(script)["scenes"] if scene["id"] == place.scene)
    element = found if place.part is None else found[place.part][place.index]
    short = key in ("who", "line") and "line" not in element
    assert (
        ({"who": next(iter(element)), "line": next(iter(element.values()))} if short else element).get(key)
    ) == new


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_going_there_and_back_gives_the_same_bytes(script, line_end):
    before = TYPED.replace("\n", line_end).encode()
    script.write_bytes(before)
    place = Place("s01", DIALOGUE, 0)
    set_value(script, place, "line", old="Wait: what?", new="Other")
    set_value(script, place, "line", old="Other", new="Wait: what?")
    assert script.read_bytes() == before
    set_value(script, Place("s01"), "lock", old=None, new=True)
    set_value(script, Place("s01"), "lock", old=True, new=None)
    assert script.read_bytes() == before
    arrange_scenes(script, old=["s01", "s02", "s03"], new=["s03", "s01", "s02"])
    arrange_scenes(script, old=["s03", "s01", "s02"], new=["s01", "s02", "s03"])
    assert script.read_bytes() == before


def test_another_value_in_the_file_is_a_conflict_and_nothing_is_written(script):
    with pytest.raises(Conflict) as conflict:
        set_value(script, Place("s01", DIALOGUE, 1), "line", old="Haddock.", new="Hake.")
    assert conflict.value.now == "Cod."
    with pytest.raises(Conflict) as conflict:
        set_value(script, Place("s01"), "skip", old=True, new=False)
    assert conflict.value.now is None
    for place in (Place("s09"), Place(""), Place("s01", DIALOGUE, 40)):
        with pytest.raises(Conflict) as conflict:
            set_value(script, place, "line", old="Haddock.", new="Hake.")
        assert conflict.value.now is None
    assert script.read_text("utf-8") == TYPED


def test_a_line_is_found_where_somebody_else_has_moved_it(script):
    insert_element(script, "s01", 0, Line(who="joe", line="Before all."))
    set_value(script, Place("s01", DIALOGUE, 1), "line", old="Cod.", new="Hake.")
    assert [Line(**one).line for one in second_reader(script)["scenes"][0][DIALOGUE] if "who" in one] == [
        "Hake."
    ]


def test_a_file_that_is_too_clever_stays_as_it_is(tmp_path):
    path = tmp_path / "script.yaml"
    clever = 'schema: 1\ntitle: x\nscenes:\n  - &a {id: s01, slugline: "A"}\n  - {<<: *a, id: s02}\n'
    path.write_text(clever)
    with pytest.raises(ScriptError):
        set_value(path, Place("s01"), "slugline", old="A", new="B")
    assert path.read_text() == clever


def test_scenes_move_with_the_comments_above_them(script):
    arrange_scenes(script, old=["s01", "s02", "s03"], new=["s02", "s01", "s03"])
    text = script.read_text("utf-8")
    assert text.index("# Anna: the best one") < text.index("id: s02") < text.index("id: s01")
    assert text.endswith("# the end of my file\n")
    assert [scene["id"] for scene in second_reader(script)["scenes"]] == ["s02", "s01", "s03"]


def test_a_deleted_scene_takes_its_comments_along(script):
    arrange_scenes(script, old=["s01", "s02", "s03"], new=["s01", "s03"])
    assert "Anna: the best one" not in script.read_text("utf-8")
    assert "# the last one" in script.read_text("utf-8")
    with pytest.raises(Conflict) as conflict:
        arrange_scenes(script, old=["s01", "s02", "s03"], new=["s01"])
    assert conflict.value.now == ["s01", "s03"]
    with pytest.raises(ScriptError, match="at least one"):
        arrange_scenes(script, old=["s01", "s03"], new=[])


def test_any_order_and_any_deletion_reads_back(script):
    chance = random.Random(1)
    for _ in range(40):
        script.write_text(TYPED, "utf-8")
        order = chance.sample(["s01", "s02", "s03"], chance.randint(1, 3))
        arrange_scenes(script, old=["s01", "s02", "s03"], new=order)
        text = script.read_text("utf-8")
        assert [scene["id"] for scene in second_reader(script)["scenes"]] == order
        assert ("# Anna: the best one" in text) == ("s02" in order)
        assert text.endswith("# the end of my file\n")


def test_lines_are_moved_deleted_and_inserted(script):
    lines = [{"line": "Wait: what?"}, {"line": "Cod."}, {"beat": 0.8}, {"line": "No."}]
    arrange_part(script, "s01", DIALOGUE, old=lines, order=[1, 0, 3])
    found = second_reader(script)["scenes"][0][DIALOGUE]
    assert [next(iter(one.values())) for one in found] == ["don", "Wait: what?", "No."]
    text = script.read_text("utf-8")
    assert text.index("# Anna: is this line funny?") < text.index("Wait: what?   ".strip())
    with pytest.raises(Conflict):
        arrange_part(script, "s01", DIALOGUE, old=lines, order=[0])
    arrange_part(script, "s02", DIALOGUE, old=[{"line": "x"}, {"line": "y"}], order=[1, 0])
    assert 'dialogue: [{who: don, line: y}, {who: joe, line: "x"}]' in script.read_text("utf-8")
    arrange_part(script, "s02", DIALOGUE, old=[{"line": "y"}, {"line": "x"}], order=[])
    assert second_reader(script)["scenes"][1][DIALOGUE] == []
    now = [{"line": "Cod."}, {"line": "Wait: what?"}, {"line": "No."}]
    arrange_part(script, "s01", DIALOGUE, old=now, order=[])
    assert second_reader(script)["scenes"][0][DIALOGUE] == []
    read_script(script, cast=("joe", "don"))


@pytest.mark.parametrize("scene", ["s01", "s02", "s03"])
@pytest.mark.parametrize("index", [0, 1, 9])
@pytest.mark.parametrize(
    "new",
    [
        Line(who="joe", line="New: one"),
        Beat(beat=1),
        Line(who="don", line="x", laugh="big"),
        Shot(prompt="Joe"),
    ],
)
def test_elements_are_inserted_anywhere(script, scene, index, new):
    insert_element(script, scene, index, new)
    read = read_script(script, cast=("joe", "don"))
    found = next(one for one in read.scenes if one.id == scene)
    elements = (found.shots if isinstance(new, Shot) else found.dialogue) or ()
    assert elements[min(index, len(elements) - 1)] == new
    assert all(row.startswith(("+", "-")) for row in changed(script))
    assert sum(row.startswith("-") for row in changed(script)) <= 1


@pytest.mark.parametrize("index", [0, 1, 3])
def test_a_scene_is_inserted_anywhere(script, index):
    new = Scene(id="s04", slugline="INT. OFFICE - DAY", dialogue=(Line(who="joe", line="Hm."),))
    insert_scene(script, index, new, old=["s01", "s02", "s03"])
    assert read_script(script, cast=("joe", "don")).scenes[index] == new
    assert not [row for row in changed(script) if row.startswith("-")]


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40
).filter(str.strip)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=WORDS, new=WORDS, prompt=WORDS, order=st.permutations(range(3)))
def test_any_words_are_changed_moved_and_read_by_another_reader(tmp_path, old, new, prompt, order):
    path = tmp_path / "script.yaml"
    dialogue = (Line(who="joe", line=old), Beat(beat=1), Line(who="don", line="Cod.", laugh="big"))
    scene = Scene(id="s01", slugline="INT. X", shots=(Shot(prompt=prompt),), dialogue=dialogue)
    save_script(Script(schema=1, title="T", scenes=(scene,)), path, head=["a comment"])
    read = read_script(path, cast=("joe", "don"))
    line = read.scenes[0].dialogue[0].line
    stored = second_reader(path)["scenes"][0][DIALOGUE][0]["joe"]
    set_value(path, Place("s01", DIALOGUE, 0), "line", old=stored, new=new)
    assert second_reader(path)["scenes"][0][DIALOGUE][0]["joe"] == new
    elements = [{"line": new}, {"beat": 1}, {"line": "Cod."}]
    arrange_part(path, "s01", DIALOGUE, old=elements, order=order)
    found = second_reader(path)["scenes"][0][DIALOGUE]
    assert [one.get("joe") or one.get("beat") or one.get("line") for one in found] == [
        (new, 1, "Cod.")[index] for index in order
    ]
    assert path.read_text("utf-8").startswith("# a comment")
    assert line
