"""An episode by TOON on two cameras: the real processes, the real film model, and one machine's pixels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from flows.studio.farm import camera
from flows.studio.farm.address import parse_address
from flows.studio.farm.camera import CameraOptions
from flows.studio.farm.head import Farm
from flows.studio.filming.models import LoadedModels
from flows.studio.media import clips
from flows.studio.production import run
from flows.studio.production.episode import Episode
from flows.studio.production.steps import LocalSteps
from tests.flows.fish import FISH, fish_request, make
from tests.flows.studio.farm.lab import ROOT, running, wait_until

pytestmark = pytest.mark.slow


def test_two_cameras_film_the_same_pixels_as_one_machine(tmp_path, tiny_premise, tiny_script, heard):
    for name in ("one", "many"):
        script = tmp_path / name / "output" / FISH / "script.yaml"
        script.parent.mkdir(parents=True)
        script.write_text(tiny_script, "utf-8")
        (tmp_path / name / "fish.yaml").write_text(tiny_premise, "utf-8")
    make(fish_request(tmp_path / "one"), heard())
    console = heard()
    with running(tmp_path / "lab") as lab:
        cameras = [_start(CameraOptions(lab.address, "", name, device="cpu")) for name in ("w1", "w2")]
        try:
            address = parse_address(lab.address)
            with Farm(address, say=console.say, progress=console.progress) as farm, LoadedModels() as models:
                wait_until(lambda: len(farm.roster()) == 2, "two cameras", 300)
                episode = Episode.open(fish_request(tmp_path / "many"))
                outcome = run.make_episode(episode, console, LocalSteps(models, farm))
        finally:
            for each in cameras:
                each.kill()
                each.communicate()
    assert outcome.code == 0, console.text
    folders = [tmp_path / name / "output" / FISH for name in ("one", "many")]
    names = [sorted(path.name for path in (folder / "clips").glob("*.mp4")) for folder in folders]
    assert names[0] == names[1]
    assert len(names[0]) == 2
    for name in names[0]:
        one, many = (clips.read_clip(folder / "clips" / name) for folder in folders)
        assert (one == many).all()
    shots = json.loads((folders[1] / "manifest.json").read_text("utf-8"))["shots"]
    assert {shot["camera"] for shot in shots} == {"w1", "w2"}
    assert {shot["device"] for shot in shots} == {"cpu"}
    assert "2 shots × " in console.text
    assert " on 2 cameras = about " in console.text
    spoken = [label for label in console.labels if label.startswith("speaking")]
    assert spoken, "before the shots, whose lips they move"


def _start(options: CameraOptions) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        camera.command(options),
        stdin=subprocess.PIPE,
        stdout=quiet,
        stderr=quiet,
        env=env,
        cwd=Path(sys.prefix),
    )
