"""The one door to film models: their facts, and models opened to film with.

A film model is named by its source: "toon", which comes with Cold Open, a folder, a weight file, a hub id, a
short name such as "wan2.2-5b".
`describe_model` reads its facts, without torch and without its weights; `open_model` loads it. Everybody else
asks these two what a model can do, and never decides by its name. Today's models are those of `t2v`, which
film on this machine; adapters for other networks and for hosted ones give the same facts and `FilmModel`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

import t2v
from flows.studio.cameras.facts import DEFAULT_MODEL, DialectName, ModelFacts, Sampling
from flows.studio.cameras.film_model import (
    FilmModel,
    GenerateSettings,
    ModelError,
    OnStep,
    SamplingSettings,
    Video,
)
from flows.studio.cameras.names import read_name, with_whole_path
from flows.studio.filming.local import guests
from flows.studio.filming.local.previews import PreviewTime
from flows.studio.filming.local.t2v_errors import errors_of_t2v
from flows.studio.hosted import camera as hosted_camera
from t2v.configs import fast_settings, small_sizes

if TYPE_CHECKING:
    import numpy as np

    from t2v import TextToVideo

Loras = Sequence[tuple[str, float]]  # (file, weight) pairs, merged into the model

# ------------------------------------------------------------------------------------------------- facts


def describe_model(source: str, *, loras: Loras = ()) -> ModelFacts:
    """The facts of a film model, with these LoRAs, from its settings; no weight is read.

    A hub id is fetched if it is not on this machine yet. Raises ModelError.
    """
    if not read_name(source).is_here:
        _refuse_loras(source, loras)
        return hosted_camera.describe(source)
    with errors_of_t2v():
        if guests.is_guest(source):
            _refuse_loras(source, loras)
            return guests.facts_of(source)
        return _facts_of(source, t2v.preset(source, loras=loras))


def fingerprint(source: str, *, loras: Loras = ()) -> str:
    """16 hexadecimal digits that change with the model's weights and its LoRAs; "" where nobody sees them.

    Raises ModelError.
    """
    if not read_name(source).is_here:
        return hosted_camera.fingerprint(source)
    with errors_of_t2v():
        if guests.is_guest(source):
            return guests.fingerprint(source)
        return t2v.fingerprint(source, loras=loras)


def known_facts(source: str) -> ModelFacts | None:
    """The facts of a film model; None of one whose facts are fetched first, and of one that is broken."""
    try:
        return None if is_on_hub(source) else describe_model(source)
    except ModelError:
        return None


def dialect_of(source: str) -> DialectName:
    """The dialect of a film model's prompts; short English of one that is not known before it is fetched."""
    facts = known_facts(source)
    return "short" if facts is None else facts.dialect


def count_tokens(source: str, text: str) -> int | None:
    """A prompt's length in the film model's own tokens; None where its tokenizer is not here."""
    return guests.count_tokens(source, text) if guests.is_guest(source) else None


def describe_memory(source: str, memory: str) -> str | None:
    """What filming will need of the machine, in a line; None of a model that fits any."""
    return guests.describe_memory(source, memory) if guests.is_guest(source) else None


def _refuse_loras(source: str, loras: Loras) -> None:
    if loras:
        raise ModelError(f"lora: {source} takes none here; leave it out")


def is_on_hub(source: str) -> bool:
    """Whether a source is a hub id whose facts are not known here, so that asking for them may fetch it."""
    if source == DEFAULT_MODEL or not read_name(source).is_here or guests.is_guest(source):
        return False
    from t2v.checkpoints.hub import is_hub_id  # needs an HTTP client

    return not Path(source).expanduser().exists() and is_hub_id(source)


def resolve_source(source: str, folder: Path | None = None) -> str:
    """The source with the absolute path of a file or folder that it names, here or in `folder`."""
    return source if source == DEFAULT_MODEL else str(with_whole_path(read_name(source), folder))


_TOON_FACTS: Mapping[str, Any] = {
    "title": "TOON",
    "about": "our own small cartoon model",
    "dialect": "toon",
    "is_drawn": True,
}


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
        directed=preset.directed,
        direction_guidance=preset.direction_guidance,
        **_TOON_FACTS if preset.speaks_toon else {},
    )


# ------------------------------------------------------------------------------------------- open models


def open_model(
    source: str, *, loras: Loras = (), memory: str = "auto", device: str | None = None
) -> FilmModel:
    """Loads a film model. `memory` is "auto" or a budget such as "8GB"; no device means the best there is.

    Raises ModelError for a model that is missing or broken, or a device that this machine has not.
    """
    if not read_name(source).is_here:
        _refuse_loras(source, loras)
        return hosted_camera.open_camera(source)
    with errors_of_t2v():
        if guests.is_guest(source):
            _refuse_loras(source, loras)
            return guests.open_guest(source, memory=memory, device=device)
        return LocalModel(source, t2v.load(source, loras=loras, device=device, memory=memory))


class LocalModel:
    """A model of `t2v` as a `FilmModel`."""

    def __init__(self, source: str, model: TextToVideo) -> None:
        assert model.origin is not None
        self._model: TextToVideo | None = model
        facts = _facts_of(source, model.preset)
        self.facts = replace(facts, licence=model.origin.licence, revision=model.origin.revision)
        self.device = str(model.device)

    def generate(
        self,
        prompt: str,
        *,
        seed: int,
        references: Sequence[np.ndarray] = (),
        on_step: OnStep | None = None,
        **settings: Unpack[GenerateSettings],
    ) -> Video:
        """Films a prompt; see `FilmModel.generate`."""
        model, time = self._open_model(), PreviewTime()
        if references:
            raise ModelError(f"{self.facts.title} takes no reference pictures, got {len(references)}")

        def callback(step: int, num_steps: int, clean: Any) -> None:
            if on_step is not None:
                on_step(
                    step,
                    num_steps,
                    time.offer(lambda: model.preview(clean), step=step, num_steps=num_steps),
                )

        frame_prompts = settings.pop("frame_prompts", None)
        sampling = cast("SamplingSettings", settings)
        text: str | dict[int, str] = prompt if frame_prompts is None else dict(enumerate(frame_prompts))
        with errors_of_t2v():
            return model.generate(text, seed=seed, callback=callback, **sampling)

    def close(self) -> None:
        """Frees the networks' memory."""
        if self._model is not None:
            self._model.close()
        self._model = None

    def _open_model(self) -> TextToVideo:
        if self._model is None:
            raise RuntimeError(f"{self.facts.source}: this film model is closed")
        return self._model


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
