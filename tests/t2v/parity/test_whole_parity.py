"""Whole samplings, and the published networks at their real width, against the reference implementations."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from t2v.configs import MODELSCOPE, UNetConfig
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Memo
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.sampling.guidance import Branches, Guidance, guided_denoiser
from t2v.sampling.samplers import sample_ddim
from t2v.sampling.schedule import noise_schedule, timesteps


def neighbour(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_read", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def share(theirs: nn.Module, ours: nn.Module, state: dict[str, Tensor]) -> None:
    """The same tensors in both networks, not copies: the real width has room for one."""
    ours.load_state_dict(state, strict=True, assign=True)
    ours.eval().requires_grad_(False)


def unets(config: UNetConfig, randomise: Any) -> tuple[Any, UNet3D]:
    module = neighbour("test_unet_parity")
    theirs = module.reference(config).eval().requires_grad_(False)
    randomise(theirs, 3)
    with torch.device("meta"):
        ours = UNet3D(config)
    share(theirs, ours, module.as_modelscope(theirs.state_dict(), config))
    return theirs, ours


def test_the_published_unet_has_1480_tensors_and_1411233860_parameters_under_diffusers_names_too() -> None:
    module = neighbour("test_unet_parity")
    with torch.device("meta"):
        ours, theirs = UNet3D(MODELSCOPE.unet), module.reference(MODELSCOPE.unet)
    mapped = module.as_modelscope(theirs.state_dict(), MODELSCOPE.unet)
    assert len(mapped) == 1480
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in ours.state_dict().items()}
    assert sum(p.numel() for p in ours.parameters()) == 1_411_233_860


@torch.inference_mode()
def test_the_unet_of_width_64_with_the_published_form_answers_as_diffusers_does(randomise: Any) -> None:
    config = replace(MODELSCOPE.unet, width=64, context_dim=96, num_res_blocks=1)
    theirs, ours = unets(config, randomise)
    inputs = (drawn(1, 4, 4, 16, 16), torch.tensor([700]), drawn(1, 9, 96, seed=1))
    wanted = theirs(*inputs).sample
    assert wanted.std() > 0.1
    assert (ours(*inputs) - wanted).abs().max() < 1e-4 * wanted.std()


@pytest.fixture(scope="module")
def small(randomise: Any) -> tuple[Any, UNet3D]:
    config = replace(
        MODELSCOPE.unet, width=64, channel_multipliers=(1, 2), attention_levels=1, num_res_blocks=1
    )
    return unets(replace(config, context_dim=48), randomise)


@torch.inference_mode()
def sampled_by_both(theirs: Any, ours: UNet3D, num_steps: int) -> tuple[Tensor, Tensor]:
    """Latents of a guided sampling by diffusers' scheduler and network, and by ours."""
    from diffusers import DDIMScheduler

    width = ours.config.context_dim
    noise, text, negative = drawn(1, 4, 3, 8, 8), drawn(1, 9, width, seed=1), drawn(1, 9, width, seed=2)
    config = MODELSCOPE.schedule
    scheduler = DDIMScheduler(
        beta_start=config.beta_start,
        beta_end=config.beta_end,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    scheduler.set_timesteps(num_steps)
    wanted = noise
    for t in scheduler.timesteps:
        uncond, cond = (theirs(wanted, t, context).sample for context in (negative, text))
        wanted = scheduler.step(uncond + 9.0 * (cond - uncond), t, wanted).prev_sample

    schedule, memo = noise_schedule(config), Memo()
    branches = Branches(lambda latents, t, context: ours(latents, t, context, once=memo), text, negative)
    denoise = guided_denoiser(branches, schedule, "eps", Guidance(9.0))
    return wanted, sample_ddim(denoise, noise, schedule, timesteps(num_steps, schedule, "modelscope"))


@pytest.mark.parametrize("num_steps", [5, 10])
def test_a_whole_guided_sampling_ends_where_diffusers_scheduler_and_network_end(
    small: tuple[Any, UNet3D], num_steps: int
) -> None:
    wanted, got = sampled_by_both(*small, num_steps)
    assert (got - wanted).abs().max() < 1e-3 * wanted.std()


@pytest.mark.slow
@torch.inference_mode()
def test_the_published_unet_answers_and_films_as_diffusers_does(randomise: Any) -> None:
    theirs, ours = unets(MODELSCOPE.unet, randomise)
    inputs = (drawn(1, 4, 8, 16, 16), torch.tensor([700]), drawn(1, 77, 1024, seed=1))
    wanted = theirs(*inputs).sample
    assert wanted.std() > 0.1
    assert (ours(*inputs) - wanted).abs().max() < 1e-4 * wanted.std()
    wanted, got = sampled_by_both(theirs, ours, 5)
    assert (got - wanted).abs().max() < 1e-3 * wanted.std()


@pytest.mark.slow
@torch.inference_mode()
def test_the_published_text_tower_answers_as_transformers_does(randomise: Any) -> None:
    module = neighbour("test_text_parity")
    theirs, ours = module.pair_of(MODELSCOPE.text_encoder, randomise)
    assert isinstance(ours, TextEncoder)
    tokens = torch.randint(0, 49_408, (2, 77), generator=torch.Generator().manual_seed(1))
    tokens[:, 30:] = 0
    wanted = theirs(tokens).last_hidden_state
    assert (ours.encode(tokens) - wanted).abs().max() < 1e-4 * wanted.std()


@pytest.mark.slow
@torch.inference_mode()
def test_the_published_autoencoder_encodes_and_decodes_as_diffusers_does(randomise: Any) -> None:
    module = neighbour("test_autoencoder_parity")
    config = MODELSCOPE.autoencoder
    theirs = module.reference(config).eval().requires_grad_(False)
    randomise(theirs, 4)
    with torch.device("meta"):
        ours = Autoencoder(config)
    share(theirs, ours, module.as_latent_diffusion(theirs.state_dict(), config))
    latents = drawn(1, 4, 1, 16, 16)
    wanted = theirs.decode(latents[:, :, 0] / config.latent_scale).sample
    assert (ours.decode(latents)[:, :, 0] - wanted).abs().max() < 1e-4 * wanted.std()
    frames = drawn(1, 3, 1, 128, 128, seed=5)
    wanted = theirs.encode(frames[:, :, 0]).latent_dist.mode() * config.latent_scale
    assert (ours.encode(frames)[:, :, 0] - wanted).abs().max() < 1e-4 * wanted.std()
