"""The cameras of a machine: one a device, started again whenever one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from flows.studio.errors import StudioError
from flows.studio.farm import camera, cameras
from flows.studio.farm.camera import CameraOptions
from tests.flows.studio.farm import nap_camera
from tests.flows.studio.farm.lab import ROOT

OPTIONS = CameraOptions(address="tcp://127.0.0.1:1", keys="", name="w", models=("nap:0",), port=9000)


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        (None, ()),
        ("cpu", ("cpu",)),
        ("cuda:0,1", ("cuda:0", "cuda:1")),
        ("cuda:0, cuda:3", ("cuda:0", "cuda:3")),
        ("cuda:0,1,cpu", ("cuda:0", "cuda:1", "cpu")),
    ],
)
def test_devices_are_named_as_torch_names_them(text, devices):
    assert cameras.parse_devices(text) == devices


@pytest.mark.parametrize("text", ["", "0", "0,1", "cuda:0,,1"])
def test_a_number_alone_is_no_device(text):
    with pytest.raises(StudioError, match="--device: wanted devices like"):
        cameras.parse_devices(text)


def test_each_device_has_a_camera_with_a_name_and_a_port_of_its_own():
    two = cameras.per_device(OPTIONS, ["cuda:0", "cuda:1"])
    assert [(one.name, one.device, one.port) for one in two] == [
        ("w-0", "cuda:0", 9000),
        ("w-1", "cuda:1", 9001),
    ]
    (best,) = cameras.per_device(OPTIONS, [])
    assert (best.name, best.device, best.port) == ("w", None, 9000)
    with pytest.raises(StudioError, match="cuda:0 twice"):
        cameras.per_device(OPTIONS, ["cuda:0", "cuda:0"])


class _Enough(Exception):
    pass


def test_a_camera_that_is_killed_is_started_again_and_ends_with_its_command(tmp_path, monkeypatch):
    log = tmp_path / "films.log"
    monkeypatch.setenv("NAP_LOG", str(log))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(
        camera, "command", lambda one: [sys.executable, nap_camera.__file__, json.dumps(asdict(one))]
    )
    said: list[str] = []
    killed: list[int] = []
    end = time.monotonic() + 120

    def look(seconds: float) -> None:
        loads = [int(line.split("\t")[1]) for line in _lines(log) if line.startswith("load")]
        if loads and not killed:
            os.kill(loads[0], signal.SIGKILL)
            killed.append(loads[0])
        if len(set(loads)) == 2 or time.monotonic() > end:
            raise _Enough
        time.sleep(min(seconds, 0.05))

    monkeypatch.setattr(cameras, "_rest", look)
    with pytest.raises(_Enough):
        cameras.run_cameras(OPTIONS, [], said.append)
    pids = {int(line.split("\t")[1]) for line in _lines(log)}
    assert len(pids) == 2
    assert said == ["camera w ended (killed by SIGKILL); it starts again in 2 s"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_camera_whose_input_is_wrong_ends_the_command_with_code_2(tmp_path, monkeypatch):
    program = "import sys; sys.exit(2)"
    monkeypatch.setattr(camera, "command", lambda one: [sys.executable, "-c", program])
    with pytest.raises(StudioError, match="camera w could not start") as error:
        cameras.run_cameras(OPTIONS, [], lambda line: None)
    assert error.value.code == 2


def test_a_camera_without_its_model_ends_with_code_2_and_a_line(tmp_path):
    """The real process: at its end the thread that watches its input must not hold the input's lock."""
    options = CameraOptions("tcp://127.0.0.1:9", "", "w", models=(str(tmp_path / "nothing-here"),))
    words = camera.command(options)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=tmp_path) as process:
        assert process.stderr is not None
        told = process.stderr.read().decode()
        code = process.wait(60)
    assert code == 2, told
    assert told.startswith("camera w: ")
    assert len(told.splitlines()) == 1


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []
