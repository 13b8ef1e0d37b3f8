"""Clips with their settings inside, in the three forms that people ask for."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.media import clip_export, ffmpeg

SETTINGS = {"prompt": "кот = cat; # \\ \n“two” 🐈" + " very" * 120, "seed": 7, "lora": ["a.safetensors:0.5"]}


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (5, 16, 24, 3), np.uint8)


@pytest.mark.parametrize("name", ["c.mp4", "c.gif", "folder"])
def test_settings_come_back_as_they_were_whatever_is_in_them(tmp_path, frames, name):
    clip_export.export_clip(frames, 8, tmp_path / name, SETTINGS)
    assert clip_export.read_settings(tmp_path / name) == SETTINGS


def test_an_mp4_plays_everywhere(tmp_path, frames):
    clip_export.export_clip(frames, 8, tmp_path / "c.mp4", SETTINGS)
    contents = ffmpeg.probe(tmp_path / "c.mp4")
    assert (contents.width, contents.height, contents.num_frames) == (24, 16, 5)
    assert "yuv420p" in contents.video
    assert "8 fps" in contents.video


def test_a_gif_with_a_comment_is_still_a_gif(tmp_path, frames):
    clip_export.export_clip(frames, 8, tmp_path / "c.gif", SETTINGS)
    with Image.open(tmp_path / "c.gif") as image:
        assert (image.size, image.n_frames, image.info["loop"]) == ((24, 16), 5, 0)
        image.seek(4)
        image.load()


def test_pngs_are_without_loss_and_a_shorter_clip_leaves_none_of_the_longer_one(tmp_path, frames):
    clip_export.export_clip(frames, 8, tmp_path / "f", SETTINGS)
    clip_export.export_clip(frames[:2], 8, tmp_path / "f", SETTINGS)
    names = sorted(path.name for path in (tmp_path / "f").iterdir())
    assert names == ["000001.png", "000002.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "f" / names[1])), frames[1])


def test_a_folder_with_anything_else_is_left_alone(tmp_path, frames):
    (tmp_path / "holiday.png").write_bytes(b"")
    with pytest.raises(StudioError, match=r"wanted a folder for PNG frames alone, there is .*holiday\.png"):
        clip_export.check_target(tmp_path)
    with pytest.raises(StudioError, match="frames alone"):
        clip_export.export_clip(frames, 8, tmp_path, SETTINGS)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"no film"])
@pytest.mark.parametrize("name", ["c.mp4", "c.gif", "c.png"])
def test_a_file_that_says_nothing_is_told_as_such(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StudioError) as error:
        clip_export.read_settings(tmp_path / name)
    assert error.value.code == 2
    assert str(tmp_path / name) in str(error.value)
