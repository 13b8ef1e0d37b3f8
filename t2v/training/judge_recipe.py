"""The recipe of the judge: trained from scratch, on the drawn world alone.

    python -m t2v.training.judge_recipe --minutes 8   # goes on where it stopped

This replaces t2v/weights/judge.safetensors.

The drawn clips and the checkpoint are in `training/judge/`. The reconstructions are those of the package's
autoencoder; they are blended with the drawn frames, so that films of a better autoencoder can be judged too.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import compress_weights, read_weights, write_weights
from t2v.configs import TOON
from t2v.judge import (
    CLIP_QUESTIONS,
    FRAME_QUESTIONS,
    NOBODY,
    PLACE_QUESTIONS,
    WEIGHTS,
    Judge,
    stack_frames,
)
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.toon.world import SIZES
from t2v.training.judge_dataset import LabelledClips, augment, draw_many, mirror, reconstruct
from t2v.training.loop import TrainingPlan, save_atomically, train

log = logging.getLogger("judge")

PLAN = TrainingPlan(
    num_steps=6000, learning_rate=1.6e-3, warmup_steps=40, ema_decay=0.99, checkpoint_seconds=60
)
BATCH = 24
DRAWN_SEED = 3  # both judges learn from the same drawings
SQUARE_EVERY = 7  # one batch in so many is 1:1
NUM_CLIPS = {"16:9": 8_000, "1:1": 1_280}
NUM_RECONSTRUCTED = {"16:9": 1_000, "1:1": 160}  # of them, the first ones
RECONSTRUCTED_SHARE = 0.2  # of a batch
NUM_FRESH = 320  # clips that nothing was trained on, to say how good it is
WEIGHT = {"time": 0.3, "action": 1.5, "kind": 1.5, "colour": 1.5, "mood": 0.5, "eyes": 0.5, "gaze": 0.5}


@dataclass(frozen=True)
class JudgeData:
    """Drawn clips of one aspect, and the first of them as reconstructed by the autoencoder."""

    drawn: LabelledClips
    soft: np.ndarray


def package_autoencoder() -> Autoencoder:
    """The autoencoder of TOON in the package."""
    model = Autoencoder(TOON.autoencoder)
    state = read_weights(WEIGHTS.with_name("toon.safetensors"))[0]
    prefix = "autoencoder."
    model.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return model.eval().requires_grad_(False)


def load_data(folder: Path, aspect: str, processes: int) -> JudgeData:
    """The training data of an aspect, drawn once and saved in the folder."""
    file = folder / f"clips-{aspect.replace(':', 'x')}.pt"
    seed = DRAWN_SEED + (aspect == "1:1")
    if not file.exists():
        drawn = draw_many(NUM_CLIPS[aspect], TOON.sizes[aspect], seed, processes)
        soft = reconstruct(package_autoencoder(), drawn.clips[: NUM_RECONSTRUCTED[aspect]], seed)
        kept = {
            "clips": torch.from_numpy(drawn.clips),
            "labels": drawn.labels,
            "soft": torch.from_numpy(soft),
        }
        save_atomically(kept, file)
        log.info("drew %d clips, %d of them through the autoencoder", len(drawn.clips), len(soft))
    kept = torch.load(file, weights_only=True, mmap=True)
    return JudgeData(LabelledClips(kept["clips"].numpy(), kept["labels"]), kept["soft"].numpy())


def draw_batch(part: JudgeData, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A batch of augmented clips and the right answers; a share is blended with reconstructions."""
    num_soft = int(BATCH * RECONSTRUCTED_SHARE)
    index = torch.randint(len(part.drawn.clips), (BATCH,), generator=generator)
    index[:num_soft] = torch.randint(len(part.soft), (num_soft,), generator=generator)
    pictures = stack_frames(part.drawn.clips[index.numpy()])
    soft = stack_frames(part.soft[index[:num_soft].numpy()])
    blend = (1.5 * torch.rand(num_soft, 1, 1, 1, generator=generator)).clamp_max(1)
    pictures[:num_soft] = torch.lerp(pictures[:num_soft], soft, blend)
    right = {name: answer[index] for name, answer in part.drawn.labels.items()}
    if torch.rand(1, generator=generator).item() < 0.5:
        pictures, right = mirror(pictures, right)
    return augment(pictures, generator), right


