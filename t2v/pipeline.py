"""Text in, frames out.

model = t2v.load("toon")
video = model.generate("close-up shot, orange cat with hat talking, in the kitchen, night", seed=7)
video.frames    # uint8 (f, h, w, 3)
"""

from __future__ import annotations

import contextlib
import gc
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self, Unpack, overload

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn

from t2v.checkpoints.fill import Origin
from t2v.configs import Preset, num_outer_levels, timestep_shift
from t2v.errors import PrecisionWarning, RenderError
from t2v.memory.placement import MemoryLimit, Placement
from t2v.memory.plan import ClipSize, MemoryPlan
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import LayerOptions, Memo
from t2v.networks.deep_cache import DeepCache
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.sampling.guidance import Branches, Denoiser, Network, guided_denoiser
from t2v.sampling.held_frames import (
    correction_shares,
    frames_to_tensor,
    hold_frames,
    put_frames,
    resize_frames,
    stack_held,
)
from t2v.sampling.preview import colour_preview, decode_preview, latent_colours
from t2v.sampling.prompts import Prompt, embed_prompts, embed_unacted
from t2v.sampling.samplers import Callback, ends_clean, get_sampler, shrink_small_motion
from t2v.sampling.schedule import noise_schedule, timesteps
from t2v.sampling.settings import ClipSettings, GenerateSettings, check_seeds, resolve_settings
from t2v.sampling.windows import long_noise, windowed_network


@dataclass(frozen=True)
class Video:
    """A filmed clip: uint8 (f, h, w, 3) RGB at the model's own size, its rate, and all of its settings."""

    frames: np.ndarray
    fps: int
    settings: dict[str, Any] = field(default_factory=dict)


class Networks(NamedTuple):
    """The three networks of a model."""

    text_encoder: TextEncoder
    unet: UNet3D
    autoencoder: Autoencoder


