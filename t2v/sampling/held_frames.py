"""Given frames: clips to start from, and frames that are held.

A first frame, in-betweening and continuation are one thing: some frames are known, and at every step the
denoiser returns them (the replacement method of Song et al. 2021, as in Video Diffusion Models, Ho et al.
2022). A sampler treats every frame by itself, so that they go from the noise to the known frame. The method
alone binds the other frames weakly, so these are corrected, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from t2v.sampling.guidance import Denoiser

PULL = 0.8  # share of a held frame's correction at a distance of one frame, to its power farther away


def resize_frames(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (f, h, w, 3) resampled to another size; unchanged at its own size."""
    if frames.shape[1:3] == (height, width):
        return frames
    images = rearrange(torch.from_numpy(frames.copy()), "f h w c -> f c h w").float()
    out = F.interpolate(images, (height, width), mode="bicubic", antialias=True)
    return rearrange(out.round().clamp(0, 255).to(torch.uint8), "f c h w -> f h w c").numpy()


def frames_to_tensor(frames: np.ndarray) -> Tensor:
    """uint8 (f, h, w, 3) to fp32 (1, 3, f, h, w) in [-1, 1]."""
    return rearrange(torch.from_numpy(frames.copy()).float() / 127.5 - 1, "f h w c -> 1 c f h w")


def stack_held(hold: Mapping[int, np.ndarray], num_frames: int) -> tuple[np.ndarray, list[int]]:
    """The held frames (k, h, w, 3) in the order of their indices, and these, counted from 0."""
    by_index = {index % num_frames: frame for index, frame in hold.items()}
    return np.stack([by_index[i] for i in sorted(by_index)]), sorted(by_index)


def put_frames(latents: Tensor, held: Tensor, indices: list[int]) -> Tensor:
    """The latents (b, c, f, h, w) with the held ones (b, c, k, h, w) at their indices."""
    out = latents.clone()
    out[:, :, indices] = held.to(out.dtype)
    return out


def correction_shares(indices: list[int], num_frames: int, *, loop: bool) -> Tensor:
    """The share (f, k) of each held frame's correction that every frame takes.

    A held frame takes all of its own, another one less with each frame of distance: between two held frames
    of both, weighted by distance, otherwise of the nearest. In a loop, distances go over the end, and no
    share is lost with distance.
    """
    turns = (-num_frames, 0, num_frames) if loop else (0,)
    known = [(index + turn, i) for turn in turns for i, index in enumerate(indices)]
    shares = torch.zeros(num_frames, len(indices))
    for frame in range(num_frames):
        left = max((k for k in known if k[0] <= frame), default=known[0])
        right = min((k for k in known if k[0] >= frame), default=known[-1])
        share = (frame - left[0]) / (right[0] - left[0]) if left[0] < frame < right[0] else 0.0
        shares[frame, left[1]] += 1 - share
        shares[frame, right[1]] += share
        if not loop:
            shares[frame] *= PULL ** min(abs(frame - left[0]), abs(right[0] - frame))
    return shares


def hold_frames(
    denoise: Denoiser, held: Tensor, indices: list[int], shares: Tensor | None = None
) -> Denoiser:
    """A denoiser that returns the held latents (b, c, k, h, w), and corrects the other frames by `shares`.

    The correction of a held frame is the held latents less the network's own. The network's error is much the
    same in frames near by, so that adding the correction to them keeps them in the held picture and leaves
    the motion between frames unchanged. This is the reconstruction guidance of Ho et al. (2022) with the
    network's derivative taken as equal for frames near by, so without backpropagation.
    """

    def known(latents: Tensor, timestep: float) -> Tensor:
        clean = denoise(latents, timestep)
        if shares is not None:
            wrong = held.to(clean.dtype) - clean[:, :, indices]
            clean = clean + torch.einsum("f k, b c k h w -> b c f h w", shares.to(clean), wrong)
        return put_frames(clean, held, indices)

    return known
