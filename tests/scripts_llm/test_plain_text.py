"""Text that others wrote steers neither a terminal nor the reading direction, wherever it ends up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.plain_text import one_line, strip_controls, strip_controls_deep
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Script


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a new window title\x07cat", "cat"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x07c\x08d", "abcd"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066x\u2069", "x"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("50 % of {{ jinja }} %s {0} <b> \\n", "50 % of {{ jinja }} %s {0} <b> \\n"),
        ("Кот идёт, שלום, 猫 🐈", "Кот идёт, שלום, 猫 🐈"),
    ],
)
def test_only_what_steers_is_taken_out(typed: str, left: str) -> None:
    assert strip_controls(typed) == left


@given(st.text())
def test_nothing_is_left_that_steers_and_twice_is_once(text: str) -> None:
    once = strip_controls(text)
    assert strip_controls(once) == once
    assert "\x1b" not in once
    assert not set(once) & {chr(code) for code in (0, 7, 8, 0x9B, 0x202E, 0x2067)}


def test_lists_and_mappings_are_cleaned_inside() -> None:
    assert strip_controls_deep({"a": ["\x1b[1mb", ("c\x07", 3)]}) == {"a": ["b", ("c", 3)]}


def test_a_message_is_one_short_line() -> None:
    assert one_line("a\n\x1b[31mb  c") == "a b c"
    assert len(one_line("x" * 900)) == 200


def test_premises_and_scripts_hold_plain_text_only() -> None:
    premise = Premise.model_validate(
        {
            "show": "\x1b[31mCat\u202e",
            "logline": "A \x07cat.",
            "tone": ["\x1b[1mdry"],
            "characters": {"joe": {"name": "J\x00oe"}},
        }
    )
    assert (premise.show, premise.logline, premise.tone) == ("Cat", "A cat.", ("dry",))
    assert premise.characters["joe"].name == "Joe"
    scene = {"slugline": "INT. A - DAY", "dialogue": [{"who": "joe", "line": "\x1b[5mHi"}]}
    script = Script.model_validate({"title": "\x1b]0;x\x07T", "scenes": [scene]})
    assert script.title == "T"
    line = script.scenes[0].dialogue[0]
    assert isinstance(line, Line)
    assert line.line == "Hi"
