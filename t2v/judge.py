"""The judge of TOON's films: set, time, shot size, and each figure's kind, colour, action, place and poses.

A small network, trained on the drawn world alone (`t2v.training.judge_recipe`), never on TOON's films.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.configs import TOON, TOON_PRESETS
from t2v.errors import SettingsError
from t2v.toon.acting import Scene
from t2v.toon.direction import PARTS, Direction
from t2v.toon.world import COLOURS, EVERY_ACTION, KINDS, PLACES, SETS, SIZES, TIMES

WEIGHTS = Path(__file__).parent / "weights" / "judge.safetensors"
NOBODY = len(KINDS)  # the kind of an empty place
NUM_FRAMES = 6  # of a clip that the judge sees, evenly spaced
SEEN_PARTS = ("mouth", "gaze", "left_arm", "right_arm", "mood", "eyes", "body")  # of a direction
FACE_PARTS = ("mouth", "gaze", "mood", "eyes")  # which a back hides
CLIP_QUESTIONS = {"set": len(SETS), "time": len(TIMES), "size": len(SIZES)}
PLACE_QUESTIONS = {"kind": len(KINDS) + 1, "colour": len(COLOURS), "action": len(EVERY_ACTION)}
FRAME_QUESTIONS = {part: len(PARTS[part]) for part in SEEN_PARTS}

Answers = Mapping[str, Tensor]
"""Scores of words: set, time, size (n, words); kind, colour, action (n, places, words); parts of directions
(n, f, places, words)."""


@dataclass(frozen=True)
class SeenFigure:
    """A figure in the picture; `sure` is the probability of its kind and colour, 0 to 1.

    `directions`: what it does in each frame that is looked at; of the parts in `SEEN_PARTS` alone.
    """

    kind: str
    colour: str
    action: str
    place: str
    sure: float
    directions: tuple[Direction, ...] = ()


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


class Heads(nn.Module):
    """A judge's last layers: features to the scores of every question, see `Answers`.

    Features of clips (n, c), of their places (n, places, c), and of places in frames (n, f, places, c).
    """

    def __init__(self, whole: int, place: int, moment: int) -> None:
        super().__init__()
        self.shared = _answering(whole, CLIP_QUESTIONS)
        self.by_place = _answering(place, PLACE_QUESTIONS)
        self.by_frame = _answering(moment, FRAME_QUESTIONS)

    def forward(self, whole: Tensor, places: Tensor, moments: Tensor) -> dict[str, Tensor]:
        pairs = ((self.shared, whole), (self.by_place, places), (self.by_frame, moments))
        return {name: layer(x) for layers, x in pairs for name, layer in layers.items()}


def _answering(channels: int, questions: Mapping[str, int]) -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Linear(channels, words) for name, words in questions.items()})


class Judge(nn.Module):
    """Sampled frames as channels (n, f * 3, h, w) in [-1, 1] to answers, see `Answers`.

    Each place pools every frame's features with attention weights of its own, and so does the whole picture.
    """

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        w, self.num_heads = width, heads
        self.features = nn.Sequential(
            conv_norm_silu(3, w, kernel=7, stride=4),
            Residual(w),
            conv_norm_silu(w, 2 * w, stride=2),
            Residual(2 * w),
            Residual(2 * w),
            conv_norm_silu(2 * w, 3 * w),
        )
        looks = len(PLACES) + 1
        self.attention = nn.Conv2d(3 * w, looks * heads, 1)
        self.where = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, looks * heads))
        self.whole = nn.Sequential(nn.Linear(3 * w * heads, 128), nn.SiLU())
        self.moment = nn.Sequential(nn.Linear(3 * w * heads, 160), nn.SiLU())
        self.place = nn.Sequential(nn.Linear(160 * NUM_FRAMES, 256), nn.SiLU())
        self.heads = Heads(128, 256, 160)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        frames = as_frames(pictures).flatten(0, 1)
        x = self.features(frames.contiguous(memory_format=torch.channels_last))
        c, h, w = x.shape[1:]
        logits = self.attention(x).flatten(2) + self.where(_grid(h, w)).T
        weights = logits.float().softmax(-1).to(x.dtype)  # (n * f, looks * heads, h * w)
        seen = (weights @ x.flatten(2).mT).view(-1, NUM_FRAMES, len(PLACES) + 1, self.num_heads * c)
        moments = self.moment(seen[:, :, :-1])  # (n, f, places, 160)
        return self.heads(self.whole(seen[:, :, -1]).mean(1), self.place(over_frames(moments)), moments)


def as_frames(pictures: Tensor) -> Tensor:
    """Frames as channels (n, f * 3, h, w) to (n, f, 3, h, w)."""
    return pictures.view(len(pictures), NUM_FRAMES, 3, *pictures.shape[2:])


def over_frames(moments: Tensor) -> Tensor:
    """Features of frames (n, f, places, d) to those of clips (n, places, f * d)."""
    return moments.transpose(1, 2).flatten(2)


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


def labels(scene: Scene, *, plainly: bool = True) -> dict[str, Any]:
    """The right answers for a scene of sampled frames, as nested lists; -1 where nothing can be seen.

    An empty place has no colour, action and poses, a back no face, who is gone no pose, a close-up no body.
    Who does something else besides (not `plainly`) is not asked for the action.
    """
    staging = scene.staging
    by_place = {figure.place: i for i, figure in enumerate(staging.figures)}
    numbers = [by_place.get(place) for place in PLACES]
    figures = [None if i is None else staging.figures[i] for i in numbers]
    shown = [[None if i is None else frame[i] for i in numbers] for frame in scene.directions()]
    close = staging.size == "close-up"
    return {
        "set": SETS.index(staging.set),
        "time": TIMES.index(staging.time),
        "size": SIZES.index(staging.size),
        "kind": [KINDS.index(f.kind) if f else NOBODY for f in figures],
        "colour": [COLOURS.index(f.colour) if f else -1 for f in figures],
        "action": [EVERY_ACTION.index(f.action) if f and plainly else -1 for f in figures],
    } | {part: [[part_label(part, d, close=close) for d in frame] for frame in shown] for part in SEEN_PARTS}


def part_label(part: str, shown: Direction | None, *, close: bool) -> int:
    """The right answer for a part of what a figure shows in a frame, -1 where it cannot be seen."""
    if shown is None or shown.step == "gone" or (close and part == "body"):
        return -1
    if part in FACE_PARTS and shown.back == "seen":
        return -1
    return PARTS[part].index(getattr(shown, part))


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
    parts = {part: likely[part][i, :, place].argmax(-1).tolist() for part in SEEN_PARTS}
    return SeenFigure(
        KINDS[int(kind.argmax())],
        COLOURS[int(colour.argmax())],
        EVERY_ACTION[int(action.argmax())],
        PLACES[place],
        float(kind.max() * colour.max()),
        tuple(
            Direction(**{part: PARTS[part][best[f]] for part, best in parts.items()})
            for f in range(NUM_FRAMES)
        ),
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


def at_judged_size(frames: np.ndarray) -> np.ndarray:
    """A clip, uint8 (f, h, w, 3), at the size that judges look at, 224x128 or 160x160.

    Larger ones are averaged, smaller ones enlarged. Raises SettingsError for a size that no TOON films.
    """
    for aspect, size in TOON.sizes.items():
        if frames.ndim == 4 and len(frames) and frames.shape[1:3] in [p.sizes[aspect] for p in TOON_PRESETS]:
            if frames.shape[1:3] == size:
                return frames
            tensor = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
            resized = F.interpolate(tensor, size, mode="bilinear", antialias=True)
            return resized.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    sizes = " or ".join(f"(f, {h}, {w}, 3)" for preset in TOON_PRESETS for h, w in preset.sizes.values())
    raise SettingsError(f"wanted a clip of TOON, {sizes}, got {frames.shape}")


@torch.inference_mode()
def judge(frames: np.ndarray, network: nn.Module | None = None) -> Verdict:
    """The content of a clip, uint8 (f, h, w, 3). Raises SettingsError for a size that no TOON films."""
    seen = at_judged_size(frames[sampled_frames(len(frames))] if len(frames) else frames)
    return read_answers((network or load_judge())(stack_frames(seen[None])))[0]
