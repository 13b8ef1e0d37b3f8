"""From weights on disk to a model that is ready to film."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from t2v.autoencoder import Autoencoder
from t2v.configs import TOON
from t2v.fingerprint import weight_file
from t2v.pipeline import TextToVideo
from t2v.text_encoder import TextEncoder
from t2v.unet import UNet3D
from t2v.weights import load_strictly, read


def load(source: str, *, device: str | None = None, dtype: torch.dtype | None = None) -> TextToVideo:
    """A model ready to film. `source` is "toon"; None means the best that this machine has.

    Raises CheckpointError.
    """
    path = weight_file(source)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    state, _ = read(path)
    text_encoder, unet = TextEncoder(TOON.text_encoder), UNet3D(TOON.unet)
    autoencoder = Autoencoder(TOON.autoencoder)
    parts = nn.ModuleDict({"text_encoder": text_encoder, "unet": unet, "autoencoder": autoencoder})
    load_strictly(parts, state, path, TOON.name)
    return TextToVideo(TOON, text_encoder, unet, autoencoder, device=where, dtype=dtype or best_dtype(where))


def best_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the device multiplies it natively, else fp16 on a GPU and fp32 on a CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bf16() -> bool:
    """Whether the CPU has AVX512-BF16 or AMX; a PyTorch that does not tell counts as no."""
    probe: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    capabilities = probe()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
