"""Denoisers: from a network that predicts noise or v to guided clean latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from t2v.configs import Prediction
from t2v.errors import RenderError
from t2v.sampling.schedule import NoiseSchedule

Denoiser = Callable[[Tensor, float], Tensor]  # (latents, timestep) -> clean latents
Network = Callable[[Tensor, Tensor, Tensor], Tensor]  # (latents, timesteps, text) -> eps or v


@dataclass(frozen=True)
class Guidance:
    """Guidance away from the prediction for the negative text, from that without motion, or acting.

    `scale` 1 is no guidance (Ho & Salimans 2022). `rescale`: share of the guided prediction that gets the
    standard deviation of the unguided one (Lin et al. 2023, section 3.4). `interval`: shares of all
    timesteps, 0 the cleanest, between which there is guidance (Kynkäänniemi et al. 2024). `every`: guidance
    is computed in every so many of these steps and reused in between. `motion`: the scale of guidance away
    from the prediction without the layers over frames, in the same steps (spatiotemporal skip guidance,
    Hyung et al. 2025). `direction`: the scale of guidance away from the prediction for the text in which
    nobody acts: a part of a text is guided by itself, as in composable diffusion (Liu et al. 2022).
    """

    scale: float
    rescale: float = 0.0
    interval: tuple[float, float] = (0.0, 1.0)
    every: int = 1
    motion: float = 0.0
    direction: float = 0.0

    @property
    def branches(self) -> int:
        """How many predictions guidance compares."""
        return 1 + (self.scale != 1) + (self.motion != 0) + (self.direction != 0)

    def at(self, timestep: float, num_timesteps: int) -> bool:
        """Whether there is guidance at a timestep."""
        low, high = self.interval
        return self.branches > 1 and low <= timestep / (num_timesteps - 1) <= high


def clean_latents(
    prediction: Tensor, latents: Tensor, level: tuple[float, float], kind: Prediction
) -> Tensor:
    """The clean latents of a prediction (v: Salimans & Ho 2022), in the shape of the latents."""
    a, sigma = level
    if kind == "v":
        return a * latents - sigma * prediction
    return (latents - sigma * prediction) / a


@dataclass(frozen=True)
class Branches:
    """The predictions that guidance compares: for the text, for the negative text, and those without.

    `still`: the network without its layers over frames. `unacted`: the text in which nobody acts. `together`:
    text and negative text run in one pass if they have the same shape; the result is the same but for
    rounding.
    """

    network: Network
    text: Tensor
    negative: Tensor
    still: Network | None = None
    unacted: Tensor | None = None
    together: bool = False

    def answer(self, latents: Tensor, t: Tensor) -> Tensor:
        """The prediction for the text."""
        return self.network(latents, t, self.text)

    def guided(self, latents: Tensor, t: Tensor, guidance: Guidance) -> tuple[Tensor, Tensor]:
        """The prediction for the text, and what guidance adds to it."""
        if guidance.scale == 1:
            cond = self.answer(latents, t)
            away = torch.zeros_like(cond)
        else:
            cond, uncond = self._both(latents, t)
            away = (guidance.scale - 1) * (cond - uncond)
        if guidance.motion and self.still is not None:
            away = away + guidance.motion * (cond - self.still(latents, t, self.text))
        if guidance.direction and self.unacted is not None:
            away = away + guidance.direction * (cond - self.network(latents, t, self.unacted))
        return cond, away

    def _both(self, latents: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        if self._pair is None:
            return self.answer(latents, t), self.network(latents, t, self.negative)
        cond, uncond = self.network(torch.cat([latents, latents]), torch.cat([t, t]), self._pair).chunk(2)
        return cond, uncond

    @cached_property
    def _pair(self) -> Tensor | None:
        """Both texts as one tensor, the same at every step, so that its keys and values are computed once."""
        alike = self.text.shape == self.negative.shape
        return torch.cat([self.text, self.negative]) if self.together and alike else None


def guided_denoiser(
    branches: Branches, schedule: NoiseSchedule, kind: Prediction, guidance: Guidance
) -> Denoiser:
    """A denoiser with classifier-free guidance (Ho & Salimans 2022) on all channels. Raises RenderError."""
    away: Tensor | None = None  # what guidance added the last time that it was computed
    guided_steps = 0

    def denoise(latents: Tensor, timestep: float) -> Tensor:
        nonlocal away, guided_steps
        t = torch.full((latents.shape[0],), timestep, device=latents.device)
        if not guidance.at(timestep, len(schedule)):
            answer = branches.answer(latents, t)
        else:
            if away is None or guided_steps % guidance.every == 0:
                cond, away = branches.guided(latents, t, guidance)
            else:
                cond = branches.answer(latents, t)
            guided_steps += 1
            answer = _rescaled(cond + away, cond, guidance.rescale)
        if not bool(answer.isfinite().all()):
            raise RenderError(f"the network's output is not finite at timestep {timestep:g}")
        return clean_latents(answer.float(), latents, schedule.level(timestep), kind)

    return denoise


def _rescaled(guided: Tensor, cond: Tensor, share: float) -> Tensor:
    if share == 0:
        return guided
    axes = tuple(range(1, guided.ndim))
    spread = cond.float().std(axes, keepdim=True) / guided.float().std(axes, keepdim=True)
    return share * (guided * spread) + (1 - share) * guided
