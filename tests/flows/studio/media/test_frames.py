"""Frames that a person gives, read from pictures and films of every shape."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.media import clips
from flows.studio.media import frames as frame_files


def test_a_picture_fills_the_frame_and_its_middle_is_kept(tmp_path):
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = (200, 30, 60)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    frame = frame_files.read_picture(tmp_path / "wide.png", height=16, width=16)
    assert frame.shape == (16, 16, 3)
    assert np.abs(frame[:, 4:-4].astype(int) - (200, 30, 60)).max() <= 2
    assert frame[:, :, 0].min() > 150  # nothing of the sides but what resampling takes


def test_a_film_at_its_own_size_and_rate_comes_as_it_is(tmp_path):
    frames = np.random.default_rng(1).integers(0, 256, (6, 16, 24, 3), np.uint8)
    clips.write_clip(frames, 8, tmp_path / "a.mp4")
    read, is_longer = frame_files.read_film(tmp_path / "a.mp4", fps=8, height=16, width=24, most=6)
    np.testing.assert_array_equal(read, frames)
    assert not is_longer


def test_a_long_film_is_cut_and_told_and_another_size_is_filled(tmp_path):
    frames = np.full((24, 20, 60, 3), 90, np.uint8)
    clips.write_clip(frames, 24, tmp_path / "a.mp4")
    read, is_longer = frame_files.read_film(tmp_path / "a.mp4", fps=8, height=16, width=16, most=5)
    assert read.shape == (5, 16, 16, 3)
    assert is_longer
    assert np.abs(read.astype(int) - 90).max() <= 2


def test_what_is_no_film_is_told(tmp_path):
    (tmp_path / "a.mp4").write_text("hello", "utf-8")
    for name in ("a.mp4", "b.mp4"):
        with pytest.raises(StudioError, match="wanted a film") as error:
            frame_files.read_film(tmp_path / name, fps=8, height=16, width=16, most=5)
        assert error.value.code == 2
