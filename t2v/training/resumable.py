"""Resumable dataset preparation: samples are saved in parts until all of them are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from t2v.training.loop import save_atomically

Sample = dict[str, Any]  # tensors and text, which `torch.load` reads without executing code


class TimeIsUp(Exception):
    """The time is up before all samples are made; `done` are saved, and the same call goes on from there."""

    def __init__(self, done: int) -> None:
        super().__init__(f"the time is up after {done} samples; the same command goes on")
        self.done = done


def prepare_in_parts(
    file: Path,
    samples: Callable[[int], Iterable[Sample]],
    join: Callable[[list[Sample]], Mapping[str, Any]],
    *,
    every: int,
    stop_at: float | None = None,
) -> None:
    """Write `join(all samples)` to `file`, unless it exists.

    `samples(first)` makes all of them from that index on. Until the last is made, `every` so many are saved
    in a part beside `file`. Raises TimeIsUp at `stop_at`, in seconds of `time.monotonic()`.
    """
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = sorted(file.parent.glob(f"{file.stem}.part-*.pt"))
    saved: list[Sample] = [
        sample for part in parts for sample in torch.load(part, weights_only=True)["pieces"]
    ]
    unsaved: list[Sample] = []

    def save_part() -> None:
        if unsaved:
            parts.append(file.with_name(f"{file.stem}.part-{len(parts):05d}.pt"))
            save_atomically({"pieces": unsaved}, parts[-1])
            saved.extend(unsaved)
            unsaved.clear()

    for sample in samples(len(saved)):
        unsaved.append(sample)
        is_over = stop_at is not None and time.monotonic() > stop_at
        if is_over or len(unsaved) == every:
            save_part()
        if is_over:
            raise TimeIsUp(len(saved))
    save_atomically(join([*saved, *unsaved]), file)
    for part in parts:
        part.unlink()
