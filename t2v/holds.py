"""Given frames: films to start from and frames that are held, as latents.

First frame, in-between frames and going on from a clip are all one thing: some frames are known, and at every
step the denoiser's answer for them is what is known (the replacement method of Song et al. 2021, as in Video
Diffusion Models, Ho et al. 2022). A sampler moves every frame for itself, so they stay on their way from the
noise to where they are held. The method alone binds the frames beside them weakly, so those lean on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from t2v.denoise import Denoiser
from t2v.schedule import NoiseSchedule


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


@dataclass(frozen=True)
class Lean:
    """What held frames suggest for all, latents (b, c, f, h, w), and how far the nearest is (f, 1, 1).

    At `last`, the timestep of the final answer, every frame is the network's own.
    """

    towards: Tensor
    distances: Tensor
    last: float


def leaning(held: Tensor, places: list[int], num_frames: int, *, loop: bool, last: float) -> Lean:
    """The suggestion of held latents (b, c, k, h, w) at `places`: between two of them both by their distance,
    else the nearest one. In a loop they go on over its end.
    """
    turns = (-num_frames, 0, num_frames) if loop else (0,)
    known = [(place + turn, i) for turn in turns for i, place in enumerate(places)]
    frames, distances = [], []
    for frame in range(num_frames):
        left = max((k for k in known if k[0] <= frame), default=known[0])
        right = min((k for k in known if k[0] >= frame), default=known[-1])
        share = (frame - left[0]) / (right[0] - left[0]) if left[0] < frame < right[0] else 0.0
        frames.append(torch.lerp(held[:, :, left[1]], held[:, :, right[1]], share))
        distances.append(min(abs(frame - left[0]), abs(right[0] - frame)))
    return Lean(torch.stack(frames, dim=2), held.new_tensor(distances)[:, None, None], last)


def holding(
    denoise: Denoiser, held: Tensor, places: list[int], schedule: NoiseSchedule, lean: Lean | None = None
) -> Denoiser:
    """A denoiser that knows the answer for the held frames, and leans on it for the others where `lean` says.

    Under much noise a network has little but the text to go by, and would settle on a picture of its own
    before it sees what is held. So its answers take a share of what the held frames suggest there: sigma to
    the power of 1 + distance, which falls with the noise, and the sooner the farther away a frame is.
    """

    def known(latents: Tensor, timestep: float) -> Tensor:
        clean = denoise(latents, timestep)
        if lean is not None and timestep > lean.last:
            _, sigma = schedule.level(timestep)
            clean = torch.lerp(clean, lean.towards, sigma ** (1 + lean.distances))
        return put(clean, held, places)

    return known
