"""A model of the real parts, small and untrained, for everything that needs no trained one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from t2v.configs import AutoencoderConfig, Preset, ScheduleConfig, TextEncoderConfig, UNetConfig
from t2v.memory.placement import MemoryLimit
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

Randomise = Callable[[nn.Module, int], None]

TINY = Preset(
    name="tiny",
    text_encoder=TextEncoderConfig(width=32, heads=2, layers=2, context_length=16, skipped_layers=0),
    unet=UNetConfig(
        width=32,
        channel_multipliers=(1, 2),
        attention_levels=1,
        num_res_blocks=1,
        num_heads=2,
        head_dim=16,
        context_dim=32,
        norm_groups=8,
    ),
    autoencoder=AutoencoderConfig(
        width=16, channel_multipliers=(1, 2, 2), num_res_blocks=1, norm_groups=4, latent_scale=0.5
    ),
    schedule=ScheduleConfig(zero_terminal_snr=True),
    prediction="v",
    spacing="trailing",
    num_frames=3,
    fps=8,
    num_steps=4,
    guidance_scale=3.0,
    sizes={"16:9": (16, 28), "1:1": (20, 20)},
    negative_prompt="blurred",
)


@pytest.fixture(scope="session")
def randomise() -> Randomise:
    """Fill a module from a seed, so that no layer is left at nothing and one that is forgotten shows."""

    def fill(module: nn.Module, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                if "token_embedding" in name or "position" in name:
                    parameter.copy_(noise)
                elif parameter.ndim > 1:
                    parameter.copy_(noise * parameter[0].numel() ** -0.5)
                else:
                    norm = ("norm" in name or ".ln_" in name) and name.endswith("weight")
                    parameter.copy_(0.2 * noise + (1.0 if norm else 0.0))

    return fill


@pytest.fixture(scope="session")
def make_tiny(randomise: Randomise) -> Callable[..., TextToVideo]:
    """A small model with random weights, always the same ones."""

    def make(
        preset: Preset = TINY, dtype: torch.dtype = torch.float32, memory: MemoryLimit = "auto"
    ) -> TextToVideo:
        text_encoder, unet = TextEncoder(preset.text_encoder), UNet3D(preset.unet)
        autoencoder = Autoencoder(preset.autoencoder)
        for seed, part in enumerate((text_encoder, unet, autoencoder)):
            randomise(part, seed)
        return TextToVideo(
            preset, text_encoder, unet, autoencoder, device=torch.device("cpu"), dtype=dtype, memory=memory
        )

    return make


@pytest.fixture(scope="session")
def tiny(make_tiny: Callable[..., TextToVideo]) -> TextToVideo:
    return make_tiny()
