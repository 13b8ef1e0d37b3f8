"""What single pictures of a TOON show of what was asked: kinds, colours, what is worn and held, directions.

    python tests/benchmarks/toon_parts.py training/levels/stills-224.pt --pictures 120
    python tests/benchmarks/toon_parts.py toon                       # the weights in the package, undirected

Held-out scenes of the drawn world are asked for, each figure with its direction, and a small network looks
at a square around the place where the drawn world has the figure. It is trained on drawings alone, once
(about half an hour of one core), and kept in training/bench. Beside the pictures stand the drawings
themselves, where what is wrong is the network's own mistake, and the drawings through the autoencoder.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from toon_mouths import HEIGHT, WIDTH, Face, crop, placed_actors
from toon_stills import decode, open_model, sample_stills
from torch import Tensor, nn

from t2v.configs import Preset
from t2v.judge import SEEN_PARTS, Residual, conv_norm_silu, part_label
from t2v.toon.acting import Scene, sample_scene
from t2v.toon.direction import PARTS, describe_direction
from t2v.toon.drawing.blocking import ground_x
from t2v.toon.drawing.scene import draw_with_figures
from t2v.toon.prompts.captions import canonical
from t2v.toon.world import ACCESSORIES, COLOURS, KINDS, NEW_PROPS, PROPS, is_held_out
from t2v.training.judge_dataset import reconstruct
from t2v.training.judge_recipe import package_autoencoder
from t2v.training.loop import TrainingPlan, train
from t2v.training.toon_levels import DirectedToon

log = logging.getLogger("parts")

SIDE = 96  # pixels of what the network sees
AROUND = 0.74  # heights of the figure from its middle to the square's edge
HELD = ("none", *PROPS, *NEW_PROPS)
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "colour": COLOURS,
    **{part: PARTS[part] for part in SEEN_PARTS},
    **dict.fromkeys(ACCESSORIES, ("no", "yes")),
    "prop": HELD,
}
UNDIRECTED = ("kind", "colour", *ACCESSORIES, "prop")  # what a TOON without directions can be asked
FOLDER = Path("training/bench")
PLAN = TrainingPlan(num_steps=6000, learning_rate=2e-3, warmup_steps=40, ema_decay=0.99, log_every=100)
BATCH, NUM_SQUARES, SEED = 64, 40_000, 31

Answers = dict[str, int]  # by question; -1 where it cannot be seen


def squares_of(scene: Scene) -> list[Face]:
    """Where the drawn world has each figure of a single picture."""
    poses = scene.poses[0]
    return [
        Face(
            HEIGHT * (WIDTH / HEIGHT / 2 + ground_x(actor, pose)),
            HEIGHT
            * (actor.feet + pose.dy * actor.height * (0.35 if actor.close else 1.0) - 0.55 * actor.height),
            HEIGHT * AROUND * actor.height,
        )
        for actor, pose in zip(placed_actors(scene.staging, poses, 1), poses, strict=True)
    ]


def answers_of(scene: Scene) -> list[Answers]:
    """What is right for each figure of a single picture."""
    found = []
    for figure, shown in zip(scene.staging.figures, scene.directions()[0], strict=True):
        answers = {"kind": KINDS.index(figure.kind), "colour": COLOURS.index(figure.colour)}
        turned = shown.back == "seen" or shown.step == "gone"
        close = scene.staging.size == "close-up"
        answers |= {part: part_label(part, shown, close=close) for part in SEEN_PARTS}
        for worn in ACCESSORIES:
            answers[worn] = int(worn in figure.accessories) if worn == "hat" or not turned else -1
        answers["prop"] = HELD.index(figure.prop or "none") if shown.hold != "none" else -1
        found.append(answers)
    return found


def sample_pictures(rng: np.random.Generator, *, held_out: bool) -> Iterator[Scene]:
    """Single pictures of medium shots and close-ups, by a camera that stands still."""
    while True:
        scene = sample_scene(rng, 1)
        staging = replace(scene.staging, camera="still")
        if staging.figures and staging.size != "establishing" and is_held_out(staging) == held_out:
            yield replace(scene, staging=staging)


def draw_picture(scene: Scene) -> np.ndarray:
    """uint8 (128, 224, 3)."""
    frames, _ = draw_with_figures(scene.staging, num_frames=1, height=HEIGHT, width=WIDTH, poses=scene.poses)
    return frames[0]


# ------------------------------------------------------------------------------------------ the reader


class Reader(nn.Module):
    """Squares (n, 3, 96, 96) in [-1, 1] to scores by question, (n, answers)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_norm_silu(3, 32, kernel=5, stride=2),
            conv_norm_silu(32, 64, stride=2),
            Residual(64),
            conv_norm_silu(64, 96, stride=2),
            Residual(96),
            conv_norm_silu(96, 128, stride=2),
            nn.Flatten(),
            nn.Dropout(0.15),
            nn.Linear(128 * 36, 320),
            nn.SiLU(),
        )
        self.answers = nn.ModuleDict({name: nn.Linear(320, len(words)) for name, words in QUESTIONS.items()})

    def forward(self, squares: Tensor) -> dict[str, Tensor]:
        x = self.features(squares)
        return {name: layer(x) for name, layer in self.answers.items()}


