"""The booth: speaks one line and keeps the sound with its recipe."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.studio.media import user_files
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.alignment import align_words
from flows.studio.voice.casting import cast_voices
from flows.studio.voice.catalog import Speaker, VoiceSettings
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.files import content_hash
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, filmed_scenes


def speak_line(wanted: PlannedLine, voice: VoiceSettings, place: Path) -> Artifact:
    """The wav of a line, spoken or recorded by a person: mono, 48 kHz, 24 bits."""
    from flows.studio.voice.speak import recorded, speak

    begun = time.perf_counter()

    def write(path: Path) -> Mapping[str, Any]:
        import soundfile

        if wanted.file is not None:
            user_files.store_copy(wanted.file, place.parent)
            spoken = recorded(wanted.file, where=wanted.label)
        else:
            spoken = speak(wanted.line.line, voice, parenthetical=wanted.line.parenthetical)
        wav = io.BytesIO()  # the file is written by Python, which says what is wrong with the disk
        soundfile.write(wav, spoken.samples, SAMPLE_RATE, subtype="PCM_24", format="WAV")
        path.write_bytes(wav.getvalue())
        return {
            "num_samples": len(spoken.samples),
            "murmured": spoken.murmured,
            "words": align_words(spoken.samples, wanted.line.line),
            "seconds": round(time.perf_counter() - begun, 3),
            "who": wanted.line.who,
        }

    return artifacts.create(place, wanted.label, wanted.recipe, ".wav", write=write)


@dataclass(frozen=True)
class PlannedLine:
    """A spoken line of the script; `index` is its place in the scene's dialogue, `file` its own recording."""

    label: str
    scene: Scene
    index: int
    line: Line
    recipe: Mapping[str, Any]
    file: Path | None = None

    @property
    def digest(self) -> str:
        return artifacts.digest(self.recipe)


def premise_voices(premise: Premise, *, speaker: Speaker = "embedded") -> dict[str, VoiceSettings]:
    """The cast's voices; `speaker` is who the episode was begun with."""
    return cast_voices(premise.characters, speaker=speaker, language=premise.language)


def plan_lines(
    script: Script, premise: Premise, *, speaker: Speaker = "embedded", places: Sequence[Path] = ()
) -> tuple[PlannedLine, ...]:
    """Every spoken line in the script's order, each in its character's own voice or from its own file.

    Raises StudioError for a file that is in none of the `places`.
    """
    cast = premise_voices(premise, speaker=speaker)
    found = []
    for scene in filmed_scenes(script):
        spoken = [(index, line) for index, line in enumerate(scene.dialogue) if isinstance(line, Line)]
        for number, (index, line) in enumerate(spoken, start=1):
            label, file = f"{scene.id}-{number:02d}", None
            recipe = _recipe(line, cast[line.who])
            if line.file is not None:
                file = user_files.locate(line.file, places, where=label)
                recipe = {"kind": "voice", "file": content_hash(file), "version": 1}
            found.append(PlannedLine(label, scene, index, line, recipe, file))
    return tuple(found)


def _recipe(line: Line, voice: VoiceSettings) -> dict[str, Any]:
    """What a line's sound hangs on."""
    from flows.studio.voice.phonemes import is_russian

    recipe = {
        "kind": "voice",
        "text": line.line,
        "parenthetical": line.parenthetical,
        "voice": voice.recipe,
    }
    if voice.speaker == "kokoro" and is_russian(line.line):
        recipe["language"] = "ru"  # without the extra it would be a murmur
    return recipe
