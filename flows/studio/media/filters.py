"""Sound filters on samples at 48 kHz: phone, robot, ghost, crowd, treble, reverberation."""

from __future__ import annotations

import numpy as np

from flows.studio.media.audio import Samples, db_to_gain, samples_in
from flows.studio.rates import SAMPLE_RATE

CROWD_RATES = (0.90, 0.94, 0.97, 1.035, 1.07, 1.12)  # the playing speed of each further voice of a crowd


def boost_treble(samples: Samples, treble_db: float) -> Samples:
    """Raises everything above 1.5 kHz by `treble_db`, which may be negative; (n,)."""
    from scipy.signal import butter, sosfilt

    if not treble_db:
        return samples
    high = sosfilt(butter(1, 1500, "highpass", fs=SAMPLE_RATE, output="sos"), samples)
    return (samples + (db_to_gain(treble_db) - 1) * high).astype(np.float32)


def apply_effect(samples: Samples, effect: str, *, rng: np.random.Generator) -> Samples:
    """The samples (n,) through an effect: phone, robot, ghost or crowd. Any other name changes nothing.

    A ghost's echo and a crowd's latest voice make the result longer.
    """
    if effect == "phone":
        return _phone(samples)
    if effect == "robot":
        return _robot(samples)
    if effect == "ghost":
        return add_reverb(samples, rt60=1.1, wet_db=-8.0, rng=rng)
    if effect == "crowd":
        return _crowd(samples, rng)
    return samples


def _phone(samples: Samples) -> Samples:
    """A small loudspeaker: 350 to 3300 Hz, a little overdriven."""
    from scipy.signal import butter, sosfilt

    narrow = sosfilt(butter(3, [350, 3300], "bandpass", fs=SAMPLE_RATE, output="sos"), samples)
    peak = max(float(np.abs(narrow).max(initial=0.0)), 1e-6)
    return (np.tanh(2.0 * narrow / peak) * peak / 2).astype(np.float32)


def _robot(samples: Samples) -> Samples:
    """A light ring modulation and a short metal tube; the words can still be understood."""
    time = np.arange(len(samples)) / SAMPLE_RATE
    ringing = 0.72 * samples + 0.4 * samples * np.sin(2 * np.pi * 52 * time)
    delay = samples_in(0.0065)
    tube = ringing.copy()
    tube[delay:] += 0.3 * ringing[:-delay] if len(ringing) > delay else 0
    return tube.astype(np.float32)


def _crowd(samples: Samples, rng: np.random.Generator) -> Samples:
    """The same line from several people: one in front, the others higher, lower and not quite in time."""
    crowd = np.zeros(len(samples) + samples_in(0.25), np.float32)
    crowd[: len(samples)] = samples
    for rate in CROWD_RATES:
        positions = np.arange(0, len(samples) - 1, rate)
        other = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
        # A faster voice begins later, so that all meet in the middle.
        late = (len(samples) - len(other)) // 2 + samples_in(rng.uniform(-0.02, 0.03))
        start, other = max(late, 0), other[max(-late, 0) :]
        other = other[: len(crowd) - start]
        crowd[start : start + len(other)] += other * db_to_gain(rng.uniform(-11, -7))
    return add_reverb(crowd, rt60=0.5, wet_db=-14.0, rng=rng)


def add_reverb(samples: Samples, *, rt60: float, wet_db: float, rng: np.random.Generator) -> Samples:
    """Adds a room's echo, decaying noise that grows darker; (n,) or (n, channels), longer by 0.9 `rt60`.

    `rt60` is the seconds in which the echo falls by 60 dB, `wet_db` its level beside the direct sound.
    """
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