def as_tensor(squares: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 127.5 - 1


def draw_squares(count: int, seed: int) -> tuple[np.ndarray, dict[str, Tensor]]:
    """Squares of the drawn world, a little off their place, and the right answers (n,) by question."""
    rng = np.random.default_rng(seed)
    pictures: list[np.ndarray] = []
    right: dict[str, list[int]] = defaultdict(list)
    for scene in sample_pictures(rng, held_out=False):
        picture = draw_picture(scene)
        for square, answers in zip(squares_of(scene), answers_of(scene), strict=True):
            dx, dy = rng.uniform(-0.1, 0.1, 2) * square.reach
            near = Face(square.x + dx, square.y + dy, square.reach * float(rng.uniform(0.93, 1.08)))
            pictures.append(crop(picture, near, SIDE))
            for name, answer in answers.items():
                right[name].append(answer)
        if len(pictures) >= count:
            break
    return np.stack(pictures), {name: torch.tensor(answers) for name, answers in right.items()}


def soften(squares: Tensor, generator: torch.Generator) -> Tensor:
    """As soft, as bright and as noisy as films are: different for every square."""
    n = len(squares)
    small = F.interpolate(F.avg_pool2d(squares, 3, 3), squares.shape[-2:], mode="bilinear")
    blur = F.avg_pool2d(F.pad(squares, (1, 1, 1, 1), mode="replicate"), 3, 1)
    dice = torch.rand(n, 1, 1, 1, generator=generator)
    out = torch.where(dice < 0.2, small, torch.where(dice < 0.6, blur, squares))
    gain = 0.85 + 0.3 * torch.rand(n, 3, 1, 1, generator=generator)
    grain = 0.1 * torch.rand(n, 1, 1, 1, generator=generator)
    return out * gain + grain * torch.randn(out.shape, generator=generator)


def kept_reader() -> Reader:
    """The reader of an earlier run, else one that is trained now; a stopped training goes on."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model, file = Reader(), FOLDER / "parts_reader.pt"
    if not file.exists() or torch.load(file, weights_only=True)["step"] < PLAN.num_steps:
        pictures, right = draw_squares(NUM_SQUARES, SEED)
        log.info("%d squares are drawn", len(pictures))
        generator = torch.Generator()

        def loss(step: int) -> Tensor:
            generator.manual_seed((SEED << 20) + step)
            index = torch.randint(len(pictures), (BATCH,), generator=generator)
            squares = soften(as_tensor(list(pictures[index.numpy()])), generator)
            total = torch.zeros(())
            for name, scores in model(squares).items():
                total = total + F.cross_entropy(
                    scores, right[name][index], ignore_index=-1, label_smoothing=0.03
                )
            return total

        train(model, loss, PLAN, file, log=log.info)
    model.load_state_dict(torch.load(file, weights_only=True)["ema"])
    return model.eval()


# ------------------------------------------------------------------------------------------ the figures

Hits = dict[str, list[bool]]


def count(hits: Hits, reader: Reader, pictures: Sequence[np.ndarray], scenes: Sequence[Scene]) -> None:
    """Adds what is right in pictures of scenes to the hits."""
    for picture, scene in zip(pictures, scenes, strict=True):
        squares = [crop(picture, square, SIDE) for square in squares_of(scene)]
        with torch.inference_mode():
            scores = reader(as_tensor(squares))
        for i, answers in enumerate(answers_of(scene)):
            read = {name: int(scores[name][i].argmax()) for name in QUESTIONS}
            for name, answer in answers.items():
                asked = name not in (*ACCESSORIES, "prop") or answer > 0
                if answer >= 0 and asked:
                    hits[name].append(read[name] == answer)
            pair = ("left_arm", "right_arm")
            if all(answers[arm] >= 0 for arm in pair):
                hits["both arms"].append(all(read[arm] == answers[arm] for arm in pair))


def film(
    model: DirectedToon, preset: Preset, scenes: Sequence[Scene], *, seed: int, steps: int, guidance: float
) -> list[np.ndarray]:
    """A picture of each scene, uint8 (128, 224, 3); smaller ones are enlarged."""
    prompts = tuple(
        canonical(scene.staging, [" ".join(describe_direction(one)) for one in scene.directions()[0]])
        if preset.directed
        else canonical(scene.staging)
        for scene in scenes
    )
    pictures = decode(preset, sample_stills(model, preset, prompts, seed, steps, guidance))
    return [
        np.asarray(Image.fromarray(picture).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
        for picture in pictures
    ]


def table(columns: Mapping[str, Hits], names: Sequence[str]) -> list[str]:
    """A row for each question, a column for each kind of pictures: percent, and of how many."""
    lines = ["| | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for name in names:
        cells = [
            f"{100 * np.mean(hits[name]):.1f} ({len(hits[name])})" if hits[name] else ""
            for hits in columns.values()
        ]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", help="a checkpoint, a file of weights, or toon")
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    reader = kept_reader()
    sampled = sample_pictures(np.random.default_rng(SEED + 1), held_out=True)
    scenes = [next(sampled) for _ in range(options.pictures)]
    columns: dict[str, Hits] = {"drawn": defaultdict(list), "autoencoder": defaultdict(list)}
    autoencoder = package_autoencoder()
    model = open_model(options.model) if options.model else None
    if model is not None:
        columns[Path(options.model).name] = defaultdict(list)
    for first in range(0, len(scenes), 8):
        few = scenes[first : first + 8]
        pictures = [draw_picture(scene) for scene in few]
        count(columns["drawn"], reader, pictures, few)
        back = [reconstruct(autoencoder, picture[None, None])[0, 0] for picture in pictures]
        count(columns["autoencoder"], reader, back, few)
        if model is not None:
            filmed = film(
                *model, few, seed=options.seed + first, steps=options.steps, guidance=options.guidance
            )
            count(columns[Path(options.model).name], reader, filmed, few)
    directed = model is None or model[1].directed
    names = (*QUESTIONS, "both arms") if directed else UNDIRECTED
    sys.stdout.write("\n".join(table(columns, names)) + "\n")


if __name__ == "__main__":
    main()
