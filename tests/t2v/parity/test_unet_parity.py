"""UNet3D against diffusers' UNet3DConditionModel: random weights, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from t2v.configs import MODELSCOPE, UNetConfig
from t2v.networks.layers import guidance_embedding
from t2v.networks.unet import UNet3D

CONFIG = UNetConfig(
    width=64,
    channel_multipliers=(1, 2, 2),
    attention_levels=2,
    num_res_blocks=2,
    num_heads=8,
    head_dim=16,
    context_dim=48,
)

RES = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def stage_names(place: str, theirs: str, i: int, *, attends: bool) -> Iterator[tuple[str, str]]:
    """(diffusers prefix, ModelScope prefix) of a residual block and what follows it at one place."""
    yield from ((f"{theirs}.resnets.{i}.{a}.", f"{place}.0.{b}.") for a, b in RES.items())
    yield f"{theirs}.temp_convs.{i}.", f"{place}.0.temopral_conv."
    if attends:
        yield f"{theirs}.attentions.{i}.", f"{place}.1."
        yield f"{theirs}.temp_attentions.{i}.", f"{place}.2."


def names(config: UNetConfig) -> dict[str, str]:
    """diffusers' prefixes -> ModelScope's."""
    levels, blocks = len(config.channel_multipliers), config.num_res_blocks
    out = {
        "conv_in.": "input_blocks.0.0.",
        "transformer_in.": "input_blocks.0.1.",
        "time_embedding.linear_1.": "time_embed.0.",
        "time_embedding.linear_2.": "time_embed.2.",
        "time_embedding.cond_proj.": "time_embed.cond_proj.",
        "conv_norm_out.": "out.0.",
        "conv_out.": "out.2.",
    }
    for level in range(levels):
        attends = level < config.attention_levels
        for i in range(blocks):
            place = f"input_blocks.{level * (blocks + 1) + i + 1}"
            out |= stage_names(place, f"down_blocks.{level}", i, attends=attends)
        out[f"down_blocks.{level}.downsamplers.0.conv."] = f"input_blocks.{(level + 1) * (blocks + 1)}.op."
    out |= stage_names("middle_block", "mid_block", 0, attends=True)
    out |= {f"mid_block.resnets.1.{a}.": f"middle_block.3.{b}." for a, b in RES.items()}
    out["mid_block.temp_convs.1."] = "middle_block.3.temopral_conv."
    for i in range(levels):
        attends = levels - 1 - i < config.attention_levels
        for j in range(blocks + 1):
            out |= stage_names(f"output_blocks.{i * (blocks + 1) + j}", f"up_blocks.{i}", j, attends=attends)
        last = f"output_blocks.{i * (blocks + 1) + blocks}"
        out[f"up_blocks.{i}.upsamplers.0.conv."] = f"{last}.{3 if attends else 1}.conv."
    return out


def as_modelscope(state: dict[str, Tensor], config: UNetConfig) -> dict[str, Tensor]:
    """A diffusers state dict under ModelScope's names; temporal projections are convolutions there."""
    prefixes = names(config)
    out = {}
    for key, value in state.items():
        theirs = next(prefix for prefix in prefixes if key.startswith(prefix))
        temporal = theirs.startswith("transformer_in") or ".temp_attentions." in theirs
        if temporal and key.endswith(("proj_in.weight", "proj_out.weight")):
            value = value[:, :, None]
        out[prefixes[theirs] + key.removeprefix(theirs)] = value
    return out


def reference(config: UNetConfig) -> Any:
    """diffusers' network of the same shape. Its `attention_head_dim` really is the width of a head."""
    from diffusers import UNet3DConditionModel

    levels, attending = len(config.channel_multipliers), config.attention_levels
    return UNet3DConditionModel(
        in_channels=config.in_channels,
        out_channels=config.out_channels,
        down_block_types=("CrossAttnDownBlock3D",) * attending + ("DownBlock3D",) * (levels - attending),
        up_block_types=("UpBlock3D",) * (levels - attending) + ("CrossAttnUpBlock3D",) * attending,
        block_out_channels=tuple(config.width * m for m in config.channel_multipliers),
        layers_per_block=config.num_res_blocks,
        cross_attention_dim=config.context_dim,
        attention_head_dim=config.head_dim,
        norm_num_groups=config.norm_groups,
        time_cond_proj_dim=config.guidance_embed_dim,
    )


@pytest.fixture(scope="module", params=[32, 8], ids=["32 groups", "8 groups"])
def pair(request: pytest.FixtureRequest, randomise: Any) -> tuple[Any, UNet3D]:
    config = replace(CONFIG, norm_groups=request.param)
    theirs = reference(config).eval()
    randomise(theirs, 3)
    ours = UNet3D(config).eval()
    ours.load_state_dict(as_modelscope(theirs.state_dict(), config), strict=True)
    return theirs, ours


