"""An episode filmed by a guest to its end, by the command that a user types: Wan 2.2 5B with tiny weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.studio.media import clips, ffmpeg
from tests.flows.fish import FISH

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
