"""What latents show without the decoder."""

from __future__ import annotations

import numpy as np
import torch

import t2v
from t2v.sampling.preview import latent_colours, preview_frame


def test_the_colours_of_a_picture_are_near_its_own():
    model = t2v.load("toon", device="cpu", dtype=torch.float32)
    colours = latent_colours(model.autoencoder)
    assert colours.shape == (9, 3)
    left, right = (230, 60, 40), (40, 70, 220)
    frame = np.zeros((64, 112, 3), np.uint8)
    frame[:, :56], frame[:, 56:] = left, right
    pixels = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    with torch.inference_mode():
        shown = preview_frame(model.autoencoder.encode(pixels), colours)
    assert shown.shape == (8, 14, 3)
    for half, colour in ((shown[:, :6], left), (shown[:, 8:], right)):
        assert np.abs(half.mean((0, 1)) - colour).max() < 70  # tells red from blue


def test_latents_that_are_no_numbers_show_something(make_tiny):
    model = make_tiny()
    latents = torch.full((1, model.preset.autoencoder.latent_channels, 3, 4, 5), torch.nan)
    assert preview_frame(latents, latent_colours(model.autoencoder)).shape == (4, 5, 3)
