"""The configurations of a text-to-video model's parts, as frozen dataclasses, and the presets. No torch.

Figures of MODELSCOPE: damo-vilab/text-to-video-ms-1.7b, `configuration.json` and the source that hard-codes
the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Prediction = Literal["eps", "v"]
Spacing = Literal["modelscope", "leading", "trailing", "karras", "lcm"]
Speed = Literal["exact", "fast"]
FAST_STEPS = 16  # of a fast clip at most


@dataclass(frozen=True)
class TextEncoderConfig:
    """An OpenCLIP text tower. `skipped_layers` of them are not run: 1 is the penultimate layer."""

    width: int = 1024
    heads: int = 16
    layers: int = 24
    context_length: int = 77
    vocabulary_size: int = 49_408
    skipped_layers: int = 1
    projection: bool = True  # the file has the matrix that CLIP projects with, which films never use
    vocabulary: str | None = None  # a table in t2v/weights that renumbers the tokenizer's tokens


@dataclass(frozen=True)
class UNetConfig:
    """UNet3D as ModelScope's `UNetSD` builds it; its `attention_levels` finest levels attend."""

    in_channels: int = 4
    out_channels: int = 4
    width: int = 320
    channel_multipliers: tuple[int, ...] = (1, 2, 4, 4)
    attention_levels: int = 3
    num_res_blocks: int = 2
    num_heads: int = 8  # of the first temporal transformer alone; the others have channels / head_dim
    head_dim: int = 64
    context_dim: int = 1024
    dropout: float = 0.1
    norm_groups: int = 32
    guidance_embed_dim: int | None = None  # w-embedding of a network distilled with its guidance inside
    temporal: bool = True  # False: the spatial layers alone, an image model under the same names
    outer_widths: tuple[int, ...] = ()  # of levels without attention around the others, from the inside out


@dataclass(frozen=True)
class AutoencoderConfig:
    """AutoencoderKL as in latent diffusion (Rombach et al. 2022)."""

    width: int = 128
    channel_multipliers: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    norm_groups: int = 32
    latent_channels: int = 4
    latent_scale: float = 0.18215  # encode multiplies, decode divides; callers never see it
    decoder_widths: tuple[int, ...] = ()  # of a slimmer decoder, one block a level, finest level first

    @property
    def factor(self) -> int:
        """Pixels a latent is wide and high."""
        return 2 ** (len(self.channel_multipliers) - 1)


@dataclass(frozen=True)
class ScheduleConfig:
    """Noise levels: betas whose square roots are evenly spaced."""

    num_timesteps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012
    zero_terminal_snr: bool = False  # Lin et al. 2023: the last timestep is noise alone
    shared_noise: float = 0.0  # share of the noise's variance that all frames have in common (Ge et al. 2023)


@dataclass(frozen=True)
class Preset:
    """A model's parts and its default settings. Sizes: (height, width) in pixels by aspect."""

    name: str
    text_encoder: TextEncoderConfig
    unet: UNetConfig
    autoencoder: AutoencoderConfig
    schedule: ScheduleConfig
    prediction: Prediction
    spacing: Spacing
    num_frames: int
    fps: int
    num_steps: int
    guidance_scale: float
    sampler: str = "ddim"
    speed: Speed = "exact"
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    negative_prompt: str = ""
    motion_guidance: float = 0.0  # scale of the guidance away from still frames
    direction_guidance: float = 0.0  # and of that away from the prompt in which nobody acts
    steadiness: float = 0.0  # latents whose deviation over the frames is no larger are held still
    outer_shift: float = 1.0  # of the timesteps towards noise, for each outer level that a size runs
    speaks_toon: bool = False  # prompts are translated to the words of the drawn world
    directed: bool = False  # prompts may say the poses of a frame (`t2v.toon.direction`)
    licence: str = ""

    def __post_init__(self) -> None:
        if self.schedule.zero_terminal_snr and self.prediction != "v":
            raise ValueError(
                f"{self.name}: with zero terminal SNR wanted prediction 'v', got {self.prediction!r}"
            )


