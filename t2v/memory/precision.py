"""The precisions that a device computes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def best_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the device multiplies it faster than fp32, else fp16 on a GPU and fp32 on a CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _cpu_is_faster_in_bf16():
        return torch.bfloat16
    return torch.float32


def mixed(device: torch.device) -> torch.autocast:
    """Autocast to bf16 where that is the best type, else none: fp16 would need scaled losses."""
    return torch.autocast(device.type, torch.bfloat16, enabled=best_dtype(device) == torch.bfloat16)


def _cpu_is_faster_in_bf16() -> bool:
    """Whether the CPU has AMX, or AMD's AVX512-BF16; unknown counts as no.

    Intel's processors with AMX, which alone have AVX512-FP16, multiply bf16 by AVX-512 at half the speed of
    fp32. Where a virtual machine hides AMX that is all there is: a clip took 4.5 s in bf16, 2.9 s in fp32.
    """
    probe: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    has = probe().get
    return bool(has("amx_bf16") or (has("avx512_bf16") and not has("avx512_fp16")))


def allowed_dtypes(device: str) -> tuple[torch.dtype, ...]:
    """The dtypes to choose from where none is given: the device's best, then one half as large."""
    if device == "cuda" and not torch.cuda.is_available():
        return (torch.float16,)  # a plan for another machine
    best = best_dtype(torch.device(device))
    if best.itemsize == 2:
        return (best,)
    return best, torch.float16 if device == "mps" else torch.bfloat16
