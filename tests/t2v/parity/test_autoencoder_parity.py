"""Autoencoder against diffusers' AutoencoderKL: random weights, the same latents and frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from t2v.configs import MODELSCOPE, AutoencoderConfig
from t2v.networks.autoencoder import Autoencoder

CONFIG = AutoencoderConfig(width=32, channel_multipliers=(1, 2, 4), num_res_blocks=2, latent_channels=4)
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def middle(side: str) -> Iterator[tuple[str, str]]:
    for i in (0, 1):
        yield f"{side}.mid_block.resnets.{i}.", f"{side}.mid.block_{i + 1}."
    yield from (
        (f"{side}.mid_block.attentions.0.{a}.", f"{side}.mid.attn_1.{b}.") for a, b in ATTENTION.items()
    )


def names(config: AutoencoderConfig) -> dict[str, str]:
    """diffusers' prefixes -> latent diffusion's; the decoder's levels count the other way round."""
    out = {f"{side}.conv_norm_out.": f"{side}.norm_out." for side in ("encoder", "decoder")}
    out |= dict([*middle("encoder"), *middle("decoder")])
    levels = len(config.channel_multipliers)
    for level in range(levels):
        for i in range(config.num_res_blocks):
            out[f"encoder.down_blocks.{level}.resnets.{i}."] = f"encoder.down.{level}.block.{i}."
        out[f"encoder.down_blocks.{level}.downsamplers.0."] = f"encoder.down.{level}.downsample."
        own = levels - 1 - level
        for i in range(config.num_res_blocks + 1):
            out[f"decoder.up_blocks.{level}.resnets.{i}."] = f"decoder.up.{own}.block.{i}."
        out[f"decoder.up_blocks.{level}.upsamplers.0."] = f"decoder.up.{own}.upsample."
    return out


def as_latent_diffusion(state: dict[str, Tensor], config: AutoencoderConfig) -> dict[str, Tensor]:
    """A diffusers state dict under the checkpoint's names; the middle attention is 1x1 convolutions there."""
    prefixes = names(config)
    out = {}
    for key, value in state.items():
        theirs = next((prefix for prefix in prefixes if key.startswith(prefix)), "")
        if ".attentions." in key and value.ndim == 2:
            value = value[:, :, None, None]
        own = prefixes.get(theirs, "") + key.removeprefix(theirs)
        out[own.replace("conv_shortcut", "nin_shortcut")] = value
    return out


def reference(config: AutoencoderConfig) -> Any:
    from diffusers import AutoencoderKL

    levels = len(config.channel_multipliers)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(config.width * m for m in config.channel_multipliers),
        layers_per_block=config.num_res_blocks,
        latent_channels=config.latent_channels,
        scaling_factor=config.latent_scale,
        norm_num_groups=config.norm_groups,
    )


@pytest.fixture(scope="module", params=[32, 4], ids=["32 groups", "4 groups"])
def pair(request: pytest.FixtureRequest, randomise: Any) -> tuple[Any, Autoencoder]:
    config = replace(CONFIG, norm_groups=request.param)
    theirs = reference(config).eval()
    randomise(theirs, 4)
    ours = Autoencoder(config).eval()
    ours.load_state_dict(as_latent_diffusion(theirs.state_dict(), config), strict=True)
    return theirs, ours


@torch.inference_mode()
def test_frames_become_the_latents_that_diffusers_makes_of_them(pair: tuple[Any, Autoencoder]) -> None:
    theirs, ours = pair
    frames = torch.randn(2, 3, 3, 24, 40, generator=torch.Generator().manual_seed(1))
    got = ours.encode(frames)
    for b in range(2):
        for f in range(3):
            wanted = theirs.encode(frames[b : b + 1, :, f]).latent_dist.mode() * CONFIG.latent_scale
            assert wanted.std() > 0.01
            assert (got[b : b + 1, :, f] - wanted).abs().max() < 1e-4 * wanted.std()


@torch.inference_mode()
def test_latents_become_the_frames_that_diffusers_makes_of_them(pair: tuple[Any, Autoencoder]) -> None:
    theirs, ours = pair
    latents = torch.randn(1, 4, 3, 6, 10, generator=torch.Generator().manual_seed(2))
    got = ours.decode(latents)
    wanted = theirs.decode(latents[0].transpose(0, 1) / CONFIG.latent_scale).sample
    assert got.shape == (1, 3, 3, 24, 40)
    assert wanted.std() > 0.01
    assert (got[0].transpose(0, 1) - wanted).abs().max() < 1e-4 * wanted.std()


@torch.inference_mode()
def test_the_posterior_has_the_variance_that_diffusers_gives_it(pair: tuple[Any, Autoencoder]) -> None:
    theirs, ours = pair
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    wanted = theirs.encode(images).latent_dist
    mean, log_variance = ours.posterior(images)
    torch.testing.assert_close(mean, wanted.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(log_variance, wanted.logvar, rtol=1e-4, atol=1e-5)


def test_every_norm_has_the_epsilon_that_diffusers_gives_it(pair: tuple[Any, Autoencoder]) -> None:
    theirs, ours = pair
    norms = [m for model in (theirs, ours) for m in model.modules() if hasattr(m, "eps")]
    assert len(norms) == 2 * len([m for m in ours.modules() if hasattr(m, "eps")])
    assert {m.eps for m in norms} == {1e-6}


def test_the_published_autoencoder_has_the_published_parameters_and_names() -> None:
    with torch.device("meta"):
        ours = Autoencoder(MODELSCOPE.autoencoder)
        theirs = as_latent_diffusion(reference(MODELSCOPE.autoencoder).state_dict(), MODELSCOPE.autoencoder)
    assert sum(p.numel() for p in ours.parameters()) == 83_653_863
    assert sum(p.numel() for p in ours.encoder.parameters()) == 34_163_592
    assert sum(p.numel() for p in ours.decoder.parameters()) == 49_490_179
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.items()}
