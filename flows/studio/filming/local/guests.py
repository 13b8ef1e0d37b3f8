"""Film models of diffusers as a `FilmModel`: their facts, and guests of `t2v` opened to film with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from flows.studio.cameras.facts import ModelFacts, Sampling
from flows.studio.cameras.film_model import GenerateSettings, ModelError, OnStep, Video
from flows.studio.filming.local.t2v_errors import errors_of_t2v
from t2v.guests import folder, placing
from t2v.guests.families import NEGATIVE

if TYPE_CHECKING:
    import numpy as np

    from t2v.guests.guest import Guest, GuestSettings

is_guest, fingerprint, count_tokens = folder.is_guest, folder.fingerprint, folder.count_tokens

# Settings that t2v's own models alone have: a guest wants them left out, or off.
_OWN = ("sampler", "eta", "speed", "motion_guidance", "init_frames", "strength", "loop")


def facts_of(source: str) -> ModelFacts:
    """The facts of a guest, from its settings alone, or from a table before it is fetched."""
    preset = folder.preset(source)
    family = preset.family
    own = Sampling(family.num_steps)
    return ModelFacts(
        source=source,
        name=preset.name,
        title=preset.title,
        about="",
        licence=preset.licence.name,
        territory=preset.licence.terms,
        sizes=preset.sizes,
        size_step=preset.size_step,
        has_one_size=preset.has_one_size,
        num_frames=family.num_frames,
        frame_step=family.frame_step,
        fps=family.fps,
        speed="exact",
        sampling={"exact": own},
        guidance_scale=family.guidance_scale,
        motion_guidance=0.0,
        negative_prompt=NEGATIVE,
        dialect="prose",
        prompt_tokens=family.tokens,
        pictures=family.pictures,
        references=family.references,
        takes_film=False,
    )


def describe_memory(source: str, memory: str) -> str:
    """What a guest will need, in a line: gigabytes to fetch, and how it is placed in what is free."""
    preset = folder.preset(source)
    card = placing.free_card_gb() if memory == "auto" else float(memory.lower().removesuffix("gb"))
    chosen = placing.plan(preset, card_gb=card, memory_gb=placing.free_memory_gb())
    fetched = "" if preset.is_here else f"about {preset.gigabytes:.0f} GB to fetch first, "
    needs = f", about {chosen.needs_gb:.0f} GB of it" if chosen.needs_gb else ""
    return f"{preset.title}: {fetched}{preset.gigabytes:.0f} GB of weights, {chosen.words}{needs}"


def open_guest(source: str, *, memory: str, device: str | None) -> GuestModel:
    """Loads a guest; what is missing of a hub's is fetched. Raises errors of `t2v`."""
    from t2v.guests import guest  # torch, diffusers

    return GuestModel(source, guest.load(source, device=device, memory=memory))


class GuestModel:
    """A guest of `t2v` as a `FilmModel`."""

    def __init__(self, source: str, guest: Guest) -> None:
        self._guest = guest
        self.facts = replace(facts_of(source), revision=guest.revision)
        self.device = str(guest.device)

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
        given: dict[str, Any] = dict(settings)
        for name in _OWN:
            if given.pop(name, None) not in (None, False, 0.0, "exact"):
                raise ModelError(f"{self.facts.title} has no {name.replace('_', ' ')}; leave it out")
        wanted: GuestSettings = {**given, "references": references}  # type: ignore[typeddict-item]
        if on_step is not None:
            wanted["callback"] = lambda step, num_steps: on_step(step, num_steps, None)
        with errors_of_t2v():
            return self._guest.generate(prompt, seed=seed, **wanted)

    def close(self) -> None:
        """Frees the networks' memory."""
        self._guest.close()
