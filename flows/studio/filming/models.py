"""The one door to film models: their facts, and models opened to film with.

A film model is named by its source: "toon", which comes with Cold Open, a folder, a weight file, or a hub id.
`describe_model` reads its facts, without torch and without its weights; `open_model` loads it. Everybody else
asks these two what a model can do, and never decides by its name. Today's models are those of `t2v`, which
film on this machine; adapters for other networks and for hosted ones give the same facts and `FilmModel`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypedDict, Unpack

import t2v
from flows.studio.errors import StudioError
from flows.studio.filming.vocabulary import DialectName
from t2v.configs import fast_settings, small_sizes

if TYPE_CHECKING:
    import numpy as np

    from t2v import TextToVideo

DEFAULT_MODEL = "toon"  # films where no model is named; its weights come with the package
Loras = Sequence[tuple[str, float]]  # (file, weight) pairs, merged into the model
Speed = Literal["exact", "fast"]
Pictures = Literal["none", "first", "any"]
Preview = Callable[[], "np.ndarray"]  # draws uint8 (h, w, 3), small, of what there is after a step
OnStep = Callable[[int, int, Preview | None], None]  # step from 1, number of steps, preview if there is one


class ModelError(StudioError):
    """A film model is missing or broken, or cannot film with these settings (exit code 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=2)


class RenderError(StudioError):
    """The model's frames are no picture; another attempt may give one."""


# ------------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True)
class Traits:
    """Facts that are not in a model's weights: name for people, dialect of prompts, kind of picture."""

    title: str
    about: str = ""
    dialect: DialectName = "short"
    is_drawn: bool = False  # flat colours and outlines, which are enlarged otherwise than photographs


_TRAITS = {DEFAULT_MODEL: Traits("TOON", "our own small cartoon model", dialect="toon", is_drawn=True)}


def traits_of(name: str) -> Traits:
    """The traits of a film model by its name in recipes and manifests."""
    return _TRAITS.get(name, Traits(title=name))


def is_for_sale(licence: str) -> bool:
    """Whether films by weights under this licence may be sold: not under a Creative Commons NC licence."""
    return "NC" not in licence.upper().split("-")


@dataclass(frozen=True)
class Sampling:
    """The steps that a model takes by itself at one speed, and the sampler that takes them."""

    num_steps: int
    sampler: str


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
    guidance_scale: float
    motion_guidance: float
    negative_prompt: str
    frame_step: int = 1  # a clip has a multiple of it and one more frames
    pictures: Pictures = "any"  # frames that may be given: the first one, or any
    has_seed: bool = True
    has_negative_prompt: bool = True
    takes_film: bool = True  # may begin from a film instead of noise
    small_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # of quicker films, by aspect
    price_usd: float | None = None  # a second of film; None: it films on this machine and costs nothing
    revision: str | None = None  # the commit on the hub, known once the model is open

    @property
    def traits(self) -> Traits:
        """Title, dialect and kind of picture."""
        return traits_of(self.name)

    @property
    def title(self) -> str:
        """The model's name in credits and messages."""
        return self.traits.title

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


def describe_model(source: str, *, loras: Loras = ()) -> ModelFacts:
    """The facts of a film model, with these LoRAs, from its settings; no weight is read.

    A hub id is fetched if it is not on this machine yet. Raises ModelError.
    """
    with errors_of_t2v():
        return _facts_of(source, t2v.preset(source, loras=loras))


def fingerprint(source: str, *, loras: Loras = ()) -> str:
    """16 hexadecimal digits that change with the model's weights and its LoRAs. Raises ModelError."""
    with errors_of_t2v():
        return t2v.fingerprint(source, loras=loras)


def is_on_hub(source: str) -> bool:
    """Whether a source is a hub id and no file or folder, so that asking for it may fetch it."""
    if source == DEFAULT_MODEL:
        return False
    from t2v.checkpoints.hub import is_hub_id  # needs an HTTP client

    return not Path(source).expanduser().exists() and is_hub_id(source)


def resolve_source(source: str, folder: Path | None = None) -> str:
    """The absolute path of a source that is a file or folder, here or in `folder`; else the source itself."""
    if source == DEFAULT_MODEL:
        return source
    path = Path(source).expanduser()
    candidates = [path, *([folder / path] if folder else [])]
    existing = next((candidate for candidate in candidates if candidate.exists()), None)
    return source if existing is None else str(existing.resolve())


