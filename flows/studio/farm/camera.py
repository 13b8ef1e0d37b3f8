"""A camera: a process with open film models that films the orders of a farm.

It opens its model before it offers itself, so that no order waits for one. It joins again whenever the farm
is lost, and keeps its model meanwhile. It films into a temporary folder and sends the clip's bytes back: it
sees no episode's folder, no key and no Prefect. Dask calls `film` in a thread, one order at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import platform
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.cameras.film_model import GenerateSettings, OnStep, Preview, RenderError
from flows.studio.errors import StudioError
from flows.studio.farm import orders
from flows.studio.farm.address import Address, check_answer, hush_dask, parse_address
from flows.studio.farm.orders import Order
from flows.studio.filming import camera, models, pictures
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings, own_settings
from flows.studio.workspace.children import end_with_parent
from flows.studio.workspace.files import content_hash
from flows.studio.workspace.folder import MIN_FREE_BYTES

if TYPE_CHECKING:
    import numpy as np
    from distributed import Worker

STEPS = "coldopen-steps"  # the topic of what cameras tell while they film
FACTS = "coldopen"  # under which a camera's facts and its work stand in the farm's list of cameras
EVENT_SECONDS = 1.0  # the shortest time between two events of a camera
RETRY_SECONDS = 2.0
STOPPED = "the farm does not want this shot any more"

Say = Callable[[str], None]


class CalledOff(StudioError):
    """Nobody wants the shot any more: its head has stopped, or has gone."""


@dataclass(frozen=True)
class CameraOptions:
    """What a camera's process is started with; plain JSON. `port` 0 is any port."""

    address: str
    keys: str
    name: str
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    loras: tuple[str, ...] = ()
    device: str | None = None
    memory: str = "auto"
    port: int = 0


@dataclass
class Camera:
    """The one camera of a process: what it has, and what it is doing.

    `sources` are film models by their fingerprint, `loras` files by their hash, `seconds` those of a step
    with a model's own settings, by fingerprint.
    """

    options: CameraOptions
    loaded: LoadedModels
    sources: Mapping[str, str]
    loras: Mapping[str, Path]
    device: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    at_work: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def offers(self) -> dict[str, float]:
        """Its labels, as Dask's resources: one order at a time of each."""
        labels = (*map(orders.model_label, self.sources), *map(orders.lora_label, self.loras))
        return dict.fromkeys(labels, 1.0)

    @property
    def facts(self) -> dict[str, Any]:
        """What the farm's list of cameras says of it."""
        return {
            "release": orders.release(),
            "models": {
                weights: models.describe_model(source).title for weights, source in self.sources.items()
            },
            "loras": {content: path.name for content, path in self.loras.items()},
            "seconds": dict(self.seconds),
            "device": self.device,
            "torch": _torch_version(),
            "host": socket.gethostname(),
            "system": platform.system(),
            "pid": os.getpid(),
        }


_camera: Camera | None = None  # Dask calls functions by name, in this process


def open_camera(options: CameraOptions, say: Say) -> Camera:
    """Opens the first film model and measures a step. Raises StudioError for models that are not there.

    A trial of the model's own size may fail where orders are smaller; then its speed is not known.
    """
    global _camera
    loaded = LoadedModels(options.device)
    sources = {models.fingerprint(source): source for source in options.models}
    try:
        loras = {content_hash(Path(file)): Path(file) for file in options.loras}
    except FileNotFoundError as error:
        raise StudioError(f"--lora {error.filename}: there is no such file", code=2) from error
    found = Camera(options, loaded, sources, loras)
    weights, source = next(iter(sources.items()))
    say(f"loading {source}")
    model = loaded.get(source, memory=options.memory)
    found.device = model.device
    try:
        found.seconds[weights] = round(camera.seconds_per_step(own_settings(model.facts), model), 3)
        speed = f"{found.seconds[weights]:.2f} s a step"
    except RenderError as error:
        speed = f"of unknown speed, for a trial failed: {error}"
    say(f"{model.facts.title} on {model.device}, {speed}")
    _camera = found
    return found


# ---------------------------------------------------------------------------------------------- filming


