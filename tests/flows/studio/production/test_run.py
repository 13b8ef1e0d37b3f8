"""A run reads each thing once, and takes the results of its steps in whatever order they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from flows.studio.filming.camera import FilmedShot
from flows.studio.filming.models import LoadedModels
from flows.studio.production import edit, episode, plan, run
from flows.studio.production.episode import Episode
from flows.studio.production.steps import LocalSteps
from flows.studio.workspace import artifacts
from tests.flows.fish import FISH, fish_request, fish_story


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script, nothing made yet."""
    folder = tiny.parent / "output" / FISH
    folder.mkdir(parents=True)
    (folder / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def set_video(home: Path, video: str) -> None:
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8").replace("{steps: 2}", video), "utf-8")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a run reads the premise, lists a folder, plans, and assembles the timeline."""
    counts: Counter[str] = Counter()

    def counted(module: Any, name: str, label: Callable[..., str]) -> None:
        real = getattr(module, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            counts[label(*args)] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    counted(episode, "read_premise", lambda path: "premise")
    counted(artifacts, "stored", lambda folder, suffix: folder.name)
    counted(plan, "make_plan", lambda episode: "plan")
    counted(edit, "assemble", lambda *args: "timeline")
    return counts


def test_everything_is_read_once_and_the_timeline_assembled_once(
    home: Path, heard: Any, calls: Counter[str]
) -> None:
    set_video(home, "{steps: 2, lips: off}")
    assert fish_story(home, heard)[0].code == 0
    assert (calls["premise"], calls["plan"], calls["timeline"]) == (1, 1, 1)
    assert (calls["clips"], calls["voices"], calls["segments"]) == (1, 1, 1)
    calls.clear()
    assert "nothing to do" in fish_story(home, heard)[0].lines[0]
    assert (calls["premise"], calls["plan"], calls["timeline"]) == (1, 1, 1)
    assert (calls["clips"], calls["voices"], calls["segments"]) == (1, 1, 0)


class Backwards(LocalSteps):
    """Many machines, the last of which is the first to be done."""

    def film_shots(self, shots: Any, *args: Any, **kwargs: Any) -> Generator[FilmedShot]:
        yield from reversed(list(super().film_shots(shots, *args, **kwargs)))


def test_clips_may_come_in_any_order(home: Path, heard: Any) -> None:
    console = heard()
    with LoadedModels("cpu") as models:
        outcome = run.make_episode(Episode.open(fish_request(home)), console, Backwards(models))
    assert outcome.code == 0
    (first,) = [line for line in console.lines if line.startswith("the first clip: ")]
    assert "s01.2-" in first
    assert fish_story(home, heard)[0].lines[0].startswith("nothing to do")


def test_clips_are_enlarged_once_however_often_their_scene_is_cut(home: Path, heard: Any) -> None:
    set_video(home, "{steps: 2, size: 112x64, lips: off}")
    fish_story(home, heard)
    folder = home / "output" / FISH
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "upscaled").glob("*.mp4")}
    assert {name.partition("-")[0] for name in before} == {"s01.1", "s01.2"}
    script = folder / "script.yaml"
    script.write_text(script.read_text("utf-8").replace("It blinked.", "It winked."), "utf-8")
    outcome, console = fish_story(home, heard)
    assert outcome.code == 0
    assert not [label for label in console.labels if label.startswith("enlarging")]
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "upscaled").glob("*.mp4")} == before
