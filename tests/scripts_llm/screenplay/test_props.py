"""Lines are known to talk about a thing by its word in any form, in both languages."""

from __future__ import annotations

import pytest

from scripts_llm.screenplay import props


@pytest.mark.parametrize(
    ("matter", "prop"),
    [("goldfish", "fish"), ("a cup of tea", "cup"), ("teacher", ""), ("аквариумом", "fish")],
)
def test_a_matter_is_a_prop_by_whole_words(matter: str, prop: str) -> None:
    assert props.prop_of(matter) == prop


@pytest.mark.parametrize(
    ("text", "thing", "named"),
    [
        ("The goldfish's mine.", "goldfish", True),
        ("Верни аквариум!", "аквариумом", True),
        ("The pianist plays.", "pianola", False),
        ("No.", "goldfish", False),
    ],
)
def test_a_line_names_a_thing(text: str, thing: str, named: bool) -> None:
    assert props.names(text, thing) is named
