"""What is wanted of a script: how a film model reads the words of a shot."""

from __future__ import annotations

import pytest

from flows.studio.wanted import understood
from t2v.toon.words import understand


@pytest.mark.parametrize(
    ("words", "model", "read"),
    [
        ("a ginger kitten hops, in the bar", "toon", "orange cat jumping, in the bar"),
        ("a (ginger:1.3) kitten hops, in the bar", "toon", "a (ginger:1.3) kitten hops, in the bar"),
        ("a ginger kitten hops", "modelscope", "a ginger kitten hops"),
    ],
)
def test_toon_gets_its_own_words_unless_some_of_them_weigh_more(words: str, model: str, read: str) -> None:
    assert understood(words, model) == read


def test_a_weight_is_no_number_of_figures() -> None:
    assert (
        understand("(orange:1.3) cat and a (blue:2) dog").prompt
        == understand("orange cat and a blue dog").prompt
    )
