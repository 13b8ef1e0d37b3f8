"""The program of a private Prefect server: `python private_server.py HOME EMPTY_DATABASE`.

It answers on a free port, says on standard output which, and ends when its standard input closes. It needs
Prefect and nothing of Cold Open's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

READY = "the private server answers at port "


def serve(home: Path, empty_database: Path) -> None:
    """Runs a Prefect server on a free port until standard input closes.

    `home` is the server's Prefect home. Its database starts as a copy of `empty_database`, a migrated one;
    if there is none yet, the server migrates its own and saves it there.
    """
    threading.Thread(target=_end_with_parent, args=(home,), name="parent", daemon=True).start()
    database = home / "prefect.db"
    if empty_database.is_file():
        shutil.copyfile(empty_database, database)
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        lifespan="on",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    port = listener.getsockname()[1]
    ready = threading.Thread(
        target=_report_port, args=(server, port, database, empty_database), name="ready", daemon=True
    )
    ready.start()
    server.run(sockets=[listener])


def _end_with_parent(home: Path) -> None:
    """Ends this process when the run ends; nobody needs the database any more."""
    while os.read(sys.stdin.fileno(), 1024):  # not `sys.stdin`: its lock is wanted when this process ends
        pass
    os.chdir(home.parent)  # Windows removes no folder that a process works in
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)


def _report_port(server: uvicorn.Server, port: int, database: Path, empty_database: Path) -> None:
    while not server.started:
        time.sleep(0.02)
    if not empty_database.is_file():
        with contextlib.suppress(OSError, sqlite3.Error):  # then the next run migrates a database again
            _save_copy(database, empty_database)
    sys.stdout.write(f"{READY}{port}\n")
    sys.stdout.flush()


def _save_copy(database: Path, target: Path) -> None:
    """Copies a database that may be open, in one atomic step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(part)) as copy,
    ):
        source.backup(copy)
    part.replace(target)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
