"""The judge of TOON's films: set, time, shot size, and each figure's kind, colour, action and place.

A small network, trained on the drawn world alone (`t2v.training.judge_recipe`), never on TOON's films.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.configs import TOON_112
from t2v.errors import SettingsError
from t2v.toon.world import ACTIONS, COLOURS, KINDS, PLACES, SETS, SIZES, TIMES, Staging

WEIGHTS = Path(__file__).parent / "weights" / "judge.safetensors"
NOBODY = len(KINDS)  # the kind of an empty place
NUM_FRAMES = 6  # of a clip that the judge sees, evenly spaced
CLIP_QUESTIONS = {"set": len(SETS), "time": len(TIMES), "size": len(SIZES)}
PLACE_QUESTIONS = {"kind": len(KINDS) + 1, "colour": len(COLOURS), "action": len(ACTIONS)}

Answers = Mapping[str, Tensor]  # set, time, size (n, words); kind, colour, action (n, places, words)


@dataclass(frozen=True)
class SeenFigure:
    """A figure in the picture; `sure` is the probability of its kind and colour, 0 to 1."""

    kind: str
    colour: str
    action: str
    place: str
    sure: float


@dataclass(frozen=True)
class Verdict:
    """The content of a clip, in the words of the drawn world."""

    set: str
    time: str
    size: str
    figures: tuple[SeenFigure, ...]


class Norm(nn.Module):
    """Batch normalisation without PyTorch's integer counter of batches, which cannot be averaged."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.running_mean, self.running_var
        return F.batch_norm(x, mean, variance, self.weight, self.bias, training=self.training)


class Residual(nn.Module):
    """Two 3x3 convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm_silu(channels, channels)
        self.second = conv_norm_silu(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


class Judge(nn.Module):
    """Sampled frames as channels (n, f * 3, h, w) in [-1, 1] to answers, see `Answers`.

    Each place pools the features with attention weights of its own, and so does the whole picture.
    """

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        w, self.heads = width, heads
        self.features = nn.Sequential(
            conv_norm_silu(3 * NUM_FRAMES, w, kernel=5, stride=2),
            conv_norm_silu(w, 2 * w, stride=2),
            Residual(2 * w),
            conv_norm_silu(2 * w, 3 * w, stride=2),
            Residual(3 * w),
            Residual(3 * w),
            conv_norm_silu(3 * w, 4 * w),
        )
        looks = len(PLACES) + 1
        self.attention = nn.Conv2d(4 * w, looks * heads, 1)
        self.where = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, looks * heads))
        self.whole = nn.Sequential(nn.Linear(4 * w * heads, 128), nn.SiLU())
        self.place = nn.Sequential(nn.Linear(4 * w * heads, 192), nn.SiLU())
        self.shared = nn.ModuleDict({name: nn.Linear(128, n) for name, n in CLIP_QUESTIONS.items()})
        self.by_place = nn.ModuleDict({name: nn.Linear(192, n) for name, n in PLACE_QUESTIONS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        x = self.features(pictures)
        n, c, h, w = x.shape
        logits = self.attention(x).flatten(2) + self.where(_grid(h, w)).T
        weights = logits.float().softmax(-1).to(x.dtype)  # (n, looks * heads, h * w)
        seen = (weights @ x.flatten(2).mT).view(n, -1, self.heads * c)
        whole, places = self.whole(seen[:, -1]), self.place(seen[:, :-1])
        answers = {name: layer(whole) for name, layer in self.shared.items()}
        return answers | {name: layer(places) for name, layer in self.by_place.items()}


def conv_norm_silu(c_in: int, c_out: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution, a norm over the batch and SiLU."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), Norm(c_out), nn.SiLU(inplace=True)
    )


def _grid(h: int, w: int) -> Tensor:
    """The positions of the features, x and y from -1 to 1: (h * w, 2)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    return torch.stack([x, y], -1).flatten(0, 1)


def sampled_frames(num_frames: int) -> list[int]:
    """The indices of the frames that the judge sees: of 16, 0, 3, 5, 8, 11 and 13."""
    return [min(num_frames - 1, round(i * num_frames / NUM_FRAMES)) for i in range(NUM_FRAMES)]


