"""Finished episodes are copied by fsspec: to a folder, into memory, and to a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from flows.studio.errors import StudioError
from flows.studio.release import upload
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder

NAMES = ["episode.mp4", "episode.srt", "manifest.json", "poster.png", "script.yaml"]


@pytest.fixture
def episode(tmp_path: Path) -> EpisodeFolder:
    folder = EpisodeFolder(tmp_path / "output" / "fish-chips" / "s01e01", EpisodeCode(1, 1))
    (folder.root / "clips").mkdir(parents=True)
    (folder.root / "clips" / "s01.1-00000000.mp4").write_bytes(b"stays here")
    for name in NAMES:
        (folder.root / name).write_bytes(name.encode() * 1000)
    return folder


def test_nothing_is_copied_where_nobody_asked():
    assert upload.target({}) is None
    assert upload.target({"COLDOPEN_PUBLISH": ""}) is None
    assert upload.target({"COLDOPEN_PUBLISH": "s3://bucket"}) == "s3://bucket"


def test_an_episode_is_copied_into_a_folder_whole(episode, tmp_path):
    place = upload.upload_episode(episode, f"file://{tmp_path}/public/")
    assert place == f"file://{tmp_path}/public/fish-chips/s01e01"
    copied = tmp_path / "public" / "fish-chips" / "s01e01"
    assert sorted(path.name for path in copied.iterdir()) == NAMES
    assert (copied / "episode.mp4").read_bytes() == episode.film.read_bytes()


def test_it_is_copied_again_over_an_older_one(episode, tmp_path):
    upload.upload_episode(episode, f"file://{tmp_path}/public")
    episode.film.write_bytes(b"another cut")
    upload.upload_episode(episode, f"file://{tmp_path}/public")
    assert (tmp_path / "public/fish-chips/s01e01/episode.mp4").read_bytes() == b"another cut"


def test_the_manifest_comes_last(episode):
    memory = fsspec.filesystem("memory")
    upload.upload_episode(episode, "memory://shows")
    found = memory.ls("/shows/fish-chips/s01e01", detail=True)
    assert sorted(Path(each["name"]).name for each in found) == NAMES
    newest = max(found, key=lambda each: each["created"])
    assert newest["name"].endswith("manifest.json")


def test_a_storage_that_refuses_is_one_line_without_its_password(episode, tmp_path):
    (tmp_path / "public").write_text("a file")
    with pytest.raises(StudioError, match="COLDOPEN_PUBLISH=file:") as error:
        upload.upload_episode(episode, f"file://{tmp_path}/public")
    assert "\n" not in str(error.value)
    with pytest.raises(StudioError, match="COLDOPEN_PUBLISH") as error:
        upload.upload_episode(episode, "nosuch://me:secret@host/bucket")
    assert "secret" not in str(error.value)


class Flaky(MemoryFileSystem):
    """A storage in memory whose next puts raise `faults`; `puts` are the names that it got."""

    protocol = "flaky"
    faults: ClassVar[list[Exception]] = []
    puts: ClassVar[list[str]] = []

    def put_file(self, lpath: str, rpath: str, *args: Any, **more: Any) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.puts.append(Path(lpath).name)
        super().put_file(lpath, rpath, *args, **more)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> type[Flaky]:
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    monkeypatch.setattr(Flaky, "faults", [])
    monkeypatch.setattr(Flaky, "puts", [])
    monkeypatch.setattr(upload, "WAITS", (0.0, 0.01, 0.02))
    return Flaky


def test_what_may_pass_is_tried_again_and_no_file_is_sent_twice(episode, flaky):
    told: list[tuple[float, str]] = []
    flaky.faults[:] = [ConnectionError("no route"), TimeoutError(), OSError("SlowDown")]
    upload.upload_episode(episode, "flaky://shows", on_wait=lambda *said: told.append(said))
    assert sorted(flaky.puts) == NAMES
    assert flaky.puts[-1] == "manifest.json"
    assert told == [(0.0, "ConnectionError: no route"), (0.01, "TimeoutError:"), (0.02, "OSError: SlowDown")]


def test_a_copy_that_fails_is_not_noted_and_one_that_comes_through_is(episode, flaky):
    (episode.manifest).write_text('{"files": {"episode.mp4": "ab"}}')
    assert not upload.is_copied(episode, "flaky://shows")
    flaky.faults[:] = [ConnectionError("no route")] * 4
    with pytest.raises(StudioError, match="COLDOPEN_PUBLISH=flaky://shows: ConnectionError: no route"):
        upload.upload_episode(episode, "flaky://shows")
    assert flaky.faults == []
    assert not upload.is_copied(episode, "flaky://shows")
    upload.upload_episode(episode, "flaky://shows")
    assert upload.is_copied(episode, "flaky://shows")
    assert not upload.is_copied(episode, "flaky://elsewhere")
    (episode.manifest).write_text('{"files": {"episode.mp4": "another cut"}}')
    assert not upload.is_copied(episode, "flaky://shows")


@pytest.mark.parametrize(
    "error", [PermissionError("403"), FileNotFoundError("no bucket"), ValueError("what")]
)
def test_what_does_not_pass_is_told_at_once(episode, flaky, error):
    flaky.faults[:] = [error, error]
    with pytest.raises(StudioError, match="COLDOPEN_PUBLISH"):
        upload.upload_episode(episode, "flaky://shows")
    assert len(flaky.faults) == 1


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an S3 server of the test's own."""
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    server.stop()


def test_an_episode_is_copied_to_an_s3_server(episode, s3):
    import s3fs

    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("shows")
    assert upload.upload_episode(episode, "s3://shows/public") == "s3://shows/public/fish-chips/s01e01"
    found = files.ls("shows/public/fish-chips/s01e01")
    assert sorted(Path(name).name for name in found) == NAMES
    assert files.cat("shows/public/fish-chips/s01e01/episode.mp4") == episode.film.read_bytes()
    with pytest.raises(StudioError, match="COLDOPEN_PUBLISH=s3://"):
        upload.upload_episode(episode, "s3://no-such-bucket-here/x")
