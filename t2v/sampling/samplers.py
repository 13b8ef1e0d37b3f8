"""Samplers: functions from noise to clean latents over a denoiser.

All are written in the schedule's terms (a, sigma), not in their quotient, so that a schedule with zero
terminal SNR needs no special case. `latents` (b, c, f, h, w) are noise at `timesteps[0]`; every step goes to
the next timestep. Noise is drawn on the CPU from `generator`.

After every step `callback` gets the clean latents that the step has estimated, in the latents' own units. A
sampler that arrives where there is no noise returns those of its last step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from t2v.sampling.guidance import Denoiser
from t2v.sampling.schedule import NoiseSchedule

Callback = Callable[[int, int, Tensor], None]  # (step from 1, number of steps, clean latents as estimated)
Level = tuple[float, float]  # (a, sigma): the factors of clean latents and noise


class Sampler(Protocol):
    """From noise to clean latents."""

    def __call__(
        self,
        denoise: Denoiser,
        latents: Tensor,
        schedule: NoiseSchedule,
        timesteps: Sequence[float],
        *,
        generator: torch.Generator | None = None,
        callback: Callback | None = None,
    ) -> Tensor: ...


@torch.inference_mode()
def sample_ddim(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """DDIM (Song et al. 2021, equation 12). eta 0 is deterministic, eta 1 adds as much noise as DDPM."""
    for step, (t, t_next) in enumerate(pairwise(timesteps), 1):
        clean = denoise(latents, t)
        a, sigma = schedule.level(t)
        a_next, sigma_next = schedule.level(t_next)
        eps = (latents - a * clean) / sigma
        spread = eta * sigma_next / sigma * (max(1 - (a / a_next) ** 2, 0.0)) ** 0.5
        latents = a_next * clean + max(sigma_next**2 - spread**2, 0.0) ** 0.5 * eps
        if spread > 0:
            latents = latents + spread * schedule.noise(latents.shape, generator).to(latents.device)
        if callback is not None:
            callback(step, len(timesteps) - 1, clean)
    return latents


def sample_euler(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Euler's method in sigma / a (Karras et al. 2022, algorithm 1).

    Put into the schedule's own terms it is deterministic DDIM, digit for digit; what differs is where the
    timesteps arrive (see `timesteps`: `to_clean`).
    """
    return sample_ddim(denoise, latents, schedule, timesteps, callback=callback)


