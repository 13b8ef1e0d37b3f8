"""Another throat for speech that is only samples: its pitch, its size, its breath.

Where hibari gives spectra that can be moved before they are sound, Kokoro, a server and a recording give the
sound itself: its spectra, and their envelopes by cepstral smoothing (Oppenheim and Schafer 1968).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE

WINDOW, HOP = 1024, 256
LIFTER = 110  # samples: 2.3 ms, shorter than the period of any voice
AUDIBLE = 0.01  # a smaller change is left alone
MOST_CHANGE = (-3.5, 2.5)  # nepers that a formant's move may take away and add


def retuned(samples: Samples, *, pitch: float = 1.0, size: float = 1.0) -> Samples:
    """The pitch times `pitch` and the formants times `size`; 48 kHz mono, shorter by `pitch`.

    Playing it faster moves both; then the envelope is put where it belongs. Whoever speaks it makes up for
    the pace by speaking slower.
    """
    import soxr

    if abs(pitch - 1) >= AUDIBLE:
        moved = soxr.resample(samples, SAMPLE_RATE * pitch, SAMPLE_RATE, quality="HQ")
        samples = np.asarray(moved, np.float32)
    stretch = pitch / size
    if abs(stretch - 1) < AUDIBLE:
        return samples
    frames = _frames(samples)
    bins = np.arange(frames.shape[1], dtype=np.float32)
    envelope = _envelope(frames)
    wanted = np.stack([np.interp(bins * stretch, bins, row) for row in envelope])
    change = np.exp(np.clip(wanted - envelope, *MOST_CHANGE))
    return _overlapped(frames * change, len(samples))


def breathed(samples: Samples, breath: float, *, rng: np.random.Generator) -> Samples:
    """With that much air beside the tone; 1 is a whisper."""
    if breath <= 0:
        return samples
    tone = np.float32(1.0 - min(breath, 1.0) ** 2)
    return (samples * tone + whispered(samples, rng=rng) * np.float32(min(breath, 1.0))).astype(np.float32)


def whispered(samples: Samples, *, rng: np.random.Generator) -> Samples:
    """The same words without a tone, as loud as before."""
    frames = _frames(samples)
    hertz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    rise = hertz / (hertz + 900)  # open vocal cords let the lows escape
    shape = np.hanning(WINDOW + 1)[:-1]
    noise = np.fft.rfft(rng.standard_normal((len(frames), WINDOW)) * shape, axis=1)
    sound = _overlapped(noise * np.exp(_envelope(frames)) * rise, len(samples))
    power = np.mean(np.square(samples)) / max(float(np.mean(np.square(sound))), 1e-12)
    return sound * np.float32(np.sqrt(power))


def _frames(samples: Samples) -> NDArray[np.complex64]:
    """The spectrum of every 5.3 ms, (frames, bins)."""
    padded = np.pad(samples, (WINDOW, WINDOW + -len(samples) % HOP))
    shape = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.fft.rfft(windows * shape, axis=1).astype(np.complex64)


def _envelope(frames: NDArray[np.complex64]) -> Samples:
    """The log of each spectrum without its harmonics."""
    cepstrum = np.fft.irfft(np.log(np.abs(frames) + 1e-5), axis=1)
    cepstrum[:, LIFTER:-LIFTER] = 0
    return np.fft.rfft(cepstrum, axis=1).real.astype(np.float32)


def _overlapped(frames: NDArray[np.complexfloating], length: int) -> Samples:
    """The sound of the spectra, each laid over its neighbours (Griffin and Lim 1984)."""
    shape = np.hanning(WINDOW + 1)[:-1]
    pieces = np.fft.irfft(frames, axis=1) * shape
    parts = WINDOW // HOP
    sound = np.zeros(((len(pieces) + parts) * HOP,))
    for part in range(parts):  # the hops of all windows at once
        slots = sound[part * HOP : (part + len(pieces)) * HOP].reshape(-1, HOP)
        slots += pieces[:, part * HOP : (part + 1) * HOP]
    return (sound[WINDOW : WINDOW + length] / 1.5).astype(np.float32)  # what four squared windows add up to
