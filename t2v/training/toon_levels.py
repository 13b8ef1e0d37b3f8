"""How the next TOON is trained: larger pictures by outer levels, and a direction for each frame.

    python -m t2v.training.toon_levels draw-stills --folder F   # scenes, drawn and encoded in parts
    python -m t2v.training.toon_levels draw-clips --folder F
    python -m t2v.training.toon_levels stills --folder F --minutes 60
    python -m t2v.training.toon_levels clips --folder F --minutes 60
    python -m t2v.training.toon_levels export --folder F        # the averages -> F/toon.safetensors

All that at `--width 224`, one outer level, and then at `--width 448`, two. The first stage begins with what
the trainings before have come to (`toon_next.safetensors` beside this file), or with another file
(`--begin-with FILE`); each later one with the stage before. Every command goes on where it stopped, and
training takes in scenes that are drawn meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from t2v.checkpoints.files.safetensors import compress_weights, read_weights, write_weights
from t2v.configs import (
    TOON_224,
    TOON_448,
    TOON_PRESETS,
    Preset,
    num_outer_levels,
    small_sizes,
    timestep_shift,
)
from t2v.memory.precision import mixed
from t2v.networks.conditioning import LayerOptions
from t2v.networks.text_encoder import TextEncoder, tokenize
from t2v.networks.unet import UNet3D
from t2v.sampling.schedule import noise_schedule
from t2v.training.loop import TrainingPlan, diffusion_loss, save_atomically, train
from t2v.training.resumable import TimeIsUp
from t2v.training.toon_recipe import importance
from t2v.training.toon_scenes import SceneFolder, Scenes, draw_parts
from t2v.training.toon_stages import WEIGHTS, average, checkpoint

log = logging.getLogger("toon")

PRESETS = {224: TOON_224, 448: TOON_448}  # by the width of 16:9
STILL_PARTS = {"16:9": 160, "1:1": 48}  # of 256 stills each
CLIP_PARTS = {"16:9": 250, "1:1": 75}  # of 16 clips each
AUTOENCODER = "autoencoder.pt"
NEXT = Path(__file__).with_name("toon_next.safetensors")  # in no wheel
STILLS = TrainingPlan(num_steps=8000, learning_rate=3.5e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
CLIPS = TrainingPlan(num_steps=5000, learning_rate=4e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
STILLS_PER_BATCH, CLIPS_PER_BATCH = 24, 3
STILL_SHARE = 0.4  # of the batches of the clip stages
SMALL_SHARE = 0.3  # of the batches of a network that films small sizes too
SQUARE_SHARE = 0.22  # of the batches
EMPTY_SHARE = 0.1  # of the texts, for guidance
REFRESH_STEPS = 100  # from one look for newly drawn scenes to the next

Loss = Callable[[int], Tensor]  # of a step


@dataclass(frozen=True)
class Stage:
    """One stage of the training: a preset on stills, or on clips with stills in between."""

    kind: str  # "stills" or "clips"
    preset: Preset

    @property
    def name(self) -> str:
        """What its checkpoint is called in the folder, without the ending."""
        return f"{self.kind}-{self.preset.sizes['16:9'][1]}"

    def earlier(self) -> list[Stage]:
        """The stages whose weights it may begin with, the best first."""
        if self.kind == "clips":
            return [Stage("stills", self.preset)]
        if self.preset is TOON_448:
            return [Stage("clips", TOON_224), Stage("stills", TOON_224)]
        return []


# ------------------------------------------------------------------------------- scenes


def scene_folder(folder: Path, size: tuple[int, int], num_frames: int) -> SceneFolder:
    """The scenes of one size (height, width): stills, or clips of `num_frames`."""
    name = f"{'stills' if num_frames == 1 else 'clips'}-{size[1]}x{size[0]}"
    seed = 1000 + 10 * num_frames + (size[0] == size[1])
    return SceneFolder(folder / name, num_frames, size, seed)


def autoencoder_file(folder: Path) -> Path:
    """The package's autoencoder, which encodes the scenes, as a file in the folder."""
    file = folder / AUTOENCODER
    if not file.exists():
        prefix, state = "autoencoder.", package_weights()
        save_atomically({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, file)
    return file


def draw_scenes(folder: Path, preset: Preset, num_frames: int, processes: int, stop_at: float | None) -> None:
    """Draw all scenes, an eighth of each aspect in turn: training soon has both. Raises TimeIsUp."""
    parts = STILL_PARTS if num_frames == 1 else CLIP_PARTS
    autoencoder = autoencoder_file(folder)
    for eighth in range(1, 9):
        for aspect, count in parts.items():
            scenes = scene_folder(folder, preset.sizes[aspect], num_frames)
            draw_parts(scenes, count * eighth // 8, autoencoder, processes=processes, stop_at=stop_at)


def open_scenes(folder: Path, sizes: Mapping[str, tuple[int, int]], num_frames: int) -> dict[str, Scenes]:
    """The drawn scenes by aspect."""
    return {aspect: Scenes(scene_folder(folder, size, num_frames)) for aspect, size in sizes.items()}


# ------------------------------------------------------------------------------- the network


class DirectedToon(nn.Module):
    """Text tower and UNet, with one text a frame; single pictures pass no layer over frames."""

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.preset = preset
        self.text_encoder = TextEncoder(preset.text_encoder)
        self.unet = UNet3D(preset.unet)

    def forward(self, latents: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """The prediction for latents (b, c, f, h, w) and token ids (b, f, l)."""
        f, factor = tokens.shape[1], self.preset.autoencoder.factor
        outer = num_outer_levels(self.preset, latents.shape[-2] * factor, latents.shape[-1] * factor)
        options = LayerOptions(still=f == 1, outer_levels=outer)
        on_cpu = latents.device.type == "cpu"
        attention = sdpa_kernel(SDPBackend.MATH) if on_cpu else contextlib.nullcontext()  # faster backwards
        with mixed(latents.device), attention:
            texts, of_frame = torch.unique(tokens.flatten(0, 1), dim=0, return_inverse=True)
            text = rearrange(self.text_encoder.encode(texts)[of_frame], "(b f) l d -> b f l d", f=f)
            return self.unet(latents, timesteps, text, options=options)


def package_weights() -> dict[str, Tensor]:
    """All weights of the package's TOON."""
    return read_weights(WEIGHTS / "toon.safetensors")[0]


def preset_of(state: Mapping[str, Tensor]) -> Preset:
    """The preset of a TOON's weights, from the number of their outer levels."""
    levels = {name.split(".")[2] for name in state if name.startswith("unet.outer_levels.")}
    return TOON_PRESETS[len(levels)]


def warm_start(model: nn.Module, learned: Mapping[str, Tensor]) -> list[str]:
    """Load those of the learned weights that the model has; returns the names of the others of its own.

    A longer table of positions is filled up with the mean of the last learned ones, which are padding's.
    """
    own = model.state_dict()
    name = "text_encoder.tower.positional_embedding"
    if name in learned and learned[name].shape != own[name].shape:
        short = learned[name]
        more = short[-8:].mean(0, keepdim=True).expand(len(own[name]) - len(short), -1)
        learned = {**learned, name: torch.cat([short, more])}
    left = model.load_state_dict({k: v for k, v in learned.items() if k in own}, strict=False)
    return left.missing_keys


# ------------------------------------------------------------------------------- the losses


def scene_loss(model: DirectedToon, scenes: dict[str, Scenes], batch: int, seed: int) -> Loss:
    """The loss of random scenes of one aspect.

    A batch of clips may be of two or four times as many, with a half or a quarter of the frames of each.
    """
    preset = model.preset
    schedule = noise_schedule(preset.schedule)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(seed + step)
        chance = random.Random(seed + step)
        if step % REFRESH_STEPS == 0 or not all(map(len, scenes.values())):
            for part in scenes.values():
                part.refresh()
        drawn = {aspect: part for aspect, part in scenes.items() if len(part)}
        if not drawn:
            folders = ", ".join(part.source.folder.name for part in scenes.values())
            raise SystemExit(f"no scene is drawn yet in {folders}: draw-stills and draw-clips draw them")
        square = chance.random() < SQUARE_SHARE and "1:1" in drawn
        part = drawn["1:1" if square or "16:9" not in drawn else "16:9"]
        whole = part.source.num_frames
        pieces = 2 ** chance.randrange(3) if whole > 1 else 1
        first = chance.randrange(whole - whole // pieces + 1)
        frames = range(first, first + whole // pieces)
        index = [chance.randrange(len(part)) for _ in range(batch * pieces)]
        latents, figures = part.pick(index)
        texts = [
            [""] * len(frames) if chance.random() < EMPTY_SHARE else part.texts(i, frames, chance)
            for i in index
        ]
        tokens = torch.stack([tokenize(of_frames, preset.text_encoder) for of_frames in texts])
        here = slice(frames.start, frames.stop)
        return diffusion_loss(
            model,
            latents[:, :, here],
            tokens,
            schedule,
            generator=generator,
            weight=importance(figures, latents)[:, :, here],
            shift=timestep_shift(preset, *part.source.size),
        )

    return loss


def mix(loss: Loss, other: Loss, share: float) -> Loss:
    """Two losses in turn, `other` in a share of the steps."""

    def mixed_loss(step: int) -> Tensor:
        return (other if int(share * (step + 1)) > int(share * step) else loss)(step)

    return mixed_loss


def stage_loss(model: DirectedToon, stage: Stage, folder: Path, batch: int) -> Loss:
    """The loss of a stage: stills, or clips with stills between; small ones too if the network films them."""
    preset, num_frames = stage.preset, 1 if stage.kind == "stills" else stage.preset.num_frames

    def of(sizes: Mapping[str, tuple[int, int]], frames: int, size: int, seed: int) -> Loss:
        return scene_loss(model, open_scenes(folder, sizes, frames), size, seed << 20)

    if num_frames == 1:
        loss = of(preset.sizes, 1, batch, 1)
    else:
        clips = of(preset.sizes, num_frames, CLIPS_PER_BATCH, 2)
        loss = mix(clips, of(preset.sizes, 1, batch, 4), STILL_SHARE)
    if not (small := small_sizes(preset)):
        return loss
    count = batch if num_frames == 1 else CLIPS_PER_BATCH
    return mix(loss, of(small, num_frames, count, 6), SMALL_SHARE)


def beginning_of(stage: Stage, folder: Path, begin_with: Path | None) -> dict[str, Tensor]:
    """The weights that a stage begins with."""
    learned = package_weights()
    for earlier in stage.earlier():
        if state := average(folder, earlier.name):
            return learned | state
    if begin_with is not None:
        return learned | read_weights(begin_with)[0]
    if stage.earlier():
        names = " or ".join(f"{earlier.name}.pt" for earlier in stage.earlier())
        raise SystemExit(f"{folder}: wanted {names}, or --begin-with FILE: nothing is learned yet")
    return learned | (read_weights(NEXT)[0] if NEXT.exists() else {})


def train_stage(
    stage: Stage,
    folder: Path,
    *,
    plan: TrainingPlan,
    batch: int,
    begin_with: Path | None,
    stop_at: float | None,
) -> None:
    """Train a stage from its checkpoint; parameters that the package lacks learn twice as fast."""
    torch.manual_seed(1)
    model = DirectedToon(stage.preset)
    warm_start(model, beginning_of(stage, folder, begin_with))
    old = package_weights().keys()
    fresh = {name for name, _ in model.named_parameters() if name not in old}
    groups = [
        {"params": [p for n, p in model.named_parameters() if n not in fresh], "scale": 1.0},
        {"params": [p for n, p in model.named_parameters() if n in fresh], "scale": 2.0},
    ]
    loss = stage_loss(model, stage, folder, batch)
    file = folder / f"{stage.name}.pt"
    train(model, loss, plan, file, groups=groups, stop_at=stop_at, log=log.info)


# ------------------------------------------------------------------------------- export


def export(stage: Stage, folder: Path, file: Path, *, resume: bool = False) -> None:
    """Write the moving average of a stage, and what its training was as metadata.

    A whole TOON that `t2v.load` reads, networks in int8 and the autoencoder in fp16; with `resume` what
    `--begin-with` reads: in int8, too, without the tensors that are the package's.
    """
    state, begun = checkpoint(folder, stage.name), package_weights()
    if not state:
        raise SystemExit(f"{folder}: wanted {stage.name}.pt: nothing is learned yet")
    learned = state["ema"]
    if resume:
        changed = {k: v for k, v in learned.items() if k not in begun or not torch.equal(v, begun[k])}
        tensors = compress_weights(changed, int8=True)
    else:
        autoencoder = {k: v for k, v in begun.items() if k.startswith("autoencoder.")}
        tensors = compress_weights(autoencoder, int8=False) | compress_weights(learned, int8=True)
    stages = {
        stage.name: {
            "steps": state["step"],
            "seconds": round(state["seconds"]),
            "losses": [(step, round(loss, 4)) for step, loss in state["losses"]],
        }
    }
    metadata = {
        "preset": json.dumps(asdict(stage.preset)),
        "stages": json.dumps(stages),
        "licence": stage.preset.licence,
    }
    write_weights(tensors, file, metadata)
    log.info("%s: %d tensors, %.1f MB", file, len(tensors), file.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["draw-stills", "draw-clips", "stills", "clips", "export"])
    parser.add_argument("--width", type=int, choices=list(PRESETS), default=224, help="of 16:9, in pixels")
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/next"))
    parser.add_argument("--steps", type=int, help="of the stage; the learning rate falls towards them")
    parser.add_argument("--batch", type=int, default=STILLS_PER_BATCH, help="stills in a step")
    parser.add_argument("--begin-with", type=Path, help="weights of an earlier training (export --resume)")
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch; 1 on a busy machine")
    parser.add_argument("--kind", choices=["stills", "clips"], default="stills", help="the stage to export")
    parser.add_argument("--output", type=Path, help="of export; a file in the folder by default")
    parser.add_argument("--resume", action="store_true", help="export what --begin-with reads")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    preset = PRESETS[options.width]
    if options.command == "export":
        name = "next.safetensors" if options.resume else "toon.safetensors"
        file = options.output or options.folder / name
        export(Stage(options.kind, preset), options.folder, file, resume=options.resume)
        return
    drawing = options.command.startswith("draw-")
    (options.folder / ("pid-draw" if drawing else "pid")).write_text(f"{os.getpgrp()}\n", "utf-8")
    try:
        if drawing:
            frames = 1 if options.command == "draw-stills" else preset.num_frames
            draw_scenes(options.folder, preset, frames, options.processes, stop_at)
        else:
            plan = STILLS if options.command == "stills" else CLIPS
            plan = replace(plan, num_steps=options.steps or plan.num_steps)
            train_stage(
                Stage(options.command, preset),
                options.folder,
                plan=plan,
                batch=options.batch,
                begin_with=options.begin_with,
                stop_at=stop_at,
            )
    except TimeIsUp as over:
        log.info("%s", over)


if __name__ == "__main__":
    main()
