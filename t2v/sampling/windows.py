"""Clips longer than the network sees at once: overlapping windows of frames, and their noise."""

from __future__ import annotations

import torch
from torch import Tensor

from t2v.sampling.guidance import Network


def frame_windows(num_frames: int, window: int, stride: int, *, loop: bool) -> list[list[int]]:
    """The frame indices of every window; in a loop they go over its end, else the last ends with the clip."""
    if window >= num_frames:
        return [list(range(num_frames))]
    if loop:
        starts = list(range(0, num_frames, stride))
    else:
        starts = [*range(0, num_frames - window, stride), num_frames - window]
    return [[(start + i) % num_frames for i in range(window)] for start in starts]


def windowed_network(network: Network, windows: list[list[int]]) -> Network:
    """The network applied window by window (MultiDiffusion, Bar-Tal et al. 2023).

    Where windows overlap, predictions are averaged with weights that fall linearly from the window's middle.
    """

    def ask(latents: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
        total, weights = torch.zeros_like(latents), latents.new_zeros(latents.shape[2], 1, 1)
        for frames in windows:
            own = text[:, frames] if text.ndim == 4 else text
            answer = network(latents[:, :, frames], timesteps, own).to(latents.dtype)
            pyramid = _pyramid(len(frames)).to(latents)
            total[:, :, frames] += answer * pyramid
            weights[frames] += pyramid
        return total / weights

    return ask


def _pyramid(length: int) -> Tensor:
    ramp = torch.arange(1, length + 1, dtype=torch.float32)
    return torch.minimum(ramp, ramp.flip(0))[:, None, None]


def long_noise(
    shape: tuple[int, ...], window: int, stride: int, generator: torch.Generator, *, loop: bool = False
) -> Tensor:
    """Noise (b, c, f, h, w) in fp32 for a long clip (FreeNoise, Qiu et al. 2023).

    Frames after the first window have its noise, shuffled, so that every window sees the same noise in
    another order. In a loop, the rest after whole windows is new noise, as a window over the end would see
    some noise twice.
    """
    batch, channels, num_frames, *size = shape
    window = min(window, num_frames)
    fresh = num_frames % window if loop else 0
    noise = torch.randn(batch, channels, window, *size, generator=generator)
    order = list(range(window))
    while len(order) < num_frames - fresh:
        chunk = order[len(order) - window : len(order) - window + stride]
        shuffled = torch.randperm(len(chunk), generator=generator).tolist()
        order += [chunk[i] for i in shuffled]
    repeated = noise[:, :, order[: num_frames - fresh]]
    return torch.cat([repeated, torch.randn(batch, channels, fresh, *size, generator=generator)], dim=2)
