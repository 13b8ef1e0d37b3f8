"""Enlarging fills the frame and crops nothing."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.picture import fit, upscaler
from flows.studio.picture.fit import fit_frame, fit_frames
from flows.studio.picture.upscaler import Upscaler

RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 20), (20, 20, 230), (240, 240, 240)


def framed(height, width):
    """Grey with a border of four pixels: red above, green below, blue left, white right."""
    frame = np.full((height, width, 3), 128, np.uint8)
    frame[:, :4], frame[:, -4:] = BLUE, WHITE
    frame[:4], frame[-4:] = RED, GREEN
    return frame[None]


def is_near(pixel, colour):
    return np.abs(pixel.astype(int) - colour).max() < 60


@pytest.mark.parametrize(
    ("small", "large"), [((64, 112), (720, 1280)), ((80, 80), (720, 720)), ((64, 112), (90, 160))]
)
def test_the_whole_picture_fills_the_frame(small, large):
    height, width = large
    frames = fit_frames(framed(*small), width=width, height=height)
    assert frames.shape == (1, height, width, 3)
    assert frames.dtype == np.uint8
    frame, margin = frames[0], height // 40
    assert is_near(frame[margin, width // 2], RED)
    assert is_near(frame[-margin, width // 2], GREEN)
    assert is_near(frame[height // 2, margin], BLUE)
    assert is_near(frame[height // 2, -margin], WHITE)


def test_edges_are_cleaner_than_a_plain_enlargement():
    from PIL import Image

    small = np.full((40, 40, 3), 250, np.uint8)
    for x in range(40):
        small[x // 2 + 8 : x // 2 + 12, x] = (20, 20, 20)
    large = fit_frames(small[None], width=320, height=320)[0].astype(float)
    plain = np.asarray(Image.fromarray(small).resize((320, 320), Image.Resampling.BICUBIC)).astype(float)

    def grey(picture):
        return ((picture > 60) & (picture < 210)).mean()

    assert grey(large) < 0.8 * grey(plain)


def test_a_square_picture_in_a_tall_film_stands_on_itself_blurred():
    frame = fit_frames(framed(80, 80), width=360, height=640)[0]
    assert frame.shape == (640, 360, 3)
    top = round(640 * fit.SCREEN_TOP)
    assert is_near(frame[top + 6, 180], RED)
    assert is_near(frame[top + 360 - 6, 180], GREEN)
    around = np.concatenate([frame[: top - 2], frame[top + 362 :]]).astype(float)
    assert around.mean() > 40  # never black
    assert np.abs(np.diff(around[-150:], axis=1)).max() < 20  # and without an edge


def test_equal_frames_are_enlarged_equally():
    frames = np.repeat(framed(32, 56), 3, axis=0)
    large = fit_frames(frames, width=160, height=90)
    assert np.array_equal(large[0], large[1])
    assert np.array_equal(large[0], large[2])


def test_a_network_that_there_is_not_is_refused_instead_of_silently_replaced(monkeypatch):
    monkeypatch.setattr(upscaler, "ACNET", Upscaler("acnet-hdn9", upscaler._acnet))
    upscaler._network.cache_clear()
    with pytest.raises(StudioError, match="acnet-hdn9"):
        fit_frames(framed(32, 32), width=64, height=64)
    upscaler._network.cache_clear()


def test_a_crop_fills_the_frame_and_a_letterbox_stands_on_black():
    frame = np.full((64, 112, 3), 200, np.uint8)
    frame[:, :20] = 10  # the left edge, which a crop to the middle takes away
    cropped = fit_frame(frame, width=90, height=160, framing="crop")
    assert cropped.shape == (160, 90, 3)
    assert cropped.min() > 150
    boxed = fit_frame(frame, width=90, height=160, framing="letterbox")
    assert boxed[:40].max() == boxed[-40:].max() == 0
    assert boxed[80, 60].min() > 150


def test_a_crop_of_a_tall_picture_keeps_more_of_its_top():
    frame = np.zeros((100, 50, 3), np.uint8)
    frame[20:30] = 255
    cropped = fit_frame(frame, width=100, height=100, framing="crop")
    assert cropped.max() > 200


def test_a_picture_that_nobody_drew_is_enlarged_by_lanczos_alone(monkeypatch):
    from PIL import Image

    monkeypatch.setattr(upscaler, "_network", lambda: pytest.fail("the network was asked"))
    noise = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(noise).resize((160, 160), Image.Resampling.LANCZOS))
    assert np.array_equal(fit_frame(noise, width=160, height=160, is_drawn=False), wanted)
    assert np.array_equal(fit_frames(noise[None], width=160, height=160, is_drawn=False)[0], wanted)
    assert fit_frame(noise, width=160, height=90, is_drawn=False).shape == (90, 160, 3)


def test_without_the_network_drawn_frames_are_resized_by_lanczos_and_that_is_said(monkeypatch):
    noise = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert upscaler.describe_fallback(1) is None
    monkeypatch.setattr(upscaler, "find_spec", lambda name: None)
    plain = fit_frame(noise, width=80, height=80, is_drawn=False)
    assert np.array_equal(fit_frame(noise, width=80, height=80), plain)
    assert "Lanczos" in str(upscaler.describe_fallback(1))
    assert upscaler.describe_fallback(0) is None
    assert upscaler.describe_fallback(2) is None, "the network in the package enlarges four times"
