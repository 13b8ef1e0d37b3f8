"""The shots of a script as they are to be filmed: prompt, seed and recipe of each, and of its other takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.studio.acting.cues import Cue, Part
from flows.studio.acting.directing import Directions
from flows.studio.filming import pictures as shot_pictures
from flows.studio.filming import prompt as prompts
from flows.studio.filming import prose, staging, vocabulary
from flows.studio.filming.pictures import Beginning, ShotPictures
from flows.studio.filming.settings import FilmSettings, picture_size
from flows.studio.media import user_files
from flows.studio.media.clips import ClipSource
from flows.studio.workspace import artifacts
from flows.studio.workspace.files import content_hash
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Scene, Script, Shot, filmed_scenes

TITLE = "title"
DIRECTIONS = "directions"  # the recipe's key for the words of every frame and figure
UNSPOKEN = "those of lines that are not spoken yet"


@dataclass(frozen=True)
class Seeds:
    """The seeds of a shot's takes. They derive from the shot's text, so reordering shots changes none.

    `film` is the episode's seed, `num_alike` the number of earlier shots of the scene with the same text.
    """

    film: int
    scene: Scene
    shot: Shot
    written: str
    num_alike: int

    def of(self, take: int) -> int:
        """The seed of a take; a `seed:` in the script is the first take's."""
        own = self.shot.seed
        if own is None:
            return artifacts.seed_from(self.film, str(self.scene.id), self.written, self.num_alike, take)
        return own if take == 1 else artifacts.seed_from(own, take)


@dataclass(frozen=True)
class PlannedShot:
    """A shot of the script with everything that its clip is made from, in the take that is cut in.

    `words` is the prompt in full, `prompt` the same in the film model's dialect. `others` are the other takes
    that the script asks for. `file` is the user's own file that takes the place of filming. `film` are the
    settings that it is filmed with, where they are not the episode's: it waits for an approval. Of a camera
    that moves lips, `cues` has what each frame of the clip shows; `unspoken`: its lines have no voices yet.
    """

    label: str
    scene: Scene
    shot: Shot
    words: str
    prompt: str
    seed: int
    recipe: Mapping[str, Any]
    take: int = 1
    others: tuple[PlannedShot, ...] = ()
    file: Path | None = None
    seeds: Seeds | None = None
    is_drawn: bool = False
    film: FilmSettings | None = None
    pictures: ShotPictures = shot_pictures.NONE
    cues: tuple[Cue, ...] = ()
    unspoken: bool = False

    @property
    def directions(self) -> Directions:
        """The words of the direction of every frame and figure; empty where the camera does not act."""
        return directions_in(self.recipe)

    @property
    def digest(self) -> str:
        """The hash of its recipe, by which its clip is found."""
        return artifacts.digest(self.recipe)

    @property
    def written(self) -> str | None:
        """The shot's own words in the script; None where it has none, or is a file."""
        return self.shot.prompt_exact or self.shot.prompt

    @property
    def source(self) -> ClipSource | None:
        """ "file" for the user's own file, "model" for a model's photographs, None for drawn pictures."""
        if self.file is not None:
            return "file"
        return None if self.is_drawn else "model"

    @property
    def title(self) -> str:
        """The shot's name for people, s04.2; with its number for a take that is not cut in."""
        return self.label if self.take == (self.shot.pick or 1) else f"{self.label} take {self.take}"


def directions_in(recipe: Mapping[str, Any]) -> Directions:
    """The directions in a shot's recipe; see `PlannedShot.directions`."""
    said = recipe.get(DIRECTIONS, ())
    return () if isinstance(said, str) else tuple(tuple(figures) for figures in said)


def plan_shots(
    script: Script,
    premise: Premise,
    film: FilmSettings,
    *,
    seed: int,
    folders: Sequence[Path] = (),
    draft: FilmSettings | None = None,
    parts: Mapping[str, Sequence[Part]] | None = None,
) -> tuple[PlannedShot, ...]:
    """Every shot in the script's order. `premise` has the whole cast; every scene has its id and its shots.

    With `draft` those are the settings of shots that are not approved. The user's own files, and keyframes to
    begin with, are searched in `folders`. `parts` are what the shots of these labels are cut to, for a camera
    that acts them. Raises StudioError for a missing file, for a `direct:` that means nothing, and for a first
    frame that the film model does not take.
    """
    planned = []
    keyframes = shot_pictures.stored_keyframes(folders)
    for scene in filmed_scenes(script):
        alike: Counter[str] = Counter()
        before: str | None = None
        for number, shot in enumerate(scene.shots or (), start=1):
            label = f"{scene.id}.{number}"
            if shot.file is not None:
                path = user_files.locate(shot.file, folders, where=label)
                planned.append(_shot_of_file(label, scene, shot, premise, path))
                continue
            written = shot.prompt_exact or shot.prompt or scene.action
            seeds = Seeds(seed, scene, shot, written, alike[written])
            alike[written] += 1
            waiting = None if shot.approved else draft
            of_shot = None if parts is None else parts.get(label, ())
            pictures = shot_pictures.select(
                label,
                scene,
                shot,
                premise,
                waiting or film,
                folders=folders,
                begin=Beginning(keyframes.get(seeds.of(1)), before),
            )
            planned.append(_filmed_shot(label, premise, film, seeds, waiting, pictures, of_shot))
            before = planned[-1].digest
    return tuple(planned)


