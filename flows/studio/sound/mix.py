"""Mixes and masters: dialogue, laughs, music and effects of a timeline as one track.

Levels first, dynamics last: every line comes at -18 LUFS, laughs 6 to 10 LU below it, the bed 11 and lower
still while anybody speaks. Then the whole is brought to its loudness under a true-peak ceiling. It is made
ten seconds at a time; only one number a millisecond is in memory for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media import audio as audio_files
from flows.studio.media import ffmpeg
from flows.studio.media.audio import Samples
from flows.studio.media.ffmpeg import AAC_OPTIONS
from flows.studio.media.limiter import HOP, gain_at_samples, limiter_gain
from flows.studio.media.loudness import (
    CONTEXT,
    SILENT_LUFS,
    SLICE,
    LoudnessMeter,
    gated_loudness,
    measure_file,
    to_decibels,
    true_peaks,
)
from flows.studio.rates import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.sound.stems import Stem, make_stems
from flows.studio.timeline.model import Timeline
from scripts_llm.screenplay.premise import Audio

TARGETS_LUFS = {"web": -14.0, "podcast": -16.0, "ebu": -23.0}
HIGHEST_DBTP = -1.0  # of the film, after its encode
CEILING_DBTP = -1.6  # of the master: an encoder usually gives back up to half a decibel
LOUDNESS_TOLERANCE = 0.2
_BLOCK = 10 * SAMPLE_RATE
_SPARE = 1.15  # the gain that the limiter costs is given back, and is never more than that


@dataclass(frozen=True)
class MixReport:
    """The measurements of the film's own sound, after its encode; -70 LUFS and -120 dBTP mean silence."""

    loudness_lufs: float
    true_peak_dbtp: float
    num_samples: int
    gain_db: float  # from the mix of -18 LUFS lines to the master
    limited_db: float  # the most that the limiter took away


def master(
    timeline: Timeline, audio: Audio, out_wav: Path, *, seed: int, encoded: Path | None = None
) -> MixReport:
    """Writes the episode's sound, 48 kHz stereo in 24 bits, exactly `timeline.num_frames` × 2000 samples.

    `encoded` is the path for the same in AAC, ready to be joined to the picture without another encode.

    Raises:
        StudioError: a laugh overlaps a line, a line's file is missing or too long, or music cannot be read.
    """
    _check(timeline)
    num_samples = timeline.num_frames * SAMPLES_PER_FRAME
    target_lufs = TARGETS_LUFS[audio.loudness]
    track = encoded or out_wav.with_name(out_wav.name + ".m4a.part")
    try:
        with _scratch(out_wav, num_samples) as mix:
            survey = _lay(make_stems(timeline, audio, seed=seed), mix, target_lufs=target_lufs)
            done = _mastered(mix, survey, out_wav, track, target_lufs=target_lufs)
    finally:
        if encoded is None:
            track.unlink(missing_ok=True)
    return MixReport(
        loudness_lufs=round(done.loudness_lufs, 2),
        true_peak_dbtp=round(done.true_peak_dbtp, 2),
        num_samples=num_samples,
        gain_db=round(to_decibels(done.gain), 2),
        limited_db=round(-to_decibels(float(done.curve.min(initial=1.0))), 2),
    )


@dataclass(frozen=True)
class _Survey:
    """Measurements of the mix before mastering."""

    energies: NDArray[np.float64]  # every 100 ms
    peaks: Samples  # every millisecond


def _check(timeline: Timeline) -> None:
    """Raises StudioError if the timeline is empty, or a laugh overlaps a line."""
    if timeline.num_frames <= 0:
        raise StudioError("mix: wanted a timeline with at least one frame, got an empty one")
    for laugh in timeline.laughs:
        for line in timeline.lines:
            if laugh.start < line.end and line.start < laugh.end:
                raise StudioError(
                    f"mix: the {laugh.size} laugh at {laugh.start / FPS:.2f} s lies over {line.who}'s line "
                    f"{line.text!r} ({line.start / FPS:.2f} to {line.end / FPS:.2f} s); "
                    "laughs wait until a line is over"
                )


class _Scratch:
    """The mix before it is mastered, on the disk."""

    def __init__(self, file: BinaryIO, num_samples: int) -> None:
        self._file = file
        self.num_samples = num_samples

    def append(self, block: Samples) -> None:
        self._file.write(np.ascontiguousarray(block, np.float32).tobytes())

    def read(self, start: int, stop: int) -> Samples:
        """The samples from `start` to `stop`, (n, 2)."""
        self._file.seek(start * 8)
        return np.frombuffer(self._file.read((stop - start) * 8), np.float32).reshape(-1, 2)


