"""`train` from files to files: on TOON for two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import t2v
from flows.studio.commands.train import TrainOptions, make
from flows.studio.errors import StudioError
from flows.studio.media import clips, gif
from flows.studio.media import frames as frame_files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two clips and a picture, with their words."""
    folder = tmp_path / "data"
    frames = np.random.default_rng(0).integers(0, 256, (6, 3, 4, 3), np.uint8)
    frames = frames.repeat(24, 1).repeat(32, 2)
    clips.write_clip(frames, 8, folder / "a.mp4")
    gif.write_gif(frames, 8, folder / "b.gif", most_bytes=10_000_000)
    Image.fromarray(frames[0]).save(folder / "c.jpg")
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"an orange cat {name}\n", "utf-8")
    return folder


def test_files_are_read_at_one_size_in_their_order(data: Path) -> None:
    found = frame_files.find_captioned_files(data, None)
    assert [(c.file.name, c.caption) for c in found] == [
        ("a.mp4", "an orange cat a"),
        ("b.gif", "an orange cat b"),
        ("c.jpg", "an orange cat c"),
    ]
    frames = list(frame_files.read_frames(found, frame_files.FrameFormat(4, 8, 32, 48)))
    assert [x.shape for x in frames] == [(4, 32, 48, 3), (4, 32, 48, 3), (1, 32, 48, 3)]
    assert np.abs(frames[0][0].astype(int) - frames[2][0]).mean() < 8


def test_what_is_missing_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    (data / "b.txt").unlink()
    with pytest.raises(StudioError, match=r"b\.gif: wanted its caption in b\.txt, got none") as caught:
        frame_files.find_captioned_files(data, None)
    assert caught.value.code == 2
    assert frame_files.find_captioned_files(data, "a cat")[1].caption == "a cat"
    with pytest.raises(StudioError, match="wanted a folder"):
        frame_files.find_captioned_files(tmp_path / "none", None)
    (data / "a.mp4").write_bytes(b"no film")
    with pytest.raises(StudioError, match=r"a\.mp4: wanted a film that ffmpeg can read"):
        list(
            frame_files.read_frames(
                frame_files.find_captioned_files(data, "a cat"), frame_files.FrameFormat(4, 8, 32, 48)
            )
        )


@pytest.mark.parametrize("what", ["lora", "temporal"])
def test_toon_learns_from_a_folder_and_films_with_what_it_learned(
    what: Any, data: Path, tmp_path: Path, heard: Callable[[], Any]
) -> None:
    out, screen = tmp_path / "out", heard()
    options = TrainOptions(
        "toon", data, out, what=what, steps=2, frames=2, size="48x32", preview=("a cat",), device="cpu"
    )
    make(options, screen)
    assert "on 1 held out" in screen.text
    assert [p.name for p in (out / "previews").iterdir()] == ["step-000002-1.gif"]
    assert list(out.glob("latents-*.pt"))
    if what == "lora":
        model = t2v.load("toon", loras=[(out / "pytorch_lora_weights.safetensors", 1.0)], device="cpu")
    else:
        model = t2v.load(out / "model", device="cpu")
    video = model.generate("a cat", num_frames=2, height=32, width=48, num_steps=1)
    assert video.frames.shape == (2, 32, 48, 3)


def test_it_stops_on_time_and_the_same_command_goes_on(
    data: Path, tmp_path: Path, heard: Callable[[], Any]
) -> None:
    screen = heard()
    options = TrainOptions("toon", data, tmp_path / "out", minutes=0, frames=1, size="32x32", device="cpu")
    for _ in range(4):
        make(options, screen)
    assert [line for line in screen.lines if line.startswith("Stopped")] == [
        "Stopped after 1 of 3 were encoded. The same command goes on.",
        "Stopped after 2 of 3 were encoded. The same command goes on.",
        "Stopped after 3 of 3 were encoded. The same command goes on.",
        "Stopped at step 0 of 1000. The same command goes on.",
    ]


@pytest.mark.parametrize("size", ["big", "30x32", "0x0"])
def test_a_size_that_the_model_has_no_latents_for_is_refused(
    size: str, data: Path, tmp_path: Path, heard: Callable[[], Any]
) -> None:
    with pytest.raises(StudioError, match="--size: wanted"):
        make(TrainOptions("toon", data, tmp_path, size=size, device="cpu"), heard())
