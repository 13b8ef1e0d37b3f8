"""Acted scenes of the drawn world as training data: latents, masks of figures, captions and directions.

Worker processes draw and encode a folder of parts, one file each: a kill loses a minute at most, and training
can begin on the first parts.
"""

from __future__ import annotations

import logging
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from t2v.configs import TOON
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.toon.direction import MEANINGS
from t2v.training.loop import save_atomically
from t2v.training.resumable import TimeIsUp

log = logging.getLogger("toon")

FRAMES_A_PART = 256
CAPTIONS = 4  # wordings a scene
EMPTY_KEPT = 0.35  # of the stagings without anybody, which are soon learned
GROUPS = (  # parts of a direction that are left out together
    {"mouth"},
    {"gaze"},
    {"left_arm", "right_arm"},
    {"mood", "eyes"},
    {"body", "lean", "step", "legs", "back"},
    {"hold"},
    {"mark"},
)
ALL_LEFT_OUT, FIGURE_LEFT_OUT, THINNED = 0.12, 0.08, 0.25  # shares


@dataclass(frozen=True)
class SceneFolder:
    """A folder of parts: scenes of `num_frames` at a size (height, width) in pixels, drawn from a seed."""

    folder: Path
    num_frames: int
    size: tuple[int, int]
    seed: int

    def part(self, number: int) -> Path:
        """The file of one part."""
        return self.folder / f"{number:05d}.pt"

    def parts(self) -> list[Path]:
        """The files of the parts that are drawn."""
        return sorted(self.folder.glob("[0-9]*.pt"))


@dataclass(frozen=True)
class _Job:
    source: SceneFolder
    number: int
    autoencoder: Path  # a checkpoint of the autoencoder's weights
    with_frames: bool = False  # the drawn frames are kept beside their latents


