"""Fountain out and in again: nothing is lost, and what other people write elsewhere is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts_llm.errors import ScriptError
from scripts_llm.files.fountain_read import escape, parse_fountain, plain
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


def _scenes(text: str) -> tuple[Scene, ...]:
    return parse_fountain(text, Path("x.fountain"), CAST)[0].scenes


def _lines(text: str) -> list[tuple[str | None, str]]:
    """(parenthetical, words) of each line of a text that follows a heading; a silence is (None, "0.7")."""
    (scene,) = _scenes(f"INT. BAR - DAY\n\n{text}\n")
    return [
        (each.parenthetical, each.line) if isinstance(each, Line) else (None, str(each.beat))
        for each in scene.dialogue
    ]


@pytest.mark.parametrize(
    ("speech", "lines"),
    [
        (
            "JOE\n(beer raised)\nTo retirement.\n(pause)\nTo us.",
            [("beer raised", "To retirement."), ("pause", "To us.")],
        ),
        ("JOE\nHello.\n(beat)", [(None, "Hello."), (None, "0.7")]),
        ("JOE\nHello.\n(he leaves)", [(None, "Hello.")]),
        ("JOE\n(loudly)\n(bouncy)\nHello.", [("loudly, bouncy", "Hello.")]),
        ("JOE\n(quietly,\nto himself)\nHello.", [("quietly, to himself", "Hello.")]),
        ("JOE\n  *(softly)*\nHello.", [("softly", "Hello.")]),
        ("JOE\n(softly) Hello.", [("softly", "Hello.")]),
        ("JOE\n(555) 123-4567", [(None, "(555) 123-4567")]),
        (
            "JOE\n(I would never in my life say this) Hello.",
            [(None, "(I would never in my life say this) Hello.")],
        ),
        ("JOE\nHello.\n(MORE)\n(CONT'D)\nAgain.", [(None, "Hello. Again.")]),
        ("JOE (on the radio)\n(slowly)\nHello.", [("on the radio, slowly", "Hello.")]),
        ("JOE\n(a) or (b)", [(None, "(a) or (b)")]),
        ("JOE\n~La la\n~la.\n\n~A second verse.", [(None, "La la la."), (None, "A second verse.")]),
        ("JOE\nOne.\n  \nTwo.\n\nHe leaves.", [(None, "One. Two.")]),
        ("JOE\nOne.[[a note\nof two lines]] Two.", [(None, "One. Two.")]),
        ("JOE\n/* cut */\nOne.\n[[funny?]]\nTwo.", [(None, "One. Two.")]),
        ("JOE\n*One\ntwo* three.", [(None, "One two three.")]),
    ],
)
def test_a_parenthetical_is_neither_spoken_nor_captioned(
    speech: str, lines: list[tuple[str | None, str]]
) -> None:
    assert _lines(speech) == lines


@pytest.mark.parametrize(
    ("cue", "off_screen", "parenthetical"),
    [
        ("JOE", False, None),
        ("JOE ^", False, None),
        ("**JOE**", False, None),
        ("@Joe", False, None),
        ("JOE (CONT'D)", False, None),
        ("JOE (V.O.)(CONT’D)", True, None),
        ("JOE (V.O., FILTERED)", True, "filtered"),
        ("JOE (FILTERED)", True, "filtered"),
        ("JOE (O. S.)", True, None),
        ("JOE (o/s)", True, None),
        ("JOE (V.O./CONT'D)", True, None),
        ("JOE (OFF SCREEN)", True, None),
        ("JOE (O.C.) ^", True, None),
        ("JOE (V.O. ON PHONE)", True, "on phone"),
        ("JOE (ON PHONE)", False, "on phone"),
        ("JOE (v.o.) (cont'd)", True, None),
    ],
)
def test_the_extensions_of_a_cue_say_whether_the_speaker_is_seen(
    cue: str, off_screen: bool, parenthetical: str | None
) -> None:
    (scene,) = _scenes(f"INT. BAR - DAY\n\n{cue}\nHello.\n")
    expected = Line(who="joe", line="Hello.", off_screen=off_screen, parenthetical=parenthetical)
    assert scene.dialogue == (expected,)


@pytest.mark.parametrize(
    "heading",
    [
        "**INT. BAR - DAY**",
        "_INT. BAR - DAY_",
        "***_INT. BAR - DAY_***",
        "**.INT. BAR - DAY**",
        ".**INT. BAR - DAY**",
        "    INT. BAR - DAY",
        "INT. BAR - DAY #7#",
        "**INT. BAR - DAY #7#**",
        "7   INT. BAR - DAY   7",
        "7. INT. BAR - DAY",
        "INT.  BAR – DAY",
        "INT. BAR -- DAY[[a note\n\nwith a blank line]]",
    ],
)
def test_a_scene_heading_is_found_in_bold_underlined_indented_and_numbered(heading: str) -> None:
    text = f"INT. KITCHEN - DAY\n\nHe eats.\n\n{heading}\n\nHe drinks.\n\n.LATER\n\nHe sleeps.\n"
    kitchen, bar, later = _scenes(text)
    assert (kitchen.action, bar.action, later.action) == ("He eats.", "He drinks.", "He sleeps.")
    assert (bar.slugline, bar.id) == ("INT. BAR - DAY", "7" if "7" in heading else None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("INT. BAR - DAY\nJOE\nHello.", "INT. BAR - DAY\n\nJOE\nHello."),  # no blank line below
        ("INT. BAR - DAY\n\nHe eats.\nINT. KITCHEN", "INT. BAR - DAY\n\nHe eats.\n\nINT. KITCHEN"),
        ("INT. A\n\nCUT TO:\nINT. B", "INT. A\n\nCUT TO:\n\nINT. B"),
        ("INT. A\n\nHe\n/* x\n\ny */\neats.", "INT. A\n\nHe\neats."),
        ("INT. A\n  \nHe eats.\n  \nJOE\nHi.\n  \nHe sits.", "INT. A\n\nHe eats.\n\nJOE\nHi.\n\nHe sits."),
        ("INT. A\n\n12.\n\nCONTINUED: (2)\n\nHe eats.", "INT. A\n\nHe eats."),
        ("INT. A\n\nHe eats.\n\n===\n\nHe sits.", "INT. A\n\nHe eats.\n\nHe sits."),
        ("\ufeffTitle: x\n\nAuthor: me\n\nINT. A", "Title: x\nAuthor: me\n\nINT. A"),
        ("    Title: _x_\n    Author: me\n\nINT. A", "Title: x\nAuthor: me\n\nINT. A"),
        ("Title:\n\tx\nAuthor:\n\tme\n\nINT. A", "Title: x\nAuthor: me\n\nINT. A"),
        ("INT. A\n\xa0\n\u3000HE EATS.\n\x0c\nHe sits.", "INT. A\n\nHE EATS.\n\nHe sits."),
        ("INT. A\n\n>**THE END**<\n> OF IT <", "INT. A\n\nTHE END OF IT"),
    ],
)
def test_two_texts_that_are_the_same_screenplay(first: str, second: str) -> None:
    assert parse_fountain(first, Path("x.fountain"), CAST) == parse_fountain(second, Path("x.fountain"), CAST)


@pytest.mark.parametrize(
    ("text", "plain_text"),
    [
        ("_**The Long Cod**_", "The Long Cod"),
        ("***bold italics*** and **bold**", "bold italics and bold"),
        ("_Steel's face FILLS the *Leupold Mark 4* scope_.", "Steel's face FILLS the Leupold Mark 4 scope."),
        ("*a **b** c*", "a b c"),
        (r"Steel enters the code: **\*9765\***", "Steel enters the code: *9765*"),
        (r"\_not underlined\_, C:\\cod", r"_not underlined_, C:\cod"),
        ("He dialed *69 and then *23, and hung up.", "He dialed *69 and then *23, and hung up."),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("YOUNG_VASYA and OLD_VASYA", "YOUNG_VASYA and OLD_VASYA"),
        ("un*frigging*believable", "unfriggingbelievable"),
        ("f**k that s**t", "f**k that s**t"),
        ("*****", "*****"),
        ("_____ is my name", "_____ is my name"),
        ("share a look.*", "share a look.*"),
    ],
)
def test_emphasis_and_escapes_are_taken_out(text: str, plain_text: str) -> None:
    assert plain(text) == plain_text
    assert plain(escape(plain_text)) == plain_text
    (scene,) = _scenes(f"Title: {text}\n\nINT. BAR - DAY\n\n{text}\n\nJOE\n{text}\n")
    assert (scene.action, scene.dialogue) == (plain_text, (Line(who="joe", line=plain_text),))


def test_a_real_screenplay_is_kept_whole() -> None:
    """The format has no limits: long action stays, monologues become several lines, other texts are cut."""
    action = [
        f"Paragraph {number} says what is seen, at some length. {'And more. ' * 20}" for number in range(8)
    ]
    speech = " ".join(f"Sentence {number} of a monologue, which goes on." for number in range(60))
    blocks = [
        f"Title: {'The Long Cod ' * 10}",
        f"INT. {'LONG ' * 60}BAR - DAY",
        *action,
        f"JOE\n(whispering {'very ' * 20}low)\n{speech}",
        f"JOE\n(beat)\n{speech}",
    ]
    script, left_out = parse_fountain("\n\n".join(blocks), Path("x.fountain"), CAST)
    (scene,) = script.scenes
    assert scene.action == " ".join(paragraph.strip() for paragraph in action)
    lines = [line for line in scene.dialogue if isinstance(line, Line)]
    assert " ".join(line.line for line in lines) == f"{speech} {speech}"
    assert all(line.line.endswith(".") for line in lines)
    half = len(lines) // 2
    assert {line.parenthetical for line in lines[:half]} == {
        "whispering very very very very very very very very very very very very very…"
    }
    assert [line.parenthetical for line in lines[half:]] == ["beat", *[None] * (half - 1)]
    assert script.title.endswith("The Long Cod…")
    assert scene.slugline.endswith("LONG…")
    assert left_out[:2] == ("1 title ending", "1 slugline ending")
    assert _back(format_fountain(script, CAST)) == script


def test_more_scenes_than_a_writer_is_asked_for_are_kept() -> None:
    text = "\n\n".join(f"INT. ROOM {number} - DAY #{number}#" for number in range(300))
    assert [scene.id for scene in _scenes(text)] == [str(number) for number in range(300)]


def test_what_comes_before_the_first_heading_is_a_scene_if_somebody_speaks_there() -> None:
    opening, bar = _scenes("FADE IN:\n\nA RIVER.\n\nIt flows.\n\nJOE (V.O.)\nFish.\n\nINT. BAR - DAY\n")
    assert (opening.slugline, opening.action, opening.transition) == ("A RIVER", "It flows.", "fade")
    assert opening.dialogue == (Line(who="joe", line="Fish.", off_screen=True),)
    assert bar.transition == "cut"
    (sketch,) = _scenes("Title: A Sketch\n\n===\n\nJOE\nHello.\n\nTHE DON\nYes.\n")
    assert (sketch.slugline, len(sketch.dialogue)) == ("OPENING", 2)


@pytest.mark.parametrize(
    ("sign", "kind"),
    [
        ("CUT TO:", "cut"),
        ("SMASH CUT TO:", "smash_cut"),
        ("**DISSOLVE TO:**", "dissolve"),
        ("CROSSFADE TO:", "dissolve"),
        ("FADE OUT.\n\nFADE IN:", "fade"),
        ("FADE TO BLACK", "fade"),
        ("> BURN TO PINK.", "cut"),
    ],
)
def test_transitions_are_no_action_and_no_speaker(sign: str, kind: str) -> None:
    first, second = _scenes(f"INT. A\n\nHe eats.\n\n{sign}\n\nINT. B\n\n!FADE TO:\n")
    assert (first.action, first.dialogue) == ("He eats.", ())
    assert (second.transition, second.action) == (kind, "FADE TO:")


@pytest.mark.parametrize(
    ("sign", "part"),
    [
        ("# Act One: The Fish", "act_1"),
        ("# ACT II", "act_2"),
        ("> **COLD OPEN** <", "cold_open"),
        ("_TAG_", "tag"),
        ("# Act Two\n\n## A sequence", "act_2"),
        ("# Act Three", None),
    ],
)
def test_sections_and_centred_titles_name_the_part_of_an_episode(sign: str, part: str | None) -> None:
    first, second = _scenes(f"INT. A\n\nHe eats.\n\nEND OF ACT ZERO\n\n{sign}\n\n= A synopsis.\n\nINT. B\n")
    assert (first.action, first.part, second.part) == ("He eats.", None, part)


def test_strangers_get_a_key_and_a_name_of_their_own() -> None:
    cues = ["O'BRIEN", "JOE'S MOM", "ÉLODIE", "ИВАН", "@McAvoy", "李雷", "ИВАН", "WIFE #2", "WIFE 2"]
    speeches = "\n\n".join(f"{cue}\nHi." for cue in cues)
    script = parse_fountain(f"INT. A\n\n{speeches}", Path("x.fountain"), {})[0]
    names = {key: who.name for key, who in script.cast.items()}
    assert names == {
        "o_brien": "O'Brien",
        "joe_s_mom": "Joe's Mom",
        "elodie": "Élodie",
        "ivan": "Иван",
        "mcavoy": "McAvoy",
        "voice_6": "李雷",
        "wife_2": "Wife #2",
        "wife_2_2": "Wife 2",
    }
    assert len(script.scenes[0].dialogue) == len(cues)


@pytest.mark.parametrize(
    "text", ["BANG!\nHe falls.", "WE SEE THE WHOLE STREET BURN.\nHe runs.", "BOB\n\nHe."]
)
def test_a_noise_and_a_sentence_in_capitals_are_no_speakers(text: str) -> None:
    (scene,) = _scenes(f"INT. A\n\n{text}\n")
    assert (scene.dialogue, scene.action) == ((), " ".join(text.split()))


def test_a_text_made_to_be_slow_is_read_at_once() -> None:
    for text in ("[[" * 50_000, "/*" * 50_000, "*a " * 50_000, "*a _b " * 20_000, "(" * 50_000, " " * 50_000):
        with pytest.raises(ScriptError, match="scene headings"):
            _back(f"\n\n{text}x\n")


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
