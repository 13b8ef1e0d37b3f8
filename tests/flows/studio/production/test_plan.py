"""What the next run makes, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.studio.filming import shots as shot_list
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.production.plan import Plan, describe_plan, stored_in
from flows.studio.voice.lines import PlannedLine, plan_lines
from flows.studio.workspace import artifacts
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot

FILM = FilmSettings(
    model="toon",
    weights="0123456789abcdef",
    height=64,
    width=112,
    num_frames=16,
    num_steps=20,
    guidance_scale=4.0,
    negative_prompt="",
    dialect="toon",
    is_drawn=True,
)
PREMISE = Premise.model_validate(
    {
        "schema": 1,
        "show": "Fish",
        "logline": "A fishmonger and a cat.",
        "characters": {"joe": {"look": "man, blue apron"}, "don": {"look": "orange cat"}},
    }
)


def _scene(name: str, prompts: Sequence[str], *lines: str, **more: object) -> Scene:
    return Scene(
        id=name,
        slugline="INT. KITCHEN - DAY",
        shots=tuple(Shot(size="medium", prompt=prompt) for prompt in prompts),
        dialogue=tuple(Line(who="joe", line=line) for line in lines),
        **more,
    )


FIRST = _scene("s01", ["Joe talking", "Joe dancing"], "One.", "Two.")
SECOND = _scene("s02", ["the Don talking"], "Three.")


def _wants(
    *scenes: Scene, premise: Premise = PREMISE, film: FilmSettings = FILM, seed: int = 7
) -> tuple[tuple[PlannedShot, ...], tuple[PlannedLine, ...]]:
    script = Script(schema=1, title="Fish", scenes=scenes)
    return shot_list.plan_shots(script, premise, film, seed=seed), plan_lines(script, premise)


@pytest.fixture
def folder(tmp_path: Path) -> EpisodeFolder:
    """An episode of both scenes, made."""
    place = EpisodeFolder(tmp_path, EpisodeCode(1, 1))
    _make(place, *_wants(FIRST, SECOND))
    return place


def _make(place: EpisodeFolder, shots: Sequence[PlannedShot], lines: Sequence[PlannedLine]) -> None:
    """Files with real recipes; what is in them is nobody's matter here."""

    def maker(written: str | None) -> Callable[[Path], dict[str, object]]:
        def write(path: Path) -> dict[str, object]:
            path.write_bytes(b"made")
            return {"seconds": 3.0, "written": written}

        return write

    for shot in shots:
        artifacts.create(place.clips, shot.label, shot.recipe, ".mp4", write=maker(shot.shot.prompt))
    for line in lines:
        artifacts.create(place.voices, line.label, line.recipe, ".wav", write=maker(None))


def _todo(place: EpisodeFolder, *scenes: Scene, **more: object) -> list[str]:
    shots, lines = _wants(*scenes, **more)  # type: ignore[arg-type]
    return [str(one) for one in _plan(place, shots, lines).missing]


def _plan(
    place: EpisodeFolder,
    shots: Sequence[PlannedShot],
    lines: Sequence[PlannedLine],
    failed: Sequence[str] = (),
) -> Plan:
    """The plan of shots and lines against a folder; of its episode nothing is asked."""
    nobody: Any = None
    return Plan(
        episode=nobody,
        premise=PREMISE,
        film=FILM,
        intro=None,
        shots=tuple(shots),
        lines=tuple(lines),
        sounds={},
        failed=frozenset(failed),
        **stored_in(place),
    )


def test_what_lies_there_is_kept(folder: EpisodeFolder) -> None:
    made = _plan(folder, *_wants(FIRST, SECOND))
    assert (made.missing, made.num_stored, made.filming_seconds) == ((), 6, 0.0)


def test_moving_deleting_and_inserting_scenes_shots_and_lines_makes_nothing_else(
    folder: EpisodeFolder,
) -> None:
    assert _todo(folder, SECOND, FIRST) == []
    assert _todo(folder, SECOND) == []
    inserted = _scene("s01", ["Joe waving", "Joe talking", "Joe dancing"], "Zero.", "One.", "Two.")
    assert _todo(folder, inserted, SECOND) == ["s01.1 clip: new", "s01-01 voice: new"]
    turned = _scene("s01", ["Joe dancing", "Joe talking"], "Two.", "One.")
    assert _todo(folder, turned, SECOND) == []


