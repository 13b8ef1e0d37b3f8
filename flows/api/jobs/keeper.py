"""The keeper of workers: gives each its jobs, one after the other, and notices when one dies.

A worker is a process of its own (`python -m flows.worker`), so that a crash of the film model leaves the
server alone. It stays with its model loaded. Jobs that only speak have a worker of their own, and do not wait
for a film.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from flows.api.jobs.queue import TERMINAL, Job, Queue
from flows.studio.workspace import posix
from flows.studio.workspace.folder import EpisodeFolder, holder, parse_code

Lane = Literal["film", "voice"]
LANE_OF: Mapping[str, Lane] = {"speak": "voice"}  # by kind of job; all others film
COMMAND = (sys.executable, "-m", "flows.worker")
END_SECONDS = 12  # in which a worker stops its job and ends


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    job: int | None = None


class Keeper:
    """Workers of a queue, at most one for each lane."""

    def __init__(self, queue: Queue, output: Path) -> None:
        self._queue = queue
        self._output = output
        self._workers: dict[Lane, _Worker] = {}
        self._lock = threading.RLock()

    def step(self) -> None:
        """Looks after the workers, and gives out the next jobs."""
        with self._lock:
            for lane in ("film", "voice"):
                self._look_after(lane)
                worker = self._workers.get(lane)
                if (worker is None or worker.job is None) and not self._queue.paused:
                    self._give_next(lane)

    def at_work(self) -> list[int]:
        """The numbers of the jobs that were given to workers and have not ended."""
        with self._lock:
            return [worker.job for worker in self._workers.values() if worker.job is not None]

    def stop(self, number: int) -> None:
        """Stops a job: at once if it waits, at its next step if it is at work, also in a terminal."""
        with self._lock:
            for worker in self._workers.values():
                if worker.job == number:
                    _send(worker.process.stdin, {"stop": number})
                    return
            state = self._queue.find(number)
            if state is not None and state.state == "working" and state.job.origin == TERMINAL:
                posix.interrupt(state.pid)
            else:
                self._queue.leave_out(number)

    def close(self) -> None:
        """Ends the workers; a job at work is interrupted, and goes on at the next start."""
        with self._lock:
            for worker in self._workers.values():
                _close(worker.process.stdin)
            for worker in self._workers.values():
                try:
                    worker.process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    worker.process.kill()
                    worker.process.wait()
            self._workers.clear()

    def _look_after(self, lane: Lane) -> None:
        worker = self._workers.get(lane)
        if worker is None:
            return
        state = None if worker.job is None else self._queue.find(worker.job)
        if state is None or state.is_ended:
            worker.job = None
        code = worker.process.poll()
        if code is None:
            return
        del self._workers[lane]
        _close(worker.process.stdin)
        if worker.job is not None and state is not None:
            why = (
                f"the worker ended with code {code}"
                if code >= 0
                else f"the worker was killed, signal {-code}"
            )
            self._queue.note(worker.job, "crashed", why=why)
            self._queue.pause(f"{state.job.title}: {why}")

    def _give_next(self, lane: Lane) -> None:
        waiting = [
            state
            for state in self._queue.waiting()
            if LANE_OF.get(state.job.kind, "film") == lane and (lane == "voice" or not _is_taken(state.job))
        ]
        if not waiting:
            return
        worker = self._workers.get(lane) or self._start(lane)
        worker.job = waiting[0].job.number
        if not _send(worker.process.stdin, {"job": worker.job}):
            worker.job = None  # it has just ended, after ten idle minutes

    def _start(self, lane: Lane) -> _Worker:
        log = self._output / ".board" / f"worker-{lane}.log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*COMMAND, str(self._output)],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                text=True,
                **posix.own_process_group(),
            )
        worker = _Worker(process)
        self._workers[lane] = worker
        return worker


def _is_taken(job: Job) -> bool:
    """Whether another process works on a job's episode: a terminal, or a night. It is waited for."""
    root, code = job.options.get("folder"), job.options.get("code")
    if not root or not code:
        return False
    return holder(EpisodeFolder(Path(root), parse_code(code))) is not None


def _close(pipe: IO[str] | None) -> None:
    with contextlib.suppress(OSError):
        if pipe is not None:
            pipe.close()


def _send(pipe: IO[str] | None, message: Mapping[str, int]) -> bool:
    """Whether a worker could be told."""
    try:
        assert pipe is not None
        pipe.write(json.dumps(message) + "\n")
        pipe.flush()
    except (OSError, ValueError):
        return False
    return True
