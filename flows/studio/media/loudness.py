"""Integrated loudness (ITU-R BS.1770-4, EBU R 128) and true peaks, of samples in memory and of files.

Samples are measured here, in pieces, for the mix; files by ffmpeg's `ebur128`.
"""

from __future__ import annotations

import functools
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.studio.media import ffmpeg
from flows.studio.media.audio import PIECE, Samples, db_to_gain
from flows.studio.rates import SAMPLE_RATE

SILENT_LUFS = -70.0  # BS.1770's absolute gate: what lies under it counts as silence
SILENT_DBTP = -120.0
SLICE = SAMPLE_RATE // 10  # the gating blocks of 400 ms begin every 100 ms
OVERSAMPLING = 4
CONTEXT = 32  # samples on either side that the oversampling filter may look at

# BS.1770-4, tables 1 and 2, at 48 kHz: the head's shelf and the low cut.
K_WEIGHTING = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621),
)


class LoudnessMeter:
    """Measures the integrated loudness of a programme that is added piece by piece."""

    def __init__(self) -> None:
        self._state: NDArray[np.float64] | None = None
        self._rest: NDArray[np.float64] | None = None
        self._energies: list[NDArray[np.float64]] = []

    def add(self, samples: Samples) -> None:
        """Adds the next samples, (n, channels) at 48 kHz."""
        power = self._weighted_power(samples)
        if self._rest is not None:
            power = np.concatenate([self._rest, power])
        whole = len(power) // SLICE * SLICE
        self._energies.append(power[:whole].reshape(-1, SLICE).mean(axis=1))
        self._rest = power[whole:]

    def _weighted_power(self, samples: Samples) -> NDArray[np.float64]:
        from scipy.signal import sosfilt

        if not samples.any():  # the filter's own echo of what was before is far below the gate
            self._state = None
            return np.zeros(len(samples))
        if self._state is None:
            self._state = np.zeros((len(K_WEIGHTING), samples.shape[1], 2))
        channels = samples.T
        is_centred = len(channels) == 2 and np.array_equal(*channels)  # a voice: one channel tells for both
        if is_centred:
            channels = channels[:1]
        weighted, state = sosfilt(
            np.array(K_WEIGHTING),
            channels.astype(np.float64),
            axis=1,
            zi=self._state[:, : len(channels)],
        )
        self._state = np.repeat(state, 2, axis=1) if is_centred else state
        power = np.einsum("cn,cn->n", weighted, weighted)
        return 2 * power if is_centred else power

    def energies(self) -> NDArray[np.float64]:
        """Mean K-weighted power, the channels summed, of every 100 ms."""
        return np.concatenate(self._energies) if self._energies else np.zeros(0)

    def loudness_lufs(self) -> float:
        """Integrated loudness; under 0.4 s, where no gating block fits, the loudness of all there is."""
        energies = self.energies()
        if len(energies) < 4 and self._rest is not None:
            total = energies.sum() * SLICE + self._rest.sum()
            return _lufs(total / max(1, len(energies) * SLICE + len(self._rest)))
        return gated_loudness(energies)


def gated_loudness(energies: NDArray[np.float64]) -> float:
    """Integrated loudness in LUFS from the powers of successive 100 ms.

    Blocks under -70 LUFS and those 10 LU below the mean of the others do not count (BS.1770-4).
    """
    if len(energies) < 4:
        return SILENT_LUFS
    blocks = np.convolve(energies, np.full(4, 0.25), mode="valid")
    blocks = blocks[blocks > 10 ** ((SILENT_LUFS + 0.691) / 10)]
    if not len(blocks):
        return SILENT_LUFS
    relative = blocks.mean() / 10
    return _lufs(blocks[blocks > relative].mean())


def _lufs(power: float) -> float:
    return max(SILENT_LUFS, float(-0.691 + 10 * np.log10(max(power, 1e-12))))


def loudness_of(samples: Samples) -> float:
    """Integrated loudness in LUFS of samples in memory, (n,) or (n, channels) at 48 kHz."""
    meter = LoudnessMeter()
    meter.add(samples[:, None] if samples.ndim == 1 else samples)
    return meter.loudness_lufs()


def at_loudness(samples: Samples, loudness_lufs: float) -> Samples:
    """The samples at an integrated loudness in LUFS; silence stays silence."""
    now = loudness_of(samples)
    return samples if now <= SILENT_LUFS else samples * db_to_gain(loudness_lufs - now)


