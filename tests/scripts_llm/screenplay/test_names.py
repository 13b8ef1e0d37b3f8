"""Names are found as whole words, in parts, and in Russian in every case; never inside another word."""

from __future__ import annotations

import pytest

from scripts_llm.screenplay.names import contains_phrase, people_named

SHORT = {"stan": "Stan", "dan": "Dan", "al": "Al", "rob": "Rob", "ed": "Ed", "rosa": "Rosa"}
LONG = {"mayor": "Mayor Whiskers", "mrs_pike": "Mrs Pike", "the_don": "The Don", "jean-luc": "Jean-Luc"}
RUSSIAN = {
    "boris": "Борис",
    "don": "Дон Мурзилио",
    "sasha": "Александр",
    "shura": "Александра",
    "yan": "Ян",
}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("A robot standing, stage, day", ()),
        ("a red dog dancing and talking", ()),
        ("Rosa standing, embarrassed, stage", ("rosa",)),
        ("Stan standing, Dan dancing, Al talking", ("stan", "dan", "al")),
        ("ED AND ROB", ("ed", "rob")),
        ("Stan's robot", ()),
        ("(Rob), Ed!", ("rob", "ed")),
    ],
)
def test_short_names_are_not_found_inside_other_words(words: str, named: tuple[str, ...]) -> None:
    assert people_named(words, SHORT) == named


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Whiskers dancing", ("mayor",)),
        ("mayor whiskers dancing", ("mayor",)),
        ("a cat with whiskers dancing, a mayoress", ()),
        ("mrs_pike waving at the don", ("mrs_pike", "the_don")),
        ("Pike waving at Don", ("mrs_pike", "the_don")),
        ("a pike, a pikeman, a donkey", ()),
        ("Jean-Luc talking to jean-luc and Jean Luc", ("jean-luc",)),
    ],
)
def test_parts_of_names_count_with_their_capital_and_keys_however_they_are_joined(
    words: str, named: tuple[str, ...]
) -> None:
    assert people_named(words, LONG) == named


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Борис talking", ("boris",)),
        ("Ян говорит с Борисом", ("yan", "boris")),
        ("лицо Бориса, янтарь и Январь", ("boris",)),
        ("К Дону Мурзилио идёт Борис", ("don", "boris")),
        ("Дону дали донат", ("don",)),
        ("Александра и Александр", ("shura", "sasha")),
        ("Александром", ("sasha",)),
        ("Борисовка, донка", ()),
    ],
)
def test_russian_names_are_found_in_every_case(words: str, named: tuple[str, ...]) -> None:
    assert people_named(words, RUSSIAN) == named


def test_a_cast_without_names_names_nobody() -> None:
    assert people_named("Joe", {}) == ()
    assert people_named("Joe -", {"_": "-"}) == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bar, night", True),
        ("The BAR's door", True),
        ("two bars", True),
        ("joes flat, day", True),
        ("joes_flat", True),
        ("a barber, embarrassed", False),
        ("a barren flat", False),
        ("", False),
    ],
)
def test_a_place_is_said_in_whole_words(words: str, said: bool) -> None:
    assert contains_phrase(words, ("bar", "joes_flat")) == said
    assert not contains_phrase(words, ())
