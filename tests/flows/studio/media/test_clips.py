"""A clip comes back as it was written."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media.clips import ClipReader, read_clip, read_frame, read_middle_frame, write_clip


def noise(num_frames, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(16, 64, 112), (16, 80, 80), (1, 64, 112), (3, 33, 57)])
def test_every_frame_comes_back_exactly(tmp_path, shape):
    frames = noise(*shape)
    write_clip(frames, 8, tmp_path / "a.mp4")
    assert np.array_equal(read_clip(tmp_path / "a.mp4"), frames)


def test_a_clip_that_is_played_forwards_gives_any_frame_and_begins_anew_to_go_back(tmp_path):
    frames = noise(5, 18, 32)
    write_clip(frames, 8, tmp_path / "a.mp4")
    played = ClipReader(tmp_path / "a.mp4")
    for number in (0, 0, 1, 3, 3, 4, 2, 4, 0):
        assert np.array_equal(played[number], frames[number])


def test_one_frame_of_a_clip_is_the_one_that_is_asked_for(tmp_path):
    frames = noise(5, 18, 32)
    write_clip(frames, 8, tmp_path / "a.mp4")
    assert np.array_equal(read_frame(tmp_path / "a.mp4", 3), frames[3])
    assert np.array_equal(read_middle_frame(tmp_path / "a.mp4"), frames[2])


def test_the_file_is_written_in_one_move(tmp_path, monkeypatch):
    path = tmp_path / "clips" / "a.mp4"
    write_clip(noise(2, 16, 16), 8, path)
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr("flows.studio.workspace.files.os.replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_clip(noise(2, 16, 16, seed=1), 8, path)
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["a.mp4"]


def test_a_clip_lies_anywhere(tmp_path):
    folder = tmp_path / "it's, [a] 'Кот': 100% of \\it"
    frames = noise(2, 16, 16)
    write_clip(frames, 8, folder / "-a:b.mp4")
    assert np.array_equal(read_clip(folder / "-a:b.mp4"), frames)


def test_a_clip_that_is_not_there_or_not_a_film_is_named(tmp_path):
    with pytest.raises(StudioError, match=r"gone\.mp4: wanted a clip"):
        read_clip(tmp_path / "gone.mp4")
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(StudioError, match=r"reading the clip .*text\.mp4"):
        read_clip(tmp_path / "text.mp4")


def test_frames_of_another_kind_are_refused(tmp_path):
    with pytest.raises(StudioError, match="wanted frames as uint8"):
        write_clip(np.zeros((2, 16, 16, 3), np.float32), 8, tmp_path / "a.mp4")
    with pytest.raises(StudioError, match="wanted frames as uint8"):
        write_clip(np.zeros((0, 16, 16, 3), np.uint8), 8, tmp_path / "a.mp4")
