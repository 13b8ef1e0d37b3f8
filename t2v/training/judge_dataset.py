"""The training data of judges: drawn clips, their reconstructions by the autoencoder, and labels."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2v.configs import TOON_112
from t2v.judge import NUM_FRAMES, labels, sampled_frames
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.pipeline import to_uint8
from t2v.toon.drawing.poses import PERIOD
from t2v.toon.drawing.scene import draw
from t2v.toon.world import Staging, sample_staging
from t2v.training.toon_dataset import to_tensor

Labels = dict[str, Tensor]  # set, time, size (n,); kind, colour, action (n, places), -1 where there is none
CLIPS_AT_ONCE = 32
MOST_NOISE = (
    0.3  # standard deviation added to half of the latents, as filmed latents differ from encoded ones
)


@dataclass(frozen=True)
class LabelledClips:
    """Clips, uint8 (n, f, h, w, 3) of the sampled frames only, and their labels."""

    clips: np.ndarray
    labels: Labels


def draw_sampled_frames(staging: Staging, size: tuple[int, int]) -> np.ndarray:
    """The frames of a 16-frame clip that a judge sees; the others are drawn only if the camera moves."""
    height, width = size
    if staging.camera == "still":
        fps = TOON_112.fps * NUM_FRAMES // PERIOD
        return draw(staging, num_frames=NUM_FRAMES, height=height, width=width, fps=fps)
    return draw(staging, num_frames=PERIOD, height=height, width=width)[sampled_frames(PERIOD)]


def draw_some(seed: int, size: tuple[int, int]) -> LabelledClips:
    """CLIPS_AT_ONCE random stagings, held-out ones among them, drawn."""
    rng = np.random.default_rng(seed)
    return draw_labelled([sample_staging(rng) for _ in range(CLIPS_AT_ONCE)], size)


def draw_labelled(stagings: Sequence[Staging], size: tuple[int, int]) -> LabelledClips:
    """The stagings drawn at a size (height, width), with labels."""
    right = [labels(staging) for staging in stagings]
    return LabelledClips(
        np.stack([draw_sampled_frames(staging, size) for staging in stagings]),
        {name: torch.tensor([answer[name] for answer in right]) for name in right[0]},
    )


def draw_many(count: int, size: tuple[int, int], seed: int, processes: int) -> LabelledClips:
    """At least `count` clips, drawn by worker processes."""
    seeds = [seed * 1_000_003 + i for i in range(-(-count // CLIPS_AT_ONCE))]
    if processes == 1:
        return concatenate(draw_some(s, size) for s in seeds)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return concatenate(pool.imap(partial(draw_some, size=size), seeds))


def concatenate(parts: Iterable[LabelledClips]) -> LabelledClips:
    """All parts as one."""
    parts = list(parts)
    names = parts[0].labels
    return LabelledClips(
        np.concatenate([part.clips for part in parts]),
        {name: torch.cat([part.labels[name] for part in parts]) for name in names},
    )


@torch.inference_mode()
def reconstruct(autoencoder: Autoencoder, clips: np.ndarray, seed: int | None = None) -> np.ndarray:
    """The clips, encoded and decoded; with a seed, half of the latents get a little noise."""
    generator = torch.Generator().manual_seed(seed or 0)
    return np.stack([_clip(autoencoder, clip, None if seed is None else generator) for clip in clips])


def _clip(autoencoder: Autoencoder, frames: np.ndarray, generator: torch.Generator | None) -> np.ndarray:
    images = to_tensor(frames[:, None])[:, :, 0]
    with mixed(torch.device("cpu")):
        latents = autoencoder.posterior(images)[0].float()
        if generator is not None and torch.rand(1, generator=generator).item() < 0.5:
            sigma = MOST_NOISE * torch.rand(1, generator=generator)
            latents = latents + sigma * torch.randn(latents.shape, generator=generator)
        out = autoencoder.decode_images(latents)
    return to_uint8(out.transpose(0, 1))


# ------------------------------------------------------------------------------------- augmentation


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (n, f * 3, h, w) with random noise, blur, colours and a shift, different for every clip."""
    n, c, h, w = pictures.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    soft = F.interpolate(F.avg_pool2d(pictures, 2), (h, w), mode="bilinear", align_corners=False)
    softness = uniform(-0.6, 1, 1, 1, 1).clamp_min(0)
    out = torch.lerp(pictures, soft, softness)
    gain, offset = uniform(0.88, 1.12, 3, 1, 1), uniform(-0.08, 0.08, 3, 1, 1)
    out = out * gain.repeat(1, c // 3, 1, 1) + offset.repeat(1, c // 3, 1, 1)
    grain = uniform(0, 0.1, 1, 1, 1) * torch.randn(n, 3, h, w, generator=generator)
    out = out + torch.cat([grain.roll(17 * i, -1) for i in range(c // 3)], 1)
    patches = torch.randn(n, c, h // 8, w // 8, generator=generator) * uniform(
        -0.06, 0.12, 1, 1, 1
    ).clamp_min(0)
    out = out + F.interpolate(patches, (h, w), mode="bilinear", align_corners=False)
    dy, dx = (int(torch.randint(-3, 4, (1,), generator=generator)) for _ in range(2))
    return F.pad(out, (3, 3, 3, 3), mode="replicate")[:, :, 3 + dy : 3 + dy + h, 3 + dx : 3 + dx + w]


def mirror(pictures: Tensor, right: Labels) -> tuple[Tensor, Labels]:
    """The pictures mirrored left to right, and the places of the answers with them."""
    swapped = {name: answer.flip(1) if answer.ndim > 1 else answer for name, answer in right.items()}
    return pictures.flip(-1), swapped
