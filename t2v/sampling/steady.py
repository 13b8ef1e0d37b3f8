"""What hardly moves in a film is held still: less flicker where nothing happens."""

from __future__ import annotations

from torch import Tensor


def steadied(latents: Tensor, deviation: float) -> Tensor:
    """What moves no more than by `deviation` over the frames of (b, c, f, h, w) is held still; more stays.

    Each place's difference from its mean over the frames is shrunk as James & Stein (1961) shrink a mean of
    several values, by 1 - deviation² / (its own mean square over frames and channels), never below 0.
    """
    if not deviation:
        return latents
    mean = latents.mean(2, keepdim=True)
    motion = latents - mean
    spread = motion.square().mean((1, 2), keepdim=True)
    return mean + motion * (1 - deviation**2 / spread.clamp_min(1e-12)).clamp_min(0)
