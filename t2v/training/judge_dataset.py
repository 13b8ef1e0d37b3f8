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

from t2v.judge import labels, sampled_frames
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.pipeline import to_uint8
from t2v.toon.acting import Scene, sample_scene
from t2v.toon.direction import PARTS
from t2v.toon.drawing.poses import PERIOD
from t2v.toon.drawing.scene import draw_with_figures
from t2v.training.toon_dataset import to_tensor

Labels = dict[str, Tensor]
"""Set, time, size (n,); kind, colour, action (n, places); parts (n, f, places); -1 where there is none."""
CLIPS_AT_ONCE = 32
PLAIN_SHARE = 0.6  # of the clips: figures do what their actions are, and nothing else meanwhile
MOST_NOISE = (
    0.3  # standard deviation added to half of the latents, as filmed latents differ from encoded ones
)


@dataclass(frozen=True)
class LabelledClips:
    """Clips, uint8 (n, f, h, w, 3) of the sampled frames only, and their labels."""

    clips: np.ndarray
    labels: Labels


def draw_some(seed: int, size: tuple[int, int], plain_share: float = PLAIN_SHARE) -> LabelledClips:
    """CLIPS_AT_ONCE random scenes, held-out ones among them, drawn."""
    rng = np.random.default_rng(seed)
    plainly = [bool(rng.random() < plain_share) for _ in range(CLIPS_AT_ONCE)]
    return draw_labelled([(sample_scene(rng, PERIOD, plainly=plain), plain) for plain in plainly], size)


def draw_labelled(scenes: Sequence[tuple[Scene, bool]], size: tuple[int, int]) -> LabelledClips:
    """Scenes of whole clips, and whether they are played plainly, drawn at a size (height, width)."""
    shown = [_sampled(scene) for scene, _ in scenes]
    right = [labels(scene, plainly=plain) for scene, (_, plain) in zip(shown, scenes, strict=True)]
    return LabelledClips(
        np.stack([draw_sampled_frames(scene, size) for scene, _ in scenes]),
        {name: torch.tensor([answer[name] for answer in right]) for name in right[0]},
    )


def _sampled(scene: Scene) -> Scene:
    return Scene(scene.staging, tuple(scene.poses[i] for i in sampled_frames(len(scene.poses))))


def draw_sampled_frames(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    """The frames of a clip that a judge sees, uint8 (f, h, w, 3)."""
    height, width = size
    frames, _ = draw_with_figures(
        scene.staging,
        num_frames=len(scene.poses),
        height=height,
        width=width,
        poses=scene.poses,
        only=sampled_frames(len(scene.poses)),
    )
    return frames


def draw_many(
    count: int, size: tuple[int, int], seed: int, processes: int, plain_share: float = PLAIN_SHARE
) -> LabelledClips:
    """At least `count` clips, drawn by worker processes."""
    seeds = [seed * 1_000_003 + i for i in range(-(-count // CLIPS_AT_ONCE))]
    some = partial(draw_some, size=size, plain_share=plain_share)
    if processes == 1:
        return concatenate(map(some, seeds))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return concatenate(pool.imap(some, seeds))


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

    times = 2 if torch.rand(1, generator=generator).item() < 0.75 else 4  # as soft as half the size and less
    soft = F.interpolate(F.avg_pool2d(pictures, times), (h, w), mode="bilinear", align_corners=False)
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
    most = h // 21  # pixels of a shift
    dy, dx = (int(torch.randint(2 * most + 1, (1,), generator=generator)) for _ in range(2))
    return F.pad(out, (most,) * 4, mode="replicate")[:, :, dy : dy + h, dx : dx + w]


def mirror(pictures: Tensor, right: Labels) -> tuple[Tensor, Labels]:
    """The pictures mirrored left to right, and the places, arms and glances of the answers with them."""
    swapped = {name: answer.flip(-1) if answer.ndim > 1 else answer for name, answer in right.items()}
    if "left_arm" in swapped:
        swapped["left_arm"], swapped["right_arm"] = swapped["right_arm"], swapped["left_arm"]
        left, right_ = (PARTS["gaze"].index(side) for side in ("left", "right"))
        gaze = swapped["gaze"]
        swapped["gaze"] = torch.where(gaze == left, right_, torch.where(gaze == right_, left, gaze))
    return pictures.flip(-1), swapped
