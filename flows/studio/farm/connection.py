"""The connection of a head to its farm: orders go out, answers and steps come back as events."""

from __future__ import annotations

import contextlib
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flows.studio.errors import StudioError
from flows.studio.farm import address as addresses
from flows.studio.farm import camera as cameras
from flows.studio.farm import roster
from flows.studio.farm.address import Address, NoAnswer
from flows.studio.farm.orders import Model
from flows.studio.farm.roster import Listed

if TYPE_CHECKING:
    from distributed import Client, Future

WAIT = "COLDOPEN_FARM_WAIT"
WAIT_MINUTES = 10.0  # for a camera that fits, and for a farm that is lost
ROSTER_SECONDS = 3.0  # the age at which the list of cameras is asked for again
TICK_SECONDS = 0.5
GATHER_SECONDS = 60.0

Say = Callable[[str], None]
Event = tuple[str, Any]  # ("done", key), or ("step", {"key": …, "step": [step, num_steps]})


class Lost(Exception):
    """The farm does not answer any more; what was ordered is ordered again."""


class Unanswered(Exception):
    """An order that is still out although it was answered: its camera died with the answer."""


class Connection:
    """An open connection. `say` gets lines for people, `progress` what is being waited for."""

    def __init__(self, address: Address, *, say: Say, progress: Say) -> None:
        """Raises NoAnswer (exit code 2) if no farm answers that takes our certificate."""
        addresses.require_dask()
        self.address = address
        self._say, self._progress = say, progress
        self._wait = _wait_seconds()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._client: Client | None = None
        self._cameras: tuple[Listed, ...] = ()
        self._listed: float | None = None  # when
        self._aside: set[tuple[str, str]] = set()
        self._connect()

    def close(self) -> None:
        """Leaves the farm; orders of ours that are out are called off."""
        if self._client is not None:
            with contextlib.suppress(Exception):  # a farm that is gone
                self._client.close(timeout=5)
            self._client = None

    # ------------------------------------------------------------------------------------------- orders

    def order(self, work: Callable[..., Any], *args: Any, key: str, model: Model, number: int) -> Future:
        """Orders a call of `work` on a camera that has the model; lower numbers first. Raises Lost."""
        import dask

        large = {
            "distributed.admin.large-graph-warning-threshold": "1GB"
        }  # an order with pictures is no graph
        with _lost_farm(), dask.config.set(large):
            future = self._open().submit(
                work,
                *args,
                key=key,
                priority=-number,
                resources=dict.fromkeys(model.needs, 1),
                retries=0,
                pure=False,
            )
            future.add_done_callback(self._on_done)
        return future

    def answer(self, future: Future) -> Any:
        """The answer to an order, which the farm keeps until it is released.

        Raises Lost, Unanswered, and what went wrong on the camera; CalledOff if another head, that had
        ordered the same, has called it off.
        """
        from distributed.client import FutureCancelledError

        if future.status in ("cancelled", "lost"):
            raise Lost
        try:
            return future.result(timeout=GATHER_SECONDS)
        except FutureCancelledError as error:
            raise Lost from error
        except TimeoutError as error:
            future.add_done_callback(self._on_done)  # it is filmed again, by another camera
            raise Unanswered from error

    def call_off(self, futures: list[Future]) -> None:
        """Calls orders off: cameras stop at their next step, unless another head wants the same."""
        if futures and self._client is not None:
            with contextlib.suppress(Exception):  # a farm that is gone
                self._client.cancel(futures)

    def events(self) -> list[Event]:
        """All events that have come; waits half a second for the first. Raises Lost."""
        events = []
        with contextlib.suppress(queue.Empty):
            events.append(self._events.get(timeout=TICK_SECONDS))
            while True:
                events.append(self._events.get_nowait())
        if self._open().status != "running":
            raise Lost
        return events

    def announce(self, future: Future) -> None:
        """Makes an event of an answer that may have come while nobody waited for it."""
        self._events.put(("done", future.key))

    def has_events(self) -> bool:
        """Whether an event waits."""
        return not self._events.empty()

    # ------------------------------------------------------------------------------------------ cameras

    def fitting(self, model: Model) -> tuple[Listed, ...]:
        """The cameras that have the model. The others' reasons are said, each once. Raises Lost."""
        if self._listed is None or time.monotonic() - self._listed > ROSTER_SECONDS:
            self._cameras, self._listed = self.roster(), time.monotonic()
        for camera in self._cameras:
            why = camera.why_not(model)
            if why and (camera.name, why) not in self._aside:
                self._aside.add((camera.name, why))
                self._say(f"camera {camera.name} stands aside: {why}")
        return roster.fitting(self._cameras, model)

    def wait_for_camera(self, model: Model) -> None:
        """Waits until a camera has the model. Raises StudioError after some minutes, and Lost."""
        begun = time.monotonic()
        while not self.fitting(model):
            nobody = f"no camera of the farm films {model.title} {model.weights[:8]}"
            if time.monotonic() - begun > self._wait:
                aside = "; ".join(f"{camera.name}: {camera.why_not(model)}" for camera in self._cameras)
                raise StudioError(
                    f"{self.address}: {nobody} ({aside or 'it has no camera at all'}); "
                    f"start one: coldopen camera {self.address}",
                    code=2,
                )
            self._progress(f"{nobody}; waiting for one")
            time.sleep(TICK_SECONDS)

    def roster(self) -> tuple[Listed, ...]:
        """The cameras as the farm lists them now. Raises Lost."""
        with _lost_farm():
            return roster.read_roster(self._open().scheduler_info(n_workers=-1))

    # --------------------------------------------------------------------------------------- connecting

    def reconnect(self) -> None:
        """Finds the farm again. Raises StudioError after some minutes."""
        self.close()
        self._say(f"{self.address}: the farm is lost; what is filmed is kept, and the rest is ordered again")
        begun = time.monotonic()
        while True:
            try:
                self._connect()
            except NoAnswer as error:
                if time.monotonic() - begun > self._wait:
                    raise StudioError(f"{error}; run the same command again: what is made stays") from error
            else:
                self._say(f"{self.address}: the farm is back")
                return
            self._progress(f"waiting for the farm at {self.address}")
            time.sleep(TICK_SECONDS)

    def _connect(self) -> None:
        import dask
        from distributed import Client

        addresses.check_answer(self.address)
        addresses.hush_dask()
        timeouts = {"distributed.comm.timeouts.connect": "10s", "distributed.comm.timeouts.tcp": "30s"}
        with dask.config.set(timeouts):
            try:
                self._client = Client(
                    str(self.address),
                    security=self.address.security(),
                    timeout=30,
                    name="coldopen",
                    set_as_default=False,
                )
            except OSError as error:
                raise NoAnswer(f"{self.address}: no answer ({error})") from error
        self._client.subscribe_topic(cameras.STEPS, self._on_event)
        self._listed = None

    def _open(self) -> Client:
        if self._client is None:
            raise Lost
        return self._client

    def _on_done(self, future: Future) -> None:
        self._events.put(("done", future.key))

    def _on_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        self._events.put(("step", event[1]))


@contextlib.contextmanager
def _lost_farm() -> Iterator[None]:
    """Raises Lost for what Dask's client raises when its scheduler is gone."""
    try:
        yield
    except (OSError, RuntimeError, TimeoutError) as error:
        raise Lost from error


def _wait_seconds() -> float:
    text = os.environ.get(WAIT, "")
    try:
        return 60 * (float(text) if text else WAIT_MINUTES)
    except ValueError:
        raise StudioError(f"{WAIT}: wanted minutes like 10, got {text!r}", code=2) from None
