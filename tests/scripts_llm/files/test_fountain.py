"""Fountain out and in again: nothing is lost, and what other people write elsewhere is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.files.fountain_read import parse_fountain
from scripts_llm.files.fountain_write import format_fountain
from scripts_llm.plain_text import strip_controls
from scripts_llm.screenplay.premise import Character, Meme
from scripts_llm.screenplay.script import Beat, Line, Scene, Script, Shot, SoundEffect

CAST = {
    "joe": Character(name="Joe"),
    "don": Character(name="The Don"),
    "twin_1": Character(name="Ann"),
    "twin_2": Character(name="Ann"),
    "beat": Character(),
    "li": Character(name="李 (old)"),
}
SCRIPT = Script(
    title="The Blinking Fish",
    logline="A fish blinks.",
    scenes=(
        Scene(
            id="s01",
            part="cold_open",
            slugline="INT. JOE'S APARTMENT - DAY",
            setting="apartment",
            action="Joe stares at a fish on the couch.",
            shots=(
                Shot(size="establishing", prompt="apartment, day"),
                Shot(prompt_exact="a fish, [blinking]", seed=7, takes=3, pick=2),
            ),
            dialogue=(
                Line(
                    who="joe", line="Is it supposed to blink?", parenthetical="whispering", pause_before=0.4
                ),
                Beat(beat=0.8),
                Line(who="don", line="Everything blinks, Joe.", laugh="big", off_screen=True),
            ),
            lock=True,
        ),
        Scene(
            id="s02",
            part="act_1",
            slugline="The street, later",
            transition="smash_cut",
            dialogue=(Line(who="joe", line="(sighs)"),),
        ),
    ),
)
WRITTEN = """\
Title: The Blinking Fish
Logline: A fish blinks.

# Cold Open

INT. JOE'S APARTMENT - DAY #s01#

[[setting: apartment]]
[[lock: true]]
[[shot: {size: establishing, prompt: "apartment, day"}]]
[[shot: {prompt_exact: "a fish, \\u005bblinking\\u005d", seed: 7, takes: 3, pick: 2}]]

Joe stares at a fish on the couch.

JOE
(whispering)
[[pause_before: 0.4]]
Is it supposed to blink?

[[beat: 0.8]]

THE DON (O.S.)
[[laugh: big]]
Everything blinks, Joe.

# Act One

> SMASH CUT TO:

.The street, later #s02#

[[dialogue: {who: joe, line: "(sighs)"}]]
"""


def _back(text: str) -> Script:
    return parse_fountain(text, Path("x.fountain"), CAST)[0]


def test_a_script_is_a_screenplay_with_notes_for_the_rest() -> None:
    assert format_fountain(SCRIPT, CAST) == WRITTEN
    assert _back(WRITTEN) == SCRIPT
    assert _back(WRITTEN.replace("\n", "\r\n")) == SCRIPT


SIGNS = (
    *(
        "INT. BAR - DAY",
        "JOE",
        ".hm",
        "> x <",
        "# x",
        "= x",
        "a [[b: c]] d",
        "/* x */",
        "x\n\ny",
        "~la",
        "!x",
    ),
    *(
        "(hm)",
        "Title: x",
        "CUT TO:",
        "@joe",
        "x #s01#",
        "]]",
        "a\\*b",
        "\u2028x",
        "x  y",
        "No",
        "1:30",
        "a /* b",
    ),
)
words = st.sampled_from(SIGNS) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(
    lambda text: bool(strip_controls(text).strip())
)
keys = st.sampled_from(sorted(CAST))
lines = st.builds(
    Line,
    who=keys,
    line=words,
    parenthetical=st.none() | words,
    pause_before=st.none() | st.floats(0, 10),
    laugh=st.none() | st.sampled_from(["small", "none"]),
    off_screen=st.booleans(),
    file=st.none() | st.just("a/b.wav"),
)
shots = st.builds(
    Shot,
    size=st.none() | st.just("medium"),
    prompt=words,
    seed=st.none() | st.integers(0, 2**62),
    who=st.none() | keys,
    direct=st.none() | st.dictionaries(st.integers(0, 249), words, max_size=2),
)
scenes = st.builds(
    Scene,
    part=st.none() | st.sampled_from(["cold_open", "act_1", "act_2", "tag"]),
    slugline=words,
    setting=st.none() | words,
    action=st.just("") | words,
    shots=st.none() | st.lists(shots, max_size=2).map(tuple),
    dialogue=st.lists(lines | st.builds(Beat, beat=st.floats(0.01, 10)), max_size=3).map(tuple),
    sfx=st.lists(
        st.builds(SoundEffect, file=words.map("{}.wav".format), at=st.floats(0, 9) | st.just("end")),
        max_size=1,
    ).map(tuple),
    effects=st.lists(st.sampled_from(["shake", {"zoom": 1.5}]), max_size=2).map(tuple),
    transition=st.sampled_from(["cut", "smash_cut", "fade", "dissolve"]),
    duration=st.just("auto") | st.floats(0.1, 600),
    skip=st.booleans(),
    lock=st.booleans(),
)
numbered = st.lists(scenes, min_size=1, max_size=3).map(
    lambda several: tuple(
        scene.model_copy(update={"id": f"s{number:02}" if number % 3 else None})
        for number, scene in enumerate(several, start=1)
    )
)
scripts = st.builds(
    Script,
    title=words,
    logline=st.none() | words,
    scenes=numbered,
    cast=st.just({}) | st.just({"joe": Character(look="a, b"), "amy": Character(name="The Don")}),
    meme=st.none() | st.builds(Meme, picture=words),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts)
def test_nothing_is_lost_on_the_way_there_and_back(script: Script) -> None:
    assert _back(format_fountain(script, CAST)) == script


FOREIGN = """\
Title: _**BRICK & STEEL**_
    _**FULL RETIRED**_
