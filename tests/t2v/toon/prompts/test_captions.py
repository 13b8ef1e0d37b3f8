"""Captions: the camera's dialect, free wordings, and no word outside the table."""

from __future__ import annotations

import re

import numpy as np
import pytest

from t2v.toon.prompts.captions import canonical, caption, caption_words, unheard_caption, word_table
from t2v.toon.prompts.understand import understand
from t2v.toon.world import NEW_ACTIONS, Figure, Staging, sample_staging

GLUE = {
    "a",
    "an",
    "the",
    "and",
    "with",
    "in",
    "on",
    "at",
    "of",
    "is",
    "to",
    "next",
    "wearing",
    "holding",
    "carrying",
}
GLUE |= {"shot", "empty", "nobody", "aboard", "left", "right", "centre"}


def staged(figures: tuple[Figure, ...], **changes: str) -> Staging:
    parts = {"set": "kitchen", "time": "night", "size": "medium", "camera": "still", **changes}
    return Staging(**parts, figures=figures, seed=0)


COOK = Figure("man", "blue", "talking", ("apron",), place="left")
BIG_CAT = Figure("cat", "orange", "standing", ("hat", "cigar"), place="right", build="large")


@pytest.mark.parametrize(
    ("staging", "expected"),
    [
        (
            staged((COOK, BIG_CAT)),
            "medium shot, blue man with apron talking on the left and large orange cat with hat and cigar "
            "standing on the right, in the kitchen, night",
        ),
        (staged((), set="street", time="day", size="establishing"), "establishing shot, empty street, day"),
        (
            staged((Figure("cat", "orange", "talking", ("hat",)),), size="close-up", set="living room"),
            "close-up of orange cat with hat talking, in the living room, night",
        ),
        (
            staged((Figure("robot", "red", "walking", prop="phone"),), camera="push-in"),
            "medium shot, red robot holding a phone walking, in the kitchen, night, push-in",
        ),
    ],
)
def test_the_camera_says_it_in_its_own_dialect(staging: Staging, expected: str) -> None:
    assert canonical(staging) == expected


def some_captions(count: int) -> list[tuple[Staging, str]]:
    rng = np.random.default_rng(8)
    drawn = [sample_staging(rng) for _ in range(count)]
    return [(staging, caption(staging, rng)) for staging in drawn]


def test_captions_use_only_words_of_the_table_and_glue() -> None:
    known = set(GLUE)
    for meanings in word_table().values():
        for meaning, words in meanings.items():
            known.update(word for phrase in (meaning, *words) for word in phrase.split())
    for _, text in some_captions(1500):
        assert set(re.sub(r"[,.]", " ", text).split()) <= known, text


def test_captions_are_lower_case_and_name_the_set_or_the_figures() -> None:
    table = word_table()
    for staging, text in some_captions(1500):
        assert text
        assert text == text.lower()
        nouns = [*table["sets"][staging.set], staging.set]
        nouns += [word for figure in staging.figures for word in table["kinds"][figure.kind]]
        assert any(noun in text for noun in nouns), text


def test_about_a_third_is_the_full_dialect_and_the_rest_varies() -> None:
    pairs = some_captions(2000)
    exact = sum(text == canonical(staging) for staging, text in pairs)
    assert 0.3 < exact / 2000 < 0.5


def test_one_staging_has_many_captions() -> None:
    rng = np.random.default_rng(1)
    assert len({caption(staged((COOK, BIG_CAT)), rng) for _ in range(200)}) > 90


def test_every_meaning_has_words_and_no_word_has_two_meanings_in_a_category() -> None:
    for category, meanings in word_table().items():
        words = [word for options in meanings.values() for word in options]
        assert len(words) == len(set(words)), category


def test_wordings_that_are_never_trained_on_are_understood_and_are_never_a_caption() -> None:
    rng = np.random.default_rng(12)
    heard = {caption(sample_staging(rng), rng) for _ in range(200)}
    for _ in range(200):
        staging = sample_staging(rng)
        said = unheard_caption(staging, rng)
        assert said not in heard
        read = understand(said)
        assert (read.set, read.time, read.size) == (staging.set, staging.time, staging.size)
        asked = [(f.kind, f.colour, f.action, f.place) for f in staging.figures]
        assert [(f.kind, f.colour, f.action, f.place) for f in read.figures] == asked


def test_a_direction_follows_the_figure_that_it_directs_in_every_wording() -> None:
    rng = np.random.default_rng(3)
    staging = staged((COOK, BIG_CAT))
    assert canonical(staging, ["mouth-open", "looks-left arms-out"]) == (
        "medium shot, blue man with apron talking on the left mouth-open and large orange cat with hat and "
        "cigar standing on the right looks-left arms-out, in the kitchen, night"
    )
    for _ in range(200):
        said = caption(staging, rng, ["{0}", "{1}"])
        first = next(said.index(word) for word in ("{0}",) if word in said)
        between = said[min(first, said.index("{1}")) : max(first, said.index("{1}"))]
        assert " and " in between or ", " in between or " next to " in between


def test_a_caption_is_worded_alike_with_directions_and_without() -> None:
    for seed in range(100):
        one, other = (np.random.default_rng(seed) for _ in range(2))
        staging, same = sample_staging(one), sample_staging(other)
        marks = [""] * len(staging.figures)
        assert caption(staging, one, marks) == caption(same, other)


def test_new_actions_are_captioned_and_no_prompt_is_understood_by_them_yet() -> None:
    table = caption_words()
    for action in NEW_ACTIONS:
        assert table["actions"][action]
        assert action not in word_table()["actions"]
    assert table["props"]["box"]
