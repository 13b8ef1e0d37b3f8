"""The lines of a script as artifacts: which are needed, and how one is spoken into a WAV file."""

from __future__ import annotations

import io
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.studio.acting.mouths import read_mouths
from flows.studio.media import user_files
from flows.studio.media.audio import read_mono, sound_hash
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import hibari
from flows.studio.voice.alignment import align_words
from flows.studio.voice.casting import cast_voices
from flows.studio.voice.phonemes import can_read_russian, needs_hibari
from flows.studio.voice.settings import Speaker, VoiceSettings
from flows.studio.voice.speak import read_recording, speak
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, filmed_scenes


@dataclass(frozen=True)
class PlannedLine:
    """A spoken line of the script. `index` counts the scene's dialogue; `file` is a recording of it."""

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
    """Each character's voice; `speaker` is the one that the episode was begun with."""
    return cast_voices(premise.characters, speaker=speaker, language=premise.language)


def plan_lines(
    script: Script,
    premise: Premise,
    *,
    speaker: Speaker = "embedded",
    folders: Sequence[Path] = (),
    stored: Collection[str] = (),
) -> tuple[PlannedLine, ...]:
    """Every spoken line in the script's order, in its character's voice or from the user's file.

    Files are looked for in `folders`. `stored` are the digests of lines that are there already: where hibari
    is missing those stay as they were spoken, and all others are murmured under a recipe of their own, so
    that they are spoken once hibari is back.

    Raises:
        StudioError: a file is in none of the folders.
    """
    voices = premise_voices(premise, speaker=speaker)
    planned = []
    for scene in filmed_scenes(script):
        spoken = [(index, line) for index, line in enumerate(scene.dialogue) if isinstance(line, Line)]
        for number, (index, line) in enumerate(spoken, start=1):
            label, file = f"{scene.id}-{number:02d}", None
            if line.file is None:
                recipe = _recipe(line, voices[line.who], stored)
            else:
                file = user_files.locate(line.file, folders, where=label)
                recipe = {"kind": "voice", "file": sound_hash(file), "version": 1}
            planned.append(PlannedLine(label, scene, index, line, recipe, file))
    return tuple(planned)


def hibari_fails(lines: Iterable[PlannedLine]) -> bool:
    """True if hibari is to read one of these lines and turns out to be broken: then they are planned again.

    A missing hibari is known without loading it, and `plan_lines` reckons with it; a broken one is not.
    """
    return any(_is_read_by_hibari(line) for line in lines) and not hibari.can_speak()


def speak_line(planned: PlannedLine, voice: VoiceSettings, folder: Path) -> Artifact:
    """The WAV file of a line in `folder`, spoken or copied from a recording: mono, 48 kHz, 24 bits.

    Its notes hold `num_samples`, `murmured`, `words` (from and to which sample each is heard), `mouths` (a
    digit for every eighth of a second, see `mouths`), `seconds` (that it took) and `who`.

    Raises:
        StudioError: the recording cannot be read; Kokoro is not there; a server does not answer.
    """
    begun = time.perf_counter()

    def write(path: Path) -> Mapping[str, Any]:
        import soundfile

        if planned.file is not None:
            user_files.store_copy(planned.file, folder.parent)
            speech = read_recording(planned.file, where=planned.label)
        else:
            speech = speak(planned.line.line, voice, parenthetical=planned.line.parenthetical)
        wav = io.BytesIO()  # Python writes the file: its errors name what is wrong with the disk
        soundfile.write(wav, speech.samples, SAMPLE_RATE, subtype="PCM_24", format="WAV")
        path.write_bytes(wav.getvalue())
        return {
            "num_samples": len(speech.samples),
            "murmured": speech.is_murmur,
            "words": align_words(speech.samples, planned.line.line),
            "mouths": read_mouths(speech.samples, speech.phones),
            "seconds": round(time.perf_counter() - begun, 3),
            "who": planned.line.who,
        }

    return artifacts.create(folder, planned.label, planned.recipe, ".wav", write=write)


def stored_mouths(voice: Artifact) -> str:
    """The mouths of a stored voice; of one without them in its notes by how loud it is."""
    if "mouths" in voice.notes:
        return str(voice.notes["mouths"])
    return read_mouths(read_mono(voice.path))


def _is_read_by_hibari(line: PlannedLine) -> bool:
    speaker = line.recipe.get("voice", {}).get("speaker", "embedded")
    by_network = line.file is None and speaker in ("embedded", "kokoro") and "language" not in line.recipe
    return by_network and needs_hibari(line.line.line)


def _recipe(line: Line, voice: VoiceSettings, stored: Collection[str]) -> dict[str, Any]:
    """Everything that the sound of a line depends on."""
    recipe = {
        "kind": "voice",
        "text": line.line,
        "parenthetical": line.parenthetical,
        "voice": voice.recipe,
    }
    if voice.speaker == "kokoro" and can_read_russian(line.line):
        recipe["language"] = "ru"  # without the extra it would be a murmur
    elif voice.speaker != "server" and needs_hibari(line.line) and hibari.missing():
        murmured = {**recipe, "voice": {**voice.recipe, "speaker": "murmur"}}
        return recipe if artifacts.digest(recipe) in stored else murmured
    return recipe
