"""Larger pictures by networks: of drawings by Real-ESRGAN's for animated films, of all by a person's own.

Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data"; weights
`realesr-animevideov3` (BSD-3-Clause, t2v/weights/anime_video_licence.txt), 0.6 M parameters.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.errors import CheckpointError, SettingsError

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


def enlarge(frame: np.ndarray) -> np.ndarray:
    """A frame, uint8 (h, w, 3), four times as high and wide. In fp32: the same pixels every time."""
    return _run(load_enlarger(), frame)


@cache
def load_own_enlarger(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A person's network as a function from a frame, uint8 (h, w, 3), to a larger one; loaded once.

    The file is .safetensors or .pth. spandrel (the extra `upscale`) knows its architecture by its weights;
    nothing is unpickled but tensors.
    Raises SettingsError without spandrel and for a network of another task, CheckpointError for other files.
    """
    try:
        from spandrel import (
            ImageModelDescriptor,
            ModelLoader,
            UnsupportedModelError,
            canonicalize_state_dict,
        )
    except ImportError as error:
        raise SettingsError(
            f'{path}: wanted the package spandrel, which reads it; pip install "cold-open[upscale]"'
        ) from error
    try:
        found = ModelLoader("cpu").load_from_state_dict(canonicalize_state_dict(_read_tensors(path)))
    except UnsupportedModelError as error:
        raise CheckpointError(
            f"{path}: wanted a network that enlarges pictures, got tensors of none that spandrel knows"
        ) from error
    if not isinstance(found, ImageModelDescriptor) or (found.input_channels, found.output_channels) != (3, 3):
        name = found.architecture.name
        raise SettingsError(f"{path}: wanted a network from pictures to pictures, got {name}")
    if found.scale < 2:
        raise SettingsError(f"{path}: wanted a network that enlarges, got one that leaves the size as it is")
    network = found.eval()
    return lambda frame: _run(network, frame)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or .pth file. Raises CheckpointError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: not there") from error
    except (SafetensorError, OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path}: wanted a .safetensors or .pth file of weights, and could not read it as one"
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: wanted weights by name, got {type(state).__name__}")
    return state


@torch.inference_mode()
def _run(network: Callable[[Tensor], Tensor], frame: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255
    large = network(x.contiguous(memory_format=torch.channels_last))[0]
    pixels: np.ndarray = (large.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return pixels
