"""`coldopen board`: one server for an output folder, its key, its port, and the browser that it opens."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING

from flows.studio.errors import StudioError
from flows.studio.production.console import Console
from flows.studio.workspace import files, posix

if TYPE_CHECKING:
    import uvicorn

    from flows.studio.farm.address import Address

PORT = 8612
PORTS_TRIED = 10
CLOSING_SECONDS = 20.0  # a worker's job is stopped, and Prefect's server with it
LOOPBACK = ("127.0.0.1", "localhost", "::1")
KEY_BYTES = 32
A_PERSON_PAUSED = "paused at the start"


@dataclass(frozen=True)
class BoardOptions:
    """The options of `board`. A port of None is the usual one, or the next that is free."""

    output: Path
    premises: Path
    host: str = "127.0.0.1"
    port: int | None = None
    names: Sequence[str] = ()
    with_key: bool = True
    browser: bool = True
    paused: bool = False
    farm: Address | None = None


def serve(options: BoardOptions, console: Console) -> int:
    """Serves until Ctrl-C. Where a server of this folder runs already, only the browser is opened.

    Raises StudioError for a port that is taken, or no key on an address that others reach.
    """
    if not options.with_key and options.host not in LOOPBACK:
        raise StudioError("--no-key: wanted only with --host 127.0.0.1, where nobody else comes in", code=2)
    board = options.output / ".board"
    with files.disk_errors(board):
        board.mkdir(parents=True, exist_ok=True)
        lock = (board / "lock").open("a+", encoding="utf-8")
    with lock:
        key = read_key(board) if options.with_key else None
        if not _takes(lock, options.host):
            address = _address(_port_of(lock), key)
            console.say(f"a board of {options.output} is open already: {address}")
            _open_browser(options, address)
            return 0
        with _bound(options) as listening:
            port = int(listening.getsockname()[1])
            lock.truncate(0)
            json.dump({"pid": os.getpid(), "port": port}, lock)
            lock.flush()
            return _run(options, console, key, listening)


def _takes(lock: IO[str], host: str) -> bool:
    """Whether the folder is this server's; one that is just closing is waited for."""
    deadline = time.monotonic() + CLOSING_SECONDS
    while not posix.try_lock(lock):
        if _answers(_port_of(lock), host) or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _answers(port: int, host: str) -> bool:
    at = host if host in LOOPBACK else "127.0.0.1"
    with contextlib.suppress(OSError), socket.create_connection((at, port), 1):
        return True
    return False


def read_key(board: Path) -> str:
    """The key of a `.board` folder; made at the first time, readable by its owner alone."""
    path = board / "key"
    with contextlib.suppress(OSError):
        key = path.read_text(encoding="ascii").strip()
        if len(key) >= KEY_BYTES:
            return key
    key = secrets.token_urlsafe(KEY_BYTES)
    with files.disk_errors(path):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
    return key


def _run(options: BoardOptions, console: Console, key: str | None, listening: socket.socket) -> int:
    posix.share_one_heap()  # before there are threads
    import uvicorn

    from flows.api.live.cameras import FarmWatch
    from flows.api.live.site import Site
    from flows.api.server.app import create_app
    from flows.api.server.security import Rules

    port = int(listening.getsockname()[1])
    names = options.names if options.host in LOOPBACK else [*options.names, *_names_of_this_machine(options)]
    farm = FarmWatch(options.farm) if options.farm is not None else None
    site = Site(options.output, options.premises, farm)
    if options.paused:
        site.queue.pause(A_PERSON_PAUSED)
    app = create_app(site, Rules.of(key, port, names))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            site.live.end_streams()  # else they would be waited for
            super().handle_exit(sig, frame)

    server = Server(config)
    for line in _lines(options, port, key, names):
        console.say(line)
    opener = threading.Thread(
        target=_open_when_ready, args=(server, options, _address(port, key)), daemon=True
    )
    opener.start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    console.say("The board is closed; what was being made goes on when it is opened again.")
    return 0


def _lines(options: BoardOptions, port: int, key: str | None, names: Sequence[str]) -> list[str]:
    if options.host in LOOPBACK:
        return [f"The board: {_address(port, key)}   (Ctrl-C closes it)"]
    own = [_address(port, key, name) for name in names]
    return [
        f"The board: {own[0] if own else _address(port, key)}   (Ctrl-C closes it)",
        *(f"           {address}" for address in own[1:]),
        "! HTTP is readable on its way. Over a network that is not yours alone rather: "
        f"ssh -L {port}:127.0.0.1:{port} THIS-MACHINE, and coldopen board without --host",
    ]


def _address(port: int, key: str | None, name: str = "127.0.0.1") -> str:
    return f"http://{name}:{port}/" + (f"?key={key}" if key else "")


def _port_of(lock: IO[str]) -> int:
    lock.seek(0)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return int(json.loads(lock.read())["port"])
    return PORT


@contextlib.contextmanager
def _bound(options: BoardOptions) -> Iterator[socket.socket]:
    """A socket at the port; one that was named is not exchanged for another."""
    tried = [options.port] if options.port is not None else list(range(PORT, PORT + PORTS_TRIED))
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for port in tried:
            try:
                listening.bind((options.host, port))
                break
            except OSError as error:
                fault = error.strerror or str(error)
        else:
            what = f"--port {tried[0]}" if options.port is not None else f"ports {tried[0]} to {tried[-1]}"
            raise StudioError(f"{what} at {options.host}: {fault}; try --port with another number", code=2)
        yield listening


def _names_of_this_machine(options: BoardOptions) -> list[str]:
    """The addresses and names by which other machines reach this one."""
    if options.host not in ("0.0.0.0", "::"):
        return [f"[{options.host}]" if ":" in options.host else options.host]
    name = socket.gethostname()
    found = [name]
    with contextlib.suppress(OSError):
        found += [str(each[4][0]) for each in socket.getaddrinfo(name, None, socket.AF_INET)]
    return list(dict.fromkeys(each for each in found if each not in LOOPBACK))


def _open_when_ready(server: uvicorn.Server, options: BoardOptions, address: str) -> None:
    done = threading.Event()
    for _ in range(200):
        if server.started:
            break
        done.wait(0.05)
    _open_browser(options, address)


def _open_browser(options: BoardOptions, address: str) -> None:
    if options.browser:
        with contextlib.suppress(webbrowser.Error, OSError):
            webbrowser.open(address)
