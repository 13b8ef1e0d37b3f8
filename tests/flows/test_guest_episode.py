"""An episode filmed by a guest to its end, by the command that a user types: Wan 2.2 5B with tiny weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.studio.farm import camera
from flows.studio.farm.address import parse_address
from flows.studio.farm.camera import CameraOptions
from flows.studio.farm.head import Farm
from flows.studio.filming.models import LoadedModels
from flows.studio.media import clips, ffmpeg
from flows.studio.production import run
from flows.studio.production.episode import Episode
from flows.studio.production.steps import LocalSteps
from tests.flows.fish import FISH, fish_request, make
from tests.flows.studio.farm.lab import running, wait_until

pytest.importorskip("diffusers")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def show(tmp_path: Path, tiny_premise: str) -> Path:
    """The tiny show beside a folder of tiny weights, which film nine frames of 64x32."""
    from tests.t2v.guests import tiny

    tiny.save("wan22-5b", tmp_path)
    video = "video: {model: wan22-5b, size: 64x32, frames: 9, steps: 2}"
    premise = tiny_premise.replace("video: {steps: 2}", video).replace("titles: {outro_credits: false}\n", "")
    path = tmp_path / "fish.yaml"
    path.write_text(premise, "utf-8")
    return path


def coldopen(verb: str, premise: Path) -> str:
    """What a command says."""
    words = [sys.executable, "-m", "flows", verb, "--premise", premise.name, "--output", "output"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLDOPEN_WRITER": "offline"}
    done = subprocess.run(words, cwd=premise.parent, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_guest_films_an_episode_to_its_end(show: Path) -> None:
    place = show.parent / "output" / FISH
    coldopen("script", show)
    assert "wan22-5b: 0 GB of weights, on the processor" in coldopen("plan", show)

    said = coldopen("episode", show)
    assert "film by wan22-5b (64x32, licence Apache-2.0)" in said
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    film = manifest["film_model"]
    assert (film["model"], film["licence"], film["num_frames"]) == ("wan22-5b", "Apache-2.0", 9)
    assert manifest["gag_cards"] == []
    assert {shot["device"] for shot in manifest["shots"]} == {"cpu"}
    assert manifest["versions"]["diffusers"]
    assert "episode.mp4" in manifest["files"]
    assert manifest["film"]["num_frames"] == ffmpeg.probe(place / "episode.mp4").num_frames > 48
    for clip in (place / "clips").glob("*.mp4"):
        assert clips.read_clip(clip).shape == (9, 32, 64, 3)  # 24 a second, as the film's own

    published = (place / "publish.txt").read_text("utf-8")
    assert "Filmed by wan22-5b (Apache-2.0)." in published
    assert "commercial" not in published
    assert "nothing to do" in coldopen("plan", show)


def test_a_guest_on_a_farm_films_from_pictures_as_one_machine_does(
    show: Path, tiny_script: str, heard: Any
) -> None:
    """One shot begins with a picture of one's own, the other with the last frame of that one."""
    pytest.importorskip("distributed")
    one, many = show.parent / "one", show.parent / "many"
    noise = np.random.default_rng(1).integers(0, 255, (60, 100, 3), dtype=np.uint8)
    for home in (one, many):
        script = home / "output" / FISH / "script.yaml"
        script.parent.mkdir(parents=True)
        begun = tiny_script.replace("who: joe}", "who: joe, first: door.png}", 1)
        script.write_text(begun.replace("who: don}", "who: don, first: previous}", 1), "utf-8")
        shutil.copy(show, home)
        shutil.copytree(show.parent / "wan22-5b", home / "wan22-5b")
        Image.fromarray(noise).save(home / "door.png")
    make(fish_request(one, until="clips"), heard())

    console = heard()
    with running(show.parent / "lab") as lab:
        options = CameraOptions(lab.address, "", "w1", models=(str(show.parent / "wan22-5b"),), device="cpu")
        lab.cameras["w1"] = lab.start(camera.command(options))
        address = parse_address(lab.address)
        with Farm(address, say=console.say, progress=console.progress) as farm, LoadedModels() as models:
            wait_until(lambda: len(farm.roster()) == 1, "the camera", 300)
            episode = Episode.open(fish_request(many, until="clips"))
            run.make_episode(episode, console, LocalSteps(models, farm))
    names = [sorted(path.name for path in home.glob("output/*/*/clips/*.mp4")) for home in (one, many)]
    assert names[0] == names[1]
    assert len(names[0]) == 2
    for name in names[0]:
        frames = [clips.read_clip(home / "output" / FISH / "clips" / name) for home in (one, many)]
        assert np.array_equal(*frames)
    assert "on the processor" not in console.text  # which is the camera's, not the head's
