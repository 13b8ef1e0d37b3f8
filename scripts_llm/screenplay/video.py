"""The `video:` part of a premise: the settings of the film model."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scripts_llm.screenplay.fields import Model

Fit = Literal["loop", "boomerang", "hold", "slow", "trim"]
Watermark = Literal["bug", "crop"]
Source = Annotated[str, Field(min_length=1, max_length=400)]  # a model's name, or a file's

_LORA_TAG = re.compile(r"<(?:lora|lyco):(?P<name>[^<>:]+)(?P<weight>:[-+.\d]+)?[^<>]*>", re.IGNORECASE)


def find_lora_tag(prompt: str) -> tuple[str, str] | None:
    """The first `<lora:ink:0.7>` of a prompt, as web UIs have it, and the same as `lora:` has it; or None.

    No film model reads it: to a text encoder its letters are words.
    """
    tag = _LORA_TAG.search(prompt)
    return None if tag is None else (tag[0], f"{tag['name'].strip()}.safetensors{tag['weight'] or ''}")


class Video(Model):
    """The film model's settings; what is left out is the model's own."""

    model: Source | None = Field(
        default=None,
        description="`toon`, the one in the package; or a folder (beside this file, too), a weight file or a "
        "hub id: see docs/models.md; `MODEL@URL`, `fal:MODEL`, `replicate:MODEL`: see docs/cameras.md",
    )
    camera: Source | None = Field(
        default=None,
        description="in place of `model`, where `approve` or `draft` stands beside it: the film model of the "
        "finished episode",
    )
    draft: Source | None = Field(
        default=None,
        description="the film model of `--draft` and of shots that wait for an approval; `toon` if left out",
    )
    approve: bool = Field(
        default=False,
        description="true: the camera films only shots with `approved: true`, the draft's model all others; "
        "see docs/cameras.md",
    )
    max_cost: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="US dollars that films by services may cost, an episode; a camera with a price films "
        "nothing without it, and nothing above it",
    )
    inputs: dict[str, str | int | float | bool] = Field(
        default={}, description="of a service's model, by its own names: `{resolution: 480p, duration: 8s}`"
    )
    size: str | None = Field(
        default=None,
        pattern=r"^(small|\d{1,4}x\d{1,4})$",
        description="of the film model's own frames, width and height: `256x256`; `small`: half the side, "
        "of a model that films two sizes; `format.size` is the finished picture's",
    )
    steps: int | None = Field(
        default=None, ge=1, le=1000, description="sampler steps: more is slower and cleaner"
    )
    guidance: float | None = Field(
        default=None, ge=0, le=50, description="how closely a shot follows its prompt"
    )
    frames: int | None = Field(default=None, ge=1, le=250, description="frames a shot")
    lora: tuple[str, ...] = Field(
        default=(),
        description="files that change the model's style: `[style.safetensors:0.7]`, weights after `:`",
    )
    memory: str | None = Field(
        default=None,
        pattern=r"^(auto|\d{1,4}(\.\d{1,3})? ?GB)$",
        description="what filming may take: `8GB`; `auto` is what the device has free",
    )
    speed: Literal["exact", "fast"] | None = Field(
        default=None, description="`fast`: fewer and cheaper steps"
    )
    takes: Literal["one", "auto"] | None = Field(
        default=None,
        description="`auto`, with TOON: a shot that shows another kind, colour or arms than it should is "
        "filmed again with another seed, at most 3 takes; `one` takes it back",
    )
    lips: Literal["on", "off"] | None = Field(
        default=None,
        description="of a film model that can act: `on` moves mouths with the voices, which are made first; "
        "`off` moves them as it likes",
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="of the film alone; else the episode's"
    )
    fit: Fit | None = Field(default=None, description="what happens when a shot is shorter than its lines")
    watermark: Watermark | None = Field(
        default=None,
        description="what hides a word that the film model writes across the lower middle: `bug` is the "
        "show's badge, `crop` enlarges by 1.12 and loses a fifth of the picture, a tenth at the bottom",
    )
    upscale: Source | None = Field(
        default=None,
        description="a network of your own that enlarges an episode's clips, .safetensors or .pth (beside "
        "this file, too), in place of those in the package: see docs/finishing.md",
    )
    smooth: bool = Field(
        default=False,
        description="true: frames between the frames of an episode's clips, 24 a second; never of TOON's "
        "drawings, which move in steps",
    )

    @model_validator(mode="after")
    def _has_one_camera(self) -> Self:
        if self.model is not None and self.camera is not None:
            raise ValueError("either model or camera: both name the film model of the episode")
        return self
