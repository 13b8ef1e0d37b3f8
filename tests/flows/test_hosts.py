"""A night on several hosts: Prefect on a real PostgreSQL, a worker for each host, and one host that dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.studio.production import batch as batches
from flows.studio.production.request import BatchRequest
from flows.studio.workspace import heartbeat

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
PATIENCE = 600.0
TINY = """
show: {show}
logline: A cat runs for mayor.
format: {{scenes: 1, shots: 1, length: 6, size: 192x108}}
titles: {{outro_credits: false}}
video: {{steps: 2}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POSTGRES, reason="no PostgreSQL here (Debian: apt install postgresql)"),
    pytest.mark.skipif(sys.platform == "win32", reason="PostgreSQL of a Linux distribution"),
]


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.2)
    return value


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of a database in a PostgreSQL server of the test's own.

    It refuses to run as root, and pytest's own folders are closed to other users.
    """
    binaries, home = POSTGRES[-1].parent, Path(tempfile.mkdtemp(prefix="coldopen-postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()

    def run(program: str, *words: str) -> None:
        subprocess.run([*as_user, str(binaries / program), *words], check=True, capture_output=True, cwd="/")

    run("initdb", "-D", str(home / "data"), "-A", "trust", "-U", "prefect", "--no-sync")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(home / "data"), "-l", str(home / "log"), "-o", options, "-w", "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect")
        run("psql", "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "-c", "CREATE EXTENSION pg_trgm")
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
    finally:
        run("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def api(postgres: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a Prefect server on that database."""
    port = free_port()
    env = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "server"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres,
    }
    words = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(words, env=env, stdout=log, stderr=log, cwd=tmp_path)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until(lambda: _is_healthy(url), "Prefect's server")
        yield url
    finally:
        server.terminate()
        server.wait(60)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_night_of_four_shows_on_two_hosts_of_which_one_dies(
    api, postgres, tmp_path, checkout, monkeypatch, heard
):
    site = tmp_path / "site"
    (site / "premises").mkdir(parents=True)
    shutil.copy(checkout / "prefect.yaml", site)
    for number in range(1, 5):
        (site / "premises" / f"{number}.yaml").write_text(TINY.format(show=f"Show {number}"), "utf-8")
    path = os.pathsep.join(part for part in (str(checkout), os.environ.get("PYTHONPATH")) if part)
    env = {**os.environ, "PREFECT_API_URL": api, "PYTHONPATH": path}

    def prefect(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *words],
            cwd=site,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    prefect("work-pool", "create", "studio", "--type", "process")
    prefect("--no-prompt", "deploy", "--all")
    hosts = [_start_host(name, site, env) for name in ("a", "b")]
    try:
        results, runs = _night(site, api, hosts, heard)
    finally:
        for host in hosts:
            _kill(host)
    assert [result.fault for result in results] == [""] * 4
    assert batches.exit_code(results) == 0
    films = sorted(film.parent.parent.name for film in site.glob("output/*/s01e01/episode.mp4"))
    assert films == ["show-1", "show-2", "show-3", "show-4"]
    states = sorted(run["state"]["type"] for run in runs)
    assert states == ["COMPLETED"] * 4 + ["CRASHED"]
    (dead,) = [run for run in runs if run["state"]["type"] == "CRASHED"]
    assert "taken for dead" in dead["state"]["message"]


def _start_host(name: str, site: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """A worker in a process group of its own, which dies as a host does: with everything in it."""
    words = [
        "worker",
        "start",
        "--pool",
        "studio",
        "--limit",
        "1",
        "--name",
        name,
        "--install-policy",
        "never",
    ]
    with (site / f"host-{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", *words],
            cwd=site,
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _kill(host: subprocess.Popen[bytes]) -> None:
    """Kills every process of a host's group; each flow run is in one of its own under its worker."""
    pids = [host.pid, *_children(host.pid)]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    host.wait()


def _children(pid: int) -> list[int]:
    import psutil

    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _night(site: Path, api: str, hosts: list[Any], heard: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """Makes the night in this process, and kills the host of the first show that is at work."""
    import threading

    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.orchestration.shows import Night

    killed: list[str] = []

    def kill_one() -> None:
        def at_work() -> Path | None:
            return next(site.glob(f"output/*/s01e01/{heartbeat.NAME}"), None)

        beat = wait_until(at_work, "a show at work")
        pid = int(wait_until(lambda: heartbeat.read(beat.parent), "its heartbeat").split()[1])
        for host in hosts:
            if pid in _children(host.pid):
                killed.append(str(beat.parent))
                _kill(host)
                return

    thread = threading.Thread(target=kill_one)
    thread.start()
    request = BatchRequest(premises=site / "premises", output=site / "output", writer="offline", at_once=2)
    with temporary_settings({PREFECT_API_URL: api}):
        results = Night(request, heard(), silent_seconds=45, poll_seconds=1).make()
    thread.join()
    assert killed, "no host was killed"
    runs = httpx.post(f"{api}/flow_runs/filter", json={}, timeout=60).raise_for_status().json()
    return results, [run for run in runs if run["name"].lower().startswith("show")]  # no later nights
