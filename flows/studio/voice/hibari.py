"""Hibari's network as a source and a filter, so that one recorded speaker gives a whole cast.

hibari-tts predicts, for every 12.5 ms, the pitch and the spectrum of the voiced and the unvoiced part
(`hibari/dsp.py`). Between the network and the waveform the pitch can be moved alone; playing the result
faster or slower (resampling, with the network speaking slower or faster to make up for it) moves the
formants, the size of the speaker, and the product of both is another person.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE

if TYPE_CHECKING:
    from hibari import Hibari


MODEL_RATE = 24_000
HOP = 300  # samples of the model's rate in a frame of its spectrum
BIN_HZ = 20.0
SPEAKER_HZ = 200.0  # the recorded speaker's usual pitch
VOICED_HZ = 60.0  # below it the network means "no pitch"
SPEEDS = (0.5, 2.0)  # what the network was trained on

_loading = threading.Lock()


@dataclass(frozen=True)
class Timbre:
    """A throat: how high it speaks, how large it is, and what is wrong with it."""

    pitch_hz: float = SPEAKER_HZ
    formants: float = 1.0  # 1.2: every resonance a fifth higher, a smaller person
    intonation: float = 1.0  # 0 is monotone
    breath: float = 0.0  # 0...1, air beside the tone; 1 is a whisper
    growl: float = 0.0  # 0...1, the octave below sounds along
    tremor: float = 0.0  # 0...1, an old throat


@dataclass(frozen=True)
class Spectra:
    """What the network predicts for each 12.5 ms: (601, frames) arrays, and the pitch in Hz (frames,)."""

    voiced: Samples
    voiced_phase: Samples
    noise: Samples
    unvoiced: Samples
    unvoiced_phase: Samples
    f0: Samples

    def columns(self, index: NDArray[np.intp]) -> Spectra:
        """These moments in this order: longer, shorter, again."""
        return Spectra(*(getattr(self, name)[..., index] for name in self.__dataclass_fields__))


def model() -> Hibari:
    """Hibari with its embedded voice: one session for the process, one thread, no telemetry, no network."""
    with _loading:
        return _load()


@functools.cache
def _load() -> Hibari:
    os.environ.setdefault(
        "ORT_DISABLE_TELEMETRY", "1"
    )  # else the import already writes a device id to ~/.cache
    import onnxruntime
    from hibari import Hibari

    onnxruntime.disable_telemetry_events()
    return Hibari(voice="heart", threads=1)


def predict(phonemes: str, *, speed: float = 1.0) -> Spectra:
    """The network's spectra of a phoneme string (misaki's alphabet), at most about 400 characters long."""
    hibari = model()
    speed = float(np.clip(speed, *SPEEDS))
    feed: dict[str, Any] = {
        "ids": np.asarray([hibari.ids(phonemes)], np.int64),
        "speed": np.asarray([speed], np.float32),
    }
    names = ("lh", "theta", "ln", "lr", "phi", "f0")
    return Spectra(*(part[0] for part in hibari.sess.run(names, feed)))


def say(phonemes: Sequence[str], timbre: Timbre, *, speed: float, rng: np.random.Generator) -> Samples:
    """Phoneme strings, one a sentence, spoken by that throat: 48 kHz mono, as loud as it comes."""
    parts = [
        sound(predict(sentence, speed=speed / timbre.formants), timbre, rng=rng) for sentence in phonemes
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def sound(
    spectra: Spectra, timbre: Timbre, *, rng: np.random.Generator, f0: Samples | None = None
) -> Samples:
    """Spectra as 48 kHz samples; `f0` is the pitch in Hz that each column gets, else their own one moved."""
    import soxr
    from hibari import dsp

    pitch = _moved_pitch(spectra.f0, timbre, rng) if f0 is None else f0
    pitch = (pitch / timbre.formants).astype(np.float32)  # playing it faster raises it again
    source = dsp.pulses(pitch)
    if timbre.growl:
        source += np.float32(timbre.growl) * dsp.pulses(pitch / 2, vthresh=20.0)
    spectrum = dsp.stft(source, len(pitch))
    log_voiced, direction = _envelope(spectra)
    voiced = spectra.f0 > VOICED_HZ
    tone = 1.0 - min(timbre.breath, 1.0) ** 2
    spectrum *= direction * np.exp(np.minimum(log_voiced, 7.0)) * np.float32(tone)
    spectrum += _random_phases(spectrum.shape, rng) * np.exp(np.minimum(spectra.noise, 7.0))
    # Where there is tone, the network's own noise phases carry the old pitch: they are drawn anew.
    phases = np.exp(1j * spectra.unvoiced_phase).astype(np.complex64)
    phases[:, voiced] = _random_phases((len(phases), int(voiced.sum())), rng)
    spectrum += phases * np.exp(np.minimum(spectra.unvoiced, 7.0))
    if timbre.breath:
        spectrum += _random_phases(spectrum.shape, rng) * _air(log_voiced, timbre.breath) * voiced
    samples = dsp.ola(spectrum)
    return np.asarray(
        soxr.resample(samples, MODEL_RATE * timbre.formants, SAMPLE_RATE, quality="HQ"), np.float32
    )


def _moved_pitch(f0: Samples, timbre: Timbre, rng: np.random.Generator) -> Samples:
    """The line's melody in another register, its steps scaled by `intonation`; unvoiced stays 0."""
    voiced = f0 > VOICED_HZ
    steps = np.log(np.where(voiced, f0, SPEAKER_HZ) / SPEAKER_HZ) * timbre.intonation
    moved = timbre.pitch_hz * np.exp(steps)
    if timbre.tremor:
        seconds = np.arange(len(f0)) * HOP / MODEL_RATE / timbre.formants
        wobble = np.sin(2 * np.pi * 5.3 * seconds + rng.uniform(0, 6.28))
        moved *= 1 + timbre.tremor * (0.045 * wobble + 0.02 * rng.standard_normal(len(f0)))
    return np.where(voiced, moved, 0.0).astype(np.float32)


