"""Pulling: archives of registries become checked files in a folder of the cache, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from flows.studio.errors import StudioError
from flows.studio.workspace import downloads, posix
from flows.studio.workspace.downloads import Archive, DownloadedFile, DownloadEntry


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(f"toy/{name}.bin"), content)
    return made.getvalue()


def tarball(**members: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"package/voices/{name}.bin")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


SECOND, FIRST = wheel(part2=b"world"), wheel(part1=b"hello ")
VOICES = tarball(heart=b"1", puck=b"2")
TOY = DownloadEntry(
    name="toy",
    about="two parts and two voices",
    licence="MIT",
    megabytes=1,
    archives=(
        Archive("toy-2==1.0", digest(SECOND)),
        Archive("toy-1==1.0", digest(FIRST)),
        Archive("npm:toy-voices@1.0", digest(VOICES)),
    ),
    pieces=(
        DownloadedFile("model.bin", ("toy/part1.bin", "toy/part2.bin"), digest(b"hello world")),
        DownloadedFile("voices/", ("package/voices/*.bin",)),
    ),
)


class Registry:
    """Lays three archives into the folder, and counts."""

    def __init__(self, *archives: bytes) -> None:
        self.archives = archives or (SECOND, FIRST, VOICES)
        self.asked: list[list[str]] = []

    def __call__(self, requirements: Sequence[str], place: Path) -> None:
        self.asked.append(list(requirements))
        for number, content in enumerate(self.archives):
            (place / f"archive-{number}").write_bytes(content)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path)}


def left(env: dict[str, str]) -> list[str]:
    """The names of what lies in the cache, but for the lock."""
    place = downloads.entry_folder(TOY, env).parent
    return [] if not place.is_dir() else sorted(p.name for p in place.iterdir() if p.name != "lock")


def test_members_of_several_archives_become_one_file_and_a_folder(env: dict[str, str]) -> None:
    registry, said = Registry(), []
    place = downloads.pull(TOY, say=said.append, env=env, download=registry)
    assert (place / "model.bin").read_bytes() == b"hello world"
    assert {p.name: p.read_bytes() for p in (place / "voices").iterdir()} == {
        "heart.bin": b"1",
        "puck.bin": b"2",
    }
    assert said == ["downloading toy, 1 MB (MIT)"]
    assert registry.asked == [["toy-2==1.0", "toy-1==1.0", "npm:toy-voices@1.0"]]
    assert left(env) == [place.name]


def test_what_is_there_is_not_fetched_again(env: dict[str, str]) -> None:
    registry = Registry()
    place = downloads.pull(TOY, say=len, env=env, download=registry)
    assert downloads.pull(TOY, say=len, env=env, download=registry) == place
    assert len(registry.asked) == 1


def test_another_version_is_another_folder(env: dict[str, str]) -> None:
    newer = replace(TOY, archives=(*TOY.archives[:2], Archive("npm:toy-voices@1.1", "0" * 64)))
    assert downloads.entry_folder(newer, env) != downloads.entry_folder(TOY, env)


@pytest.mark.parametrize(
    ("entry", "archives", "message"),
    [
        (TOY, (SECOND, wheel(part1=b"bad"), VOICES), "toy-1==1.0: wanted an archive with the sha256"),
        (TOY, (SECOND, FIRST), "npm:toy-voices@1.0: wanted an archive with the sha256"),
        (
            replace(TOY, pieces=(DownloadedFile("model.bin", ("toy/part1.bin",), digest(b"else")),)),
            (),
            "model.bin: wanted a file with the sha256",
        ),
        (
            replace(TOY, pieces=(DownloadedFile("model.bin", ("toy/part9.bin",)),)),
            (),
            "model.bin: wanted 'toy/part9.bin' in the archives, got 0 of it",
        ),
        (
            replace(TOY, pieces=(DownloadedFile("model.bin", ("toy/*.bin",)),)),
            (),
            "model.bin: wanted 'toy/*.bin' in the archives, got 2 of it",
        ),
    ],
    ids=["another-archive", "no-archive", "another-file", "no-member", "two-members"],
)
def test_what_is_not_as_pinned_leaves_nothing(
    env: dict[str, str], entry: DownloadEntry, archives: tuple[bytes, ...], message: str
) -> None:
    with pytest.raises(StudioError) as refused:
        downloads.pull(entry, say=len, env=env, download=Registry(*archives))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert left(env) == []


def test_a_member_cannot_leave_the_folder(env: dict[str, str]) -> None:
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("toy/../../../out.bin", b"x")
    entry = replace(
        TOY,
        archives=(Archive("toy==1", digest(evil.getvalue())),),
        pieces=(DownloadedFile("voices/", ("toy/*.bin",)),),
    )
    place = downloads.pull(entry, say=len, env=env, download=Registry(evil.getvalue()))
    assert [p.relative_to(place).as_posix() for p in place.rglob("*.bin")] == ["voices/out.bin"]
    assert list(Path(env["XDG_CACHE_HOME"]).glob("*.bin")) == []


def test_a_torn_pull_is_swept_away_by_the_next_one(env: dict[str, str]) -> None:
    place = downloads.entry_folder(TOY, env)
    (place.parent / "tmp123.part").mkdir(parents=True)
    (place.parent / "tmp123.part" / "half").write_bytes(b"x")
    downloads.pull(TOY, say=len, env=env, download=Registry())
    assert left(env) == [place.name]


def test_two_pulls_do_not_meet(env: dict[str, str]) -> None:
    place = downloads.entry_folder(TOY, env)
    place.parent.mkdir(parents=True)
    with (place.parent / "lock").open("a") as lock:
        assert posix.try_lock(lock)
        with pytest.raises(StudioError, match="somebody is pulling there already"):
            downloads.pull(TOY, say=len, env=env, download=Registry())


def test_a_name_that_is_none_is_told_what_there_is() -> None:
    with pytest.raises(StudioError, match=r"\(.*tiny.*\), got 'tyni', did you mean tiny\?") as refused:
        downloads.find_entry("tyni")
    assert refused.value.code == 2


def test_the_list_says_what_is_here(env: dict[str, str]) -> None:
    (before,) = downloads.catalog_lines(env, [TOY])
    downloads.pull(TOY, say=len, env=env, download=Registry())
    (after,) = downloads.catalog_lines(env, [TOY])
    assert ("here" in before, "here" in after) == (False, True)
    assert "1 MB  MIT" in after


def test_every_entry_is_pinned_and_has_a_name_of_its_own() -> None:
    names = [entry.name for entry in downloads.CATALOG]
    assert len(names) == len(set(names))
    for entry in downloads.CATALOG:
        sums = [each.sha256 for each in entry.archives]
        sums += [each.sha256 for each in entry.pieces if each.sha256 is not None]
        assert all(len(each) == 64 and int(each, 16) >= 0 for each in sums), entry.name
        assert all("==" in each.requirement or "@" in each.requirement for each in entry.archives)


def test_a_package_that_is_not_there_is_told_in_one_line(tmp_path: Path, monkeypatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(StudioError, match=r"pip could not fetch no-such-thing==1, it says: ERROR: ") as told:
        downloads.download_archives(["no-such-thing==1"], tmp_path)
    assert "\n" not in str(told.value)


def test_a_machine_without_npm_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudioError, match=r"wanted npm to fetch toy@1\.0, got none; install Node\.js"):
        downloads.download_archives(["npm:toy@1.0"], tmp_path)
