"""The judge that scores in `bench_toon`: another architecture and another seed than the one that ships.

    python tests/benchmarks/toon_judge.py --minutes 8

It looks at every frame and at how it differs from the mean picture, and at each place through a window of
fixed columns, row by row.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.judge import NUM_FRAMES, Heads, Residual, as_frames, conv_norm_silu, over_frames
from t2v.toon.world import PLACES
from t2v.training.judge_recipe import run_command

WEIGHTS = Path(__file__).with_name("toon_judge.safetensors")
CENTRES = (-0.47, 0.0, 0.47)  # of the places, in half widths of the picture
SPREAD = 0.3  # of a window
ROWS = 4


class WindowJudge(nn.Module):
    """(n, f * 3, h, w) in [-1, 1] -> answers, as `t2v.judge.Judge` gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_norm_silu(6, 32, kernel=5, stride=2),
            conv_norm_silu(32, 64, stride=2),
            conv_norm_silu(64, 96, stride=2),
            Residual(96),
            conv_norm_silu(96, 96),
        )
        self.whole = nn.Sequential(nn.Linear(192, 128), nn.SiLU())
        self.moment = nn.Sequential(nn.Linear(96 * ROWS + 96, 144), nn.SiLU(), nn.Dropout(0.1))
        self.place = nn.Sequential(nn.Linear(144 * NUM_FRAMES, 256), nn.SiLU(), nn.Dropout(0.1))
        self.heads = Heads(128, 256, 144)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        frames = as_frames(pictures)
        seen = torch.cat([frames, frames - frames.mean(1, keepdim=True)], 2).flatten(0, 1)
        x = self.features(seen.contiguous(memory_format=torch.channels_last))  # (n * f, c, h, w)
        whole = self.whole(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        window = _windows(x.shape[-1]).to(x.dtype)
        rows = F.adaptive_avg_pool2d(x, (ROWS, x.shape[-1])) @ (window / window.sum(1, keepdim=True)).T
        peaks = torch.stack([(x * one).amax((2, 3)) for one in window], 1)  # (n * f, places, c)
        moments = self.moment(torch.cat([rows.flatten(1, 2).mT, peaks], -1)).unflatten(0, (-1, NUM_FRAMES))
        by_clip = whole.unflatten(0, (-1, NUM_FRAMES)).mean(1)
        return self.heads(by_clip, self.place(over_frames(moments)), moments)


def _windows(width: int) -> Tensor:
    """What each column counts for each place (places, width)."""
    x = (torch.arange(width) + 0.5) / width * 2 - 1
    return torch.exp(-0.5 * ((x[None] - torch.tensor(CENTRES)[:, None]) / SPREAD).square())


def loaded(path: Path = WEIGHTS) -> WindowJudge:
    model = WindowJudge()
    load_strictly(model, read_weights(path)[0], path, "the judge that scores")
    assert len(CENTRES) == len(PLACES)
    return model.eval().requires_grad_(False)


if __name__ == "__main__":
    torch.manual_seed(77)
    run_command(WindowJudge(), WEIGHTS, seed=77, doc=__doc__)