def test_every_reason_is_told(folder: EpisodeFolder) -> None:
    edited = _scene("s01", ["Joe talking", "Joe flying"], "One.", "Too.")
    assert _todo(folder, edited, SECOND) == ["s01.2 clip: prompt changed", "s01-02 voice: words changed"]
    assert _todo(folder, FIRST, SECOND, seed=8) == [
        "s01.1 clip: seed changed",
        "s01.2 clip: seed changed",
        "s02.1 clip: seed changed",
    ]
    cast = {**PREMISE.characters, "don": PREMISE.characters["don"].model_copy(update={"look": "red cat"})}
    looks = PREMISE.model_copy(update={"characters": cast})
    assert _todo(folder, FIRST, SECOND, premise=looks) == ["s02.1 clip: a look or the style changed"]
    moving = FilmSettings(**{**vars(FILM), "motion_guidance": 0.75})
    assert _todo(folder, FIRST, film=moving) == [
        "s01.1 clip: how clearly it moves changed",
        "s01.2 clip: how clearly it moves changed",
    ]
    newer = FilmSettings(**{**vars(FILM), "weights": "fedcba9876543210"})
    assert _todo(folder, FIRST, film=newer) == [
        "s01.1 clip: the film model is another one now",
        "s01.2 clip: the film model is another one now",
    ]


def test_a_file_that_is_gone_is_made_again(folder: EpisodeFolder) -> None:
    next(folder.clips.glob("s02.1-*.mp4")).unlink()
    assert _todo(folder, FIRST, SECOND) == ["s02.1 clip: its file is gone"]


def test_a_shot_that_failed_is_tried_again_and_the_reason_is_that(folder: EpisodeFolder) -> None:
    shots, lines = _wants(FIRST, _scene("s02", ["the Don flying"], "Three."))
    made = _plan(folder, shots, lines, failed=[shots[-1].digest])
    assert [str(one) for one in made.missing] == ["s02.1 clip: it failed last time"]
    assert made.filming_seconds == 3.0


def test_equal_lines_are_spoken_once_and_equal_shots_are_two_takes(tmp_path: Path) -> None:
    twice = _scene("s01", ["Joe talking", "Joe talking"], "No.", "No.")
    shots, lines = _wants(twice)
    assert shots[0].seed != shots[1].seed
    made = _plan(EpisodeFolder(tmp_path, EpisodeCode(1, 1)), shots, lines)
    assert (made.num_missing_clips, made.num_missing_voices) == (2, 1)


def test_a_new_episode_is_told_in_one_line_and_a_long_list_is_cut_short(folder: EpisodeFolder) -> None:
    empty = EpisodeFolder(folder.root / "none", EpisodeCode(1, 2))
    shots, lines = _wants(FIRST, SECOND)
    assert describe_plan(_plan(empty, shots, lines)) == ("to make: 3 shots, 3 voice lines",)
    many = [_scene(f"s{n:02d}", ["a fish"]) for n in range(3, 33)]
    told = describe_plan(_plan(folder, *_wants(FIRST, SECOND, *many)))
    assert told[0] == "to make: 30 shots, 0 voice lines; 6 kept"
    assert told[-1] == "  and 18 more"
    assert len(told) == 14


# ----------------------------------------------------------------------------------------------- seeds


def test_a_seed_hangs_on_the_words_the_scene_the_take_and_the_count_of_equal_words() -> None:
    def seeds(*scenes: Scene, seed: int = 7) -> list[int]:
        return [shot.seed for shot in _wants(*scenes, seed=seed)[0]]

    usual = seeds(FIRST)
    assert seeds(_scene("s01", ["Joe dancing", "Joe talking"])) == usual[::-1]
    assert set(seeds(FIRST, seed=8)).isdisjoint(usual)
    assert set(seeds(_scene("s09", ["Joe talking", "Joe dancing"]))).isdisjoint(usual)
    retaken = FIRST.model_copy(update={"shots": (Shot(size="medium", prompt="Joe talking", pick=2),)})
    assert seeds(retaken)[0] != usual[0]
    written = FIRST.model_copy(update={"shots": (Shot(prompt="Joe talking", seed=3),)})
    assert seeds(written) == [3]


def test_a_scene_that_says_skip_needs_nothing() -> None:
    shots, lines = _wants(_scene("s01", ["Joe talking"], "One.", skip=True), SECOND)
    assert {shot.scene.id for shot in shots} == {"s02"}
    assert {line.scene.id for line in lines} == {"s02"}


def test_an_exact_prompt_reaches_the_film_model_word_for_word() -> None:
    exact = FIRST.model_copy(update={"shots": (Shot(prompt_exact="a FISH, please"),)})
    assert [shot.prompt for shot in _wants(exact)[0]] == ["a FISH, please"]


def test_words_that_mean_the_same_to_the_film_model_are_told_in_its_own() -> None:
    shot = _wants(_scene("s01", ["Joe speaks"]))[0][0]
    assert shot.words == "medium shot, man (blue apron) speaks, kitchen, day"
    assert shot.prompt == "medium shot, blue man with apron talking, in the kitchen, day"


def test_what_a_file_was_last_called_does_not_matter_to_its_age(folder: EpisodeFolder) -> None:
    for path in folder.clips.glob("s01.2-*"):
        os.utime(path, (1, 1))
    edited = _scene("s01", ["Joe talking", "Joe sleeping"], "One.", "Two.")
    assert _todo(folder, edited, SECOND) == ["s01.2 clip: prompt changed"]
