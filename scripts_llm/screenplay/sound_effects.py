"""What is heard of a scene besides voices and music, as a script writes it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scripts_llm.screenplay.fields import Model

SoundName = Literal["door", "knock", "phone", "splash", "bell", "bleep"]
SOUNDS = ("wav", "mp3")


class SoundEffect(Model):
    """A sound laid over a scene, by name or out of a file: `{name: door, at: end}`, `{file: slam.wav}`."""

    name: SoundName | None = Field(default=None, description="one that the program makes itself")
    file: str | None = Field(
        default=None,
        max_length=400,
        description="one of one's own (wav, mp3), named from the folder of the script or of the premise",
    )
    at: Literal["start", "end"] | Annotated[float, Field(ge=0, le=600)] = Field(
        default="start", description="`start`, `end` (over as the scene ends), or seconds into the scene"
    )

    @model_validator(mode="after")
    def _is_one_sound(self) -> Self:
        if (self.name is None) == (self.file is None):
            raise ValueError("either a name or a file, like {name: door} or {file: slam.wav}")
        if self.file is not None and not self.file.lower().endswith(SOUNDS):
            raise ValueError(f"a sound file ({', '.join(SOUNDS)})")
        return self
