"""From a network that predicts noise or v to a function that answers with clean latents, guided by text."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from t2v.configs import Prediction
from t2v.schedule import NoiseSchedule

Denoiser = Callable[[Tensor, int], Tensor]  # (latents, timestep) -> clean latents
Network = Callable[[Tensor, Tensor, Tensor], Tensor]  # (latents, timesteps, text) -> eps or v


def clean_of(prediction: Tensor, latents: Tensor, level: tuple[float, float], kind: Prediction) -> Tensor:
    """The clean latents that a prediction stands for (v: Salimans & Ho 2022)."""
    a, sigma = level
    if kind == "v":
        return a * latents - sigma * prediction
    return (latents - sigma * prediction) / a


def guided_denoiser(
    network: Network,
    schedule: NoiseSchedule,
    kind: Prediction,
    *,
    text: Tensor,
    negative: Tensor,
    guidance_scale: float,
) -> Denoiser:
    """A denoiser with classifier-free guidance (Ho & Salimans 2022) on all channels.

    A scale of 1 asks the network once.
    """

    def denoise(latents: Tensor, timestep: int) -> Tensor:
        t = torch.full((latents.shape[0],), timestep, device=latents.device)
        cond = network(latents, t, text)
        if guidance_scale != 1:
            uncond = network(latents, t, negative)
            cond = uncond + guidance_scale * (cond - uncond)
        return clean_of(cond.float(), latents, schedule.level(timestep), kind)

    return denoise
