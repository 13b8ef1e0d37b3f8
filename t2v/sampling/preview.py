"""Previews: a small picture of the middle frame of clean latents, while a clip is filmed.

`decode_preview` asks the autoencoder. `colour_preview` does without it, by a linear map from latents to
colours, a pixel a latent.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from t2v.networks.autoencoder import Autoencoder

MOST_LATENTS = 2048  # that are decoded; larger frames are averaged down to so many
RIDGE = 0.01  # share of the mean square that keeps rare latents from strong colours


def decode_preview(autoencoder: Autoencoder, clean: Tensor) -> np.ndarray:
    """The middle frame of clean latents (1, c, f, h, w), decoded, as uint8 (h', w', 3).

    A frame of more than MOST_LATENTS latents is averaged down first, which shows the same picture, smaller
    and softer: decoding costs as much as there are latents.
    """
    frame = _finite(clean[:, :, clean.shape[2] // 2])
    height, width = frame.shape[-2:]
    scale = math.sqrt(MOST_LATENTS / (height * width))
    if scale < 1:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        frame = F.interpolate(frame, size, mode="area")
    pixels = autoencoder.decode(rearrange(frame, "b c h w -> b c 1 h w"))[0, :, 0]
    return _to_uint8(rearrange(pixels.float() * 0.5 + 0.5, "c h w -> h w c").cpu().numpy())


@torch.inference_mode()
def latent_colours(autoencoder: Autoencoder) -> np.ndarray:
    """The linear map (c + 1, 3) from a latent and a one to red, green and blue in [0, 1].

    Fitted by ridge regression to what the autoencoder makes of a picture of coloured rectangles, 16 latents
    a side. Pictures of one colour each would not do: they say nothing of the latents that carry edges.
    """
    factor = autoencoder.config.factor
    picture = _rectangles(16 * factor)
    pixels = torch.from_numpy(picture * 2 - 1).to(next(autoencoder.parameters()).device)
    latents = autoencoder.encode(rearrange(pixels, "h w c -> 1 c 1 h w")).float().cpu().numpy()
    colours = picture.reshape(16, factor, 16, factor, 3).mean((1, 3)).reshape(-1, 3)
    known = rearrange(latents, "1 c 1 h w -> (h w) c")
    known = np.concatenate([known, np.ones((len(known), 1), np.float32)], axis=1)
    squares = known.T @ known
    ridge = RIDGE * np.trace(squares) / len(squares) * np.eye(len(squares))
    ridge[-1, -1] = 0
    return np.linalg.solve(squares + ridge, known.T @ colours).astype(np.float32)


def _rectangles(side: int) -> np.ndarray:
    """Forty overlapping rectangles of random colours, always the same ones: (side, side, 3) in [0, 1]."""
    random = np.random.default_rng(0)
    picture = np.full((side, side, 3), random.random(3), np.float32)
    for _ in range(40):
        top, left = random.integers(0, side, 2)
        height, width = random.integers(4, side // 2, 2)
        picture[top : top + height, left : left + width] = random.random(3)
    return picture


def colour_preview(clean: Tensor, colours: np.ndarray) -> np.ndarray:
    """The middle frame of clean latents (1, c, f, h, w) as uint8 (h, w, 3), a pixel a latent.

    `colours` are those of `latent_colours`.
    """
    middle = _finite(clean[0, :, clean.shape[2] // 2]).cpu().numpy()
    known = np.concatenate([middle, np.ones((1, *middle.shape[1:]), np.float32)])
    return _to_uint8(np.einsum("chw,cr->hwr", known, colours))


def _finite(latents: Tensor) -> Tensor:
    return latents.float().nan_to_num(0.0, 0.0, 0.0)


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    return (np.nan_to_num(picture).clip(0, 1) * 255).astype(np.uint8)
