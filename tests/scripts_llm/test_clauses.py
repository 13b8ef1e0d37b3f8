"""What hangs on a sentence is cut off, with its places kept, and said by or to the one whom it is about."""

from __future__ import annotations

import pytest

from scripts_llm.clauses import split_clauses, spoken

VERBS = frozenset({"opens", "runs", "investigates", "cross"})


@pytest.mark.parametrize(
    ("text", "language", "relative", "reason", "obstacle"),
    [
        (
            "A baker who lost his recipe opens a shop because the oven talks to him",
            "en",
            "lost his recipe",
            "the oven talks to him",
            "",
        ),
        ("A dog is hired as a lifeguard, and cannot swim", "en", "", "", "cannot swim"),
        (
            "An alien opens a laundrette, although it does not wear clothes",
            "en",
            "",
            "",
            "it does not wear clothes",
        ),
        ("A goldfish investigates who ate the flakes", "en", "", "", ""),
        ("Two nuns who hate sand cross the desert", "en", "hate sand", "", ""),
        ("Because it rains", "en", "", "", ""),
        (
            "Пёс, который боится воды, работает спасателем, а плавать не умеет",
            "ru",
            "боится воды",
            "",
            "плавать не умеет",
        ),
    ],
)
def test_clauses_are_told_apart(text: str, language: str, relative: str, reason: str, obstacle: str) -> None:
    found = split_clauses(text, language, VERBS)
    assert (found.relative, found.reason, found.obstacle) == (relative, reason, obstacle)
    assert len(found.main) == len(text)
    assert all(a in (b, " ") for a, b in zip(found.main, text, strict=True))


@pytest.mark.parametrize(
    ("clause", "person", "said"),
    [
        ("the oven talks to him", "I", "the oven talks to me"),
        ("she needs a chain", "I", "I need a chain"),
        ("cannot swim", "you", "you cannot swim"),
        ("it does not wear clothes", "you", "you do not wear clothes"),
        ("they faints at the sight of his clues", "you", "you faint at the sight of your clues"),
    ],
)
def test_a_clause_about_the_hero_is_spoken(clause: str, person: str, said: str) -> None:
    assert spoken(clause, person, creature=True) == said
