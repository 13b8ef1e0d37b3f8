"""Takes of a shot: which ones are filmed, which numbers are in use, which number comes next."""

from __future__ import annotations

from collections.abc import Mapping

from flows.studio.errors import StudioError
from flows.studio.filming.shots import PlannedShot, other_take
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifacts, Recipe
from scripts_llm.screenplay.script import MAX_TAKES

Seeds = Mapping[str, frozenset[int]]  # of the clips that differ in nothing else, by the digest of all else


def seeds_of_clips(clips: Artifacts) -> Seeds:
    """The seeds that each recipe was filmed with: one look at all clips instead of many at each shot."""
    found: dict[str, set[int]] = {}
    for clip in clips.values():
        if isinstance(clip.recipe.get("seed"), int):
            found.setdefault(_without_seed(clip.recipe), set()).add(clip.recipe["seed"])
    return {key: frozenset(seeds) for key, seeds in found.items()}


def _without_seed(recipe: Recipe) -> str:
    return artifacts.digest({key: value for key, value in recipe.items() if key != "seed"})


def stored_takes(shot: PlannedShot, clips: Artifacts, seeds: Seeds | None = None) -> tuple[PlannedShot, ...]:
    """The takes of a shot that have a clip, in order, whether or not the script asks for them.

    `seeds` are those of the clips, for callers who ask for many shots.
    """
    known = (seeds_of_clips(clips) if seeds is None else seeds).get(_without_seed(shot.recipe), frozenset())
    if not known:
        return ()
    if known == {shot.seed}:
        return (other_take(shot, shot.take),)
    assert shot.seeds is not None
    numbers = [number for number in range(1, MAX_TAKES + 1) if shot.seeds.of(number) in known]
    return tuple(other_take(shot, number) for number in numbers)


def take_numbers(shot: PlannedShot, clips: Artifacts) -> tuple[int, ...]:
    """The numbers of the takes that are filmed or that the script asks for, in order."""
    in_script = range(1, (shot.shot.takes or 1) + 1)
    return tuple(sorted({shot.take, *in_script, *(take.take for take in stored_takes(shot, clips))}))


def next_take_number(shot: PlannedShot, clips: Artifacts) -> int:
    """The number after the last one in use. Raises StudioError at the most takes that a shot may have."""
    last = take_numbers(shot, clips)[-1]
    if last >= MAX_TAKES:
        raise StudioError(
            f"{shot.label}: wanted at most {MAX_TAKES} takes of a shot, got take {last} already; "
            "cut in one of those there are: --pick N",
            code=2,
        )
    return last + 1
