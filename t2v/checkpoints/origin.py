"""Where a loaded model came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from t2v.checkpoints.fill import Source


@dataclass(frozen=True)
class Origin:
    """Where a loaded model came from. `revision` is the hub's commit; `loras` are the merged ones."""

    source: str
    files: Mapping[str, Path]
    licence: str
    revision: str | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    tensors: Mapping[str, Mapping[str, Source]] = field(default_factory=dict, repr=False)
