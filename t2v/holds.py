"""Given frames: films to start from and frames that are held, as latents.

First frame, in-between frames and going on from a clip are all one thing: some frames are known, and at every
step the denoiser's answer for them is what is known (the replacement method of Song et al. 2021, as in Video
Diffusion Models, Ho et al. 2022). A sampler moves every frame for itself, so they stay on their way from the
noise to where they are held.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from t2v.denoise import Denoiser


def resized(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (f, h, w, 3) at another size, resampled; at its own size as it is."""
    if frames.shape[1:3] == (height, width):
        return frames
    images = rearrange(torch.from_numpy(frames.copy()), "f h w c -> f c h w").float()
    out = F.interpolate(images, (height, width), mode="bicubic", antialias=True)
    return rearrange(out.round().clamp(0, 255).to(torch.uint8), "f c h w -> f h w c").numpy()


def as_tensor(frames: np.ndarray) -> Tensor:
    """uint8 (f, h, w, 3) -> (1, 3, f, h, w) in [-1, 1]."""
    return rearrange(torch.from_numpy(frames.copy()).float() / 127.5 - 1, "f h w c -> 1 c f h w")


def stacked(hold: Mapping[int, np.ndarray], num_frames: int) -> tuple[np.ndarray, list[int]]:
    """The held frames in the order of their places (f, h, w, 3), and these places, counted from 0."""
    places = {index % num_frames: frame for index, frame in hold.items()}
    return np.stack([places[i] for i in sorted(places)]), sorted(places)


def put(latents: Tensor, held: Tensor, places: list[int]) -> Tensor:
    """The latents (b, c, f, h, w) with the held ones at their places."""
    out = latents.clone()
    out[:, :, places] = held.to(out.dtype)
    return out


def holding(denoise: Denoiser, held: Tensor, places: list[int]) -> Denoiser:
    """A denoiser that knows the answer for the held frames."""
    return lambda latents, timestep: put(denoise(latents, timestep), held, places)