Credit: Written by
Author: Stu Maschwitz

FADE IN:

A quotation.

EXT. BRICK'S PATIO - DAY

= Two old friends.

A gorgeous day.  The sun is shining.

But BRICK BRADDOCK is sitting quietly.

/* cut this
out */

STEEL (O.S.)
(beer raised)
To retirement.

BRICK ^
To retirement.[[is this funny?]]

They drink.

CUT TO:

.SNIPER SCOPE POV #2A#

MOM (V.O.) (CONT'D)
Hello
there.

[[a note to myself]]

> THE END <
"""


def test_a_screenplay_from_elsewhere_is_read_and_what_has_no_place_is_told() -> None:
    script, left_out = parse_fountain(FOREIGN, Path("brick.fountain"), {"steel": Character()})
    assert script.title == "BRICK & STEEL FULL RETIRED"
    patio, scope = script.scenes
    assert (patio.slugline, patio.id, patio.transition) == ("EXT. BRICK'S PATIO - DAY", None, "fade")
    assert patio.action == (
        "A gorgeous day.  The sun is shining. But BRICK BRADDOCK is sitting quietly. They drink."
    )
    assert patio.dialogue == (
        Line(who="steel", line="To retirement.", parenthetical="beer raised", off_screen=True),
        Line(who="brick", line="To retirement."),
    )
    assert (scope.slugline, scope.id, scope.action) == ("SNIPER SCOPE POV", "2a", "THE END")
    assert scope.dialogue == (Line(who="mom", line="Hello there.", off_screen=True),)
    assert set(script.cast) == {"brick", "mom"}
    assert left_out == (
        "2 title-page lines",
        "1 early paragraph",
        "1 synopsis line",
        "2 notes",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Just some words.\n", "x.fountain: wanted scene headings like `INT. KITCHEN - DAY`, got none"),
        ("", "x.fountain: wanted scene headings"),
        (
            "INT. BAR - DAY\n\n[[duration: soon]]\n",
            "x.fountain:3: scenes.0.duration: wanted 'auto' or a number, got 'soon'",
        ),
        (
            f"INT. BAR - DAY\n\n[[slugline: INT. {'x' * 300}]]\n",
            "x.fountain:3: scenes.0.slugline: wanted at most 240 characters, got 305",
        ),
        (
            "INT. BAR - DAY\n\nJOE\n[[laugh: huge]]\nHi.\n\nJOE\n[[pause_before: -1]]\nHi.\n",
            "x.fountain:3: scenes.0.dialogue.0.laugh: wanted 'small', 'big', 'aww', 'ooh', 'applause' or",
        ),
    ],
)
def test_what_is_no_script_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ScriptError) as refused:
        _back(text)
    assert str(refused.value).startswith(message)
    assert "after validation" not in str(refused.value), "a list that is short of faulty scenes is no fault"


def test_comments_in_a_script_are_no_comments_in_fountain() -> None:
    actions = ("a /* b", "c */ d", "e\\* f", "g [[ h", "i ]] j")
    script = Script(title="/* x */", scenes=tuple(Scene(slugline="INT. A", action=text) for text in actions))
    assert _back(format_fountain(script, CAST)) == script


def test_another_reader_of_fountain_finds_the_same_scenes_and_lines() -> None:
    pytest.importorskip("screenplay_tools", reason="the second reader is not installed")
    from screenplay_tools.fountain.parser import Parser

    parser = Parser()
    parser.add_text(WRITTEN)
    found = [(element.type.name, element.text.strip()) for element in parser.script.elements]
    assert ("HEADING", "INT. JOE'S APARTMENT - DAY") in found
    assert ("ACTION", "Joe stares at a fish on the couch.") in found
    assert any(kind == "DIALOGUE" and "Is it supposed to blink?" in text for kind, text in found)
