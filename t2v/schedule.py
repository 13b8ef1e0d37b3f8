"""Noise schedule and timesteps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from t2v.configs import ScheduleConfig, Spacing


@dataclass(frozen=True)
class NoiseSchedule:
    """Share of the signal's variance at every timestep: (num_timesteps,), fp64, falling."""

    alphas_cumprod: Tensor

    def level(self, timestep: int) -> tuple[float, float]:
        """What multiplies clean latents and noise at a timestep; before timestep 0 there is no noise."""
        a = float(self.alphas_cumprod[timestep]) if timestep >= 0 else 1.0
        return a**0.5, (1 - a) ** 0.5

    def __len__(self) -> int:
        return len(self.alphas_cumprod)


def noise_schedule(config: ScheduleConfig) -> NoiseSchedule:
    """The schedule of betas whose square roots are evenly spaced ("scaled linear")."""
    betas = torch.linspace(
        config.beta_start**0.5, config.beta_end**0.5, config.num_timesteps, dtype=torch.float64
    ).square()
    signal = (1 - betas).cumprod(0).sqrt()
    if config.zero_terminal_snr:  # Lin et al. 2023, "Common Diffusion Noise Schedules …", algorithm 1
        signal = (signal - signal[-1]) * signal[0] / (signal[0] - signal[-1])
    return NoiseSchedule(signal.square())


def timesteps(num_steps: int, schedule: NoiseSchedule, spacing: Spacing) -> list[int]:
    """The timesteps that a sampler visits, noisiest first, and at the end the one where it arrives.

    "modelscope": `1 + arange(0, 1000, 1000 // num_steps)`, a step more where 1000 does not divide; "leading"
    and "trailing" as in table 2 of Lin et al. 2023, leading with an offset of 1. The first two arrive at
    timestep 0, where a little noise is left, as ModelScope does; "trailing" at -1, where there is none.
    """
    n = len(schedule)
    if not 1 <= num_steps <= n:
        raise ValueError(f"wanted 1 to {n} steps, got {num_steps}")
    stride = n // num_steps
    if spacing == "modelscope":
        return [*(min(t + 1, n - 1) for t in reversed(range(0, n, stride))), 0]
    if spacing == "leading":
        return [*(min(i * stride + 1, n - 1) for i in reversed(range(num_steps))), 0]
    return [round(n - i * n / num_steps) - 1 for i in range(num_steps + 1)]
