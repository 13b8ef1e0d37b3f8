"""A shelf with the tiny show, filmed and spoken without a model, and a client of the board over it."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from flows.api.live.site import Site
from flows.api.server.app import create_app
from flows.api.server.security import Rules
from flows.studio.filming import takes
from flows.studio.filming.shots import PlannedShot, other_take
from flows.studio.media import clips
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.request import EpisodeRequest
from flows.studio.production.script import read_script
from flows.studio.workspace import artifacts, manifest

KEY = "k" * 43
PORT = 8612
CODE = "s01e01"
FISH = f"fish-chips/{CODE}"


def film(plan: Plan, shot: PlannedShot) -> None:
    """A clip of a shot: a plain colour that its seed decides."""
    colour = np.frombuffer(shot.seed.to_bytes(8, "big")[-3:], np.uint8)
    frames = np.broadcast_to(colour, (8, 64, 112, 3)).copy()

    def write(path: Path) -> dict[str, Any]:
        clips.write_clip(frames, 8, path)
        return {"num_frames": 8, "fps": 8, "seconds": 1.0, "device": "cpu", "written": shot.shot.prompt}

    artifacts.create(plan.episode.folder.clips, shot.label, shot.recipe, ".mp4", write=write)


def say(plan: Plan, line: Any) -> None:
    """A quarter of a second of silence for a line."""

    def write(path: Path) -> dict[str, Any]:
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 3, 48_000, 12_000, "NONE", ""))
            file.writeframes(bytes(36_000))
        return {"num_samples": 12_000, "murmured": False, "words": [], "seconds": 0.1, "who": line.line.who}

    artifacts.create(plan.episode.folder.voices, line.label, line.recipe, ".wav", write=write)


@dataclass(frozen=True)
class Shelf:
    """An output folder with one filmed episode."""

    output: Path
    premise: Path

    @property
    def root(self) -> Path:
        return self.output / FISH

    @property
    def script(self) -> Path:
        return self.root / "script.yaml"

    @property
    def text(self) -> str:
        return self.script.read_text("utf-8")

    def write(self, text: str) -> None:
        self.script.write_text(text, "utf-8")

    def plan(self) -> Plan:
        request = EpisodeRequest(premise=self.premise, episode=CODE, output=self.output)
        return make_plan(read_script(Episode.open(request)))

    def film_another_take(self, label: str) -> int:
        plan = self.plan()
        shot = next(one for one in plan.shots if one.label == label)
        number = takes.next_take_number(shot, plan.clips)
        film(plan, other_take(shot, number))
        return number


def make_shelf(home: Path, premise: str, script: str) -> Shelf:
    """The tiny show with every clip and voice of its script."""
    shelf = Shelf(home / "output", home / "fish.yaml")
    shelf.premise.write_text(premise, "utf-8")
    shelf.root.mkdir(parents=True)
    shelf.write(script)
    episode = Episode.open(EpisodeRequest(premise=shelf.premise, episode=CODE, output=shelf.output))
    manifest.write(episode.folder, episode.memory, show=episode.own_premise.show)
    plan = shelf.plan()
    for line in plan.missing_lines:
        say(plan, line)
    spoken = shelf.plan()  # mouths move with the voices
    for shot in spoken.missing_shots:
        film(spoken, shot)
    return shelf


@pytest.fixture
def shelf(tmp_path: Path, tiny_premise: str, tiny_script: str) -> Shelf:
    return make_shelf(tmp_path, tiny_premise, tiny_script)


@pytest.fixture
def site(shelf: Shelf) -> Iterator[Site]:
    """A site whose queue begins nothing."""
    site = Site(shelf.output, shelf.output.parent / "premises")
    site.board_folder.mkdir(exist_ok=True)
    site.queue.pause("a test")
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> TestClient:
    """A client with the key, as scripts have it."""
    headers = {"authorization": f"Bearer {KEY}"}
    app = create_app(site, Rules.of(KEY, PORT))
    return TestClient(app, base_url=f"http://127.0.0.1:{PORT}", headers=headers, raise_server_exceptions=True)


@pytest.fixture
def api(client: TestClient) -> Callable[..., Any]:
    """Calls of the episode's own addresses: api("PATCH", "scenes/s01", skip=True)."""

    def call(method: str, path: str, **body: Any) -> Any:
        return client.request(method, f"/api/v1/episodes/{FISH}/{path}", json=body)

    return call
