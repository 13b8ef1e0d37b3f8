"""What is drawn: deterministic, of the asked size, every word visible, faces large enough."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from t2v.toon import world
from t2v.toon.drawing.anatomy import ANATOMY, PAINT
from t2v.toon.drawing.faces import MOODS, THROAT, TONGUE
from t2v.toon.drawing.poses import Pose, pose_at
from t2v.toon.drawing.scene import draw, draw_with_figures
from t2v.toon.world import Figure, Staging

CAT = Figure("cat", "orange")
OFFICE = Staging("office", "day", "medium", "still", (CAT,), 3)


def differing_share(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """The share of the pixels that differ visibly."""
    return float((np.abs(a.astype(np.int16) - b.astype(np.int16)).max(axis=-1) > 24).mean())


def one(staging: Staging) -> NDArray[np.uint8]:
    frame: NDArray[np.uint8] = draw(staging, num_frames=1)[0]
    return frame


def test_a_staging_is_always_drawn_alike() -> None:
    assert np.array_equal(draw(OFFICE), draw(OFFICE))


def test_the_seed_moves_things_a_little() -> None:
    other = replace(OFFICE, seed=4)
    assert 0.0 < differing_share(draw(OFFICE)[0], draw(other)[0]) < 0.4


@pytest.mark.parametrize(("height", "width"), [(64, 112), (80, 80), (128, 224)])
def test_frames_have_the_asked_size(height: int, width: int) -> None:
    frames, mask = draw_with_figures(OFFICE, num_frames=3, height=height, width=width)
    assert frames.shape == (3, height, width, 3)
    assert frames.dtype == np.uint8
    assert mask.shape == (3, height, width)
    assert mask.dtype == np.float32


def test_all_sets_look_different_by_day_and_by_night() -> None:
    looks = {
        (name, time): one(Staging(name, time, "establishing", "still", (), 1))
        for name in world.SETS
        for time in world.TIMES
    }
    names = list(looks)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            assert differing_share(looks[first][::2], looks[second][::2]) > 0.25, (first, second)
    for name in world.SETS:
        assert looks[name, "night"].mean() < looks[name, "day"].mean() - 10, name


def test_all_kinds_look_different() -> None:
    looks = {kind: one(replace(OFFICE, figures=(replace(CAT, kind=kind),))) for kind in world.KINDS}
    for kind, look in looks.items():
        for other in world.KINDS[world.KINDS.index(kind) + 1 :]:
            assert differing_share(look, looks[other]) > 0.04, (kind, other)


@pytest.mark.parametrize("kind", world.KINDS)
@pytest.mark.parametrize("time", world.TIMES)
def test_the_colour_of_a_figure_is_seen_by_day_and_by_night(kind: str, time: str) -> None:
    for colour in world.COLOURS:
        figure = Figure(kind, colour)
        frame = one(Staging("spaceship", time, "medium", "still", (figure,), 5))
        near = np.abs(frame.astype(int) - PAINT[colour]).max(axis=-1) < 12
        assert near.sum() > 60, colour


@pytest.mark.parametrize("action", world.ACTIONS)
def test_every_action_moves_and_loops(action: str) -> None:
    frames = draw(replace(OFFICE, figures=(replace(CAT, action=action),)), num_frames=17)
    moved = max(differing_share(frames[0], frame) for frame in frames[1:16])
    assert moved > (0.004 if action == "standing" else 0.02)
    assert np.array_equal(frames[0], frames[16])


def test_actions_move_in_different_ways() -> None:
    clips = {
        action: draw(replace(OFFICE, figures=(replace(CAT, action=action),)))[::3] for action in world.ACTIONS
    }
    for i, first in enumerate(world.ACTIONS):
        for second in world.ACTIONS[i + 1 :]:
            assert differing_share(clips[first], clips[second]) > 0.01, (first, second)


@pytest.mark.parametrize("extra", [*world.ACCESSORIES, *world.PROPS])
def test_what_a_figure_wears_or_holds_is_seen(extra: str) -> None:
    for kind in world.KINDS:
        plain = Figure(kind, "red")
        worn = extra in world.ACCESSORIES
        with_it = replace(plain, accessories=(extra,)) if worn else replace(plain, prop=extra)
        bare, dressed = (one(replace(OFFICE, figures=(figure,))) for figure in (plain, with_it))
        assert differing_share(bare, dressed) * bare[..., 0].size >= 12, kind


def test_a_still_camera_keeps_the_set_still_and_the_others_move_it() -> None:
    empty = replace(OFFICE, figures=())
    assert differing_share(*draw(empty)[[0, 15]]) == 0.0
    assert differing_share(*draw(replace(empty, camera="pan"))[[0, 15]]) > 0.1
    assert differing_share(*draw(replace(empty, camera="push-in"))[[0, 15]]) > 0.1


def test_the_mask_lies_on_the_figures_and_more_on_their_heads() -> None:
    frames, mask = draw_with_figures(OFFICE, num_frames=4)
    assert set(np.unique(mask)) == {0.0, 0.5, 1.0}
    assert 0.03 < (mask == 1).mean() < 0.2
    _, close = draw_with_figures(replace(OFFICE, size="close-up"), num_frames=4)
    assert (close == 1).mean() > 2 * (mask == 1).mean()
    empty, nobody = draw_with_figures(replace(OFFICE, figures=()), num_frames=4)
    assert not nobody.any()
    assert np.array_equal(frames[mask == 0], empty[mask == 0])
    assert (frames[mask == 0.5] != empty[mask == 0.5]).any(-1).all()


@pytest.mark.parametrize(("height", "width", "cut"), [(64, 112, 0), (80, 80, 12)])
def test_heads_stay_inside_the_frame_with_two_figures(height: int, width: int, cut: int) -> None:
    for i, kind in enumerate(world.KINDS):
        pair = (
            Figure(kind, "red", "standing", place="left"),
            Figure(kind, "blue", "talking", place="right"),
        )
        _, mask = draw_with_figures(
            Staging("bar", "day", "medium", "still", pair, i), height=height, width=width, num_frames=16
        )
        heads = mask == 1
        border = (heads[:, 0], heads[:, -1], heads[:, :, 0], heads[:, :, -1])
        # in the square picture the cheek of a fish may touch the edge
        assert max(edge.sum(axis=1).max() for edge in border) <= cut, kind


@pytest.mark.parametrize(("size", "least"), [("medium", 4), ("close-up", 8)])
def test_a_blink_shows_that_eyes_are_large_enough(size: str, least: int) -> None:
    man = Figure("man", "blue")
    frames, mask = draw_with_figures(Staging("stage", "day", size, "still", (man,), 2))
    steps = np.abs(np.diff(frames.astype(int), axis=0)).max(axis=-1) * (mask[1:] == 1)
    blink = steps[np.argmax((steps > 150).sum(axis=(1, 2)))]
    columns = (blink > 150).sum(axis=0) >= 2
    edges = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(int), [0]])))
    widths = edges[1::2] - edges[::2]
    assert (widths >= least).sum() >= 2, widths


def test_eyes_of_all_kinds_are_large_enough_by_their_anatomy() -> None:
    for kind, anatomy in ANATOMY.items():
        medium = 0.74 * anatomy.tall * 64
        assert 2 * anatomy.eye_rx * medium >= 4, kind


@pytest.mark.parametrize("kind", [kind for kind in world.KINDS if kind != "robot"])
@pytest.mark.parametrize("action", ["talking", "laughing", "arguing"])
def test_an_open_mouth_is_at_least_six_pixels_wide(kind: str, action: str) -> None:
    frames, mask = draw_with_figures(
        Staging("park", "day", "medium", "still", (Figure(kind, "blue", action),), 6)
    )
    near = [np.abs(frames.astype(int) - colour).max(axis=-1) < 70 for colour in (THROAT, TONGUE)]
    mouth = (near[0] | near[1]) & (mask == 1)
    assert mouth.any(axis=1).sum(axis=-1).max() >= 6


def test_a_talking_mouth_opens_and_closes_every_few_frames() -> None:
    frames, mask = draw_with_figures(
        Staging("park", "day", "close-up", "still", (Figure("ghost", "white", "talking"),), 1)
    )
    throat = (np.abs(frames.astype(int) - THROAT).max(axis=-1) < 60) & (mask == 1)
    amount = throat.sum(axis=(1, 2))
    is_open = amount > amount.max() / 2
    assert 4 <= np.count_nonzero(np.diff(is_open.astype(int))) <= 10


def test_the_world_is_drawn_and_understood_without_torch() -> None:
    code = (
        "import sys, t2v.toon.drawing.scene, t2v.toon.prompts.understand; assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("action", world.NEW_ACTIONS)
def test_every_new_action_moves(action: str) -> None:
    frames = draw(replace(OFFICE, figures=(replace(CAT, action=action),)))
    assert max(differing_share(frames[0], frame) for frame in frames[1:]) > 0.004


def test_the_new_actions_are_told_apart_in_one_frame_from_each_other_and_from_the_old() -> None:
    telling = {"talking": 0, "jumping": 5, "waving": 1, "dancing": 4, "arguing": 5, "leaving": 9}
    telling |= {"double take": 12, "shrugging": 8, "falling over": 12}
    looks = {}
    for action in (*world.ACTIONS, *world.NEW_ACTIONS):
        if action in ("hugging", "carrying"):
            continue  # of two, and with a thing
        pose = pose_at(action, telling.get(action, 3), facing=1.0)
        frames, _ = draw_with_figures(OFFICE, num_frames=1, poses=[[pose]])
        looks[action] = frames[0]
    for one, other in itertools.combinations(looks, 2):
        least = 0.004 if {one, other} == {"standing", "looking aside"} else 0.008
        assert differing_share(looks[one], looks[other]) > least, (one, other)


@pytest.mark.parametrize("kind", world.KINDS)
def test_every_mood_and_gaze_is_seen_in_the_face_of_every_kind(kind: str) -> None:
    staging = replace(OFFICE, size="close-up", figures=(Figure(kind, "green"),))
    poses = [Pose(mood=mood) for mood in MOODS] + [
        Pose(gaze=gaze) for gaze in ((1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0))
    ]
    looks = [draw_with_figures(staging, num_frames=1, poses=[[pose]])[0][0] for pose in poses]
    for one, other in itertools.combinations(range(len(poses)), 2):
        assert differing_share(looks[one], looks[other]) > 0.004, (poses[one], poses[other])


def test_two_who_embrace_stand_close_together() -> None:
    figures = (Figure("man", "red", "hugging", place="left"), Figure("cat", "blue", "hugging", place="right"))
    staging = replace(OFFICE, figures=figures)
    poses = [pose_at("hugging", 0, facing=facing) for facing in (1.0, -1.0)]
    _, together = draw_with_figures(staging, num_frames=1, poses=[poses])
    _, apart = draw_with_figures(staging, num_frames=1, poses=[[Pose(), Pose()]])

    def width(mask: NDArray[np.float32]) -> int:
        columns = np.flatnonzero(mask[0].max(axis=0))
        return int(columns[-1] - columns[0])

    assert width(together) < width(apart) - 8
