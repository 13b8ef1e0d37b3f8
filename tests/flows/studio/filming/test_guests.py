"""A film model of diffusers behind the studio's door: facts, a filmed shot, and what it refuses."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.studio.cameras.film_model import ModelError
from flows.studio.errors import StudioError
from flows.studio.filming import camera, models, settings
from flows.studio.filming.local import guests
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clips
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Shot
from scripts_llm.screenplay.video import Video

pytest.importorskip("diffusers")

PREMISE = Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish."})


@pytest.fixture(scope="module")
def wan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny Wan that is called toon, as a folder may be."""
    from tests.t2v.guests import tiny

    folder = tmp_path_factory.mktemp("guests")
    return str(shutil.move(tiny.save("wan", folder), folder / "toon"))


def test_the_facts_of_a_guest_are_its_own_whatever_its_folder_is_called(wan: str) -> None:
    facts = models.describe_model(wan)
    assert (facts.name, facts.is_default, facts.is_drawn) == ("guest toon", False, False)
    assert (facts.dialect, facts.fps, facts.frame_step, facts.prompt_tokens) == ("prose", 16, 4, 512)
    assert (facts.licence, facts.is_for_sale) == ("Apache-2.0", True)
    assert models.dialect_of(wan) == models.dialect_of("wan2.2-5b") == "prose"
    assert models.dialect_of("someone/unheard-of") == "short"


def test_a_short_name_is_described_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert not models.is_on_hub("wan2.2-5b")
    told = settings.describe_film(PREMISE, Video(model="wan2.2-5b"))
    assert told == "Wan 2.2 5B (1280x704, licence Apache-2.0)"
    upright = PREMISE.model_copy(update={"format": PREMISE.format.model_copy(update={"aspect": "9:16"})})
    assert "(704x1280" in settings.describe_film(upright, Video(model="wan2.2-5b"))
    memory = models.describe_memory("wan2.1-14b", "16GB")
    assert memory is not None
    assert memory.startswith("Wan 2.1 14B: about 40 GB to fetch first, 40 GB of weights, layer by layer")
    assert models.describe_memory("toon", "auto") is None


def test_a_shot_of_sixteen_frames_a_second_is_filmed_and_plays_at_its_own_speed(
    wan: str, tmp_path: Path
) -> None:
    film = settings.resolve_settings(PREMISE, video=Video(model=wan, size="32x32", frames=9, steps=2))
    assert (film.sampler, film.motion_guidance) == (None, 0.0)
    assert film.recipe["model"] == "guest toon"
    shot = PlannedShot(
        "s01.1", Scene(id="s01", slugline="INT. SHOP - DAY"), Shot(prompt="a cat"), "a cat", "a cat", 7,
        {"kind": "clip", "prompt": "a cat", "seed": 7, **film.recipe},
    )  # fmt: skip
    with LoadedModels("cpu") as loaded:
        model = loaded.get(wan)
        filmed = camera.film_shot(shot, film, model, tmp_path, on_step=lambda step, total, preview: None)
        assert filmed.clip is not None, filmed.fault
        notes = filmed.clip.notes
        assert (notes["full_frames"], notes["num_frames"], notes["fps"]) == (14, 5, 16)
        frames = clips.read_clip(filmed.clip.path)
        assert frames.shape == (14, 32, 32, 3)
        assert np.array_equal(frames[0], frames[1])
        with pytest.raises(ModelError, match="toon has no sampler; leave it out"):
            model.generate("a cat", seed=1, sampler="ddim")


def test_what_a_guest_has_not_is_refused_in_a_line(wan: str) -> None:
    with pytest.raises(StudioError, match="speed: toon films at one speed, got fast; leave it out"):
        settings.describe_film(PREMISE, Video(model=wan, speed="fast"))
    with pytest.raises(StudioError, match="frames: toon wants a multiple of 4 and one more, got 10, try 9"):
        settings.describe_film(PREMISE, Video(model=wan, frames=10))
    with pytest.raises(ModelError, match="lora"):
        models.describe_model(wan, loras=[("a.safetensors", 1.0)])
    facts = replace(guests.facts_of(wan), has_one_size=True)
    with pytest.raises(StudioError, match=r"films 832x480 or .* alone, got 64x64"):
        settings.frame_size(facts, PREMISE, Video(size="64x64"))
