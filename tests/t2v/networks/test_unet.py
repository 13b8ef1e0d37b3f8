from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from t2v.networks.conditioning import LayerOptions
from t2v.networks.layers import timestep_embedding
from t2v.networks.unet import UNet3D
from tests.t2v.networks.small import CONFIG, T, drawn

LATENTS, TEXT = drawn(1, 4, 5, 6, 8), drawn(1, 7, 24, seed=1)


@pytest.fixture(scope="module")
def image_model(randomise: Callable[[nn.Module, int], None]) -> UNet3D:
    model = UNet3D(replace(CONFIG, temporal=False)).eval()
    randomise(model, 1)
    return model


@pytest.fixture(scope="module")
def video_model(randomise: Callable[[nn.Module, int], None]) -> UNet3D:
    model = UNet3D(CONFIG).eval()
    randomise(model, 1)
    return model


@torch.inference_mode()
def test_fresh_temporal_layers_film_every_frame_as_the_image_model_paints_it(image_model: UNet3D) -> None:
    film = UNet3D(CONFIG).eval()
    left = film.load_state_dict(image_model.state_dict(), strict=False)
    assert not left.unexpected_keys
    assert any("temopral_conv" in k for k in left.missing_keys)
    assert any("input_blocks.0.1." in k for k in left.missing_keys)
    got = film(LATENTS, T, TEXT)
    for f in range(LATENTS.shape[2]):
        painted = image_model(LATENTS[:, :, f : f + 1], T, TEXT)
        torch.testing.assert_close(got[:, :, f : f + 1], painted, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_once_they_have_learnt_something_the_frames_hear_of_one_another(video_model: UNet3D) -> None:
    changed = LATENTS.clone()
    changed[:, :, 4] += 1
    difference = (video_model(changed, T, TEXT) - video_model(LATENTS, T, TEXT)).abs().amax((0, 1, 3, 4))
    assert (difference > 1e-3).all()


@torch.inference_mode()
def test_still_it_paints_what_an_image_model_of_its_weights_paints(video_model: UNet3D) -> None:
    image_model = UNet3D(replace(CONFIG, temporal=False)).eval()
    own = image_model.state_dict()
    image_model.load_state_dict({k: v for k, v in video_model.state_dict().items() if k in own})
    got, moving = (
        video_model(LATENTS, T, TEXT, options=LayerOptions(still=True)),
        video_model(LATENTS, T, TEXT),
    )
    torch.testing.assert_close(got, image_model(LATENTS, T, TEXT), rtol=0, atol=1e-5)
    assert (got - moving).abs().max() > 1e-3


@torch.inference_mode()
def test_an_image_model_paints_every_frame_for_itself(image_model: UNet3D) -> None:
    changed = LATENTS.clone()
    changed[:, :, 4] += 1
    difference = (image_model(changed, T, TEXT) - image_model(LATENTS, T, TEXT)).abs().amax((0, 1, 3, 4))
    assert difference[4] > 1e-3
    assert (difference[:4] < 1e-5).all()


@torch.inference_mode()
def test_clips_of_a_batch_do_not_hear_of_one_another(video_model: UNet3D) -> None:
    two, texts = (
        torch.cat([LATENTS, drawn(1, 4, 5, 6, 8, seed=3)]),
        torch.cat([TEXT, drawn(1, 7, 24, seed=4)]),
    )
    times = torch.tensor([700, 20])
    together = video_model(two, times, texts)
    for i in range(2):
        alone = video_model(two[i : i + 1], times[i : i + 1], texts[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_every_frame_can_have_a_text_of_its_own(image_model: UNet3D) -> None:
    texts = drawn(1, 5, 7, 24, seed=5)
    got = image_model(LATENTS, T, texts)
    for f in range(5):
        painted = image_model(LATENTS[:, :, f : f + 1], T, texts[:, f])
        torch.testing.assert_close(got[:, :, f : f + 1], painted, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_one_text_for_all_frames_is_the_same_text_for_each(video_model: UNet3D) -> None:
    each = video_model(LATENTS, T, TEXT[:, None].expand(-1, 5, -1, -1))
    torch.testing.assert_close(each, video_model(LATENTS, T, TEXT), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"latents": LATENTS + 0.1}, {"timesteps": T - 300}, {"text": TEXT + 0.5}],
    ids=lambda change: next(iter(change)),
)
@torch.inference_mode()
def test_latents_timestep_and_text_all_matter(video_model: UNet3D, change: dict[str, Any]) -> None:
    given = {"latents": LATENTS, "timesteps": T, "text": TEXT}
    assert (video_model(**(given | change)) - video_model(**given)).abs().max() > 1e-2


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 2)])
@torch.inference_mode()
def test_sizes_that_do_not_halve_evenly_come_back_as_they_went_in(
    video_model: UNet3D, size: tuple[int, int]
) -> None:
    latents = drawn(1, 4, 2, *size)
    assert video_model(latents, T, TEXT).shape == latents.shape


@torch.inference_mode()
def test_a_fresh_network_answers_nothing_at_all() -> None:
    assert not UNet3D(CONFIG).eval()(LATENTS, T, TEXT).any()


def test_a_timestep_is_cosines_and_then_sines_from_fast_to_slow() -> None:
    out = timestep_embedding(torch.tensor([0, 3]), 8)
    assert out[0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    rates = torch.tensor([1.0, 0.1, 0.01, 0.001])
    torch.testing.assert_close(out[1], torch.cat([(3 * rates).cos(), (3 * rates).sin()]))
