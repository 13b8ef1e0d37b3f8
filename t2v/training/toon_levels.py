"""How TOON is trained on: larger pictures by outer levels, and a direction for each frame.

    python -m t2v.training.toon_levels draw-stills --folder F   # scenes, drawn and encoded in parts
    python -m t2v.training.toon_levels draw-clips --folder F
    python -m t2v.training.toon_levels stills --folder F --minutes 60
    python -m t2v.training.toon_levels clips --folder F --minutes 60
    python -m t2v.training.toon_levels export --folder F        # the averages -> F/toon.safetensors

All that at `--width 224`, one outer level, and then at `--width 448`, two. The first stage begins with the
package's TOON, or with another one (`--begin-with FILE`; of one without outer levels, as `toon_recipe` makes
it, it takes what there is); each later one with the stage before. Every command goes on where it stopped, and
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
    TOON,
    TOON_448,
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
from t2v.training.toon_stages import PACKAGED, after, average, checkpoint, stages_of, summary

log = logging.getLogger("toon")

PRESETS = {224: TOON, 448: TOON_448}  # by the width of 16:9
STILL_PARTS = {"16:9": 160, "1:1": 48}  # of 256 stills each
CLIP_PARTS = {"16:9": 250, "1:1": 75}  # of 16 clips each
AUTOENCODER = "autoencoder.pt"
CLIP_NOISE = (0.75, 0.95)  # shares of the noise that the frames of a clip have in common, in turn by chance
STILLS = TrainingPlan(num_steps=7000, learning_rate=3e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
CLIPS = TrainingPlan(num_steps=1900, learning_rate=2.5e-4, warmup_steps=40, ema_decay=0.997, log_every=25)
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
            return [Stage("clips", TOON), Stage("stills", TOON)]
        return []


def all_stages() -> list[Stage]:
    """In the order of their training."""
    return [Stage(kind, preset) for preset in PRESETS.values() for kind in ("stills", "clips")]


# ------------------------------------------------------------------------------- scenes


def scene_folder(folder: Path, size: tuple[int, int], num_frames: int) -> SceneFolder:
    """The scenes of one size (height, width): stills, or clips of `num_frames`."""
    name = f"{'stills' if num_frames == 1 else 'clips'}-{size[1]}x{size[0]}"
    seed = 1000 + 10 * num_frames + (size[0] == size[1])
    return SceneFolder(folder / name, num_frames, size, seed)


def autoencoder_file(folder: Path, begin_with: Path = PACKAGED) -> Path:
    """The autoencoder of a TOON, which encodes the scenes, as a file in the folder."""
    file = folder / AUTOENCODER
    if not file.exists():
        prefix, state = "autoencoder.", read_weights(begin_with)[0]
        save_atomically({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, file)
    return file


def draw_scenes(
    folder: Path,
    preset: Preset,
    num_frames: int,
    *,
    begin_with: Path,
    processes: int,
    stop_at: float | None,
) -> None:
    """Draw all scenes, an eighth of each aspect in turn: training soon has both. Raises TimeIsUp."""
    parts = STILL_PARTS if num_frames == 1 else CLIP_PARTS
    autoencoder = autoencoder_file(folder, begin_with)
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
    schedules = [noise_schedule(replace(preset.schedule, shared_noise=share)) for share in CLIP_NOISE]
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
            chance.choice(schedules),
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


def beginning_of(stage: Stage, folder: Path, begin_with: Path) -> dict[str, Tensor]:
    """The weights that a stage begins with: those of the stage before, else those of a file."""
    earlier = (average(folder, stage.name) for stage in stage.earlier())
    return next(filter(None, earlier), {}) or read_weights(begin_with)[0]


def train_stage(
    stage: Stage,
    folder: Path,
    *,
    plan: TrainingPlan,
    batch: int,
    begin_with: Path,
    stop_at: float | None,
) -> None:
    """Train a stage from its checkpoint; parameters that are new to the network learn twice as fast."""
    torch.manual_seed(1)
    model = DirectedToon(stage.preset)
    fresh = warm_start(model, beginning_of(stage, folder, begin_with))
    groups = [
        {"params": [p for n, p in model.named_parameters() if n not in fresh], "scale": 1.0},
        {"params": [p for n, p in model.named_parameters() if n in fresh], "scale": 2.0},
    ]
    groups = [group for group in groups if group["params"]]
    loss = stage_loss(model, stage, folder, batch)
    file = folder / f"{stage.name}.pt"
    train(model, loss, plan, file, groups=groups, stop_at=stop_at, log=log.info)


# ------------------------------------------------------------------------------- export


def export(folder: Path, preset: Preset, file: Path, *, begin_with: Path) -> None:
    """Write the moving average of the last stage of a preset: a whole TOON that `t2v.load` reads.

    Networks in int8, the autoencoder of `begin_with` in fp16, and as metadata the stages, first those of
    `begin_with`.
    """
    if file.resolve() == begin_with.resolve():
        raise SystemExit(
            f"{file}: wanted another file than --begin-with, whose stages are told again each time"
        )
    done = [(stage, state) for stage in all_stages() if (state := checkpoint(folder, stage.name))]
    own = [state for stage, state in done if stage.preset is preset]
    if not own:
        width = preset.sizes["16:9"][1]
        raise SystemExit(f"{folder}: wanted stills-{width}.pt or clips-{width}.pt: nothing is learned yet")
    begun = read_weights(begin_with)[0]
    autoencoder = {k: v for k, v in begun.items() if k.startswith("autoencoder.")}
    tensors = compress_weights(autoencoder, int8=False) | compress_weights(own[-1]["ema"], int8=True)
    stages = after(stages_of(begin_with), {stage.name: summary(state) for stage, state in done})
    metadata = {"preset": json.dumps(asdict(preset)), "stages": json.dumps(stages), "licence": preset.licence}
    write_weights(tensors, file, metadata)
    log.info("%s: %d tensors, %.1f MB", file, len(tensors), file.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["draw-stills", "draw-clips", "stills", "clips", "export"])
    parser.add_argument("--width", type=int, choices=list(PRESETS), default=224, help="of 16:9, in pixels")
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/levels"))
    parser.add_argument("--steps", type=int, help="of the stage; the learning rate falls towards them")
    parser.add_argument("--batch", type=int, default=STILLS_PER_BATCH, help="stills in a step")
    parser.add_argument("--begin-with", type=Path, default=PACKAGED, help="a TOON; the package's by default")
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch; 1 on a busy machine")
    parser.add_argument("--output", type=Path, help="of export; a file in the folder by default")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    preset = PRESETS[options.width]
    if options.command == "export":
        file = options.output or options.folder / "toon.safetensors"
        export(options.folder, preset, file, begin_with=options.begin_with)
        return
    drawing = options.command.startswith("draw-")
    (options.folder / ("pid-draw" if drawing else "pid")).write_text(f"{os.getpgrp()}\n", "utf-8")
    try:
        if drawing:
            frames = 1 if options.command == "draw-stills" else preset.num_frames
            draw_scenes(
                options.folder,
                preset,
                frames,
                begin_with=options.begin_with,
                processes=options.processes,
                stop_at=stop_at,
            )
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
