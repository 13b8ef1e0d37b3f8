"""Small differences between frames are taken out, large ones stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from t2v.pipeline import TextToVideo
from t2v.sampling.samplers import shrink_small_motion


def moving(deviation: float) -> torch.Tensor:
    """Latents (1, 4, 16, 3, 5) that differ from frame to frame by so much."""
    generator = torch.Generator().manual_seed(3)
    still = torch.randn(1, 4, 1, 3, 5, generator=generator)
    return still + deviation * torch.randn(1, 4, 16, 3, 5, generator=generator)


def test_what_moves_less_is_held_still_and_nothing_drifts() -> None:
    latents = moving(0.05)
    out = shrink_small_motion(latents, 0.1)
    assert torch.equal(out, latents.mean(2, keepdim=True).expand_as(latents))


def test_what_moves_more_keeps_its_motion() -> None:
    latents = moving(1.0)
    out = shrink_small_motion(latents, 0.1)
    assert not torch.equal(out, latents)
    torch.testing.assert_close(out, latents, rtol=0.02, atol=0.06)
    torch.testing.assert_close(out.mean(2), latents.mean(2))


def test_places_are_held_still_by_themselves() -> None:
    latents = torch.cat([moving(0.05)[..., :2], moving(1.0)[..., 2:]], -1)
    out = shrink_small_motion(latents, 0.1)
    assert float(out[..., :2].std(2).max()) < 1e-6
    assert float(out[..., 2:].std(2).min()) > 0.3


def test_a_deviation_of_0_and_a_single_frame_change_nothing() -> None:
    latents = moving(0.05)
    assert shrink_small_motion(latents, 0.0) is latents
    assert torch.equal(shrink_small_motion(latents[:, :, :1], 0.1), latents[:, :, :1])


def test_a_preset_says_how_steady_its_films_are(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    still = make_tiny(replace(tiny.preset, steadiness=1e3)).generate("a cat", seed=2).frames
    assert np.abs(np.diff(tiny.generate("a cat", seed=2).frames.astype(int), axis=0)).max() > 0
    assert np.abs(np.diff(still.astype(int), axis=0)).max() <= 1
