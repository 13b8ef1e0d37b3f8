"""How TOON is trained from nothing: autoencoder, then images, then clips, half as large as TOON films.

    python -m t2v.training.toon_recipe autoencoder --minutes 25
    python -m t2v.training.toon_recipe images --minutes 60
    python -m t2v.training.toon_recipe clips --minutes 30
    python -m t2v.training.toon_recipe decoder --minutes 20   # the decoder alone: latents stay what they are
    python -m t2v.training.toon_recipe export            # the averages -> training/toon.safetensors

`t2v.training.toon_levels` goes on from there. With `--from-package` the autoencoder is the package's, and the
UNet learns from nothing in its latents. Each stage goes on where it stopped; the checkpoints and the drawn
data lie in `training/`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from t2v.checkpoints.files.safetensors import compress_weights, write_weights
from t2v.configs import TOON_112
from t2v.memory.precision import mixed
from t2v.networks.text_encoder import TextEncoder, bpe_tokens, tokenize
from t2v.networks.unet import UNet3D
from t2v.sampling.schedule import noise_schedule
from t2v.training.loop import TrainingPlan, diffusion_loss, train
from t2v.training.resumable import Sample, TimeIsUp, prepare_in_parts
from t2v.training.toon_autoencoder import (
    finished_autoencoder,
    train_autoencoder,
    train_decoder,
    trained_autoencoder,
)
from t2v.training.toon_dataset import SQUARE_SHARE, draw_many, to_tensor
from t2v.training.toon_stages import (
    WEIGHTS,
    after,
    average,
    begin_with_package,
    checkpoint,
    stages_before,
    summary,
)

log = logging.getLogger("toon")

IMAGES = TrainingPlan(num_steps=3700, learning_rate=5e-4, warmup_steps=50, ema_decay=0.998)
CLIPS = TrainingPlan(num_steps=4800, learning_rate=5e-4, warmup_steps=50, ema_decay=0.998)
NUM_PICTURES = {"16:9": 15_000, "1:1": 5_000}
NUM_CLIPS = {"16:9": 4_500, "1:1": 1_500}
ENCODED_AT_ONCE = 64  # jobs of drawing that a kill while encoding may lose
PICTURE_SHARE = 0.4  # of the batches while clips are learned: there are more captions in them
HEAD_WEIGHT = 6.0  # in the loss, beside 1 for the set; bodies and limbs have half of it
MOTION_WEIGHT = 3.0  # for each deviation that a latent has over the frames


def make_vocabulary() -> None:
    """The table of tokens: what captions use; `t2v.toon.prompts.understand` says the rest in it."""
    from open_clip.tokenizer import SimpleTokenizer

    from t2v.toon.prompts.captions import caption
    from t2v.toon.world import sample_staging

    path = WEIGHTS / TOON_112.text_encoder.vocabulary  # type: ignore[operator]
    if path.exists():
        return
    rng, seen = np.random.default_rng(5), set()
    for _ in range(12_000):
        seen.update(bpe_tokens(caption(sample_staging(rng), rng)))
    bpe = SimpleTokenizer()
    ids = [0, bpe.sot_token_id, bpe.eot_token_id, *sorted(seen - {0})]
    limit = TOON_112.text_encoder.vocabulary_size
    if len(ids) > limit:
        raise SystemExit(f"{len(ids)} tokens, and the preset has room for {limit}")
    path.write_text(json.dumps(ids), "utf-8")


@dataclass(frozen=True)
class Latents:
    """Encoded data: latents (n, c, f, h, w) fp16, figures (n, 1, f, h, w) uint8, captions."""

    latents: Tensor
    figures: Tensor
    captions: list[str]


def encoded(
    folder: Path,
    aspect: str,
    count: int,
    num_frames: int,
    device: torch.device,
    *,
    stop_at: float | None = None,
) -> Latents:
    """Drawn and encoded once, kept on disk. Raises TimeIsUp."""
    file = folder / f"latents-{num_frames}-{aspect.replace(':', 'x')}.pt"
    seed = 200 + 10 * num_frames + (aspect == "1:1")

    def pieces(first: int) -> Iterator[Sample]:
        model = finished_autoencoder(folder).to(device)
        jobs = draw_many(count, num_frames, TOON_112.sizes[aspect], seed, first=first)
        for number, (frames, mask, captions) in enumerate(jobs, first + 1):
            with torch.inference_mode(), mixed(device):
                images = rearrange(to_tensor(frames).to(device), "n c f h w -> (n f) c h w")
                means = model.posterior(images)[0] * TOON_112.autoencoder.latent_scale
            latents = rearrange(means, "(n f) c h w -> n c f h w", f=num_frames).half().cpu()
            yield {"latents": latents, "figures": torch.from_numpy(mask)[:, None], "captions": captions}
            if number % ENCODED_AT_ONCE == 0:
                log.info("encoded %d of %d (%s)", number * len(captions), count, aspect)

    def join(found: list[Sample]) -> dict[str, Any]:
        kept = {key: torch.cat([piece[key] for piece in found]) for key in ("latents", "figures")}
        return kept | {"captions": [caption for piece in found for caption in piece["captions"]]}

    prepare_in_parts(file, pieces, join, every=ENCODED_AT_ONCE, stop_at=stop_at)
    return Latents(**torch.load(file, weights_only=True))


def encoded_data(
    folder: Path, counts: dict[str, int], num_frames: int, device: torch.device, stop_at: float | None
) -> dict[str, Latents]:
    """So many of each aspect. Raises TimeIsUp."""
    return {
        aspect: encoded(folder, aspect, count, num_frames, device, stop_at=stop_at)
        for aspect, count in counts.items()
    }


class TextToLatents(nn.Module):
    """Text tower and UNet, trained together."""

    def __init__(self, *, temporal: bool) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(TOON_112.text_encoder)
        self.unet = UNet3D(replace(TOON_112.unet, temporal=temporal))

    def forward(self, latents: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        on_cpu = latents.device.type == "cpu"
        # few places a frame: there the fused attention's way back takes six times as long as plain products
        plain = sdpa_kernel(SDPBackend.MATH) if on_cpu else contextlib.nullcontext()
        with mixed(latents.device), plain:
            return self.unet(latents, timesteps, self.text_encoder.encode(tokens))


def importance(figures: Tensor, latents: Tensor) -> Tensor:
    """What each place (b, 1, f, h, w) counts in the loss, 1 on average: figures and what moves count more.

    In the middle of its training the set's places were a fifth of the loss that figures' places were.
    """
    motion = latents.std(2, correction=0).mean(1)[:, None, None]
    weight = 1 + HEAD_WEIGHT * figures / 255 + MOTION_WEIGHT * motion
    return weight / weight.mean()


def denoising_loss(
    model: TextToLatents, data: dict[str, Latents], batch: int, seed: int, device: torch.device
) -> Callable[[int], Tensor]:
    """A function step -> loss over random batches of one aspect each; one caption in ten is left out.

    Of clips a batch may be two or four times as many, and of each a half or a quarter, frames in a row: so
    more captions are seen for the same work.
    """
    schedule = noise_schedule(TOON_112.schedule)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(seed + step)
        part = data["1:1" if torch.rand(1, generator=generator).item() < SQUARE_SHARE else "16:9"]
        whole = part.latents.shape[2]
        pieces = 2 ** int(torch.randint(3, (1,), generator=generator)) if whole > 1 else 1
        first = int(torch.randint(whole - whole // pieces + 1, (1,), generator=generator))
        frames = slice(first, first + whole // pieces)
        count = batch * pieces
        index = torch.randint(len(part.captions), (count,), generator=generator)
        pick = torch.randint(3, (count,), generator=generator).tolist()
        keep = (torch.rand(count, generator=generator) >= 0.1).tolist()
        texts = [
            part.captions[i].split("\n")[p] if k else ""
            for i, p, k in zip(index.tolist(), pick, keep, strict=True)
        ]
        latents = part.latents[index].float()
        weight = importance(part.figures[index], latents)[:, :, frames].to(device)
        clean = latents[:, :, frames].to(device)
        tokens = tokenize(texts, TOON_112.text_encoder).to(device)
        return diffusion_loss(model, clean, tokens, schedule, generator=generator, weight=weight)

    return loss


def train_images(folder: Path, stop_at: float | None, device: torch.device) -> None:
    make_vocabulary()
    data = encoded_data(folder, NUM_PICTURES, 1, device, stop_at)
    torch.manual_seed(1)
    model = TextToLatents(temporal=False)
    model.to(device)
    loss = denoising_loss(model, data, 64, 1 << 20, device)
    train(model, loss, IMAGES, folder / "images.pt", stop_at=stop_at, log=log.info)


def train_clips(folder: Path, stop_at: float | None, device: torch.device) -> None:
    """From the image weights, with pictures in between.

    The temporal layers begin as nothing, and learn faster than the rest.
    """
    pictures = encoded_data(folder, NUM_PICTURES, 1, device, stop_at)
    clips = encoded_data(folder, NUM_CLIPS, TOON_112.num_frames, device, stop_at)
    torch.manual_seed(2)
    model = TextToLatents(temporal=True)
    learned = average(folder, "images")
    if not learned:
        raise SystemExit(f"{folder}: wanted images.pt: no picture is learned yet")
    model.load_state_dict(learned, strict=False)
    with torch.device("meta"):
        painted = TextToLatents(temporal=False).state_dict()
    model.to(device)
    old = [p for n, p in model.named_parameters() if n in painted]
    new = [p for n, p in model.named_parameters() if n not in painted]
    groups = [{"params": old, "scale": 0.6}, {"params": new, "scale": 1.0}]
    of_clips = denoising_loss(model, clips, 4, 2 << 20, device)
    of_pictures = denoising_loss(model, pictures, 64, 4 << 20, device)

    def loss(step: int) -> Tensor:
        before = int(PICTURE_SHARE * step)
        return of_pictures(step) if int(PICTURE_SHARE * (step + 1)) > before else of_clips(step)

    train(model, loss, CLIPS, folder / "clips.pt", groups=groups, stop_at=stop_at, log=log.info)


def export(folder: Path) -> None:
    """All parts in one file: networks in int8, autoencoder in fp16, what the training was as metadata.

    Where it began with the package's autoencoder, what the package's file says of that one stands before.
    """
    autoencoder = trained_autoencoder(folder).state_dict()
    model = TextToLatents(temporal=True)
    done = {name: checkpoint(folder, name) for name in STAGES}
    parts = done["images"].get("ema", {}) | done["clips"].get("ema", {})
    if not parts:
        raise SystemExit(f"{folder}: wanted images.pt or clips.pt: nothing to export")
    model.load_state_dict(parts, strict=False)
    parts = model.state_dict()
    tensors = compress_weights({f"autoencoder.{k}": v for k, v in autoencoder.items()}, int8=False)
    tensors |= compress_weights(parts, int8=True)
    stages = {name: summary(state) for name, state in done.items() if state}
    stages = after(stages_before(folder), stages)
    metadata = {
        "preset": json.dumps(asdict(TOON_112)),
        "stages": json.dumps(stages),
        "licence": TOON_112.licence,
    }
    write_weights(tensors, folder / "toon.safetensors", metadata)
    log.info("%s: %d tensors", folder / "toon.safetensors", len(tensors))


STAGES = {
    "autoencoder": train_autoencoder,
    "images": train_images,
    "clips": train_clips,
    "decoder": train_decoder,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Train TOON from nothing.")
    parser.add_argument("stage", choices=[*STAGES, "export"])
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training"))
    parser.add_argument("--from-package", action="store_true", help="take the package's autoencoder")
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="cpu or cuda")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.from_package:
        begin_with_package(options.folder)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    if options.stage == "export":
        export(options.folder)
        return
    try:
        STAGES[options.stage](options.folder, stop_at, options.device)
    except TimeIsUp as over:
        log.info("%s", over)


if __name__ == "__main__":
    main()
