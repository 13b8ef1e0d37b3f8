"""The cameras of a farm for the pages: who films what, and who stands aside and why.

Another process asks the farm (`flows/worker/cameras.py`), and only while a page is open: no request waits for
a farm, and Dask is not in this process.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from flows.api.storyboard.digests import digest_of
from flows.studio.farm import orders
from flows.studio.farm.address import Address
from flows.studio.farm.orders import Model
from flows.studio.farm.roster import Listed
from flows.studio.workspace import posix
from flows.studio.workspace.children import end_child

COMMAND = (sys.executable, "-m", "flows.worker.cameras")
UNSEEN_SECONDS = 20.0  # after which nobody is taken to look
AGAIN_SECONDS = 30.0  # between two processes, if one ends by itself
PATIENCE = 2.0  # seconds in which it has to end


@dataclass(frozen=True)
class CameraCard:
    """A camera as pages show it. `why` is why it stands aside; empty if it does not."""

    name: str
    where: str
    models: str
    show: str
    label: str
    step: int
    num_steps: int
    why: str


@dataclass(frozen=True)
class FarmState:
    """What is known of a farm: its cameras, or why there are none; nothing before its first answer."""

    address: str
    is_known: bool = False
    cameras: tuple[Listed, ...] = ()
    fault: str = ""

    @cached_property
    def digest(self) -> str:
        """Another one whenever a page has something new to show; asked for ten times a second."""
        return digest_of([self.is_known, [asdict(camera) for camera in self.cameras], self.fault])

    def cards(self, model: Model | None) -> tuple[CameraCard, ...]:
        """The cameras; with a `model`, those that do not film with it stand aside for that."""
        return tuple(_card(camera, model) for camera in self.cameras)


def _card(camera: Listed, model: Model | None) -> CameraCard:
    why = camera.why_not(model) if model is not None else ""
    if not why and camera.release != orders.release():
        why = f"its release is {camera.release}, ours is {orders.release()}; install the same one"
    films = camera.films
    return CameraCard(
        camera.name,
        f"{camera.host}, {camera.device}",
        ", ".join(camera.models.values()),
        str(films.get("show") or ""),
        str(films.get("label") or ""),
        int(films.get("step") or 0),
        int(films.get("num_steps") or 0),
        why,
    )


class FarmWatch:
    """Knows a farm's cameras for as long as somebody wants to."""

    def __init__(self, address: Address, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = FarmState(str(address))
        self._clock = clock
        self._wanted = -UNSEEN_SECONDS
        self._begun = -AGAIN_SECONDS
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def want(self) -> None:
        """Somebody looks, now and for a while."""
        self._wanted = self._clock()

    def step(self) -> None:
        """Begins or ends the process that asks the farm."""
        with self._lock:
            now = self._clock()
            is_wanted = now - self._wanted < UNSEEN_SECONDS
            if self._process is not None and self._process.poll() is not None:
                self._process = None
            if is_wanted and self._process is None and now - self._begun >= AGAIN_SECONDS:
                self._begin(now)
            elif not is_wanted and self._process is not None:
                self._end()

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _begin(self, now: float) -> None:
        self._begun = now
        self._process = subprocess.Popen(
            [*COMMAND, self.state.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            **posix.own_process_group(),
        )
        threading.Thread(target=self._read, args=(self._process,), name="cameras", daemon=True).start()

    def _end(self) -> None:
        if self._process is not None:
            end_child(self._process, PATIENCE)
        self._process, self._begun = None, -AGAIN_SECONDS
        self.state = FarmState(self.state.address)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                    state = read_line(self.state.address, json.loads(line))
                    if process is self._process:
                        self.state = state


def read_line(address: str, told: Mapping[str, Any]) -> FarmState:
    """The state in a line of the process. Raises KeyError, TypeError or AttributeError for what is none."""
    names = {field.name for field in fields(Listed)}
    cameras: Sequence[Mapping[str, Any]] = told.get("cameras") or ()
    listed = (
        Listed(**{**{name: camera[name] for name in names}, "offers": frozenset(camera["offers"])})
        for camera in cameras
    )
    return FarmState(address, True, tuple(listed), str(told.get("fault") or ""))
