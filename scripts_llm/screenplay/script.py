"""The script of an episode as frozen pydantic models: scenes with shots, lines, sounds and effects.

The `description` of a field is its entry in docs/script.md (docs/reference_pages.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from scripts_llm.screenplay.fields import (
    A_PICTURE,
    A_SOUND,
    MAX_SENTENCE,
    NO_PICTURES,
    NO_SOUNDS,
    Id,
    Model,
    Name,
    PictureFile,
    Sentence,
    Text,
    check_file_type,
)
from scripts_llm.screenplay.premise import Character, Meme, Part
from scripts_llm.screenplay.video import Fit

Size = Literal["establishing", "medium", "close-up"]
LaughSize = Literal["small", "big", "aww", "ooh", "applause", "none"]
Transition = Literal["cut", "smash_cut", "fade", "dissolve"]
SoundName = Literal["door", "knock", "phone", "splash", "bell", "bleep"]
EffectName = Literal["zoom", "shake", "fade_in", "fade_out", "black_and_white", "mirror", "negative"]

MAX_TAKES = 99
PREVIOUS = "previous"  # in place of a shot's first picture
MAX_SCENES = 1000  # of a script; a writer is asked for at most premise.MAX_SCENES
MAX_LINE = 500  # characters
MAX_ACTION = 20_000  # characters: a screenplay has pages of action between two headings


Stage = Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]
"""A stage direction: `joe: arms out`."""


class Shot(Model):
    """One prompt, at most one model window of frames."""

    size: Size | None = Field(default=None, description="how much is seen")
    prompt: Text | None = Field(
        default=None, description="names of characters and settings are filled with their looks"
    )
    prompt_exact: Text | None = Field(default=None, description="word for word what the film model gets")
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="else it follows from the episode's")
    takes: int | None = Field(
        default=None, ge=1, le=MAX_TAKES, description="how many takes to film; each has a seed of its own"
    )
    pick: int | None = Field(
        default=None, ge=1, le=MAX_TAKES, description="which take is cut in; the first if left out"
    )
    approved: bool = Field(
        default=False,
        description="true: filmed by the camera of `video: {approve: true}`; `coldopen approve` sets it",
    )
    fit: Fit | None = Field(default=None, description="what happens when the shot is shorter than its lines")
    who: Id | None = Field(default=None, description="whose lines this shot is for")
    of: Name | None = Field(
        default=None, description="the thing that it shows, by its word in the lines: seen while one says it"
    )
    direct: dict[Annotated[int, Field(ge=0, lt=250)], Stage] | None = Field(
        default=None,
        description="what somebody does from a frame on, of a film model that can act: "
        '`{0: "joe: arms out", 8: "joe: falls over"}`, eight frames a second; see docs/acting.md',
    )
    first: PictureFile | None = Field(
        default=None,
        description="the picture that it begins with, named as `file` is; `previous`: the last frame of the "
        "shot before it in its scene",
    )
    file: str | None = Field(
        default=None,
        max_length=400,
        description="a clip (mp4, mov, webm, gif, …) or picture (png, jpg, webp, …) of one's own instead of "
        "filming, named from the folder of the script or of the premise; a picture gets a slow push-in",
    )

    @field_validator("file")
    @classmethod
    def _file_is_a_picture(cls, value: str | None) -> str | None:
        return check_file_type(value, NO_PICTURES, A_PICTURE)


class Line(Model):
    """One line of dialogue. The short form in YAML is `- joe: text`."""

    who: Id = Field(description="a key of the cast")
    line: Annotated[str, Field(min_length=1, max_length=MAX_LINE)] = Field(description="what is said")
    parenthetical: Name | None = Field(default=None, description="how it is said: `whispering`")
    pause_before: float | None = Field(default=None, ge=0, le=10, description="seconds")
    overlap: float | None = Field(default=None, ge=0, le=3, description="interrupts by so many seconds")
    hold: float | None = Field(default=None, gt=0, le=10, description="seconds of a still picture after it")
    laugh: LaughSize | None = Field(default=None, description="how the audience takes it")
    alternates: tuple[Annotated[str, Field(min_length=1, max_length=MAX_LINE)], ...] = Field(
        default=(), max_length=9, description="other words for it; `script --alternates s04` exchanges one"
    )
    off_screen: bool = Field(default=False, description="true: heard and not seen, no shot is written for it")
    file: str | None = Field(
        default=None,
        max_length=400,
        description="a recording (wav, mp3, m4a, …) of one's own instead of the voice, named from the folder "
        "of the script or of the premise",
    )

    @field_validator("file")
    @classmethod
    def _file_is_a_sound(cls, value: str | None) -> str | None:
        return check_file_type(value, NO_SOUNDS, A_SOUND)


class Beat(Model):
    """A silence. In YAML `- {beat: 0.8}`."""

    beat: float = Field(gt=0, le=10, description="seconds")
    laugh: LaughSize | None = Field(default=None, description="how the audience takes it")


def _kind(element: Any) -> str:
    """Whether an element of dialogue is meant as a line or a beat."""
    if isinstance(element, Line | Beat):
        return "line" if isinstance(element, Line) else "beat"
    return "beat" if isinstance(element, dict) and "beat" in element and "who" not in element else "line"


Element = Annotated[Annotated[Line, Tag("line")] | Annotated[Beat, Tag("beat")], Discriminator(_kind)]


class SoundEffect(Model):
    """A sound laid over a scene, by name or out of a file: `{name: door, at: end}`, `{file: slam.wav}`."""

    name: SoundName | None = Field(default=None, description="one that the program makes itself")
    file: str | None = Field(
        default=None,
        max_length=400,
        description="one of one's own (wav, mp3, …), named from the folder of the script or of the premise",
    )
    at: Literal["start", "end"] | Annotated[float, Field(ge=0, le=600)] = Field(
        default="start", description="`start`, `end` (over as the scene ends), or seconds into the scene"
    )

    @model_validator(mode="after")
    def _is_one_sound(self) -> Self:
        if (self.name is None) == (self.file is None):
            raise ValueError("either a name or a file, like {name: door} or {file: slam.wav}")
        check_file_type(self.file, NO_SOUNDS, A_SOUND)
        return self


Effect = EffectName | dict[EffectName, float]


def _check_effects(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """A validator: each effect has a name and at most one number. Raises ValueError."""
    for effect in effects:
        if isinstance(effect, dict) and (len(effect) != 1 or not 0 < next(iter(effect.values())) <= 60):
            raise ValueError("effects of one number each, like [{zoom: 1.15}, fade_in]")
    return effects


Effects = Annotated[tuple[Effect, ...], AfterValidator(_check_effects)]
"""A scene's effects, in the order in which they are applied."""


