"""The judge that scores in `bench_toon`: another architecture and another seed than the one that ships.

    python tests/benchmarks/toon_judge.py --minutes 8

It looks at frames one by one, puts their features side by side, and answers from a grid of fixed places.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.judge import BY_PLACE, NUM_FRAMES, SHARED, Residual, convolution
from t2v.judge_recipe import run
from t2v.toon.world import PLACES
from t2v.weights import load_strictly, read

WEIGHTS = Path(__file__).with_name("toon_judge.safetensors")
GRID = (3, 7)


class FrameJudge(nn.Module):
    """(n, f * 3, h, w) in [-1, 1] -> answers, as `t2v.judge.Judge` gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            convolution(3, 32, kernel=7, stride=4),
            convolution(32, 64, stride=2),
        )
        self.film = nn.Sequential(convolution(64 * NUM_FRAMES, 128), Residual(128), convolution(128, 48))
        self.shared = _answers(48 * GRID[0] * GRID[1], SHARED, 1)
        self.by_place = _answers(48 * GRID[0] * GRID[1], BY_PLACE, len(PLACES))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        n, c, h, w = pictures.shape
        features = self.frame(pictures.reshape(n * c // 3, 3, h, w))
        film = self.film(features.reshape(n, -1, *features.shape[-2:]))
        flat = F.adaptive_avg_pool2d(film, GRID).flatten(1)
        answers = {name: layer(flat) for name, layer in self.shared.items()}
        places = {name: layer(flat).unflatten(1, (len(PLACES), -1)) for name, layer in self.by_place.items()}
        return answers | places


def _answers(features: int, words: dict[str, int], places: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            name: nn.Sequential(
                nn.Linear(features, 96), nn.SiLU(), nn.Dropout(0.1), nn.Linear(96, n * places)
            )
            for name, n in words.items()
        }
    )


def loaded(path: Path = WEIGHTS) -> FrameJudge:
    model = FrameJudge()
    load_strictly(model, read(path)[0], path, "the judge that scores")
    return model.eval().requires_grad_(False)


if __name__ == "__main__":
    torch.manual_seed(77)
    run(FrameJudge(), WEIGHTS, seed=77, doc=__doc__)
