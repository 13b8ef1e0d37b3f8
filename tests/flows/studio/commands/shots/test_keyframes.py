"""`keyframes`: a still for each shot by TOON or an image server, a sheet, and what is kept."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.studio.cameras import image_server
from flows.studio.commands.shots.keyframes import keyframes
from flows.studio.errors import StudioError
from flows.studio.filming import pictures
from flows.studio.production.request import EpisodeRequest

ENV = {"OPENAI_API_KEY": "sk-mine"}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked.append((self.path, body))
        out = io.BytesIO()
        Image.new("RGB", (48, 48), (200, 30, 30)).save(out, "PNG")
        data = base64.b64encode(out.getvalue()).decode()
        answer = server.answer if server.answer is not None else {"created": 1, "data": [{"b64_json": data}]}
        text = json.dumps(answer).encode()
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as httpd:
        httpd.asked, httpd.answer, httpd.status = [], None, 200  # type: ignore[attr-defined]
        httpd.url = f"http://127.0.0.1:{httpd.server_port}/v1"  # type: ignore[attr-defined]
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.fixture
def show(tmp_path: Path, tiny_premise: str, tiny_script: str) -> EpisodeRequest:
    """The tiny show with its script, to be filmed by Wan 2.2 5B."""
    (tmp_path / "fish.yaml").write_text(
        tiny_premise.replace("video: {steps: 2}", "video: {model: wan2.2-5b}")
    )
    root = tmp_path / "output" / "fish-chips" / "s01e01"
    root.mkdir(parents=True)
    (root / "script.yaml").write_text(tiny_script)
    return EpisodeRequest(premise=tmp_path / "fish.yaml", output=tmp_path / "output")


def test_an_image_server_draws_what_is_missing(
    show: EpisodeRequest, server: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    screen = heard()
    outcome = keyframes(show, f"flux@{server.url}", screen)
    assert outcome.code == 0
    assert outcome.path is not None
    assert outcome.path.name == "keyframes.png"
    assert "2 keyframes to draw" in screen.text
    asked = [json.loads(body) for _, body in server.asked]
    assert [path for path, _ in server.asked] == ["/v1/images/generations"] * 2
    assert asked[0]["model"] == "flux"
    assert asked[0]["size"] == "1280x704"
    there = pictures.stored_keyframes([outcome.path.parent])
    assert len(there) == 2
    with Image.open(next(iter(there.values()))) as picture:
        assert picture.size == (1280, 704)
    assert keyframes(show, f"flux@{server.url}", heard()).code == 0
    assert len(server.asked) == 2  # nothing again


def test_portraits_are_sent_along(server: Any, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / "joe.png")
    model = image_server.read_image_model(f"qwen-image-edit@{server.url}")
    data = image_server.draw("a man", model, size=(64, 32), references=[tmp_path / "joe.png"], env=ENV)
    assert data.startswith(b"\x89PNG")
    path, body = server.asked[0]
    assert path == "/v1/images/edits"
    assert (tmp_path / "joe.png").read_bytes() in body


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"created": 1, "data": []}, "wanted a picture as base64 in its answer, got none"),
        (200, {"created": 1, "data": [{"url": "http://x/y.png"}]}, "got an address of one"),
        (200, {"created": 1, "data": [{"b64_json": "AAAA"}]}, "wanted a picture"),
        (400, {"error": {"message": "refused by the safety system"}}, "refused by the safety system"),
    ],
)
def test_an_answer_without_a_picture_is_one_line(server: Any, status: int, answer: Any, told: str) -> None:
    server.status, server.answer = status, answer
    with pytest.raises(StudioError, match=told) as refused:
        image_server.draw("a man", image_server.read_image_model(f"m@{server.url}"), size=(64, 32), env=ENV)
    assert "\n" not in str(refused.value)
    assert "sk-mine" not in str(refused.value)


def test_who_draws_is_toon_or_a_server(show: EpisodeRequest, heard: Any) -> None:
    with pytest.raises(StudioError, match="--by: wanted toon, or MODEL@URL of a server"):
        keyframes(show, "flux", heard())


def test_a_film_model_that_takes_no_first_frame_is_told(show: EpisodeRequest, heard: Any) -> None:
    asked = show.model_copy(update={"video": {"model": "wan2.1-14b"}})
    with pytest.raises(StudioError, match=r"keyframes: Wan 2.1 14B takes no first frame"):
        keyframes(asked, "toon", heard())


@pytest.mark.slow
def test_toon_draws_the_middle_of_each_shots_draft(show: EpisodeRequest, heard: Any) -> None:
    outcome = keyframes(show, "toon", heard())
    assert outcome.path is not None
    root = outcome.path.parent
    assert len(list((root / "draft" / "clips").glob("*.mp4"))) == 2
    assert len(pictures.stored_keyframes([root])) == 2
    again = heard()
    keyframes(show, "toon", again)
    assert "0 keyframes to draw" in again.text
