"""Decoding in tiles: placed and blended exactly, and of nearly the whole picture's tone."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import t2v
from t2v.networks.tiles import decode_in_tiles, tile_starts
from t2v.pipeline import TextToVideo


@pytest.mark.parametrize("size", [(48, 48), (49, 70), (10, 200), (97, 33)])
def test_a_decoder_that_looks_at_near_places_alone_gives_the_whole_pictures_answer(
    size: tuple[int, int],
) -> None:
    def decode(latents: Tensor) -> Tensor:
        assert max(latents.shape[-2:]) <= 48
        return F.interpolate(latents[:, :3], scale_factor=4.0)

    latents = torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(1))
    wanted = F.interpolate(latents[:, :3], scale_factor=4.0)
    torch.testing.assert_close(decode_in_tiles(decode, latents, 48, 4), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("length", "count"), [(20, 1), (48, 1), (49, 2), (84, 2), (85, 3), (400, 11)])
def test_tiles_cover_an_axis_and_overlap_by_a_quarter_at_least(length: int, count: int) -> None:
    places = tile_starts(length, 48, 12)
    assert len(places) == count
    assert places[-1] == max(0, length - 48)
    assert all(0 < b - a <= 36 for a, b in pairwise(places))


@torch.inference_mode()
def test_a_smooth_picture_in_tiles_is_off_in_tone_by_no_more_than_told_and_has_no_seam() -> None:
    model: TextToVideo = t2v.load("toon", dtype=torch.float32)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 448), torch.linspace(-1, 1, 448), indexing="ij")
    picture = torch.stack([0.6 * y, 0.6 * x, 0.3 * (y + x)])[None, :, None]
    latents = model.autoencoder.encode(picture)
    whole = model.autoencoder.decode(latents)
    tiled = model.autoencoder.decode(latents, tile=32)
    off = tiled - whole  # of frames from -1 to 1
    assert 0 < off.abs().mean() < 0.05
    for axes in ((1, 2, 3), (1, 2, 4)):
        lines = off.mean(dim=axes)[:, 8:-8]  # the picture's own edge is a latent wide, and no seam
        assert lines.diff().abs().max() < 0.08  # the step in tone from one line to the next
