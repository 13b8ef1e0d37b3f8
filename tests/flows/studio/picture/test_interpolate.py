"""Frames between frames follow what moves, and leave the clip's own as they are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from flows.studio.picture.interpolate import interpolate


@pytest.fixture(scope="module")
def fine():
    """A pan over a soft texture, 24 frames a second."""
    small = np.random.default_rng(0).integers(0, 255, (8, 16, 3), dtype=np.uint8)
    wide = np.asarray(Image.fromarray(small).resize((192, 96), Image.Resampling.BICUBIC))
    return np.stack([wide[:, i : i + 96] for i in range(18)])


@pytest.mark.parametrize("num_frames", [2, 3, 6])
def test_what_moves_is_found_half_way(fine, num_frames):
    clip = fine[: 3 * num_frames : 3]
    made = interpolate(clip)
    assert made.shape == (3 * num_frames, 96, 96, 3)
    assert np.array_equal(made[::3], clip)
    wanted = fine[: 3 * num_frames - 2].astype(int)
    off = np.abs(made[: len(wanted)] - wanted).mean()
    held = np.abs(np.repeat(clip, 3, axis=0)[: len(wanted)] - wanted).mean()
    assert off < 0.5 * held
    assert np.array_equal(made[-2], made[-1])


def test_a_still_is_held():
    still = np.full((1, 16, 16, 3), 9, np.uint8)
    assert np.array_equal(interpolate(still), np.repeat(still, 3, axis=0))
