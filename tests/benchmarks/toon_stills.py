"""Twelve directed pictures of a TOON in training, first takes with one seed, on one sheet.

    python tests/benchmarks/toon_stills.py training/levels/stills-224.pt stills.png

The prompts are the same for every checkpoint and were chosen before any picture was seen. A checkpoint is one
of `t2v.training.toon_levels`, of which the moving average is shown, or a file of weights that it exported.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from t2v.checkpoints.files.safetensors import read_weights
from t2v.configs import TOON_PRESETS, Preset, timestep_shift
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import tokenize
from t2v.sampling.guidance import Branches, Guidance, guided_denoiser
from t2v.sampling.samplers import sample_ddim
from t2v.sampling.schedule import noise_schedule, timesteps
from t2v.training.toon_levels import DirectedToon, warm_start
from t2v.training.toon_stages import PACKAGED

PROMPTS = (
    "close-up of orange cat with hat talking mouth-wide looks-ahead arms-down, in the kitchen, day",
    "close-up of blue man with apron talking mouth-shut looks-ahead arms-down, in the fish shop, day",
    "medium shot, red robot waving mouth-shut looks-ahead left-arm-down right-arm-up, in the office, day",
    "medium shot, green alien dancing mouth-shut looks-ahead arms-out feels-glad, in the park, day",
    "medium shot, pink child jumping mouth-open looks-ahead arms-up body-airborne, in the street, day",
    "medium shot, blue man with apron talking on the left mouth-wide looks-right left-arm-down right-arm-out "
    "and orange cat with hat standing on the right mouth-shut looks-left arms-down, in the fish shop, day",
    "medium shot, yellow woman arguing mouth-open looks-ahead left-arm-up right-arm-out feels-angry, "
    "in the living room, night",
    "wide shot, white ghost talking mouth-open looks-ahead left-arm-down right-arm-out, in the bar, night",
    "close-up of purple robot with glasses sleeping mouth-shut looks-ahead arms-down eyes-shut mark-dozing, "
    "in the bedroom, night",
    "medium shot, gray dog with tie standing on the left mouth-shut looks-right arms-down "
    "and red woman talking on the right mouth-wide looks-left arms-down, in the office, day",
    "close-up of green alien laughing mouth-laughing looks-ahead arms-down eyes-smiling, in the space, night",
    "wide shot, orange cat walking mouth-shut looks-right arms-down legs-apart, in the street, night",
)
COLUMNS = 3


@torch.inference_mode()
def sample_stills(
    model: DirectedToon, preset: Preset, prompts: tuple[str, ...], seed: int, steps: int, scale: float
) -> Tensor:
    """Latents (n, c, 1, h, w) of a picture for each prompt."""
    height, width = next(iter(preset.sizes.values()))
    factor, channels = preset.autoencoder.factor, preset.autoencoder.latent_channels
    schedule = noise_schedule(replace(preset.schedule, shared_noise=0.0))
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(prompts), channels, 1, height // factor, width // factor, generator=generator)
    shift = timestep_shift(preset, height, width)
    visited = timesteps(steps, schedule, preset.spacing, to_clean=True, shift=shift)
    texts = [tokenize(words, preset.text_encoder)[:, None] for words in (prompts, [""] * len(prompts))]

    def predict(latents: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return model(latents, t, tokens).float()

    denoise = guided_denoiser(Branches(predict, *texts), schedule, preset.prediction, Guidance(scale))
    return sample_ddim(denoise, noise, schedule, visited)


@torch.inference_mode()
def decode(preset: Preset, latents: Tensor) -> np.ndarray:
    """Latents (n, c, 1, h, w) to pictures, uint8 (n, h, w, 3), by the package's autoencoder."""
    autoencoder = Autoencoder(preset.autoencoder).eval()
    prefix = "autoencoder."
    state = read_weights(PACKAGED)[0]
    autoencoder.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    with mixed(torch.device("cpu")):
        frames = autoencoder.decode(latents)[:, :, 0].float()
    return ((frames.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).numpy()


def lay_out(pictures: np.ndarray, width: int) -> Image.Image:
    """Pictures (n, h, w, 3) on a sheet with three columns, each so many pixels wide."""
    height = width * pictures.shape[1] // pictures.shape[2]
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (width * COLUMNS, height * rows), "white")
    for i, picture in enumerate(pictures):
        large = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(large, (i % COLUMNS * width, i // COLUMNS * height))
    return sheet


def open_model(source: str) -> tuple[DirectedToon, Preset]:
    """A checkpoint of `toon_levels`, of which the moving average counts, a file of weights, or "toon"."""
    if source.endswith(".pt"):
        state = torch.load(source, weights_only=True, map_location="cpu")["ema"]
    else:
        state = read_weights(PACKAGED if source == "toon" else Path(source))[0]
    levels = {name.split(".")[2] for name in state if name.startswith("unet.outer_levels.")}
    preset = TOON_PRESETS[len(levels)]
    model = DirectedToon(preset).eval()
    warm_start(model, state)
    return model, preset


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, preset = open_model(options.checkpoint)
    latents = sample_stills(model, preset, PROMPTS, options.seed, options.steps, options.guidance)
    lay_out(decode(preset, latents), 448).save(options.path, optimize=True)


if __name__ == "__main__":
    main()
