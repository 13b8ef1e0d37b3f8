"""How a slim decoder for TOON is trained: from the package's latents to pictures of larger sizes.

    python -m t2v.training.toon_decoder draw --folder F             # pictures, drawn and encoded in parts
    python -m t2v.training.toon_decoder train --folder F --minutes 60
    python -m t2v.training.toon_decoder export --folder F           # the average -> F/decoder.safetensors

The encoder stays, so that what a UNet has learned of its latents holds. Every command goes on where it
stopped, and training takes in pictures that are drawn meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import compress_weights, read_weights, write_weights
from t2v.configs import TOON, TOON_448, AutoencoderConfig
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import Autoencoder
from t2v.training.loop import TrainingPlan, train
from t2v.training.resumable import TimeIsUp
from t2v.training.toon_autoencoder import DECODER_NOISE, reconstruction_loss
from t2v.training.toon_dataset import to_tensor
from t2v.training.toon_levels import autoencoder_file
from t2v.training.toon_scenes import SceneFolder, draw_parts
from t2v.training.toon_stages import PACKAGED, average, checkpoint

log = logging.getLogger("toon")

SIZES = (TOON_448.sizes["16:9"], TOON.sizes["16:9"], TOON_448.sizes["1:1"])
PARTS = (6, 12, 2)  # of 256 pictures each
PLAN = TrainingPlan(num_steps=6000, learning_rate=6e-4, warmup_steps=40, ema_decay=0.998, log_every=50)
CROP = 12  # latents a side
BORDER = 1  # latents at the edges of a crop that do not count: the whole picture has neighbours there
BATCH = 16  # crops
WHOLE_SINCE = 0.9  # share of the steps after which whole pictures are decoded, one a step
NAME = "slim"


def slim_config() -> AutoencoderConfig:
    """TOON's autoencoder with the slim decoder."""
    return replace(TOON_448.autoencoder, decoder_widths=(16, 32, 64, 128))


def folders(folder: Path) -> list[SceneFolder]:
    """Where the pictures of each size are."""
    return [
        SceneFolder(folder / f"pictures-{size[1]}x{size[0]}", 1, size, seed=70 + i)
        for i, size in enumerate(SIZES)
    ]


class Pictures:
    """The drawn parts of one size; `refresh` reads those that were drawn since."""

    def __init__(self, source: SceneFolder) -> None:
        self.source = source
        self.seen: set[Path] = set()
        self.latents: list[Tensor] = []  # (c, h, w) fp16
        self.frames: list[Tensor] = []  # (h, w, 3) uint8
        self.figures: list[Tensor] = []  # (h / 8, w / 8) uint8

    def refresh(self) -> None:
        for file in self.source.parts():
            if file not in self.seen:
                part = torch.load(file, weights_only=True)
                self.latents += list(part["latents"][:, :, 0])
                self.frames += list(part["frames"][:, 0])
                self.figures += list(part["figures"][:, 0])
                self.seen.add(file)


def crop(pictures: Pictures, index: int, top: int, left: int, side: int | None) -> tuple[Tensor, ...]:
    """Latents, picture in [-1, 1] and figures of a square of `side` latents, or of the whole picture."""
    rows, columns = (slice(at, None if side is None else at + side) for at in (top, left))
    pixel_rows, pixel_columns = (
        slice(8 * at, None if side is None else 8 * (at + side)) for at in (top, left)
    )
    frame = pictures.frames[index][pixel_rows, pixel_columns]
    image = to_tensor(frame.numpy()[None, None])[0, :, 0]
    figures = pictures.figures[index][rows, columns].float()[None] / 255
    return pictures.latents[index][:, rows, columns].float(), image, figures


class SlimDecoder(nn.Module):
    """The trained half of the autoencoder."""

    def __init__(self) -> None:
        super().__init__()
        whole = Autoencoder(slim_config())
        self.decoder, self.post_quant_conv = whole.decoder, whole.post_quant_conv
        known = {k.removeprefix("autoencoder."): v for k, v in read_weights(PACKAGED)[0].items()}
        own = self.state_dict()
        fitting = {k: v for k, v in known.items() if k in own and own[k].shape == v.shape}
        self.load_state_dict(fitting, strict=False)

    def forward(self, latents: Tensor) -> Tensor:
        with mixed(latents.device):
            return self.decoder(self.post_quant_conv(latents)).float()


def picture_loss(model: SlimDecoder, sources: list[Pictures], num_steps: int) -> Callable[[int], Tensor]:
    """The loss of random crops of one size, with a little noise in their latents."""
    generator = torch.Generator()

    def number(below: int) -> int:
        return int(torch.randint(below, (1,), generator=generator))

    def loss(step: int) -> Tensor:
        generator.manual_seed((5 << 20) + step)
        if step % 200 == 0 or not any(source.latents for source in sources):
            for source in sources:
                source.refresh()
        drawn = [source for source in sources if source.latents]
        if not drawn:
            raise SystemExit("no picture is drawn yet: draw draws them")
        source = drawn[number(len(drawn))]
        height, width = (side // 8 for side in source.source.size)
        whole = step >= WHOLE_SINCE * num_steps
        count, side = (1, None) if whole else (BATCH, CROP)
        places = [
            (0, 0) if whole else (number(height - CROP + 1), number(width - CROP + 1)) for _ in range(count)
        ]
        crops = [crop(source, number(len(source.latents)), top, left, side) for top, left in places]
        latents, images, figures = (torch.stack(parts) for parts in zip(*crops, strict=True))
        sigma = DECODER_NOISE * torch.rand(count, 1, 1, 1, generator=generator)
        out = model(latents + sigma * torch.randn(latents.shape, generator=generator))
        inside = slice(None) if whole else slice(8 * BORDER, -8 * BORDER)
        middle = slice(None) if whole else slice(BORDER, -BORDER)
        return reconstruction_loss(
            out[..., inside, inside], images[..., inside, inside], figures[..., middle, middle]
        )

    return loss


def export(folder: Path, file: Path) -> None:
    """Write the moving average in fp16, under the names that the autoencoder has in a TOON's weights."""
    state = average(folder, NAME)
    if not state:
        raise SystemExit(f"{folder}: wanted {NAME}.pt: nothing is learned yet")
    tensors = compress_weights({f"autoencoder.{k}": v for k, v in state.items()}, int8=False)
    metadata = {"steps": str(checkpoint(folder, NAME)["step"]), "licence": TOON_448.licence}
    write_weights(tensors, file, metadata)
    log.info("%s: %.1f MB", file, file.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["draw", "train", "export"])
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/levels"))
    parser.add_argument("--steps", type=int, default=PLAN.num_steps)
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch; 1 on a busy machine")
    parser.add_argument("--output", type=Path, help="of export; a file in the folder by default")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    if options.command == "export":
        export(options.folder, options.output or options.folder / "decoder.safetensors")
        return
    try:
        if options.command == "draw":
            for source, count in zip(folders(options.folder), PARTS, strict=True):
                autoencoder = autoencoder_file(options.folder)
                draw_parts(
                    source,
                    count,
                    autoencoder,
                    with_frames=True,
                    processes=options.processes,
                    stop_at=stop_at,
                )
            return
        torch.manual_seed(1)
        model = SlimDecoder()
        sources = [Pictures(source) for source in folders(options.folder)]
        plan = replace(PLAN, num_steps=options.steps)
        loss = picture_loss(model, sources, plan.num_steps)
        train(model, loss, plan, options.folder / f"{NAME}.pt", stop_at=stop_at, log=log.info)
    except TimeIsUp as over:
        log.info("%s", over)


if __name__ == "__main__":
    main()
