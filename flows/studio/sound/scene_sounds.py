"""The sound effects of a script, found and measured."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from flows.studio.media import audio, user_files
from flows.studio.sound import foley
from flows.studio.timeline.pacing import SceneSound
from scripts_llm.screenplay.script import Scene, Script, SoundEffect, filmed_scenes


def scene_sounds(script: Script, *, places: Sequence[Path] = ()) -> dict[str, tuple[SceneSound, ...]]:
    """The sounds of each scene that has some, by its id.

    Raises:
        StudioError: a file is in none of the `places`, or is silent.
    """
    return {
        str(scene.id): tuple(_sound(effect, scene, places) for effect in scene.sfx)
        for scene in filmed_scenes(script)
        if scene.sfx
    }


def _sound(effect: SoundEffect, scene: Scene, places: Sequence[Path]) -> SceneSound:
    if effect.file is None:
        name = str(effect.name)
        return SceneSound(name, foley.effect_samples(name), effect.at)
    path = user_files.locate(effect.file, places, where=f"{scene.id}: sfx")
    digest = audio.sound_hash(path)
    folded = "-folded" if digest.endswith("-folded") else ""
    return SceneSound(f"{path.name}-{digest[:8]}{folded}", _length(path, digest), effect.at, path)


@functools.lru_cache(maxsize=256)
def _length(path: Path, digest: str) -> int:
    """Samples of a file of that content."""
    return len(audio.read_effect(path))
