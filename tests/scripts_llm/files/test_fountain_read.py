"""Fountain from elsewhere: screenplays as people and other programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.files.fountain_read import escape, parse_fountain, plain, read_fountain
from scripts_llm.files.fountain_script import CueNames, Heading, Paragraph, Speech, split_cue
from scripts_llm.files.fountain_write import format_fountain
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Line, Scene, Script

CAST = {"joe": Character(name="Joe"), "don": Character(name="The Don")}


def _back(text: str) -> Script:
    return parse_fountain(text, Path("x.fountain"), CAST)[0]


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
        ("JOE (V.O.):", True, None),
        ("JOE: (O.S.)", True, None),
        ("JOE:", False, None),
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
        ("Title: x\nAuthor: me\nINT. A", "Title: x\nAuthor: me\n\nINT. A"),
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


SHARED = """\
Title: The Long Cod
    A Fish Story
Author: Somebody

INT. KITCHEN - NIGHT #1#

The COD lies there. It is *not* amused.

JOE (V.O.)
(whispering)
Is it supposed to blink?
(beat)
I think it _winked_.

[[Is this funny?]]

THE DON ^
Everything blinks,
Joe.
<two spaces>
Everything.

/* EXT. NOWHERE - DAY

Cut. */

@McFish
~Blub blub
~blub

.THE STREET, LATER

!CUT TO:

> THE END <

> SMASH CUT TO:

EXT./INT. CAR - DAY #2A#

# Act Two

= They drive.

JOE (CONT'D)
Go.
""".replace("<two spaces>", "  ")


def test_another_reader_of_fountain_finds_the_same_elements_in_other_peoples_texts() -> None:
    pytest.importorskip("screenplay_tools", reason="the second reader is not installed")
    from screenplay_tools.fountain.parser import Parser

    parser = Parser()
    parser.add_text(SHARED)
    theirs = [(element.type.name, element) for element in parser.script.elements]
    ours = read_fountain(SHARED).elements
    headings = [element for element in ours if isinstance(element, Heading)]
    assert [(each.text, each.number) for each in headings] == [
        (plain(element.text.strip()), element.scene_number) for kind, element in theirs if kind == "HEADING"
    ]
    speeches = [element for element in ours if isinstance(element, Speech)]
    assert [split_cue(each.cue, CueNames({})).name.lstrip("@") for each in speeches] == [
        element.name for kind, element in theirs if kind == "CHARACTER"
    ]
    parts = [part for speech in speeches for part in speech.parts]
    assert [part.text for part in parts if part.kind == "parenthetical"] == [
        element.text.strip(" ()") for kind, element in theirs if kind == "PARENTHETICAL"
    ]
    said = [plain(element.text) for kind, element in theirs if kind in ("DIALOGUE", "LYRIC")]
    assert " ".join(part.text for part in parts if part.kind == "words") == " ".join(" ".join(said).split())
    transitions = [each for each in ours if isinstance(each, Paragraph) and each.kind == "transition"]
    assert [each.text for each in transitions] == ["SMASH CUT TO:"]
