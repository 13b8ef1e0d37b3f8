"""Data that takes long to make, and is not lost when the making is broken off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from t2v.training.loop import save_atomically

Sample = dict[str, Any]  # tensors and text, as `torch.load` reads them back without code


class TimeIsUp(Exception):
    """The time is over before all is made; `done` pieces are kept, and the same call goes on from there."""

    def __init__(self, done: int) -> None:
        super().__init__(f"the time is up after {done} pieces; the same command goes on")
        self.done = done


def prepare_in_parts(
    file: Path,
    pieces: Callable[[int], Iterable[Sample]],
    join: Callable[[list[Sample]], Mapping[str, Any]],
    *,
    every: int,
    stop_at: float | None = None,
) -> None:
    """Write `join(all pieces)` to `file`, unless it is there.

    `pieces(first)` makes all from that one on. Until the last is made, every so many lie in a file beside
    `file`. Raises TimeIsUp at `stop_at`, in seconds of the monotonic clock.
    """
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = sorted(file.parent.glob(f"{file.stem}.part-*.pt"))
    done: list[Sample] = [piece for part in kept for piece in torch.load(part, weights_only=True)["pieces"]]
    fresh: list[Sample] = []

    def keep() -> None:
        if fresh:
            kept.append(file.with_name(f"{file.stem}.part-{len(kept):05d}.pt"))
            save_atomically({"pieces": fresh}, kept[-1])
            done.extend(fresh)
            fresh.clear()

    for piece in pieces(len(done)):
        fresh.append(piece)
        is_over = stop_at is not None and time.monotonic() > stop_at
        if is_over or len(fresh) == every:
            keep()
        if is_over:
            raise TimeIsUp(len(done))
    save_atomically(join([*done, *fresh]), file)
    for part in kept:
        part.unlink()
