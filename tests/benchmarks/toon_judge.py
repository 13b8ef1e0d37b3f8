"""The judge that scores in `bench_toon`: another architecture and another seed than the one that ships.

    python tests/benchmarks/toon_judge.py --minutes 8

It looks at the mean picture and at what changes from frame to frame, and at each place through a window of
fixed columns, row by row.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.judge import CLIP_QUESTIONS, NUM_FRAMES, PLACE_QUESTIONS, Residual, conv_norm_silu
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
            conv_norm_silu(3 * NUM_FRAMES, 48, kernel=7, stride=4),
            Residual(48),
            conv_norm_silu(48, 96, stride=2),
            Residual(96),
            Residual(96),
            conv_norm_silu(96, 128),
        )
        self.whole = nn.Sequential(nn.Linear(256, 128), nn.SiLU())
        self.place = nn.Sequential(nn.Linear(128 * ROWS + 128, 256), nn.SiLU(), nn.Dropout(0.1))
        self.shared = nn.ModuleDict({name: nn.Linear(128, n) for name, n in CLIP_QUESTIONS.items()})
        self.by_place = nn.ModuleDict({name: nn.Linear(256, n) for name, n in PLACE_QUESTIONS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        frames = pictures.unflatten(1, (NUM_FRAMES, 3))
        changes = frames.diff(dim=1).flatten(1, 2)
        x = self.features(torch.cat([frames.mean(1), changes], 1).contiguous())
        whole = self.whole(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        window = _windows(x.shape[-1]).to(x.dtype)
        rows = F.adaptive_avg_pool2d(x, (ROWS, x.shape[-1])) @ (window / window.sum(1, keepdim=True)).T
        peaks = torch.stack([(x * one).amax((2, 3)) for one in window], 1)  # (n, places, c)
        places = self.place(torch.cat([rows.flatten(1, 2).mT, peaks], -1))
        answers = {name: layer(whole) for name, layer in self.shared.items()}
        return answers | {name: layer(places) for name, layer in self.by_place.items()}


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