class TextToVideo:
    """A loaded model: three networks and the preset that says how they are used.

    It can be used from several threads, which take turns: `lock` is held while a clip is filmed and while
    weights change, since a memory plan holds for one clip at a time. `close`, or the end of a `with` block,
    frees the weights.
    """

    def __init__(
        self,
        preset: Preset,
        text_encoder: TextEncoder,
        unet: UNet3D,
        autoencoder: Autoencoder,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory: MemoryLimit = "auto",
    ) -> None:
        self.preset = preset
        self.device, self.dtype = device, dtype
        self.origin: Origin | None = None  # set by whoever loads the weights
        self.lock = threading.RLock()
        self.schedule = noise_schedule(preset.schedule)
        for network in (text_encoder, unet, autoencoder):
            network.eval().requires_grad_(False).to(dtype=dtype)
        self._networks: Networks | None = Networks(text_encoder, unet, autoencoder)
        self.placement = Placement(self.parts, preset, device, memory)
        self._colours: np.ndarray | None = None  # of previews without the autoencoder

    @property
    def networks(self) -> Networks:
        """The three networks. Raises RuntimeError once the model is closed."""
        if self._networks is None:
            raise RuntimeError(f"{self.preset.name}: this model is closed; load it again to use it")
        return self._networks

    @property
    def text_encoder(self) -> TextEncoder:
        """Texts to embeddings (b, l, d)."""
        return self.networks.text_encoder

    @property
    def unet(self) -> UNet3D:
        """Latents (b, c, f, h, w), timesteps (b,) and text (b, l, d) to a prediction like the latents."""
        return self.networks.unet

    @property
    def autoencoder(self) -> Autoencoder:
        """Frames (b, 3, f, h, w) in [-1, 1] to latents (b, c, f, h / factor, w / factor) and back."""
        return self.networks.autoencoder

    @property
    def distilled(self) -> bool:
        """True of a network that was distilled with its guidance inside: it reads the guidance scale."""
        return self.preset.unet.guidance_embed_dim is not None

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return dict(self.networks._asdict())

    def close(self) -> None:
        """Free the weights, after the clip that is being filmed. Using the model afterwards is an error.

        A network that the caller still holds stays alive with it. Closing twice does nothing.
        """
        with self.lock:
            if self._networks is None:
                return
            self.placement.close()
            self._networks = None
            if self.origin is not None:
                self.origin = replace(self.origin, tensors={})
            gc.collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @overload
    def generate(self, prompt: Prompt, *, seed: int = 0, **settings: Unpack[GenerateSettings]) -> Video: ...
    @overload
    def generate(
        self, prompt: Prompt, *, seed: Sequence[int], **settings: Unpack[GenerateSettings]
    ) -> list[Video]: ...
    def generate(
        self, prompt: Prompt, *, seed: int | Sequence[int] = 0, **settings: Unpack[GenerateSettings]
    ) -> Video | list[Video]:
        """Film a prompt; a list of seeds gives a list of Videos, each as if made alone.

        `settings` are those of `GenerateSettings`; None, or one left out, is the preset's own value. The
        noise is drawn on the CPU in fp32 from `seed`, whatever the device.
        `callback(step, num_steps, clean)` is called after every step with the clean latents (1, c, f, h, w)
        that the step estimates, of which `preview` makes a picture; what it raises ends the filming, and
        nothing is kept. A clip that fp16 cannot hold is made again in fp32, with a PrecisionWarning.
        Calls from several threads take turns, clip by clip.
        Raises SettingsError, RenderError, TypeError for an unknown setting, RuntimeError on a closed model.
        """
        clip = resolve_settings(self.preset, prompt, settings)
        seeds = list(seed) if isinstance(seed, Sequence) else [seed]
        check_seeds(seeds, self.preset)
        videos = [self._film(clip, s, settings.get("callback")) for s in seeds]
        return videos if isinstance(seed, Sequence) else videos[0]

    @torch.inference_mode()
    def preview(self, clean: Tensor) -> np.ndarray:
        """The middle frame of the clean latents (1, c, f, h, w) of `callback` as uint8 (h, w, 3), small.

        It is decoded where the autoencoder lies beside the UNet. By a memory plan that moves networks it is
        drawn from the latents' colours, a pixel a latent: fetching the autoencoder would cost seconds.
        """
        with self.lock:
            plan = self.placement.plan
            if plan is None or plan.resident == "all" or self.device.type == "cpu":
                return decode_preview(self.autoencoder, clean)
            if self._colours is None:  # of 27 tiny pictures, wherever the autoencoder lies
                self._colours = latent_colours(self.autoencoder)
            return colour_preview(clean, self._colours)

    @torch.inference_mode()
    def _film(self, clip: ClipSettings, seed: int, callback: Callback | None) -> Video:
        with self.lock:
            try:
                return self._film_in(self.dtype, clip, seed, callback)
            except RenderError as error:
                fault = f"{self.preset.name}: {error}"
                if self.dtype != torch.float16:
                    raise RenderError(f"{fault}; {describe_damage(self.parts)}") from error
            again = "half precision (fp16) overflowed, so the clip is made again in fp32"
            advice = "with dtype fp32 it is made at once"
            warnings.warn(f"{fault}: {again}; {advice}", PrecisionWarning, stacklevel=3)
            with self._single_precision():
                return self._film_in(torch.float32, clip, seed, callback)

    def _film_in(self, dtype: torch.dtype, clip: ClipSettings, seed: int, callback: Callback | None) -> Video:
        """The clip, by whichever memory plan fits it."""
        size = ClipSize(clip.num_frames, clip.height, clip.width, clip.window, clip.cached_passes)
        return self.placement.film(size, dtype, lambda plan: _Filming(self, plan, clip).video(seed, callback))

    @contextlib.contextmanager
    def _single_precision(self) -> Iterator[None]:
        """Inside, the networks compute in fp32."""
        parts = self.parts.values()
        dtypes = [next(part.parameters()).dtype for part in parts]
        try:
            for part in parts:
                part.float()
            yield
        finally:
            for part, dtype in zip(parts, dtypes, strict=True):
                part.to(dtype=dtype)


