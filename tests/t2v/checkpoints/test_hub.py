"""Hub ids, against a hub of our own on this machine: cache, revisions, offline, faults."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

import t2v
from t2v.checkpoints import hub
from t2v.errors import CheckpointError
from t2v.pipeline import TextToVideo

FP32: dict[str, Any] = {"device": "cpu", "dtype": torch.float32}
COMMIT, OLDER = "a" * 40, "b" * 40


@dataclass
class Served:
    """Repositories by name, revisions by commit, and what was asked for."""

    url: str
    revisions: dict[str, Path]
    branches: dict[str, str]
    asked: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    served: Served

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.served.asked.append(path)
        if path.startswith("/api/models/someone/film"):
            self._api(path.removeprefix("/api/models/someone/film"), body=body)
        elif path.startswith("/someone/film/resolve/"):
            revision, _, name = path.removeprefix("/someone/film/resolve/").partition("/")
            self._file(revision, name, body=body)
        elif path.startswith("/api/models/someone/closed"):
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"}, body=body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)

    def _api(self, rest: str, *, body: bool) -> None:
        revision = rest.removeprefix("/revision/").strip("/") or "main"
        commit = self.served.branches.get(revision, revision)
        if commit not in self.served.revisions:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body=body)
            return
        folder = self.served.revisions[commit]
        names = [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if p.is_file()]
        value = {"id": "someone/film", "sha": commit, "siblings": [{"rfilename": name} for name in names]}
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, body=body)

    def _file(self, revision: str, name: str, *, body: bool) -> None:
        commit = self.served.branches.get(revision, revision)
        path = self.served.revisions[commit] / name
        if not path.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body=body)
            return
        data = path.read_bytes()
        if body:
            self.served.fetched.append(name)
        etag = hashlib.sha256(data).hexdigest()
        self._send(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": commit}, body=body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], *, body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def served(diffusers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A hub with one model, and a cache of our own."""
    from huggingface_hub import HfApi, constants

    (diffusers_folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (diffusers_folder / "picture.png").write_bytes(b"not needed")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    Handler.served = Served(url, {COMMIT: diffusers_folder}, {"main": COMMIT})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "open_hub", lambda: HfApi(endpoint=url, token=False))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Handler.served
    server.shutdown()
    server.server_close()
    thread.join()


def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub at an address where none listens."""
    from huggingface_hub import HfApi

    monkeypatch.setattr(hub, "open_hub", lambda: HfApi(endpoint="http://127.0.0.1:1", token=False))


def test_a_model_is_fetched_once_and_its_commit_is_recorded(
    served: Served, small: TextToVideo, different: Callable[..., list[str]]
) -> None:
    model = t2v.load("someone/film", **FP32)
    assert different(small, model) == []
    assert model.origin is not None
    assert model.origin.revision == COMMIT
    assert model.origin.source == "someone/film"
    assert model.preset.name == "film"
    assert "picture.png" not in served.fetched
    assert len(served.fetched) == len(set(served.fetched))
    first = list(served.fetched)
    assert different(model, t2v.load("someone/film", **FP32)) == []
    assert served.fetched == first


def test_a_pinned_revision_is_the_one_that_is_read(
    served: Served, diffusers_folder: Path, tmp_path: Path, make_small: Callable[..., TextToVideo]
) -> None:
    older = make_small(seed=7)
    served.revisions[OLDER] = t2v.save(older, tmp_path / "older", layout="diffusers")
    served.branches["v1"] = OLDER
    for revision in (OLDER, "v1"):
        model = t2v.load(f"someone/film@{revision}", **FP32)
        assert torch.equal(model.unet.out[2].bias, older.unet.out[2].bias)
        assert model.origin is not None
        assert model.origin.revision == OLDER


@pytest.mark.parametrize("source", ["someone/film", "someone/film@main", f"someone/film@{COMMIT}"])
def test_without_a_network_the_cache_is_enough(
    served: Served, monkeypatch: pytest.MonkeyPatch, source: str, small: TextToVideo, different: Any
) -> None:
    t2v.load("someone/film", **FP32)
    gone(monkeypatch)
    model = t2v.load(source, **FP32)
    assert different(small, model) == []
    assert model.origin is not None
    assert model.origin.revision == COMMIT


def test_what_the_hub_does_not_have_is_one_clear_error(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "README.md").write_text("nothing yet")
    served.revisions[OLDER] = empty
    cases = {
        "someone/other": "neither a folder here nor a model on the hub",
        "someone/film@v9": "someone/film has no revision 'v9'",
        "someone/closed": "its owner wants to be asked first",
        f"someone/film@{OLDER}": "no weights of a text-to-video model in this repository",
    }
    for source, message in cases.items():
        with pytest.raises(CheckpointError, match=message) as caught:
            t2v.load(source, **FP32)
        assert "\n" not in str(caught.value)
    gone(monkeypatch)
    with pytest.raises(CheckpointError, match="not in the cache, and the hub cannot be reached"):
        t2v.load("someone/film", **FP32)


def test_a_path_is_no_hub_id() -> None:
    assert hub.is_hub_id("ali-vilab/text-to-video-ms-1.7b")
    assert hub.is_hub_id("cerspense/zeroscope_v2_576w@main")
    for path in ("models/tune.pth", "./a/b", "a", "/a/b", "a/b/c", "~/b", "../b"):
        assert not hub.is_hub_id(path)
