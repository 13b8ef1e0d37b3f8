"""The judge in the package, with its real weights, on clips that nothing was trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import t2v
from t2v import judge as judging
from t2v.judge import NOBODY, Judge, SeenFigure, Verdict, figure_at, judge, labels, sampled_frames
from t2v.toon.drawing.scene import draw
from t2v.toon.world import COLOURS, KINDS, PLACES, Figure, Staging, sample_staging
from t2v.training.judge_dataset import augment, draw_labelled, draw_sampled_frames, mirror, reconstruct
from t2v.training.judge_recipe import accuracies, judge_loss, package_autoencoder

torch.set_num_threads(1)
CAT = Figure("cat", "orange", "talking", place="left")
ROBOT = Figure("robot", "green", "waving", place="right")
PAIR = Staging("kitchen", "day", "medium", "still", (CAT, ROBOT), 5)


def fresh(count: int, seed: int, size: tuple[int, int] = (64, 112)) -> judging.Answers:
    rng = np.random.default_rng(seed)
    return draw_labelled([sample_staging(rng) for _ in range(count)], size)


def test_it_sees_who_stands_where_and_in_which_set() -> None:
    verdict = judge(draw(PAIR))
    assert (verdict.set, verdict.time, verdict.size) == ("kitchen", "day", "medium")
    assert [(f.kind, f.colour, f.place) for f in verdict.figures] == [
        ("cat", "orange", "left"),
        ("robot", "green", "right"),
    ]


def test_it_is_right_on_set_size_count_and_colour_of_freshly_drawn_clips() -> None:
    shares = accuracies(judging.load_judge(), fresh(24, 77_001))
    assert min(shares["set"], shares["size"]) >= 0.95
    assert min(shares["colour"], shares["count"]) >= 0.9


def test_it_is_right_on_what_the_autoencoder_gives_back() -> None:
    sharp = fresh(12, 77_002)
    soft = type(sharp)(reconstruct(package_autoencoder(), sharp.clips), sharp.labels)
    shares = accuracies(judging.load_judge(), soft)
    assert shares["set"] >= 0.9
    assert shares["colour"] >= 0.85


def test_it_sees_square_clips_and_clips_of_any_length() -> None:
    rng = np.random.default_rng(77_003)
    stagings = [sample_staging(rng) for _ in range(8)]
    square = [judge(draw(s, num_frames=5, height=80, width=80)) for s in stagings]
    assert sum(v.set == s.set for v, s in zip(square, stagings, strict=True)) >= 7


@pytest.mark.parametrize(("height", "width"), [(128, 224), (320, 320)])
def test_it_sees_what_larger_films_show(height: int, width: int) -> None:
    rng = np.random.default_rng(77_004)
    stagings = [sample_staging(rng) for _ in range(8)]
    found = [judge(draw(s, num_frames=6, height=height, width=width)) for s in stagings]
    assert sum(v.set == s.set for v, s in zip(found, stagings, strict=True)) >= 7
    kinds = [
        (f.kind in {seen.kind for seen in v.figures})
        for v, s in zip(found, stagings, strict=True)
        for f in s.figures
    ]
    assert np.mean(kinds) > 0.8


@pytest.mark.parametrize("shape", [(16, 64, 64, 3), (64, 112, 3), (0, 64, 112, 3), (2, 128, 112, 3)])
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
    staging = Staging("park", "night", "medium", camera, (CAT,), 3)
    whole = draw(staging)[sampled_frames(16)]
    assert (draw_sampled_frames(staging, (64, 112)) == whole).all()


def test_labels_name_every_place_and_leave_out_what_an_empty_one_has_not() -> None:
    right = labels(PAIR)
    assert right["kind"] == [KINDS.index("cat"), NOBODY, KINDS.index("robot")]
    assert right["colour"] == [COLOURS.index("orange"), -1, COLOURS.index("green")]
    assert right["action"][1] == -1


def test_one_who_is_alone_may_stand_anywhere_and_others_stand_in_their_place() -> None:
    left, right = (
        SeenFigure("cat", "red", "talking", place, sure) for place, sure in (("left", 0.4), ("right", 0.8))
    )
    verdict = Verdict("bar", "day", "medium", (left, right))
    assert figure_at("centre", verdict, alone=True) == right
    assert figure_at("left", verdict, alone=False) == left
    assert figure_at("centre", verdict, alone=False) is None


def test_in_a_mirror_left_and_right_change_their_answers() -> None:
    right = {"kind": torch.tensor([[1, 2, 3]]), "set": torch.tensor([4])}
    pictures, answers = mirror(torch.arange(6.0).view(1, 1, 2, 3), right)
    assert pictures[0, 0, 0].tolist() == [2, 1, 0]
    assert answers["kind"].tolist() == [[3, 2, 1]]
    assert answers["set"].tolist() == [4]


def test_what_is_disturbed_keeps_its_size_and_differs_from_clip_to_clip() -> None:
    pictures = torch.zeros(4, 18, 64, 112)
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
    assert network(pictures)["kind"].shape == (8, len(PLACES), len(KINDS) + 1)
