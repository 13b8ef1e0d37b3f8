"""The heartbeat of a run, for hosts that share its folder: a file that changes as long as the run lives.

Whoever waits for the run reads it now and then; a text that stays the same for long, by the reader's own
clock, is a run that has died, and its host with it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

NAME = ".heartbeat"
SECONDS = 10.0


@contextlib.contextmanager
def beating(folder: Path, *, seconds: float = SECONDS) -> Iterator[None]:
    """Writes a heartbeat into `folder` for as long as the block lasts; a disk that refuses is passed over."""
    ended = threading.Event()
    path = folder / NAME

    def beat() -> None:
        number = 0
        while True:
            number += 1
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{socket.gethostname()} {os.getpid()} {number}\n", encoding="utf-8")
            if ended.wait(seconds):
                return

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(OSError):
            path.unlink()


def read(folder: Path) -> str | None:
    """The last heartbeat, "HOST PID NUMBER"; None if there is none."""
    try:
        return (folder / NAME).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
