"""`python -m flows.worker OUTPUT`: does the jobs that it is told on standard input, one after the other.

A line of JSON is a job to do, `{"job": 17}`, or to stop, `{"stop": 17}`. The film model stays loaded. It ends
after ten idle minutes. When its input ends, because the server did, however it ended, the job at work is
stopped as by Ctrl-C; if it has not ended ten seconds later, the process does.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO

from flows.api.jobs.journal import Journal
from flows.api.jobs.queue import A_PERSON, THE_SERVER_ENDED, Queue
from flows.studio.errors import StudioError
from flows.studio.production.console import Console
from flows.studio.production.errors import describe_error
from flows.studio.production.request import Outcome
from flows.studio.workspace import posix
from flows.worker.work import KINDS, Workshop

IDLE_SECONDS = 600.0
STOP_SECONDS = 10.0
LOCK_SECONDS = 5.0
FOR_EVER = 1e9  # seconds: the page shows the progress by itself


class Worker:
    """One job at a time, in the main thread: Prefect and Ctrl-C want that one."""

    def __init__(self, output: Path, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._queue = Queue(output / ".board")
        self._shop = Workshop(output)
        self._idle = idle_seconds
        self._todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_work: tuple[int, Journal] | None = None
        self._stopped: set[int] = set()  # those that are to stop, whether they have begun or not
        self._why = ""

    def run(self) -> None:
        """Works until there is nothing to do for too long, or the input ends."""
        threading.Thread(target=self._listen, name="input", daemon=True).start()
        while True:
            try:
                number = self._todo.get(timeout=self._idle)
                if number is None:
                    return
                self._do(number)
            except queue.Empty:
                return
            except KeyboardInterrupt:  # of a job that was over already
                continue

    def _do(self, number: int) -> None:
        folder = self._queue.place(number)
        with (folder / "lock").open("a+", encoding="utf-8") as file:
            _lock(file, number)
            journal = Journal(folder)
            journal.event("begun", pid=os.getpid())
            console = Console(write=_unheard, terminal=False, silence=FOR_EVER)
            console.listener = journal
            with self._lock:
                self._at_work, self._why = (number, journal), ""
            try:
                if number in self._stopped:
                    raise KeyboardInterrupt
                outcome = self._work(number, console)
                with self._lock:
                    self._at_work = None
                journal.ended(outcome)
            except KeyboardInterrupt:
                journal.event("stopped", why=self._why or A_PERSON)
            except Exception as error:
                traceback.print_exc()
                line, code = describe_error(error) or (f"{type(error).__name__}: {error}", 1)
                journal.event("failed", text=line, code=code)
            finally:
                self._at_work = None
                self._stopped.discard(number)

    def _work(self, number: int, console: Console) -> Outcome:
        job = self._queue.get(number).job
        work = KINDS.get(job.kind)
        if work is None:
            raise StudioError(f"there is no kind of job called {job.kind!r}", code=2)
        return work(self._shop, job.options, console)

    def _listen(self) -> None:
        """Takes what is told, until the input ends."""
        for line in sys.stdin:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if "job" in message:
                    self._todo.put(int(message["job"]))
                elif "stop" in message:
                    self._stop(A_PERSON, int(message["stop"]))
        self._todo.put(None)
        self._stop(THE_SERVER_ENDED)
        time.sleep(STOP_SECONDS)
        os._exit(137)

    def _stop(self, why: str, number: int | None = None) -> None:
        """Interrupts the job at work, if it is this one; ends the process where that does not help."""
        with self._lock:
            at_work = self._at_work
            if number is not None:
                self._stopped.add(number)
            if at_work is None or number not in (None, at_work[0]):
                return
            self._why = why
            at_work[1].event("stopping", why=why)
            posix.interrupt_main_thread()
        threading.Thread(target=self._end_if_stuck, args=(at_work,), daemon=True).start()

    def _end_if_stuck(self, at_work: tuple[int, Journal]) -> None:
        time.sleep(STOP_SECONDS)
        if self._at_work is at_work:
            os._exit(137)


def _lock(file: IO[str], number: int) -> None:
    """Takes the job's lock; whoever only asks whether it is held holds it for a moment."""
    deadline = time.monotonic() + LOCK_SECONDS
    while not posix.try_lock(file):
        if time.monotonic() > deadline:
            raise SystemExit(f"job {number} is done by another worker")
        time.sleep(0.02)


def _unheard(text: str) -> None:
    """Nothing: the journal has it."""


def main() -> None:
    """The worker of an output folder."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where the server was begun with `&`
    Worker(Path(sys.argv[1])).run()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
