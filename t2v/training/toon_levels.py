"""How the next TOON is trained: larger pictures by levels around today's network, and a direction a frame.

    python -m t2v.training.toon_levels draw-stills   --folder F     # scenes drawn and encoded, in parts
    python -m t2v.training.toon_levels draw-clips    --folder F
    python -m t2v.training.toon_levels stills        --folder F --minutes 60   # three levels, 224x128
    python -m t2v.training.toon_levels clips         --folder F --minutes 60   # clips, with stills between

It begins with the weights in the package. Each stage goes on where it stopped, and training takes in what was
drawn since it looked last.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from t2v.checkpoints.files.safetensors import read_weights
from t2v.configs import NEXT_TOON, Preset
from t2v.memory.precision import mixed
from t2v.networks.conditioning import LayerOptions
from t2v.networks.text_encoder import TextEncoder, tokenize
from t2v.networks.unet import UNet3D
from t2v.sampling.schedule import noise_schedule
from t2v.training.loop import TrainingPlan, diffusion_loss, save_atomically, train
from t2v.training.resumable import TimeIsUp
from t2v.training.toon_recipe import importance
from t2v.training.toon_scenes import Scenes, Wanted, make_parts
from t2v.training.toon_stages import WEIGHTS, average

log = logging.getLogger("toon")

STILL_PARTS = {"16:9": 160, "1:1": 48}  # of 256 stills each
CLIP_PARTS = {"16:9": 250, "1:1": 75}  # of 16 clips each
AUTOENCODER = "autoencoder.pt"
STILLS = TrainingPlan(num_steps=4000, learning_rate=6e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
CLIPS = TrainingPlan(num_steps=5000, learning_rate=4e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
STILLS_A_BATCH, CLIPS_A_BATCH = 24, 3
STILL_SHARE = 0.4  # of the batches while clips are learned
SQUARE_SHARE = 0.22  # of the batches
EMPTY_SHARE = 0.1  # of the texts, for guidance
LOOKED_AFTER = 100  # steps after which newly drawn scenes are taken in


def wanted(folder: Path, aspect: str, num_frames: int) -> Wanted:
    """The scenes of one aspect: single pictures, or clips of `num_frames`."""
    size = NEXT_TOON.sizes[aspect]
    name = f"{'stills' if num_frames == 1 else 'clips'}-{size[1]}x{size[0]}"
    return Wanted(folder / name, num_frames, size, seed=1000 + 10 * num_frames + (aspect == "1:1"))


def autoencoder_file(folder: Path) -> Path:
    """The autoencoder in whose latents all is learned: the package's, kept in the folder."""
    file = folder / AUTOENCODER
    if not file.exists():
        state = read_weights(WEIGHTS / "toon.safetensors")[0]
        prefix = "autoencoder."
        save_atomically({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, file)
    return file


def draw(folder: Path, num_frames: int, processes: int, stop_at: float | None) -> None:
    """All scenes of one length, an eighth of each aspect in turn, so that training soon finds some of all."""
    parts = STILL_PARTS if num_frames == 1 else CLIP_PARTS
    autoencoder = autoencoder_file(folder)
    for eighth in range(1, 9):
        for aspect, count in parts.items():
            where = wanted(folder, aspect, num_frames)
            make_parts(where, count * eighth // 8, autoencoder, processes=processes, stop_at=stop_at)


# ------------------------------------------------------------------------------- the network


class Directed(nn.Module):
    """Text tower and UNet, one text a frame, trained together; single pictures pass no layer over frames."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(preset.text_encoder)
        self.unet = UNet3D(preset.unet)

    def forward(self, latents: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """latents (b, c, f, h, w); tokens (b, f, l)."""
        f = tokens.shape[1]
        on_cpu = latents.device.type == "cpu"
        plain = sdpa_kernel(SDPBackend.MATH) if on_cpu else contextlib.nullcontext()
        with mixed(latents.device), plain:
            texts, of_frame = torch.unique(tokens.flatten(0, 1), dim=0, return_inverse=True)
            text = rearrange(self.text_encoder.encode(texts)[of_frame], "(b f) l d -> b f l d", f=f)
            return self.unet(latents, timesteps, text, options=LayerOptions(still=f == 1))


def warm_start(model: nn.Module, learned: dict[str, Tensor]) -> list[str]:
    """Take over what fits of learned weights, and the names of what begins anew.

    A text tower with room for longer texts goes on at its end as the shorter one ends; that is padding.
    """
    own = model.state_dict()
    name = "text_encoder.tower.positional_embedding"
    if name in learned and learned[name].shape != own[name].shape:
        short = learned[name]
        more = short[-8:].mean(0, keepdim=True).expand(len(own[name]) - len(short), -1)
        learned = learned | {name: torch.cat([short, more])}
    left = model.load_state_dict({k: v for k, v in learned.items() if k in own}, strict=False)
    return left.missing_keys


def of_package() -> dict[str, Tensor]:
    """The package's text tower and UNet."""
    state = read_weights(WEIGHTS / "toon.safetensors")[0]
    return {k: v for k, v in state.items() if not k.startswith("autoencoder.")}


# ------------------------------------------------------------------------------- the losses


def loss_of(model: Directed, scenes: dict[str, Scenes], batch: int, seed: int) -> Callable[[int], Tensor]:
    """A function step -> loss over random scenes of one aspect.

    Of clips a batch may be two or four times as many, and of each a half or a quarter, frames in a row.
    """
    schedule = noise_schedule(NEXT_TOON.schedule)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(seed + step)
        chance = random.Random(seed + step)
        if step % LOOKED_AFTER == 0 or not all(map(len, scenes.values())):
            for part in scenes.values():
                part.refresh()
        there = {aspect: part for aspect, part in scenes.items() if len(part)}
        if not there:
            raise SystemExit("no scene is drawn yet: begin with draw-stills and draw-clips")
        square = chance.random() < SQUARE_SHARE and "1:1" in there
        part = there["1:1" if square or "16:9" not in there else "16:9"]
        whole = part.wanted.num_frames
        pieces = 2 ** chance.randrange(3) if whole > 1 else 1
        first = chance.randrange(whole - whole // pieces + 1)
        frames = range(first, first + whole // pieces)
        index = [chance.randrange(len(part)) for _ in range(batch * pieces)]
        latents, figures = part.pick(index)
        texts = [
            [""] * len(frames) if chance.random() < EMPTY_SHARE else part.texts(i, frames, chance)
            for i in index
        ]
        tokens = torch.stack([tokenize(of_frames, NEXT_TOON.text_encoder) for of_frames in texts])
        here = slice(frames.start, frames.stop)
        return diffusion_loss(
            model,
            latents[:, :, here],
            tokens,
            schedule,
            generator=generator,
            weight=importance(figures, latents)[:, :, here],
            shift=NEXT_TOON.timestep_shift,
        )

    return loss


def all_scenes(folder: Path, num_frames: int) -> dict[str, Scenes]:
    return {aspect: Scenes(wanted(folder, aspect, num_frames)) for aspect in NEXT_TOON.sizes}


def train_stills(folder: Path, stop_at: float | None) -> None:
    torch.manual_seed(1)
    model = Directed(NEXT_TOON)
    warm_start(model, of_package())
    loss = loss_of(model, all_scenes(folder, 1), STILLS_A_BATCH, 1 << 20)
    train(model, loss, STILLS, folder / "stills.pt", stop_at=stop_at, log=log.info)


def train_clips(folder: Path, stop_at: float | None) -> None:
    """From the stills' weights, with stills in between; what only clips train learns faster."""
    torch.manual_seed(2)
    model = Directed(NEXT_TOON)
    learned = average(folder, "stills")
    if not learned:
        raise SystemExit(f"{folder}: wanted stills.pt: no picture is learned yet")
    warm_start(model, learned)
    old = of_package().keys()
    new = {n for n, _ in model.named_parameters() if "temopral_conv" in n and n not in old}
    groups = [
        {"params": [p for n, p in model.named_parameters() if n not in new], "scale": 1.0},
        {"params": [p for n, p in model.named_parameters() if n in new], "scale": 2.0},
    ]
    of_clips = loss_of(model, all_scenes(folder, NEXT_TOON.num_frames), CLIPS_A_BATCH, 2 << 20)
    of_stills = loss_of(model, all_scenes(folder, 1), STILLS_A_BATCH, 4 << 20)

    def loss(step: int) -> Tensor:
        before = int(STILL_SHARE * step)
        return of_stills(step) if int(STILL_SHARE * (step + 1)) > before else of_clips(step)

    train(model, loss, CLIPS, folder / "clips.pt", groups=groups, stop_at=stop_at, log=log.info)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the next TOON.")
    parser.add_argument("stage", choices=["draw-stills", "draw-clips", "stills", "clips"])
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/next"))
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    drawing = options.stage.startswith("draw-")
    (options.folder / ("pid-draw" if drawing else "pid")).write_text(f"{os.getpgrp()}\n", "utf-8")
    torch.set_num_threads(options.threads)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    try:
        if drawing:
            draw(options.folder, 1 if options.stage == "draw-stills" else 16, options.processes, stop_at)
        else:
            {"stills": train_stills, "clips": train_clips}[options.stage](options.folder, stop_at)
    except TimeIsUp as over:
        log.info("%s", over)


if __name__ == "__main__":
    main()
