"""What an episode needs: every shot and every spoken line of a script, each with its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.studio.filming import prompt as prompts
from flows.studio.filming import vocabulary
from flows.studio.filming.settings import FILM_MODEL, FilmSettings, picture_size
from flows.studio.media import user_files
from flows.studio.media.clips import ClipSource
from flows.studio.workspace import artifacts
from flows.studio.workspace.files import content_hash
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script, Shot

if TYPE_CHECKING:
    pass
from scripts_llm.screenplay.script import filmed_scenes

TITLE = "title"


@dataclass(frozen=True)
class Seeds:
    """The seeds of a shot's takes: they hang on its own words, never on its position."""

    film: int
    scene: Scene
    shot: Shot
    written: str
    num_alike: int

    def of(self, take: int) -> int:
        """The seed of a take; one that is written down is the first take's."""
        own = self.shot.seed
        if own is None:
            return artifacts.seed_from(self.film, str(self.scene.id), self.written, self.num_alike, take)
        return own if take == 1 else artifacts.seed_from(own, take)


@dataclass(frozen=True)
class WantedShot:
    """A shot of the script, in the take that is cut in.

    `words` is its prompt in full, `prompt` is how the film model understood it. `others` are the other takes
    that it asks for, and `file` is what stands in for filming.
    """

    label: str
    scene: Scene
    shot: Shot
    words: str
    prompt: str
    seed: int
    recipe: Mapping[str, Any]
    take: int = 1
    others: tuple[WantedShot, ...] = ()
    file: Path | None = None
    seeds: Seeds | None = None

    @property
    def digest(self) -> str:
        return artifacts.digest(self.recipe)

    @property
    def source(self) -> ClipSource | None:
        """Where its clip comes from, if TOON does not draw it."""
        if self.file is not None:
            return "file"
        return None if self.recipe.get("model") == FILM_MODEL else "model"

    @property
    def title(self) -> str:
        """The shot as people call it, s04.2; a take that is not cut in with its number."""
        return self.label if self.take == (self.shot.pick or 1) else f"{self.label} take {self.take}"


def shots(
    script: Script, premise: Premise, film: FilmSettings, *, seed: int, places: Sequence[Path] = ()
) -> tuple[WantedShot, ...]:
    """Every shot in the script's order. `premise` holds the whole cast; every scene has its id and shots.

    Files are looked for in `places`. Raises StudioError for one that is not there.
    """
    found = []
    for scene in filmed_scenes(script):
        alike: Counter[str] = Counter()
        for number, shot in enumerate(scene.shots or (), start=1):
            label = f"{scene.id}.{number}"
            if shot.file is not None:
                path = user_files.locate(shot.file, places, where=label)
                found.append(_from_file(label, scene, shot, premise, path))
                continue
            written = shot.prompt_exact or shot.prompt or scene.action
            words = prompts.compose(shot, scene, premise)
            prompt = words if shot.prompt_exact is not None else vocabulary.filmed_prompt(words, film.name)
            seeds = Seeds(seed, scene, shot, written, alike[written])
            alike[written] += 1
            recipe = {"kind": "clip", "prompt": prompt, "seed": 0, **film.recipe}
            first = WantedShot(label, scene, shot, words, prompt, 0, recipe, seeds=seeds)
            found.append(_with_its_takes(first))
    return tuple(found)


def intro(name: str, premise: Premise, *, places: Sequence[Path], where: str) -> WantedShot:
    """The title sequence that is the file of this name, as a shot in a scene of its own.

    Raises StudioError, with `where` in front, for a file that is in none of the `places`.
    """
    path = user_files.locate(name, places, where=where)
    shot = Shot(file=name)
    scene = Scene(id=TITLE, slugline=TITLE, shots=(shot,))
    wanted = _from_file(TITLE, scene, shot, premise, path)
    return replace(wanted, recipe={**wanted.recipe, "longest_seconds": user_files.LONGEST_TITLE_SECONDS})


def all_takes(shots: Sequence[WantedShot]) -> tuple[WantedShot, ...]:
    """The shots, each followed by the other takes that it asks for."""
    return tuple(take for shot in shots for take in (shot, *shot.others))


def with_take(shot: WantedShot, take: int) -> WantedShot:
    """Another take of a filmed shot: the same in all but its seed."""
    assert shot.seeds is not None
    seed = shot.seeds.of(take)
    return replace(shot, seed=seed, take=take, others=(), recipe={**shot.recipe, "seed": seed})


def _with_its_takes(shot: WantedShot) -> WantedShot:
    picked = shot.shot.pick or 1
    others = [take for take in range(1, (shot.shot.takes or 0) + 1) if take != picked]
    return replace(with_take(shot, picked), others=tuple(with_take(shot, take) for take in others))


def _from_file(label: str, scene: Scene, shot: Shot, premise: Premise, path: Path) -> WantedShot:
    """A shot that is a file of one's own: known by what is in it, not by its name."""
    size = picture_size(premise)
    recipe = {"kind": "clip", "file": content_hash(path), "size": list(size), "version": 1}
    if user_files.is_still(path):
        recipe["still"] = True
    return WantedShot(label, scene, shot, str(shot.file), "", 0, recipe, file=path)
