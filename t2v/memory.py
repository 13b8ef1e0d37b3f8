"""What fits: plans for filming in the memory there is.

print(t2v.plan(t2v.MODELSCOPE, num_frames=24, height=192, width=192, memory_gb=4))

A plan says which networks lie on the device at once, how much of a clip a layer takes at once, and the peak
that this is expected to reach. Every plan films the same clip but for rounding; leaner ones take longer.
GB are 2**30 bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from t2v.autoencoder import Autoencoder
from t2v.conditioning import Chunks
from t2v.configs import AutoencoderConfig, Preset, UNetConfig
from t2v.dry_run import peak_bytes
from t2v.errors import SettingsError
from t2v.text_encoder import TextEncoder
from t2v.unet import UNet3D

if TYPE_CHECKING:
    from t2v.pipeline import TextToVideo

GB = 2**30
OVERHEAD_GB = {"cuda": 0.5, "mps": 0.3, "cpu": 0.35}  # a driver's context, or Python with PyTorch
Resident = Literal["all", "one", "layers"]


@dataclass(frozen=True)
class Rung:
    """One way to film, whatever the clip."""

    resident: Resident
    chunks: Chunks


LADDER = (  # from the fastest to the leanest
    Rung("all", Chunks()),
    Rung("one", Chunks()),
    Rung("one", Chunks(frames=4)),
    Rung("one", Chunks(frames=1, rows=1024)),
    Rung("layers", Chunks(frames=4)),
    Rung("layers", Chunks(frames=1, rows=1024)),
)
RESIDENT = {
    "all": "all three networks stay",
    "one": "one network at a time",
    "layers": "one layer at a time",
}


@dataclass(frozen=True)
class Plan:
    """How a clip is filmed, and the memory that it is expected to take, in bytes."""

    model: str
    device: str
    dtype: torch.dtype
    clip: tuple[int, int, int]  # frames, height, width
    rung: int
    budget: int | None
    peaks: dict[str, int]  # by stage: text, film, decode

    @property
    def resident(self) -> Resident:
        return LADDER[self.rung].resident

    @property
    def chunks(self) -> Chunks:
        return LADDER[self.rung].chunks

    @property
    def peak(self) -> int:
        return max(self.peaks.values())

    @property
    def peak_gb(self) -> float:
        return self.peak / GB

    def __str__(self) -> str:
        f, h, w = self.clip
        room = f", in {self.budget / GB:.1f} GB" if self.budget is not None else ""
        frames, rows = self.chunks.frames, self.chunks.rows
        stages = ", ".join(f"{stage} {size / GB:.2f}" for stage, size in self.peaks.items())
        return "\n".join(
            [
                f"{self.model} in {str(self.dtype).removeprefix('torch.')} on {self.device}, "
                f"{f} frames of {w}x{h}{room}",
                f"  weights   {RESIDENT[self.resident]} on the device",
                f"  layers    {'all frames' if frames is None else f'{frames} of {f} frames'} at once"
                + ("" if rows is None else f", {rows} tokens of a feed-forward"),
                "  guidance  one branch after the other",
                "  decoding  frame by frame",
                f"  expected  {self.peak_gb:.2f} GB at the peak: {stages}",
            ]
        )


def plan(
    model: TextToVideo | Preset,
    num_frames: int | None = None,
    height: int | None = None,
    width: int | None = None,
    *,
    memory_gb: float | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> Plan:
    """The fastest plan whose expected peak fits into `memory_gb`; None is what the device has free.

    Device and precision are the model's; for a preset they are a GPU's, unless said otherwise. Raises
    SettingsError where nothing fits.
    """
    preset = model if isinstance(model, Preset) else model.preset
    if not isinstance(model, Preset):
        device, dtype = device or model.device.type, dtype or model.dtype
    device = device or ("cuda" if memory_gb is not None or torch.cuda.is_available() else "cpu")
    dtype = dtype or (torch.float32 if device == "cpu" else torch.float16)
    size = next(iter(preset.sizes.values()), (256, 256))
    clip = (num_frames or preset.num_frames, height or size[0], width or size[1])
    budget = free_bytes(device) if memory_gb is None else int(memory_gb * GB)
    for fitting in plans(preset, clip, device, dtype, budget):
        if budget is None or fitting.peak <= budget:
            return fitting
    raise SettingsError(
        f"{preset.name}: {clip[0]} frames of {clip[2]}x{clip[1]} want {fitting.peak_gb:.1f} GB at least, and "
        f"there are {(budget or 0) / GB:.1f}; try fewer frames or a smaller size"
    )


def plans(
    preset: Preset, clip: tuple[int, int, int], device: str, dtype: torch.dtype, budget: int | None
) -> Iterator[Plan]:
    """All plans of a clip, from the fastest to the leanest."""
    for rung, (resident, chunks) in enumerate((r.resident, r.chunks) for r in LADDER):
        if device == "cpu" and (resident == "layers" or (resident == "one" and chunks == Chunks())):
            continue  # what leaves a CPU has nowhere to go
        peaks = expected_peaks(preset, clip, device, dtype, LADDER[rung])
        yield Plan(preset.name, device, dtype, clip, rung, budget, peaks)


def expected_peaks(
    preset: Preset, clip: tuple[int, int, int], device: str, dtype: torch.dtype, rung: Rung
) -> dict[str, int]:
    """Bytes at the peak of each stage: weights that are there, what runs, and the device's own overhead."""
    size, overhead = dtype.itemsize, int(OVERHEAD_GB.get(device, 0.5) * GB)
    factor, f = preset.autoencoder.factor, clip[0]
    latents = (f, -(-clip[1] // factor), -(-clip[2] // factor))
    films = unet_activations(preset.unet, latents, device, rung.chunks, dtype)
    tokens = 4 * preset.text_encoder.context_length * preset.text_encoder.width
    runs = {
        "text": 16 * tokens * size,
        "film": films,
        "decode": decoder_activations(preset.autoencoder, latents[1:], device, dtype)
        + clip[0] * clip[1] * clip[2] * 3 * (size + 4),
    }
    weights = {
        "text": weights_of(TextEncoder, preset.text_encoder),
        "film": weights_of(UNet3D, preset.unet),
        "decode": weights_of(Autoencoder, preset.autoencoder),
    }
    if rung.resident == "all" or (device == "cpu" and rung.resident == "one"):
        here = dict.fromkeys(runs, sum(whole for whole, _ in weights.values()))
    else:
        here = {stage: whole for stage, (whole, _) in weights.items()}
        if rung.resident == "layers":
            here["film"] = weights["film"][1]
    return {stage: overhead + here[stage] * size + runs[stage] for stage in runs}


@cache
def weights_of(kind: Callable[[Any], nn.Module], config: object) -> tuple[int, int]:
    """Parameters of a network, and of the largest layer that is moved by itself."""
    network = on_meta(kind, config)
    layers = [sum(p.numel() for p in layer.parameters()) for layer in moved_alone(network)]
    return sum(p.numel() for p in network.parameters()), max(layers)


@cache
def on_meta(kind: Callable[[Any], nn.Module], config: object) -> nn.Module:
    """A network without numbers."""
    with torch.device("meta"):
        return kind(config).eval().requires_grad_(False)


def moved_alone(network: nn.Module) -> list[nn.Module]:
    """The layers that are brought to the device one after the other, where the whole network has no room."""
    if isinstance(network, UNet3D):
        inner = [
            child
            for stage in [*network.input_blocks, network.middle_block, *network.output_blocks]
            for child in (stage if isinstance(stage, nn.ModuleList) else [stage])
        ]
        return [network.time_embed, *inner, network.out]
    return [network]


@cache
def unet_activations(
    config: UNetConfig, latents: tuple[int, int, int], device: str, chunks: Chunks, dtype: torch.dtype
) -> int:
    """The most that the UNet holds beside its weights, and the latents of the sampler."""
    network = on_meta(UNet3D, config)
    assert isinstance(network, UNet3D)
    network.chunks = chunks
    shape = (1, config.in_channels, *latents)
    held = 8 * math.prod(shape) * 4  # the sampler's, in fp32
    inputs = (
        torch.empty(shape, device="meta"),
        torch.empty(1, device="meta"),
        torch.empty(1, 77, config.context_dim, device="meta", dtype=dtype),
    )
    weights = {p: p.data for p in network.parameters()}
    try:
        network.to(dtype)
        return held + peak_bytes(network, lambda: network(*inputs), device)
    finally:
        for parameter, data in weights.items():
            parameter.data = data


@cache
def decoder_activations(
    config: AutoencoderConfig, places: tuple[int, int], device: str, dtype: torch.dtype
) -> int:
    """The most that decoding one frame holds beside the weights."""
    network = on_meta(Autoencoder, config)
    assert isinstance(network, Autoencoder)
    latents = torch.empty(1, config.latent_channels, 1, *places, device="meta")
    return peak_bytes(network, lambda: network.decode(latents), device) * dtype.itemsize // 4


def free_bytes(device: str) -> int | None:
    """What a device has free, in bytes; None where it does not say."""
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":") for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        names = getattr(os, "sysconf_names", {})
        if "SC_PHYS_PAGES" not in names:
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def smaller(current: Plan, preset: Preset) -> Plan | None:
    """The next plan that is expected to take less; None after the leanest."""
    for leaner in plans(preset, current.clip, current.device, current.dtype, current.budget):
        if leaner.rung > current.rung and leaner.peak < current.peak:
            return replace(leaner, budget=current.budget)
    return None