@dataclass(frozen=True)
class _Filming:
    """One clip, filmed by one memory plan."""

    model: TextToVideo
    plan: MemoryPlan
    clip: ClipSettings

    def video(self, seed: int, callback: Callback | None) -> Video:
        """The clip of a seed. Raises RenderError."""
        clip, preset = self.clip, self.model.preset
        if clip.init_frames is not None and clip.strength == 0:
            frames = resize_frames(clip.init_frames, clip.height, clip.width).copy()
            for index, picture in clip.hold.items():
                frames[index] = picture
        else:
            frames = to_uint8(self._decode(self._sample(seed, callback))[0])
        free = clip.init_frames is None and not clip.hold and isinstance(clip.prompt, str)
        if clip.loop and free:  # no frame has to be at an index of its own
            frames = open_loop(frames)
        return Video(frames, preset.fps, {**clip.as_metadata(), "seed": seed, "model": preset.name})

    def _sample(self, seed: int, callback: Callback | None) -> Tensor:
        """Latents (1, c, f, h, w): noise of the seed, then the sampler over the denoiser."""
        clip, schedule = self.clip, self.model.schedule
        generator = torch.Generator().manual_seed(seed)
        noise = long_noise(self._shape(), clip.window, clip.window_stride, generator, loop=clip.loop)
        noise = schedule.shared(noise, generator).to(self.model.device)
        visited = timesteps(
            clip.num_steps,
            schedule,
            clip.spacing,
            to_clean=ends_clean(clip.sampler),
            shift=timestep_shift(self.model.preset, clip.height, clip.width),
        )
        denoise = self._denoiser()
        latents = noise
        if clip.init_frames is not None:
            visited = visited[-max(1, round(clip.strength * (len(visited) - 1))) - 1 :]
            a, sigma = schedule.level(visited[0])
            latents = (
                a * self._encode(resize_frames(clip.init_frames, clip.height, clip.width)) + sigma * noise
            )
        held: Tensor | None = None
        if clip.hold:
            pictures, indices = stack_held(clip.hold, clip.num_frames)
            held = self._encode(pictures)
            shares = None  # a clip to start from says itself what the other frames show
            if clip.init_frames is None:
                shares = correction_shares(indices, clip.num_frames, loop=clip.loop)
            denoise = hold_frames(denoise, held, indices, shares)
        sample = get_sampler(clip.sampler, clip.eta)
        latents = sample(denoise, latents, schedule, visited, generator=generator, callback=callback)
        latents = shrink_small_motion(latents, self.model.preset.steadiness)
        return latents if held is None else put_frames(latents, held, indices)

    def _shape(self) -> tuple[int, ...]:
        config, clip = self.model.preset.autoencoder, self.clip
        height, width = clip.height // config.factor, clip.width // config.factor
        return (1, config.latent_channels, clip.num_frames, height, width)

    def _denoiser(self) -> Denoiser:
        """(latents, timestep) to clean latents, guided by the prompts."""
        model, clip = self.model, self.clip
        with model.placement.use("text_encoder"):
            text, negative = embed_prompts(
                model.text_encoder, clip.prompt, clip.negative_prompt, model.preset, clip.num_frames
            )
            unacted = None
            if clip.direction_guidance:
                unacted = embed_unacted(model.text_encoder, clip.prompt, model.preset, text)
        network, still = self._networks()
        if len(clip.windows) > 1:
            network, still = windowed_network(network, clip.windows), windowed_network(still, clip.windows)
        # deep features are kept of one pass a branch
        together = self.plan.both_branches and clip.cache_every == 1
        guidance = replace(clip.guidance, scale=1) if model.distilled else clip.guidance
        branches = Branches(network, text, negative, still, unacted, together)
        return guided_denoiser(branches, model.schedule, model.preset.prediction, guidance)

    def _networks(self) -> tuple[Network, Network]:
        """The UNet as guidance asks it, with and without its layers over frames; both share their caches."""
        model, clip, once = self.model, self.clip, Memo()
        cache = DeepCache(clip.cache_every) if clip.cache_every > 1 else None
        options = LayerOptions(
            self.plan.chunks,
            ring=clip.loop and len(clip.windows) == 1,
            outer_levels=num_outer_levels(model.preset, clip.height, clip.width),
        )

        def predict(latents: Tensor, t: Tensor, text: Tensor, options: LayerOptions = options) -> Tensor:
            # a distilled network reads the scale itself
            scale = torch.full_like(t, clip.guidance_scale, dtype=torch.float32) if model.distilled else None
            deep = None if cache is None else cache.features(float(t[0]))
            with model.placement.use("unet"):
                return model.unet(latents, t, text, scale, once=once, deep=deep, options=options).float()

        return predict, partial(predict, options=replace(options, still=True))

    def _encode(self, frames: np.ndarray) -> Tensor:
        with self.model.placement.use("autoencoder"):
            return self.model.autoencoder.encode(frames_to_tensor(frames).to(self.model.device)).float()

    def _decode(self, latents: Tensor) -> Tensor:
        with self.model.placement.use("autoencoder"):
            frames = self.model.autoencoder.decode(latents, self.plan.tile)
        if not bool(frames.isfinite().all()):
            raise RenderError("the autoencoder's output is not finite")
        return frames


def describe_damage(parts: Mapping[str, nn.Module]) -> str:
    """One line: the weights that are not finite, or advice if all of them are."""
    bad = [
        f"{part}.{name}"
        for part, module in parts.items()
        for name, tensor in module.named_parameters()
        if not bool(tensor.isfinite().all())
    ]
    if bad:
        return f"{len(bad)} of its weights are not finite, first {bad[0]!r}: get the file again"
    return "its weights are finite: try a lower guidance scale, more steps, or dtype fp32"


def open_loop(frames: np.ndarray) -> np.ndarray:
    """A loop (f, h, w, 3), rolled so that its smallest step is the one from its last frame to its first."""
    steps = np.abs(frames.astype(np.int16) - np.roll(frames, 1, axis=0)).mean(axis=(1, 2, 3))
    return np.roll(frames, -int(steps.argmin()), axis=0)


def to_uint8(frames: Tensor) -> np.ndarray:
    """(3, f, h, w) nominally in [-1, 1] -> uint8 (f, h, w, 3), by truncation as ModelScope does."""
    scaled = ((frames.float() * 0.5 + 0.5).clamp(0, 1) * 255).to(torch.uint8)
    return rearrange(scaled, "c f h w -> f h w c").cpu().numpy()
