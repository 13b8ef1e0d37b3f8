"""TOON in what people do with a film model, measured on its frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import t2v
from t2v.pipeline import TextToVideo, to_uint8
from t2v.sampling.held_frames import frames_to_tensor

PROMPT = "medium shot, orange cat jumping, in the kitchen, day"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def toon() -> TextToVideo:
    return t2v.load("toon", device="cpu", dtype=torch.float32)


def filmed(toon: TextToVideo, **settings: Any) -> np.ndarray:
    return toon.generate(PROMPT, **{"speed": "exact", "num_steps": 10, "seed": 1, **settings}).frames


def steps(frames: np.ndarray) -> np.ndarray:
    """How far every frame is from the one before it, the first one from the last."""
    whole = frames.astype(float)
    return np.abs(whole - np.roll(whole, 1, axis=0)).mean((1, 2, 3))


def test_the_seams_of_a_long_clip_are_no_larger_than_its_inner_steps(toon: TextToVideo) -> None:
    found = steps(filmed(toon, num_frames=32, window=16))
    seams = [8, 16, 24]  # where a window begins or ends
    inner = [found[i] for i in range(1, 32) if i not in seams]
    assert max(found[seams]) <= 1.2 * max(inner)


def test_the_last_step_of_a_loop_is_no_larger_than_its_inner_steps(toon: TextToVideo) -> None:
    last, *inner = steps(filmed(toon, loop=True))
    assert last <= max(inner)


def test_held_frames_are_held_to_within_the_autoencoders_own_error(toon: TextToVideo) -> None:
    before = filmed(toon, num_frames=8)
    held = before[[0, 4]]
    film = filmed(toon, num_frames=8, seed=2, hold={0: held[0], 7: held[1]})
    with torch.inference_mode():
        own = to_uint8(toon.autoencoder.decode(toon.autoencoder.encode(frames_to_tensor(held)))[0])
    error = np.abs(own.astype(int) - held).mean()
    assert np.abs(film[[0, 7]].astype(int) - held).mean() <= error + 0.5


def test_the_step_away_from_a_held_frame_is_like_the_others_and_the_rest_moves_as_ever(
    toon: TextToVideo,
) -> None:
    held = filmed(toon, num_frames=8)[0]
    free, film = (filmed(toon, num_frames=8, seed=2, hold=hold) for hold in ({}, {0: held}))
    away, *inner = steps(film)[1:]
    assert away <= 1.3 * max(inner)
    assert np.mean(inner) > 0.8 * steps(free)[1:].mean()


@pytest.mark.parametrize(("num_frames", "window"), [(8, None), (24, 16)])
def test_a_loop_around_a_held_frame_has_no_seam_there_nor_between_windows(
    toon: TextToVideo, num_frames: int, window: int | None
) -> None:
    held = filmed(toon, num_frames=8)[0]
    film = filmed(toon, num_frames=num_frames, window=window, seed=2, hold={0: held}, loop=True)
    found = steps(film)
    seams = range(0, num_frames, 8)
    inner = [found[i] for i in range(num_frames) if i not in seams]
    assert max(found[seams]) <= 1.2 * max(inner)


def test_a_clip_that_goes_on_from_another_stays_in_its_picture(toon: TextToVideo) -> None:
    before = filmed(toon, num_frames=8)
    alone = filmed(toon, num_frames=8, seed=2)
    after = filmed(toon, num_frames=8, seed=2, hold=dict(enumerate(before[-4:])))

    def away(film: np.ndarray) -> float:
        return float(np.abs(film[4].astype(float) - before[-1]).mean())

    assert away(after) < away(alone)
    first, *inner = steps(after)[4:]
    assert first <= 1.3 * max(inner)


def test_a_weaker_strength_stays_nearer_to_the_film(toon: TextToVideo) -> None:
    before = filmed(toon, num_frames=4)
    near, far = (filmed(toon, init_frames=before, seed=2, strength=strength) for strength in (0.3, 0.9))
    away = [np.abs(film.astype(float) - before).mean() for film in (near, far)]
    assert away[0] < away[1]


def test_two_stages_keep_what_the_small_film_shows(toon: TextToVideo) -> None:
    small = filmed(toon, num_frames=4)
    large = filmed(toon, init_frames=small, height=256, width=448, strength=0.3)
    assert large.shape == (4, 256, 448, 3)
    shrunk = large.reshape(4, 128, 2, 224, 2, 3).mean((2, 4))
    assert np.abs(shrunk - small).mean() < 0.5 * small.std()


def test_fast_films_nearly_what_fifty_steps_film(toon: TextToVideo) -> None:
    exact = filmed(toon, num_frames=4, num_steps=50).astype(float)
    fast = toon.generate(PROMPT, num_frames=4, seed=1, speed="fast").frames
    assert np.abs(fast - exact).mean() < 0.25 * exact.std()
