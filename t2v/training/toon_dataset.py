"""The drawn world as training data: frames, where figures are, and captions, drawn by worker processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

Drawn = tuple[np.ndarray, np.ndarray, list[str]]  # frames, figures, captions
SQUARE_SHARE = 0.25  # of the batches


@dataclass(frozen=True)
class Job:
    """Some stagings to draw: one worker's piece of work."""

    seed: int
    count: int
    num_frames: int
    size: tuple[int, int]
    captions: int = 3  # wordings a staging


def draw_job(job: Job) -> Drawn:
    """Frames (n, f, h, w, 3) uint8, figures (n, f, h/8, w/8) uint8, and captions, joined by a newline."""
    from t2v.toon.drawing.scene import draw_with_figures
    from t2v.toon.world import is_held_out, sample_staging

    rng = np.random.default_rng(job.seed)
    height, width = job.size
    frames, figures, captions = [], [], []
    for _ in range(job.count):
        while is_held_out(staging := sample_staging(rng)):
            pass
        picture, mask = draw_with_figures(staging, num_frames=job.num_frames, height=height, width=width)
        frames.append(picture)
        small = mask.reshape(job.num_frames, height // 8, 8, width // 8, 8).mean((2, 4))
        figures.append((small * 255).astype(np.uint8))
        if job.captions:
            from t2v.toon.prompts.captions import caption

            captions.append("\n".join(caption(staging, rng) for _ in range(job.captions)))
    return np.stack(frames), np.stack(figures), captions


def draw_many(
    count: int, num_frames: int, size: tuple[int, int], seed: int, captions: int = 3, first: int = 0
) -> Iterator[Drawn]:
    """Jobs drawn by worker processes, one a core, in order, from the `first` job on."""
    piece = max(1, 64 // num_frames)
    jobs = [
        Job(seed * 1_000_003 + i, piece, num_frames, size, captions) for i in range(first, -(-count // piece))
    ]
    with multiprocessing.get_context("spawn").Pool() as pool:
        yield from pool.imap(draw_job, jobs, chunksize=8)


def to_tensor(frames: np.ndarray) -> Tensor:
    """uint8 (n, f, h, w, 3) -> (n, 3, f, h, w) in [-1, 1]."""
    return rearrange(torch.from_numpy(frames).float() / 127.5 - 1, "n f h w c -> n c f h w")
