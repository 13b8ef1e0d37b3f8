"""A watermark is cut away or covered, at the same place of the clip in every shape of film."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.picture import watermark
from flows.studio.picture.fit import fit_frame
from flows.studio.picture.watermark import Treatment

GREEN = (40, 190, 60)


def marked(height=64, width=64, rows=(44, 49)):
    """A grey clip's frame with a green strip where film models write their word."""
    frame = np.full((height, width, 3), 120, np.uint8)
    frame[rows[0] : rows[1], width * 3 // 10 : width * 7 // 10] = GREEN
    return frame


def greens(picture):
    channels = picture.astype(int)
    return int((channels[..., 1] - channels[..., ::2].max(axis=2) > 40).sum())


@pytest.mark.parametrize("framing", ["blur", "crop", "letterbox"])
@pytest.mark.parametrize("size", [(320, 180), (180, 180), (180, 320)])
@pytest.mark.parametrize("is_drawn", [True, False])
def test_the_badge_covers_the_strip(framing, size, is_drawn):
    width, height = size
    plain = fit_frame(marked(), width=width, height=height, framing=framing)
    assert greens(plain) > 100
    how = Treatment(is_drawn, "bug", "A Show")
    seen = how.fitted(marked(), width=width, height=height, framing=framing)
    assert seen.shape == (height, width, 3)
    assert greens(seen) == 0


def test_the_badge_says_the_shows_name_and_leaves_the_rest_alone():
    grey = np.full((90, 160, 3), 120, np.uint8)
    one = Treatment(False, "bug", "A Show").fitted(grey, width=640, height=360)
    other = Treatment(False, "bug", "A Shoe").fitted(grey, width=640, height=360)
    assert not np.array_equal(one, other)
    left, top, right, bottom = (
        round(s * n) for s, n in zip(watermark.BADGE, (640, 360, 640, 360), strict=True)
    )
    outside = one.copy()
    outside[top - 1 : bottom + 1, left - 1 : right + 1] = 120
    assert (outside == 120).all()
    assert (one[top + 2 : bottom - 2, left + 20 : right - 20] != 120).any(axis=2).all()


def test_a_crop_takes_the_lowest_tenth_and_keeps_the_shape():
    frame = marked(rows=(58, 64))
    left = watermark.crop_watermark(frame)
    assert left.shape == (57, 57, 3)
    assert np.array_equal(left, frame[:57, 3:60])
    seen = Treatment(False, "crop").fitted(frame, width=180, height=180)
    assert seen.shape == (180, 180, 3)
    assert greens(seen) == 0
    assert (seen == 120).all()  # the whole frame is filled


def test_nothing_is_hidden_unless_it_is_asked_for():
    frame = marked()
    assert np.array_equal(
        Treatment().fitted(frame, width=180, height=180), fit_frame(frame, width=180, height=180)
    )
