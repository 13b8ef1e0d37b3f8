"""Prints the tables of docs/models.md: `python docs/memory.py`.

Peaks are what `t2v.plan` says; work was counted once with PyTorch's counter of floating-point operations.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import t2v
from t2v.errors import SettingsError
from t2v.memory.plan import STRATEGIES, MemoryPlan

CLIPS = ((16, 256, 256), (30, 320, 576))
CARDS = (24, 16, 12, 8, 6, 4)
STAY = {"all": "all stay", "one": "one network", "layers": "one layer"}
SPEED = 60  # TFLOP/s: what published steps of a clip on an RTX 4090 come to
SHOTS = 30  # of an episode


class Family(NamedTuple):
    """One family's clip as its page films it, and the TFLOP of a forward and of decoding."""

    name: str
    frames: int
    height: int
    width: int
    forwards: int
    forward: float
    decoding: float
    films_episodes: bool = True

    @property
    def work(self) -> float:
        return self.forwards * self.forward + self.decoding


FAMILIES = (
    Family("ModelScope 1.7B", 16, 256, 256, 100, 4.89, 10.0),
    Family("… with T2V-Turbo's LoRA, 4 steps", 16, 256, 256, 4, 4.89, 10.0),
    Family("zeroscope v2 576w", 24, 320, 576, 100, 21.4, 42.2),
    Family("zeroscope v2 XL, the second stage", 24, 576, 1024, 66, 78.5, 138.0, films_episodes=False),
    Family("potat1", 16, 576, 1024, 100, 52.3, 92.0),
)


def row(gb: int, plan: MemoryPlan) -> str:
    guidance = "together" if STRATEGIES[plan.level].both_branches else "apart"
    frames = plan.chunks.frames or "all"
    decoding = "tiles" if plan.tiled else "frames"
    return f"| {gb} GB | {STAY[plan.resident]} | {frames} | {guidance} | {decoding} | {plan.peak_gb:.2f} GB |"


def tables() -> str:
    """How a clip is filmed on each card."""
    lines = []
    for frames, height, width in CLIPS:
        lines += [f"{frames} frames of {width}x{height}:", ""]
        lines += ["| card | on it | frames a layer | guidance | decoding | expected peak |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for gb in CARDS:
            lines.append(row(gb, t2v.plan(t2v.MODELSCOPE, frames, height, width, memory_gb=gb)))
        lines.append("")
    return "\n".join(lines)


def families() -> str:
    """The memory, work and time that a clip of each family takes."""
    lines = ["| film model | clip | expected peak | smallest card | work | a clip | 30 shots |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for one in FAMILIES:
        size = one.frames, one.height, one.width
        roomy, (gb, tight) = t2v.plan(t2v.MODELSCOPE, *size, memory_gb=24), smallest(*size)
        clip = f"{one.frames} frames of {one.width}x{one.height}"
        seconds = one.work / SPEED
        took = f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
        cells = [
            one.name,
            clip,
            f"{roomy.peak_gb:.1f} GB",
            f"{gb} GB ({tight.peak_gb:.1f})",
            f"{one.work:,.0f} TFLOP",
            took,
            f"{SHOTS * seconds / 60:.1f} min" if one.films_episodes else "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def smallest(frames: int, height: int, width: int) -> tuple[int, MemoryPlan]:
    """The smallest card that a plan fits, and that plan."""
    for gb in reversed(CARDS):
        try:
            return gb, t2v.plan(t2v.MODELSCOPE, frames, height, width, memory_gb=gb)
        except SettingsError:
            continue
    raise SettingsError(f"no plan for {frames} frames of {width}x{height}")


if __name__ == "__main__":
    sys.stdout.write(f"{tables()}\n{families()}")
