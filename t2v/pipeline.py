"""Text in, frames out.

model = t2v.load("toon")
video = model.generate("close-up shot, orange cat with hat talking, in the kitchen, night", seed=7)
video.frames    # uint8 (f, h, w, 3)
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from t2v.autoencoder import Autoencoder
from t2v.configs import Preset, Spacing
from t2v.denoise import Guidance, guided_denoiser
from t2v.samplers import Callback, arrives_clean, sampler_named
from t2v.schedule import noise_schedule, timesteps
from t2v.shoot import Settings, Shoot, check_seeds, shoot_of
from t2v.text_encoder import TextEncoder
from t2v.toon.words import understand
from t2v.unet import UNet3D

if TYPE_CHECKING:
    from t2v.loading import Origin


@dataclass(frozen=True)
class Video:
    """A filmed clip: uint8 (f, h, w, 3) RGB at the model's own size and rate, and what it was filmed with."""

    frames: np.ndarray
    fps: int
    settings: dict[str, Any] = field(default_factory=dict)


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
        self.origin: Origin | None = None  # set by whoever loads the weights
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
        spacing: Spacing | None = None,
        guidance_rescale: float | None = None,
        guidance_interval: tuple[float, float] | None = None,
        guidance_every: int | None = None,
        callback: Callback | None = None,
    ) -> Video | list[Video]:
        """Film a prompt; None means the preset's own value, and a list of seeds gives a list of Videos.

        The noise is drawn on the CPU in fp32 from `seed`, whatever the device.
        `callback(step, num_steps, latents)` is called after every step. Raises SettingsError.
        """
        asked: Settings = {
            "negative_prompt": negative_prompt,
            "num_frames": num_frames,
            "height": height,
            "width": width,
            "num_steps": num_steps,
            "guidance_scale": guidance_scale,
            "sampler": sampler,
            "eta": eta,
            "spacing": spacing,
            "guidance_rescale": guidance_rescale,
            "guidance_interval": guidance_interval,
            "guidance_every": guidance_every,
        }
        shoot = shoot_of(self.preset, prompt, asked)
        seeds = list(seed) if isinstance(seed, Sequence) else [seed]
        check_seeds(seeds, self.preset)
        videos = [self._film(shoot, s, callback) for s in seeds]
        return videos if isinstance(seed, Sequence) else videos[0]

    @torch.inference_mode()
    def _film(self, shoot: Shoot, seed: int, callback: Callback | None) -> Video:
        latents = self._sample(shoot, seed, callback)
        frames = to_uint8(self._decode(latents)[0])
        return Video(frames, self.preset.fps, {**shoot.told(), "seed": seed, "model": self.preset.name})

    def _sample(self, shoot: Shoot, seed: int, callback: Callback | None) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        factor, channels = self.preset.autoencoder.factor, self.preset.autoencoder.latent_channels
        shape = (1, channels, shoot.num_frames, shoot.height // factor, shoot.width // factor)
        noise = torch.randn(shape, generator=generator, dtype=torch.float32)
        with self._precision():
            text = self.text_encoder([in_model_words(shoot.prompt, self.preset)])
            negative = self.text_encoder([shoot.negative_prompt])
        distilled = self.preset.unet.guidance_embed_dim is not None  # the scale goes into the network itself
        denoise = guided_denoiser(
            partial(self._network, guidance=shoot.guidance_scale if distilled else None),
            self.schedule,
            self.preset.prediction,
            text=text,
            negative=negative,
            guidance=Guidance(1) if distilled else shoot.guidance,
        )
        visited = timesteps(
            shoot.num_steps, self.schedule, shoot.spacing, to_clean=arrives_clean(shoot.sampler)
        )
        sample = sampler_named(shoot.sampler, shoot.eta)
        return sample(
            denoise, noise.to(self.device), self.schedule, visited, generator=generator, callback=callback
        )

    def _network(self, latents: Tensor, t: Tensor, text: Tensor, *, guidance: float | None = None) -> Tensor:
        scale = None if guidance is None else torch.full_like(t, guidance, dtype=torch.float32)
        with self._precision():
            return self.unet(latents, t, text, scale)

    def _decode(self, latents: Tensor) -> Tensor:
        with self._precision():
            return self.autoencoder.decode(latents)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def in_model_words(prompt: str, preset: Preset) -> str:
    """The prompt as the model was trained to read it: for TOON in the words of its world."""
    return understand(prompt).prompt if preset.speaks_toon and prompt else prompt


def to_uint8(frames: Tensor) -> np.ndarray:
    """(3, f, h, w) nominally in [-1, 1] -> uint8 (f, h, w, 3), by truncation as ModelScope does."""
    scaled = ((frames.float() * 0.5 + 0.5).clamp(0, 1) * 255).to(torch.uint8)
    return rearrange(scaled, "c f h w -> f h w c").cpu().numpy()
