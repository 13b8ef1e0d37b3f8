"""What is seen of a clip while it is filmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import t2v
from t2v.memory.plan import STRATEGIES
from t2v.sampling.preview import MOST_LATENTS, colour_preview, decode_preview, latent_colours
from t2v.sampling.samplers import SAMPLERS

PROMPT = "orange cat in the kitchen"


@pytest.fixture(scope="module")
def toon() -> t2v.TextToVideo:
    return t2v.load("toon", device="cpu", dtype=torch.float32)


def test_the_colours_of_a_film_are_near_its_own(toon: t2v.TextToVideo) -> None:
    frames = toon.generate("close-up shot, orange cat, in the kitchen", num_frames=1, num_steps=6).frames
    pixels = torch.from_numpy(frames.copy()).permute(3, 0, 1, 2)[None].float() / 255
    with torch.inference_mode():
        clean = toon.autoencoder.encode(pixels * 2 - 1)
    colours = latent_colours(toon.autoencoder)
    assert colours.shape == (9, 3)
    shown = colour_preview(clean, colours)
    wanted = F.avg_pool2d(pixels[0, :, 0], 8).permute(1, 2, 0).numpy() * 255
    assert shown.shape == wanted.shape == (16, 28, 3)
    away = np.sqrt(np.mean((shown - wanted) ** 2))
    assert away < 0.5 * wanted.std((0, 1)).mean()


def test_the_last_preview_is_the_middle_frame_of_the_film(toon: t2v.TextToVideo) -> None:
    seen: list[np.ndarray] = []
    video = toon.generate(
        PROMPT,
        seed=3,
        num_frames=3,
        num_steps=6,
        guidance_scale=2.5,
        callback=lambda *step: seen.append(toon.preview(step[2])),
    )
    middle = video.frames[1].astype(int)
    away = [float(np.abs(picture - middle).mean()) for picture in seen]
    assert len(away) == 6
    assert away[-1] < 4  # of 255: flicker is removed after the last step
    assert away[-1] < away[2] < away[0] < np.abs(middle.mean((0, 1)) - middle).mean()  # a picture at once


def test_a_large_frame_is_decoded_small(make_tiny: Callable[..., t2v.TextToVideo]) -> None:
    model = make_tiny()
    channels, factor = model.preset.autoencoder.latent_channels, model.preset.autoencoder.factor
    clean = torch.randn(1, channels, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    sizes: list[int] = []
    model.autoencoder.decoder.register_forward_pre_hook(lambda _, args: sizes.append(args[0][0, 0].numel()))
    picture = model.preview(clean)
    assert sizes[0] <= 1.02 * MOST_LATENTS
    assert picture.dtype == np.uint8
    height, width = picture.shape[:2]
    assert height % factor == width % factor == 0
    assert abs(width / height - 128 / 96) < 0.05
    assert model.preview(clean[:, :, :, :12, :10]).shape == (12 * factor, 10 * factor, 3)


@pytest.mark.parametrize("show", [decode_preview, lambda a, z: colour_preview(z, latent_colours(a))])
def test_latents_that_are_no_numbers_show_something(
    show: Callable[..., np.ndarray], make_tiny: Callable[..., t2v.TextToVideo]
) -> None:
    model = make_tiny()
    clean = torch.full((1, model.preset.autoencoder.latent_channels, 3, 4, 5), torch.nan)
    with torch.inference_mode():
        assert show(model.autoencoder, clean).ndim == 3


def test_a_plan_that_moves_networks_leaves_the_decoder_alone(
    make_tiny: Callable[..., t2v.TextToVideo], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_tiny()
    clean = torch.zeros(1, model.preset.autoencoder.latent_channels, 3, 4, 5)
    model.generate(PROMPT, num_steps=1)
    assert model.placement.plan is not None
    level = next(i for i, strategy in enumerate(STRATEGIES) if strategy.resident == "one")
    model.placement.plan = replace(model.placement.plan, level=level)
    assert model.preview(clean).shape[:2] == (16, 20)  # nothing is moved on a CPU
    monkeypatch.setattr(model, "device", torch.device("meta"))  # any other
    assert model.preview(clean).shape == (4, 5, 3)


GIVEN = np.full((3, 16, 28, 3), 90, np.uint8)
WAYS: dict[str, dict[str, Any]] = {
    **{name: {"sampler": name} for name in SAMPLERS},
    "deep features": {"cache_every": 2},
    "guidance now and then": {"guidance_every": 2, "motion_guidance": 0.5},
    "film to start from": {"init_frames": GIVEN, "strength": 0.5, "sampler": "dpmpp_2m"},
    "held frame": {"hold": {0: GIVEN[0]}},
    "windows": {"window": 2, "window_stride": 1},
    "distilled": {"sampler": "lcm", "spacing": "lcm"},
    "fast": {"speed": "fast"},
}


@pytest.fixture(scope="module", params=["v", "eps"])
def model(
    request: pytest.FixtureRequest, tiny: t2v.TextToVideo, make_tiny: Callable[..., t2v.TextToVideo]
) -> t2v.TextToVideo:
    schedule = replace(tiny.preset.schedule, zero_terminal_snr=request.param == "v")
    return make_tiny(replace(tiny.preset, prediction=request.param, schedule=schedule))


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
def test_every_way_of_filming_ends_at_the_clean_latents_that_it_showed(
    model: t2v.TextToVideo, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Tensor] = []
    decode = model.autoencoder.decode
    monkeypatch.setattr(
        model.autoencoder, "decode", lambda latents, tile=None: (decoded.append(latents), decode(latents))[1]
    )
    clean: list[Tensor] = []
    model.generate(PROMPT, callback=lambda *step: clean.append(step[2].clone()), **settings)
    torch.testing.assert_close(decoded[-1], clean[-1], rtol=0, atol=1e-5)
    assert not torch.equal(clean[0], clean[-1])


def test_a_batch_shows_each_of_its_clips(tiny: t2v.TextToVideo) -> None:
    seen: list[tuple[int, np.ndarray]] = []
    films = tiny.generate(
        PROMPT, seed=[1, 2], num_steps=2, callback=lambda *step: seen.append((step[0], tiny.preview(step[2])))
    )
    assert [step for step, _ in seen] == [1, 2, 1, 2]
    for film, (_, picture) in zip(films, seen[1::2], strict=True):
        assert np.abs(film.frames[1].astype(int) - picture).max() <= 1
