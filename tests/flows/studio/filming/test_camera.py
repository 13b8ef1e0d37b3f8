"""The camera, with the real TOON and two steps a shot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import t2v
from flows.studio.cameras.film_model import FilmModel, ModelError, Preview
from flows.studio.filming import camera, shots
from flows.studio.filming.camera import FilmedShot
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings, resolve_settings
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clips
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script, Shot
from t2v.pipeline import TextToVideo

PREMISE = Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish.", "video": {"steps": 2}})


@pytest.fixture(scope="module")
def settings() -> FilmSettings:
    return resolve_settings(PREMISE)


@pytest.fixture(scope="module")
def shot(settings: FilmSettings) -> PlannedShot:
    scene = Scene(
        id="s01", slugline="INT. BAR - DAY", shots=(Shot(size="medium", prompt="a blue robot talking"),)
    )
    return shots.plan_shots(Script(schema=1, title="Fish", scenes=(scene,)), PREMISE, settings, seed=7)[0]


@pytest.fixture(scope="module")
def model(settings: FilmSettings) -> Iterator[FilmModel]:
    with LoadedModels("cpu") as models:
        yield camera.open_for(settings, models)


@pytest.fixture
def film(shot: PlannedShot, settings: FilmSettings, model: FilmModel) -> Callable[..., FilmedShot]:
    """Films the shot into a folder; notes the steps in a list."""
    return partial(_film, shot, settings, model)


def _film(
    shot: PlannedShot,
    settings: FilmSettings,
    model: FilmModel,
    folder: Path,
    steps: list[Any] | None = None,
) -> FilmedShot:
    def on_step(step: int, num_steps: int, preview: Preview | None) -> None:
        if steps is not None:
            steps.append((step, num_steps))

    return camera.film_shot(shot, settings, model, folder, on_step=on_step)


def test_a_shot_becomes_a_clip_with_all_that_it_was_made_from(
    shot: PlannedShot, film: Callable[..., FilmedShot], tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    filmed = film(tmp_path, steps)
    clip = filmed.clip
    assert filmed.shot is shot
    assert isinstance(clip, Artifact)
    assert clip.path.name == f"s01.1-{shot.digest}.mp4"
    assert steps == [(1, 2), (2, 2)]
    frames = clips.read_clip(clip.path)
    assert frames.shape == (t2v.TOON.num_frames, *t2v.TOON.sizes["16:9"], 3)
    assert clip.recipe["prompt"] == "medium shot, blue robot talking, in the bar, day"
    assert clip.recipe["weights"] == t2v.fingerprint("toon")
    assert clip.recipe["num_steps"] == 2
    assert clip.notes["num_frames"] == len(frames)
    assert clip.notes["device"] == "cpu"
    assert float(clip.notes["seconds"]) > 0


def test_the_same_recipe_films_the_same_frames(
    shot: PlannedShot, film: Callable[..., FilmedShot], tmp_path: Path
) -> None:
    one, other = (film(tmp_path / name).clip for name in ("one", "other"))
    assert isinstance(one, Artifact)
    assert isinstance(other, Artifact)
    assert np.array_equal(clips.read_clip(one.path), clips.read_clip(other.path))


def test_a_step_is_measured_without_filming_a_whole_shot(settings: FilmSettings, model: FilmModel) -> None:
    step = camera.seconds_per_step(settings, model)
    assert step > 0
    assert camera.seconds_per_shot(step, settings) >= step * settings.num_steps


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the film model raise what a test wants, as often as it wants."""
    model = TextToVideo
    real = model.generate

    def fail(error: BaseException, *, times: int) -> list[int]:
        tries: list[int] = []

        def generate(self: Any, prompt: str, **settings: Any) -> Any:
            tries.append(1)
            if len(tries) <= times:
                raise error
            return real(self, prompt, **settings)

        monkeypatch.setattr(model, "generate", generate)
        return tries

    return fail


