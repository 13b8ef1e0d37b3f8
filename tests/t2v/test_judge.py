"""The judge in the package, with its real weights, on clips that nothing was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import t2v
from t2v import judge as judging
from t2v.configs import TOON, TOON_PRESETS
from t2v.judge import NOBODY, Judge, SeenFigure, Verdict, figure_at, judge, labels, sampled_frames
from t2v.toon.acting import Scene, sample_scene
from t2v.toon.direction import PARTS, Direction, act, make_pose
from t2v.toon.drawing.scene import draw, draw_with_figures
from t2v.toon.world import COLOURS, KINDS, PLACES, Figure, Staging
from t2v.training.judge_dataset import (
    LabelledClips,
    augment,
    draw_labelled,
    draw_sampled_frames,
    mirror,
    reconstruct,
)
from t2v.training.judge_recipe import accuracies, judge_loss, package_autoencoder

torch.set_num_threads(1)
HEIGHT, WIDTH = TOON.sizes["16:9"]
CAT = Figure("cat", "orange", "talking", place="left")
ROBOT = Figure("robot", "green", "waving", place="right")
PAIR = Staging("kitchen", "day", "medium", "still", (CAT, ROBOT), 5)


def scenes(count: int, seed: int, *, num_frames: int = 16) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [sample_scene(rng, num_frames, plainly=True) for _ in range(count)]


def fresh(count: int, seed: int) -> LabelledClips:
    return draw_labelled([(scene, True) for scene in scenes(count, seed)], (HEIGHT, WIDTH))


def drawn(scene: Scene, height: int, width: int) -> np.ndarray:
    return draw_with_figures(
        scene.staging, num_frames=len(scene.poses), height=height, width=width, poses=scene.poses
    )[0]


def acted(*directions: Direction) -> Scene:
    """The pair, in a direction each for all of six frames."""
    return Scene(PAIR, (tuple(make_pose(one) for one in directions),) * 6)


def test_it_sees_who_stands_where_and_in_which_set() -> None:
    verdict = judge(draw(PAIR, height=HEIGHT, width=WIDTH))
    assert (verdict.set, verdict.time, verdict.size) == ("kitchen", "day", "medium")
    assert [(f.kind, f.colour, f.place) for f in verdict.figures] == [
        ("cat", "orange", "left"),
        ("robot", "green", "right"),
    ]


def test_it_sees_what_everybody_does_in_every_frame() -> None:
    told = Direction(left_arm="up", right_arm="down"), Direction(left_arm="out", right_arm="out")
    cat, robot = judge(drawn(acted(*told), HEIGHT, WIDTH)).figures
    assert len(cat.directions) == len(robot.directions) == 6
    assert {(one.left_arm, one.right_arm) for one in cat.directions} == {("up", "down")}
    assert {(one.left_arm, one.right_arm) for one in robot.directions} == {("out", "out")}
    seated = judge(drawn(acted(Direction(body="seated"), act("waving", 3)), HEIGHT, WIDTH)).figures[0]
    assert {one.body for one in seated.directions} == {"seated"}


def test_it_is_right_on_set_size_count_and_colour_of_freshly_drawn_clips() -> None:
    shares = accuracies(judging.load_judge(), fresh(24, 77_001))
    assert min(shares["set"], shares["size"]) >= 0.95
    assert min(shares["colour"], shares["count"]) >= 0.9


def test_it_is_right_on_what_the_autoencoder_gives_back() -> None:
    sharp = fresh(12, 77_002)
    soft = LabelledClips(reconstruct(package_autoencoder(), sharp.clips), sharp.labels)
    shares = accuracies(judging.load_judge(), soft)
    assert shares["set"] >= 0.9
    assert shares["colour"] >= 0.85


def test_it_sees_square_clips_and_clips_of_any_length() -> None:
    few = scenes(8, 77_003, num_frames=5)
    square = [judge(drawn(scene, 160, 160)) for scene in few]
    assert sum(v.set == scene.staging.set for v, scene in zip(square, few, strict=True)) >= 7


@pytest.mark.parametrize(("height", "width"), [(64, 112), (320, 320), (256, 448)])
def test_it_sees_what_smaller_and_larger_films_show(height: int, width: int) -> None:
    few = scenes(24, 77_004, num_frames=6)
    found = [judge(drawn(scene, height, width)) for scene in few]
    assert sum(v.set == scene.staging.set for v, scene in zip(found, few, strict=True)) >= 23
    kinds = [
        (f.kind in {seen.kind for seen in v.figures})
        for v, scene in zip(found, few, strict=True)
        for f in scene.staging.figures
    ]
    assert np.mean(kinds) > 0.8


@pytest.mark.parametrize("size", [size for preset in TOON_PRESETS for size in preset.sizes.values()])
def test_every_size_that_a_toon_films_is_looked_at_in_one_of_two(size: tuple[int, int]) -> None:
    frames = np.full((2, *size, 3), 200, np.uint8)
    seen = judging.at_judged_size(frames)
    assert seen.shape[1:3] in TOON.sizes.values()
    assert (seen == 200).all()


@pytest.mark.parametrize(
    "shape", [(16, 64, 64, 3), (64, 112, 3), (0, 64, 112, 3), (2, 128, 112, 3), (2, 384, 672, 3)]
)
def test_a_clip_of_another_size_is_refused_in_one_line(shape: tuple[int, ...]) -> None:
    with pytest.raises(t2v.SettingsError, match="wanted a clip of TOON") as error:
        judge(np.zeros(shape, np.uint8))
    assert "\n" not in str(error.value)


def test_the_file_is_small_and_says_how_often_it_is_right() -> None:
    from t2v.checkpoints.files.safetensors import read_weights

    assert judging.WEIGHTS.stat().st_size <= 2_000_000
    assert {"steps", "seconds", "right", "licence"} <= read_weights(judging.WEIGHTS)[1].keys()


def test_the_frames_that_are_looked_at_lie_evenly_over_the_clip() -> None:
    assert sampled_frames(16) == [0, 3, 5, 8, 11, 13]
    assert sampled_frames(6) == [0, 1, 2, 3, 4, 5]
    assert sampled_frames(1) == [0] * 6


@pytest.mark.parametrize("camera", ["still", "pan", "push-in"])
def test_drawing_the_looked_at_frames_alone_gives_the_frames_of_the_whole_clip(camera: str) -> None:
    (scene,) = scenes(1, 3)
    scene = Scene(replace(scene.staging, camera=camera), scene.poses)
    whole = drawn(scene, HEIGHT, WIDTH)[sampled_frames(16)]
    assert (draw_sampled_frames(scene, (HEIGHT, WIDTH)) == whole).all()


def test_labels_name_every_place_and_leave_out_what_an_empty_one_has_not() -> None:
    told = Direction(mouth="wide", left_arm="up"), Direction(back="seen", body="crouched")
    right = labels(acted(*told))
    assert right["kind"] == [KINDS.index("cat"), NOBODY, KINDS.index("robot")]
    assert right["colour"] == [COLOURS.index("orange"), -1, COLOURS.index("green")]
    assert right["action"][1] == -1
    assert right["mouth"] == [[PARTS["mouth"].index("wide"), -1, -1]] * 6  # of a back no mouth
    assert right["left_arm"] == [[PARTS["left_arm"].index("up"), -1, 0]] * 6
    assert right["body"] == [[0, -1, PARTS["body"].index("crouched")]] * 6


def test_nothing_is_asked_of_who_is_gone_nor_the_action_of_who_does_more_than_one_thing() -> None:
    gone = acted(Direction(step="gone"), Direction())
    right = labels(gone, plainly=False)
    assert [frame[0] for frame in right["left_arm"]] == [-1] * 6
    assert right["action"] == [-1, -1, -1]
    close = replace(PAIR, size="close-up", figures=(replace(CAT, place="centre"),))
    assert labels(Scene(close, ((make_pose(Direction()),),)))["body"] == [[-1, -1, -1]]


def test_one_who_is_alone_may_stand_anywhere_and_others_stand_in_their_place() -> None:
    left, right = (
        SeenFigure("cat", "red", "talking", place, sure) for place, sure in (("left", 0.4), ("right", 0.8))
    )
    verdict = Verdict("bar", "day", "medium", (left, right))
    assert figure_at("centre", verdict, alone=True) == right
    assert figure_at("left", verdict, alone=False) == left
    assert figure_at("centre", verdict, alone=False) is None


def test_in_a_mirror_left_and_right_change_their_answers() -> None:
    left, right = (PARTS["gaze"].index(side) for side in ("left", "right"))
    told = {
        "kind": torch.tensor([[1, 2, 3]]),
        "set": torch.tensor([4]),
        "left_arm": torch.tensor([[[1, 2, -1]]]),
        "right_arm": torch.tensor([[[5, 6, -1]]]),
        "gaze": torch.tensor([[[left, 0, -1]]]),
    }
    pictures, answers = mirror(torch.arange(6.0).view(1, 1, 2, 3), told)
    assert pictures[0, 0, 0].tolist() == [2, 1, 0]
    assert answers["kind"].tolist() == [[3, 2, 1]]
    assert answers["set"].tolist() == [4]
    assert answers["left_arm"].tolist() == [[[-1, 6, 5]]]
    assert answers["right_arm"].tolist() == [[[-1, 2, 1]]]
    assert answers["gaze"].tolist() == [[[-1, 0, right]]]


def test_what_is_disturbed_keeps_its_size_and_differs_from_clip_to_clip() -> None:
    pictures = torch.zeros(4, 18, HEIGHT, WIDTH)
    out = augment(pictures, torch.Generator().manual_seed(3))
    assert out.shape == pictures.shape
    assert len({round(float(clip.std()), 5) for clip in out}) == 4


def test_a_fresh_judge_learns_a_handful_of_clips() -> None:
    torch.manual_seed(0)
    network, few = Judge(width=8), fresh(8, 3)
    pictures = judging.stack_frames(few.clips)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(12):
        loss = judge_loss(network(pictures), few.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    answers = network(pictures)
    assert answers["kind"].shape == (8, len(PLACES), len(KINDS) + 1)
    assert answers["mouth"].shape == (8, 6, len(PLACES), len(PARTS["mouth"]))
