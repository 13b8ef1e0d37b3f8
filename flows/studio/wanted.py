"""What an episode needs: every shot and every spoken line of a script, each with its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flows.studio import prompt as wording
from flows.studio import recipes
from flows.studio.film import FilmSettings
from scripts_llm.screenplay import Line, Premise, Scene, Script, Shot

if TYPE_CHECKING:
    from flows.studio.voice_book import Speaker, VoiceSettings


@dataclass(frozen=True)
class WantedShot:
    """A shot of the script. `words` is its prompt in full, `prompt` is how the film model understood it."""

    label: str
    scene: Scene
    shot: Shot
    words: str
    prompt: str
    seed: int
    recipe: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return recipes.digest(self.recipe)


@dataclass(frozen=True)
class WantedLine:
    """A spoken line of the script; `index` is its place in the scene's dialogue."""

    label: str
    scene: Scene
    index: int
    line: Line
    recipe: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return recipes.digest(self.recipe)


def scenes(script: Script) -> tuple[Scene, ...]:
    """The scenes that are made: all but those that say `skip`."""
    return tuple(scene for scene in script.scenes if not scene.skip)


def shots(script: Script, premise: Premise, film: FilmSettings, *, seed: int) -> tuple[WantedShot, ...]:
    """Every shot in the script's order. `premise` holds the whole cast; every scene has its id and shots."""
    found = []
    for scene in scenes(script):
        alike: Counter[str] = Counter()
        for number, shot in enumerate(scene.shots or (), start=1):
            words = wording.compose(shot, scene, premise)
            written = shot.prompt_exact or shot.prompt or scene.action
            shot_seed = _seed(seed, scene, shot, written, alike[written])
            alike[written] += 1
            prompt = words if shot.prompt_exact is not None else understood(words, film)
            found.append(
                WantedShot(
                    label=f"{scene.id}.{number}",
                    scene=scene,
                    shot=shot,
                    words=words,
                    prompt=prompt,
                    seed=shot_seed,
                    recipe={"kind": "clip", "prompt": prompt, "seed": shot_seed, **asdict(film)},
                )
            )
    return tuple(found)


def _seed(seed: int, scene: Scene, shot: Shot, written: str, num_alike: int) -> int:
    """A shot's seed hangs on its own words, never on its position; one that is written down counts."""
    if shot.seed is None:
        return recipes.seed_from(seed, str(scene.id), written, num_alike, shot.pick or 1)
    return shot.seed if shot.pick in (None, 1) else recipes.seed_from(shot.seed, shot.pick)


def understood(words: str, film: FilmSettings) -> str:
    """The prompt as the film model reads it: TOON's own dialect for TOON, else the words themselves."""
    if film.model != "toon":
        return words
    from t2v.toon.words import understand

    return understand(words).prompt


def voices(premise: Premise, *, speaker: Speaker = "embedded") -> dict[str, VoiceSettings]:
    """The cast's voices; `speaker` is who the episode was begun with."""
    from flows.studio import voice

    return voice.cast(premise.characters, speaker=speaker, language=premise.language)


def lines(script: Script, premise: Premise, *, speaker: Speaker = "embedded") -> tuple[WantedLine, ...]:
    """Every spoken line in the script's order, each in its character's own voice."""
    cast = voices(premise, speaker=speaker)
    found = []
    for scene in scenes(script):
        spoken = [(index, line) for index, line in enumerate(scene.dialogue) if isinstance(line, Line)]
        for number, (index, line) in enumerate(spoken, start=1):
            recipe = _recipe(line, cast[line.who])
            found.append(WantedLine(f"{scene.id}-{number:02d}", scene, index, line, recipe))
    return tuple(found)


def _recipe(line: Line, voice: VoiceSettings) -> dict[str, Any]:
    """What a line's sound hangs on."""
    from flows.studio.reading import is_russian

    recipe = {
        "kind": "voice",
        "text": line.line,
        "parenthetical": line.parenthetical,
        "voice": voice.recipe,
    }
    if voice.speaker == "kokoro" and is_russian(line.line):
        recipe["language"] = "ru"  # without the extra it would be a murmur
    return recipe
