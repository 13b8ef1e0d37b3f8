"""TOON's autoencoder: what it begins as, what it learns by, and its two stages of training."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.atomic import atomic_write
from t2v.configs import TOON_112
from t2v.memory.precision import mixed
from t2v.networks.autoencoder import AttnBlock, Autoencoder, ResnetBlock
from t2v.networks.layers import zero_init
from t2v.training.loop import TrainingPlan, train
from t2v.training.toon_dataset import SQUARE_SHARE, draw_many, to_tensor
from t2v.training.toon_stages import average, beginning, checkpoint

log = logging.getLogger("toon")

AUTOENCODER = TrainingPlan(num_steps=1700, learning_rate=4e-4, warmup_steps=20, ema_decay=0.998)
DECODER = TrainingPlan(num_steps=2500, learning_rate=2e-4, warmup_steps=20, ema_decay=0.998)
DECODER_NOISE = 0.25  # the most that is added to latents, whose deviation is 1, in the decoder's own stage


def autoencoder_loss(
    model: Autoencoder, images: Tensor, figures: Tensor, generator: torch.Generator
) -> Tensor:
    """L1, L1 of the gradients and a square, figures counted more, and a little KL."""
    with mixed(images.device):
        mean, log_variance = model.posterior(images)
        mean, log_variance = mean.float(), log_variance.float()
        noise = torch.randn(mean.shape, generator=generator).to(images.device)
        out = model.decode_images(mean + (0.5 * log_variance).exp() * noise)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return reconstruction_loss(out.float(), images, figures) + 1e-4 * kl


def reconstruction_loss(out: Tensor, images: Tensor, figures: Tensor) -> Tensor:
    """L1, L1 of the gradients and a square, figures (n, 1, h/8, w/8) counted more."""
    error = out - images
    weight = 1 + 2 * F.interpolate(figures, size=images.shape[-2:], mode="nearest")
    gradients = (error.diff(dim=-1).abs() * weight[..., 1:]).mean() + (
        error.diff(dim=-2).abs() * weight[..., 1:, :]
    ).mean()
    return (error.abs() * weight).mean() + 0.5 * gradients + (error.square() * weight).mean()


def fresh_autoencoder() -> Autoencoder:
    """Residual branches begin at zero, what lies between lets colours through, latents have little noise.

    From PyTorch's own first weights the pictures stay grey for hundreds of steps.
    """
    model = Autoencoder(TOON_112.autoencoder)
    for name, module in model.named_modules():
        if isinstance(module, ResnetBlock):
            zero_init(module.conv2)
        elif isinstance(module, AttnBlock):
            zero_init(module.proj_out)
        elif isinstance(module, nn.Conv2d) and name.endswith(("nin_shortcut", "sample.conv", "conv_in")):
            _let_through(module)
    with torch.no_grad():
        c = TOON_112.autoencoder.latent_channels
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


# --------------------------------------------------------------------------------------------- stages


def pictures(folder: Path, aspect: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Drawn images for the autoencoder, kept on disk: (n, h, w, 3) and their figures (n, h/8, w/8)."""
    file = folder / f"pictures-{aspect.replace(':', 'x')}.npz"
    if not file.exists():
        parts = list(
            draw_many(count, 1, TOON_112.sizes[aspect], seed=11 if aspect == "1:1" else 7, captions=0)
        )
        frames = np.concatenate([drawn[0][:, 0] for drawn in parts])
        figures = np.concatenate([drawn[1][:, 0] for drawn in parts])
        with atomic_write(file) as part, part.open("wb") as out:
            np.savez(out, frames=frames, figures=figures)
        log.info("drew %s", file.name)
    data = np.load(file)
    return data["frames"], data["figures"]


