"""Clips of an earlier TOON: an episode keeps them when the package's film model has become another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flows.studio.cameras.facts import DEFAULT_MODEL
from flows.studio.filming.models import describe_model
from flows.studio.filming.settings import FilmSettings, own_settings
from flows.studio.filming.shots import DIRECTIONS, PlannedShot, plain_prompt
from flows.studio.workspace.artifacts import Artifacts, Recipe

_OF_THE_MODEL = ("weights", "height", "width")  # with another model these are others, whatever was asked for


def is_earlier(recipe: Recipe, film: FilmSettings) -> bool:
    """Whether a clip's recipe is of the package's film model as it was before it became that of `film`."""
    if film.model != DEFAULT_MODEL or recipe.get("model") != film.name:
        return False
    own = (film.weights, film.direction_guidance)  # what nobody chooses, and another release may change
    return (recipe.get("weights"), recipe.get("direction_guidance", 0.0)) != own


def keep_clips(
    shots: Sequence[PlannedShot], stored: Artifacts, film: FilmSettings
) -> tuple[PlannedShot, ...]:
    """The shots; those without a clip get the recipe of one that an earlier model filmed for the same text.

    A clip counts for a shot with the same prompt, seed and pictures if it was filmed with everything that the
    premise chose, at the model's size or half of it.
    """

    films = {shot.film or film for shot in shots if shot.file is None}
    earlier = {each: _of_earlier(stored, each) for each in films}
    if not any(earlier.values()):
        return tuple(shots)
    chosen = {each: _chosen(each) for each in films if earlier[each]}

    def kept(shot: PlannedShot) -> PlannedShot:
        of_shot = shot.film or film
        if shot.file is not None or not earlier[of_shot]:
            return shot
        shot = replace(shot, others=tuple(kept(other) for other in shot.others))
        if shot.digest in stored:
            return shot
        recipe = _find(shot, earlier[of_shot], of_shot, chosen[of_shot])
        if recipe is None:
            return shot
        if DIRECTIONS in recipe:
            return replace(shot, recipe=recipe)
        return replace(shot, recipe=recipe, prompt=recipe["prompt"], cues=(), unspoken=False)

    return tuple(kept(shot) for shot in shots)


def _of_earlier(stored: Artifacts, film: FilmSettings) -> list[Recipe]:
    return [clip.recipe for clip in stored.values() if is_earlier(clip.recipe, film)]


def _chosen(film: FilmSettings) -> dict[str, Any]:
    """The settings that are not the model's own, and do not follow from its weights."""
    own = own_settings(describe_model(DEFAULT_MODEL)).recipe
    return {k: v for k, v in film.recipe.items() if k not in _OF_THE_MODEL and v != own.get(k)}


def _find(
    shot: PlannedShot, earlier: Iterable[Recipe], film: FilmSettings, chosen: Mapping[str, Any]
) -> Recipe | None:
    """The first recipe that is of the same shot, with the settings that were chosen.

    One that was told directions was told the same ones.
    """
    of_pictures = {
        key: value
        for key, value in shot.recipe.items()
        if key not in film.recipe and key not in ("prompt", "seed", DIRECTIONS)
    }
    same = {**chosen, **of_pictures, "seed": shot.seed}
    acted = {"prompt": shot.prompt, DIRECTIONS: shot.recipe.get(DIRECTIONS)}
    plain = {"prompt": plain_prompt(shot, film)}
    for recipe in earlier:
        told = {**same, **(acted if DIRECTIONS in recipe else plain)}
        size = recipe.get("height", 0), recipe.get("width", 0)
        sizes = size, (2 * size[0], 2 * size[1])
        if (film.height, film.width) in sizes and all(recipe.get(k) == v for k, v in told.items()):
            return recipe
    return None