def draw_part(source: SceneFolder, number: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Frames (n, f, h, w, 3) uint8, and the rest of a part: `figures` (n, f, h/8, w/8) uint8, `captions` with
    a mark for every figure's direction, a line each wording, and `directions` by frame and figure.
    """
    from t2v.toon.acting import sample_scene
    from t2v.toon.direction import describe_direction
    from t2v.toon.drawing.scene import draw_with_figures
    from t2v.toon.prompts.captions import caption
    from t2v.toon.world import is_held_out

    rng = np.random.default_rng((source.seed, number))
    height, width = source.size
    frames: list[np.ndarray] = []
    figures: list[np.ndarray] = []
    captions: list[str] = []
    directions: list[list[list[str]]] = []
    while len(frames) < max(1, FRAMES_A_PART // source.num_frames):
        scene = sample_scene(rng, source.num_frames)
        staging = scene.staging
        if is_held_out(staging) or (not staging.figures and rng.random() > EMPTY_KEPT):
            continue
        picture, mask = draw_with_figures(
            staging, num_frames=source.num_frames, height=height, width=width, poses=scene.poses
        )
        frames.append(picture)
        small = mask.reshape(source.num_frames, height // 8, 8, width // 8, 8).mean((2, 4))
        figures.append((small * 255).astype(np.uint8))
        marks = [f"{{{i}}}" for i in range(len(staging.figures))]
        captions.append("\n".join(caption(staging, rng, marks) for _ in range(CAPTIONS)))
        directions.append([[" ".join(describe_direction(d)) for d in frame] for frame in scene.directions()])
    rest = {"figures": torch.from_numpy(np.stack(figures)), "captions": captions, "directions": directions}
    return np.stack(frames), rest


def _autoencoder(file: Path) -> Autoencoder:
    model = Autoencoder(TOON.autoencoder).eval()
    model.load_state_dict(torch.load(file, weights_only=True))
    return model


@torch.inference_mode()
def encode(model: Autoencoder, frames: np.ndarray, at_once: int = 32) -> Tensor:
    """uint8 (n, f, h, w, 3) -> latents (n, c, f, h, w) fp16."""
    flat = torch.from_numpy(frames.reshape(-1, *frames.shape[2:]))
    out = []
    for few in torch.split(flat, at_once):
        with mixed(torch.device("cpu")):
            means = model.encode(rearrange(few.float() / 127.5 - 1, "n h w c -> n c 1 h w"))
        out.append(means[:, :, 0].half())
    return rearrange(torch.cat(out), "(n f) c h w -> n c f h w", n=len(frames)).clone()


def _write_part(job: _Job) -> int:
    """Draw, encode and write one part; returns how many scenes it has."""
    torch.set_num_threads(1)
    frames, rest = draw_part(job.source, job.number)
    latents = encode(_autoencoder(job.autoencoder), frames)
    if job.with_frames:
        rest["frames"] = torch.from_numpy(frames)
    save_atomically({"latents": latents, **rest}, job.source.part(job.number))
    return len(latents)


def draw_parts(
    source: SceneFolder,
    count: int,
    autoencoder: Path,
    *,
    with_frames: bool = False,
    processes: int = 2,
    stop_at: float | None = None,
) -> None:
    """Draw those of the first `count` parts that are missing. Raises TimeIsUp."""
    source.folder.mkdir(parents=True, exist_ok=True)
    jobs = [_Job(source, i, autoencoder, with_frames) for i in range(count) if not source.part(i).exists()]
    if not jobs:
        return
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, scenes in enumerate(pool.imap_unordered(_write_part, jobs), 1):
            if done % 10 == 0 or done == len(jobs):
                a_second = done * scenes * source.num_frames / (time.monotonic() - began)
                log.info("%s: %d of %d parts, %.0f frames/s", source.folder.name, done, len(jobs), a_second)
            if stop_at is not None and time.monotonic() > stop_at:
                raise TimeIsUp(done)


@dataclass
class Scenes:
    """The drawn parts of a folder, in memory; `refresh` reads those that were drawn since."""

    source: SceneFolder
    latents: list[Tensor] = field(default_factory=list)  # of every part (n, c, f, h, w) fp16
    figures: list[Tensor] = field(default_factory=list)  # (n, f, h, w) uint8
    captions: list[str] = field(default_factory=list)
    directions: list[list[list[str]]] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    starts: list[int] = field(default_factory=list)

    def refresh(self) -> None:
        for file in self.source.parts():
            if file in self.seen:
                continue
            part = torch.load(file, weights_only=True)
            self.starts.append(len(self.captions))
            self.latents.append(part["latents"])
            self.figures.append(part["figures"])
            self.captions += part["captions"]
            self.directions += part["directions"]
            self.seen.add(file)

    def __len__(self) -> int:
        return len(self.captions)

    def pick(self, index: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Latents (b, c, f, h, w) fp32 and figures (b, 1, f, h, w) uint8 of some scenes."""
        where = [locate(self.starts, i) for i in index]
        latents = torch.stack([self.latents[part][at] for part, at in where]).float()
        return latents, torch.stack([self.figures[part][at] for part, at in where])[:, None]

    def texts(self, index: int, frames: range, chance: random.Random) -> list[str]:
        """A text for each frame: one wording of the scene, and most words of that frame's directions."""
        wording = chance.choice(self.captions[index].split("\n"))
        shown = self.directions[index]
        kept = sample_parts(len(shown[0]), chance)
        return [
            wording.format(*(_keep_words(words, parts) for words, parts in zip(shown[f], kept, strict=True)))
            for f in frames
        ]


def locate(starts: Sequence[int], index: int) -> tuple[int, int]:
    """The part of an index, and the index in it."""
    part = int(np.searchsorted(starts, index, side="right")) - 1
    return part, index - starts[part]


def sample_parts(num_figures: int, chance: random.Random) -> list[set[str]]:
    """The parts of each figure's direction that a caption has, at random."""
    every = set().union(*GROUPS)
    if chance.random() < ALL_LEFT_OUT:
        return [set() for _ in range(num_figures)]
    out: list[set[str]] = []
    for _ in range(num_figures):
        dice = chance.random()
        if dice < FIGURE_LEFT_OUT:
            out.append(set())
        elif dice < FIGURE_LEFT_OUT + THINNED:
            out.append(set().union(*(group for group in GROUPS if chance.random() < 0.6)))
        else:
            out.append(every)
    return out


def _keep_words(words: str, parts: set[str]) -> str:
    return " ".join(word for word in words.split() if parts and MEANINGS[word].keys() <= parts)
