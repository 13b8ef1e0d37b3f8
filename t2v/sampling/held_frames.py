"""Given frames: films to start from and frames that are held, as latents.

First frame, in-between frames and going on from a clip are all one thing: some frames are known, and at every
step the denoiser's answer for them is what is known (the replacement method of Song et al. 2021, as in Video
Diffusion Models, Ho et al. 2022). A sampler moves every frame for itself, so they stay on their way from the
noise to where they are held. The method alone binds the frames beside them weakly, so those are pulled along.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from t2v.sampling.guidance import Denoiser

PULL = 0.8  # of a held frame's correction, to the power of the distance


def resize_frames(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (f, h, w, 3) at another size, resampled; at its own size as it is."""
    if frames.shape[1:3] == (height, width):
        return frames
    images = rearrange(torch.from_numpy(frames.copy()), "f h w c -> f c h w").float()
    out = F.interpolate(images, (height, width), mode="bicubic", antialias=True)
    return rearrange(out.round().clamp(0, 255).to(torch.uint8), "f c h w -> f h w c").numpy()


def frames_to_tensor(frames: np.ndarray) -> Tensor:
    """uint8 (f, h, w, 3) -> (1, 3, f, h, w) in [-1, 1]."""
    return rearrange(torch.from_numpy(frames.copy()).float() / 127.5 - 1, "f h w c -> 1 c f h w")


def stack_held(hold: Mapping[int, np.ndarray], num_frames: int) -> tuple[np.ndarray, list[int]]:
    """The held frames in the order of their places (f, h, w, 3), and these places, counted from 0."""
    places = {index % num_frames: frame for index, frame in hold.items()}
    return np.stack([places[i] for i in sorted(places)]), sorted(places)


def put_frames(latents: Tensor, held: Tensor, places: list[int]) -> Tensor:
    """The latents (b, c, f, h, w) with the held ones at their places."""
    out = latents.clone()
    out[:, :, places] = held.to(out.dtype)
    return out


def correction_shares(places: list[int], num_frames: int, *, loop: bool) -> Tensor:
    """What share of each held frame's correction every frame takes (f, k): all where it is held, less with
    each frame of distance; between two held ones of both, by their distance, else of the nearest one. A loop
    comes back to them over its end, and so all of its frames take all.
    """
    turns = (-num_frames, 0, num_frames) if loop else (0,)
    known = [(place + turn, i) for turn in turns for i, place in enumerate(places)]
    shares = torch.zeros(num_frames, len(places))
    for frame in range(num_frames):
        left = max((k for k in known if k[0] <= frame), default=known[0])
        right = min((k for k in known if k[0] >= frame), default=known[-1])
        share = (frame - left[0]) / (right[0] - left[0]) if left[0] < frame < right[0] else 0.0
        shares[frame, left[1]] += 1 - share
        shares[frame, right[1]] += share
        if not loop:
            shares[frame] *= PULL ** min(abs(frame - left[0]), abs(right[0] - frame))
    return shares


def hold_frames(denoise: Denoiser, held: Tensor, places: list[int], shares: Tensor | None = None) -> Denoiser:
    """A denoiser that knows the answer for the held frames, and corrects the others by `shares` of theirs.

    A network answers with a picture of its own for all frames, the held ones too, where little but the text
    tells it more. What it got wrong there is known, held less answered, and much the same beside: added to
    the others it keeps them in the held picture and leaves what moves from frame to frame as it was. This is
    the reconstruction guidance of Ho et al. (2022) with the network's derivative taken as the same for all
    frames near by, so without a way back through it.
    """

    def known(latents: Tensor, timestep: float) -> Tensor:
        clean = denoise(latents, timestep)
        if shares is not None:
            wrong = held.to(clean.dtype) - clean[:, :, places]
            clean = clean + torch.einsum("f k, b c k h w -> b c f h w", shares.to(clean), wrong)
        return put_frames(clean, held, places)

    return known