def sample_euler_ancestral(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Euler's method to less noise than wanted, then fresh noise (k-diffusion's `sample_euler_ancestral`).

    With s = sigma / a, the noise added is a' s' (1 - (s' / s)^2)^0.5, which is DDIM's at eta 1.
    """
    return sample_ddim(denoise, latents, schedule, timesteps, eta=1.0, generator=generator, callback=callback)


@torch.inference_mode()
def sample_dpmpp_2m(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order, from the clean latents of two steps."""
    before, h_before = None, math.inf
    for step, (t, t_next) in enumerate(pairwise(timesteps), 1):
        clean = denoise(latents, t)
        level, level_next = schedule.level(t), schedule.level(t_next)
        h = _log_snr(level_next) - _log_snr(level)
        ahead = clean
        if before is not None and math.isfinite(h) and math.isfinite(h_before):
            ahead = clean + h / (2 * h_before) * (clean - before)
        latents = _first_order(latents, ahead, level, level_next)
        before, h_before = clean, h
        if callback is not None:
            callback(step, len(timesteps) - 1, clean)
    return latents


@torch.inference_mode()
def sample_unipc(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """UniPC-2 with B(h) = exp(-h) - 1 (Zhao et al. 2023): every step corrects the one before it."""
    start = clean = latents
    levels: tuple[Level, Level] | None = None  # of the step before, and the clean latents it built upon
    built_on: tuple[Level, Tensor] | None = None
    for step, (t, t_next) in enumerate(pairwise(timesteps), 1):
        now, earlier = denoise(latents, t), None
        if levels is not None:
            latents = _unipc(start, clean, built_on, levels, now)
            earlier = (levels[0], clean)
        start, clean, levels = latents, now, (schedule.level(t), schedule.level(t_next))
        second = earlier is not None and earlier[0][0] > 0 and levels[1][1] > 0
        built_on = earlier if second else None
        latents = _unipc(start, clean, built_on, levels, None)
        if callback is not None:
            callback(step, len(timesteps) - 1, clean)
    return latents


def _unipc(
    latents: Tensor,
    clean: Tensor,
    previous: tuple[Level, Tensor] | None,
    levels: tuple[Level, Level],
    arrived: Tensor | None,
) -> Tensor:
    """A step between two levels; `arrived` are the clean latents at the second, for the corrector."""
    level, level_next = levels
    h = _log_snr(level_next) - _log_snr(level)
    phi = math.expm1(-h)
    bend = torch.zeros_like(clean)
    share = 0.5
    if previous is not None:
        r = (_log_snr(previous[0]) - _log_snr(level)) / h
        slope = (previous[1] - clean) / r
        if arrived is None:
            bend = 0.5 * slope
        else:
            phi_2 = -phi / h - 1
            b_1, b_2 = phi_2 / phi, 2 * (-phi_2 / h - 0.5) / phi
            weight = (b_1 - b_2) / (1 - r)
            bend, share = weight * slope, b_1 - weight
    if arrived is not None:
        bend = bend + share * (arrived - clean)
    return _first_order(latents, clean + bend, level, level_next)


@torch.inference_mode()
def sample_lcm(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[float],
    *,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Multistep consistency sampling (Luo et al. 2023, "Latent Consistency Models", algorithm 3).

    For distilled weights, whose every prediction is a final one: noise is added for the next step. The
    boundary scalings are left out, since from timestep 19 on they change less than 1e-5.
    """
    for step, (t, t_next) in enumerate(pairwise(timesteps), 1):
        clean = denoise(latents, t)
        a_next, sigma_next = schedule.level(t_next)
        latents = a_next * clean
        if sigma_next > 0:
            latents = latents + sigma_next * schedule.noise(latents.shape, generator).to(latents.device)
        if callback is not None:
            callback(step, len(timesteps) - 1, clean)
    return latents


SAMPLERS: dict[str, Sampler] = {
    "ddim": sample_ddim,
    "euler": sample_euler,
    "euler_ancestral": sample_euler_ancestral,
    "dpmpp_2m": sample_dpmpp_2m,
    "unipc": sample_unipc,
    "lcm": sample_lcm,
}


def get_sampler(name: str, eta: float) -> Sampler:
    """The sampler of a name in SAMPLERS; `eta` is DDIM's."""
    return partial(sample_ddim, eta=eta) if name == "ddim" else SAMPLERS[name]


def ends_clean(name: str) -> bool:
    """Whether a sampler goes on to zero noise; DDIM stops at timestep 0, as ModelScope's does."""
    return name != "ddim"


def _first_order(latents: Tensor, clean: Tensor, level: Level, level_next: Level) -> Tensor:
    """The exact step for constant clean latents, which is DDIM's with eta 0."""
    (a, sigma), (a_next, sigma_next) = level, level_next
    return sigma_next / sigma * latents + (a_next - sigma_next / sigma * a) * clean


def _log_snr(level: Level) -> float:
    """Half the log of the signal-to-noise ratio: -inf for noise alone, inf for none."""
    a, sigma = level
    if a == 0:
        return -math.inf
    return math.log(a / sigma) if sigma > 0 else math.inf


def shrink_small_motion(latents: Tensor, deviation: float) -> Tensor:
    """Latents (b, c, f, h, w) whose small motion is shrunk, to remove flicker; large motion stays.

    Each position's difference from its mean over the frames is multiplied by 1 - deviation² / (its mean
    square over frames and channels), at least 0: the estimator of James & Stein (1961).
    """
    if not deviation:
        return latents
    mean = latents.mean(2, keepdim=True)
    motion = latents - mean
    spread = motion.square().mean((1, 2), keepdim=True)
    return mean + motion * (1 - deviation**2 / spread.clamp_min(1e-12)).clamp_min(0)