class Scene(Model):
    """One slugline and its elements: action, shots, dialogue."""

    id: Id | None = Field(
        default=None, description="stable: takes hang on it, never renumber; left out: written in"
    )
    part: Part | None = Field(default=None, description="of the episode")
    slugline: Sentence = Field(description="`INT. KITCHEN - NIGHT`")
    setting: Name | None = Field(
        default=None, description="a key of the premise's settings, or a set of the film model"
    )
    action: Annotated[str, Field(max_length=MAX_ACTION)] = Field(
        default="", description="what is seen, in the film model's words"
    )
    shots: tuple[Shot, ...] | None = Field(default=None, description="what is filmed; left out: written in")
    dialogue: tuple[Element, ...] = Field(default=(), description="lines and silences, in order")
    sfx: tuple[SoundEffect, ...] = Field(default=(), description="sounds laid over the scene")
    transition: Transition = Field(default="cut", description="how it begins")
    effects: Effects = Field(default=(), description="done to its picture: `[{zoom: 1.15}, fade_in, shake]`")
    duration: Literal["auto"] | Annotated[float, Field(gt=0, le=600)] = Field(
        default="auto", description="seconds; `auto` is as long as its lines"
    )
    skip: bool = Field(default=False, description="true: left out of the film")
    lock: bool = Field(default=False, description="true: never written again by the program")


class Script(Model):
    """An episode's list of scenes: written by a writer, edited by hand."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="the version of this file's keys")
    title: Name = Field(description="the episode's")
    logline: Sentence | None = Field(default=None, description="the episode in one sentence")
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1, max_length=MAX_SCENES)] = Field(
        description="in the order of the film; move, delete and add as you like"
    )
    meme: Meme | None = Field(default=None, description="of a meme: its picture and two texts")
    cast: dict[Id, Character] = Field(default={}, description="whom the writer invented")


def filmed_scenes(script: Script) -> tuple[Scene, ...]:
    """The scenes that are filmed: all but those with `skip: true`."""
    return tuple(scene for scene in script.scenes if not scene.skip)
