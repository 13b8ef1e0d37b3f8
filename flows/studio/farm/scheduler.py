"""The farm itself: Dask's scheduler with our settings, which hands orders to cameras.

It is started by us and not by `dask scheduler`, because orders are calls of our functions, which it must be
able to import. It films nothing and keeps no clip: a farm that is lost and started again has forgotten
everything, and its heads order again what is missing.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

from flows.studio.errors import StudioError
from flows.studio.farm.address import Address, hush_dask
from flows.studio.farm.camera import FACTS

PAGE = "127.0.0.1:8787"
SILENT_SECONDS = 120  # a camera that says nothing for so long is given up; a lost connection is seen before

Say = Callable[[str], None]


def settings(silent_seconds: float = SILENT_SECONDS) -> dict[str, Any]:
    """Dask's settings for a farm.

    No order waits at a camera that films (`worker-saturation`), since a machine that vanishes takes what
    waits there with it.
    """
    return {
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.worker-ttl": f"{silent_seconds:.0f}s",
        "distributed.scheduler.allowed-failures": 1,  # then a head tries the shot by itself
        "distributed.scheduler.unknown-task-duration": "60s",
        "distributed.comm.timeouts.tcp": "30s",
        "distributed.comm.timeouts.connect": "10s",
        "distributed.admin.low-level-log-length": 100,
        "distributed.scheduler.events-cleanup-delay": "10m",
    }


async def serve(
    address: Address, say: Say, *, page: str = PAGE, silent_seconds: float = SILENT_SECONDS
) -> None:
    """Runs the farm until it is cancelled. Raises StudioError for a port that is taken, and missing keys."""
    import dask
    from distributed import Scheduler

    hush_dask()
    security = address.security()
    with dask.config.set(settings(silent_seconds)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a page whose port is taken gets another one
        try:
            scheduler = await Scheduler(
                host=address.host if address.scheme == "tcp" else None,
                protocol=f"{address.scheme}://",
                port=address.port,
                security=security,
                dashboard_address=page,
                plugins=[_announcing(say)],
            )
        except (OSError, RuntimeError) as error:  # Dask puts the reason into the cause
            reason = getattr(error.__cause__ or error, "strerror", None) or error
            raise StudioError(
                f"{address}: cannot listen there ({reason}); is a farm running already?", code=2
            ) from error
        say(f"the farm is at {address}")
        try:
            await scheduler.finished()
        finally:
            await scheduler.close()


def _announcing(say: Say) -> Any:
    """A plug-in that says who comes and who goes."""
    from distributed.diagnostics.plugin import SchedulerPlugin

    class Announcing(SchedulerPlugin):  # type: ignore[misc]  # Dask's classes are untyped here
        def __init__(self) -> None:
            self.names: dict[str, str] = {}

        def add_worker(self, scheduler: Any, worker: str) -> None:
            state = scheduler.workers[worker]
            facts = state.extra.get(FACTS) or {}
            self.names[worker] = str(state.name)
            titles = ", ".join((facts.get("models") or {}).values())
            say(f"camera {state.name} joined: {titles or 'no film model'} on {facts.get('device', '?')}")

        def remove_worker(self, scheduler: Any, worker: str, **more: Any) -> None:
            say(f"camera {self.names.pop(worker, worker)} left")

    return Announcing()


def run(address: Address, say: Say, *, page: str = PAGE, silent_seconds: float = SILENT_SECONDS) -> None:
    """Runs the farm until it is interrupted; see `serve`."""
    asyncio.run(serve(address, say, page=page, silent_seconds=silent_seconds))