def stack_frames(clips: np.ndarray) -> Tensor:
    """Sampled frames, uint8 (n, f, h, w, 3), to (n, f * 3, h, w) in [-1, 1]."""
    n, f, h, w, _ = clips.shape
    tensor = torch.from_numpy(np.ascontiguousarray(clips)).float() / 127.5 - 1
    return tensor.permute(0, 1, 4, 2, 3).reshape(n, 3 * f, h, w)


def labels(staging: Staging) -> dict[str, list[int] | int]:
    """The right answers for a staging; colour and action of an empty place are -1."""
    by_place = {figure.place: figure for figure in staging.figures}
    figures = [by_place.get(place) for place in PLACES]
    return {
        "set": SETS.index(staging.set),
        "time": TIMES.index(staging.time),
        "size": SIZES.index(staging.size),
        "kind": [KINDS.index(f.kind) if f else NOBODY for f in figures],
        "colour": [COLOURS.index(f.colour) if f else -1 for f in figures],
        "action": [ACTIONS.index(f.action) if f else -1 for f in figures],
    }


def read_answers(answers: Answers) -> list[Verdict]:
    """A network's answers as verdicts, one a clip."""
    likely = {name: logits.float().softmax(-1) for name, logits in answers.items()}
    found = []
    for i in range(len(likely["set"])):
        best = {name: int(likely[name][i].argmax()) for name in CLIP_QUESTIONS}
        figures = tuple(
            _seen(likely, i, p) for p in range(len(PLACES)) if int(likely["kind"][i, p].argmax()) != NOBODY
        )
        found.append(Verdict(SETS[best["set"]], TIMES[best["time"]], SIZES[best["size"]], figures))
    return found


def _seen(likely: Answers, i: int, place: int) -> SeenFigure:
    kind, colour, action = (likely[name][i, place] for name in PLACE_QUESTIONS)
    sure = float(kind.max() * colour.max())
    return SeenFigure(
        KINDS[int(kind.argmax())],
        COLOURS[int(colour.argmax())],
        ACTIONS[int(action.argmax())],
        PLACES[place],
        sure,
    )


def figure_at(place: str, verdict: Verdict, *, alone: bool) -> SeenFigure | None:
    """The figure at a place, or at any place if it is the only one wanted; the surest, None if none."""
    figures = [figure for figure in verdict.figures if alone or figure.place == place]
    return max(figures, key=lambda figure: figure.sure, default=None)


@cache
def load_judge() -> Judge:
    """The judge in the package, loaded once."""
    model = Judge()
    load_strictly(model, read_weights(WEIGHTS)[0], WEIGHTS, "the judge")
    return model.eval().requires_grad_(False)


def shrink(frames: np.ndarray) -> np.ndarray:
    """A clip, uint8 (f, h, w, 3), at the size that judges look at, 112x64 or 80x80; larger ones are averaged.

    Raises SettingsError for a size that no TOON films.
    """
    if frames.ndim == 4 and len(frames):
        for height, width in TOON_112.sizes.values():
            times = max(1, frames.shape[1] // height)
            if frames.shape[1:3] == (times * height, times * width):
                tiles = frames.reshape(len(frames), height, times, width, times, 3)
                return frames if times == 1 else tiles.mean((2, 4)).round().astype(np.uint8)
    sizes = " or ".join(f"(f, {h}, {w}, 3)" for h, w in TOON_112.sizes.values())
    raise SettingsError(f"wanted a clip of TOON, {sizes}, or larger by a whole number, got {frames.shape}")


@torch.inference_mode()
def judge(frames: np.ndarray, network: nn.Module | None = None) -> Verdict:
    """The content of a clip, uint8 (f, h, w, 3). Raises SettingsError for a size that no TOON films."""
    pictures = stack_frames(shrink(frames[sampled_frames(len(frames))] if len(frames) else frames)[None])
    return read_answers((network or load_judge())(pictures))[0]
