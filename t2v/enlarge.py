"""Drawn pictures four times as large, by Real-ESRGAN's network for animated films.

Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data"; weights
`realesr-animevideov3` (BSD-3-Clause, t2v/weights/anime_video_licence.txt), 0.6 M parameters.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights

WEIGHTS = Path(__file__).parent / "weights" / "anime_video.safetensors"
SCALE = 4
_WIDTH, _LAYERS = 64, 17  # convolutions, beside the last one


class Enlarger(nn.Module):
    """Convolutions at the small size, then pixel shuffle, added to the picture's own enlarged pixels.

    Takes and gives pictures in [0, 1]: (n, 3, h, w) to (n, 3, 4 h, 4 w).
    """

    def __init__(self) -> None:
        super().__init__()
        ends = [3, *[_WIDTH] * _LAYERS, 3 * SCALE**2]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(c_in, c_out, 3, padding=1) for c_in, c_out in pairwise(ends)
        )
        self.slopes = nn.ModuleList(nn.PReLU(_WIDTH) for _ in range(_LAYERS))

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures
        for convolution, slope in zip(self.convolutions, self.slopes, strict=False):
            x = slope(convolution(x))
        change = F.pixel_shuffle(self.convolutions[-1](x), SCALE)
        return change + F.interpolate(pictures, scale_factor=SCALE, mode="nearest")


@cache
def load_enlarger() -> Enlarger:
    """The network in the package, loaded once."""
    model = Enlarger()
    load_strictly(model, read_weights(WEIGHTS)[0], WEIGHTS, "the enlarger")
    return model.to(memory_format=torch.channels_last).eval().requires_grad_(False)


@torch.inference_mode()
def enlarge(frame: np.ndarray) -> np.ndarray:
    """A frame, uint8 (h, w, 3), four times as high and wide. In fp32: the same pixels every time."""
    x = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255
    large = load_enlarger()(x.contiguous(memory_format=torch.channels_last))[0]
    pixels: np.ndarray = (large.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels
