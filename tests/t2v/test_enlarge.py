"""The network that enlarges drawn pictures four times."""

import numpy as np
from PIL import Image

from t2v.enlarge import SCALE, enlarge


def drawing():
    """A disc with a dark outline on a flat ground, uint8 (32, 56, 3): the mean over 4x4 of a larger one."""
    y, x = np.mgrid[0:128, 0:224]
    large = np.full((128, 224, 3), (120, 180, 230), np.uint8)
    large[(x - 100) ** 2 + (y - 60) ** 2 < 40**2] = (20, 20, 30)
    large[(x - 100) ** 2 + (y - 60) ** 2 < 32**2] = (230, 90, 40)
    return large.reshape(32, 4, 56, 4, 3).mean((1, 3)).round().astype(np.uint8)


def steepest(picture):
    """The largest step from a pixel to the next, along the row through the disc's middle."""
    return int(np.abs(np.diff(picture[60, :, 0].astype(int))).max())


def test_outlines_are_steeper_than_by_lanczos():
    small = drawing()
    large = enlarge(small)
    assert large.shape == (32 * SCALE, 56 * SCALE, 3)
    assert large.dtype == np.uint8
    plain = np.asarray(Image.fromarray(small).resize((224, 128), Image.Resampling.LANCZOS))
    assert steepest(large) > 1.5 * steepest(plain)


def test_the_same_frame_gives_the_same_pixels_and_flat_colours_stay():
    small = drawing()
    assert np.array_equal(enlarge(small), enlarge(small[:, ::-1][:, ::-1]))
    flat = np.full((8, 12, 3), (230, 90, 40), np.uint8)
    assert np.abs(enlarge(flat)[4:-4, 4:-4].astype(int) - flat[0, 0]).max() <= 8
