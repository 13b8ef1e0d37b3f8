"""When there is time for a preview."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flows.studio.filming.local.previews import PreviewTime
from flows.studio.filming.models import open_model

PICTURE = np.zeros((2, 3, 3), np.uint8)


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def film(step_seconds: float, preview_seconds: float, num_steps: int) -> tuple[list[int], float]:
    """The steps after which a preview was drawn, and the share of the time that all of them took."""
    clock, shown, spent = Hands(), [], 0.0
    budget = PreviewTime(clock)

    def draw() -> np.ndarray:
        clock.now += preview_seconds
        return PICTURE

    for step in range(1, num_steps + 1):
        clock.now += step_seconds
        if preview := budget.offer(draw, step=step, num_steps=num_steps):
            assert preview() is PICTURE
            shown.append(step)
            spent += preview_seconds
    return shown, spent / clock.now


@pytest.mark.parametrize(
    ("step_seconds", "preview_seconds", "num_steps"),
    [(0.5, 0.05, 12), (0.5, 0.2, 20), (80.0, 3.3, 50), (0.3, 0.01, 16), (0.02, 0.001, 50)],
)
def test_previews_begin_at_once_and_take_a_twentieth_of_the_time_at_most(
    step_seconds: float, preview_seconds: float, num_steps: int
) -> None:
    shown, share = film(step_seconds, preview_seconds, num_steps)
    assert shown[0] == 1
    assert share <= 0.05
    assert num_steps not in shown  # the film itself follows


def test_a_cheap_preview_comes_after_every_step_but_four_times_a_second_at_most():
    assert film(0.5, 0.01, 10)[0] == list(range(1, 10))
    assert len(film(0.01, 0.0001, 100)[0]) == 4


def test_a_dear_preview_comes_once():
    assert film(0.1, 0.4, 20)[0] == [1]


def test_a_preview_that_nobody_draws_takes_no_time():
    clock = Hands()
    budget = PreviewTime(clock)
    assert budget.offer(lambda: PICTURE, step=1, num_steps=9) is not None
    clock.now = 0.01
    assert budget.offer(lambda: PICTURE, step=2, num_steps=9) is not None


def test_a_model_offers_previews_that_show_the_clip():
    with_model = open_model("toon", device="cpu")
    pictures: list[np.ndarray] = []

    def on_step(step: int, num_steps: int, preview: Any) -> None:
        if preview is not None:
            pictures.append(preview())

    try:
        video = with_model.generate("orange cat", seed=1, num_frames=3, num_steps=4, on_step=on_step)
    finally:
        with_model.close()
    assert pictures
    assert pictures[0].shape == video.frames.shape[1:]
    middle = video.frames[1].astype(int)
    assert np.abs(pictures[0] - middle).mean() < np.abs(middle - middle.mean((0, 1))).mean()
