"""A Prefect API for a run: the configured one, else a private server of the run's own.

The private server is a process in a group of its own, so that Ctrl-C reaches the flow and not the server.
Its standard input is a pipe that only the run holds: when the run ends, however it ends, the pipe closes
and the server ends too. It keeps its database in a temporary folder, so two runs never share one. The
database starts as a copy of an empty one in Prefect's home, because migrating a new one takes longer than
all the rest of the start.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.orchestration import private_server
from flows.orchestration.environment import import_prefect, server_environment
from flows.studio.errors import StudioError
from scripts_llm.llm.network import environment_fault, is_loopback, without_credentials
from scripts_llm.plain_text import one_line

if TYPE_CHECKING:
    from flows.studio.production.console import Console

START_SECONDS = 600  # a server that dies is noticed at once; this is for machines that are very busy
STOP_SECONDS = 5
SERVER_LOG = "prefect-server.log"
FLOW_LOG = "prefect.log"


class ApiError(StudioError):
    """No Prefect API: the configured one does not answer, or the private server did not start."""


@dataclass(frozen=True)
class PrivateServer:
    """A private server's process. `port` gets one line: the port at which it answers, empty if it died."""

    process: subprocess.Popen[str]
    port: queue.SimpleQueue[str]
    home: Path
    log: Path
    log_start: int  # bytes in the log before this server wrote to it

    def wait(self, *, seconds: float = START_SECONDS) -> str:
        """The server's URL, once it answers.

        Raises:
            ApiError: it ended, or did not answer in time.
        """
        try:
            port = self.port.get(timeout=seconds)
            failure = "ended as soon as it started"
        except queue.Empty:
            port, failure = "", f"did not start within {seconds:.0f} s"
        if not port:
            last_words = self._last_words()  # of the server itself, not of one that was stopped halfway
            self.stop()
            raise ApiError(
                f"Prefect's private server {failure}{last_words}; {self.log} says more. "
                "Try again, or start one yourself (prefect server start) and set PREFECT_API_URL to it."
            )
        return f"http://127.0.0.1:{port}/api"

    def stop(self) -> None:
        """Ends the server and removes its folder."""
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

    def _last_words(self) -> str:
        """The last line that this server wrote to its log, in brackets; empty if it wrote none."""
        with contextlib.suppress(OSError):
            written = self.log.read_bytes()[self.log_start :].decode(errors="replace").strip()
            if written:
                return f" ({without_credentials(written.splitlines()[-1])[:200]})"
        return ""


@contextlib.contextmanager
def prefect_api(
    logs: Path,
    *,
    screen: Console,
    verbose: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[str]:
    """Gives the flows called inside an API.

    Prefect's log goes to files in `logs`, and with `verbose` to the terminal too. `meanwhile` is called while
    a private server starts. The server is stopped at the very end of the process, not at the end of the
    block: Prefect's workers still flush what they hold, and without a server that takes over a minute.

    Raises:
        ApiError: the configured API does not answer, or the private server did not start.
    """
    screen.progress("starting Prefect")
    import_prefect(warn=screen.warn)
    from prefect.settings import get_current_settings

    logs.mkdir(parents=True, exist_ok=True)
    log_to_file(logs / FLOW_LOG, terminal=verbose)
    configured = get_current_settings().api.url
    if configured:
        with api_settings(str(configured)) as url:
            check_api(url)
            meanwhile()
            yield url
        return
    server = start_private_server(logs / SERVER_LOG)
    atexit.register(server.stop)
    meanwhile()
    url = server.wait()
    screen.progress("getting ready")
    with api_settings(url, is_private=True):
        yield url


@contextlib.contextmanager
def api_settings(url: str, *, is_private: bool = False) -> Iterator[str]:
    """Prefect's settings for an API at `url`, for the calls inside. A private server gets no keys."""
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_KEY,
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        PREFECT_CLIENT_CUSTOM_HEADERS,
        PREFECT_LOGGING_TO_API_ENABLED,
        get_current_settings,
        temporary_settings,
    )

    local: dict[Any, Any] = {}
    if is_loopback(url) and url.startswith("http:"):
        import certifi

        local = {PREFECT_API_SSL_CERT_FILE: certifi.where()}  # else SSL_CERT_FILE, which may not exist
    headers = get_current_settings().client.custom_headers
    private: dict[Any, Any] = {
        PREFECT_API_KEY: None,
        PREFECT_API_AUTH_STRING: None,
        PREFECT_CLIENT_CUSTOM_HEADERS: dict.fromkeys(headers, ""),  # {} would change nothing
        PREFECT_LOGGING_TO_API_ENABLED: False,
    }
    with temporary_settings({PREFECT_API_URL: url, **local, **(private if is_private else {})}):
        yield url


def check_api(url: str) -> None:
    """Raises ApiError if no Prefect server answers at the configured URL."""
    from prefect.client.orchestration import get_client

    reason = None
    try:
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
    except Exception as failure:  # the client could not be built
        error, reason = failure, environment_fault(failure, os.environ)
    if error is None:
        return
    if type(error).__name__ == "LocalProtocolError":  # its text holds the key
        reason = "PREFECT_API_KEY, PREFECT_API_AUTH_STRING or a custom header cannot be sent: a line break?"
    reason = reason or one_line(f"{type(error).__name__}: {error}")
    raise ApiError(
        f"No Prefect server answers at {without_credentials(url)} ({without_credentials(reason)}). "
        "PREFECT_API_URL or Prefect's profile names it: start it, or unset PREFECT_API_URL."
    )


def start_private_server(log: Path) -> PrivateServer:
    """Starts a private server without waiting for it; its errors are appended to `log`."""
    from flows.studio.workspace.posix import own_process_group

    home = Path(tempfile.mkdtemp(prefix="coldopen-prefect-")).absolute()
    with log.open("a", encoding="utf-8") as file:
        log_start = file.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [sys.executable, "-P", private_server.__file__, str(home), str(empty_database())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            cwd=home,  # where no .env, prefect.toml or pyproject.toml lies
            env=server_environment(os.environ, home),
            text=True,
            **own_process_group(),
        )
    port: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_port, args=(process, port), name="prefect-server", daemon=True).start()
    return PrivateServer(process, port, home, log, log_start)


def empty_database() -> Path:
    """The path of an empty, migrated database of this Prefect release; it may not exist yet."""
    import prefect
    from prefect.settings import get_current_settings

    name = f"empty-{prefect.__version__}.db"
    return Path(get_current_settings().home).absolute() / "coldopen" / name


def log_to_file(path: Path, *, terminal: bool) -> None:
    """Sends Prefect's log lines to a file, and no longer to the terminal unless `terminal`."""
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


def _read_port(process: subprocess.Popen[str], port: queue.SimpleQueue[str]) -> None:
    """Passes the server's port on, or an empty line if the server dies before it reports one."""
    assert process.stdout is not None
    number = ""
    with contextlib.suppress(OSError, ValueError):  # ValueError: `stop` closed the pipe while we read
        lines = (line for line in process.stdout if line.startswith(private_server.READY))
        number = next(lines, "").removeprefix(private_server.READY).strip()
    port.put(number)
