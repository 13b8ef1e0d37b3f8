"""Calls that only POSIX systems have, and what Windows gets instead; they are made in no other file.

File locks: `flock` on POSIX, a locked byte far behind the text on Windows; the system frees both when their
process ends. Process groups: a session of its own on POSIX, where Ctrl-C in the terminal does not reach the
child; a new process group on Windows, with the same effect. Wide pipes: on Linux alone, for speed. A folder's
entries are flushed to the disk on POSIX; Windows has no call for that and keeps a journal of them. A child
that must end with its parent is the same on every system (`flows/studio/workspace/children.py`). Whether a
process runs is asked by signal 0 on POSIX; on Windows that would end it, so its handle is opened. Ctrl-C for
this process itself is a signal to its main thread, which wakes it. One heap for all threads is a setting of
glibc; other C libraries have no such heaps and are left as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from typing import IO, Any

_FAR_BEHIND = 1 << 30
_WIDE = 1 << 20
_M_ARENA_MAX = -8  # of mallopt(3)

if sys.platform == "win32":
    import _thread
    import msvcrt
    import subprocess

    def try_lock(file: IO[Any]) -> bool:
        """True if `file` is ours now; it stays so until it is closed."""
        file.seek(_FAR_BEHIND)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def own_process_group() -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that keep the terminal's Ctrl-C away from the child."""
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

    def widen_pipe(pipe: IO[bytes] | None) -> None:
        """Leaves a pipe as it is."""

    def is_running(pid: int) -> bool:
        """Whether there is a process of this number."""
        handle = ctypes.windll.kernel32.OpenProcess(0x100000, False, pid)
        if not handle:
            return False
        try:
            return bool(ctypes.windll.kernel32.WaitForSingleObject(handle, 0) != 0)
        finally:
            ctypes.windll.kernel32.CloseHandle(handle)

    def interrupt_main_thread() -> None:
        """Raises KeyboardInterrupt in this process's main thread, as Ctrl-C does."""
        _thread.interrupt_main()

    def interrupt(pid: int) -> None:
        """Nothing: Ctrl-C reaches only processes of one's own console."""

    def sync_folder(folder: Path) -> None:
        """Leaves a folder as it is."""

    def share_one_heap() -> None:
        """Leaves the heap as it is."""

else:
    import fcntl
    import signal
    import threading

    def try_lock(file: IO[Any]) -> bool:
        """True if `file` is ours now; it stays so until it is closed."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def own_process_group() -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that keep the terminal's Ctrl-C away from the child."""
        return {"start_new_session": True}

    def widen_pipe(pipe: IO[bytes] | None) -> None:
        """Makes a pipe hold a megabyte, so that pictures go through in few pieces, where that may be had."""
        if sys.platform == "linux" and pipe is not None:
            with contextlib.suppress(OSError):  # the system's limit, or this user's
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _WIDE)

    def is_running(pid: int) -> bool:
        """Whether there is a process of this number."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return True
        return True

    def interrupt_main_thread() -> None:
        """Raises KeyboardInterrupt in this process's main thread, as Ctrl-C does."""
        ident = threading.main_thread().ident
        assert ident is not None
        signal.pthread_kill(ident, signal.SIGINT)

    def sync_folder(folder: Path) -> None:
        """Flushes a folder's entries to the disk, so that a file moved into it is there after a power cut."""
        number = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # a file system that knows no such call
                os.fsync(number)
        finally:
            os.close(number)

    def share_one_heap() -> None:
        """Lets all threads have one heap; each keeps one of its own else, with what it once needed."""
        with contextlib.suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)

    def interrupt(pid: int) -> None:
        """Interrupts another process, as Ctrl-C in its terminal does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid > 1:
                os.kill(pid, signal.SIGINT)
