"""The sound effects that a script asks for: found, counted, ready to be laid."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from flows.studio import foley, own_files, sound
from flows.studio.pacing import SceneSound
from flows.studio.wanted import scenes
from scripts_llm.screenplay import Scene, Script
from scripts_llm.sound_effects import SoundEffect


def scene_sounds(script: Script, *, places: Sequence[Path] = ()) -> dict[str, tuple[SceneSound, ...]]:
    """The sounds of each scene that has some, by its id.

    Raises StudioError for a file that is in none of the `places`, or is no sound.
    """
    return {
        str(scene.id): tuple(_sound(effect, scene, places) for effect in scene.sfx)
        for scene in scenes(script)
        if scene.sfx
    }


def _sound(effect: SoundEffect, scene: Scene, places: Sequence[Path]) -> SceneSound:
    if effect.file is None:
        name = str(effect.name)
        return SceneSound(name, len(foley.effect(name)), effect.at)
    path = own_files.locate(effect.file, places, where=f"{scene.id}: sfx")
    digest = own_files.content_hash(path)
    return SceneSound(f"{path.name}-{digest[:8]}", _length(path, digest), effect.at, path)


@functools.lru_cache(maxsize=256)
def _length(path: Path, digest: str) -> int:
    """Samples of a file of that content."""
    return len(sound.read_effect(path))
