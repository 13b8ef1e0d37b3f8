"""What systems and editors leave in folders is passed over, wherever a folder is listed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

import t2v
from flows.studio.commands import new
from flows.studio.media import clip_export, frames
from flows.studio.production import batch
from flows.studio.production.request import BatchRequest
from flows.studio.sound import user_audio
from flows.studio.workspace import artifacts, files
from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_premise
from scripts_llm.screenplay.premise import Audio, LaughTrack

CLUTTER = (
    "._{name}",
    ".#{name}",
    ".{name}.swp",
    ".{name}.part{ending}",
    "~${name}",
    "{name}~",
    "{name}.bak",
    "{name}.part",
    ".hidden{ending}",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "Icon\r",
)


def leave_clutter(folder: Path, name: str) -> None:
    """Lays everything that systems and editors leave beside a file of that name into its folder."""
    for pattern in CLUTTER:
        left = pattern.format(name=name, ending=Path(name).suffix)
        (folder / left).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (folder / "a folder.yaml").mkdir(exist_ok=True)
    os.symlink("nowhere", folder / f"dangling{Path(name).suffix}")


@pytest.mark.parametrize("pattern", CLUTTER)
def test_a_name_that_no_person_gave_is_clutter(pattern: str) -> None:
    assert files.is_clutter(Path("folder", pattern.format(name="fish.yaml", ending=".yaml")))


@pytest.mark.parametrize(
    "name", ["fish.yaml", "#1.png", "~fish.yml", "my.part.yaml", "рыба.YAML", "a", "🐟.mp4"]
)
def test_a_name_that_a_person_gave_is_none(name: str) -> None:
    assert not files.is_clutter(Path(".folder", name))


def test_a_night_makes_the_premises_whatever_their_suffix_is_spelled_like(tmp_path: Path) -> None:
    for name, show in (("fish.yaml", "Fish"), ("COD.YML", "Cod"), ("eel.Yaml", "Eel")):
        (tmp_path / name).write_text(f"show: {show}\nlogline: A fish.\n", "utf-8")
    leave_clutter(tmp_path, "fish.yaml")
    night = batch.plan_night(BatchRequest(premises=tmp_path, output=tmp_path / "output"))
    assert [task.premise.name for task in night.tasks] == ["COD.YML", "eel.Yaml", "fish.yaml"]
    assert not night.refused


def test_training_reads_what_is_a_clip_or_a_picture_and_its_words_in_any_case(tmp_path: Path) -> None:
    for name in ("a.png", "D.MP4", "e.jpg", "E.PNG"):
        (tmp_path / name).write_bytes(b"read later")
    (tmp_path / "a.txt").write_text("a cat", "utf-8")
    (tmp_path / "D.TXT").write_bytes("a robot, ein Kätzchen".encode("utf-16"))
    (tmp_path / "e.txt").write_text("small", "utf-8")
    (tmp_path / "E.Txt").write_text("large", "utf-8")
    (tmp_path / "e.caption").write_text("the .txt counts", "utf-8")
    (tmp_path / "k.png").write_bytes(b"read later")
    (tmp_path / "k.caption").write_text("as kohya writes it", "utf-8")
    leave_clutter(tmp_path, "a.png")
    leave_clutter_text = tmp_path / "._a.txt"
    leave_clutter_text.write_bytes(b"\0\5")
    found = frames.find_captioned_files(tmp_path, None)
    assert [(each.file.name, each.caption) for each in found] == [
        ("D.MP4", "a robot, ein Kätzchen"),
        ("E.PNG", "large"),
        ("a.png", "a cat"),
        ("e.jpg", "small"),
        ("k.png", "as kohya writes it"),
    ]


@pytest.mark.parametrize(("count", "rate"), [(1, 24), (1, 60), (3, 60)])
def test_a_film_that_is_shorter_than_a_frame_is_a_picture(tmp_path: Path, count: int, rate: int) -> None:
    from flows.studio.media import clips

    film = tmp_path / "one.mp4"
    clips.write_clip(np.full((count, 64, 96, 3), 200, np.uint8), rate, film)
    for read in (
        frames._frames_of(film, frames.FrameFormat(16, 8, 32, 48)),
        frames.read_film(film, fps=8, height=32, width=48, most=16)[0],
    ):
        assert read.shape == (1, 32, 48, 3)
        assert abs(int(read.mean()) - 200) < 8


def test_a_gif_of_one_frame_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (96, 64), "#ff8000").save(tmp_path / "one.gif")
    assert frames._frames_of(tmp_path / "one.gif", frames.FrameFormat(16, 8, 32, 48)).shape == (1, 32, 48, 3)


def test_a_pack_of_laughs_is_known_by_its_sounds_alone(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    soundfile.write(tmp_path / "pack" / "BIG-1.WAV", np.zeros(2400), 24_000)
    audio = Audio(laugh_track=LaughTrack(pack=str(tmp_path / "pack")))
    before = user_audio.audio_recipe(audio)
    leave_clutter(tmp_path / "pack", "BIG-1.WAV")
    assert user_audio.audio_recipe(audio) == before


def test_frames_may_be_written_where_a_file_manager_has_been(tmp_path: Path) -> None:
    two = np.zeros((2, 16, 16, 3), np.uint8)
    clip_export.export_clip(two, 8, tmp_path / "out", {"prompt": "x"})
    for name in ("._000001.png", "._000002.png", ".DS_Store"):
        (tmp_path / "out" / name).write_bytes(b"\0\5")
    clip_export.check_target(tmp_path / "out")
    clip_export.export_clip(two, 8, tmp_path / "out", {"prompt": "x"})
    assert {"000001.png", "000002.png"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_a_copied_episode_misses_nothing(tmp_path: Path) -> None:
    made = artifacts.create(tmp_path, "s01.1", {"a": 1}, ".mp4", write=lambda path: _write(path))
    for path in (made.path, made.path.with_suffix(".json")):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5")
    made.path.with_name(f"._{made.path.name}").unlink()
    assert not artifacts.orphans(tmp_path, ".mp4")
    assert len(artifacts.stored(tmp_path, ".mp4")) == 1


def _write(path: Path) -> dict[str, Any]:
    path.write_bytes(b"a clip")
    return {}


def test_a_lora_in_a_folder_stays_itself_when_a_file_manager_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lora = tmp_path / "lora"
    lora.mkdir()
    (lora / "pytorch_lora_weights.safetensors").write_bytes(b"weights")
    before = t2v.fingerprint("toon", loras=[(lora, 1.0)])
    for name in (".DS_Store", "._pytorch_lora_weights.safetensors", "Thumbs.db", "desktop.ini"):
        (lora / name).write_bytes(b"left")
    assert t2v.fingerprint("toon", loras=[(lora, 1.0)]) == before


def test_a_folder_in_place_of_a_premise_is_answered_with_a_premise(tmp_path: Path) -> None:
    leave_clutter(tmp_path, "fish.yaml")
    (tmp_path / "a folder.yaml").rmdir()
    (tmp_path / "dangling.yaml").unlink()
    (tmp_path / "fish.YML").write_text("show: x\n", "utf-8")
    with pytest.raises(ScriptError, match=r"got a folder, try .*/fish\.YML$"):
        read_premise(tmp_path)
    with pytest.raises(ScriptError, match=r"got nothing at this path, try .*/fish\.YML$"):
        read_premise(tmp_path / "fisch.yml")


def test_shipped_premises_are_listed_without_what_a_copy_leaves(monkeypatch: Any, tmp_path: Path) -> None:
    import templates

    (tmp_path / "premises").mkdir()
    (tmp_path / "premises" / "fish.yaml").write_text("show: x\n", "utf-8")
    leave_clutter(tmp_path / "premises", "fish.yaml")
    monkeypatch.setattr(templates, "__path__", [str(tmp_path)])
    assert list(new.shipped()) == ["fish"]
