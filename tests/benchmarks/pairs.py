"""Pairs measured alternately in one run: the same machine, weights, threads and moment for both."""

from __future__ import annotations

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

PARITY = Path(__file__).parent.parent / "t2v" / "parity"


def parity(name: str) -> ModuleType:
    """A parity test's module, for its reference networks and their names."""
    spec = importlib.util.spec_from_file_location(name, PARITY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fill(module: nn.Module, seed: int) -> None:
    """Weights of a size that keeps activations near 1, so that no denormal number slows anything down."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(generator=generator).mul_(parameter[0].numel() ** -0.5)
            else:
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.01)


def seconds(runs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each run; the order turns round from one round to the next."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for i in range(rounds):
        for name in list(runs)[:: 1 if i % 2 else -1]:
            begin = time.perf_counter()
            runs[name]()
            took[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in took.items()}


def gemm(dtype: torch.dtype, n: int = 2048) -> float:
    """GFLOP/s of the fastest matrix product of n by n that PyTorch has here."""
    from t2v.networks.kernels import linear

    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    took = seconds({"mm": lambda: a @ b, "linear": lambda: linear(a, b, None)}, 5)
    return 2 * n**3 / min(took.values()) / 1e9


def flops(run: Callable[[], Any]) -> float:
    """Multiplications and additions of a run, counted on operators that PyTorch's counter knows."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def table(title: str, took: Mapping[str, float], work: float, limit: Mapping[str, float]) -> None:
    """Seconds, ratio to the first, and how near the matrix product's own speed each is."""
    say(f"\n{title}")
    first = next(iter(took.values()))
    for name, value in took.items():
        near = work / value / 1e9
        kind = "bf16" if "bf16" in name else "fp32"
        say(
            f"  {name:28s} {value:8.3f} s   {first / value:5.2f} ×   {near:6.1f} GFLOP/s, "
            f"{100 * near / limit[kind]:3.0f} % of {kind} GEMM"
        )


def latents_and_text(context_dim: int, size: int = 16, num_frames: int = 16) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(1, 4, num_frames, size, size, generator=generator),
        torch.tensor([500]),
        torch.randn(1, 77, context_dim, generator=generator),
    )
