"""Clips, pictures and recordings of one's own, in place of filming and speaking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.filming.camera import film_shots
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings
from flows.studio.media import clip_rate, clips, user_files
from flows.studio.production.request import EpisodeRequest
from flows.studio.voice import lines, speak
from flows.studio.voice.lines import premise_voices
from tests.flows.fish import plan_of

FISH = "fish-chips/s01e01"


def _picture(path: Path, size: tuple[int, int] = (400, 300)) -> Path:
    wide, high = size
    ramp = np.linspace(0, 255, wide, dtype=np.uint8)[None, :, None].repeat(high, 0).repeat(3, 2)
    Image.fromarray(ramp).save(path)
    return path


def _gif(path: Path) -> Path:
    pages = [Image.new("RGB", (64, 36), (80 * n, 40, 40)) for n in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=500, loop=0)
    return path


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show, its second shot a file and its first line a recording."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    typed = tiny_script.replace(
        '{size: close-up, prompt: "The Don talking", who: don}', "{file: stock/door.png}"
    )
    typed = typed.replace("- joe: It blinked.", "- {who: joe, line: It blinked., file: take4.wav}")
    (place / "script.yaml").write_text(typed, "utf-8")
    (tiny.parent / "stock").mkdir()
    _picture(tiny.parent / "stock" / "door.png")
    tone = 0.1 * np.sin(np.arange(48_000) * 2 * np.pi * 220 / 48_000)
    soundfile.write(place / "take4.wav", tone, 48_000)
    return tiny.parent


def _survey(home: Path) -> Any:
    options = EpisodeRequest(premise=home / "fish.yaml", output=home / "output")
    found = plan_of(options)
    assert found is not None
    return found


def _film(plan: Any, number: int) -> Any:
    shot = plan.shots[number]
    folder = plan.episode.folder.clips
    with LoadedModels("cpu") as models:
        (filmed,) = film_shots([shot], plan.film, models, folder, on_step=lambda *step: None)
    return filmed.clip


def test_a_still_becomes_a_slow_push_in_at_the_films_size_and_is_copied(home: Path) -> None:
    plan = _survey(home)
    made = _film(plan, 1)
    frames = clips.read_clip(made.path)
    assert frames.shape == (5 * 24, 108, 192, 3)
    spread = [
        float(frame[54].astype(int).max() - frame[54].astype(int).min()) for frame in frames[[0, 60, -1]]
    ]
    assert spread[0] > spread[1] > spread[2], "nearer shows less of the ramp"
    copies = list((plan.episode.folder.root / "files").iterdir())
    assert [copy.name.partition("-")[2] for copy in copies] == ["door.png"]


def test_the_recipe_counts_what_is_in_a_file_and_not_its_name(home: Path) -> None:
    before = _survey(home).shots[1].digest
    (home / "stock" / "door.png").rename(home / "stock" / "other.png")
    script = home / "output" / FISH / "script.yaml"
    script.write_text(script.read_text("utf-8").replace("door.png", "other.png"), "utf-8")
    assert _survey(home).shots[1].digest == before
    _picture(home / "stock" / "other.png", (300, 300))
    assert _survey(home).shots[1].digest != before


def test_only_a_file_that_needs_correction_says_so_in_its_recipe(home: Path) -> None:
    assert set(_survey(home).shots[1].recipe) == {"kind", "file", "size", "version", "still"}
    Image.new("RGBA", (64, 36), (255, 0, 0, 0)).save(home / "stock" / "door.png")
    assert _survey(home).shots[1].recipe["corrections"] == ["background"]


def test_a_recording_of_many_channels_is_spoken_again_since_it_is_folded(home: Path) -> None:
    before = _survey(home).lines[0].recipe
    assert "folded" not in before["file"]
    channels = np.zeros((24_000, 6))
    channels[:, 2] = 0.1 * np.sin(np.arange(24_000) / 20)
    soundfile.write(home / "output" / FISH / "take4.wav", channels, 48_000)
    assert _survey(home).lines[0].recipe["file"].endswith("-folded")


def test_a_file_that_is_gone_is_taken_from_the_copy_else_named(home: Path) -> None:
    plan = _survey(home)
    made = _film(plan, 1)
    (home / "stock" / "door.png").unlink()
    assert _survey(home).shots[1].digest == plan.shots[1].digest
    assert made.path.exists()
    for copy in (plan.episode.folder.root / "files").iterdir():
        copy.unlink()
    with pytest.raises(StudioError, match=r"s01.2: wanted the file stock/door.png, got nothing") as refused:
        _survey(home)
    assert refused.value.code == 2


def test_a_copy_of_another_file_whose_name_ends_alike_is_never_taken(tmp_path: Path) -> None:
    door = _picture(tmp_path / "door.png")
    front = _picture(tmp_path / "front-door.png", (300, 300))
    copy = user_files.store_copy(door, tmp_path)
    other = user_files.store_copy(front, tmp_path)
    os.utime(other, ns=(copy.stat().st_atime_ns, copy.stat().st_mtime_ns + 10**9))
    door.unlink()
    front.unlink()
    assert user_files.locate("door.png", [tmp_path], where="s01.1") == copy
    assert user_files.locate("front-door.png", [tmp_path], where="s01.1") == other
    copy.unlink()
    with pytest.raises(StudioError, match=r"s01\.1: wanted the file door\.png"):
        user_files.locate("door.png", [tmp_path], where="s01.1")


def test_eight_frames_a_second_are_read_of_a_clip_at_the_films_own_rate(tmp_path: Path) -> None:
    own = user_files.make_clip(
        _gif(tmp_path / "ufo.gif"), tmp_path / "clips", label="s01.1", recipe={"file": "x"}, size=(96, 54)
    )
    every = clips.read_clip(own.path)[::3]
    assert np.array_equal(np.stack(list(clip_rate.iter_at_clip_rate(own.path))), every)
    own.path.with_suffix(".json").unlink()
    assert len(list(clip_rate.iter_at_clip_rate(own.path))) == 36


def test_a_recording_replaces_the_voice_as_loud_as_the_others(home: Path) -> None:
    plan = _survey(home)
    line = plan.lines[0]
    assert line.file is not None
    cast = premise_voices(plan.premise)
    made = lines.speak_line(line, cast["joe"], plan.episode.folder.voices)
    samples, rate = soundfile.read(made.path)
    assert rate == 48_000
    assert 0.9 < len(samples) / rate < 1.1
    assert made.notes["murmured"] is False
    assert np.allclose(samples, speak.read_recording(line.file).samples, atol=1e-4)
    assert [path.name.partition("-")[2] for path in (plan.episode.folder.root / "files").iterdir()] == [
        "take4.wav"
    ]


def test_a_gif_is_cut_at_the_films_own_rate(tmp_path: Path) -> None:
    made = user_files.make_clip(
        _gif(tmp_path / "ufo.gif"), tmp_path / "clips", label="s01.1", recipe={"file": "x"}, size=(96, 54)
    )
    frames = clips.read_clip(made.path)
    assert frames.shape[1:] == (54, 96, 3)
    assert made.notes["full_frames"] == len(frames) == 36
    assert made.notes["num_frames"] == 12
    assert len({int(frame[20, 20, 0]) for frame in frames}) == 3


@pytest.mark.parametrize("name", ["door.png", "door.jpg", "door.mp4", "door.gif"])
def test_a_file_that_is_not_what_its_name_says_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(StudioError, match=f"{name}: wanted a (picture|film)") as refused:
        user_files.make_clip(tmp_path / name, tmp_path / "clips", label="s01.1", recipe={}, size=(96, 54))
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "clips").iterdir())


@pytest.mark.parametrize(
    ("eighths", "full", "frames"),
    [
        ((0, 0, 0, 1, 1, 1, 2, 2), 8, (0, 1, 2, 3, 4, 5, 6, 7)),
        ((0, 0, 0, 1, 1, 1, 1, 1, 1, 1), 5, (0, 1, 2, 3, 4, 4, 4, 4, 4, 4)),
        ((1, 1, 1, 0, 0, 0), 6, (5, 4, 3, 2, 1, 0)),
        ((0,) * 6 + (1,) * 6, 6, (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)),
    ],
)
def test_the_frames_between_the_eighths_are_put_back(
    eighths: tuple[int, ...], full: int, frames: tuple[int, ...]
) -> None:
    assert clip_rate.at_full_rate(eighths, full) == frames


def test_a_clip_of_ones_own_needs_no_film_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **more: object) -> FilmSettings:
        raise AssertionError("the film model was loaded")

    monkeypatch.setattr("flows.studio.filming.models.open_model", never)
    assert _film(_survey(home), 1).path.exists()
