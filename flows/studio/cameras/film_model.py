"""What an open film model is: a prompt and settings go in, frames come out; and its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from flows.studio.cameras.facts import ModelFacts, Speed
from flows.studio.errors import StudioError

if TYPE_CHECKING:
    import numpy as np

Preview = Callable[[], "np.ndarray"]  # draws uint8 (h, w, 3), small, of what there is after a step
OnStep = Callable[[int, int, Preview | None], None]  # step from 1, number of steps, preview if there is one


class ModelError(StudioError):
    """A film model is missing or broken, or cannot film with these settings (exit code 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)


class RenderError(StudioError):
    """The model's frames are no picture; another attempt may give one."""


class SamplingSettings(TypedDict, total=False):
    """How a clip is sampled, and from which frames; what is left out or None is the model's own."""

    negative_prompt: str | None
    num_frames: int | None
    height: int | None  # pixels
    width: int | None
    num_steps: int | None
    guidance_scale: float | None
    motion_guidance: float | None
    sampler: str | None
    eta: float
    speed: Speed | None
    init_frames: np.ndarray | None  # uint8 (f, h, w, 3) to begin from
    strength: float | None  # 0 keeps init_frames, 1 keeps nothing of them
    hold: Mapping[int, np.ndarray] | None  # uint8 (h, w, 3) by frame number; -1 is the last frame
    loop: bool


class GenerateSettings(SamplingSettings, total=False):
    """The settings of a clip beside prompt and seed; those left out or None are the model's own."""

    frame_prompts: Sequence[str] | None  # one a frame in the prompt's place, of a model that is directed


class Video(Protocol):
    """A filmed clip."""

    @property
    def frames(self) -> np.ndarray:
        """uint8 (f, h, w, 3) RGB."""

    @property
    def fps(self) -> int:
        """Frames a second."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting with the value that counted, by its name in `GenerateSettings`."""


class FilmModel(Protocol):
    """An open film model. Whoever opens it closes it."""

    @property
    def facts(self) -> ModelFacts:
        """What it can do."""

    @property
    def device(self) -> str:
        """Where it films, for the clip's note: cpu, cuda:0, or a host."""

    def generate(
        self,
        prompt: str,
        *,
        seed: int,
        references: Sequence[np.ndarray] = (),
        on_step: OnStep | None = None,
        **settings: Unpack[GenerateSettings],
    ) -> Video:
        """Films a prompt. What `on_step` raises ends the filming and is raised from here.

        `references` are pictures of who and what is to be seen, uint8 (h, w, 3), of any size.

        Raises ModelError for settings that it cannot film with, RenderError for frames that are no picture.
        """

    def close(self) -> None:
        """Frees its memory; it cannot film afterwards."""
