"""Child processes that end with their parent: a child watches its input, a pipe that the parent holds.

The same on every system, and however the parent ends.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import Any


def end_with_parent() -> None:
    """Ends this process, a child, once its parent closes the pipe or is gone. Returns at once."""
    threading.Thread(target=_wait_for_the_end, name="parent", daemon=True).start()


def _wait_for_the_end() -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 1024):  # not `sys.stdin`: its lock is wanted when this process ends
            pass
    os._exit(0)


def end_child(process: subprocess.Popen[Any], patience: float) -> None:
    """Closes the pipe that a child watches, and kills it if it is there after `patience` seconds."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
