"""The forms for a CPU give what PyTorch's own operators give, and leave training and autocast alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.configs import MODELSCOPE
from t2v.networks import kernels
from t2v.networks.unet import UNet3D
from tests.t2v.networks.small import drawn


def agree(got: Tensor, wanted: Tensor) -> None:
    assert got.shape == wanted.shape
    assert (got - wanted).abs().max() < 1e-5 * wanted.std()


@torch.inference_mode()
def test_a_linear_layer_with_and_without_bias_is_pytorchs() -> None:
    for bias in (True, False):
        layer = kernels.Linear(24, 40, bias=bias)
        x = drawn(2, 7, 24)
        agree(layer(x), F.linear(x, layer.weight, layer.bias))


@pytest.mark.parametrize("queries", [4, 100])
@torch.inference_mode()
def test_attention_in_half_precision_is_the_one_of_full_precision_but_for_rounding(queries: int) -> None:
    q, k, v = drawn(2, 3, queries, 8), drawn(2, 3, 77, 8, seed=1), drawn(2, 3, 77, 8, seed=2)
    wanted = F.scaled_dot_product_attention(q, k, v)
    agree(kernels.attend(q, k, v), wanted)
    half = kernels.attend(q.bfloat16(), k.bfloat16(), v.bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half.float() - wanted).abs().max() < 0.03


@pytest.mark.parametrize("rows", [None, 1, 5, 1000])
@torch.inference_mode()
def test_a_gated_feed_forward_is_the_same_however_many_rows_it_takes_at_once(rows: int | None) -> None:
    proj, out = nn.Linear(16, 128), nn.Linear(64, 16)
    x = drawn(3, 7, 16)
    value, gate = proj(x).chunk(2, dim=-1)
    agree(kernels.gated_feed_forward(x, proj, out, rows), out(value * F.gelu(gate)))


@pytest.mark.parametrize("shape", [(1, 512, 2, 2), (2, 512, 1, 3), (2, 8, 2, 2), (1, 512, 3, 2)])
@torch.inference_mode()
def test_a_convolution_of_few_places_is_a_convolution(shape: tuple[int, ...]) -> None:
    conv = nn.Conv2d(shape[1], 12, 3, padding=1)
    agree(kernels.conv3x3(drawn(*shape), conv), conv(drawn(*shape)))


@torch.inference_mode()
def test_a_convolution_over_frames_is_a_three_dimensional_one_in_every_layout() -> None:
    conv = nn.Conv3d(6, 6, (3, 1, 1), padding=(1, 0, 0))
    video = drawn(2, 6, 5, 4, 3)
    wanted = conv(video).flatten(3)
    flat = video.flatten(3)
    agree(kernels.conv_over_frames(flat, conv), wanted)
    agree(kernels.conv_over_frames(flat.contiguous(memory_format=torch.channels_last), conv), wanted)


@pytest.mark.parametrize("size", [(64, 48), (63, 48), (64, 47)])
@torch.inference_mode()
def test_four_small_kernels_after_a_doubling_do_what_one_large_one_does(size: tuple[int, int]) -> None:
    conv = nn.Conv2d(6, 4, 3, padding=1)
    x = drawn(2, 6, 32, 24)
    agree(kernels.upsample_conv(x, conv, size), conv(F.interpolate(x, size=size, mode="nearest")))


def test_where_gradients_are_taken_or_autocast_rules_the_operators_are_pytorchs_own() -> None:
    x = drawn(1, 2)
    assert not kernels.films_on_cpu(x)
    with torch.inference_mode():
        assert kernels.films_on_cpu(x)
        assert not kernels.films_on_cpu(x.to("meta"))
        with torch.autocast("cpu", torch.bfloat16):
            assert not kernels.films_on_cpu(x)
            assert kernels.Linear(2, 3)(x).dtype == torch.bfloat16


def test_filming_gives_what_the_network_gives_where_gradients_are_taken(
    randomise: Callable[[nn.Module, int], None],
) -> None:
    config = replace(MODELSCOPE.unet, width=32, channel_multipliers=(1, 2), head_dim=16, context_dim=24)
    model = UNet3D(config).eval()
    randomise(model, 5)
    inputs = (drawn(2, 4, 3, 24, 24), torch.tensor([900, 3]), drawn(2, 5, 24, seed=1))
    trained = model(*inputs).detach()
    with torch.inference_mode():
        filmed = model(*inputs)
    assert (filmed - trained).abs().max() < 2e-5 * trained.std()
