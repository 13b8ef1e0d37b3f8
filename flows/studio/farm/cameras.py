"""The cameras of a machine: a process for each device, started again whenever one ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flows.studio.errors import StudioError
from flows.studio.farm import camera
from flows.studio.farm.camera import CameraOptions
from flows.studio.workspace.children import end_child
from flows.studio.workspace.posix import own_process_group

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before a camera is started again; doubled each time
PATIENCE = 10.0  # seconds in which a camera has to end
SOUND_SECONDS = 60.0  # a camera that lived so long was well
POLL_SECONDS = 0.2
WRONG_INPUT = 2


@dataclass
class _Running:
    """A camera's process, or the time at which it is started again."""

    options: CameraOptions
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    next_start: float = 0.0
    wait: float = FIRST_WAIT


def run_cameras(options: CameraOptions, devices: Sequence[str], say: Callable[[str], None]) -> None:
    """Runs a camera on each device until it is interrupted.

    Raises StudioError if a camera ends at its start because its input is wrong; its own line has said why.
    """
    running = [_Running(one) for one in per_device(options, devices)]
    try:
        while True:
            for one in running:
                _keep_running(one, say)
            _rest(POLL_SECONDS)
    finally:
        for one in running:
            _stop(one)


def _rest(seconds: float) -> None:
    time.sleep(seconds)


def per_device(options: CameraOptions, devices: Sequence[str]) -> tuple[CameraOptions, ...]:
    """The options of each camera: its own device, name and port. Left out, there is one, on the best device.

    Two devices give w1-0 and w1-1.
    """
    name = options.name or socket.gethostname().partition(".")[0]
    if len(devices) < 2:
        return (replace(options, name=name, device=devices[0] if devices else None),)
    repeated = [device for device in devices if devices.count(device) > 1 and device != "cpu"]
    if repeated:
        raise StudioError(f"--device: wanted a camera a card, got {repeated[0]} twice", code=2)
    return tuple(
        replace(
            options,
            name=f"{name}-{number}",
            device=device,
            port=options.port + number if options.port else 0,
        )
        for number, device in enumerate(devices)
    )


def parse_devices(text: str | None) -> tuple[str, ...]:
    """The devices of `cuda:0,1`, `cpu`, `cuda:0,cuda:1`. Raises StudioError."""
    if text is None:
        return ()
    devices: list[str] = []
    for part in text.replace(" ", "").split(","):
        kind = devices[-1].partition(":")[0] if devices and part.isdecimal() else ""
        if not part or (part.isdecimal() and not kind):
            raise StudioError(f"--device: wanted devices like cuda:0,1 or cpu, got {text!r}", code=2)
        devices.append(f"{kind}:{part}" if kind else part)
    return tuple(devices)


def _keep_running(one: _Running, say: Callable[[str], None]) -> None:
    if one.process is None:
        if time.monotonic() >= one.next_start:
            one.started = time.monotonic()
            one.process = subprocess.Popen(
                camera.command(one.options), stdin=subprocess.PIPE, env=os.environ, **own_process_group()
            )
        return
    code = one.process.poll()
    if code is None:
        return
    lived = time.monotonic() - one.started
    _stop(one)
    if code == WRONG_INPUT and one.wait == FIRST_WAIT and lived < SOUND_SECONDS:
        raise StudioError(f"camera {one.options.name} could not start", code=WRONG_INPUT)
    one.wait = FIRST_WAIT if lived > SOUND_SECONDS else min(LONGEST_WAIT, 2 * one.wait)
    one.next_start = time.monotonic() + one.wait
    say(f"camera {one.options.name} ended ({_ending(code)}); it starts again in {one.wait:.0f} s")


def _stop(one: _Running) -> None:
    """Ends a camera."""
    if one.process is not None:
        end_child(one.process, PATIENCE)
    one.process = None


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
