"""A run's own Prefect server: real processes, real signals."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse

import pytest

from flows.orchestration import server as api_server
from flows.studio.production.console import Console

RUN = """
import signal
import sys
import time
from pathlib import Path
from flows.orchestration import server
from flows.studio.production.console import Console

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it from birth
quiet = Console(write=lambda line: None)
with server.prefect_api(Path(sys.argv[1]), screen=quiet) as url:
    from prefect import flow

    @flow
    def wait_for_a_word():
        print(url, flush=True)
        sys.stdin.readline()
        return "made"

    print(wait_for_a_word(), flush=True)
"""

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Run:
    """A process that has called a flow, which waits for a line on standard input."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        line = self.process.stdout.readline()
        assert line.startswith("http"), self.process.communicate(timeout=30)
        return line.strip()

    def ends(self, *, within: float) -> tuple[str, str]:
        return self.process.communicate(input="go on\n", timeout=within)


@pytest.fixture
def start(tmp_path):
    runs = []

    def start_run() -> Run:
        runs.append(Run(tmp_path / f"run-{len(runs)}"))
        return runs[-1]

    yield start_run
    for run in runs:
        run.process.kill()
        run.process.communicate()


def connect(url: str) -> socket.socket:
    return socket.create_connection((urlparse(url).hostname, urlparse(url).port), timeout=60)


def assert_gone(url: str, connection: socket.socket) -> None:
    """The server closes the connection that it had, and then takes no other."""
    with connection, contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""
    deadline = time.monotonic() + 60
    while answers(url):
        assert time.monotonic() < deadline


def answers(url: str) -> bool:
    """Whether anybody still listens; a reset is a socket on its way out, to be asked again."""
    try:
        connect(url).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True
    return True


def test_two_runs_at_once_have_a_server_each_and_leave_neither(start):
    first, second = start(), start()
    urls = [first.url(), second.url()]
    connections = [connect(url) for url in urls]
    assert urls[0] != urls[1]
    assert first.ends(within=60)[0] == "made\n"
    assert second.ends(within=60)[0] == "made\n"
    for url, connection in zip(urls, connections, strict=True):
        assert_gone(url, connection)


@needs_signals
def test_ctrl_c_ends_a_run_and_its_server(start):
    run = start()
    url = run.url()
    connection = connect(url)
    for _ in range(3):  # as a person would; closing its input would let the run end by itself
        run.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(timeout=20)
            break
    out, err = run.process.communicate()
    assert_gone(url, connection)
    assert "made" not in out
    assert "KeyboardInterrupt" in err


@needs_signals
def test_kill_9_leaves_no_orphan(start):
    run = start()
    url = run.url()
    connection = connect(url)
    run.process.kill()
    assert_gone(url, connection)


@needs_signals
def test_ctrl_c_in_the_terminal_does_not_reach_the_server(tmp_path):
    server = api_server.start_private_server(tmp_path / "server.log")
    try:
        server.wait()
        assert os.getsid(server.process.pid) == server.process.pid
    finally:
        server.stop()
    assert not server.home.exists()


def test_the_empty_database_is_kept_for_the_next_run(prefect_server):
    assert api_server.empty_database().is_file()


def test_a_configured_server_is_used_and_no_other_started(prefect_server, tmp_path, monkeypatch):
    monkeypatch.setattr(api_server, "start_private_server", lambda log: pytest.fail("started one"))
    with Console(write=[].append) as screen, api_server.prefect_api(tmp_path, screen=screen) as url:
        assert url == prefect_server


def test_a_configured_server_that_does_not_answer_is_told_in_one_line():
    from prefect.settings import PREFECT_API_URL, temporary_settings

    nobody = "http://127.0.0.1:9/api"
    with temporary_settings({PREFECT_API_URL: nobody}), pytest.raises(api_server.ApiError) as told:
        api_server.check_api(nobody)
    assert str(told.value).startswith(f"No Prefect server answers at {nobody} ")
    assert "\n" not in str(told.value)


def test_a_configured_server_behind_a_proxy_that_cannot_be_used_is_told_in_one_line(monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    elsewhere = "http://me:secret@prefect.example.com/api"
    monkeypatch.setenv("ALL_PROXY", "socks://me:secret@127.0.0.1:1080")
    with temporary_settings({PREFECT_API_URL: elsewhere}), pytest.raises(api_server.ApiError) as told:
        api_server.check_api(elsewhere)
    assert "ALL_PROXY: wanted a proxy such as http://host:port" in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_private_server_gets_no_key():
    from prefect.settings import (
        PREFECT_API_KEY,
        PREFECT_CLIENT_CUSTOM_HEADERS,
        get_current_settings,
        temporary_settings,
    )

    with temporary_settings({PREFECT_API_KEY: "pnu_1", PREFECT_CLIENT_CUSTOM_HEADERS: {"X-Key": "secret"}}):
        with api_server.api_settings("http://127.0.0.1:9/api", is_private=True):
            assert get_current_settings().api.key is None
            assert get_current_settings().client.custom_headers == {"X-Key": ""}
        with api_server.api_settings("http://127.0.0.1:9/api"):
            assert get_current_settings().api.key is not None


def test_a_key_that_cannot_be_sent_is_told_without_showing_it(monkeypatch):
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    nobody = "http://127.0.0.1:9/api"
    settings = {PREFECT_API_URL: nobody, PREFECT_API_KEY: "pnu_\nsecret"}
    with temporary_settings(settings), pytest.raises(api_server.ApiError) as told:
        api_server.check_api(nobody)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_server_that_cannot_start_is_told_at_once_and_with_its_log(tmp_path, monkeypatch):
    (tmp_path / "server.log").write_text("a line of an older server\n", "utf-8")
    monkeypatch.setattr(api_server.private_server, "__file__", str(tmp_path / "there is no such program.py"))
    server = api_server.start_private_server(tmp_path / "server.log")
    with pytest.raises(api_server.ApiError, match=r"ended as soon as it started \(.*no such program") as told:
        server.wait()
    assert " 600 s" not in str(told.value)
    assert "older" not in str(told.value)
    assert not server.home.exists()


def test_a_server_that_is_too_slow_is_told_with_the_time_that_it_had(tmp_path):
    server = api_server.start_private_server(tmp_path / "server.log")
    with pytest.raises(api_server.ApiError, match=r"did not start within 0 s; .*server\.log says more"):
        server.wait(seconds=0)
    assert not server.home.exists()


def test_prefects_lines_go_to_the_log_and_not_to_the_terminal(start):
    run = start()
    run.url()
    out, err = run.ends(within=60)
    assert (out, err) == ("made\n", "")
    assert "Finished in state Completed()" in (run.folder / api_server.FLOW_LOG).read_text(encoding="utf-8")
