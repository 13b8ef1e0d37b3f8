"""What the stages of TOON's training leave in their folder, and what the package's weights say of theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2v.checkpoints.files.safetensors import read_weights
from t2v.training.loop import save_atomically

WEIGHTS = Path(__file__).parent.parent / "weights"
PACKAGED = WEIGHTS / "toon.safetensors"
BEGINNING = "beginning.pt"  # in the folder: the weights that the stages begin with, if not random ones
STAGES_BEFORE = "beginning.json"
OF_AUTOENCODER = ("autoencoder", "decoder")  # the stages of which the UNet knows nothing but the latents


def begin_with_package(folder: Path) -> None:
    """Keep the package's autoencoder, and what it says of that one's stages, as what stages begin with."""
    if not (folder / BEGINNING).exists():
        kept = {k: v for k, v in read_weights(PACKAGED)[0].items() if k.startswith("autoencoder.")}
        done = {k: v for k, v in stages_of(PACKAGED).items() if k.split(" ")[0] in OF_AUTOENCODER}
        (folder / STAGES_BEFORE).write_text(json.dumps(done), "utf-8")
        save_atomically(kept, folder / BEGINNING)


def stages_before(folder: Path) -> dict[str, Any]:
    """What was trained of the weights that the stages begin with."""
    file = folder / STAGES_BEFORE
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def beginning(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """The weights to begin with whose names begin so, without that; none where it begins from nothing."""
    if not (folder / BEGINNING).exists():
        return {}
    state = torch.load(folder / BEGINNING, weights_only=True)
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def checkpoint(folder: Path, stage: str) -> dict[str, Any]:
    """What a stage wrote last; nothing if it has not begun."""
    file = folder / f"{stage}.pt"
    return torch.load(file, weights_only=True, map_location="cpu") if file.exists() else {}


def average(folder: Path, stage: str) -> dict[str, Tensor]:
    """The moving average of the weights that a stage has learned; nothing if it has not begun."""
    return checkpoint(folder, stage).get("ema", {})


def summary(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of weights says of a stage, from the stage's checkpoint."""
    return {
        "steps": state["step"],
        "seconds": round(state["seconds"]),
        "losses": [(step, round(loss, 4)) for step, loss in state["losses"]],
    }


def stages_of(weights: Path) -> dict[str, Any]:
    """Of every stage that a file of weights was trained in its steps, seconds and losses by step."""
    return json.loads(read_weights(weights)[1]["stages"]) if weights.exists() else {}


def after(before: Mapping[str, Any], stages: Mapping[str, Any]) -> dict[str, Any]:
    """Stages in the order of their training; one that was trained again is its second one, or its third."""
    out = dict(before)
    for name, stage in stages.items():
        times = sum(key.split(" ")[0] == name for key in out)
        out[f"{name} {times + 1}" if times else name] = stage
    return out