@contextmanager
def _scratch(out_wav: Path, num_samples: int) -> Iterator[_Scratch]:
    """A temporary file for the mix beside the file that it becomes."""
    path = out_wav.with_name(out_wav.name + ".mix.part")
    try:
        with path.open("w+b") as file:
            yield _Scratch(file, num_samples)
    finally:
        path.unlink(missing_ok=True)


def _blocks(num_samples: int) -> Iterator[tuple[int, int]]:
    for start in range(0, num_samples, _BLOCK):
        yield start, min(start + _BLOCK, num_samples)


def _lay(tracks: dict[str, Stem], mix: _Scratch, *, target_lufs: float) -> _Survey:
    """Adds up all stems, and measures the sum."""
    whole = LoudnessMeter()
    for start, stop in _blocks(mix.num_samples):
        block = np.zeros((stop - start, 2), np.float32)
        for stem in tracks.values():
            block += stem(start, stop)
        whole.add(block)
        mix.append(block)
    energies = whole.energies()
    gain = 10 ** ((target_lufs - gated_loudness(energies)) / 20)
    return _Survey(energies, _peaks(mix, least=10 ** (CEILING_DBTP / 20) / gain / _SPARE))


@dataclass(frozen=True)
class _Mastered:
    """A mastered mix: the gain and the limiter's curve, and the loudness and peak after the encode."""

    gain: float
    curve: Samples
    loudness_lufs: float
    true_peak_dbtp: float


def _mastered(mix: _Scratch, survey: _Survey, out_wav: Path, track: Path, *, target_lufs: float) -> _Mastered:
    """Both files at that loudness and under the ceiling; made again should the foresight have been off."""
    ceiling, correction = CEILING_DBTP, 1.0
    for _ in range(4):
        gain = correction * _foreseen_gain(survey, target_lufs=target_lufs, ceiling=ceiling)
        curve = limiter_gain(survey.peaks, gain=gain, ceiling=10 ** (ceiling / 20))
        _write(mix, out_wav, gain=gain, curve=curve)
        done = _Mastered(gain, curve, *_encoded(out_wav, track))
        error = target_lufs - done.loudness_lufs
        is_level = abs(error) <= LOUDNESS_TOLERANCE or done.loudness_lufs <= SILENT_LUFS
        if is_level and done.true_peak_dbtp <= HIGHEST_DBTP:
            break
        correction *= 1.0 if is_level else 10 ** (error / 20)
        ceiling -= max(0.0, done.true_peak_dbtp - HIGHEST_DBTP + 0.2)
    return done


def _foreseen_gain(survey: _Survey, *, target_lufs: float, ceiling: float) -> float:
    """The gain that reaches the target with the limiter at work, from the survey alone."""
    now = gated_loudness(survey.energies)
    if now <= SILENT_LUFS:
        return 1.0
    gain = 10 ** ((target_lufs - now) / 20)
    per_slice = SLICE // HOP
    for _ in range(5):
        curve = limiter_gain(survey.peaks, gain=gain, ceiling=10 ** (ceiling / 20))
        kept = np.square(curve[: len(survey.energies) * per_slice]).reshape(-1, per_slice).mean(axis=1)
        error = target_lufs - gated_loudness(survey.energies * kept * gain**2)
        gain *= 10 ** (error / 20)
        if abs(error) < LOUDNESS_TOLERANCE / 10:
            break
    return gain


def _encoded(wav: Path, track: Path) -> tuple[float, float]:
    """Encodes the sound as in the film and measures it: an encoder may raise a plucked string's peak."""
    encode = ["-nostdin", "-y", "-i", f"file:{wav}", *AAC_OPTIONS, "-f", "mp4", f"file:{track}"]
    ffmpeg.run(encode, doing=f"{wav.name}: the encode of the sound")
    return measure_file(track)


def _peaks(mix: _Scratch, *, least: float) -> Samples:
    """Peaks of every millisecond of the whole mix, true ones where they may pass `least`."""
    peaks = []
    for start, stop in _blocks(mix.num_samples):
        first, last = max(0, start - CONTEXT), min(mix.num_samples, stop + CONTEXT)
        missing = (CONTEXT - (start - first), CONTEXT - (last - stop))
        samples = np.pad(mix.read(first, last), (missing, (0, 0)))
        peaks.append(true_peaks(samples, hop=HOP, context=CONTEXT, least=least))
    return np.concatenate(peaks)


def _write(mix: _Scratch, out_wav: Path, *, gain: float, curve: Samples) -> None:
    """The mastered file, moved into place whole."""
    with audio_files.atomic_wav(out_wav, channels=2) as wav:
        for start, stop in _blocks(mix.num_samples):
            wav.write(mix.read(start, stop) * (gain_at_samples(curve, start, stop) * np.float32(gain)))
