"""The benchmark of mouths: where it looks, and what it counts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from t2v.toon.direction import Direction, make_pose
from t2v.toon.drawing.scene import draw_with_figures
from t2v.toon.world import KINDS, Figure, Staging

FILE = Path(__file__).parent.parent / "benchmarks" / "toon_mouths.py"


@pytest.fixture(scope="module")
def mouths() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toon_mouths", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toon_mouths"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["medium", "close-up"])
def test_a_mouth_that_opens_is_where_the_reader_looks(mouths: ModuleType, kind: str, size: str) -> None:
    figures = (Figure(kind, "orange"),)
    staging = Staging("bar", "day", size, "still", figures, 3)
    pictures, faces = [], []
    for mouth in ("shut", "wide"):
        pose = make_pose(Direction(mouth=mouth, gaze="left", lean="right"))
        frames, _ = draw_with_figures(
            staging, num_frames=1, height=mouths.HEIGHT, width=mouths.WIDTH, poses=[[pose]]
        )
        pictures.append(frames[0].astype(int))
        faces += mouths.locate_faces(staging, [pose], 1)
    rows, columns = np.nonzero(np.abs(pictures[1] - pictures[0]).sum(-1) > 60)
    assert len(rows) > 4
    face = faces[1]
    inside = (np.abs(columns - face.x) < face.reach) & (np.abs(rows - face.y) < face.reach)
    assert inside.mean() > 0.95
    assert abs(columns.mean() - face.x) < 0.5 * face.reach
    assert mouths.crop(pictures[0].astype(np.uint8), face).shape == (32, 32, 3)


def test_a_back_a_fall_and_what_is_outside_are_not_read(mouths: ModuleType) -> None:
    face = mouths.Face(50.0, 50.0, 10.0)
    assert mouths.is_readable(Direction(), face)
    assert not mouths.is_readable(Direction(back="seen"), face)
    assert not mouths.is_readable(Direction(body="lying", lean="left"), face)
    assert not mouths.is_readable(Direction(), mouths.Face(-2.0, 50.0, 10.0))


def test_who_does_not_talk_is_silent_or_the_other(mouths: ModuleType) -> None:
    counts = mouths.Counts()
    mouths.count_frame(set(), ["joe", "don"], [0, 2], counts)
    mouths.count_frame({"joe"}, ["joe", "don"], [3, 0], counts)
    mouths.count_frame({"joe"}, ["joe", "don"], [3, None], counts)
    assert (counts.silent, counts.others) == ([True, False], [True])


def test_a_vowel_is_seen_within_an_eighth_of_a_second(mouths: ModuleType) -> None:
    line = mouths.LineCue("s01", "joe", "Oh", 10, 34, Path("x.wav"))
    cut = mouths.PictureCut("s01", "s01.1", 0, 40, Path("x"), tuple(range(40)))
    read = [[3 if frame == 20 else 0] for frame in range(40)]

    def seen(at: int) -> list[bool]:
        return list(mouths.seen_vowels(cut, line, [(at - 10) / 24], read, 0))

    assert [seen(at) for at in (16, 17, 23, 24, 38)] == [[False], [True], [True], [False], []]
