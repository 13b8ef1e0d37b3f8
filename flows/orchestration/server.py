"""A Prefect API for a run: the configured one, else a private server of this run's own.

The private server is a process in a group of its own, so that Ctrl-C reaches the flow and not the server.
Its standard input is a pipe that only the run holds: when the run ends, however it ends, the pipe closes
and the server goes. It keeps its database in a temporary folder, so two runs never share one. The
database starts as a copy of an empty one that lies in Prefect's home, because making it takes longer than
all the rest of the start.

This file is also the program that the server process runs, and it imports Prefect inside functions only.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

    from flows.studio.production.console import Screen

START_SECONDS = 600  # a server that dies is noticed at once; this is for machines that are very busy
STOP_SECONDS = 5
ANSWERS_AT = "the private server answers at port "
SERVER_LOG = "prefect-server.log"
FLOW_LOG = "prefect.log"


class ApiError(Exception):
    """No Prefect API: the configured one does not answer, or the private server did not start."""


@dataclass(frozen=True)
class PrivateServer:
    """A server process, and what it says once: the port at which it answers."""

    process: subprocess.Popen[str]
    said: queue.SimpleQueue[str]
    home: Path
    log: Path

    def wait(self, *, seconds: float = START_SECONDS) -> str:
        """The server's URL, once it answers."""
        try:
            port = self.said.get(timeout=seconds)
        except queue.Empty:
            port = ""
        if not port:
            self.stop()
            raise ApiError(
                f"Prefect's private server did not start within {seconds:.0f} s; {self.log} says why. "
                "Try again, or start one yourself (prefect server start) and set PREFECT_API_URL to it."
            )
        return f"http://127.0.0.1:{port}/api"

    def stop(self) -> None:
        """Ends the server and takes its folder away."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def prefect_api(
    logs: Path,
    *,
    screen: Screen,
    verbose: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Flows called inside find an API; Prefect's lines go to `logs` (if `verbose`, to the terminal as well).

    `meanwhile` is done while a private server starts. The server is stopped at the very end of the
    process, not at the end of the block: Prefect's workers still flush what they hold, and without a
    server that takes over a minute.
    """
    screen.progress("starting Prefect")
    import_module("prefect.main")  # sets up Prefect's logging, which `log_to` changes
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_LOGGING_TO_API_ENABLED,
        get_current_settings,
        temporary_settings,
    )

    logs.mkdir(parents=True, exist_ok=True)
    log_to(logs / FLOW_LOG, terminal=verbose)
    configured = get_current_settings().api.url
    if configured:
        check(str(configured))
        meanwhile()
        yield str(configured)
        return
    server = start_private(logs / SERVER_LOG)
    atexit.register(server.stop)
    meanwhile()
    url = server.wait()
    screen.progress("getting ready")
    with temporary_settings({PREFECT_API_URL: url, PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield url


def check(url: str) -> None:
    """Raises ApiError if the configured API does not answer."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        fault = client.api_healthcheck()
    if fault is not None:
        raise ApiError(
            f"No Prefect server answers at {url} ({type(fault).__name__}: {fault}). "
            "PREFECT_API_URL or Prefect's profile names it: start it, or unset PREFECT_API_URL."
        )


def start_private(log: Path) -> PrivateServer:
    """Starts a private server and does not wait for it."""
    from flows.studio.workspace.posix import own_process_group

    home = Path(tempfile.mkdtemp(prefix="coldopen-prefect-"))
    with log.open("a", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(home), str(kept_database())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=_server_environment(home),
            text=True,
            **own_process_group(),
        )
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(process, said), name="prefect-server", daemon=True).start()
    return PrivateServer(process, said, home, log)


def kept_database() -> Path:
    """Where an empty, migrated database of this Prefect release lies, or will lie."""
    import prefect
    from prefect.settings import get_current_settings

    return Path(get_current_settings().home) / "coldopen" / f"empty-{prefect.__version__}.db"


def log_to(path: Path, *, terminal: bool) -> None:
    """Sends Prefect's log lines to a file, and no longer to the terminal unless that is wanted as well."""
    file = logging.FileHandler(path, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    from prefect.logging.handlers import PrefectConsoleHandler

    for name in ("", *logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        consoles = [each for each in logger.handlers if isinstance(each, PrefectConsoleHandler)]
        if consoles:
            logger.addHandler(file)
        for console in () if terminal else consoles:
            logger.removeHandler(console)


def _server_environment(home: Path) -> dict[str, str]:
    """The run's environment without what it says to Prefect: the private server has its own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {
        **kept,
        "PREFECT_HOME": str(home),
        "PREFECT_PLUGINS_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }


def _listen(process: subprocess.Popen[str], said: queue.SimpleQueue[str]) -> None:
    """Passes the server's port on, or nothing if the server dies before it says one."""
    assert process.stdout is not None
    port = ""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed by `stop` while we listen
        lines = (line for line in process.stdout if line.startswith(ANSWERS_AT))
        port = next(lines, "").removeprefix(ANSWERS_AT).strip()
    said.put(port)


# ----------------------------------------------------------------------------------- the server process


def serve(home: Path, kept: Path) -> None:
    """Runs a Prefect server on a free port until standard input closes."""
    threading.Thread(target=_watch_parent, args=(home,), name="parent", daemon=True).start()
    database = home / "prefect.db"
    if kept.is_file():
        shutil.copyfile(kept, database)
    import uvicorn

    door = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        lifespan="on",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    port = door.getsockname()[1]
    threading.Thread(target=_announce, args=(server, port, database, kept), name="ready", daemon=True).start()
    server.run(sockets=[door])


def _watch_parent(home: Path) -> None:
    """Ends this process as soon as the run has ended: nobody needs the database any more."""
    sys.stdin.read()
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)


def _announce(server: uvicorn.Server, port: int, database: Path, kept: Path) -> None:
    while not server.started:
        time.sleep(0.02)
    if not kept.is_file():
        with contextlib.suppress(
            OSError, sqlite3.Error
        ):  # the next run makes its own database again, that is all
            _keep(database, kept)
    sys.stdout.write(f"{ANSWERS_AT}{port}\n")
    sys.stdout.flush()


def _keep(database: Path, kept: Path) -> None:
    """Copies a database that may be open; the copy appears whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
    part.replace(kept)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
