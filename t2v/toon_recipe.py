"""How TOON is trained from nothing: autoencoder, then images, then clips.

    python -m t2v.toon_recipe autoencoder --minutes 25
    python -m t2v.toon_recipe images --minutes 60
    python -m t2v.toon_recipe clips --minutes 30
    python -m t2v.toon_recipe export            # fp16 EMA -> t2v/weights/toon.safetensors

Each stage goes on where it stopped; the checkpoints and the drawn data lie in `training/`.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from t2v.autoencoder import AttnBlock, Autoencoder, ResnetBlock
from t2v.configs import TOON
from t2v.layers import zero_init
from t2v.schedule import noise_schedule
from t2v.text_encoder import TextEncoder, bpe_tokens, tokenize
from t2v.train import Plan, diffusion_loss, train
from t2v.unet import UNet3D
from t2v.weights import compressed

WEIGHTS = Path(__file__).parent / "weights"
log = logging.getLogger("toon")

AUTOENCODER = Plan(num_steps=1700, learning_rate=4e-4, warmup_steps=20, ema_decay=0.998)
IMAGES = Plan(num_steps=2000, learning_rate=5e-4, warmup_steps=100, ema_decay=0.9985)
CLIPS = Plan(num_steps=420, learning_rate=5e-4, warmup_steps=50, ema_decay=0.995)
NUM_PICTURES = {"16:9": 36_000, "1:1": 12_000}
NUM_CLIPS = {"16:9": 2_100, "1:1": 600}
SQUARE_SHARE = 0.25  # of the batches


# ---------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Job:
    """Some stagings to draw: one worker's piece of work."""

    seed: int
    count: int
    num_frames: int
    size: tuple[int, int]
    captions: int = 3  # wordings a staging


def draw_job(job: Job) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Frames (n, f, h, w, 3) uint8, faces (n, f, h/8, w/8) uint8, and captions, joined by a newline."""
    from t2v.toon.draw import draw_with_faces
    from t2v.toon.world import sample_staging

    rng = np.random.default_rng(job.seed)
    height, width = job.size
    frames, faces, captions = [], [], []
    for _ in range(job.count):
        staging = sample_staging(rng)
        picture, mask = draw_with_faces(staging, num_frames=job.num_frames, height=height, width=width)
        frames.append(picture)
        small = mask.reshape(job.num_frames, height // 8, 8, width // 8, 8).mean((2, 4))
        faces.append((small * 255).astype(np.uint8))
        if job.captions:
            from t2v.toon.captions import caption

            captions.append("\n".join(caption(staging, rng) for _ in range(job.captions)))
    return np.stack(frames), np.stack(faces), captions


def draw_many(count: int, num_frames: int, size: tuple[int, int], seed: int, captions: int = 3) -> Any:
    """Jobs drawn by two worker processes, in order."""
    piece = max(1, 64 // num_frames)
    jobs = [Job(seed * 1_000_003 + i, piece, num_frames, size, captions) for i in range(-(-count // piece))]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield from pool.imap(draw_job, jobs, chunksize=8)


def to_tensor(frames: np.ndarray) -> Tensor:
    """uint8 (n, f, h, w, 3) -> (n, 3, f, h, w) in [-1, 1]."""
    return rearrange(torch.from_numpy(frames).float() / 127.5 - 1, "n f h w c -> n c f h w")


# ---------------------------------------------------------------------------------- autoencoder


def autoencoder_loss(model: Autoencoder, images: Tensor, faces: Tensor, generator: torch.Generator) -> Tensor:
    """L1, L1 of the gradients and a square, faces counted more, and a little KL."""
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = model.posterior(images)
        mean, log_variance = mean.float(), log_variance.float()
        noise = torch.randn(mean.shape, generator=generator)
        out = model.decode_images(mean + (0.5 * log_variance).exp() * noise)
    error = out.float() - images
    weight = 1 + 2 * F.interpolate(faces, size=images.shape[-2:], mode="nearest")
    gradients = (error.diff(dim=-1).abs() * weight[..., 1:]).mean() + (
        error.diff(dim=-2).abs() * weight[..., 1:, :]
    ).mean()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return (error.abs() * weight).mean() + 0.5 * gradients + (error.square() * weight).mean() + 1e-4 * kl


def pictures(folder: Path, aspect: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Drawn images for the autoencoder, kept on disk: (n, h, w, 3) and their faces (n, h/8, w/8)."""
    file = folder / f"pictures-{aspect.replace(':', 'x')}.npz"
    if not file.exists():
        parts = list(draw_many(count, 1, TOON.sizes[aspect], seed=11 if aspect == "1:1" else 7, captions=0))
        np.savez(
            file,
            frames=np.concatenate([p[0][:, 0] for p in parts]),
            faces=np.concatenate([p[1][:, 0] for p in parts]),
        )
        log.info("drew %s", file.name)
    data = np.load(file)
    return data["frames"], data["faces"]


