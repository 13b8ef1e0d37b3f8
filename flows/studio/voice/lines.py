"""The booth: speaks one line and keeps the sound with its recipe."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.studio.filming.shots import WantedLine
from flows.studio.media import user_files
from flows.studio.timeline.model import SAMPLE_RATE
from flows.studio.voice.alignment import word_places
from flows.studio.voice.catalog import VoiceSettings
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artefact


def speak_line(wanted: WantedLine, voice: VoiceSettings, place: Path) -> Artefact:
    """The wav of a line, spoken or recorded by a person: mono, 48 kHz, 24 bits."""
    from flows.studio.voice.speak import recorded, speak

    begun = time.perf_counter()

    def by(path: Path) -> Mapping[str, Any]:
        import soundfile

        if wanted.file is not None:
            user_files.keep_copy(wanted.file, place.parent)
            spoken = recorded(wanted.file, where=wanted.label)
        else:
            spoken = speak(wanted.line.line, voice, parenthetical=wanted.line.parenthetical)
        wav = io.BytesIO()  # the file is written by Python, which says what is wrong with the disk
        soundfile.write(wav, spoken.samples, SAMPLE_RATE, subtype="PCM_24", format="WAV")
        path.write_bytes(wav.getvalue())
        return {
            "num_samples": len(spoken.samples),
            "murmured": spoken.murmured,
            "words": word_places(spoken.samples, wanted.line.line),
            "seconds": round(time.perf_counter() - begun, 3),
            "who": wanted.line.who,
        }

    return artifacts.make(place, wanted.label, wanted.recipe, ".wav", by=by)
