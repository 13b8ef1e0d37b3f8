"""Samplers: functions from noise to clean latents over a denoiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from t2v.denoise import Denoiser
from t2v.schedule import NoiseSchedule

Callback = Callable[[int, int, Tensor], None]  # step, steps in all, latents


@torch.inference_mode()
def sample_ddim(
    denoise: Denoiser,
    latents: Tensor,
    schedule: NoiseSchedule,
    timesteps: Sequence[int],
    *,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """DDIM (Song et al. 2021, equation 12). eta 0 is deterministic, eta 1 adds as much noise as DDPM.

    `latents` are noise at `timesteps[0]`; every step goes to the next timestep, the last one is where they
    arrive. The noise that eta wants is drawn on the CPU from `generator`.
    """
    for step, (t, t_next) in enumerate(pairwise(timesteps), 1):
        clean = denoise(latents, t)
        a, sigma = schedule.level(t)
        a_next, sigma_next = schedule.level(t_next)
        eps = (latents - a * clean) / sigma
        spread = eta * sigma_next / sigma * (max(1 - (a / a_next) ** 2, 0.0)) ** 0.5
        latents = a_next * clean + max(sigma_next**2 - spread**2, 0.0) ** 0.5 * eps
        if spread > 0:
            noise = torch.randn(latents.shape, generator=generator, dtype=torch.float32)
            latents = latents + spread * noise.to(latents.device)
        if callback is not None:
            callback(step, len(timesteps) - 1, latents)
    return latents