def small_sizes(preset: Preset) -> dict[str, tuple[int, int]]:
    """The sizes that a network films without its outermost level: half as high and wide.

    Empty where no outer level would be left.
    """
    if len(preset.unet.outer_widths) < 2:
        return {}
    return {aspect: (height // 2, width // 2) for aspect, (height, width) in preset.sizes.items()}


def num_outer_levels(preset: Preset, height: int, width: int) -> int:
    """How many outer levels a picture of a size in pixels runs.

    All of them at the preset's sizes; without the outermost one from half of the smallest area downwards,
    which is the middle, in octaves, between a size and its small one.
    """
    levels = len(preset.unet.outer_widths)
    smallest = min((h * w for h, w in preset.sizes.values()), default=0)
    return levels - 1 if levels > 1 and 2 * height * width <= smallest else levels


def timestep_shift(preset: Preset, height: int, width: int) -> float:
    """How far the timesteps of a size are moved towards noise; 1 is not at all.

    Twice the side averages noise away twice as well (Esser et al. 2024, section 5.3.2).
    """
    return preset.outer_shift ** num_outer_levels(preset, height, width)


def fast_settings(preset: Preset) -> dict[str, Any]:
    """The settings of `speed="fast"`, in place of the preset's own: fewer and cheaper evaluations.

    Three fifths of the preset's steps, at most 16, of second order; guidance and the deep features are
    computed in every second one. Empty for a network that was distilled to a few steps.
    """
    if preset.unet.guidance_embed_dim is not None:
        return {}
    return {
        "sampler": "dpmpp_2m",
        "spacing": "trailing",
        "num_steps": min(FAST_STEPS, math.ceil(0.6 * preset.num_steps)),
        "guidance_every": 2,
        "cache_every": 2,
    }


MODELSCOPE = Preset(
    name="modelscope",
    text_encoder=TextEncoderConfig(),
    unet=UNetConfig(),
    autoencoder=AutoencoderConfig(),
    schedule=ScheduleConfig(),
    prediction="eps",
    spacing="modelscope",
    num_frames=16,
    fps=8,
    num_steps=50,
    guidance_scale=9.0,
    sizes={"1:1": (256, 256)},
    licence="CC-BY-NC-4.0",
)

TOON_112 = Preset(  # the first TOON; the autoencoder learns at its sizes
    name="toon",
    text_encoder=TextEncoderConfig(
        width=192,
        heads=6,
        layers=3,
        context_length=48,
        vocabulary_size=512,
        skipped_layers=0,
        vocabulary="toon_vocabulary.json",
    ),
    unet=UNetConfig(
        in_channels=8,
        out_channels=8,
        width=128,
        channel_multipliers=(1, 2),
        attention_levels=2,
        num_res_blocks=1,
        num_heads=4,
        head_dim=32,
        context_dim=192,
        dropout=0.0,
        norm_groups=8,
    ),
    autoencoder=AutoencoderConfig(
        width=32,
        channel_multipliers=(1, 2, 4, 4),
        num_res_blocks=1,
        norm_groups=4,  # 32 would leave one channel a group, and no picture its colours
        latent_channels=8,
        latent_scale=1.0,
    ),
    schedule=ScheduleConfig(zero_terminal_snr=True, shared_noise=0.75),
    prediction="v",
    spacing="trailing",
    num_frames=16,
    fps=8,
    num_steps=20,
    guidance_scale=2.5,
    motion_guidance=0.75,
    speed="fast",
    sizes={"16:9": (64, 112), "1:1": (80, 80)},
    steadiness=0.1,
    speaks_toon=True,
    licence="Apache-2.0, as Cold Open itself",
)

TOON = replace(  # a direction a frame, at twice the side
    TOON_112,
    text_encoder=replace(
        TOON_112.text_encoder, context_length=96, vocabulary="toon_directed_vocabulary.json"
    ),
    unet=replace(TOON_112.unet, outer_widths=(64,)),
    schedule=replace(TOON_112.schedule, shared_noise=0.95),
    sizes={"16:9": (128, 224), "1:1": (160, 160)},
    guidance_scale=4.0,
    motion_guidance=0.0,  # each frame is told its pose: nothing more was seen to move
    direction_guidance=2.0,
    steadiness=0.2,
    outer_shift=2.0,
    directed=True,
)
TOON_448 = replace(  # untrained yet: TOON inside one more level, at the drawn world's own size
    TOON,
    unet=replace(TOON.unet, outer_widths=(64, 32)),
    sizes={"16:9": (256, 448), "1:1": (320, 320)},
)
TOON_PRESETS = (TOON_112, TOON, TOON_448)  # by the number of outer levels
