"""A board in a process of its own and a browser before it, for tests that look at pages as people do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Served:
    """A board that runs; it can be killed and begun again at the same port."""

    output: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    more: tuple[str, ...] = ()
    path: str = str(Path(__file__).resolve().parents[3])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        return (self.output / ".board" / "key").read_text("ascii")

    def start(self) -> None:
        words = ["board", "--no-browser", "--output", str(self.output), "--port", str(self.port), *self.more]
        environment = {**os.environ, "PYTHONPATH": self.path}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows", *words], env=environment, stdout=subprocess.DEVNULL
        )
        wait_for(lambda: self._answers(), 60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a call, as a script makes it."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data, headers, method=method), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def read(self, path: str) -> bytes:
        """What lies at an address, as a browser with the key gets it."""
        with urlopen(Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self, *, hard: bool = True) -> None:
        assert self.process is not None
        self.process.kill() if hard else self.process.terminate()
        self.process.wait()


def wait_for(condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.03)
    raise AssertionError(f"it took longer than {seconds} s")


@contextlib.contextmanager
def served(output: Path, *more: str) -> Iterator[Served]:
    """A board of an output folder, paused unless told otherwise."""
    board = Served(output, free_port(), more=more)
    board.start()
    try:
        yield board
    finally:
        if board.process is not None and board.process.poll() is None:
            board.kill(hard=False)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """The distribution's Chromium, headless; without it the test is skipped, but not where CI is set."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("there is no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page of the board in a context of its own; what its console says is kept."""

    def __init__(self, browser: Any, board: Served, **how: Any) -> None:
        how.setdefault("viewport", {"width": 1200, "height": 900})
        self.context = browser.new_context(**how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.board = board
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.set_default_timeout(SECONDS * 1000)
        self.page.goto(f"{board.url}/?key={board.key}")

    def open(self, path: str) -> Any:
        self.page.goto(self.board.url + path)
        return self.page

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.text_content() or "").strip()

    @property
    def faults(self) -> list[str]:
        """What the console said, but for the browser's own line about a conflict's status."""
        return [text for text in self.said if "409" not in text]