def film(
    order: Mapping[str, Any], first: bytes | None = None, references: Sequence[bytes] = ()
) -> dict[str, Any]:
    """Films one order. Called by Dask, with `Order` as plain JSON and its pictures as PNG files.

    Returns `clip` (the bytes) with `notes`; or `fault`, for which a gag card comes; or `error` and `code`,
    for which the episode stops. Raises CalledOff once nobody wants the shot.
    """
    found, read = _open(), orders.read_order(order)
    num_steps = int(read.film["num_steps"])
    with (
        _at_work(found, read.label, read.show, num_steps) as on_step,
        _temporary_folder() as place,
        _full_disk(found),
    ):
        try:
            settings = _settings(found, read)
            model = camera.open_for(settings, found.loaded)
            given = pictures.from_png(first, references)
            clip = camera.film_clip(read, settings, model, place, on_step=on_step, given=given)
            if isinstance(clip, str):
                return {"fault": clip, "camera": found.options.name}
            return {"clip": clip.path.read_bytes(), "notes": dict(clip.notes), "camera": found.options.name}
        except CalledOff:
            raise
        except StudioError as error:
            if _is_full(error.__cause__):
                raise error.__cause__ from error
            return {"error": str(error), "code": error.code, "camera": found.options.name}


def generate(
    model: Mapping[str, Any],
    prompt: str,
    seed: int,
    references: Sequence[np.ndarray],
    settings: GenerateSettings,
) -> dict[str, Any]:
    """Films a prompt for `clip`. Called by Dask; `model` is `Model` as plain JSON.

    Returns `frames`, `fps`, `settings` and `device`; or `error`, `code` and `kind` (the name of the
    exception).
    """
    found = _open()
    source = found.sources[model["weights"]]
    num_steps = settings.get("num_steps") or own_settings(models.describe_model(source)).num_steps
    with _at_work(found, "clip", prompt[:40], num_steps) as on_step:
        try:
            loras = tuple((str(found.loras[content]), weight) for content, _, weight in model["loras"])
            opened = found.loaded.get(source, loras=loras, memory=found.options.memory)
            video = opened.generate(
                prompt,
                seed=seed,
                references=references,
                on_step=on_step,
                **settings,
            )
        except CalledOff:
            raise
        except StudioError as error:
            kind = "RenderError" if isinstance(error, RenderError) else "StudioError"
            return {"error": str(error), "code": error.code, "kind": kind}
        used = {key: value for key, value in video.settings.items() if _is_plain(value)}
        return {"frames": video.frames, "fps": video.fps, "settings": used, "device": opened.device}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _open() -> Camera:
    assert _camera is not None, "this process is no camera"
    return _camera


def _settings(found: Camera, order: Order) -> FilmSettings:
    """The settings with this machine's own paths. Raises StudioError for LoRAs that make another film."""
    source = found.sources[order.model.weights]
    settings = orders.settings_of(order, source, found.loras, memory=found.options.memory)
    if settings.loras and models.fingerprint(source, loras=settings.loras) != settings.weights:
        raise StudioError(
            f"camera {found.options.name}: its LoRAs do not give the film model that was ordered"
        )
    return settings


@contextlib.contextmanager
def _at_work(found: Camera, label: str, show: str, num_steps: int) -> Iterator[OnStep]:
    """Tells the farm of every step, at most one a second, and stops once the order is called off."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    told = 0.0

    def on_step(step: int, num_steps: int, preview: Preview | None) -> None:
        nonlocal told
        if not _is_wanted(worker, key):
            raise CalledOff(STOPPED)
        found.at_work.update(step=step, num_steps=num_steps)
        if time.monotonic() - told >= EVENT_SECONDS or step == num_steps:
            told = time.monotonic()
            worker.log_event(STEPS, {"key": key, "camera": found.options.name, "step": [step, num_steps]})

    with found.lock:  # after a lost farm the order before may still be on its way to its next step
        if not _is_wanted(worker, key):
            raise CalledOff(STOPPED)
        found.at_work.update(label=label, show=show, step=0, num_steps=num_steps, since=time.time())
        worker.log_event(STEPS, {"key": key, "camera": found.options.name, "step": [0, num_steps]})
        try:
            yield on_step
        finally:
            found.at_work.clear()


def _is_wanted(worker: Worker, key: object) -> bool:
    """Whether a head still waits for this order.

    A state of a task in Dask's worker is no documented promise; a test holds it.
    """
    from distributed.core import Status

    task = worker.state.tasks.get(key)
    return worker.status in (Status.running, Status.paused) and task is not None and task.state != "cancelled"


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="coldopen-camera-", ignore_cleanup_errors=True) as place:
        yield Path(place)


@contextlib.contextmanager
def _full_disk(found: Camera) -> Iterator[None]:
    """Gives the order back where this machine's disk is full, and leaves the farm until it is not."""
    from distributed import Reschedule, get_worker

    try:
        yield
    except OSError as error:
        if not _is_full(error):
            raise
        worker = get_worker()
        worker.loop.add_callback(worker.close, reason=f"{tempfile.gettempdir()}: {error.strerror}")
        raise Reschedule from error


