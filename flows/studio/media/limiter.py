"""A look-ahead limiter and a ducker: gain curves for the mix, computed before a sample is touched.

A curve has one value a millisecond, so that even the one of a 22-minute episode is small; between them the
gain runs straight. The peak of a millisecond holds for its neighbours too, hence no sample in between passes
the ceiling.
"""

from __future__ import annotations

import numpy as np

from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE

HOP = SAMPLE_RATE // 1000
LOOK_AHEAD = 6  # milliseconds
RELEASE = 90  # milliseconds until two thirds of a reduction are given back


def limiter_gain(peaks: Samples, *, gain: float, ceiling: float) -> Samples:
    """The gain at every millisecond that brings `peaks` (one for each) times `gain` under the ceiling."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed = np.minimum(1.0, ceiling / np.maximum(peaks * gain, 1e-9))
    held = minimum_filter1d(needed, 2 * LOOK_AHEAD + 1, mode="nearest")
    if held.min(initial=1.0) >= 1.0:
        return np.ones(len(peaks), np.float32)
    # Each reduction dies away in RELEASE, and the deepest one left holds: a running maximum of logarithms.
    dying = np.arange(len(held)) / RELEASE
    deepest = np.maximum.accumulate(np.log(np.maximum(1.0 - held, 1e-12)) + dying)
    curve = 1.0 - np.exp(deepest - dying)
    return uniform_filter1d(curve, 2 * LOOK_AHEAD - 1, mode="nearest").astype(np.float32)


def gain_at_samples(curve: Samples, start: int, stop: int) -> Samples:
    """A curve's values at the samples from `start` to `stop`, (n, 1), interpolated linearly."""
    first, last = (start - HOP // 2) // HOP, (stop - HOP // 2) // HOP
    values = curve[np.clip(np.arange(first, last + 2), 0, len(curve) - 1)]
    if values.min() == values.max():
        return np.full((stop - start, 1), values[0])
    between = np.arange(HOP, dtype=np.float32) / HOP
    drawn = np.asarray(values[:-1, None] + np.diff(values)[:, None] * between, np.float32)
    skip = start - HOP // 2 - first * HOP
    return drawn.reshape(-1, 1)[skip : skip + stop - start]


def ducking_gain(
    intervals: list[tuple[int, int]],
    *,
    num_samples: int,
    duck_db: float,
    attack: float,
    release: float,
    bridge: float,
) -> Samples:
    """The gain at every millisecond of a bed that makes way for speech in `intervals` (samples).

    It falls by `duck_db` within the `attack` seconds before an interval, rises within the `release` seconds
    after it, and stays down over pauses shorter than `bridge` seconds.
    """
    size = -(-num_samples // HOP) + 1
    depth = np.zeros(size, np.float32)
    before, after = round(attack * 1000), round(release * 1000)
    for start, end in merge_intervals(intervals, bridge=bridge):
        first, last = start // HOP, -(-end // HOP)
        places = np.arange(max(0, first - before), min(size, last + after))
        down = np.clip((places - (first - before)) / before, 0, 1)
        up = np.clip((last + after - places) / after, 0, 1)
        shape = 0.5 - 0.5 * np.cos(np.pi * np.minimum(down, up))
        depth[places] = np.maximum(depth[places], shape)
    return (10 ** (-duck_db * depth / 20)).astype(np.float32)


def merge_intervals(intervals: list[tuple[int, int]], *, bridge: float) -> list[tuple[int, int]]:
    """The intervals (samples) in order; those closer than `bridge` seconds become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1][1] < bridge * SAMPLE_RATE:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
