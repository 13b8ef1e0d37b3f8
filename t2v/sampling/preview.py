"""Previews of latents without the decoder: a linear map from latents to colours."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import Tensor

from t2v.networks.autoencoder import Autoencoder


@torch.inference_mode()
def latent_colours(autoencoder: Autoencoder) -> np.ndarray:
    """The linear map (c + 1, 3) from a latent and a one to red, green and blue in [0, 1].

    Fitted by least squares to what the autoencoder makes of 27 pictures of one colour each.
    """
    plain = np.array(list(product((0.0, 0.5, 1.0), repeat=3)), np.float32)
    side = 2 * autoencoder.config.factor
    frames = torch.from_numpy(plain * 2 - 1).T[None, :, :, None, None].expand(1, 3, len(plain), side, side)
    device = next(autoencoder.parameters()).device
    latents = autoencoder.encode(frames.to(device)).float().mean((3, 4))[0].T.cpu().numpy()
    known = np.concatenate([latents, np.ones((len(plain), 1), np.float32)], axis=1)
    return np.linalg.lstsq(known, plain, rcond=None)[0].astype(np.float32)


def preview_frame(latents: Tensor, colours: np.ndarray) -> np.ndarray:
    """The middle frame of latents (1, c, f, h, w) as uint8 (h, w, 3), a pixel a latent."""
    middle = latents[0, :, latents.shape[2] // 2].float().cpu().numpy()
    known = np.concatenate([middle, np.ones((1, *middle.shape[1:]), np.float32)])
    mixed = np.einsum("chw,cr->hwr", known, colours)
    return (np.nan_to_num(mixed).clip(0, 1) * 255).astype(np.uint8)
