"""How long dialogue is estimated to take, in every script."""

from __future__ import annotations

import pytest

from scripts_llm.screenplay.script import Beat, Line, Scene, Script
from scripts_llm.screenplay.timing import line_seconds, scene_seconds, script_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("Everyone blinks.", 0.8),
        ("An unimaginably uncharacteristic anthropomorphization", 1.6),  # four words, however long
        ("魚は毎日瞬きをします", 20 / 6 * 0.4),  # ten letters of two columns
        ("안녕하세요 여러분", 10 / 6 * 0.4 + 0.4),  # Korean has spaces: a short word counts as one
        ("ปลากระพริบตา", 11 / 6 * 0.4),  # a mark above a letter takes no column
    ],
)
def test_a_line_takes_as_long_as_its_words(text: str, seconds: float) -> None:
    assert line_seconds(text) == pytest.approx(seconds)


def scene(**more: object) -> Scene:
    return Scene.model_validate({"slugline": "INT. BAR - DAY", **more})


def test_a_scene_lasts_as_long_as_its_lines_pauses_and_silences() -> None:
    lines = (
        Line(who="joe", line="Does it blink?"),
        Beat(beat=0.8),
        Line(who="don", line="No.", pause_before=2),
    )
    assert scene_seconds(scene(dialogue=lines)) == pytest.approx(1.0 + 1.2 + 0.3 + 0.8 + 0.4 + 2)


def test_a_written_duration_counts_where_it_is_longer() -> None:
    line = (Line(who="joe", line="Does it blink?"),)
    assert scene_seconds(scene(dialogue=line, duration=9)) == 9
    assert scene_seconds(scene(dialogue=line, duration=1)) == pytest.approx(2.5)


def test_a_silent_scene_lasts_two_seconds() -> None:
    assert scene_seconds(scene()) == 2.0


def test_a_skipped_scene_takes_no_time() -> None:
    assert script_seconds(Script(title="Blink", scenes=(scene(), scene(skip=True)))) == 2.0
