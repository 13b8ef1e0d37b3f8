"""The door to film models: facts, open models, and who may look behind it."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import t2v
from flows.studio.cameras.facts import ModelFacts, Sampling
from flows.studio.cameras.film_model import FilmModel, ModelError
from flows.studio.commands import clip
from flows.studio.commands.clip import ClipOptions
from flows.studio.errors import StudioError
from flows.studio.filming import models, settings
from flows.studio.filming.models import LoadedModels
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.video import Video

ROOT = Path(__file__).resolve().parents[4]
PREMISE = Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish."})
HOSTED = ModelFacts(
    source="fal:fish",
    name="fish",
    licence="",
    sizes={"16:9": (720, 1280)},
    size_step=16,
    num_frames=81,
    fps=16,
    speed="exact",
    sampling={"exact": Sampling(50), "fast": Sampling(50)},
    guidance_scale=5.0,
    motion_guidance=0.0,
    negative_prompt="",
    frame_step=4,
    pictures=("none", "first"),
    has_seed=False,
    has_negative_prompt=False,
    takes_film=False,
    price_usd=0.1,
)


def test_facts_are_those_of_the_model_without_loading_it() -> None:
    facts = models.describe_model("toon")
    assert (facts.name, facts.title, facts.is_default, facts.price_usd) == ("toon", "TOON", True, None)
    assert (facts.num_frames, facts.fps, facts.size_step) == (t2v.TOON.num_frames, t2v.TOON.fps, 8)
    assert facts.sampling == {"exact": Sampling(20, "ddim"), "fast": Sampling(12, "dpmpp_2m")}
    assert facts.default_size == facts.sizes["16:9"] == (128, 224)
    assert facts.dialect == "toon"


def test_other_peoples_models_have_no_traits_but_their_name(saved_model: Callable[[str], Path]) -> None:
    facts = models.describe_model(str(saved_model("modelscope")))
    assert (facts.title, facts.is_default, facts.is_for_sale) == (facts.name, False, False)
    assert (facts.dialect, facts.is_drawn) == ("short", False)


def test_a_model_that_is_missing_is_wrong_input() -> None:
    for ask in (models.describe_model, models.fingerprint, models.open_model):
        with pytest.raises(ModelError, match="nowhere") as caught:
            ask("/nowhere/at/all")
        assert caught.value.code == 2


def test_a_source_is_a_path_where_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toon").mkdir()
    (tmp_path / "shows" / "ms").mkdir(parents=True)
    assert models.resolve_source("toon") == "toon"
    assert models.resolve_source("ms") == "ms"
    assert models.resolve_source("ms", tmp_path / "shows") == str(tmp_path / "shows" / "ms")


class Fake:
    """A film model that films in one colour and notes that it was closed."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts, self.device, self.is_closed = facts, "fish:1", False

    def generate(self, prompt: str, *, seed: int, on_step: Any = None, **more: Any) -> Any:
        if on_step is not None:
            on_step(1, 1, None)
        used = {"num_frames": 2, "height": 16, "width": 16, "num_steps": 1, "sampler": "", "strength": None}
        used |= {"negative_prompt": "", "guidance_scale": 1.0, "motion_guidance": 0.0}
        return t2v.Video(np.full((2, 16, 16, 3), seed % 256, np.uint8), 8, used)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    """Every model that is opened, in order: fakes of a hosted model."""
    opened: list[Fake] = []

    def open_model(source: str, **more: Any) -> FilmModel:
        opened.append(Fake(replace(HOSTED, source=source)))
        return opened[-1]

    monkeypatch.setattr(models, "open_model", open_model)
    monkeypatch.setattr(clip, "fingerprint", lambda source, loras: "1")
    return opened


def test_one_model_is_open_at_a_time_and_its_owner_closes_it(opened: list[Fake]) -> None:
    with LoadedModels("cpu") as loaded:
        first = loaded.get("a")
        assert loaded.get("a") is first
        other = loaded.get("a", loras=[("style", 0.5)])
        assert other is not first
        assert [model.is_closed for model in opened] == [True, False]
    assert [model.is_closed for model in opened] == [True, True]
    loaded.close()


def test_threads_that_ask_at_once_share_one_model(opened: list[Fake]) -> None:
    with LoadedModels() as loaded:
        threads = [threading.Thread(target=loaded.get, args=("a",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 1


def test_a_clip_is_filmed_by_any_model_behind_the_door(
    opened: list[Fake], heard: Any, tmp_path: Path
) -> None:
    screen = heard()
    with LoadedModels() as loaded:
        options = ClipOptions(out=tmp_path / "a.gif", video_model="fal:fish")
        assert clip.make("a cat", options, screen, loaded) == (tmp_path / "a.gif",)
    assert "film model fish, on fish:1" in screen.text
    assert "reads it as" not in screen.text


@pytest.mark.parametrize("option", ["negative", "last_image", "video"])
def test_a_clip_asks_a_model_for_nothing_that_it_cannot_do(
    opened: list[Fake], heard: Any, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "a.png"
    file.touch()
    asked: dict[str, Any] = {option: "rain" if option == "negative" else file}
    option = option.replace("_", "-")
    with (
        LoadedModels() as loaded,
        pytest.raises(StudioError, match=f"--{option}: the film model fish takes none"),
    ):
        clip.make("a cat", ClipOptions(out=tmp_path / "a.gif", video_model="x", **asked), heard(), loaded)


def test_an_episode_asks_for_sizes_and_frames_that_the_model_films(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "describe_model", lambda source, loras: HOSTED)
    assert settings.describe_film(PREMISE, Video(model="fish")) == "fish (1280x720, licence not told)"
    with pytest.raises(StudioError, match="frames: fish wants a multiple of 4 and one more, got 10, try 9"):
        settings.describe_film(PREMISE, Video(model="fish", frames=10))
    with pytest.raises(StudioError, match="steps of 16, got 70x64, try 64x64"):
        settings.describe_film(PREMISE, Video(model="fish", size="70x64"))
    with pytest.raises(StudioError, match="takes: auto judges films of TOON"):
        settings.describe_film(PREMISE, Video(model="fish", takes="auto"))


def test_a_closed_model_films_no_more() -> None:
    model = models.open_model("toon", device="cpu")
    model.close()
    with pytest.raises(RuntimeError, match="closed"):
        model.generate("a cat", seed=1)


def test_t2v_is_behind_the_door_and_its_toon_behind_the_words_and_the_judge() -> None:
    toon = {"vocabulary.py", "auto_takes.py", "staging.py", "directing.py", "stage_directions.py"}
    doors = {"models.py", "guests.py", "t2v_errors.py", "upscaler.py", "train.py", *toon}
    for path in (ROOT / "flows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not f"{name}.".startswith("t2v.") or path.name in doors, f"{path}: {name}"
                assert not name.startswith("t2v.toon") or path.name in toon, f"{path}: {name}"
