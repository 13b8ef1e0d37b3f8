"""Names, places, the lock, and what the disk refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.studio.errors import StudioError
from flows.studio.workspace import files, folder
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder


@pytest.mark.parametrize(
    ("show", "name"),
    [
        ("Joe and the Don", "joe-and-the-don"),
        ("Joe's  Fish & Chips!", "joe-s-fish-chips"),
        ("Рыба моргнула", "рыба-моргнула"),
        ("हिन्दी शो", "हिन्दी-शो"),
        ("Café №5", "café-5"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", None),
        ("🐟🐟", None),
        ("☕️", None),
        ("NUL", None),
        ("a/b\\c\0d", "a-b-c-d"),
    ],
)
def test_a_show_is_called_by_its_letters_and_digits_in_every_script(show: str, name: str | None) -> None:
    made = folder.show_folder_name(show)
    if name is None:
        assert made.startswith("show-")
        assert len(made) == len("show-") + 8
    else:
        assert made == name


def test_two_shows_without_a_letter_get_folders_of_their_own() -> None:
    assert folder.show_folder_name("🐟") != folder.show_folder_name("🐱")


@pytest.mark.parametrize("show", ["x" * 300, "ж" * 80, "日本語" * 40, "Привет мир " * 20])
def test_a_folder_name_is_at_most_80_bytes_and_still_text(show: str) -> None:
    name = folder.show_folder_name(show)
    assert 0 < len(name.encode()) <= 80
    assert not name.endswith("-")


def test_no_show_leaves_the_output_folder(tmp_path: Path) -> None:
    for show in ("../x", "..", "/etc", "a/../../b", "C:\\x", "~", ".", "\0"):
        chosen = folder.choose_episode(tmp_path, show, season=1, wanted=None)
        assert chosen.root.resolve().is_relative_to(tmp_path.resolve())
        assert chosen.root.parent.parent == tmp_path


def _begun(output: Path, *codes: str) -> None:
    for code in codes:
        root = output / "a-show" / code
        root.mkdir(parents=True)
        (root / "script.yaml").write_text("x", "utf-8")


def test_without_a_code_the_newest_episode_is_worked_on(tmp_path: Path) -> None:
    assert folder.choose_episode(tmp_path, "A show", season=1, wanted=None).code == EpisodeCode(1, 1)
    _begun(tmp_path, "s01e01", "s01e02", "s01e10")
    (tmp_path / "a-show" / "notes").mkdir()
    assert str(folder.choose_episode(tmp_path, "A show", season=1, wanted=None).code) == "s01e10"
    assert str(folder.choose_episode(tmp_path, "A show", season=1, wanted="s01e02").code) == "s01e02"


def test_next_begins_an_episode_and_one_that_never_got_a_script_is_begun_again(tmp_path: Path) -> None:
    _begun(tmp_path, "s01e01")
    assert str(folder.choose_episode(tmp_path, "A show", season=1, wanted="next").code) == "s01e02"
    (tmp_path / "a-show" / "s01e02").mkdir()
    assert str(folder.choose_episode(tmp_path, "A show", season=1, wanted="next").code) == "s01e02"
    assert str(folder.choose_episode(tmp_path, "A show", season=2, wanted="next").code) == "s02e01"


def test_an_episode_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    _begun(tmp_path, "s01e01")
    with pytest.raises(StudioError, match=r"s01e07.*there: s01e01.*next begins s01e02") as caught:
        folder.choose_episode(tmp_path, "A show", season=1, wanted="s01e07")
    assert caught.value.code == 2
    with pytest.raises(StudioError, match="wanted s01e03 or next, got 'third'"):
        folder.choose_episode(tmp_path, "A show", season=1, wanted="third")


def test_the_episode_worked_on_last_is_the_one_whose_manifest_is_youngest(tmp_path: Path) -> None:
    assert folder.last_worked_on(tmp_path) is None
    for age, name in ((30, "one/s01e01"), (10, "two/s01e02"), (20, "three/s01e01"), (1, "logs/rubbish")):
        path = tmp_path / name / "manifest.json"
        path.parent.mkdir(parents=True)
        path.write_text("{}", "utf-8")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    last = folder.last_worked_on(tmp_path)
    assert last is not None
    assert last.root == tmp_path / "two/s01e02"


# ------------------------------------------------------------------------------------------------ lock


def test_a_second_run_is_told_who_holds_the_episode_and_since_when(tmp_path: Path) -> None:
    place = EpisodeFolder(tmp_path / "s01e01", EpisodeCode(1, 1))
    with (
        folder.locked(place),
        pytest.raises(StudioError, match=rf"process {os.getpid()} since \d{{4}}-\d\d-\d\d"),
        folder.locked(place),
    ):
        pass
    with folder.locked(place):
        pass


HOLD = """
import sys, time
from pathlib import Path
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder, locked
with locked(EpisodeFolder(Path(sys.argv[1]), EpisodeCode(1, 1))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_free_again_after_kill_9(tmp_path: Path) -> None:
    place = EpisodeFolder(tmp_path / "an odd [path], isn't it", EpisodeCode(1, 1))
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StudioError, match=f"process {process.pid} "), folder.locked(place):
            pass
        process.kill()
    with folder.locked(place):
        pass


