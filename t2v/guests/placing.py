"""Where a guest's networks are while it films, chosen from what is free. Planning needs no torch.

From the fastest to the smallest: whole on the card; a network at a time; layer by layer, the next one fetched
while one computes; and the same with the weights stored in eight bits, where the computer's own memory would
not hold them otherwise. Everything but the last films the same pictures.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from t2v.guests.folder import GuestPreset

How = Literal["whole", "networks", "layers", "layers in fp8", "cpu"]
GB = 1e9
_WORDS = {
    "whole": "whole on the card",
    "networks": "a network at a time on the card",
    "layers": "layer by layer through the card",
    "layers in fp8": "layer by layer through the card, weights in eight bits",
    "cpu": "on the processor, which takes hours a shot",
}
_WORK_GB = 6.0  # of activations and decoding in tiles at 832x480; it grows with the pixels
_WORK_PIXELS = 81 * 832 * 480


@dataclass(frozen=True)
class GuestPlan:
    """How a guest films in the memory there is; with `tiles` a part of the picture is decoded at a time."""

    how: How
    tiles: bool
    needs_gb: float  # on the card, about

    @property
    def words(self) -> str:
        """The plan in a few words, for people."""
        return _WORDS[self.how]


def plan(guest: GuestPreset, *, card_gb: float | None, memory_gb: float) -> GuestPlan:
    """The fastest plan that fits `card_gb` of the card and `memory_gb` of the computer; None is no card.

    Sizes are those of the files, in bf16, and of the largest picture that the model films by itself.
    """
    whole = guest.gigabytes
    largest = max(guest.bytes_of.values(), default=int(whole * 0.6 * GB)) / GB
    pixels = guest.family.num_frames * guest.height * guest.width
    work = _WORK_GB * max(1.0, pixels / _WORK_PIXELS) ** 0.5
    if card_gb is None:
        return GuestPlan("cpu", tiles=True, needs_gb=0.0)
    if card_gb > whole + 2 * work:
        return GuestPlan("whole", tiles=False, needs_gb=whole + 2 * work)
    if card_gb > whole + work:
        return GuestPlan("whole", tiles=True, needs_gb=whole + work)
    if card_gb > largest + work:
        return GuestPlan("networks", tiles=True, needs_gb=largest + work)
    if memory_gb > 1.2 * whole:
        return GuestPlan("layers", tiles=True, needs_gb=work)
    return GuestPlan("layers in fp8", tiles=True, needs_gb=work)


def free_card_gb() -> float | None:
    """What the first NVIDIA card has free, as its driver says without torch; None where there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, timeout=10, check=True, text=True).stdout
        return float(found.split()[0]) * 2**20 / GB
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def free_memory_gb() -> float:
    """What the computer has free; 16 where the system does not say so."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        return 16.0
    return kilobytes * 1024 / GB


def place(pipe: Any, chosen: GuestPlan, device: Any) -> None:
    """Does it, with diffusers' own means; `device` is where the networks compute."""
    import torch

    vae = getattr(pipe, "vae", None)
    if chosen.tiles and vae is not None and hasattr(vae, "enable_tiling"):
        vae.enable_tiling()
    if chosen.how in ("whole", "cpu"):
        pipe.to(device)
    elif chosen.how == "networks":
        pipe.enable_model_cpu_offload(device=device)
    else:
        if chosen.how == "layers in fp8":
            for name in ("transformer", "transformer_2"):
                network = getattr(pipe, name, None)
                if network is not None:
                    network.enable_layerwise_casting(
                        storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype
                    )
        has_stream = torch.device(device).type == "cuda"
        pipe.enable_group_offload(
            onload_device=torch.device(device), offload_type="leaf_level", use_stream=has_stream
        )
