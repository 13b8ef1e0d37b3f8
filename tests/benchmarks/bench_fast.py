"""What each means of `speed="fast"` costs and how far it leads from 50 steps of DDIM, on TOON.

    python tests/benchmarks/bench_fast.py [num_frames] [repeats]

Seconds are the median of `repeats` films (5), every means in turn; the distance is that of the final latents
from those of 50 DDIM steps in fp32, as a share of their standard deviation (root mean square).
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import torch
from torch import Tensor

import t2v
from t2v.memory.precision import best_dtype

PROMPT = "medium shot, orange cat jumping, in the kitchen, day"
MEANS: dict[str, dict[str, Any]] = {
    "50 steps, ddim": {"num_steps": 50},
    "20 steps, ddim": {"num_steps": 20},
    "20 steps, dpmpp_2m": {"num_steps": 20, "sampler": "dpmpp_2m"},
    "16 steps, dpmpp_2m": {"num_steps": 16, "sampler": "dpmpp_2m"},
    "16 steps, unipc": {"num_steps": 16, "sampler": "unipc"},
    "12 steps, unipc": {"num_steps": 12, "sampler": "unipc"},
    "50 steps, guidance from 0.2 on": {"num_steps": 50, "guidance_interval": (0.2, 1.0)},
    "50 steps, guidance in every 2nd step": {"num_steps": 50, "guidance_every": 2},
    "50 steps, deep features for 2": {"num_steps": 50, "cache_every": 2},
    "50 steps, deep features for 3": {"num_steps": 50, "cache_every": 3},
    "fast": {"speed": "fast"},
}


def filmed(model: t2v.TextToVideo, num_frames: int, settings: dict[str, Any]) -> tuple[float, Tensor]:
    """Seconds of a film without its decoding, and its final latents."""
    last: list[tuple[float, Tensor]] = []
    begun = time.perf_counter()
    model.generate(
        PROMPT,
        seed=1,
        num_frames=num_frames,
        callback=lambda step, steps, latents: last.append((time.perf_counter() - begun, latents)),
        **({"speed": "exact"} | settings),
    )
    return last[-1]


def main(num_frames: int = 16, repeats: int = 5) -> None:
    out = sys.stdout
    own = best_dtype(torch.device("cpu"))  # bf16 where it is not emulated
    for dtype in dict.fromkeys((torch.float32, own)):
        model = t2v.load("toon", device="cpu", dtype=dtype)
        seconds: dict[str, list[float]] = {name: [] for name in MEANS}
        latents: dict[str, Tensor] = {}
        for _ in range(repeats):
            for name, settings in MEANS.items():
                took, latents[name] = filmed(model, num_frames, settings)
                seconds[name].append(took)
        first = next(iter(MEANS))
        if dtype == torch.float32:
            exact = latents[first]
        out.write(f"\nTOON, {num_frames} frames, {dtype}, {torch.get_num_threads()} threads\n")
        for name in MEANS:
            median = statistics.median(seconds[name])
            away = float((latents[name] - exact).square().mean().sqrt() / exact.std())
            ratio = statistics.median(seconds[first]) / median
            out.write(f"{name:38} {median:7.2f} s  {ratio:5.2f} x  distance {away:6.3f}\n")
            out.flush()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
