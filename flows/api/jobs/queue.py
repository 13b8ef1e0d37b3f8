"""The queue as folders: what was asked for, what happened since, and the state that follows from both.

    <output>/.board/jobs/000017/job.json       what was asked for: kind, options, title
                                events.jsonl   begun, said, made, done …, a line each, only appended
                                progress.json  how far it is now, replaced as a whole
                                preview.webp   what is being filmed
                                lock           held by the worker while it lives; the system frees it
    <output>/.board/queue.json  why the queue is paused, and the order of those that wait

There is no database: whoever is killed leaves a state that can be read.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flows.api.jobs.errors import NotThere
from flows.studio.workspace import files, posix

State = Literal["waiting", "working", "done", "failed", "stopped", "interrupted", "left out"]
Event = Mapping[str, Any]

ENDED: frozenset[State] = frozenset(("done", "failed", "stopped", "left out"))
MOST_CRASHES = 2  # of a job, before it is left out
JOBS_KEPT = 200
LINES_SHOWN = 12
A_PERSON = "a person"  # who stopped it, in `stopping`
THE_SERVER_ENDED = "the server ended"
WORKER, TERMINAL = "worker", "terminal"  # who does a job


@dataclass(frozen=True)
class Job:
    """A job as it was asked for. `episode` is "show/s01e01", or empty for a job of no episode."""

    number: int
    kind: str
    options: Mapping[str, Any]
    title: str
    episode: str
    added: float
    origin: str = WORKER


@dataclass(frozen=True)
class JobState:
    """A job and where it stands: its progress while it works, its end when it has one."""

    job: Job
    state: State
    progress: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    code: int | None = None
    crashes: int = 0
    began: float | None = None
    ended: float | None = None
    pid: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ENDED

    def as_data(self) -> dict[str, Any]:
        """The state as plain data, for pages and scripts."""
        job = self.job
        return {
            "number": job.number,
            "kind": job.kind,
            "title": job.title,
            "episode": job.episode,
            "origin": job.origin,
            "options": dict(job.options),
            "added": job.added,
            "state": self.state,
            "progress": dict(self.progress),
            "said": list(self.said),
            "made": dict(self.made),
            "fault": self.fault,
            "code": self.code,
            "began": self.began,
            "ended": self.ended,
        }


def state_of(job: Job, events: Sequence[Event], *, is_locked: bool) -> JobState:
    """The state that follows from the events; those before the last `again` are forgotten."""
    events = _since_the_last(events, "again")
    crashes = sum(event.get("kind") == "crashed" for event in events)
    run = _since_the_last(events, "begun")
    last = {str(event.get("kind")): event for event in run}
    state, end = _end(job, run, crashes, is_locked=is_locked)
    made = {key: value for key, value in last.get("made", {}).items() if key not in ("kind", "at")}
    return JobState(
        job,
        state,
        said=tuple(str(event.get("text", "")) for event in run if event.get("kind") == "said")[-LINES_SHOWN:],
        made=made,
        fault=str(end.get("text", "")) if end.get("kind") == "failed" else _crash_line(events, state),
        code=end.get("code"),
        crashes=crashes,
        began=last.get("begun", {}).get("at"),
        pid=int(last.get("begun", {}).get("pid") or 0),
        ended=end.get("at"),
    )


def _end(job: Job, run: Sequence[Event], crashes: int, *, is_locked: bool) -> tuple[State, Event]:
    for event in reversed(run):
        kind = event.get("kind")
        if kind in ("done", "failed", "stopped"):
            if kind == "stopped" and event.get("why") == THE_SERVER_ENDED:
                return "interrupted", {}
            return kind, event
    if crashes >= MOST_CRASHES:
        return "left out", run[-1]
    kinds = [event.get("kind") for event in run]
    if "begun" not in kinds:
        return ("interrupted" if crashes else "waiting"), {}
    if is_locked:
        return "working", {}
    if job.origin == TERMINAL:  # its terminal has ended; only a person begins it anew
        return "stopped", run[-1]
    asked = any(event.get("kind") == "stopping" and event.get("why") == A_PERSON for event in run)
    return ("stopped", run[-1]) if asked else ("interrupted", {})


def _crash_line(events: Sequence[Event], state: State) -> str:
    crash = next((event for event in reversed(events) if event.get("kind") == "crashed"), None)
    return str(crash.get("why", "")) if crash is not None and state in ("interrupted", "left out") else ""


def _since_the_last(events: Sequence[Event], kind: str) -> Sequence[Event]:
    places = [place for place, event in enumerate(events) if event.get("kind") == kind]
    return events[places[-1] :] if places else events


def read_events(path: Path) -> list[Event]:
    """The events of a file; a line that was torn by a kill is left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    events: list[Event] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events


