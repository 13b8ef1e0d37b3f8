"""The parity table: every part beside its reference, on the same random weights, in fp32, as Markdown.

    python tests/benchmarks/parity.py [--real]

References are diffusers' UNet3DConditionModel, AutoencoderKL and DDIMScheduler, and transformers'
CLIPTextModel. The figure is the largest difference of any number, as a share of the answer's standard
deviation. `--real` adds the published sizes: minutes, and 8 GB of memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from bench_unet import networks
from pairs import fill, parity, say
from torch import Tensor

from t2v.configs import MODELSCOPE, AutoencoderConfig, TextEncoderConfig, UNetConfig
from t2v.networks.autoencoder import Autoencoder

Row = tuple[str, int, str, Tensor, Tensor]  # part, width, what of it, theirs, ours


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def of_unet(config: UNetConfig) -> Iterator[Row]:
    theirs, ours = networks(config)
    inputs = drawn(1, 4, 8, 16, 16), torch.tensor([700]), drawn(1, 77, config.context_dim, seed=1)
    yield "UNet", config.width, "8 frames of 128²", theirs(*inputs).sample, ours(*inputs)
    steps = 5
    both = parity("test_whole_parity").sampled_by_both(theirs, ours, steps)
    yield "sampling", config.width, f"{steps} steps, guidance 9", *both


def of_text(config: TextEncoderConfig) -> Iterator[Row]:
    theirs, ours = parity("test_text_parity").pair_of(config, fill)
    shape, generator = (2, config.context_length), torch.Generator().manual_seed(1)
    tokens = torch.randint(0, config.vocabulary_size, shape, generator=generator)
    tokens[:, config.context_length // 2 :] = 0
    wanted, got = theirs(tokens).last_hidden_state, ours.encode(tokens)
    yield "text tower", config.width, f"{config.layers - config.skipped_layers} layers", wanted, got


def of_autoencoder(config: AutoencoderConfig) -> Iterator[Row]:
    module = parity("test_autoencoder_parity")
    theirs = module.reference(config).eval().requires_grad_(False)
    fill(theirs, 4)
    ours = Autoencoder(config).eval().requires_grad_(False)
    ours.load_state_dict(module.as_latent_diffusion(theirs.state_dict(), config), assign=True)
    latents, frames = drawn(1, 4, 1, 16, 16), drawn(1, 3, 1, 128, 128, seed=5)
    wanted: Any = theirs.decode(latents[:, :, 0] / config.latent_scale).sample
    yield "decoder", config.width, "a frame of 128²", wanted, ours.decode(latents)[:, :, 0]
    wanted = theirs.encode(frames[:, :, 0]).latent_dist.mode() * config.latent_scale
    yield "encoder", config.width, "a frame of 128²", wanted, ours.encode(frames)[:, :, 0]


def rows(*, real: bool) -> Iterator[Row]:
    unet, text, autoencoder = MODELSCOPE.unet, MODELSCOPE.text_encoder, MODELSCOPE.autoencoder
    yield from of_unet(replace(unet, width=64))
    yield from of_text(replace(text, width=64, heads=4, layers=3))
    yield from of_autoencoder(replace(autoencoder, width=64))
    if real:
        yield from of_text(text)
        yield from of_autoencoder(autoencoder)
        yield from of_unet(unet)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    say("| part | width | of | largest difference / standard deviation |\n| --- | --- | --- | --- |")
    for part, width, what, wanted, got in rows(real=options.real):
        share = ((got - wanted).abs().max() / wanted.std()).item()
        say(f"| {part} | {width} | {what} | {share:.1e} |")


if __name__ == "__main__":
    main()