def test_what_a_killed_run_left_half_written_is_swept_away_by_the_next(tmp_path: Path) -> None:
    place = EpisodeFolder(tmp_path, EpisodeCode(1, 1))
    place.clips.mkdir()
    torn = place.clips / ".s01.1-00000000.part.mp4"
    whole = place.clips / "s01.1-00000000.mp4"
    young = place.clips / ".s01.3-00000000.part.mp4"  # a host that was taken for dead may still write it
    for path in (torn, whole, young, place.clips / "s01.2.mp4.part"):
        path.write_bytes(b"x")
        if path != young:
            os.utime(path, (0, 0))
    with folder.locked(place):
        assert sorted(path.name for path in place.clips.iterdir()) == [young.name, whole.name]


# --------------------------------------------------------------------------------------------- writing


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"

    def write_half() -> None:
        with files.atomic_write(path) as part:
            part.write_text("half", "utf-8")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_half()
    assert list(path.parent.iterdir()) == []
    files.write_json(path, {"title": "Рыба"})
    assert json.loads(path.read_text("utf-8")) == {"title": "Рыба"}
    assert files.read_json(path) == {"title": "Рыба"}


def test_a_torn_or_foreign_json_file_reads_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    assert files.read_json(path) is None
    for content in ("", "{", "[1]", "\ufeff{"):
        path.write_text(content, "utf-8")
        assert files.read_json(path) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_with_what_to_try(tmp_path: Path) -> None:
    with (
        pytest.raises(StudioError, match="the disk is full; make room") as caught,
        files.disk_errors(tmp_path / "clip.mp4"),
        open("/dev/full", "w", encoding="utf-8") as full,
    ):
        full.write("x" * 100_000)
    assert caught.value.code == 1
    assert "\n" not in str(caught.value)


def test_a_disk_without_room_for_an_episode_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MIN_FREE_BYTES", 10**18)  # more than any disk has
    place = EpisodeFolder(tmp_path, EpisodeCode(1, 1))
    with pytest.raises(StudioError, match=r"the disk is full; wanted .* MB of room"), folder.locked(place):
        pass


def test_a_file_where_a_folder_belongs_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("", "utf-8")
    place = folder.choose_episode(tmp_path / "output", "A show", season=1, wanted=None)
    with (
        pytest.raises(StudioError, match="a file lies where a folder belongs") as caught,
        folder.locked(place),
    ):
        pass
    assert caught.value.code == 2


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="POSIX rights")
def test_a_folder_without_write_permission_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        with pytest.raises(StudioError, match=r"no permission to write; .*another --output") as caught:
            folder.locked(EpisodeFolder(tmp_path / "s01e01", EpisodeCode(1, 1))).__enter__()
    finally:
        if is_root:
            os.seteuid(0)
        tmp_path.chmod(0o755)
    assert caught.value.code == 2


def test_who_works_on_an_episode_is_known_without_its_lock_and_nobody_after_a_stop(tmp_path: Path) -> None:
    place = EpisodeFolder(tmp_path / "s01e01", EpisodeCode(1, 1))
    assert folder.holder(place) is None
    held = []

    def stopped() -> None:
        with folder.locked(place):
            held.append(folder.holder(place))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert f"process {os.getpid()} since" in str(held[0])
    assert folder.holder(place) is None  # the process lives, and works on it no longer
    place.lock.write_text(json.dumps({"pid": 2**22 + 1, "since": "long ago"}))  # it was killed
    assert folder.holder(place) is None