def test_a_shot_that_fails_once_is_filmed_the_second_time(
    tmp_path: Path, film: Callable[..., FilmedShot], failing: Any
) -> None:
    tries = failing(RuntimeError("a hiccup"), times=1)
    assert isinstance(film(tmp_path).clip, Artifact)
    assert len(tries) == 2


def test_a_shot_that_fails_twice_says_why_and_leaves_nothing(
    tmp_path: Path, film: Callable[..., FilmedShot], failing: Any
) -> None:
    tries = failing(RuntimeError("out of memory\nand so on"), times=9)
    assert film(tmp_path).fault == "RuntimeError: out of memory"
    assert len(tries) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_shot_that_is_no_picture_becomes_a_gag_card_and_wrong_settings_end_the_run(
    tmp_path: Path, film: Callable[..., FilmedShot], failing: Any
) -> None:
    failing(t2v.RenderError("all frames are black"), times=9)
    assert film(tmp_path).fault == "all frames are black"
    failing(t2v.SettingsError("no such size"), times=9)
    with pytest.raises(ModelError):
        film(tmp_path)


def test_ctrl_c_is_no_failure_of_a_shot(
    tmp_path: Path, film: Callable[..., FilmedShot], failing: Any
) -> None:
    tries = failing(KeyboardInterrupt(), times=9)
    with pytest.raises(KeyboardInterrupt):
        film(tmp_path)
    assert len(tries) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_run_instead_of_making_gag_cards(
    tmp_path: Path, film: Callable[..., FilmedShot], failing: Any
) -> None:
    from flows.studio.errors import StudioError

    failing(OSError(28, "No space left on device"), times=9)
    with pytest.raises(StudioError, match="the disk is full"):
        film(tmp_path)


def test_a_take_is_judged_and_filmed_again_at_most_twice_and_all_of_it_is_noted(
    tmp_path: Path, model: FilmModel
) -> None:
    video = {"steps": 2, "takes": "auto"}
    premise = Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish.", "video": video})
    settings = resolve_settings(premise)
    scene = Scene(id="s01", slugline="INT. BAR - DAY", shots=(Shot(size="medium", prompt="a red dog"),))
    (shot,) = shots.plan_shots(Script(schema=1, title="Fish", scenes=(scene,)), premise, settings, seed=7)
    clip = _film(shot, settings, model, tmp_path).clip
    assert isinstance(clip, Artifact)
    takes, kept = clip.notes["judged"]["takes"], clip.notes["judged"]["kept"]
    again = [artifacts.seed_from(shot.seed, "again", number) for number in range(1, len(takes))]
    assert [take["seed"] for take in takes] == [shot.seed, *again]
    assert clip.notes["seed"] == takes[kept - 1]["seed"]
    assert 1 <= len(takes) <= 3
    assert all(take["faults"] for take in takes[:-1])
    assert clip.recipe["takes"] == "auto"


def test_shots_come_as_they_are_done_and_a_caller_that_leaves_stops_the_filming(
    shot: PlannedShot, settings: FilmSettings, tmp_path: Path
) -> None:
    steps: list[tuple[str, int, int]] = []
    second = replace(shot, label="s01.2", recipe={**shot.recipe, "seed": 2}, seed=2)

    shown: list[tuple[str, tuple[int, ...]]] = []

    def on_step(planned: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
        steps.append((planned.label, step, num_steps))
        if preview is not None:
            shown.append((planned.label, preview().shape))

    with LoadedModels("cpu") as models:
        filming = camera.film_shots((shot, second, shot), settings, models, tmp_path, on_step=on_step)
        assert next(filming).shot is shot
        assert next(filming).shot is second
    assert steps == [("s01.1", 1, 2), ("s01.1", 2, 2), ("s01.2", 1, 2), ("s01.2", 2, 2)]
    height, width = settings.generate_settings["height"], settings.generate_settings["width"]
    assert shown == [("s01.1", (height, width, 3)), ("s01.2", (height, width, 3))]
    assert len(list(tmp_path.glob("*.mp4"))) == 2
