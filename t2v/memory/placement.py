"""Moves a model's networks between devices as a memory plan says, and falls back to leaner plans."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from t2v.configs import Preset
from t2v.errors import SettingsError
from t2v.memory.footprint import streamed_layers
from t2v.memory.plan import (
    GB,
    OVERHEAD_GB,
    ClipSize,
    MemoryPlan,
    candidate_plans,
    describe_shortage,
    free_bytes,
    leaner_plan,
)
from t2v.memory.streaming import LayerStream

T = TypeVar("T")
MemoryLimit = str | float | MemoryPlan  # "auto", "8GB" or 8 (2**30 bytes), or a plan


class Placement:
    """The networks of a model, and the memory plan that they follow now."""

    def __init__(
        self, networks: Mapping[str, nn.Module], preset: Preset, device: torch.device, memory: MemoryLimit
    ) -> None:
        self.networks, self.preset, self.device = networks, preset, device
        self.plan: MemoryPlan | None = memory if isinstance(memory, MemoryPlan) else None
        self._level = memory.level if isinstance(memory, MemoryPlan) else None  # a given plan decides how
        self._budget = budget_bytes_of(memory)
        self._streamed: LayerStream | None = None
        self._in_use: str | None = None
        self._tried: dict[ClipSize, MemoryPlan] = {}
        free = free_bytes(device.type) if device.type != "cpu" and memory == "auto" else None
        if device.type == "cpu" or (free and sum(map(num_bytes, networks.values())) + GB < free):
            for network in networks.values():
                network.to(device)

    def film(self, clip: ClipSize, dtype: torch.dtype, film_by: Callable[[MemoryPlan], T]) -> T:
        """`film_by(plan)` with the fastest plan that fits; out of memory, again with the next leaner one.

        Raises SettingsError if the given budget or plan has no room for the clip.
        """
        plan = self._choose_plan(clip, dtype)
        while True:
            self.follow(plan)
            try:
                return film_by(plan)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = str(error).partition("\n")[0]
            plan = self._step_down(plan, message)  # outside the handler, whose traceback holds the tensors

    def _step_down(self, plan: MemoryPlan, message: str) -> MemoryPlan:
        leaner = leaner_plan(plan, self.preset)
        if leaner is None:
            raise SettingsError(
                f"{self.preset.name}: out of memory by the leanest plan there is, {plan.peak_gb:.1f} GB "
                f"({message}); try fewer frames or a smaller size"
            )
        warnings.warn(
            f"out of memory at an expected {plan.peak_gb:.1f} GB; filmed again in an expected "
            f"{leaner.peak_gb:.1f} GB, slower",
            RuntimeWarning,
            stacklevel=2,
        )
        self._tried[plan.clip] = leaner
        return leaner

    def _choose_plan(self, clip: ClipSize, dtype: torch.dtype) -> MemoryPlan:
        known = self._tried.get(clip)
        if known is not None and known.dtype == dtype:
            return known
        budget = self._budget
        if budget is None and self._level is None:
            free = free_bytes(self.device.type)
            here = sum(num_bytes(n) for n in self.networks.values() if is_on(n, self.device))
            overhead = int(OVERHEAD_GB.get(self.device.type, 0.5) * GB)
            budget = None if free is None else free + here + overhead
        last: MemoryPlan | None = None
        for candidate in candidate_plans(self.preset, clip, self.device.type, dtype, budget, self._level):
            last = candidate
            if candidate.fits:
                break
        assert last is not None
        if not last.fits and (self._budget is not None or self._would_be_killed(last)):
            raise SettingsError(describe_shortage(self.preset, last))
        self._tried[clip] = last  # the leanest where none fits: the estimate may be wrong, so it is tried
        return last

    def _would_be_killed(self, plan: MemoryPlan) -> bool:
        """Whether this plan would get the process killed: on a CPU no error is raised to catch."""
        return self.device.type == "cpu" and plan.budget is not None and plan.peak > 1.25 * plan.budget

    def follow(self, plan: MemoryPlan) -> None:
        """Place the networks as the plan says."""
        self.plan = plan
        if self._streamed is not None:
            self._streamed.end()
        self._streamed, self._in_use = None, None
        if plan.resident == "all":
            for network in self.networks.values():
                network.to(self.device)
        elif plan.resident == "layers":
            unet = self.networks["unet"].to("cpu")
            self._streamed = LayerStream(streamed_layers(unet), self.device, ahead=self.device.type == "cuda")
        empty_cache(self.device)

    def close(self) -> None:
        """Drop the networks and give back the device's memory."""
        if self._streamed is not None:
            self._streamed.end()
            self._streamed = None
        self.networks = {}
        empty_cache(self.device)

    @contextmanager
    def use(self, name: str) -> Iterator[None]:
        """Inside the block, a network is on the device."""
        moves = self.plan is not None and self.plan.resident != "all" and self.device.type != "cpu"
        if moves and self.plan is not None and self._in_use != name:
            streamed = self.plan.resident == "layers"
            for other, network in self.networks.items():
                here = other == name and not (streamed and other == "unet")
                network.to(self.device if here else "cpu")
            empty_cache(self.device)
            self._in_use = name
        yield


def budget_bytes_of(memory: MemoryLimit) -> int | None:
    """The bytes that `memory` allows; None means what the device has free. Raises SettingsError."""
    if isinstance(memory, MemoryPlan):
        return memory.budget
    return None if memory == "auto" else parse_gigabytes(memory)


def parse_gigabytes(memory: str | float) -> int:
    """8, "8", "8GB" or "8 GB" in bytes. Raises SettingsError."""
    try:
        size = float(str(memory).strip().lower().removesuffix("gb"))
    except ValueError:
        size = 0.0
    if not 0 < size < 1e6:
        raise SettingsError(f'memory: wanted "auto" or gigabytes such as "8GB", got {memory!r}')
    return int(size * GB)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch, on any device, or of Python says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return "not enough memory" in text or "out of memory" in text


def num_bytes(network: nn.Module) -> int:
    """The size of a network's weights."""
    return sum(p.numel() * p.element_size() for p in network.parameters())


def is_on(network: nn.Module, device: torch.device) -> bool:
    """Whether a network is on a kind of device."""
    return next(network.parameters()).device.type == device.type


def empty_cache(device: torch.device) -> None:
    """Give back the memory that the allocator of a device keeps for reuse."""
    if device.type == "cpu":
        return
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
