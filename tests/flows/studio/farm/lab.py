"""A farm on this machine for tests: real processes of our own scheduler and of cameras that nap."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flows.studio.farm import scheduler
from flows.studio.farm.address import parse_address
from flows.studio.farm.camera import CameraOptions
from flows.studio.farm.head import Farm
from flows.studio.filming.settings import FilmSettings, own_settings
from flows.studio.filming.shots import PlannedShot
from scripts_llm.screenplay.script import Scene, Shot
from tests.flows.studio.farm import nap_camera

ROOT = Path(__file__).resolve().parents[4]
PATIENCE = 120.0  # seconds: a busy machine is slow, and a test that passes waits for none of them

_SCHEDULER = """
import sys
from pathlib import Path
from flows.studio.farm import scheduler
from flows.studio.farm.address import parse_address
address = parse_address(sys.argv[1], folder=Path(sys.argv[2]))
silent = float(sys.argv[3])
scheduler.run(address, lambda line: print(line, flush=True), page="127.0.0.1:0", silent_seconds=silent)
"""


def wait_until(condition: Callable[[], Any], what: str = "", seconds: float = PATIENCE) -> Any:
    """The condition's value, once it is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for: {what or condition}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@dataclass
class Lab:
    """The processes of a farm; `log` has a line for every film's beginning and end."""

    home: Path
    scheme: str = "tcp"
    port: int = field(default_factory=free_port)
    silent_seconds: float = scheduler.SILENT_SECONDS
    scheduler: subprocess.Popen[bytes] | None = None
    cameras: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def log(self) -> Path:
        return self.home / "films.log"

    def notes(self, what: str) -> list[tuple[int, str]]:
        """(pid, prompt) of every line of that kind in the log: load, begin, end."""
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        rows = [line.split("\t") for line in text.splitlines()]
        return [(int(pid), prompt) for kind, pid, prompt in rows if kind == what]

    def begun(self, prompt: str = "") -> list[int]:
        return [pid for pid, each in self.notes("begin") if each.startswith(prompt)]

    def start_scheduler(self) -> None:
        words = [self.address, str(self.keys), str(self.silent_seconds)]
        self.scheduler = self.start([sys.executable, "-c", _SCHEDULER, *words])

    def start_camera(
        self, name: str, *, source: str = "nap:0.05", keys: Path | None = None, **more: Any
    ) -> None:
        options = CameraOptions(
            address=self.address, keys=str(keys or self.keys), name=name, models=(source,), **more
        )
        program = [sys.executable, str(Path(nap_camera.__file__)), json.dumps(asdict(options))]
        self.cameras[name] = self.start(program)

    def head(self, said: list[str] | None = None) -> Farm:
        lines = [] if said is None else said
        return Farm(parse_address(self.address, folder=self.keys), say=lines.append, progress=lines.append)

    def wait_for_cameras(self, farm: Farm, count: int) -> None:
        wait_until(lambda: len(farm.roster()) == count, f"{count} cameras")

    def kill(self, process: subprocess.Popen[bytes] | None) -> None:
        assert process is not None
        process.kill()
        process.communicate()

    def close(self) -> None:
        processes = [*self.cameras.values(), *([self.scheduler] if self.scheduler else [])]
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()

    def start(self, program: Sequence[str]) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "NAP_LOG": str(self.log), "PYTHONWARNINGS": "ignore"}
        out = (self.home / "processes.log").open("ab")
        with out:
            return subprocess.Popen(
                program, stdin=subprocess.PIPE, stdout=out, stderr=out, env=env, cwd=self.home
            )


@contextmanager
def running(
    home: Path, *cameras: str, scheme: str = "tcp", source: str = "nap:0.05", **more: Any
) -> Iterator[Lab]:
    """A lab with a scheduler and these cameras; all processes end with the block."""
    home.mkdir(parents=True, exist_ok=True)
    lab = Lab(home, scheme, **more)
    try:
        lab.start_scheduler()
        for name in cameras:
            lab.start_camera(name, source=source)
        wait_until(lambda: _answers(lab), "the scheduler")
        yield lab
    finally:
        lab.close()


def _answers(lab: Lab) -> bool:
    assert lab.scheduler is not None
    assert lab.scheduler.poll() is None, (lab.home / "processes.log").read_text("utf-8")
    with socket.socket() as own:
        return own.connect_ex(("127.0.0.1", lab.port)) == 0


def film() -> FilmSettings:
    """The settings of films by naps."""
    facts = nap_camera.facts_of("nap")
    own = own_settings(facts)
    return FilmSettings(**{**asdict(own), "weights": nap_camera.fingerprint("nap")})


def planned(count: int, text: str = "shot") -> tuple[PlannedShot, ...]:
    """Shots with these prompts: "shot 1" …"""
    return tuple(_planned(number, f"{text} {number}") for number in range(1, count + 1))


def _planned(number: int, prompt: str) -> PlannedShot:
    scene = Scene(id="s01", slugline="INT. LAB - DAY", shots=(Shot(prompt=prompt),))
    recipe = {"kind": "clip", "prompt": prompt, "seed": number, **film().recipe}
    return PlannedShot(f"s01.{number}", scene, scene.shots[0], prompt, prompt, number, recipe)
