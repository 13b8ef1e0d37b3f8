"""How a film model reads the words of a shot, and what of it is told."""

from __future__ import annotations

import pytest

from flows.studio.filming import vocabulary
from t2v.toon.prompts.understand import understand


@pytest.mark.parametrize(
    ("words", "dialect", "read"),
    [
        ("a ginger kitten hops, in the bar", "toon", "orange cat jumping, in the bar"),
        ("a (ginger:1.3) kitten hops, in the bar", "toon", "a (ginger:1.3) kitten hops, in the bar"),
        ("a ginger kitten hops", "short", "a ginger kitten hops"),
    ],
)
def test_toon_gets_its_own_words_unless_some_of_them_weigh_more(
    words: str, dialect: vocabulary.DialectName, read: str
) -> None:
    assert vocabulary.filmed_prompt(words, dialect) == read


def test_a_weight_is_no_number_of_figures() -> None:
    assert (
        understand("(orange:1.3) cat and a (blue:2) dog").prompt
        == understand("orange cat and a blue dog").prompt
    )


def test_what_toon_takes_words_for_and_what_it_leaves_out_is_told_once() -> None:
    shots = [
        ("s01.1", "medium shot, a crimson gangster talks to a cat, bar, day"),
        ("s01.2", "close-up shot, a gangster with a zither waves, bar, night"),
        ("s02.1", "a zither, bar"),
    ]
    assert vocabulary.describe_reading(shots, "toon", "TOON") == (
        "TOON reads crimson as red, gangster as man with hat",
        "TOON does not know, and leaves out: zither (s01.2)",
    )
    assert vocabulary.describe_reading(shots, "short", "ModelScope") == ()
    assert vocabulary.describe_reading([("s01.1", "red cat dancing, bar, day")], "toon", "TOON") == ()


def test_of_many_words_the_first_are_told_and_how_many_more_there_are() -> None:
    shots = [("s01.1", " and a ".join(f"blorp{letter}" for letter in "abcdefghij") + ", bar")]
    (line,) = vocabulary.describe_reading(shots, "toon", "TOON")
    assert line.endswith("blorph (s01.1) and 2 more (see manifest.json)")


def test_of_a_model_that_takes_directions_the_actions_are_more_than_the_words() -> None:
    shots = [("s01.1", "a crimson cat shrugging, bar, day")]
    assert vocabulary.describe_reading(shots, "toon", "TOON") == (
        "TOON reads crimson as red, shrugging as standing",
    )
    assert vocabulary.describe_reading(shots, "toon", "TOON", directed=True) == ("TOON reads crimson as red",)
    today, next_one = (vocabulary.writers_dialect("toon", directed=each) for each in (False, True))
    assert "falling over" in next_one.words.actions
    assert "falling over" not in today.words.actions
    assert next_one.find_fault("Joe falling over in the bar", {"joe": "Joe"}, ()) is None
    assert today.find_fault("Joe falling over in the bar", {"joe": "Joe"}, ()) is not None
    assert "nobody opens, gives, falls or leaves." in today.rules[2]
