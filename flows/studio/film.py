"""What an episode is filmed with: model, size, steps; and the size of the finished picture. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import t2v
from flows.studio.errors import StudioError
from scripts_llm.screenplay import Premise

FILM_MODEL = "toon"
PICTURE_SIZES = {"16:9": (1280, 720), "1:1": (720, 720), "9:16": (720, 1280)}  # width, height


@dataclass(frozen=True)
class FilmSettings:
    """Everything but prompt and seed that decides what a clip looks like."""

    model: str
    weights: str
    height: int
    width: int
    num_frames: int
    num_steps: int
    guidance_scale: float
    negative_prompt: str
    sampler: str = "ddim"


def film_settings(premise: Premise, *, num_steps: int | None = None) -> FilmSettings:
    """The settings that a premise asks for; `num_steps` counts where it says nothing."""
    preset, video = t2v.TOON, premise.video
    height, width = preset.sizes["16:9" if premise.format.aspect == "16:9" else "1:1"]
    return FilmSettings(
        model=FILM_MODEL,
        weights=t2v.fingerprint(FILM_MODEL),
        height=height,
        width=width,
        num_frames=video.frames or preset.num_frames,
        num_steps=video.steps or num_steps or preset.num_steps,
        guidance_scale=preset.guidance_scale if video.guidance is None else video.guidance,
        negative_prompt=premise.style.negative or preset.negative_prompt,
    )


def size_of_lines(aspect: str, lines: int) -> tuple[int, int]:
    """Width and height of a shape whose shorter side has so many pixels, both even."""
    wide, high = (int(number) for number in aspect.split(":"))
    scale = lines / min(wide, high)
    return 2 * round(wide * scale / 2), 2 * round(high * scale / 2)


def picture_size(premise: Premise) -> tuple[int, int]:
    """Width and height of the finished picture."""
    aspect = premise.format.aspect
    if premise.format.size is None:
        return PICTURE_SIZES[aspect]
    width, height = (int(side) for side in premise.format.size.split("x"))
    wide, high = (int(number) for number in aspect.split(":"))
    if abs(width * high - height * wide) > 2 * wide * high:
        usual = "{}x{}".format(*PICTURE_SIZES[aspect])
        raise StudioError(
            f"format: size: wanted a picture in the shape {aspect}, got {premise.format.size}, "
            f"try {usual}, or aspect: another one of {', '.join(PICTURE_SIZES)}",
            code=2,
        )
    return width, height


def parse_size(text: str, *, where: str) -> tuple[int, int]:
    """Height and width of "256x144", which is said the other way round. Raises StudioError."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise StudioError(f"{where}: wanted width and height like 256x256, got {text!r}", code=2)
    return int(height), int(width)


def parse_lora(text: str) -> tuple[str, float]:
    """File and weight of "FILE" or "FILE:0.7"; without a weight it is 1."""
    file, colon, weight = text.rpartition(":")
    try:
        return (file, float(weight)) if colon and file else (text, 1.0)
    except ValueError:
        return text, 1.0  # a colon of the path's own
