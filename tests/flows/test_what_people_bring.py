"""Inputs out of other people's bug reports: names, paths, folders, disks and clocks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.cli.app import main
from flows.studio.commands import clip
from flows.studio.commands.check import check
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import parse_lora
from flows.studio.media import clip_export, ffmpeg
from flows.studio.production.episode import Episode
from flows.studio.production.errors import describe_error
from flows.studio.production.request import EpisodeRequest, MemeText
from flows.studio.workspace import files
from flows.studio.workspace.folder import parse_code
from t2v.checkpoints.files.atomic import atomic_write
from tests.flows.fish import make


def request_of(folder: Path, **more: Any) -> EpisodeRequest:
    """`script --premise fish.yaml --writer offline` in that folder."""
    request = {"premise": folder / "fish.yaml", "output": folder / "output", "writer": "offline"}
    return EpisodeRequest(**{**request, "until": "script", **more})


# ------------------------------------------------------------------------------------- lost text, and LoRAs


def test_a_show_that_loses_its_number_is_told_by_check_and_by_a_run(
    tiny: Path, heard: Callable[[], Any]
) -> None:
    tiny.write_text(tiny.read_text("utf-8").replace("Fish & Chips", "Fish #1"), "utf-8")
    warning = f"{tiny}:1:12: YAML takes '#1' for a comment, which leaves 'Fish'; put quotes around the text"
    told = check(request_of(tiny.parent), None)
    assert told.code == 0
    assert any(line.startswith(warning) for line in told.lines)
    assert "0 errors, 1 warning." in told.lines[-1]
    console = heard()
    assert make(request_of(tiny.parent), console).code == 0
    assert next(line for line in console.lines if "YAML takes" in line).startswith(f"! {warning}")


def test_a_lora_in_a_prompt_is_refused_before_anything_is_loaded(
    tmp_path: Path, heard: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "_open_model", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(StudioError, match=r"<lora:ink:0\.7>, try --lora ink\.safetensors:0\.7") as caught:
        clip.make("a cat <lora:ink:0.7>", clip.ClipOptions(), heard(), LoadedModels())
    assert caught.value.code == 2
    request = EpisodeRequest(meme=MemeText(picture="a cat <lora:ink>"), output=tmp_path)
    with pytest.raises(StudioError, match=r"--picture: .*<lora:ink>, try --lora ink\.safetensors"):
        Episode.open(request)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_prompts_is_read_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("eine Kätze\r\n# no prompt\r\n\r\na robot\r\n".encode(encoding))
    assert clip._read_prompts(file) == ["eine Kätze", "a robot"]


# ------------------------------------------------------------------------------------ folders, disks, paths


@pytest.mark.parametrize(
    "name", ["100% of it's #1 & {x} $HOME", "папка e\u0301 🐟", "a\nb", "x" * 200, "CON ."]
)
def test_a_folder_may_be_called_anything(
    tmp_path: Path, tiny: Path, heard: Callable[[], Any], name: str
) -> None:
    home = tmp_path / name
    home.mkdir()
    tiny.rename(home / "fish.yaml")
    assert make(request_of(home, output=home / f"out {name}"), heard()).code == 0
    assert check(request_of(home, output=home / f"out {name}"), None).code == 0


def test_an_output_folder_may_be_a_link_to_another_place(
    tmp_path: Path, tiny: Path, heard: Callable[[], Any]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output").symlink_to("elsewhere")
    assert make(request_of(tmp_path), heard()).code == 0
    assert (tmp_path / "elsewhere" / "fish-chips" / "s01e01" / "script.yaml").is_file()


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("link", "a file lies where a folder belongs"),
        ("circle", "its symbolic links lead in a circle"),
        ("file", "a file lies where a folder belongs"),
        ("x" * 300, "the path is too long"),
        ("/dev/null", "a file lies where a folder belongs"),
        ("/proc/output", "no folder can be made there"),
    ],
)
def test_an_output_folder_that_cannot_be_is_named(
    tmp_path: Path, tiny: Path, heard: Callable[[], Any], output: str, fault: str
) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(StudioError, match=f"{fault}; .*choose .*--output") as caught:
        make(request_of(tmp_path, output=tmp_path / output), heard())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EROFS, "the disk is read-only"),
        (errno.EINVAL, "this disk does not allow such a name"),
        (errno.ESTALE, "the network drive was lost"),
        (errno.ENOTCONN, "the network drive was lost"),
        (errno.EIO, "the disk has a fault"),
        (errno.EMFILE, "too many files are open"),
        (errno.ENOSPC, "the disk is full"),
    ],
)
def test_what_a_disk_refuses_is_one_line(tmp_path: Path, number: int, fault: str) -> None:
    with pytest.raises(StudioError, match=rf"^{tmp_path}: {fault}; "), files.disk_errors(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path))


def test_two_runs_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    text = "fish " * 2000

    def write(number: int) -> None:
        for _ in range(20):
            files.write_json(tmp_path / "nights.json", {"number": number, "text": text})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert (files.read_json(tmp_path / "nights.json") or {})["text"] == text
    assert os.listdir(tmp_path) == ["nights.json"]


def test_a_file_may_have_the_longest_name_that_a_disk_allows(tmp_path: Path) -> None:
    path = tmp_path / ("ж" * 125 + ".json")
    files.write_json(path, {})
    assert path.is_file()


@pytest.mark.parametrize("typed", ["s1e1", "S01E01", " s01e1 "])
def test_an_episode_is_found_however_its_code_is_typed(typed: str) -> None:
    assert str(parse_code(typed)) == "s01e01"


@pytest.mark.parametrize("typed", ["1", "s" + "9" * 5000 + "e01", "s٠١e٠١", "s01e01.5", "s-1e1"])
def test_what_is_no_code_is_refused_in_a_line(typed: str) -> None:
    with pytest.raises(StudioError, match="--episode: wanted s01e03 or next"):
        parse_code(typed)


def test_an_episode_0_and_a_folder_of_specials_are_none(
    tmp_path: Path, tiny: Path, heard: Callable[[], Any]
) -> None:
    for name in ("s01e00", "s00e01", "S01E07", "s1e1", "s01e01.bak", "s01e01 copy"):
        (tmp_path / "output" / "fish-chips" / name).mkdir(parents=True)
    assert make(request_of(tmp_path), heard()).code == 0
    assert (tmp_path / "output" / "fish-chips" / "s01e01" / "script.yaml").is_file()


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[]", b"\0" * 100, b"[" * 100_000, b'{"seed": "x"}'])
def test_a_manifest_that_is_torn_is_none(
    tmp_path: Path, tiny: Path, heard: Callable[[], Any], content: bytes
) -> None:
    make(request_of(tmp_path), heard())
    manifest = tmp_path / "output" / "fish-chips" / "s01e01" / "manifest.json"
    manifest.write_bytes(content)
    for path in tmp_path.rglob("*"):
        os.utime(path, (0, 0))  # a clock that stood in 1970
    assert make(request_of(tmp_path), heard()).code == 0


@pytest.mark.parametrize(
    "name", ["-x.mp4", "1%_%04d.mp4", "Horses: a'b.mp4", "a\nb.GIF", "C.MP4", "%d", "x" * 240 + ".mp4"]
)
def test_a_clip_may_be_called_anything(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip_export.export_clip(np.zeros((2, 16, 16, 3), np.uint8), 8, Path(name), {"prompt": "x"})
    assert clip_export.read_settings(Path(name)) == {"prompt": "x"}
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("out", [".", "", "./"])
def test_frames_may_be_written_into_the_working_folder(
    tmp_path: Path, heard: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (planned,) = clip._plan_clips(["a cat"], clip.ClipOptions(seed=1, out=Path(out)), heard())
    assert planned.out == tmp_path
    with pytest.raises(StudioError, match="wanted a file or a folder for PNG, got a whole disk"):
        clip._plan_clips(["a cat"], clip.ClipOptions(seed=1, out=Path("/")), heard())


@pytest.mark.parametrize("weight", ["nan", "inf", "-inf", "1e999"])
def test_the_weight_of_a_lora_is_a_number(weight: str) -> None:
    with pytest.raises(StudioError, match=rf"lora: wanted a weight like 0\.7 behind x:, got {weight}"):
        parse_lora(f"x:{weight}")
    assert parse_lora("C:/x") == ("C:/x", 1.0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is a Linux device here")
def test_a_full_disk_is_told_whoever_writes(tmp_path: Path) -> None:
    black = ["-y", "-f", "lavfi", "-i", "color", "-t", "1", "-f", "rawvideo", "/dev/full"]
    with pytest.raises(StudioError, match="writing x: the disk is full; make room"):
        ffmpeg.run(black, doing="writing x")
    model = tmp_path / "model.pt"
    (tmp_path / "model.pt.part").symlink_to("/dev/full")
    with (
        pytest.raises(OSError, match=r"No space left on device: .*model\.pt'") as caught,
        atomic_write(model),
    ):
        raise RuntimeError("basic_ios::clear: iostream error")  # what torch says of a full disk
    line = "the disk is full; make room and run the same command again: what is made stays"
    assert describe_error(caught.value) == (f"{model}: {line}", 1)


def test_a_fault_of_the_disk_names_the_file_that_was_wanted(tmp_path: Path) -> None:
    path = tmp_path / "f.wav"
    with (
        pytest.raises(StudioError, match=rf"^{path}: the disk is read-only; "),
        files.atomic_write(path) as part,
    ):
        raise OSError(errno.EROFS, "Read-only file system", str(part))


# ------------------------------------------------------------------------------------- the command line


def test_a_tilde_that_no_shell_expanded_is_the_home_folder(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tiny.parent))
    monkeypatch.chdir(tiny.parent)
    for words in (["--premise=~/fish.yaml", "--output=~/out"], ["--premise", "~/fish.yaml", "--output", "~"]):
        with pytest.raises(SystemExit) as ended:
            main(["check", *words])
        assert ended.value.code == 0
    assert EpisodeRequest(premise=Path("~/fish.yaml")).premise == tiny
    assert os.listdir(tiny.parent) == ["fish.yaml"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["fish.yaml"], "try --premise fish.yaml ("),
        (["—premise", "fish.yaml"], "try --premise, with two plain hyphens"),
        (["-premise", "fish.yaml"], "try --premise, with two plain hyphens"),
    ],
)
def test_an_option_that_is_none_is_answered_with_the_one_that_was_meant(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    assert ended.value.code == 2
    assert hint in capsys.readouterr().err


def test_closed_streams_and_a_width_of_nothing_stop_no_command(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    for words, code in ((["check", "--premise", str(tiny)], 0), (["--help"], 0), (["check", "x"], 2)):
        monkeypatch.setattr(sys, "stdout", None)
        monkeypatch.setattr(sys, "stderr", None)
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == code
        sys.stdout.close()
        sys.stderr.close()


def test_a_user_without_a_home_hears_what_to_set(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(SystemExit) as ended:
        main(["check", "--premise", str(tiny)])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("HOME: wanted a folder for settings and caches, got none")


@pytest.mark.skipif(sys.platform == "win32", reason="no folder in use can be deleted there")
def test_a_working_folder_that_was_deleted_is_one_line(tiny: Path) -> None:
    gone = tiny.parent / "gone"
    gone.mkdir()
    code = "import os; os.rmdir(os.getcwd()); from flows.cli.app import main; main(os.sys.argv[1:])"
    command = [sys.executable, "-c", code, "check", "--premise", "../fish.yaml"]
    done = subprocess.run(command, cwd=gone, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "the working folder is not there any more; go into another one (cd) and run again\n",
    )


def test_a_library_that_cannot_be_loaded_is_named_with_its_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torchlike.py").write_text("int('ab\\nc')\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TORCHLIKE_TIMEOUT", "secret")

    namespace = {"__name__": "flows.of_a_test"}
    exec("def load():\n    import torchlike", namespace)
    with pytest.raises(ValueError, match="invalid literal") as caught:
        namespace["load"]()  # type: ignore[operator]
    assert describe_error(caught.value) == (
        "torchlike cannot be loaded: invalid literal for int() with base 10: 'ab\\nc'; "
        "it reads TORCHLIKE_TIMEOUT",
        1,
    )
    assert describe_error(ValueError("a bug of ours")) is None


def test_a_program_that_is_no_ffmpeg_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "ffmpeg"))
    ffmpeg.executable.cache_clear()
    try:
        with pytest.raises(StudioError, match=r"wanted the program ffmpeg, got: .*; unset IMAGEIO_"):
            ffmpeg.executable()
    finally:
        ffmpeg.executable.cache_clear()
