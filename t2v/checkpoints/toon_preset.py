"""The preset of a TOON's weights, from the metadata of their file; without torch."""

from __future__ import annotations

import json
from pathlib import Path

from t2v.checkpoints.fingerprint import weight_file
from t2v.configs import TOON_112, TOON_PRESETS, Preset

LARGEST_HEADER = 10_000_000  # bytes, of a file that is no safetensors file at all


def toon_preset(source: str | Path) -> Preset:
    """The preset with as many outer levels as the metadata of a TOON's weights names.

    The smallest for a file without readable metadata, as the first ones were. Raises CheckpointError for a
    source that is no TOON.
    """
    try:
        preset = json.loads(_metadata(weight_file(source))["preset"])
        return TOON_PRESETS[len(preset["unet"].get("outer_widths", ()))]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return TOON_112


def _metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file: a header of JSON after its length in eight bytes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if length < LARGEST_HEADER else {}
    return dict(header["__metadata__"])
