"""A voice as data: all that a line's sound depends on beside its text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Speaker = Literal["embedded", "kokoro", "server"]
"""Who speaks: hibari-tts, a dependency of this package; Kokoro, once pulled; or a server."""

EMBEDDED_HZ = 200.0  # the usual pitch of hibari's recorded speaker


@dataclass(frozen=True)
class Timbre:
    """How a voice sounds. The field names are part of every line's recipe."""

    pitch_hz: float = EMBEDDED_HZ
    formants: float = 1.0  # a factor: 1.2 moves every resonance a fifth up, a smaller person
    intonation: float = 1.0  # a factor of the melody's steps; 0 is monotone
    breath: float = 0.0  # 0 to 1, air beside the tone; 1 is a whisper
    growl: float = 0.0  # 0 to 1, the level of the octave below
    tremor: float = 0.0  # 0 to 1, an old voice's unsteady pitch


@dataclass(frozen=True)
class VoiceSettings:
    """A character's voice. The field names are part of every line's recipe."""

    name: str
    timbre: Timbre
    speed: float = 1.0
    effect: str = "none"  # none, phone, robot, ghost, crowd
    speaker: Speaker = "embedded"

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings as plain data; `speaker` is left out where it is the embedded one."""
        settings = dataclasses.asdict(self)
        if self.speaker == "embedded":
            del settings["speaker"]
        return settings
