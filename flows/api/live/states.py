"""What open pages want to know, as whole states: whoever comes late, reloads or wakes up is right at once.

A thread looks at the disk a few times a second: at the jobs, and at the episodes that somebody watches. Pages
get the digest of each of their parts and fetch those that are others than they show.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from flows.api.jobs.keeper import Keeper
from flows.api.jobs.queue import JobState, Queue
from flows.api.live.cameras import FarmWatch
from flows.api.storyboard.digests import digest_of

TICK_SECONDS = 0.1
QUIET_SECONDS = 15.0  # after which a stream says that it is still there
Parts = Mapping[str, str]  # the digest of each part of an episode's page, by the part's name

log = logging.getLogger(__name__)


class LiveStates:
    """The states that streams send: `jobs`, and one for each watched episode."""

    def __init__(
        self, queue: Queue, keeper: Keeper, parts_of: Callable[[str], Parts], farm: FarmWatch | None = None
    ) -> None:
        """`parts_of` gives the parts of an episode, "show/s01e01"."""
        self._queue = queue
        self._keeper = keeper
        self._parts_of = parts_of
        self._farm = farm
        self._watched: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live states", daemon=True)
        self.jobs = jobs_state([], "")
        self.episodes: dict[str, Parts] = {}
        self.farm = ""  # the digest of what is known of the cameras
        self.version = 0

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def end_streams(self) -> None:
        """Ends every stream; safe in a signal's handler."""
        self._closed.set()

    def close(self) -> None:
        """Ends the streams and the thread."""
        self._closed.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    @property
    def is_closed(self) -> bool:
        """Whether no more states come."""
        return self._closed.is_set()

    def hurry(self) -> None:
        """Looks at once: something was changed from here."""
        self._wake.set()

    @contextlib.contextmanager
    def watching(self, episode: str) -> Iterator[None]:
        """An episode is looked at inside this block."""
        with self._lock:
            self._watched[episode] += 1
        self.hurry()
        try:
            yield
        finally:
            with self._lock:
                self._watched[episode] -= 1
                if not self._watched[episode]:
                    del self._watched[episode]
                    self.episodes.pop(episode, None)

    def want_farm(self) -> None:
        """A page is open that shows the cameras."""
        if self._farm is not None:
            self._farm.want()

    def look(self) -> None:
        """Looks once at everything, and gives out jobs."""
        self._keeper.step()
        self._take("jobs", jobs_state(self._queue.all(), self._queue.paused))
        if self._farm is not None:
            self._farm.step()
            self._take("farm", self._farm.state.digest)
        with self._lock:
            watched = list(self._watched)
        for episode in watched:
            parts = self._parts_of(episode)
            with self._lock:
                is_new = episode in self._watched and self.episodes.get(episode) != parts
                if is_new:
                    self.episodes[episode] = parts
            if is_new:
                self.version += 1

    def _take(self, name: str, value: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.version += 1

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self.look()
            except Exception:  # a folder that goes away while it is read; the next look sees it as it is
                log.exception("the board could not look at the disk")
                time.sleep(1)
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()


def jobs_state(states: list[JobState], paused: str) -> dict[str, Any]:
    """The jobs as pages show them: those at work in full, the list of all as a digest."""
    working = [_brief(state) for state in states if state.state == "working"]
    listed = [(state.job.number, state.state, state.fault, state.said) for state in states]
    return {
        "working": working,
        "waiting": sum(state.state in ("waiting", "interrupted") for state in states),
        "paused": paused,
        "list": digest_of([listed, paused]),
        "ended": {str(state.job.number): state.state for state in states[-20:] if state.is_ended},
    }


def _brief(state: JobState) -> dict[str, Any]:
    job = state.job
    return {
        "number": job.number,
        "kind": job.kind,
        "title": job.title,
        "episode": job.episode,
        "progress": dict(state.progress),
        "said": state.said[-1] if state.said else "",
    }


def in_language(state: Mapping[str, Any], told: Callable[[str], str]) -> dict[str, Any]:
    """The jobs' state with what they say in a page's language."""
    working = [
        {
            **job,
            "said": told(job["said"]),
            "progress": {
                key: told(value) if key in ("label", "left") else value
                for key, value in job["progress"].items()
            },
        }
        for job in state["working"]
    ]
    return {**state, "working": working}


async def stream(
    live: LiveStates, episode: str | None, told: Callable[[str], str] = str
) -> AsyncIterator[str]:
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) for one page.

    `told` puts what runs say into the page's language.
    """
    with live.watching(episode) if episode else contextlib.nullcontext():
        sent: dict[str, Any] = {}
        seen, quiet_since = -1, time.monotonic()
        yield "retry: 500\n\n"
        while not live.is_closed:
            live.want_farm()
            if seen != live.version:
                seen = live.version
                for kind, value in (
                    ("jobs", live.jobs),
                    ("episode", live.episodes.get(episode or "")),
                    ("farm", {"digest": live.farm} if live.farm else None),
                ):
                    if value is not None and sent.get(kind) != value:
                        sent[kind] = value
                        shown = in_language(value, told) if kind == "jobs" else value
                        yield f"event: {kind}\ndata: {json.dumps(shown, ensure_ascii=False)}\n\n"
                        quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                yield ": still here\n\n"
                quiet_since = time.monotonic()
            await asyncio.sleep(0.05)
