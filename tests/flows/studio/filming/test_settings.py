"""What an episode is filmed with, and the size of its picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

import t2v
from flows.studio.cameras.facts import is_for_sale
from flows.studio.errors import StudioError
from flows.studio.filming import models
from flows.studio.filming.settings import describe_film, picture_size, resolve_settings
from flows.studio.workspace import artifacts
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.video import Video
from t2v.configs import TOON, TOON_448


def _premise(**more: object) -> Premise:
    return Premise.model_validate({"schema": 1, "show": "Fish", "logline": "A fish.", **more})


@pytest.mark.parametrize(
    ("aspect", "filmed", "finished"),
    [("16:9", (128, 224), (1280, 720)), ("1:1", (160, 160), (720, 720)), ("9:16", (160, 160), (720, 1280))],
)
def test_each_shape_is_filmed_in_the_models_own_size(
    aspect: str, filmed: tuple[int, int], finished: tuple[int, int]
) -> None:
    premise = _premise(format={"aspect": aspect})
    settings = resolve_settings(premise)
    assert (settings.height, settings.width) == filmed
    assert picture_size(premise) == finished


def test_a_model_of_two_sizes_films_the_small_one_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(models.describe_model("toon"), sizes=TOON_448.sizes, small_sizes=TOON.sizes)
    monkeypatch.setattr(models, "describe_model", lambda source, loras=(): large)
    for aspect, filmed in (("16:9", (128, 224)), ("1:1", (160, 160)), ("9:16", (160, 160))):
        settings = resolve_settings(_premise(format={"aspect": aspect}, video={"size": "small"}))
        assert (settings.height, settings.width) == filmed
    settings = resolve_settings(_premise())
    assert (settings.height, settings.width) == (256, 448)
    assert resolve_settings(_premise(video={"takes": "auto"})).recipe["takes"] == "auto"


def test_a_model_of_one_size_has_no_small_one() -> None:
    with pytest.raises(
        StudioError, match="video: size: TOON films in one size alone, 224x128; leave size out"
    ):
        resolve_settings(_premise(video={"size": "small"}))


def test_the_premise_beats_what_was_remembered_and_that_beats_the_model() -> None:
    assert resolve_settings(_premise(video={"speed": "exact"})).num_steps == t2v.TOON.num_steps
    assert resolve_settings(_premise(video={"speed": "exact"}), num_steps=9).num_steps == t2v.TOON.num_steps
    assert resolve_settings(_premise(), num_steps=9).num_steps == 9
    assert resolve_settings(_premise(video={"steps": 4}), num_steps=9).num_steps == 4
    assert resolve_settings(_premise(video={"guidance": 0})).guidance_scale == 0
    assert resolve_settings(_premise(style={"negative": "blur"})).negative_prompt == "blur"


def test_exact_settings_leave_toons_recipe_as_it_was_before_other_models_filmed() -> None:
    film = resolve_settings(_premise(video={"speed": "exact", "guidance": 4.0}))
    assert film.recipe["direction_guidance"] == t2v.TOON.direction_guidance
    recipe = {
        "kind": "clip",
        "prompt": "a cat",
        "seed": 1,
        **replace(film, direction_guidance=0.0).recipe,  # TOON's at that time
        "weights": "w",
    }
    assert list(recipe)[3:] == [
        "model",
        "weights",
        "height",
        "width",
        "num_frames",
        "num_steps",
        "guidance_scale",
        "negative_prompt",
        "sampler",
    ]
    recipe |= {"height": 64, "width": 112}  # TOON's size at that time
    assert artifacts.digest(recipe) == "1e770675"  # as it is for a model without


def test_a_recipe_has_the_speed_and_the_loras_but_neither_memory_nor_paths() -> None:
    plain = resolve_settings(_premise())
    assert resolve_settings(_premise(video={"memory": "8GB"})).recipe == plain.recipe
    assert (plain.recipe["speed"], plain.num_steps, plain.sampler) == ("fast", 12, "dpmpp_2m")
    exact = resolve_settings(_premise(video={"speed": "exact"}), num_steps=20)
    assert (exact.recipe.get("speed"), exact.num_steps, exact.sampler) == (None, 20, "ddim")
    styled = replace(plain, model="/a/ms", name="ms", loras=(("/a/style.safetensors", 0.7),))
    assert styled.recipe["model"] == "ms"
    assert styled.recipe["loras"] == [["style.safetensors", 0.7]]


def test_the_film_models_own_size_is_not_that_of_the_finished_picture() -> None:
    premise = _premise(video={"size": "96x64"}, format={"size": "320x180"})
    film = resolve_settings(premise)
    assert ((film.width, film.height), picture_size(premise)) == ((96, 64), (320, 180))
    with pytest.raises(StudioError, match="in steps of 8, got 90x64"):
        resolve_settings(_premise(video={"size": "90x64"}))


@pytest.mark.parametrize(
    ("licence", "is_free"), [("CC-BY-NC-4.0", False), ("cc-by-nc-sa-4.0", False), ("Apache-2.0", True)]
)
def test_a_licence_says_whether_a_film_may_earn_money(licence: str, is_free: bool) -> None:
    assert is_for_sale(licence) is is_free


def test_a_size_of_ones_own_has_the_shape_of_the_aspect() -> None:
    assert picture_size(_premise(format={"size": "320x180"})) == (320, 180)
    assert picture_size(_premise(format={"size": "360x640", "aspect": "9:16"})) == (360, 640)


@pytest.mark.parametrize("size", ["256x256", "720x1280", "1280x800"])
def test_a_size_of_another_shape_is_refused_with_one_that_fits(size: str) -> None:
    with pytest.raises(StudioError, match=r"format: size: .*try 1280x720") as caught:
        picture_size(_premise(format={"size": size}))
    assert caught.value.code == 2


def test_takes_that_are_judged_are_another_recipe_and_only_for_toon_at_its_own_sizes() -> None:
    judged = resolve_settings(_premise(video={"takes": "auto"}))
    assert judged.recipe == {**resolve_settings(_premise()).recipe, "takes": "auto"}
    with pytest.raises(
        StudioError, match=r"takes: auto judges films of TOON \(112x64, 80x80, .*\), got TOON"
    ):
        resolve_settings(_premise(video={"takes": "auto", "size": "64x64"}))
    with pytest.raises(StudioError, match="takes: auto judges films of TOON"):  # before anything is written
        describe_film(_premise(), Video(takes="auto", size="64x64"))