def _is_full(error: BaseException | None) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


# ---------------------------------------------------------------------------------------------- joining


def worker_settings() -> dict[str, Any]:
    """Dask's settings for a camera; a fallback to host memory or a spilled clip is not wanted."""
    return {
        "distributed.worker.daemon": False,
        "distributed.comm.timeouts.connect": "10s",
        "distributed.comm.timeouts.tcp": "30s",
        "distributed.admin.tick.limit": "60s",  # a step may hold the interpreter
        "distributed.worker.profile.enabled": False,
    }


async def serve(found: Camera, say: Say) -> None:
    """Joins the farm, and joins it again whenever it is lost; ends never."""
    import dask
    from distributed import Worker
    from distributed.worker import DEFAULT_METRICS, DEFAULT_STARTUP_INFORMATION

    address = parse_address(found.options.address, folder=Path(found.options.keys), option="camera")
    local = "127.0.0.1" if address.scheme == "tcp" else None  # without TLS it listens to this machine alone
    trouble = ""
    while True:
        reason = await asyncio.to_thread(_reason_to_wait, address)
        if reason:
            if reason != trouble:
                say(f"{reason}; trying again every {RETRY_SECONDS:.0f} s")
            trouble = reason
            await asyncio.sleep(RETRY_SECONDS)
            continue
        try:
            with (
                tempfile.TemporaryDirectory(prefix="coldopen-camera-", ignore_cleanup_errors=True) as place,
                dask.config.set(worker_settings()),
            ):
                async with Worker(
                    str(address),
                    nthreads=1,
                    name=found.options.name,
                    resources=found.offers,
                    memory_limit=0,
                    security=address.security(),
                    local_directory=place,
                    port=found.options.port,
                    dashboard=False,
                    dashboard_address="127.0.0.1:0",
                    metrics={**DEFAULT_METRICS, FACTS: lambda worker: dict(found.at_work)},
                    startup_information={**DEFAULT_STARTUP_INFORMATION, FACTS: lambda worker: found.facts},
                    host=local,
                ) as worker:
                    say(f"joined {address}")
                    trouble = ""
                    await worker.finished()
            say("the farm is lost; looking for it")
        except Exception as error:  # whatever a farm that is going says
            reason = f"{address}: {type(error).__name__}: {error}".splitlines()[0]
            if reason != trouble:
                say(f"{reason}; trying again every {RETRY_SECONDS:.0f} s")
            trouble = reason
        await asyncio.sleep(RETRY_SECONDS)


def _reason_to_wait(address: Address) -> str:
    """Why joining makes no sense now; empty if it does."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < MIN_FREE_BYTES:
        return f"{tempfile.gettempdir()}: the disk is full, wanted {MIN_FREE_BYTES // 10**6} MB"
    try:
        check_answer(address)
    except StudioError as error:
        return str(error)
    return ""


def main(text: str) -> None:
    """The process: `text` is `CameraOptions` as JSON. It ends when its standard input closes."""
    end_with_parent()
    given = json.loads(text)
    options = CameraOptions(**{**given, "models": tuple(given["models"]), "loras": tuple(given["loras"])})

    def say(line: str) -> None:
        sys.stdout.write(f"camera {options.name}: {line}\n")
        sys.stdout.flush()

    hush_dask()
    try:
        found = open_camera(options, say)
    except StudioError as error:
        sys.stderr.write(f"camera {options.name}: {error}\n")
        raise SystemExit(error.code) from None
    asyncio.run(serve(found, say))


def command(options: CameraOptions) -> list[str]:
    """The command line of a camera's process."""
    program = f"from {__name__} import main; import sys; main(sys.argv[1])"
    return [sys.executable, "-c", program, json.dumps(asdict(options))]


def _torch_version() -> str:
    torch = sys.modules.get("torch")
    return str(getattr(torch, "__version__", "none"))