def fresh_autoencoder() -> Autoencoder:
    """Residual branches begin at zero, what lies between lets colours through, latents have little noise.

    From PyTorch's own first weights the pictures stay grey for hundreds of steps.
    """
    model = Autoencoder(TOON.autoencoder)
    for name, module in model.named_modules():
        if isinstance(module, ResnetBlock):
            zero_init(module.conv2)
        elif isinstance(module, AttnBlock):
            zero_init(module.proj_out)
        elif isinstance(module, nn.Conv2d) and name.endswith(("nin_shortcut", "sample.conv", "conv_in")):
            _let_through(module)
    with torch.no_grad():
        c = TOON.autoencoder.latent_channels
        model.quant_conv.weight[c:] = 0
        model.quant_conv.bias[c:] = -4  # type: ignore[index]
    return model


@torch.no_grad()
def _let_through(conv: nn.Conv2d) -> None:
    """Half of what the weights were, and every channel to itself, or its mean of 2 x 2 at a stride of 2."""
    own = torch.zeros_like(conv.weight)
    if conv.stride == (2, 2):
        for c in range(min(own.shape[:2])):
            own[c, c, :2, :2] = 0.25
    else:
        nn.init.dirac_(own)
    conv.weight.mul_(0.5).add_(own)


def _crop(step: int, size: tuple[int, int], generator: torch.Generator) -> tuple[int, int, tuple[int, int]]:
    """Top, left and size of what is seen at this step: 64 x 64 of it, in the last fifth all of it."""
    if step >= 0.8 * AUTOENCODER.num_steps:
        return 0, 0, size
    top, left = (8 * int(torch.randint((s - 64) // 8 + 1, (1,), generator=generator)) for s in size)
    return top, left, (64, 64)


def train_autoencoder(folder: Path, stop_at: float | None) -> None:
    data = {aspect: pictures(folder, aspect, 6144 if aspect == "16:9" else 2048) for aspect in TOON.sizes}
    torch.manual_seed(0)
    model = fresh_autoencoder()
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(step)
        aspect = "1:1" if torch.rand(1, generator=generator).item() < SQUARE_SHARE else "16:9"
        frames, faces = data[aspect]
        index = torch.randint(len(frames), (24,), generator=generator).numpy()
        top, left, size = _crop(step, frames.shape[1:3], generator)
        images = to_tensor(frames[index][:, None, top : top + size[0], left : left + size[1]])[:, :, 0]
        mask = torch.from_numpy(faces[index]).float()[:, None] / 255
        mask = mask[..., top // 8 : (top + size[0]) // 8, left // 8 : (left + size[1]) // 8]
        if torch.rand(1, generator=generator).item() < 0.5:
            images, mask = images.flip(-1), mask.flip(-1)
        return autoencoder_loss(model, images, mask, generator)

    train(model, loss, AUTOENCODER, folder / "autoencoder.pt", stop_at=stop_at, log=log.info)


def trained_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder's average, its latents made to have mean 0 and deviation 1 in every channel.

    The figures are folded into the two 1x1 convolutions, so that the latent scale stays 1.
    """
    model = Autoencoder(TOON.autoencoder).eval()
    model.load_state_dict(torch.load(folder / "autoencoder.pt", weights_only=True)["ema"])
    frames, _ = pictures(folder, "16:9", 6144)
    with torch.inference_mode():
        latents = model.encode(to_tensor(frames[:512, None]))
    mean, deviation = latents.mean((0, 2, 3, 4)), latents.std((0, 2, 3, 4))
    c = TOON.autoencoder.latent_channels
    with torch.no_grad():
        model.post_quant_conv.bias += (model.post_quant_conv.weight[:, :, 0, 0] * mean).sum(1)  # type: ignore[operator]
        model.post_quant_conv.weight *= deviation.view(1, c, 1, 1)
        model.quant_conv.weight[:c] /= deviation.view(c, 1, 1, 1)
        model.quant_conv.bias[:c] = (model.quant_conv.bias[:c] - mean) / deviation  # type: ignore[index]
    return model


# --------------------------------------------------------------------------------- images, clips


def make_vocabulary() -> None:
    """The table of tokens: all that captions use; `toon.words.understand` says the rest in their words."""
    from open_clip.tokenizer import SimpleTokenizer

    from t2v.toon.captions import caption
    from t2v.toon.world import sample_staging

    path = WEIGHTS / TOON.text_encoder.vocabulary  # type: ignore[operator]
    if path.exists():
        return
    rng, seen = np.random.default_rng(5), set()
    for _ in range(12_000):
        seen.update(bpe_tokens(caption(sample_staging(rng), rng)))
    bpe = SimpleTokenizer()
    ids = [0, bpe.sot_token_id, bpe.eot_token_id, *sorted(seen - {0})]
    limit = TOON.text_encoder.vocabulary_size
    if len(ids) > limit:
        raise SystemExit(f"{len(ids)} tokens, and the preset has room for {limit}")
    path.write_text(json.dumps(ids), "utf-8")


@dataclass(frozen=True)
class Latents:
    """Encoded data: latents (n, c, f, h, w) fp16, faces (n, 1, f, h, w) uint8, captions."""

    latents: Tensor
    faces: Tensor
    captions: list[str]


def encoded(folder: Path, aspect: str, count: int, num_frames: int) -> Latents:
    """Drawn and encoded once, kept on disk."""
    file = folder / f"latents-{num_frames}-{aspect.replace(':', 'x')}.pt"
    if not file.exists():
        model = trained_autoencoder(folder)
        latents, faces, captions = [], [], []
        seed = 100 + 10 * num_frames + (aspect == "1:1")
        for frames, face, text in draw_many(count, num_frames, TOON.sizes[aspect], seed):
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                latents.append(model.encode(to_tensor(frames)).half())
            faces.append(torch.from_numpy(face)[:, None])
            captions += text
            if len(captions) % 4096 < len(text):
                log.info("encoded %d of %d (%s)", len(captions), count, aspect)
        torch.save({"latents": torch.cat(latents), "faces": torch.cat(faces), "captions": captions}, file)
    return Latents(**torch.load(file, weights_only=True))


class TextToLatents(nn.Module):
    """Text tower and UNet, trained together."""

    def __init__(self, *, temporal: bool) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(TOON.text_encoder)
        self.unet = UNet3D(replace(TOON.unet, temporal=temporal))

    def forward(self, latents: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.unet(latents, timesteps, self.text_encoder.encode(tokens))


def denoising_loss(model: TextToLatents, data: dict[str, Latents], batch: int, seed: int) -> Any:
    """A function step -> loss over random batches of one aspect each; one caption in ten is left out."""
    schedule = noise_schedule(TOON.schedule)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(seed + step)
        part = data["1:1" if torch.rand(1, generator=generator).item() < SQUARE_SHARE else "16:9"]
        index = torch.randint(len(part.captions), (batch,), generator=generator)
        pick = torch.randint(3, (batch,), generator=generator).tolist()
        keep = (torch.rand(batch, generator=generator) >= 0.1).tolist()
        texts = [
            part.captions[i].split("\n")[p] if k else ""
            for i, p, k in zip(index.tolist(), pick, keep, strict=True)
        ]
        weight = 1 + part.faces[index].float() / 255
        clean = part.latents[index].float()
        tokens = tokenize(texts, TOON.text_encoder)
        return diffusion_loss(model, clean, tokens, schedule, generator=generator, weight=weight)

    return loss


def train_images(folder: Path, stop_at: float | None) -> None:
    make_vocabulary()
    data = {aspect: encoded(folder, aspect, count, 1) for aspect, count in NUM_PICTURES.items()}
    torch.manual_seed(1)
    model = TextToLatents(temporal=False)
    train(
        model,
        denoising_loss(model, data, 64, 1 << 20),
        IMAGES,
        folder / "images.pt",
        stop_at=stop_at,
        log=log.info,
    )


def train_clips(folder: Path, stop_at: float | None) -> None:
    """From the image weights; the temporal layers begin as nothing, and learn faster than the rest."""
    data = {aspect: encoded(folder, aspect, count, TOON.num_frames) for aspect, count in NUM_CLIPS.items()}
    torch.manual_seed(2)
    model = TextToLatents(temporal=True)
    images = torch.load(folder / "images.pt", weights_only=True)["ema"]
    model.load_state_dict(images, strict=False)
    old = [p for n, p in model.named_parameters() if n in images]
    new = [p for n, p in model.named_parameters() if n not in images]
    groups = [{"params": old, "scale": 0.3}, {"params": new, "scale": 1.0}]
    loss = denoising_loss(model, data, 4, 2 << 20)
    train(model, loss, CLIPS, folder / "clips.pt", groups=groups, stop_at=stop_at, log=log.info)


def export(folder: Path) -> None:
    """All parts in one file: networks in int8, autoencoder in fp16, what the training was as metadata."""
    from safetensors.torch import save_file

    autoencoder = trained_autoencoder(folder).state_dict()
    clips = folder / "clips.pt"
    if clips.exists():
        state = torch.load(clips, weights_only=True)
        parts = state["ema"]
    else:
        state = torch.load(folder / "images.pt", weights_only=True)
        model = TextToLatents(temporal=True)
        model.load_state_dict(state["ema"], strict=False)
        parts = model.state_dict()
    tensors = compressed({f"autoencoder.{k}": v for k, v in autoencoder.items()}, int8=False)
    tensors |= compressed(parts, int8=True)
    stages = {}
    for name in ("autoencoder", "images", "clips"):
        if (folder / f"{name}.pt").exists():
            done = torch.load(folder / f"{name}.pt", weights_only=True)
            stages[name] = {
                "steps": done["step"],
                "seconds": round(done["seconds"]),
                "losses": done["losses"][-1:],
            }
    metadata = {"preset": json.dumps(asdict(TOON)), "stages": json.dumps(stages), "licence": TOON.licence}
    save_file(tensors, WEIGHTS / "toon.safetensors", metadata=metadata)
    log.info("%s: %d tensors", WEIGHTS / "toon.safetensors", len(tensors))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train TOON from nothing.")
    parser.add_argument("stage", choices=["autoencoder", "images", "clips", "export"])
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(exist_ok=True)
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    if options.stage == "export":
        export(options.folder)
    else:
        {"autoencoder": train_autoencoder, "images": train_images, "clips": train_clips}[options.stage](
            options.folder, stop_at
        )


if __name__ == "__main__":
    main()
