"""What TOON's autoencoder begins as, and what it learns by."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.autoencoder import AttnBlock, Autoencoder, ResnetBlock
from t2v.configs import TOON
from t2v.layers import zero_init
from t2v.precision import mixed


def autoencoder_loss(model: Autoencoder, images: Tensor, faces: Tensor, generator: torch.Generator) -> Tensor:
    """L1, L1 of the gradients and a square, faces counted more, and a little KL."""
    with mixed(images.device):
        mean, log_variance = model.posterior(images)
        mean, log_variance = mean.float(), log_variance.float()
        noise = torch.randn(mean.shape, generator=generator).to(images.device)
        out = model.decode_images(mean + (0.5 * log_variance).exp() * noise)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return reconstruction_loss(out.float(), images, faces) + 1e-4 * kl


def reconstruction_loss(out: Tensor, images: Tensor, faces: Tensor) -> Tensor:
    """L1, L1 of the gradients and a square, faces (n, 1, h/8, w/8) counted more."""
    error = out - images
    weight = 1 + 2 * F.interpolate(faces, size=images.shape[-2:], mode="nearest")
    gradients = (error.diff(dim=-1).abs() * weight[..., 1:]).mean() + (
        error.diff(dim=-2).abs() * weight[..., 1:, :]
    ).mean()
    return (error.abs() * weight).mean() + 0.5 * gradients + (error.square() * weight).mean()


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
