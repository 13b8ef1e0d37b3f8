"""Text in, frames out.

model = t2v.load("toon")
video = model.generate("close-up shot, orange cat with hat talking, in the kitchen, night", seed=7)
video.frames    # uint8 (f, h, w, 3)
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Unpack, overload

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from t2v.checkpoints.fill import Origin
from t2v.configs import Preset, Spacing, Speed
from t2v.errors import PrecisionWarning, RenderError
from t2v.memory.placement import Memory, Placement
from t2v.memory.plan import Clip
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Memo, Once
from t2v.networks.deep_cache import DeepCache
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.sampling.guidance import Branches, Denoiser, Network, guided_denoiser
from t2v.sampling.held_frames import as_tensor, holding, pulls, put, resized, stacked
from t2v.sampling.prompts import Prompt, texts
from t2v.sampling.samplers import Callback, arrives_clean, sampler_named, steadied
from t2v.sampling.schedule import noise_schedule, timesteps
from t2v.sampling.settings import Settings, Shoot, check_seeds, shoot_of
from t2v.sampling.windows import closed, long_noise, windowed


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
        memory: Memory = "auto",
    ) -> None:
        self.preset = preset
        self.device, self.dtype = device, dtype
        self.origin: Origin | None = None  # set by whoever loads the weights
        self.text_encoder = text_encoder.eval().requires_grad_(False).to(dtype=dtype)
        self.unet = unet.eval().requires_grad_(False).to(dtype=dtype)
        self.autoencoder = autoencoder.eval().requires_grad_(False).to(dtype=dtype)
        self.placement = Placement(self._parts(), preset, device, memory)
        self.schedule = noise_schedule(preset.schedule)

    @overload
    def generate(self, prompt: Prompt, *, seed: int = 0, **settings: Unpack[Settings]) -> Video: ...
    @overload
    def generate(
        self, prompt: Prompt, *, seed: Sequence[int], **settings: Unpack[Settings]
    ) -> list[Video]: ...
    def generate(
        self,
        prompt: Prompt,
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
        motion_guidance: float | None = None,
        cache_every: int | None = None,
        speed: Speed | None = None,
        init_frames: np.ndarray | None = None,
        strength: float | None = None,
        hold: Mapping[int, np.ndarray] | None = None,
        loop: bool = False,
        window: int | None = None,
        window_stride: int | None = None,
        callback: Callback | None = None,
    ) -> Video | list[Video]:
        """Film a prompt; None means the preset's own value, and a list of seeds gives a list of Videos.

        The noise is drawn on the CPU in fp32 from `seed`, whatever the device.
        `callback(step, num_steps, latents)` is called after every step; what it raises ends the filming, and
        nothing is kept. A clip that fp16 could not hold is made again in fp32, with a PrecisionWarning.
        Raises SettingsError, RenderError.
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
            "motion_guidance": motion_guidance,
            "cache_every": cache_every,
            "speed": speed,
            "init_frames": init_frames,
            "strength": strength,
            "hold": hold,
            "loop": loop,
            "window": window,
            "window_stride": window_stride,
        }
        shoot = shoot_of(self.preset, prompt, asked)
        seeds = list(seed) if isinstance(seed, Sequence) else [seed]
        check_seeds(seeds, self.preset)
        videos = [self._film(shoot, s, callback) for s in seeds]
        return videos if isinstance(seed, Sequence) else videos[0]

    @torch.inference_mode()
    def _film(self, shoot: Shoot, seed: int, callback: Callback | None) -> Video:
        try:
            return self._film_placed(shoot, seed, callback)
        except RenderError as error:
            if self.dtype != torch.float16:
                raise RenderError(f"{self.preset.name}: {error}; {damage(self._parts())}") from error
            again = (
                f"{self.preset.name}: {error}: half precision (fp16) overflowed, so the clip is made again"
            )
        warnings.warn(f"{again} in fp32; with dtype fp32 it is made at once", PrecisionWarning, stacklevel=3)
        with self._single_precision():
            return self._film_placed(shoot, seed, callback)

    def _film_placed(self, shoot: Shoot, seed: int, callback: Callback | None) -> Video:
        clip = Clip(shoot.num_frames, shoot.height, shoot.width, shoot.window, shoot.kept)
        return self.placement.film(clip, self.dtype, lambda: self._film_once(shoot, seed, callback))

    def _film_once(self, shoot: Shoot, seed: int, callback: Callback | None) -> Video:
        if shoot.init_frames is not None and shoot.strength == 0:
            frames = resized(shoot.init_frames, shoot.height, shoot.width).copy()
            for place, picture in shoot.hold.items():
                frames[place] = picture
        else:
            frames = to_uint8(self._decode(self._sample(shoot, seed, callback))[0])
        free = shoot.init_frames is None and not shoot.hold and isinstance(shoot.prompt, str)
        if shoot.loop and free:  # no frame has a place that it was given
            frames = opened(frames)
        return Video(frames, self.preset.fps, {**shoot.told(), "seed": seed, "model": self.preset.name})

    def _sample(self, shoot: Shoot, seed: int, callback: Callback | None) -> Tensor:
        """Noise of the seed, then the sampler over the denoiser that the shoot asks for."""
        generator = torch.Generator().manual_seed(seed)
        noise = long_noise(self._shape(shoot), shoot.window, shoot.window_stride, generator, loop=shoot.loop)
        noise = self.schedule.shared(noise, generator).to(self.device)
        visited = timesteps(
            shoot.num_steps,
            self.schedule,
            shoot.spacing,
            to_clean=arrives_clean(shoot.sampler),
            shift=self.preset.timestep_shift,
        )
        windows = shoot.windows
        denoise = self._denoiser(shoot, windows)
        latents = noise
        if shoot.init_frames is not None:
            visited = visited[-max(1, round(shoot.strength * (len(visited) - 1))) - 1 :]
            a, sigma = self.schedule.level(visited[0])
            latents = a * self._encode(resized(shoot.init_frames, shoot.height, shoot.width)) + sigma * noise
        held: Tensor | None = None
        if shoot.hold:
            pictures, held_places = stacked(shoot.hold, shoot.num_frames)
            held = self._encode(pictures)
            shares = None  # a film to start from says itself what the other frames show
            if shoot.init_frames is None:
                shares = pulls(held_places, shoot.num_frames, loop=shoot.loop)
            denoise = holding(denoise, held, held_places, shares)
        sample = sampler_named(shoot.sampler, shoot.eta)
        ring = closed(self.unet) if shoot.loop and len(windows) == 1 else contextlib.nullcontext()
        with ring:
            latents = sample(denoise, latents, self.schedule, visited, generator=generator, callback=callback)
        latents = steadied(latents, self.preset.steadiness)
        return latents if held is None else put(latents, held, held_places)

    def _denoiser(self, shoot: Shoot, windows: list[list[int]]) -> Denoiser:
        with self.placement.use("text_encoder"):
            text, negative = texts(
                self.text_encoder, shoot.prompt, shoot.negative_prompt, self.preset, shoot.num_frames
            )
        distilled = self.preset.unet.guidance_embed_dim is not None  # the scale goes into the network itself
        network = partial(
            self._network,
            once=Memo(),
            guidance=shoot.guidance_scale if distilled else None,
            cache=DeepCache(shoot.cache_every) if shoot.cache_every > 1 else None,
        )
        asked: list[Network] = [network, partial(network, still=True)]
        ask, still = asked if len(windows) == 1 else [windowed(one, windows) for one in asked]
        # deep features are kept of a pass a branch
        together = self.placement.both_branches and shoot.cache_every == 1
        guidance = replace(shoot.guidance, scale=1) if distilled else shoot.guidance
        branches = Branches(ask, text, negative, still, together)
        return guided_denoiser(branches, self.schedule, self.preset.prediction, guidance)

    def _shape(self, shoot: Shoot) -> tuple[int, ...]:
        factor, channels = self.preset.autoencoder.factor, self.preset.autoencoder.latent_channels
        return (1, channels, shoot.num_frames, shoot.height // factor, shoot.width // factor)

    def _network(
        self,
        latents: Tensor,
        t: Tensor,
        text: Tensor,
        *,
        once: Once,
        guidance: float | None,
        cache: DeepCache | None,
        still: bool = False,
    ) -> Tensor:
        scale = None if guidance is None else torch.full_like(t, guidance, dtype=torch.float32)
        deep = None if cache is None else cache.features(float(t[0]))
        with self.placement.use("unet"):
            return self.unet(latents, t, text, scale, deep=deep, once=once, still=still).float()

    def _encode(self, frames: np.ndarray) -> Tensor:
        with self.placement.use("autoencoder"):
            return self.autoencoder.encode(as_tensor(frames).to(self.device)).float()

    def _decode(self, latents: Tensor) -> Tensor:
        with self.placement.use("autoencoder"):
            frames = self.autoencoder.decode(latents)
        if not bool(frames.isfinite().all()):
            raise RenderError("the autoencoder answered with what is no number")
        return frames

    def _parts(self) -> dict[str, nn.Module]:
        return {"text_encoder": self.text_encoder, "unet": self.unet, "autoencoder": self.autoencoder}

    @contextlib.contextmanager
    def _single_precision(self) -> Iterator[None]:
        """Inside, everything is computed in fp32."""
        dtype, parts = self.dtype, self._parts().values()
        own = [next(part.parameters()).dtype for part in parts]
        self.dtype = torch.float32
        try:
            for part in parts:
                part.float()
            yield
        finally:
            self.dtype = dtype
            for part, of in zip(parts, own, strict=True):
                part.to(dtype=of)


def damage(parts: Mapping[str, nn.Module]) -> str:
    """What is wrong with weights that answer with no number."""
    bad = [
        f"{part}.{name}"
        for part, module in parts.items()
        for name, tensor in module.named_parameters()
        if not bool(tensor.isfinite().all())
    ]
    if bad:
        return f"{len(bad)} of its weights hold no numbers, first {bad[0]!r}: get the file again"
    return "its weights are whole: try a lower guidance scale, more steps, or dtype fp32"


def opened(frames: np.ndarray) -> np.ndarray:
    """A ring of frames as a clip that begins where its smallest step ends."""
    steps = np.abs(frames.astype(np.int16) - np.roll(frames, 1, axis=0)).mean(axis=(1, 2, 3))
    return np.roll(frames, -int(steps.argmin()), axis=0)


def to_uint8(frames: Tensor) -> np.ndarray:
    """(3, f, h, w) nominally in [-1, 1] -> uint8 (f, h, w, 3), by truncation as ModelScope does."""
    scaled = ((frames.float() * 0.5 + 0.5).clamp(0, 1) * 255).to(torch.uint8)
    return rearrange(scaled, "c f h w -> f h w c").cpu().numpy()
