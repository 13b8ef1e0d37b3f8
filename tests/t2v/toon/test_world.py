"""The sampler of the world: everything occurs, and a seed is a staging."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from t2v.toon import world
from t2v.toon.drawing import scene
from t2v.toon.world import COLOURS, KINDS, SETS, Figure, Staging, is_held_out, sample_staging
from t2v.training.toon_dataset import Job, draw_job

FRAMES_AND_FIGURES = np.zeros((1, 64, 112, 3), np.uint8), np.zeros((1, 64, 112), np.uint8)


def stagings(count: int, seed: int = 0) -> list[Staging]:
    rng = np.random.default_rng(seed)
    return [sample_staging(rng) for _ in range(count)]


def test_the_same_generator_gives_the_same_stagings() -> None:
    assert stagings(20) == stagings(20)
    assert stagings(20) != stagings(20, seed=1)


def test_every_word_of_the_world_occurs() -> None:
    drawn = stagings(1500)
    figures = [figure for staging in drawn for figure in staging.figures]
    assert {staging.set for staging in drawn} == set(world.SETS)
    assert {staging.time for staging in drawn} == set(world.TIMES)
    assert {staging.size for staging in drawn} == set(world.SIZES)
    assert {staging.camera for staging in drawn} == set(world.CAMERAS)
    assert {figure.kind for figure in figures} == set(world.KINDS)
    assert {figure.colour for figure in figures} == set(world.COLOURS)
    assert {figure.action for figure in figures} == set(world.ACTIONS)
    assert {figure.build for figure in figures} == set(world.BUILDS)
    assert {worn for figure in figures for worn in figure.accessories} == set(world.ACCESSORIES)
    assert {figure.prop for figure in figures} == {None, *world.PROPS}


def test_one_figure_is_the_rule_and_three_the_exception() -> None:
    counts = Counter(len(staging.figures) for staging in stagings(3000))
    assert 0.5 < counts[1] / 3000 < 0.7
    assert 0.22 < counts[2] / 3000 < 0.38
    assert 0 < counts[0] / 3000 < 0.1
    assert 0 < counts[3] / 3000 < 0.08


def test_a_close_up_shows_one_figure_that_mostly_talks_laughs_or_stands() -> None:
    faces = [staging.figures for staging in stagings(2000) if staging.size == "close-up"]
    assert all(len(figures) == 1 for figures in faces)
    calm = sum(figures[0].action in ("standing", "talking", "laughing") for figures in faces)
    assert calm / len(faces) > 0.7


def test_several_figures_stand_side_by_side_from_left_to_right() -> None:
    for staging in stagings(500):
        places = tuple(figure.place for figure in staging.figures)
        if len(places) == 2:
            assert places == ("left", "right")
        if len(places) == 3:
            assert places == ("left", "centre", "right")


def test_one_triple_in_ten_is_held_out_and_none_is_drawn_for_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    triples = [
        Staging(place, "day", "medium", "still", (Figure(kind, colour),), 0)
        for place in SETS
        for kind in KINDS
        for colour in COLOURS
    ]
    held = [staging for staging in triples if is_held_out(staging)]
    assert 0.07 < len(held) / len(triples) < 0.13
    assert {s.figures[0].kind for s in held} == set(KINDS)
    assert {s.figures[0].colour for s in held} == set(COLOURS)
    assert {s.set for s in held} == set(SETS)
    drawn: list[Staging] = []
    monkeypatch.setattr(
        scene, "draw_with_figures", lambda staging, **_: drawn.append(staging) or FRAMES_AND_FIGURES
    )
    draw_job(Job(seed=5, count=300, num_frames=1, size=(64, 112)))
    assert len(drawn) == 300
    assert not any(map(is_held_out, drawn))