def _crop(
    share: float, size: tuple[int, int], generator: torch.Generator
) -> tuple[int, int, tuple[int, int]]:
    """Top, left and size of what is seen at this share of all steps: 64 x 64, in the last fifth all of it."""
    if share >= 0.8:
        return 0, 0, size
    top, left = (8 * int(torch.randint((s - 64) // 8 + 1, (1,), generator=generator)) for s in size)
    return top, left, (64, 64)


def train_autoencoder(folder: Path, stop_at: float | None, device: torch.device) -> None:
    data = {aspect: pictures(folder, aspect, 6144 if aspect == "16:9" else 2048) for aspect in TOON_112.sizes}
    torch.manual_seed(0)
    model = fresh_autoencoder()
    model.load_state_dict(beginning(folder, "autoencoder.") or model.state_dict())
    model.to(device)
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed(step)
        aspect = "1:1" if torch.rand(1, generator=generator).item() < SQUARE_SHARE else "16:9"
        frames, figures = data[aspect]
        index = torch.randint(len(frames), (24,), generator=generator).numpy()
        top, left, size = _crop(step / AUTOENCODER.num_steps, frames.shape[1:3], generator)
        images = to_tensor(frames[index][:, None, top : top + size[0], left : left + size[1]])[:, :, 0]
        mask = torch.from_numpy(figures[index]).float()[:, None] / 255
        mask = mask[..., top // 8 : (top + size[0]) // 8, left // 8 : (left + size[1]) // 8]
        if torch.rand(1, generator=generator).item() < 0.5:
            images, mask = images.flip(-1), mask.flip(-1)
        return autoencoder_loss(model, images.to(device), mask.to(device), generator)

    train(model, loss, AUTOENCODER, folder / "autoencoder.pt", stop_at=stop_at, log=log.info)


def train_decoder(folder: Path, stop_at: float | None, device: torch.device) -> None:
    """The decoder on latents with a little noise; the encoder stays, so what the UNet has learned holds."""
    model = finished_autoencoder(folder).to(device)
    model.requires_grad_(False)
    for part in (model.decoder, model.post_quant_conv):
        part.requires_grad_(True)
    data = {}
    for aspect in TOON_112.sizes:
        frames, figures = pictures(folder, aspect, 6144 if aspect == "16:9" else 2048)
        with torch.inference_mode():
            latents = [
                model.encode(to_tensor(part[:, None]).to(device))[:, :, 0].half().cpu()
                for part in _parts(frames)
            ]
        data[aspect] = (frames, figures, torch.cat(latents).clone())
    generator = torch.Generator()

    def loss(step: int) -> Tensor:
        generator.manual_seed((3 << 20) + step)
        aspect = "1:1" if torch.rand(1, generator=generator).item() < SQUARE_SHARE else "16:9"
        frames, figures, latents = data[aspect]
        index = torch.randint(len(frames), (14,), generator=generator).numpy()
        images = to_tensor(frames[index][:, None])[:, :, 0]
        mask = torch.from_numpy(figures[index]).float()[:, None] / 255
        clean = latents[index].float()
        sigma = DECODER_NOISE * torch.rand(len(index), 1, 1, 1, generator=generator)
        noisy = (clean + sigma * torch.randn(clean.shape, generator=generator)).to(device)
        with mixed(device):
            out = model.decode_images(noisy / TOON_112.autoencoder.latent_scale)
        return reconstruction_loss(out.float(), images.to(device), mask.to(device))

    train(model, loss, DECODER, folder / "decoder.pt", stop_at=stop_at, log=log.info)


def _parts(frames: np.ndarray, size: int = 256) -> list[np.ndarray]:
    return [frames[i : i + size] for i in range(0, len(frames), size)]


def finished_autoencoder(folder: Path) -> Autoencoder:
    """The same, once its own stage is over: what is made of its latents holds for no later state of it."""
    step = checkpoint(folder, "autoencoder").get("step", AUTOENCODER.num_steps)
    if step < AUTOENCODER.num_steps:
        raise SystemExit(
            f"{folder}: the autoencoder has {step} of its {AUTOENCODER.num_steps} steps: go on with it"
        )
    return trained_autoencoder(folder)


def trained_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder's average, its latents made to have mean 0 and deviation 1 in every channel.

    The figures are folded into the two 1x1 convolutions, so that the latent scale stays 1.
    """
    model = Autoencoder(TOON_112.autoencoder).eval()
    raw = average(folder, "autoencoder")
    ready = average(folder, "decoder") or ({} if raw else beginning(folder, "autoencoder."))
    if ready:
        model.load_state_dict(ready)
        return model
    if not raw:
        raise SystemExit(f"{folder}: wanted autoencoder.pt, or --from-package: no autoencoder is trained")
    model.load_state_dict(raw)
    frames, _ = pictures(folder, "16:9", 6144)
    with torch.inference_mode():
        latents = model.encode(to_tensor(frames[:512, None]))
    mean, deviation = latents.mean((0, 2, 3, 4)), latents.std((0, 2, 3, 4))
    c = TOON_112.autoencoder.latent_channels
    with torch.no_grad():
        model.post_quant_conv.bias += (model.post_quant_conv.weight[:, :, 0, 0] * mean).sum(1)  # type: ignore[operator]
        model.post_quant_conv.weight *= deviation.view(1, c, 1, 1)
        model.quant_conv.weight[:c] /= deviation.view(c, 1, 1, 1)
        model.quant_conv.bias[:c] = (model.quant_conv.bias[:c] - mean) / deviation  # type: ignore[index]
    return model
