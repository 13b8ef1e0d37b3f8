"""Where the networks lie while a clip is filmed, as its plan says, and what happens when memory is short."""

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
from t2v.memory.footprint import moved_alone
from t2v.memory.plan import GB, OVERHEAD_GB, Clip, Plan, free_bytes, plans, smaller, too_little
from t2v.memory.streaming import Streamed

T = TypeVar("T")
Memory = str | float | Plan  # "auto", "8GB" or 8 (2**30 bytes), or a plan


class Placement:
    """The networks of a model, and the plan that they follow now."""

    def __init__(
        self, networks: Mapping[str, nn.Module], preset: Preset, device: torch.device, memory: Memory
    ) -> None:
        self.networks, self.preset, self.device = networks, preset, device
        self.plan: Plan | None = memory if isinstance(memory, Plan) else None
        self._rung = memory.rung if isinstance(memory, Plan) else None  # a plan by hand says how
        self._budget = budget_of(memory)
        self._streamed: Streamed | None = None
        self._in_use: str | None = None
        self._tried: dict[Clip, Plan] = {}
        free = free_bytes(device.type) if device.type != "cpu" and memory == "auto" else None
        if device.type == "cpu" or (free and sum(map(size_of, networks.values())) + GB < free):
            for network in networks.values():
                network.to(device)

    def film(self, clip: Clip, dtype: torch.dtype, shoot: Callable[[Plan], T]) -> T:
        """`shoot(plan)` with the fastest plan that fits; out of memory, again with the next smaller one.

        Raises SettingsError where a budget or a plan that was given has no room for the clip.
        """
        plan = self._fitting(clip, dtype)
        while True:
            self.follow(plan)
            try:
                return shoot(plan)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                said = str(error).partition("\n")[0]
            plan = self._step_down(plan, said)  # outside the handler, whose traceback holds the tensors

    def _step_down(self, plan: Plan, said: str) -> Plan:
        leaner = smaller(plan, self.preset)
        if leaner is None:
            raise SettingsError(
                f"{self.preset.name}: out of memory by the leanest plan there is, {plan.peak_gb:.1f} GB "
                f"({said}); try fewer frames or a smaller size"
            )
        warnings.warn(
            f"out of memory at an expected {plan.peak_gb:.1f} GB; filmed again in an expected "
            f"{leaner.peak_gb:.1f} GB, slower",
            RuntimeWarning,
            stacklevel=2,
        )
        self._tried[plan.clip] = leaner
        return leaner

    def _fitting(self, clip: Clip, dtype: torch.dtype) -> Plan:
        known = self._tried.get(clip)
        if known is not None and known.dtype == dtype:
            return known
        budget = self._budget
        if budget is None and self._rung is None:
            free = free_bytes(self.device.type)
            here = sum(size_of(n) for n in self.networks.values() if on(n, self.device))
            overhead = int(OVERHEAD_GB.get(self.device.type, 0.5) * GB)
            budget = None if free is None else free + here + overhead
        last: Plan | None = None
        for candidate in plans(self.preset, clip, self.device.type, dtype, budget, self._rung):
            last = candidate
            if candidate.fits:
                break
        assert last is not None
        if not last.fits and (self._budget is not None or self._kills(last)):
            raise SettingsError(too_little(self.preset, last))
        self._tried[clip] = last  # the leanest where none fits: the estimate may be wrong, so it is tried
        return last

    def _kills(self, plan: Plan) -> bool:
        """Whether to try would end the process: a CPU's memory runs out without an error to catch."""
        return self.device.type == "cpu" and plan.budget is not None and plan.peak > 1.25 * plan.budget

    def follow(self, plan: Plan) -> None:
        """Film by this plan from now on."""
        self.plan = plan
        if self._streamed is not None:
            self._streamed.end()
        self._streamed, self._in_use = None, None
        if plan.resident == "all":
            for network in self.networks.values():
                network.to(self.device)
        elif plan.resident == "layers":
            unet = self.networks["unet"].to("cpu")
            self._streamed = Streamed(moved_alone(unet), self.device, ahead=self.device.type == "cuda")
        release(self.device)

    def close(self) -> None:
        """Let go of the networks and give back the device's memory."""
        if self._streamed is not None:
            self._streamed.end()
            self._streamed = None
        self.networks = {}
        release(self.device)

    @contextmanager
    def use(self, name: str) -> Iterator[None]:
        """Inside, a network is on the device."""
        moves = self.plan is not None and self.plan.resident != "all" and self.device.type != "cpu"
        if moves and self.plan is not None and self._in_use != name:
            streamed = self.plan.resident == "layers"
            for other, network in self.networks.items():
                here = other == name and not (streamed and other == "unet")
                network.to(self.device if here else "cpu")
            release(self.device)
            self._in_use = name
        yield


def budget_of(memory: Memory) -> int | None:
    """The bytes that `memory` allows; None is what the device has free. Raises SettingsError."""
    if isinstance(memory, Plan):
        return memory.budget
    return None if memory == "auto" else budget_bytes(memory)


def budget_bytes(memory: str | float) -> int:
    """8, "8", "8GB" or "8 GB" as bytes. Raises SettingsError."""
    try:
        size = float(str(memory).strip().lower().removesuffix("gb"))
    except ValueError:
        size = 0.0
    if not 0 < size < 1e6:
        raise SettingsError(f'memory: wanted "auto" or gigabytes such as "8GB", got {memory!r}')
    return int(size * GB)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch, on any device, or Python says that memory is at its end."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return "not enough memory" in text or "out of memory" in text


def size_of(network: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in network.parameters())


def on(network: nn.Module, device: torch.device) -> bool:
    return next(network.parameters()).device.type == device.type


def release(device: torch.device) -> None:
    """Give back what the allocator of a device keeps for later."""
    if device.type == "cpu":
        return
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
