from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from t2v.configs import MODELSCOPE, TOON, AutoencoderConfig
from t2v.networks.autoencoder import Autoencoder
from tests.t2v.networks.small import drawn

CONFIG = AutoencoderConfig(
    width=16, channel_multipliers=(1, 2, 2), num_res_blocks=1, norm_groups=4, latent_scale=0.5
)


@pytest.fixture(scope="module")
def model(randomise: Callable[[nn.Module, int], None]) -> Autoencoder:
    out = Autoencoder(CONFIG).eval()
    randomise(out, 2)
    return out


def test_a_latent_is_eight_pixels_wide_and_high_in_both_presets() -> None:
    assert MODELSCOPE.autoencoder.factor == TOON.autoencoder.factor == 8
    assert CONFIG.factor == 4


@torch.inference_mode()
def test_frames_become_latents_and_latents_frames_in_the_shapes_that_are_said(model: Autoencoder) -> None:
    latents = model.encode(drawn(2, 3, 5, 16, 24))
    assert latents.shape == (2, 4, 5, 4, 6)
    assert model.decode(latents).shape == (2, 3, 5, 16, 24)


@torch.inference_mode()
def test_frames_know_nothing_of_one_another(model: Autoencoder) -> None:
    frames = drawn(1, 3, 20, 8, 8)
    together = model.encode(frames)
    decoded = model.decode(together)
    for f in (0, 15, 16, 19):
        alone = model.encode(frames[:, :, f : f + 1])
        torch.testing.assert_close(together[:, :, f : f + 1], alone, rtol=0, atol=1e-5)
        torch.testing.assert_close(decoded[:, :, f : f + 1], model.decode(alone), rtol=0, atol=1e-4)


@torch.inference_mode()
def test_the_latent_scale_is_multiplied_in_and_divided_out_and_nobody_else_sees_it(
    model: Autoencoder,
) -> None:
    plain = Autoencoder(replace(CONFIG, latent_scale=1.0)).eval()
    plain.load_state_dict(model.state_dict())
    frames = drawn(1, 3, 2, 8, 8)
    torch.testing.assert_close(model.encode(frames), plain.encode(frames) * 0.5)
    latents = drawn(1, 4, 2, 2, 2)
    torch.testing.assert_close(model.decode(latents * 0.5), plain.decode(latents))


@torch.inference_mode()
def test_encoding_is_the_posteriors_mean_and_always_the_same(model: Autoencoder) -> None:
    frames = drawn(1, 3, 1, 8, 8)
    mean, log_variance = model.posterior(frames[:, :, 0])
    torch.testing.assert_close(model.encode(frames)[:, :, 0], mean * 0.5)
    assert torch.equal(model.encode(frames), model.encode(frames))
    assert log_variance.shape == mean.shape


@torch.inference_mode()
def test_what_is_decoded_is_not_clamped(model: Autoencoder) -> None:
    assert model.decode(drawn(1, 4, 1, 4, 4) * 20).abs().max() > 1
