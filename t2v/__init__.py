"""Text to video: a UNet3D diffusion model in PyTorch. Importing this package imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from t2v.configs import MODELSCOPE, TOON, Preset
from t2v.errors import CheckpointError, SettingsError, T2VError
from t2v.fingerprint import fingerprint

if TYPE_CHECKING:
    from t2v.pipeline import TextToVideo, Video

__all__ = [
    "MODELSCOPE",
    "TOON",
    "CheckpointError",
    "Preset",
    "SettingsError",
    "T2VError",
    "TextToVideo",
    "Video",
    "fingerprint",
    "load",
]


def load(source: str, *, device: str | None = None, dtype: Any = None) -> TextToVideo:
    """A model ready to film; see `t2v.loading.load`."""
    from t2v.loading import load

    return load(source, device=device, dtype=dtype)


def __getattr__(name: str) -> Any:
    if name in ("TextToVideo", "Video"):
        from t2v import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 't2v' has no attribute {name!r}")
