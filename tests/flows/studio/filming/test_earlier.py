"""Clips of an earlier TOON stay in an episode whose text is what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from flows.studio.filming import models
from flows.studio.filming.earlier import is_earlier, keep_clips
from flows.studio.filming.settings import FilmSettings, own_settings
from flows.studio.filming.shots import PlannedShot, plain_prompt, plan_shots
from flows.studio.workspace.artifacts import Artifact, Artifacts, digest
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script, Shot
from t2v.configs import TOON, TOON_112, Preset

PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Fish",
        "logline": "A fishmonger and a cat.",
        "characters": {"joe": {"look": "man, blue apron"}, "don": {"look": "orange cat"}},
    }
)


def film_of(preset: Preset, weights: str) -> FilmSettings:
    """A TOON's own settings."""
    facts = models._facts_of("toon", preset)
    directed = facts.directed
    return replace(own_settings(facts), weights=weights, dialect="toon", is_drawn=True, directed=directed)


OLD, NOW = film_of(TOON_112, "old"), film_of(TOON, "new")


def shots_of(film: FilmSettings, *prompts: str, seed: int = 7, **more: object) -> tuple[PlannedShot, ...]:
    shots = tuple(Shot(size="medium", prompt=prompt, **more) for prompt in prompts)  # type: ignore[arg-type]
    scene = Scene(id="s01", slugline="INT. KITCHEN - DAY", shots=shots)
    return plan_shots(Script(schema=1, title="Fish", scenes=(scene,)), PREMISE, film, seed=seed)


def stored(shots: Sequence[PlannedShot]) -> Artifacts:
    return {digest(shot.recipe): Artifact(Path("clip.mp4"), shot.recipe, {}) for shot in shots}


FILMED = stored(shots_of(OLD, "Joe talking", "the Don dancing"))


def kept(film: FilmSettings, *prompts: str, clips: Artifacts = FILMED, **more: object) -> list[bool]:
    """Of each shot whether it keeps a stored clip."""
    shots = keep_clips(shots_of(film, *prompts, **more), clips, film)  # type: ignore[arg-type]
    assert all(is_earlier(shot.recipe, film) == (shot.digest in clips) for shot in shots)
    return [shot.digest in clips for shot in shots]


def test_another_toon_films_nothing_anew_whose_text_is_what_it_was() -> None:
    assert NOW.directed
    assert (NOW.height, NOW.width) == (2 * OLD.height, 2 * OLD.width)
    assert kept(NOW, "Joe talking", "the Don dancing") == [True, True]
    now = shots_of(NOW, "Joe talking")[0]
    assert now.directions
    assert plain_prompt(now, NOW) == shots_of(OLD, "Joe talking")[0].prompt


def test_clips_that_were_directed_stay_as_well_if_they_were_told_the_same() -> None:
    before = replace(NOW, weights="before", direction_guidance=0.0)
    filmed = stored(shots_of(before, "Joe talking", "the Don dancing"))
    assert kept(NOW, "Joe talking", "the Don dancing", clips=filmed) == [True, True]
    (shot,) = keep_clips(shots_of(NOW, "Joe talking"), filmed, NOW)
    assert shot.cues == shots_of(NOW, "Joe talking")[0].cues
    told = {"direct": {0: "joe: arms up"}}
    assert kept(NOW, "Joe talking", clips=filmed, **told) == [False]
    guided_less = replace(before, weights=NOW.weights)
    assert kept(NOW, "Joe talking", clips=stored(shots_of(guided_less, "Joe talking"))) == [True]


@pytest.mark.parametrize("key", ["num_steps", "guidance_scale", "negative_prompt", "num_frames"])
def test_what_the_premise_chose_must_be_what_a_clip_was_filmed_with(key: str) -> None:
    value = {"negative_prompt": "rain"}.get(key, 9)
    chosen = replace(NOW, **{key: value})  # type: ignore[arg-type]
    assert kept(chosen, "Joe talking", "the Don dancing") == [False, False]
    filmed = stored(shots_of(replace(OLD, **{key: value}), "Joe talking"))  # type: ignore[arg-type]
    assert kept(chosen, "Joe talking", clips=filmed) == [True]


def test_another_text_seed_or_take_is_filmed_by_the_toon_of_today() -> None:
    assert kept(NOW, "Joe sleeping", "the Don dancing") == [False, True]
    assert kept(NOW, "Joe talking", "the Don dancing", seed=8) == [False, False]
    assert kept(NOW, "Joe talking", pick=2, takes=2) == [False]


def test_other_takes_are_kept_with_the_one_that_is_cut_in() -> None:
    (both,) = shots_of(OLD, "Joe talking", pick=2, takes=2)
    clips = stored([both, *both.others])
    (now,) = keep_clips(shots_of(NOW, "Joe talking", pick=2, takes=2), clips, NOW)
    assert {now.digest, *(other.digest for other in now.others)} == clips.keys()


def test_a_clip_of_today_goes_before_one_of_an_earlier_toon() -> None:
    today = shots_of(NOW, "Joe talking")
    (shot,) = keep_clips(today, {**FILMED, **stored(today)}, NOW)
    assert shot == today[0]


def test_the_models_of_others_and_square_clips_in_a_wide_film_are_not_toons() -> None:
    other = replace(NOW, model="models/mine")
    assert kept(other, "Joe talking") == [False]
    square = stored(shots_of(replace(OLD, height=80, width=80), "Joe talking"))
    assert kept(NOW, "Joe talking", clips=square) == [False]
