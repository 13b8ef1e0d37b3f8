"""The facts of film models: what each can film, what it takes, in which words, under which licence.

Writers, `check`, `plan`, the cut and the credits ask these facts, and never decide by a model's name. They
are known without torch and without a weight.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

DEFAULT_MODEL = "toon"  # films where no model is named; its weights come with the package
Speed = Literal["exact", "fast"]
DialectName = Literal["toon", "short", "prose"]  # TOON's own words; short plain English; sentences in full

# The frames of a clip that a model films from: none, the first, the last, both of them, any.
Pictures = Literal["none", "first", "last", "both", "any"]


def is_for_sale(licence: str) -> bool:
    """Whether films by weights under this licence may be sold: not under a Creative Commons NC licence."""
    return "NC" not in licence.upper().split("-")


def takes_first_frame(pictures: Sequence[Pictures]) -> bool:
    """Whether a model with these sets of frames films from a first frame alone."""
    return "first" in pictures or "any" in pictures


def needs_pictures(pictures: Sequence[Pictures]) -> bool:
    """Whether a model with these sets of frames films nothing without a picture."""
    return "none" not in pictures


@dataclass(frozen=True)
class Sampling:
    """The steps that a model takes by itself at one speed, and the sampler that takes them.

    No sampler is named of a model that has one of its own.
    """

    num_steps: int
    sampler: str | None = None


@dataclass(frozen=True)
class ModelFacts:
    """The abilities of a film model, and its own choices where nothing else is asked for."""

    source: str  # what `open_model` takes
    name: str  # in recipes and manifests
    licence: str
    sizes: Mapping[str, tuple[int, int]]  # (height, width) in pixels by aspect, its first choice first
    size_step: int  # height and width are multiples of it
    num_frames: int  # that it is trained for; longer clips are filmed in windows of so many
    fps: int
    speed: Speed
    sampling: Mapping[Speed, Sampling]
    guidance_scale: float | None  # None: the model has its own inside
    motion_guidance: float
    negative_prompt: str
    title: str = ""  # for people; the name if left out
    about: str = ""  # in a few words, for people
    dialect: DialectName = "short"  # that its prompts are written in
    prompt_tokens: int | None = None  # of a prompt, by its own tokenizer; what follows is not seen
    directed: bool = False  # a prompt may say what everybody does in each frame: the camera can act
    direction_guidance: float = 0.0  # how much what people do counts; 0 is off
    is_drawn: bool = False  # flat colours and outlines, which are enlarged otherwise than photographs
    has_one_size: bool = False  # for each aspect: another cannot be filmed
    frame_step: int = 1  # a clip has a multiple of it and one more frames
    pictures: tuple[Pictures, ...] = ("none", "any")  # each a set of frames that it films from
    references: int = 0  # pictures at most of who and what is to be seen, wherever it appears
    has_seed: bool = True
    has_negative_prompt: bool = True
    takes_film: bool = True  # may begin from a film instead of noise
    small_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # of quicker films, by aspect
    price_usd: float | None = None  # a second of film; None: it films on this machine and costs nothing
    territory: str = ""  # where the licence does not hold, in a line for people
    revision: str | None = None  # the commit on the hub, known once the model is open

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name)

    @property
    def is_default(self) -> bool:
        """Whether it is the default model, also one trained from it."""
        return self.name == DEFAULT_MODEL

    @property
    def is_for_sale(self) -> bool:
        """Whether its films may be sold."""
        return is_for_sale(self.licence)

    @property
    def default_size(self) -> tuple[int, int]:
        """(height, width) in pixels where no size and no aspect is asked for."""
        return next(iter(self.sizes.values()))

    def size_of(self, aspect: str) -> tuple[int, int]:
        """(height, width) in pixels for a picture of this aspect: its own, else square for an upright one."""
        square = self.sizes.get("1:1") if aspect != "16:9" else None
        return self.sizes.get(aspect) or square or self.default_size

    @property
    def takes_first_frame(self) -> bool:
        """Whether it films from a given first frame alone."""
        return takes_first_frame(self.pictures)

    @property
    def needs_pictures(self) -> bool:
        """Whether it films nothing without a picture."""
        return needs_pictures(self.pictures)

    def takes_frames(self, numbers: Collection[int], num_frames: int) -> bool:
        """Whether it films with exactly these frames given, of a clip of `num_frames`; -1 is the last."""
        return frames_named(numbers, num_frames) in self.pictures or "any" in self.pictures


def frames_named(numbers: Collection[int], num_frames: int) -> Pictures:
    """The set of frames that these numbers are; "any" for others than first and last."""
    ends = {number % num_frames for number in numbers}
    names: dict[frozenset[int], Pictures] = {
        frozenset(): "none",
        frozenset({0}): "first",
        frozenset({num_frames - 1}): "last",
        frozenset({0, num_frames - 1}): "both",
    }
    return names.get(frozenset(ends), "any")