def _envelope(spectra: Spectra) -> tuple[Samples, NDArray[np.complex64]]:
    """Log magnitude and direction of the voiced filter, between the harmonics too.

    The network learnt its filter at the harmonics of the pitch that it predicts; another pitch has its
    harmonics elsewhere, so the filter is read at the old ones and drawn straight from one to the next.
    """
    bins, frames = spectra.voiced.shape
    spacing = np.where(spectra.f0 > VOICED_HZ, spectra.f0, BIN_HZ) / BIN_HZ
    place = np.arange(bins)[:, None] / spacing[None, :]
    below = np.maximum(np.floor(place), 1.0)
    weight = np.clip(place - below, 0.0, 1.0).astype(np.float32)
    last = bins - 1
    low = np.minimum(np.rint(below * spacing), last).astype(np.intp)
    high = np.minimum(np.rint((below + 1) * spacing), last).astype(np.intp)
    column = np.arange(frames)[None, :]
    log = (1 - weight) * spectra.voiced[low, column] + weight * spectra.voiced[high, column]
    turn = np.exp(1j * np.pi * np.tanh(spectra.voiced_phase)).astype(np.complex64)
    direction = (1 - weight) * turn[low, column] + weight * turn[high, column]
    direction /= np.maximum(np.abs(direction), 1e-3)
    return log.astype(np.float32), direction


def _air(log_voiced: Samples, breath: float) -> Samples:
    """Breath shaped by the mouth: the voiced filter with its lows taken away, for air is born above 1 kHz."""
    hertz = np.arange(len(log_voiced))[:, None] * BIN_HZ
    rise = hertz / (hertz + 1200.0)
    level = np.float32(2.2 * breath)
    return (level * rise * np.exp(np.minimum(log_voiced, 7.0))).astype(np.float32)


def _random_phases(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.complex64]:
    pairs = rng.standard_normal((*shape, 2), dtype=np.float32)
    return pairs.view(np.complex64)[..., 0]