def judge_loss(answers: dict[str, Tensor], right: dict[str, Tensor]) -> Tensor:
    """The cross-entropy of all questions that have an answer, by `WEIGHT`, 1 where it has none."""
    total = torch.zeros(())
    for name, logits in answers.items():
        if bool((right[name] >= 0).any()):
            loss = F.cross_entropy(
                logits.float().flatten(0, -2), right[name].flatten(), ignore_index=-1, label_smoothing=0.02
            )
            total = total + WEIGHT.get(name, 1.0) * loss
    return total


def train_judge(
    network: nn.Module,
    folder: Path,
    *,
    seed: int,
    stop_at: float | None,
    processes: int = 2,
    plan: TrainingPlan = PLAN,
) -> int:
    """Train the judge; returns the number of steps done. A longer plan goes on where a shorter one ended."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {aspect: load_data(folder, aspect, processes) for aspect in TOON.sizes}
    network.to(memory_format=torch.channels_last)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed((seed << 20) + step)
        aspect = "1:1" if step % SQUARE_EVERY == SQUARE_EVERY - 1 else "16:9"
        pictures, right = draw_batch(data[aspect], generator)
        with mixed(torch.device("cpu")):
            answers = network(pictures.to(memory_format=torch.channels_last))
        return judge_loss(answers, right)

    done = train(network, loss, plan, folder / f"judge-{seed}.pt", stop_at=stop_at, log=log.info)
    return done.step


def accuracies(network: Callable[[Tensor], dict[str, Tensor]], drawn: LabelledClips) -> dict[str, float]:
    """Shares of right answers where there is one: of who stands somewhere only at places with a figure."""
    questions = (*CLIP_QUESTIONS, *PLACE_QUESTIONS, *FRAME_QUESTIONS)
    hits: dict[str, list[Tensor]] = {name: [] for name in (*questions, "count")}
    with torch.inference_mode():
        for i in range(0, len(drawn.clips), 64):
            answers = network(stack_frames(drawn.clips[i : i + 64]))
            right = {name: answer[i : i + 64] for name, answer in drawn.labels.items()}
            there = right["kind"] != NOBODY
            for name in questions:
                asked = there if name == "kind" else right[name] >= 0
                hits[name].append((answers[name].argmax(-1) == right[name])[asked])
            seen = answers["kind"].argmax(-1) != NOBODY
            hits["count"].append(seen.sum(-1) == there.sum(-1))
    return {name: float(torch.cat(found).float().mean()) for name, found in hits.items()}


def unseen_clips(seed: int, processes: int, count: int) -> dict[str, LabelledClips]:
    """Clips that no judge was trained on: drawn, reconstructed, and those of these with larger figures."""
    sharp = draw_many(count, TOON.sizes["16:9"], seed + 5000, processes)
    soft = LabelledClips(reconstruct(package_autoencoder(), sharp.clips), sharp.labels)
    near = sharp.labels["size"] != SIZES.index("establishing")
    larger = LabelledClips(
        soft.clips[near.numpy()], {name: answer[near] for name, answer in soft.labels.items()}
    )
    return {"drawn": sharp, "reconstructed": soft, "reconstructed, medium and close-up": larger}


def export(network: nn.Module, folder: Path, path: Path, *, seed: int, processes: int) -> None:
    """Write the moving average's weights in fp16, with steps, seed and accuracy as metadata."""
    done = torch.load(folder / f"judge-{seed}.pt", weights_only=True)
    network.load_state_dict(done["ema"])
    network.eval().requires_grad_(False)
    network.half().float()
    found = {
        name: accuracies(network, drawn) for name, drawn in unseen_clips(seed, processes, NUM_FRESH).items()
    }
    for name, shares in found.items():
        log.info("%s: %s", name, ", ".join(f"{key} {100 * share:.1f}" for key, share in shares.items()))
    metadata = {
        "steps": str(done["step"]),
        "seconds": str(round(done["seconds"])),
        "seed": str(seed),
        "right": json.dumps(found),
        "licence": TOON.licence,
    }
    write_weights(compress_weights(network.state_dict(), int8=False), path, metadata)


def run_command(network: nn.Module, path: Path, *, seed: int, doc: str | None) -> None:
    """The command line of a judge: train it, in several calls if need be, then write its weights."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--steps", type=int, default=PLAN.num_steps, help="more than were done: it goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/judge"))
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    plan, processes = replace(PLAN, num_steps=options.steps), options.processes
    train_judge(network, options.folder, seed=seed, stop_at=stop_at, processes=processes, plan=plan)
    export(network, options.folder, path, seed=seed, processes=processes)


if __name__ == "__main__":
    torch.manual_seed(21)
    run_command(Judge(), WEIGHTS, seed=21, doc=__doc__)
