"""A language model's server for these tests: real HTTP on 127.0.0.1, with answers that a test lays out."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    content: str | None = ""
    finish: str = "stop"
    status: int = 200
    usage: bool = True
    error: str = ""
    message: dict[str, Any] | None = None  # instead of the content
    body: str | None = None  # instead of all of the above
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = (("retry-after-ms", "0"),)
    way: str = "whole"  # or cut, drip, endless, closed: how the bytes come

    def body_bytes(self, model: str) -> bytes:
        if self.body is not None:
            return self.body.encode()
        if self.status != 200:
            return json.dumps({"error": {"message": self.error, "type": "invalid_request_error"}}).encode()
        message = {"content": self.content} if self.message is None else self.message
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": self.finish}
        told: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
        }
        if self.usage:
            told["usage"] = {"prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1200}
        return json.dumps(told).encode()


@dataclass
class FakeServer:
    """What the server is to answer, and what it was asked."""

    url: str
    replies: list[Reply | Callable[[dict[str, Any]], Reply]] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["small-model"])
    root: str = "/v1"
    list_replies: list[Reply] = field(default_factory=list)  # before the list of models is told
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    azure_keys: list[str] = field(default_factory=list)  # of the header `api-key`
    queries: list[str] = field(default_factory=list)

    def answer(self, asked: dict[str, Any]) -> Reply:
        self.asked.append(asked)
        reply = (
            self.replies.pop(0)
            if self.replies
            else Reply(status=500, error="the test laid out no more answers")
        )
        return reply if isinstance(reply, Reply) else reply(asked)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server that runs while the test does."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    fake = FakeServer(url=f"http://127.0.0.1:{httpd.server_port}/v1")
    httpd.fake = fake  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield fake
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def reply() -> type[Reply]:
    """The class of the server's answers."""
    return Reply


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        fake: FakeServer = self.server.fake  # type: ignore[attr-defined]
        if self._note(fake) != f"{fake.root}/models":
            self._send(404, b'{"error": {"message": "no such page"}}')
            return
        if fake.list_replies:
            busy = fake.list_replies.pop(0)
            self._send(busy.status, busy.body_bytes(""), busy.headers)
            return
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "us"} for name in fake.models]
        self._send(200, json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self) -> None:
        fake: FakeServer = self.server.fake  # type: ignore[attr-defined]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._note(fake) != f"{fake.root}/chat/completions":
            self._send(404, b'{"error": {"message": "no such page"}}')
            return
        reply = fake.answer(asked)
        body = reply.body_bytes(asked["model"])
        if reply.way == "whole":
            self._send(reply.status, body, reply.headers, reply.content_type)
            return
        self.close_connection = True
        if reply.way == "closed":
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        if reply.way == "cut":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client hangs up, as it should
            self._trickle(reply.way, body)

    def _note(self, fake: FakeServer) -> str:
        """Notes the keys and the query of a request; returns its path."""
        path, _, query = self.path.partition("?")
        fake.keys.append(self.headers.get("Authorization", ""))
        fake.azure_keys.append(self.headers.get("api-key", ""))
        fake.queries.append(query)
        return path

    def _trickle(self, way: str, body: bytes) -> None:
        if way == "cut":
            self.wfile.write(body[: len(body) // 2])
        while way == "endless":
            self.wfile.write(b" " * 65536)
        while way == "drip":
            self.wfile.write(b" ")
            self.wfile.flush()

    def _send(
        self,
        status: int,
        body: bytes,
        headers: tuple[tuple[str, str], ...] = (),
        content_type: str = "application/json",
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client does not wait for ever
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
