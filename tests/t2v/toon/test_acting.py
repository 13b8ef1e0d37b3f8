"""Acted scenes: every action, mood and word of a direction is met, and each pose is drawn as directed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from t2v.toon import world
from t2v.toon.acting import Scene, sample_scene
from t2v.toon.direction import DIRECTION_WORDS, describe_direction
from t2v.toon.drawing.scene import draw_with_figures


@pytest.fixture(scope="module")
def stills() -> list[Scene]:
    rng = np.random.default_rng(0)
    return [sample_scene(rng, 1) for _ in range(4000)]


def test_every_action_and_prop_and_direction_occurs_in_single_pictures(stills: list[Scene]) -> None:
    figures = [figure for scene in stills for figure in scene.staging.figures]
    assert {f.action for f in figures} == {*world.ACTIONS, *world.NEW_ACTIONS}
    assert {f.prop for f in figures} == {None, *world.PROPS, *world.NEW_PROPS}
    said = Counter(
        word
        for scene in stills
        for direction in scene.directions()[0]
        for word in describe_direction(direction)
    )
    never = {"place-gone", "holds-none", "arms-round"}  # a picture shows whom and what it names
    assert set(DIRECTION_WORDS) - never <= said.keys()
    assert "place-gone" not in said


def test_who_embraces_is_one_of_two_and_who_carries_has_something(stills: list[Scene]) -> None:
    for scene in stills:
        actions = [figure.action for figure in scene.staging.figures]
        if "hugging" in actions:
            assert actions == ["hugging", "hugging"]
        assert all(f.prop is not None for f in scene.staging.figures if f.action == "carrying")


def test_a_clip_has_a_pose_for_every_figure_in_every_frame_and_it_moves() -> None:
    rng = np.random.default_rng(1)
    scenes = [sample_scene(rng, 16) for _ in range(60)]
    for scene in scenes:
        assert [len(frame) for frame in scene.poses] == [len(scene.staging.figures)] * 16
    changing = sum(len(set(scene.directions())) > 1 for scene in scenes if scene.staging.figures)
    assert changing > 40


def test_given_poses_are_drawn_in_the_place_of_the_actions_own() -> None:
    rng = np.random.default_rng(2)
    scene = next(s for s in iter(lambda: sample_scene(rng, 3), None) if len(s.staging.figures) == 2)
    acted, mask = draw_with_figures(scene.staging, num_frames=3, height=64, width=112, poses=scene.poses)
    plain, _ = draw_with_figures(scene.staging, num_frames=3, height=64, width=112)
    assert acted.shape == plain.shape
    assert mask.shape == (3, 64, 112)
    assert not np.array_equal(acted, plain)
