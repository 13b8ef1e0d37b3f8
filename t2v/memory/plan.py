"""Memory plans: how a clip is filmed in the memory that a device has.

print(t2v.plan(t2v.MODELSCOPE, num_frames=24, height=192, width=192, memory_gb=4))

A plan says which networks are on the device at once, how much of a clip a layer takes at once, and the
expected peak. Every plan films the same clip but for rounding, except the leanest, which decodes large frames
in tiles; leaner plans take longer. GB are 2**30 bytes.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch

from t2v.configs import Preset, UNetConfig, num_outer_levels
from t2v.errors import SettingsError
from t2v.memory.footprint import count_parameters, decoder_activation_bytes, unet_activation_bytes
from t2v.memory.precision import allowed_dtypes
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Chunks
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D

GB = 2**30
log = logging.getLogger("t2v")
OVERHEAD_GB = {"cuda": 0.5, "mps": 0.3, "cpu": 0.55}  # of a driver, or of Python with PyTorch (measured)
Resident = Literal["all", "one", "layers"]
SMALL_CLIP = 16 * 32 * 32  # latents of a clip up to which one branch of guidance leaves a GPU idle
TILE = 48  # latents: 384 pixels of ModelScope


class ClipSize(NamedTuple):
    """The size of a clip: frames, pixels, the window of frames at once (None: all).

    `cached_passes`: how many passes of a step keep their deep features.
    """

    frames: int
    height: int
    width: int
    window: int | None = None
    cached_passes: int = 0

    def __str__(self) -> str:
        seen = f", {self.window} at once," if self.frames_at_once < self.frames else ""
        return f"{self.frames} frames{seen} of {self.width}x{self.height}"

    @property
    def frames_at_once(self) -> int:
        """How many frames the network sees at once."""
        return min(self.window or self.frames, self.frames)

    def latents(self, factor: int) -> tuple[int, int, int]:
        """Frames that the network sees at once, and height and width in latents."""
        return self.frames_at_once, -(-self.height // factor), -(-self.width // factor)


@dataclass(frozen=True)
class Strategy:
    """One way to film any clip."""

    resident: Resident
    chunks: Chunks
    both_branches: bool = False  # of guidance in one pass
    tile: int | None = None  # latents decoded at once, in height and in width; None: all

    def suits(self, device: str, num_latents: int) -> bool:
        """Whether it is useful on a device, for a clip of so many latents.

        Weights cannot be moved away from a CPU, and one branch of guidance keeps it busy.
        """
        if self.both_branches and (device == "cpu" or num_latents > SMALL_CLIP):
            return False
        if device == "cpu":
            return self.resident != "layers" and (self.resident == "all" or self.chunks != Chunks())
        return self.tile is None or self.resident == "layers"


STRATEGIES = (  # from the fastest to the leanest
    Strategy("all", Chunks(), both_branches=True),
    Strategy("all", Chunks()),
    Strategy("one", Chunks()),
    Strategy("one", Chunks(frames=4)),
    Strategy("one", Chunks(frames=1, rows=1024)),
    Strategy("layers", Chunks(frames=4)),
    Strategy("layers", Chunks(frames=1, rows=1024)),
    Strategy("all", Chunks(frames=1, rows=1024), tile=TILE),
    Strategy("layers", Chunks(frames=1, rows=1024), tile=TILE),
)
RESIDENT_TEXT = {
    "all": "all three networks stay",
    "one": "one network at a time",
    "layers": "one layer at a time",
}


@dataclass(frozen=True)
class MemoryPlan:
    """How a clip is filmed, and the memory that this is expected to take, in bytes."""

    model: str
    device: str
    dtype: torch.dtype
    clip: ClipSize
    level: int  # index in STRATEGIES
    budget: int | None
    factor: int  # pixels to a latent, in height and in width
    peaks: dict[str, int]  # by stage: text, film, decode
    instead_of: torch.dtype | None = None  # the better precision, if it does not fit

    @property
    def resident(self) -> Resident:
        """Which weights are on the device at once."""
        return STRATEGIES[self.level].resident

    @property
    def chunks(self) -> Chunks:
        """How much of a clip a layer takes at once."""
        return STRATEGIES[self.level].chunks

    @property
    def both_branches(self) -> bool:
        """Whether both branches of guidance run in one pass."""
        return STRATEGIES[self.level].both_branches

    @property
    def tile(self) -> int | None:
        """Latents that are decoded at once, in height and in width; None is all."""
        return STRATEGIES[self.level].tile

    @property
    def tiled(self) -> bool:
        """Whether frames of this clip are decoded in tiles, which is approximate."""
        tile = STRATEGIES[self.level].tile
        return tile is not None and max(self.clip.height, self.clip.width) > tile * self.factor

    @property
    def peak(self) -> int:
        """The expected peak in bytes."""
        return max(self.peaks.values())

    @property
    def fits(self) -> bool:
        """Whether the expected peak is within the budget."""
        return self.budget is None or self.peak <= self.budget

    @property
    def peak_gb(self) -> float:
        """The expected peak in GB of 2**30 bytes."""
        return self.peak / GB

    def __str__(self) -> str:
        f, level = self.clip.frames_at_once, STRATEGIES[self.level]
        room = f", in {self.budget / GB:.1f} GB" if self.budget is not None else ""
        rather = f" ({dtype_name(self.instead_of)} would not fit)" if self.instead_of else ""
        resident = RESIDENT_TEXT["all" if self.device == "cpu" and self.resident == "one" else self.resident]
        frames, rows, tile = self.chunks.frames, self.chunks.rows, level.tile
        tiles = f", in overlapping tiles of {tile}x{tile} latents: approximate in tone" if self.tiled else ""
        stages = ", ".join(f"{stage} {size / GB:.2f}" for stage, size in self.peaks.items())
        return "\n".join(
            [
                f"{self.model} in {dtype_name(self.dtype)}{rather} on {self.device}, {self.clip}{room}",
                f"  weights   {resident} on the device",
                f"  layers    {'all frames' if frames is None else f'{frames} of {f} frames'} at once"
                + ("" if rows is None else f", {rows} tokens of a feed-forward"),
                "  guidance  "
                + ("both branches at once" if level.both_branches else "one branch after the other"),
                f"  decoding  frame by frame{tiles}",
                f"  expected  {self.peak_gb:.2f} GB at the peak: {stages}",
            ]
        )


def plan(
    preset: Preset,
    num_frames: int | None = None,
    height: int | None = None,
    width: int | None = None,
    *,
    window: int | None = None,
    memory_gb: float | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> MemoryPlan:
    """The fastest plan whose expected peak fits into `memory_gb` (2**30 bytes).

    `memory_gb` None is what the device has free. The size is the preset's own where none is given; `window`
    is that of `generate`, in frames. Without a device the plan is for a GPU if there is one or if
    `memory_gb` is given; without a dtype it is in the best precision that fits. Raises SettingsError.
    """
    device = device or ("cuda" if memory_gb is not None or torch.cuda.is_available() else "cpu")
    size = next(iter(preset.sizes.values()), (256, 256))
    clip = ClipSize(num_frames or preset.num_frames, height or size[0], width or size[1], window)
    budget = free_bytes(device) if memory_gb is None else int(memory_gb * GB)
    best_first = allowed_dtypes(device)
    for option in (dtype,) if dtype else best_first:
        for fitting in candidate_plans(preset, clip, device, option, budget):
            if fitting.fits:
                is_smaller = dtype is None and option != best_first[0]
                return replace(fitting, instead_of=best_first[0] if is_smaller else None)
    raise SettingsError(describe_shortage(preset, fitting))


def choose_dtype(preset: Preset, device: str, budget: int | None) -> torch.dtype:
    """The best precision in which the preset's own clip fits into `budget` bytes, for a model without one.

    `budget` None is what the device has free. A smaller precision than the best is logged.
    """
    best, *others = allowed_dtypes(device)
    if not others:
        return best
    try:
        chosen = plan(preset, device=device, memory_gb=None if budget is None else budget / GB).dtype
    except SettingsError:
        chosen = others[-1]
    if chosen != best:
        message = "%s: %s would not fit into the memory there is, so it is loaded in %s"
        log.warning(message, preset.name, dtype_name(best), dtype_name(chosen))
    return chosen


def dtype_name(dtype: torch.dtype | None) -> str:
    """A dtype without "torch."."""
    return str(dtype).removeprefix("torch.")


def describe_shortage(preset: Preset, leanest: MemoryPlan) -> str:
    """One line: the memory that the leanest plan needs, the budget, and what would fit into it."""
    clip, device, dtype, budget = leanest.clip, leanest.device, leanest.dtype, leanest.budget or 0

    def peak(frames: int, dtype: torch.dtype = dtype) -> int:
        return next(
            candidate_plans(preset, clip._replace(frames=frames), device, dtype, budget, leanest.level)
        ).peak

    few = most_frames(peak, clip.frames, budget)
    size = f"{clip.width}x{clip.height}"
    would = [f"{few} frame{'s' * (few > 1)} of {size} in {dtype_name(dtype)}"] if few else []
    half = allowed_dtypes(device)[-1]
    if half.itemsize < dtype.itemsize and peak(clip.frames, half) <= budget:
        would.append(f"all {clip.frames} in {dtype_name(half)}")
    advice = f"what would fit: {', or '.join(would)}" if would else "try a smaller size, or more memory"
    wants = f"{clip} want {leanest.peak_gb:.1f} GB at least in {dtype_name(dtype)}"
    return f"{preset.name}: {wants}, and there are {budget / GB:.1f}; {advice}"


def most_frames(peak: Callable[[int], int], too_many: int, budget: int) -> int:
    """The most frames whose peak is within the budget; 0 if one frame is not. `too_many` frames are not.

    Peaks grow nearly linearly, so most guesses interpolate between a count that fits and one that does not.
    """
    few, many, turn = 1, too_many, 0
    least, most = peak(few), peak(many)
    if least > budget:
        return 0
    while many - few > 1:
        turn += 1
        share = 0.5 if turn % 3 == 0 else (budget - least) / (most - least)
        guess = min(max(few + int(share * (many - few)), few + 1), many - 1)
        size = peak(guess)
        if size <= budget:
            few, least = guess, size
        else:
            many, most = guess, size
    return few


def candidate_plans(
    preset: Preset,
    clip: ClipSize,
    device: str,
    dtype: torch.dtype,
    budget: int | None,
    level: int | None = None,
) -> Iterator[MemoryPlan]:
    """All plans of a clip, from the fastest to the leanest, or that of one level, whatever the device."""
    factor = preset.autoencoder.factor
    num_latents = math.prod(clip.latents(factor))
    for i, way in enumerate(STRATEGIES):
        if i == level or (level is None and way.suits(device, num_latents)):
            peaks = expected_peaks(preset, clip, device, dtype, way)
            yield MemoryPlan(preset.name, device, dtype, clip, i, budget, factor, peaks)


def _cached_channels(config: UNetConfig, outer_levels: int) -> float:
    """How many channels a place of the latents has in the deep features that a pass keeps."""
    inner = config.width * config.channel_multipliers[0]
    if not outer_levels:
        return inner
    widths = (inner, *config.outer_widths)
    return (widths[outer_levels - 1] + config.out_channels) / 4


def expected_peaks(
    preset: Preset, clip: ClipSize, device: str, dtype: torch.dtype, level: Strategy
) -> dict[str, int]:
    """The peak of each stage in bytes: weights on the device, activations and the device's overhead."""
    size, overhead = dtype.itemsize, int(OVERHEAD_GB.get(device, 0.5) * GB)
    latents = clip.latents(preset.autoencoder.factor)
    branches = 2 if level.both_branches else 1
    outer = num_outer_levels(preset, clip.height, clip.width)
    films = unet_activation_bytes(preset.unet, latents, branches, level.chunks, device, dtype, outer)
    films += 8 * clip.frames * math.prod(latents[1:]) * preset.unet.in_channels * 4  # the sampler's, in fp32
    films += int(clip.cached_passes * math.prod(latents) * _cached_channels(preset.unet, outer) * size)
    tokens = 4 * preset.text_encoder.context_length * preset.text_encoder.width
    runs = {
        "text": 16 * tokens * size,
        "film": films,
        "decode": decoder_activation_bytes(preset.autoencoder, latents[1:], device, dtype, level.tile)
        + math.prod(clip[:3]) * 3 * (size + 4),
    }
    weights = {
        "text": count_parameters(TextEncoder, preset.text_encoder),
        "film": count_parameters(UNet3D, preset.unet),
        "decode": count_parameters(Autoencoder, preset.autoencoder),
    }
    here = {stage: whole for stage, (whole, *_) in weights.items()}
    everything = sum(here.values())
    if level.resident == "all" or (device == "cpu" and level.resident == "one"):
        here = dict.fromkeys(runs, everything)
    elif level.resident == "layers":
        _, layer, two = weights["film"]
        here["film"] = two if device == "cuda" else layer  # CUDA fetches the next while one runs
        if device == "cpu":  # the other networks have nowhere to go
            here = {"text": everything - weights["film"][0], "film": everything - weights["film"][0] + layer}
            here["decode"] = here["text"]
    return {stage: overhead + here[stage] * size + runs[stage] for stage in runs}


def free_bytes(device: str) -> int | None:
    """The free memory of a device in bytes; None if it is unknown."""
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


def leaner_plan(current: MemoryPlan, preset: Preset) -> MemoryPlan | None:
    """The next plan with a lower expected peak; None after the leanest."""
    for leaner in candidate_plans(preset, current.clip, current.device, current.dtype, current.budget):
        if leaner.level > current.level and leaner.peak < current.peak:
            return leaner
    return None