@pytest.mark.parametrize(
    "size", [(8, 8), (10, 7), (9, 14)], ids=["multiple of 4", "uneven width", "uneven height"]
)
@torch.inference_mode()
def test_the_unet_answers_as_diffusers_does_at_sizes_that_halve_and_sizes_that_do_not(
    pair: tuple[Any, UNet3D], size: tuple[int, int]
) -> None:
    theirs, ours = pair
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, 4, 5, *size, generator=generator)
    text = torch.randn(2, 7, CONFIG.context_dim, generator=generator)
    t = torch.tensor([981, 21])
    wanted = theirs(latents, t, text).sample
    got = ours(latents, t, text)
    assert wanted.std() > 0.1
    assert (got - wanted).abs().max() < 1e-4 * wanted.std()


@pytest.mark.parametrize(
    "part", ["temopral_conv", "attn2", "input_blocks.0.1", "middle_block.2", "time_embed"]
)
@torch.inference_mode()
def test_a_wrong_layer_anywhere_would_show_in_the_comparison(pair: tuple[Any, UNet3D], part: str) -> None:
    _, ours = pair
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, 3, 8, 8, generator=generator)
    text = torch.randn(1, 7, CONFIG.context_dim, generator=generator)
    right = ours(latents, torch.tensor([500]), text)
    other = UNet3D(ours.config).eval()
    state = dict(ours.state_dict())
    name = next(k for k in state if part in k and k.endswith("weight") and state[k].ndim > 1)
    state[name] = -state[name]
    other.load_state_dict(state)
    wrong = other(latents, torch.tensor([500]), text)
    assert (wrong - right).abs().max() > 1e-3 * right.std()


@torch.inference_mode()
def test_texts_of_their_own_for_every_frame_give_what_one_text_gives_when_they_are_the_same(
    pair: tuple[Any, UNet3D],
) -> None:
    _, ours = pair
    generator = torch.Generator().manual_seed(2)
    latents = torch.randn(2, 4, 3, 8, 8, generator=generator)
    text = torch.randn(2, 7, CONFIG.context_dim, generator=generator)
    t = torch.tensor([300, 800])
    one = ours(latents, t, text)
    each = ours(latents, t, text[:, None].expand(-1, 3, -1, -1))
    torch.testing.assert_close(each, one, rtol=0, atol=1e-5 * float(one.std()) * 10)


@torch.inference_mode()
def test_a_network_distilled_with_its_guidance_inside_answers_as_diffusers_does(randomise: Any) -> None:
    config = replace(CONFIG, guidance_embed_dim=256)
    theirs = reference(config).eval()
    randomise(theirs, 5)
    ours = UNet3D(config).eval()
    ours.load_state_dict(as_modelscope(theirs.state_dict(), config), strict=True)
    generator = torch.Generator().manual_seed(4)
    latents = torch.randn(2, 4, 3, 8, 8, generator=generator)
    text = torch.randn(2, 7, CONFIG.context_dim, generator=generator)
    t, guidance = torch.tensor([999, 279]), torch.tensor([7.5, 2.0])
    wanted = theirs(latents, t, text, timestep_cond=guidance_embedding(guidance, 256)).sample
    got = ours(latents, t, text, guidance)
    assert (got - wanted).abs().max() < 1e-4 * wanted.std()
    assert (ours(latents, t, text, guidance + 1) - got).abs().max() > 0.01 * wanted.std()


def test_the_guidance_embedding_is_the_one_that_latent_consistency_models_publish() -> None:
    from diffusers import LatentConsistencyModelPipeline

    published = LatentConsistencyModelPipeline.get_guidance_scale_embedding
    wanted = published(None, torch.tensor([7.5, 1.0]), embedding_dim=256)
    torch.testing.assert_close(guidance_embedding(torch.tensor([7.5, 1.0]), 256), wanted, rtol=0, atol=1e-3)


def epsilons(module: nn.Module) -> dict[str, Tensor]:
    """What every norm adds to its variance, under the name of its weight."""
    return {f"{n}.weight": torch.tensor(m.eps) for n, m in module.named_modules() if hasattr(m, "eps")}


def test_every_norm_has_the_epsilon_that_diffusers_gives_it(pair: tuple[Any, UNet3D]) -> None:
    theirs, ours = pair
    wanted = as_modelscope(epsilons(theirs), ours.config)
    assert epsilons(ours) == wanted
    assert {round(float(v), 7) for v in wanted.values()} == {1e-5, 1e-6}


def test_the_published_network_has_the_published_tensors_and_parameters() -> None:
    with torch.device("meta"):
        unet = UNet3D(MODELSCOPE.unet)
    assert len(unet.state_dict()) == 1480
    assert sum(p.numel() for p in unet.parameters()) == 1_411_233_860


def test_the_published_network_has_the_names_and_shapes_of_diffusers_under_the_published_map() -> None:
    with torch.device("meta"):
        theirs = as_modelscope(reference(MODELSCOPE.unet).state_dict(), MODELSCOPE.unet)
        ours = UNet3D(MODELSCOPE.unet).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_without_temporal_layers_the_published_network_is_as_large_as_stable_diffusion() -> None:
    with torch.device("meta"):
        unet = UNet3D(replace(MODELSCOPE.unet, temporal=False))
    assert sum(p.numel() for p in unet.parameters()) == 865_910_724
