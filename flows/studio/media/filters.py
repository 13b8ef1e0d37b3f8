"""Sound filters: phone, robot, crowd, shelving, reverberation; arrays of samples at 48 kHz."""

from __future__ import annotations

import numpy as np

from flows.studio.media.audio import Samples, db_to_gain, samples_in
from flows.studio.rates import SAMPLE_RATE

CROWD = (0.90, 0.94, 0.97, 1.035, 1.07, 1.12)  # how much smaller each of the others is


def shelved(samples: Samples, bright_db: float) -> Samples:
    """Everything above 1.5 kHz louder or softer by that much."""
    from scipy.signal import butter, sosfilt

    if not bright_db:
        return samples
    high = sosfilt(butter(1, 1500, "highpass", fs=SAMPLE_RATE, output="sos"), samples)
    return (samples + (db_to_gain(bright_db) - 1) * high).astype(np.float32)


def affected(samples: Samples, effect: str, *, rng: np.random.Generator) -> Samples:
    """The sound through an effect: phone, robot, ghost or crowd; `none` leaves it alone."""
    if effect == "phone":
        return _phone(samples)
    if effect == "robot":
        return _robot(samples)
    if effect == "ghost":
        return reverberant(samples, rt60=1.1, wet_db=-8.0, rng=rng)
    if effect == "crowd":
        return _crowd(samples, rng)
    return samples


def _phone(samples: Samples) -> Samples:
    """A small loudspeaker: 350 to 3300 Hz, a little overdriven."""
    from scipy.signal import butter, sosfilt

    narrow = sosfilt(butter(3, [350, 3300], "bandpass", fs=SAMPLE_RATE, output="sos"), samples)
    top = max(float(np.abs(narrow).max(initial=0.0)), 1e-6)
    return (np.tanh(2.0 * narrow / top) * top / 2).astype(np.float32)


def _robot(samples: Samples) -> Samples:
    """A light ring modulation and a short metal tube: metal in the voice, the words still there."""
    time = np.arange(len(samples)) / SAMPLE_RATE
    ringing = 0.72 * samples + 0.4 * samples * np.sin(2 * np.pi * 52 * time)
    late = samples_in(0.0065)
    tube = ringing.copy()
    tube[late:] += 0.3 * ringing[:-late] if len(ringing) > late else 0
    return tube.astype(np.float32)


def _crowd(samples: Samples, rng: np.random.Generator) -> Samples:
    """The same line out of many mouths: one in front, others larger and smaller, never quite with it."""
    together = np.zeros(len(samples) + samples_in(0.25), np.float32)
    together[: len(samples)] = samples
    for rate in CROWD:
        places = np.arange(0, len(samples) - 1, rate)
        other = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        # who speaks faster begins later, so that they meet in the middle
        late = (len(samples) - len(other)) // 2 + samples_in(rng.uniform(-0.02, 0.03))
        at, other = max(late, 0), other[max(-late, 0) :]
        other = other[: len(together) - at]
        together[at : at + len(other)] += other * db_to_gain(rng.uniform(-11, -7))
    return reverberant(together, rt60=0.5, wet_db=-14.0, rng=rng)


def reverberant(samples: Samples, *, rt60: float, wet_db: float, rng: np.random.Generator) -> Samples:
    """In a room: decaying noise as its echo, darker as it dies; (n,) or (n, channels), longer by the echo."""
    from scipy.signal import butter, fftconvolve, sosfilt

    length = samples_in(rt60 * 0.9)
    decay = 10 ** (-3 * np.arange(length) / (rt60 * SAMPLE_RATE))
    channels = samples.shape[1:] or ()
    echo = rng.standard_normal((length, *channels)) * decay.reshape(-1, *(1 for _ in channels))
    echo = sosfilt(butter(1, 3500, fs=SAMPLE_RATE, output="sos"), echo, axis=0)
    echo[: samples_in(0.012)] = 0
    echo /= np.sqrt(np.square(echo).sum(axis=0))
    wet = fftconvolve(samples, echo, axes=0) * db_to_gain(wet_db)
    wet[: len(samples)] += samples
    return wet.astype(np.float32)
