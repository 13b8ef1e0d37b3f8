"""Levels without attention around a UNet: fresh ones change nothing, and they cost little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from t2v.configs import MODELSCOPE, TOON, TOON_112, TOON_448
from t2v.memory.footprint import streamed_layers, unet_activation_bytes
from t2v.networks.conditioning import Chunks, LayerOptions
from t2v.networks.deep_cache import DeepFeatures
from t2v.networks.unet import UNet3D
from tests.t2v.networks.small import CONFIG, T, drawn

TEXT = drawn(1, 7, 24, seed=1)


@pytest.fixture(scope="module")
def inner(randomise: Callable[[nn.Module, int], None]) -> UNet3D:
    model = UNet3D(CONFIG).eval()
    randomise(model, 1)
    return model


@pytest.fixture(scope="module")
def around(randomise: Callable[[nn.Module, int], None]) -> UNet3D:
    model = UNet3D(replace(CONFIG, outer_widths=(24, 16))).eval()
    randomise(model, 2)
    return model


@pytest.mark.parametrize("widths", [(16,), (16, 8)])
@torch.inference_mode()
def test_fresh_levels_answer_what_the_network_inside_answers_enlarged(
    inner: UNet3D, widths: tuple[int, ...]
) -> None:
    model = UNet3D(replace(CONFIG, outer_widths=widths)).eval()
    left = model.load_state_dict(inner.state_dict(), strict=False)
    assert not left.unexpected_keys
    assert all(name.startswith("outer_levels.") for name in left.missing_keys)
    side = 2 ** len(widths)
    latents = drawn(1, 4, 3, 4 * side, 6 * side)
    coarse = inner(F.avg_pool3d(latents, (1, side, side)), T, TEXT)
    wanted = F.interpolate(coarse, scale_factor=(1, side, side))
    torch.testing.assert_close(model(latents, T, TEXT), wanted, rtol=0, atol=1e-5)


def test_a_network_without_such_levels_has_the_parameters_that_it_always_had() -> None:
    for preset in (MODELSCOPE, TOON_112):
        assert preset.unet.outer_widths == ()
    with torch.device("meta"):
        own = UNet3D(TOON_112.unet).state_dict()
        more = UNet3D(TOON.unet).state_dict()
    assert {k: v.shape for k, v in own.items()} == {
        k: v.shape for k, v in more.items() if not k.startswith("outer_levels.")
    }


def test_the_levels_are_a_thirtieth_of_the_network() -> None:
    def millions(widths: tuple[int, ...]) -> float:
        with torch.device("meta"):
            model = UNet3D(replace(TOON_112.unet, outer_widths=widths))
        return sum(p.numel() for p in model.outer_levels.parameters()) / 1e6

    assert 0.8 < millions((64,)) < 1.0
    assert 1.0 < millions((64, 32)) < 1.3


@torch.inference_mode()
def test_a_level_around_another_keeps_its_names(inner: UNet3D) -> None:
    three = UNet3D(replace(CONFIG, outer_widths=(16,)))
    four = UNet3D(replace(CONFIG, outer_widths=(16, 8)))
    left = four.load_state_dict(three.state_dict(), strict=False)
    assert not left.unexpected_keys
    assert all(name.startswith("outer_levels.1.") for name in left.missing_keys)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (6, 10)])
@torch.inference_mode()
def test_sizes_that_do_not_halve_evenly_come_back_as_they_went_in(
    around: UNet3D, size: tuple[int, int]
) -> None:
    latents = drawn(1, 4, 2, *size)
    assert around(latents, T, TEXT).shape == latents.shape


@torch.inference_mode()
def test_its_frames_hear_of_one_another_unless_they_are_still(around: UNet3D) -> None:
    latents = drawn(1, 4, 4, 8, 12)
    changed = latents.clone()
    changed[:, :, 3] += 1
    moving = (around(changed, T, TEXT) - around(latents, T, TEXT)).abs().amax((0, 1, 3, 4))
    assert (moving > 1e-4).all()
    options = LayerOptions(still=True)
    still = around(changed, T, TEXT, options=options) - around(latents, T, TEXT, options=options)
    assert (still.abs().amax((0, 1, 3, 4))[:3] < 1e-5).all()


@torch.inference_mode()
def test_a_pass_that_keeps_what_is_inside_answers_as_one_that_does_not(around: UNet3D) -> None:
    latents, deep = drawn(1, 4, 2, 8, 12), DeepFeatures()
    plain = around(latents, T, TEXT)
    assert torch.equal(around(latents, T, TEXT, deep=deep), plain)
    ran: list[str] = []
    parts = {"inside": around.middle_block, "inner level": around.outer_levels[0].down[0]}
    hooks = [p.register_forward_hook(lambda *_, name=name: ran.append(name)) for name, p in parts.items()]
    torch.testing.assert_close(around(latents, T, TEXT, deep=deep), plain)
    for hook in hooks:
        hook.remove()
    assert ran == []


@torch.inference_mode()
def test_without_its_outermost_level_it_is_the_network_inside(around: UNet3D) -> None:
    inside = UNet3D(replace(CONFIG, outer_widths=(24,))).eval()
    inside.load_state_dict(around.state_dict(), strict=False)
    latents = drawn(1, 4, 2, 8, 12)
    smaller = around(latents, T, TEXT, options=LayerOptions(outer_levels=1))
    assert torch.equal(smaller, inside(latents, T, TEXT))
    assert not torch.equal(smaller, around(latents, T, TEXT))


@torch.inference_mode()
def test_its_layers_can_be_streamed_one_by_one(around: UNet3D) -> None:
    layers = streamed_layers(around)
    streamed = {id(p) for layer in layers for p in layer.parameters()}
    assert streamed == {id(p) for p in around.parameters()}
    latents = drawn(1, 4, 2, 8, 12)
    plain = around(latents, T, TEXT)
    ran: set[int] = set()
    hooks = [layer.register_forward_hook(lambda m, *_: ran.add(id(m))) for layer in layers]
    assert torch.equal(around(latents, T, TEXT), plain)
    for hook in hooks:
        hook.remove()
    assert ran == {id(layer) for layer in layers}


@pytest.mark.parametrize("chunks", [Chunks(frames=1, rows=64), Chunks(frames=2)])
@torch.inference_mode()
def test_a_few_frames_at_once_give_the_same(around: UNet3D, chunks: Chunks) -> None:
    latents = drawn(1, 4, 3, 8, 12)
    parts = around(latents, T, TEXT, options=LayerOptions(chunks))
    torch.testing.assert_close(parts, around(latents, T, TEXT), rtol=1e-4, atol=1e-5)


def test_a_larger_picture_takes_more_memory_and_a_small_one_less_than_all_levels_would() -> None:
    def peak(height: int, width: int, levels: int) -> int:
        chunks = Chunks()
        return unet_activation_bytes(
            TOON_448.unet, (16, height, width), 1, chunks, "cpu", torch.float32, levels
        )

    small, large = peak(16, 28, 1), peak(32, 56, 2)
    assert small < large < 4 * small
    assert large < 0.6e9