class Queue:
    """The jobs of an output folder. Safe to use from several threads of one process."""

    def __init__(self, board: Path) -> None:
        """The queue in a `.board` folder, which is made at the first job."""
        self.folder = board / "jobs"
        self._file = board / "queue.json"
        self._lock = threading.RLock()
        self._known: dict[int, tuple[tuple[Any, ...], JobState]] = {}

    # ------------------------------------------------------------------------------------------ reading

    def place(self, number: int) -> Path:
        """The folder of a job."""
        return self.folder / f"{number:06d}"

    def numbers(self) -> list[int]:
        """The numbers of all jobs, oldest first."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isdecimal())

    def all(self) -> list[JobState]:
        """Every job with its state, oldest first."""
        return [state for number in self.numbers() if (state := self.find(number)) is not None]

    def get(self, number: int) -> JobState:
        """A job by its number. Raises NotThere."""
        found = self.find(number)
        if found is None:
            raise NotThere(f"there is no job {number}")
        return found

    def find(self, number: int) -> JobState | None:
        """A job by its number; None if there is none."""
        with self._lock:
            folder = self.place(number)
            stamp = (_stamp(folder / "events.jsonl"), _stamp(folder / "progress.json"))
            known = self._known.get(number)
            if known is not None and known[0] == stamp and known[1].is_ended | (known[1].state == "waiting"):
                return known[1]
            job = known[1].job if known is not None else _read_job(folder, number)
            if job is None:
                return None
            found = state_of(job, read_events(folder / "events.jsonl"), is_locked=self._is_locked(folder))
            if found.state == "working":
                progress = files.read_json(folder / "progress.json") or {}
                found = JobState(**{**found.__dict__, "progress": progress})
            self._known[number] = (stamp, found)
            return found

    def _is_locked(self, folder: Path) -> bool:
        """Whether a worker holds it. The lock is taken for a moment, so workers try theirs several times."""
        path = folder / "lock"
        if not path.exists():
            return False
        with path.open("a+", encoding="utf-8") as file:
            return not posix.try_lock(file)

    def waiting(self) -> list[JobState]:
        """Those that are to be made, in their order: what was interrupted first."""
        order = {number: place for place, number in enumerate(self._settings()["order"])}
        found = [
            state
            for state in self.all()
            if state.state in ("waiting", "interrupted") and state.job.origin == WORKER
        ]
        return sorted(
            found,
            key=lambda state: (
                state.state != "interrupted",
                order.get(state.job.number, len(order)),
                state.job.number,
            ),
        )

    @property
    def paused(self) -> str:
        """Why nothing is begun; empty while the queue goes on."""
        return str(self._settings()["paused"])

    def _settings(self) -> dict[str, Any]:
        found = files.read_json(self._file) or {}
        order = found.get("order")
        kept = [each for each in order if isinstance(each, int)] if isinstance(order, list) else []
        return {"paused": str(found.get("paused") or ""), "order": kept}

    # ------------------------------------------------------------------------------------------ changing

    def add(
        self,
        kind: str,
        options: Mapping[str, Any],
        *,
        title: str,
        episode: str = "",
        origin: str = WORKER,
    ) -> JobState:
        """Adds a job at the end; the oldest that have ended are taken away."""
        with self._lock:
            number = max(self.numbers(), default=0) + 1
            value = {
                "kind": kind,
                "options": dict(options),
                "title": title,
                "episode": episode,
                "added": time.time(),
                "origin": origin,
            }
            files.write_json(self.place(number) / "job.json", value)
            self._prune()
            return self.get(number)

    def note(self, number: int, kind: str, **what: Any) -> None:
        """Adds an event to a job that no worker holds."""
        with self._lock:
            append_event(self.place(number), kind, **what)

    def again(self, number: int) -> None:
        """Lets an ended job wait anew; one of a terminal is the worker's from then on."""
        with self._lock:
            state = self.get(number)
            if not state.is_ended:
                return
            if state.job.origin == TERMINAL:
                path = self.place(number) / "job.json"
                files.write_json(path, {**(files.read_json(path) or {}), "origin": WORKER})
                self._known.pop(number, None)
            self.note(number, "again")

    def leave_out(self, number: int) -> None:
        """Ends a job that is not at work."""
        if self.get(number).state in ("waiting", "interrupted"):
            self.note(number, "stopped", why=A_PERSON)

    def move(self, number: int, place: int) -> None:
        """Moves a waiting job to a place in the order, from 0."""
        with self._lock:
            order = [state.job.number for state in self.waiting()]
            if number in order:
                order.remove(number)
                order.insert(max(0, place), number)
                self._save(order=order)

    def pause(self, reason: str) -> None:
        """Begins nothing any more; an empty reason lets it go on."""
        with self._lock:
            self._save(paused=reason)

    def _save(self, **values: Any) -> None:
        files.write_json(self._file, {**self._settings(), **values})

    def _prune(self) -> None:
        numbers = self.numbers()
        for number in numbers[: max(0, len(numbers) - JOBS_KEPT)]:
            state = self.find(number)
            if state is None or state.is_ended:
                shutil.rmtree(self.place(number), ignore_errors=True)
                self._known.pop(number, None)


def append_event(folder: Path, kind: str, **what: Any) -> None:
    """Appends an event to a job's file, behind a line that a kill may have torn."""
    path = folder / "events.jsonl"
    line = json.dumps({"at": time.time(), "kind": kind, **what}, ensure_ascii=False)
    with path.open("ab+") as file:
        file.seek(0, 2)
        if file.tell():
            file.seek(-1, 2)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())


def _read_job(folder: Path, number: int) -> Job | None:
    value = files.read_json(folder / "job.json")
    if value is None:
        return None
    options = value.get("options")
    return Job(
        number,
        str(value.get("kind")),
        options if isinstance(options, dict) else {},
        str(value.get("title") or value.get("kind")),
        str(value.get("episode") or ""),
        float(value.get("added") or 0),
        str(value.get("origin") or WORKER),
    )


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
