"""TOON itself, with the weights that are in the package."""

from __future__ import annotations

import numpy as np
import pytest

import t2v
from t2v.fingerprint import weight_file
from t2v.pipeline import TextToVideo

PROMPT = "close-up shot, orange cat with hat talking, in the kitchen, night"


@pytest.fixture(scope="module")
def toon() -> TextToVideo:
    assert weight_file("toon").exists(), "the package has lost its film model"
    return t2v.load("toon", device="cpu")


def test_toon_films_in_colour_at_its_own_size_and_as_its_seed_says(toon: TextToVideo) -> None:
    film = toon.generate(PROMPT, num_frames=2, num_steps=4, seed=7)
    assert film.frames.shape == (2, 64, 112, 3)
    assert film.fps == 8
    assert film.frames.std() > 20
    again = toon.generate(PROMPT, num_frames=2, num_steps=4, seed=7)
    assert np.array_equal(film.frames, again.frames)


def test_toon_hears_where_it_is_night_and_where_day_on_the_beach(toon: TextToVideo) -> None:
    def mean(time: str) -> float:
        prompt = f"establishing shot, empty beach, {time}"
        return float(toon.generate(prompt, num_frames=1, num_steps=8, seed=1).frames.mean())

    assert mean("night") < mean("day") - 15


def test_its_weights_have_a_fingerprint_of_sixteen_digits() -> None:
    assert len(t2v.fingerprint("toon")) == 16
    int(t2v.fingerprint("toon"), 16)
