"""From a network that predicts noise or v to a function that answers with clean latents, guided by text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from t2v.configs import Prediction
from t2v.errors import RenderError
from t2v.schedule import NoiseSchedule

Denoiser = Callable[[Tensor, float], Tensor]  # (latents, timestep) -> clean latents
Network = Callable[[Tensor, Tensor, Tensor], Tensor]  # (latents, timesteps, text) -> eps or v


@dataclass(frozen=True)
class Guidance:
    """How the answer to the text is driven away from the answer to the negative one.

    `scale` 1 asks the network once. `rescale`: share of the guided answer that is brought back to the spread
    of the unguided one (Lin et al. 2023, section 3.4). `interval`: the shares of all timesteps, 0 the
    cleanest, between which there is guidance at all (Kynkäänniemi et al. 2024). `every`: the negative branch
    is asked in every so many steps of those; in between its last distance from the other is used again.
    """

    scale: float
    rescale: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    every: int = 1

    def at(self, timestep: float, num_timesteps: int) -> bool:
        """Whether there is guidance at a timestep."""
        low, high = self.interval
        return self.scale != 1 and low <= timestep / (num_timesteps - 1) <= high


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
    guidance: Guidance,
    together: bool = False,
) -> Denoiser:
    """A denoiser with classifier-free guidance (Ho & Salimans 2022) on all channels.

    `together`: both branches in one pass of the network, where both texts have the same shape; the answers
    are the same but for rounding. Raises RenderError.
    """
    kept: Any = None  # the last distance between both branches
    guided_steps = 0
    pair = torch.cat([text, negative]) if together and text.shape == negative.shape else None

    def both(latents: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if pair is None:
            return network(latents, t, text), network(latents, t, negative)
        cond, uncond = network(torch.cat([latents, latents]), torch.cat([t, t]), pair).chunk(2)
        return cond, uncond

    def denoise(latents: Tensor, timestep: float) -> Tensor:
        nonlocal kept, guided_steps
        t = torch.full((latents.shape[0],), timestep, device=latents.device)
        if not guidance.at(timestep, len(schedule)):
            answer = network(latents, t, text)
        else:
            if guided_steps % guidance.every == 0:
                cond, uncond = both(latents, t)
                answer = uncond + guidance.scale * (cond - uncond)
                kept = cond - uncond if guidance.every > 1 else None
            else:
                cond = network(latents, t, text)
                answer = cond + (guidance.scale - 1) * kept
            guided_steps += 1
            answer = _rescaled(answer, cond, guidance.rescale)
        if not bool(answer.isfinite().all()):
            raise RenderError(f"the network answered with what is no number at timestep {timestep:g}")
        return clean_of(answer.float(), latents, schedule.level(timestep), kind)

    return denoise


def _rescaled(guided: Tensor, cond: Tensor, share: float) -> Tensor:
    if share == 0:
        return guided
    axes = tuple(range(1, guided.ndim))
    spread = cond.float().std(axes, keepdim=True) / guided.float().std(axes, keepdim=True)
    return share * (guided * spread) + (1 - share) * guided