def true_peaks(samples: Samples, *, hop: int, context: int = 0, least: float = 0.0) -> Samples:
    """The greatest |value| in every `hop` samples over all channels, between the samples too.

    After BS.1770-4, annex 2. `samples` (n, channels) begins and ends with `context` samples that are looked
    at and not counted. Hops that cannot reach `least` between their samples are not oversampled: their value
    is that of their samples.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import upfirdn

    count = -(-(len(samples) - 2 * context) // hop)
    padded = np.pad(samples, ((0, count * hop + 2 * context - len(samples)), (0, 0)))
    sizes = functools.reduce(np.maximum, np.abs(padded.T))
    peaks = sizes[context : context + count * hop].reshape(count, hop).max(axis=1).astype(np.float32)
    reach = maximum_filter1d(peaks, 2 * -(-max(context, 1) // hop) + 1, mode="nearest")
    if context:
        reach[[0, -1]] = max(reach[0], reach[-1], sizes[:context].max(), sizes[-context:].max())
    taps, most = _between()
    windows = np.lib.stride_tricks.sliding_window_view(padded, hop + 2 * context, axis=0)[::hop]
    first = context * OVERSAMPLING + len(taps) // 2
    fine = np.flatnonzero((reach > 0) & (reach * most >= least))
    for some in np.array_split(fine, -(-len(fine) * hop // PIECE)) if len(fine) else ():
        drawn = upfirdn(taps, windows[some], up=OVERSAMPLING)[..., first : first + hop * OVERSAMPLING]
        peaks[some] = np.maximum(peaks[some], np.abs(drawn).reshape(len(some), -1).max(axis=1))
    return peaks


@functools.cache
def _between() -> tuple[Samples, float]:
    """The filter that draws the curve between samples, and the most that it can make of a sample.

    12 taps a phase, as in BS.1770-4, annex 2.
    """
    from scipy.signal import firwin

    taps = firwin(12 * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 6.0)) * OVERSAMPLING
    most = max(np.abs(taps[phase::OVERSAMPLING]).sum() for phase in range(OVERSAMPLING))
    return np.asarray(taps, np.float32), float(most)


def to_decibels(amplitude: float) -> float:
    """Decibels of an amplitude, at least SILENT_DBTP."""
    return max(SILENT_DBTP, 20 * float(np.log10(max(amplitude, 1e-12))))


# --------------------------------------------------------------------------------------------- files

# Every 100 ms, as `lavfi.r128.KEY=VALUE`: I and S are LUFS of the whole so far and of the last 3 s; the true
# peaks, one for each channel, are amplitudes.
_READING = re.compile(rb"lavfi\.r128\.(I|S|true_peaks)\w*=(\S+)")


def measure_file(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP of a sound or film file, as a player decodes it.

    By ffmpeg's `ebur128` filter (EBU R 128). Under 0.4 s it has no loudness: SILENT_LUFS.

    Raises:
        StudioError: the file has no sound that ffmpeg can read.
    """
    readings = _readings(path, "ebur128=peak=true:metadata=1:framelog=quiet")
    loudness = max(SILENT_LUFS, readings["I"][-1]) if readings["I"] else SILENT_LUFS
    return loudness, to_decibels(max(readings["true_peaks"], default=0.0))


def loudness_curve(path: Path) -> tuple[float, ...]:
    """Short-term loudness in LUFS of a sound or film file, one value a second (EBU Tech 3341: 3 s windows).

    The first two windows are as long as there is sound. Raises StudioError as `measure_file` does.
    """
    before = 3  # seconds of silence put in front, as ebur128 gives no short-term loudness earlier
    silence = f"adelay={before}s:all=1"
    readings = _readings(path, f"{silence},ebur128=metadata=1:framelog=quiet")["S"][9::10][before:]
    part = (min(1.0, second / before) for second in range(1, len(readings) + 1))
    return tuple(
        round(max(SILENT_LUFS, reading - 10 * math.log10(share)), 1)
        for reading, share in zip(readings, part, strict=True)
    )


def _readings(path: Path, meter: str) -> dict[str, list[float]]:
    """The readings of an ebur128 filter for every 100 ms of a file, by key."""
    filters = f"aresample={SAMPLE_RATE},{meter},ametadata=mode=print:file=-"
    command = ["-nostdin", "-i", f"file:{path}", "-map", "0:a:0", "-af", filters, "-f", "null", "-"]
    log = ffmpeg.run(command, doing=f"{path}: wanted a file with sound")
    readings: dict[str, list[float]] = {"I": [], "S": [], "true_peaks": []}
    for key, value in _READING.findall(log):
        readings[key.decode()].append(float(value))
    return readings
