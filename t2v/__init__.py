"""Text to video: a UNet3D diffusion model in PyTorch. Importing this package imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2v.checkpoints.fingerprint import fingerprint, is_toon
from t2v.checkpoints.toon_preset import toon_preset
from t2v.configs import MODELSCOPE, TOON, Preset
from t2v.errors import CheckpointError, PrecisionWarning, RenderError, SettingsError, T2VError

if TYPE_CHECKING:
    from t2v.memory.plan import MemoryPlan
    from t2v.pipeline import TextToVideo, Video

__all__ = [
    "MODELSCOPE",
    "TOON",
    "CheckpointError",
    "MemoryPlan",
    "PrecisionWarning",
    "Preset",
    "RenderError",
    "SettingsError",
    "T2VError",
    "TextToVideo",
    "Video",
    "fingerprint",
    "load",
    "plan",
    "preset",
    "save",
    "set_loras",
]


def load(
    source: str | Path,
    *,
    base: str | Path | None = None,
    loras: Sequence[tuple[str | Path, float]] = (),
    device: Any = None,
    dtype: Any = None,
    memory: str | float | MemoryPlan = "auto",
) -> TextToVideo:
    """Load a model; see `t2v.loading.load`."""
    from t2v import loading

    return loading.load(source, base=base, loras=loras, device=device, dtype=dtype, memory=memory)


def plan(
    model: TextToVideo | Preset,
    num_frames: int | None = None,
    height: int | None = None,
    width: int | None = None,
    **settings: Any,
) -> MemoryPlan:
    """The plan for a clip in `memory_gb`, with its expected peak; see `t2v.memory.plan.plan`.

    A loaded model gives the plan its device and dtype.
    """
    from t2v.memory import plan as memory_plan

    if isinstance(model, Preset):
        return memory_plan.plan(model, num_frames, height, width, **settings)
    own: dict[str, Any] = {"device": model.device.type, "dtype": model.dtype}
    given = {name: value for name, value in settings.items() if value is not None}
    return memory_plan.plan(model.preset, num_frames, height, width, **(own | given))


def preset(
    source: str | Path, *, base: str | Path | None = None, loras: Sequence[tuple[str | Path, float]] = ()
) -> Preset:
    """The preset of a source, without loading it; see `t2v.loading.preset`."""
    if is_toon(source):
        return toon_preset(source)
    from t2v import loading

    return loading.preset(source, base=base, loras=loras)


def save(model: TextToVideo, folder: str | Path, *, layout: str = "modelscope") -> Path:
    """Write a loaded model's weights and settings; see `t2v.checkpoints.save.save_checkpoint`."""
    from t2v import loading

    return loading.save(model, folder, layout=layout)


def set_loras(model: TextToVideo, loras: Sequence[tuple[str | Path, float]]) -> None:
    """Merge exactly these LoRAs into a loaded model; see `t2v.loading.set_loras`."""
    from t2v import loading

    loading.set_loras(model, loras)


def __getattr__(name: str) -> Any:
    if name in ("TextToVideo", "Video"):
        from t2v import pipeline

        return getattr(pipeline, name)
    if name == "MemoryPlan":
        from t2v.memory import plan as memory_plan

        return memory_plan.MemoryPlan
    raise AttributeError(f"module 't2v' has no attribute {name!r}")