def plan_title(name: str, premise: Premise, *, folders: Sequence[Path], where: str) -> PlannedShot:
    """The user's own title sequence as a shot in a scene of its own.

    Raises StudioError, with `where` in front, for a file that is in none of the `folders`.
    """
    path = user_files.locate(name, folders, where=where)
    shot = Shot(file=name)
    scene = Scene(id=TITLE, slugline=TITLE, shots=(shot,))
    title = _shot_of_file(TITLE, scene, shot, premise, path)
    return replace(title, recipe={**title.recipe, "longest_seconds": user_files.LONGEST_TITLE_SECONDS})


def with_other_takes(shots: Sequence[PlannedShot]) -> tuple[PlannedShot, ...]:
    """The shots, each followed by the other takes that the script asks for."""
    return tuple(take for shot in shots for take in (shot, *shot.others))


def other_take(shot: PlannedShot, take: int) -> PlannedShot:
    """Another take of a filmed shot: only its seed differs."""
    assert shot.seeds is not None
    seed = shot.seeds.of(take)
    return replace(shot, seed=seed, take=take, others=(), recipe={**shot.recipe, "seed": seed})


def plain_prompt(shot: PlannedShot, film: FilmSettings) -> str:
    """The prompt of a shot as a film model is told that takes no directions, and no prose."""
    return _in_dialect(shot.words, shot.shot, film)


def _in_dialect(words: str, shot: Shot, film: FilmSettings) -> str:
    return words if shot.prompt_exact is not None else vocabulary.filmed_prompt(words, film.dialect)


def _filmed_shot(
    label: str,
    premise: Premise,
    film: FilmSettings,
    seeds: Seeds,
    waiting: FilmSettings | None,
    pictures: ShotPictures,
    parts: Sequence[Part] | None,
) -> PlannedShot:
    """A shot for the film model, in the take that the script picks, with its other takes."""
    shot, scene, film = seeds.shot, seeds.scene, waiting or film
    words = prompts.compose(shot, scene, premise)
    if film.dialect == "prose" and shot.prompt_exact is None:
        prompt = prose.compose(shot, scene, premise)
    else:
        prompt = _in_dialect(words, shot, film)
    recipe = {"kind": "clip", "prompt": prompt, "seed": 0, **film.recipe, **pictures.recipe}
    unseeded = PlannedShot(
        label,
        scene,
        shot,
        words,
        prompt,
        0,
        recipe,
        seeds=seeds,
        is_drawn=film.is_drawn,
        film=waiting,
        pictures=pictures,
    )
    if film.directed:
        unseeded = _acted(unseeded, premise, film, parts if film.lips else None)
    picked = shot.pick or 1
    others = [take for take in range(1, (shot.takes or 0) + 1) if take != picked]
    return replace(other_take(unseeded, picked), others=tuple(other_take(unseeded, take) for take in others))


def _acted(
    shot: PlannedShot, premise: Premise, film: FilmSettings, parts: Sequence[Part] | None
) -> PlannedShot:
    """The shot with the direction of every frame; as it is where nobody is seen in it."""
    acted = staging.stage(
        shot.words,
        shot.shot,
        shot.scene,
        premise,
        num_frames=film.num_frames,
        parts=parts,
        where=shot.label,
    )
    if acted is None:
        return shot
    said: Any = UNSPOKEN if acted.waits else [list(figures) for figures in acted.directions]
    recipe = {**shot.recipe, "prompt": acted.prompt, DIRECTIONS: said}
    cues = acted.cues if parts is not None else ()
    return replace(shot, prompt=acted.prompt, recipe=recipe, cues=cues, unspoken=acted.waits)


def _shot_of_file(label: str, scene: Scene, shot: Shot, premise: Premise, path: Path) -> PlannedShot:
    """A shot that is the user's own file, in its recipe by the hash of its content."""
    size = picture_size(premise)
    recipe = {"kind": "clip", "file": content_hash(path), "size": list(size), "version": 1}
    if user_files.is_still(path):
        recipe["still"] = True
    if corrections := user_files.corrections(path):
        recipe["corrections"] = list(corrections)
    return PlannedShot(label, scene, shot, str(shot.file), "", 0, recipe, file=path)
