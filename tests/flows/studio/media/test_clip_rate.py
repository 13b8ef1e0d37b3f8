"""Clips of any rate and size: converted once to the timeline's 24, near-lossless where they are large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.studio.media import clip_rate, clips
from flows.studio.picture import memes
from flows.studio.picture.memes import MemeFiles, MemeText
from flows.studio.rates import FPS
from flows.studio.workspace import artifacts


def _numbered(count: int, height: int = 16, width: int = 16) -> np.ndarray:
    """Frames that are each of one grey, their number times two."""
    greys = np.arange(count, dtype=np.uint8) * 2
    return np.broadcast_to(greys[:, None, None, None], (count, height, width, 3)).copy()


@pytest.mark.parametrize(
    ("num_frames", "fps", "shown"),
    [
        (8, 24, (0, 1, 2, 3, 4, 5, 6, 7)),
        (4, 16, (0, 0, 1, 2, 2, 3)),
        (5, 25, (0, 1, 2, 3, 4)),
        (10, 30, (0, 1, 2, 3, 5, 6, 7, 8)),
        (2, 12, (0, 0, 1, 1)),
        (1, 48, (0,)),
    ],
)
def test_frames_of_any_rate_are_shown_at_their_own_speed(
    num_frames: int, fps: float, shown: tuple[int, ...]
) -> None:
    assert clip_rate.timeline_frames(num_frames, fps) == shown


@pytest.mark.parametrize(("num_frames", "fps"), [(81, 16), (121, 24), (129, 15), (85, 30), (97, 23.976)])
def test_a_converted_clip_is_as_long_as_the_film(num_frames: int, fps: float) -> None:
    numbers = clip_rate.timeline_frames(num_frames, fps)
    assert abs(len(numbers) / FPS - num_frames / fps) < 1 / FPS
    assert list(numbers) == sorted(numbers)
    assert numbers[-1] >= num_frames - 2


def test_a_clip_of_eight_a_second_is_stored_as_it_always_was(tmp_path: Path) -> None:
    frames = _numbered(5)
    assert clip_rate.store_clip(frames, 8, tmp_path / "new.mp4") == {"num_frames": 5, "fps": 8}
    clips.write_clip(frames, 8, tmp_path / "old.mp4")
    assert (tmp_path / "new.mp4").read_bytes() == (tmp_path / "old.mp4").read_bytes()
    assert np.array_equal(clips.read_clip(tmp_path / "new.mp4"), frames)


def test_a_clip_of_sixteen_a_second_is_stored_at_twenty_four(tmp_path: Path) -> None:
    frames, path = _numbered(9), tmp_path / "a.mp4"
    notes = clip_rate.store_clip(frames, 16, path)
    assert notes == {"num_frames": 5, "full_frames": 14, "fps": 16}
    assert np.array_equal(clips.read_clip(path), frames[list(clip_rate.timeline_frames(9, 16))])


def test_a_large_clip_is_near_lossless_and_read_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, x = np.mgrid[0:90, 0:160]
    frames = np.stack(
        [np.dstack([128 + 100 * np.sin((x + 3 * n) / 9), y * 2.0, x * 1.5]) for n in range(12)]
    ).astype(np.uint8)
    clips.write_clip(frames, 24, tmp_path / "small.mp4")
    monkeypatch.setattr(clips, "LARGE_BYTES", 5 * frames[0].nbytes)
    clips.write_clip(frames, 24, tmp_path / "large.mp4")
    small, large = clips.read_clip(tmp_path / "small.mp4"), clips.read_clip(tmp_path / "large.mp4")
    assert isinstance(large, np.memmap)
    assert np.array_equal(small, frames)
    assert large.shape == frames.shape
    error = np.mean((large.astype(float) - frames) ** 2)
    assert 10 * np.log10(255**2 / error) > 40
    assert (tmp_path / "large.mp4").stat().st_size < (tmp_path / "small.mp4").stat().st_size / 2


def test_a_meme_of_a_fluent_clip_moves_with_every_frame_of_the_timeline(tmp_path: Path) -> None:
    recipe = {"kind": "clip"}
    fluent = artifacts.create(
        tmp_path, "s01.1", recipe, ".mp4", write=lambda path: clip_rate.store_clip(_numbered(25), 24, path)
    )
    files = MemeFiles(tmp_path / "m.mp4", gif=tmp_path / "m.gif")
    num_frames = memes.render_meme(fluent.path, files, words=MemeText(), size=(64, 36), seconds=2)
    assert num_frames == 48
    greys = [int(frame[18, 32, 0]) for frame in clips.iter_frames(tmp_path / "m.mp4")]
    assert len(set(greys[:24])) > 20
