"""Text in, frames out.

model = t2v.load("toon")
video = model.generate("close-up shot, orange cat with hat talking, in the kitchen, night", seed=7)
video.frames    # uint8 (f, h, w, 3)
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack, overload

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from t2v.autoencoder import Autoencoder
from t2v.configs import Preset
from t2v.denoise import guided_denoiser
from t2v.errors import SettingsError
from t2v.samplers import Callback, sample_ddim
from t2v.schedule import noise_schedule, timesteps
from t2v.text_encoder import TextEncoder
from t2v.toon.words import understand
from t2v.unet import UNet3D

SAMPLERS = {"ddim": sample_ddim}


@dataclass(frozen=True)
class Video:
    """A filmed clip: uint8 (f, h, w, 3) RGB at the model's own size and rate, and what it was filmed with."""

    frames: np.ndarray
    fps: int
    settings: dict[str, Any] = field(default_factory=dict)


class Settings(TypedDict, total=False):
    """What `generate` takes beside prompt and seed."""

    negative_prompt: str | None
    num_frames: int | None
    height: int | None
    width: int | None
    num_steps: int | None
    guidance_scale: float | None
    sampler: str | None
    eta: float
    callback: Callback | None


@dataclass(frozen=True)
class Shoot:
    """All that one clip is filmed with, checked."""

    prompt: str
    negative_prompt: str
    num_frames: int
    height: int
    width: int
    num_steps: int
    guidance_scale: float
    sampler: str
    eta: float


class TextToVideo:
    """A loaded model: three networks and the preset that says how they are used."""

    def __init__(
        self,
        preset: Preset,
        text_encoder: TextEncoder,
        unet: UNet3D,
        autoencoder: Autoencoder,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.preset = preset
        self.device, self.dtype = device, dtype
        self.text_encoder = text_encoder.eval().requires_grad_(False).to(device)
        self.unet = unet.eval().requires_grad_(False).to(device)
        self.autoencoder = autoencoder.eval().requires_grad_(False).to(device)
        self.schedule = noise_schedule(preset.schedule)

    @overload
    def generate(self, prompt: str, *, seed: int = 0, **settings: Unpack[Settings]) -> Video: ...
    @overload
    def generate(self, prompt: str, *, seed: Sequence[int], **settings: Unpack[Settings]) -> list[Video]: ...
    def generate(
        self,
        prompt: str,
        *,
        negative_prompt: str | None = None,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_steps: int | None = None,
        guidance_scale: float | None = None,
        sampler: str | None = None,
        seed: int | Sequence[int] = 0,
        eta: float = 0.0,
        callback: Callback | None = None,
    ) -> Video | list[Video]:
        """Film a prompt; None means the preset's own value, and a list of seeds gives a list of Videos.

        The noise is drawn on the CPU in fp32 from `seed`, whatever the device.
        `callback(step, num_steps, latents)` is called after every step. Raises SettingsError.
        """
        preset = self.preset
        default_height, default_width = next(iter(preset.sizes.values()))
        shoot = Shoot(
            prompt=prompt,
            negative_prompt=preset.negative_prompt if negative_prompt is None else negative_prompt,
            num_frames=preset.num_frames if num_frames is None else num_frames,
            height=default_height if height is None else height,
            width=default_width if width is None else width,
            num_steps=preset.num_steps if num_steps is None else num_steps,
            guidance_scale=preset.guidance_scale if guidance_scale is None else guidance_scale,
            sampler="ddim" if sampler is None else sampler,
            eta=eta,
        )
        seeds = list(seed) if isinstance(seed, Sequence) else [seed]
        check(shoot, seeds, preset)
        videos = [self._film(shoot, s, callback) for s in seeds]
        return videos if isinstance(seed, Sequence) else videos[0]

    @torch.inference_mode()
    def _film(self, shoot: Shoot, seed: int, callback: Callback | None) -> Video:
        generator = torch.Generator().manual_seed(seed)
        factor, channels = self.preset.autoencoder.factor, self.preset.autoencoder.latent_channels
        shape = (1, channels, shoot.num_frames, shoot.height // factor, shoot.width // factor)
        noise = torch.randn(shape, generator=generator, dtype=torch.float32)
        with self._precision():
            text = self.text_encoder([in_model_words(shoot.prompt, self.preset)])
            negative = self.text_encoder([shoot.negative_prompt])
        denoise = guided_denoiser(
            self._network,
            self.schedule,
            self.preset.prediction,
            text=text,
            negative=negative,
            guidance_scale=shoot.guidance_scale,
        )
        latents = SAMPLERS[shoot.sampler](
            denoise,
            noise.to(self.device),
            self.schedule,
            timesteps(shoot.num_steps, self.schedule, self.preset.spacing),
            eta=shoot.eta,
            generator=generator,
            callback=callback,
        )
        with self._precision():
            decoded = self.autoencoder.decode(latents)
        return Video(
            to_uint8(decoded[0]), self.preset.fps, {**vars(shoot), "seed": seed, "model": self.preset.name}
        )

    def _network(self, latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        with self._precision():
            return self.unet(latents, t, text)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def check(shoot: Shoot, seeds: Sequence[int], preset: Preset) -> None:
    """Raise SettingsError for what the model cannot film."""
    factor, num_timesteps = preset.autoencoder.factor, preset.schedule.num_timesteps
    wants = [
        (shoot.num_frames >= 1, f"num_frames of 1 or more, got {shoot.num_frames}"),
        (
            shoot.height >= factor and shoot.height % factor == 0,
            f"a height in steps of {factor}, got {shoot.height}",
        ),
        (
            shoot.width >= factor and shoot.width % factor == 0,
            f"a width in steps of {factor}, got {shoot.width}",
        ),
        (1 <= shoot.num_steps <= num_timesteps, f"1 to {num_timesteps} steps, got {shoot.num_steps}"),
        (0 <= shoot.guidance_scale < math.inf, f"a guidance scale of 0 or more, got {shoot.guidance_scale}"),
        (shoot.sampler in SAMPLERS, f"one of the samplers {', '.join(SAMPLERS)}, got {shoot.sampler!r}"),
        (0 <= shoot.eta <= 1, f"an eta from 0 to 1, got {shoot.eta}"),
        *((0 <= s < 2**63, f"seeds from 0 to 2**63 - 1, got {s}") for s in seeds),
    ]
    faults = [text for good, text in wants if not good]
    if faults:
        raise SettingsError(f"{preset.name} wants {'; '.join(faults)}")


def in_model_words(prompt: str, preset: Preset) -> str:
    """The prompt as the model was trained to read it: for TOON in the words of its world."""
    return understand(prompt).prompt if preset.speaks_toon and prompt else prompt


def to_uint8(frames: Tensor) -> np.ndarray:
    """(3, f, h, w) nominally in [-1, 1] -> uint8 (f, h, w, 3), by truncation as ModelScope does."""
    scaled = ((frames.float() * 0.5 + 0.5).clamp(0, 1) * 255).to(torch.uint8)
    return rearrange(scaled, "c f h w -> f h w c").cpu().numpy()
