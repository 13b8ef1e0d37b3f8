"""Noise schedule and timesteps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t2v.configs import ScheduleConfig, Spacing


@dataclass(frozen=True)
class NoiseSchedule:
    """Share of the signal's variance at every timestep: (num_timesteps,), fp64, falling.

    `shared_noise`: share of the noise's variance that all frames of a clip have in common, as in "Preserve
    Your Own Correlation" (Ge et al. 2023), so that still parts of a film get the same noise in every frame.
    """

    alphas_cumprod: Tensor
    shared_noise: float = 0.0

    def level(self, timestep: float) -> tuple[float, float]:
        """The factors (a, sigma) of clean latents and noise at a timestep; below 0 there is no noise.

        Between two timesteps the logarithm of their quotient is interpolated, as k-diffusion does.
        """
        if timestep < 0:
            return 1.0, 0.0
        low = int(timestep)
        if low == timestep:
            a = float(self.alphas_cumprod[low])
            return a**0.5, (1 - a) ** 0.5
        share = timestep - low
        log_sigma = (1 - share) * self._log_sigma(low) + share * self._log_sigma(low + 1)
        a = 1 / (1 + math.exp(2 * log_sigma))
        return a**0.5, (1 - a) ** 0.5

    def _log_sigma(self, timestep: int) -> float:
        a = float(self.alphas_cumprod[timestep])
        return 0.5 * math.log((1 - a) / a) if a > 0 else math.inf

    def noise(self, shape: Sequence[int], generator: torch.Generator | None) -> Tensor:
        """Noise (b, c, f, h, w) in fp32, of variance 1, drawn on the CPU."""
        return self.shared(torch.randn(tuple(shape), generator=generator), generator)

    def shared(self, noise: Tensor, generator: torch.Generator | None) -> Tensor:
        """Noise (b, c, f, h, w) mixed with noise that all frames share; unchanged if `shared_noise` is 0."""
        if not self.shared_noise:
            return noise
        common = torch.randn(*noise.shape[:2], 1, *noise.shape[3:], generator=generator)
        return self.shared_noise**0.5 * common + (1 - self.shared_noise) ** 0.5 * noise

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
    return NoiseSchedule(signal.square(), config.shared_noise)


def shift_timestep(timestep: float, num_timesteps: int, shift: float) -> int:
    """A timestep moved towards noise: its share u of all becomes k u / (1 + (k - 1) u) with `shift` k.

    Source: Esser et al. 2024, "Scaling Rectified Flow Transformers", section 5.3.2: a picture of twice the
    side averages noise away twice as well, which k = 2 makes good. A timestep before 0 stays.
    """
    u = (timestep + 1) / num_timesteps
    return max(-1, round(shift * u / (1 + (shift - 1) * u) * num_timesteps) - 1)


def timesteps(
    num_steps: int,
    schedule: NoiseSchedule,
    spacing: Spacing,
    *,
    to_clean: bool = False,
    shift: float = 1.0,
) -> list[float]:
    """The timesteps that a sampler visits, noisiest first, and at the end the one where it arrives.

    "modelscope": `1 + arange(0, 1000, 1000 // num_steps)`, a step more where 1000 does not divide; "leading"
    and "trailing" as in table 2 of Lin et al. 2023, leading with an offset of 1; "karras": evenly spaced in
    the seventh root of sigma / a (Karras et al. 2022, equation 5), so not in whole timesteps; "lcm": the
    `num_steps` that a network distilled over 50 was trained on. The first two arrive at timestep 0, where a
    little noise is left, as ModelScope does, unless `to_clean`; the others at -1, where there is none.
    Those two visit a timestep once: with a stride of 1 they take a step less than 1000.
    Where its stride divides 999 (3, 9, 27, 37, 111 and 333 steps) the original's first step goes one timestep
    too far for its second one; here it goes where the second begins.
    `shift` moves all but the last of them towards noise (`shift_timestep`), each visited once.
    """
    if shift != 1:
        *visited, end = timesteps(num_steps, schedule, spacing, to_clean=to_clean)
        return [*dict.fromkeys(shift_timestep(t, len(schedule), shift) for t in visited), end]
    n = len(schedule)
    if not 1 <= num_steps <= n:
        raise ValueError(f"wanted 1 to {n} steps, got {num_steps}")
    end = -1 if to_clean else 0
    stride = n // num_steps
    if spacing == "modelscope":
        return [*dict.fromkeys(min(t + 1, n - 1) for t in reversed(range(0, n, stride))), end]
    if spacing == "leading":
        return [*dict.fromkeys(min(i * stride + 1, n - 1) for i in reversed(range(num_steps))), end]
    if spacing == "karras":
        return [*_karras(num_steps, schedule), -1]
    if spacing == "lcm":
        return [*_distilled(num_steps, n), -1]
    return [round(n - i * n / num_steps) - 1 for i in range(num_steps + 1)]


def _karras(num_steps: int, schedule: NoiseSchedule, rho: float = 7.0) -> list[float]:
    """Timesteps with evenly spaced (sigma / a) ** (1 / rho), the noisiest first, down to 0."""
    logs = (1 / schedule.alphas_cumprod - 1).log() / 2
    if bool(logs[-1].isinf()):  # no finite sigma / a: this timestep comes first
        last = len(schedule) - 1
        below = NoiseSchedule(schedule.alphas_cumprod[:-1])
        return [last, *_karras(num_steps, below, rho)[1:]]
    share = torch.linspace(0, 1, num_steps, dtype=torch.float64)
    roots = (logs[-1] / rho).exp() * (1 - share) + (logs[0] / rho).exp() * share
    return [_timestep_of(float(log), logs) for log in roots.log() * rho]


def _timestep_of(log: float, logs: Tensor) -> float:
    """The timestep, between two integers, of a value in a rising table with one value a timestep."""
    above = int(torch.searchsorted(logs, log).clamp(1, len(logs) - 1))
    low, high = float(logs[above - 1]), float(logs[above])
    return min(max(above - 1 + (log - low) / (high - low), 0.0), len(logs) - 1.0)


def _distilled(num_steps: int, n: int, trained_on: int = 50) -> list[float]:
    if num_steps > trained_on:
        raise ValueError(f"wanted 1 to {trained_on} steps with spacing 'lcm', got {num_steps}")
    skip = trained_on // num_steps
    return [(trained_on - i * skip) * (n // trained_on) - 1 for i in range(num_steps)]
