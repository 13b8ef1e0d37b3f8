"""What an episode is filmed with, and the size of its picture."""

from __future__ import annotations

import pytest

import t2v
from flows.studio.errors import StudioError
from flows.studio.film import film_settings, picture_size
from scripts_llm.screenplay import Premise


def _premise(**more: object) -> Premise:
    return Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish.", **more})


@pytest.mark.parametrize(
    ("aspect", "filmed", "finished"),
    [("16:9", (64, 112), (1280, 720)), ("1:1", (80, 80), (720, 720)), ("9:16", (80, 80), (720, 1280))],
)
def test_each_shape_is_filmed_in_the_models_own_size(
    aspect: str, filmed: tuple[int, int], finished: tuple[int, int]
) -> None:
    premise = _premise(format={"aspect": aspect})
    settings = film_settings(premise)
    assert (settings.height, settings.width) == filmed
    assert picture_size(premise) == finished


def test_the_premise_beats_what_was_remembered_and_that_beats_the_model() -> None:
    assert film_settings(_premise()).num_steps == t2v.TOON.num_steps
    assert film_settings(_premise(), num_steps=9).num_steps == 9
    assert film_settings(_premise(video={"steps": 4}), num_steps=9).num_steps == 4
    assert film_settings(_premise(video={"guidance": 0})).guidance_scale == 0
    assert film_settings(_premise(style={"negative": "blur"})).negative_prompt == "blur"


def test_a_size_of_ones_own_has_the_shape_of_the_aspect() -> None:
    assert picture_size(_premise(format={"size": "320x180"})) == (320, 180)
    assert picture_size(_premise(format={"size": "360x640", "aspect": "9:16"})) == (360, 640)


@pytest.mark.parametrize("size", ["256x256", "720x1280", "1280x800"])
def test_a_size_of_another_shape_is_refused_with_one_that_fits(size: str) -> None:
    with pytest.raises(StudioError, match=r"format: size: .*try 1280x720") as caught:
        picture_size(_premise(format={"size": size}))
    assert caught.value.code == 2
