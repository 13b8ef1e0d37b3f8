"""The tables of docs/memory.md: `python docs/memory.py` prints them, from what `t2v.plan` says."""

from __future__ import annotations

import sys

import t2v
from t2v.memory import LADDER, Plan

CLIPS = ((16, 256, 256), (30, 320, 576))
CARDS = (24, 16, 12, 8, 6, 4)
STAY = {"all": "all stay", "one": "one network", "layers": "one layer"}


def row(gb: int, plan: Plan) -> str:
    guidance = "together" if LADDER[plan.rung].both_branches else "apart"
    frames = plan.chunks.frames or "all"
    decoding = "tiles" if plan.tiled else "frames"
    return f"| {gb} GB | {STAY[plan.resident]} | {frames} | {guidance} | {decoding} | {plan.peak_gb:.2f} GB |"


def tables() -> str:
    lines = []
    for frames, height, width in CLIPS:
        lines += [f"{frames} frames of {width}x{height}:", ""]
        lines += ["| card | on it | frames a layer | guidance | decoding | expected peak |"]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        for gb in CARDS:
            lines.append(row(gb, t2v.plan(t2v.MODELSCOPE, frames, height, width, memory_gb=gb)))
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(tables())