def _facts_of(source: str, preset: t2v.Preset) -> ModelFacts:
    exact, quick = Sampling(preset.num_steps, preset.sampler), fast_settings(preset)
    return ModelFacts(
        source=source,
        name=preset.name,
        licence=preset.licence,
        sizes=preset.sizes,
        small_sizes=small_sizes(preset),
        size_step=preset.autoencoder.factor,
        num_frames=preset.num_frames,
        fps=preset.fps,
        speed=preset.speed,
        sampling={
            "exact": exact,
            "fast": Sampling(quick.get("num_steps", exact.num_steps), quick.get("sampler", exact.sampler)),
        },
        guidance_scale=preset.guidance_scale,
        motion_guidance=preset.motion_guidance,
        negative_prompt=preset.negative_prompt,
    )


# ------------------------------------------------------------------------------------------- open models


class GenerateSettings(TypedDict, total=False):
    """The settings of a clip beside prompt and seed; those left out or None are the model's own."""

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
        self, prompt: str, *, seed: int, on_step: OnStep | None = None, **settings: Unpack[GenerateSettings]
    ) -> Video:
        """Films a prompt. What `on_step` raises ends the filming and is raised from here.

        Raises ModelError for settings that it cannot film with, RenderError for frames that are no picture.
        """

    def close(self) -> None:
        """Frees its memory; it cannot film afterwards."""


def open_model(
    source: str, *, loras: Loras = (), memory: str = "auto", device: str | None = None
) -> FilmModel:
    """Loads a film model. `memory` is "auto" or a budget such as "8GB"; no device means the best there is.

    Raises ModelError for a model that is missing or broken, or a device that this machine has not.
    """
    with errors_of_t2v():
        return LocalModel(source, t2v.load(source, loras=loras, device=device, memory=memory))


class LocalModel:
    """A model of `t2v` as a `FilmModel`."""

    def __init__(self, source: str, model: TextToVideo) -> None:
        assert model.origin is not None
        self._model: TextToVideo | None = model
        self._colours: np.ndarray | None = None
        facts = _facts_of(source, model.preset)
        self.facts = replace(facts, licence=model.origin.licence, revision=model.origin.revision)
        self.device = str(model.device)

    def generate(
        self, prompt: str, *, seed: int, on_step: OnStep | None = None, **settings: Unpack[GenerateSettings]
    ) -> Video:
        """Films a prompt; see `FilmModel.generate`."""
        model = self._open_model()

        def callback(step: int, num_steps: int, latents: Any) -> None:
            if on_step is not None:
                on_step(step, num_steps, lambda: self._preview(latents))

        with errors_of_t2v():
            return model.generate(prompt, seed=seed, callback=callback, **settings)

    def close(self) -> None:
        """Frees the networks' memory."""
        if self._model is not None:
            self._model.close()
        self._model = None

    def _open_model(self) -> TextToVideo:
        if self._model is None:
            raise RuntimeError(f"{self.facts.source}: this film model is closed")
        return self._model

    def _preview(self, latents: Any) -> np.ndarray:
        from t2v.sampling.preview import latent_colours, preview_frame  # needs torch

        if self._colours is None:
            self._colours = latent_colours(self._open_model().autoencoder)
        return preview_frame(latents, self._colours)


class LoadedModels:
    """Keeps the last film model open, so that many clips are filmed with one loading. Close it at the end.

    At most one model is open at a time: another source or other LoRAs close the one before. Threads may share
    it as long as they film with the same model.
    """

    def __init__(self, device: str | None = None) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._key: tuple[object, ...] | None = None
        self._model: FilmModel | None = None

    def get(self, source: str, *, loras: Loras = (), memory: str = "auto") -> FilmModel:
        """The open model of these arguments of `open_model`. Raises ModelError."""
        key = (source, tuple(loras), memory)
        with self._lock:
            if self._model is None or self._key != key:
                self._close()
                self._model = open_model(source, loras=loras, memory=memory, device=self._device)
                self._key = key
            return self._model

    def close(self) -> None:
        """Closes the open model, if there is one."""
        with self._lock:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _close(self) -> None:
        if self._model is not None:
            self._model.close()
            self._model = self._key = None


# ------------------------------------------------------------------------------------ errors and warnings


@contextmanager
def errors_of_t2v() -> Iterator[None]:
    """Raises errors of `t2v` as the studio's own, with the same message."""
    try:
        yield
    except t2v.RenderError as error:
        raise RenderError(str(error)) from error
    except (t2v.CheckpointError, t2v.SettingsError) as error:
        raise ModelError(str(error)) from error
    except t2v.T2VError as error:
        raise StudioError(str(error)) from error


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collects, until its block ends, the messages of warnings that a film model has for people."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    messages += [
        str(warning.message)
        for warning in caught
        if issubclass(warning.category, RuntimeWarning | t2v.PrecisionWarning)
    ]
