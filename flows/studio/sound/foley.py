"""Foley: the sound effects that have a name, made here: a door, a knock, a phone, a splash, a bell, a bleep.

Struck things are modes that ring out (van den Doel and Pai 1998, "The sounds of physical shapes"), water is a
burst and bubbles whose pitch rises (van den Doel 2005, "Physically based models for liquid sounds"), and a
room answers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.audio import Samples
from flows.studio.media.filters import add_reverb
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE

FOLEY_LUFS = -20.0  # as handed over; the mix sets the level
_SEED = 1927  # the first year of talking pictures

# The samples of each effect, so that a plan need not make one to know how long it is.
EFFECT_SAMPLES = {
    "door": 41519,
    "knock": 58559,
    "phone": 123359,
    "splash": 84479,
    "bell": 89279,
    "bleep": 21600,
}

_Mode = tuple[float, float, float]  # Hz, seconds until it is a thousandth, share


def make_effect(name: str) -> Samples:
    """The sound effect of that name, (n, 2) at 48 kHz, always the same.

    Raises:
        StudioError: no effect has that name.
    """
    effect_samples(name)
    return _made(name)


def effect_samples(name: str) -> int:
    """The length of an effect in samples; makes nothing.

    Raises:
        StudioError: no effect has that name.
    """
    if name not in EFFECTS:
        raise StudioError(f"sfx: wanted one of {', '.join(EFFECTS)} or a file, got {name!r}", code=2)
    return EFFECT_SAMPLES[name]


def read_own_effect(path: Path) -> Samples:
    """Reads a person's own sound effect, (n, 2) at 48 kHz, at the loudness of those made here."""
    heard = audio.soft_clip(at_loudness(audio.read_effect(path), FOLEY_LUFS))
    return audio.with_fades(heard, rise=0.002)


@functools.cache
def _made(name: str) -> Samples:
    rng = np.random.default_rng([_SEED, *name.encode()])
    heard = at_loudness(EFFECTS[name](rng), FOLEY_LUFS)
    heard = audio.with_fades(audio.soft_clip(heard), rise=0.001, fall=0.05)
    heard.setflags(write=False)
    return heard


# ----------------------------------------------------------------------------------------- the sounds


def _door(rng: np.random.Generator) -> Samples:
    """A door that closes: the latch slides in, then wood and frame."""
    heard = _silence(0.55)
    for at, share in ((0.03, 0.10), (0.055, 0.16), (0.10, 0.05)):
        _add(heard, at, _struck([(2100, 0.03, 1.0), (3300, 0.02, 0.6), (4700, 0.015, 0.3)], rng) * share)
    wood = [(72, 0.30, 0.6), (118, 0.22, 0.9), (171, 0.15, 0.8), (266, 0.09, 0.6), (420, 0.05, 0.4)]
    _add(heard, 0.075, _struck([*wood, (690, 0.03, 0.25)], rng, softness=0.002))
    return _in_room(heard, rng, rt60=0.35, wet_db=-10)


def _knock(rng: np.random.Generator) -> Samples:
    """Three knuckles on wood."""
    heard = _silence(0.95)
    wood = [(185, 0.10, 1.0), (322, 0.08, 0.8), (515, 0.05, 0.5), (760, 0.035, 0.35), (1240, 0.02, 0.2)]
    for at in (0.02, 0.24, 0.45):
        when = at + rng.uniform(0, 0.012)
        _add(heard, when, _struck(wood, rng, softness=0.0015) * rng.uniform(0.8, 1.0))
    return _in_room(heard, rng, rt60=0.3, wet_db=-12)


def _phone(rng: np.random.Generator) -> Samples:
    """Two brass gongs and a clapper, twice."""
    heard = _silence(2.3)
    for begin in (0.02, 1.2):
        for strike in range(18):
            gong = 1.0 if strike % 2 else 1.19
            ring = [(988 * gong, 0.5, 1.0), (2630 * gong, 0.3, 0.5), (4870 * gong, 0.15, 0.25)]
            when = begin + strike / 21 + rng.uniform(0, 0.002)
            _add(heard, when, _struck(ring, rng, softness=0.0004) * rng.uniform(0.9, 1.0))
    return _in_room(heard, rng, rt60=0.3, wet_db=-16)


def _splash(rng: np.random.Generator) -> Samples:
    """Something falls into water: a slap, spray that dies away, bubbles that come up."""
    from scipy.signal import butter, sosfilt

    heard = _silence(1.4)
    _add(heard, 0.02, _struck([(95, 0.15, 1.0), (160, 0.1, 0.6)], rng, softness=0.006) * 0.8)
    length = audio.samples_in(1.1)
    time = np.arange(length) / SAMPLE_RATE
    spray = rng.standard_normal(length) * (1 - np.exp(-time / 0.008)) * np.exp(-time / 0.16)
    spray *= 1 + 0.5 * np.interp(time, np.arange(0, 1.2, 0.02), rng.standard_normal(60))
    band = butter(2, [450, 5200], "bandpass", fs=SAMPLE_RATE, output="sos")
    _add(heard, 0.03, np.asarray(sosfilt(band, spray), np.float32) * 0.9)
    for _ in range(46):
        at = 0.05 + rng.exponential(0.22)
        size = rng.uniform(0.0025, 0.008)  # metres: a radius of 3 mm sings at a kilohertz
        if at < 1.2:
            _add(heard, at, _bubble(3.0 / size, rng) * rng.uniform(0.05, 0.22))
    return _in_room(heard, rng, rt60=0.4, wet_db=-14)


def _bell(rng: np.random.Generator) -> Samples:
    """A desk bell: one stroke."""
    ring = [(1568, 1.4, 1.0), (1574, 1.3, 0.6), (3880, 0.8, 0.35), (6900, 0.4, 0.2), (10400, 0.2, 0.1)]
    heard = _silence(1.5)
    _add(heard, 0.01, _struck(ring, rng, softness=0.0003))
    return _in_room(heard, rng, rt60=0.4, wet_db=-16)


def _bleep(rng: np.random.Generator) -> Samples:
    """The tone over a word that television does not say: a kilohertz."""
    time = np.arange(audio.samples_in(0.45)) / SAMPLE_RATE
    tone = audio.with_fades(np.sin(2 * np.pi * 1000 * time).astype(np.float32), rise=0.004, fall=0.004)
    return np.repeat(tone[:, None], 2, axis=1)


EFFECTS: Mapping[str, Callable[[np.random.Generator], Samples]] = {
    "door": _door,
    "knock": _knock,
    "phone": _phone,
    "splash": _splash,
    "bell": _bell,
    "bleep": _bleep,
}


# ------------------------------------------------------------------------------------ what they are of


def _struck(modes: Sequence[_Mode], rng: np.random.Generator, *, softness: float = 0.001) -> Samples:
    """A body struck once: each mode rings out by itself; a soft hammer excites the high ones less."""
    length = audio.samples_in(max(decay for _, decay, _ in modes) + 0.02)
    time = np.arange(length) / SAMPLE_RATE
    body = np.zeros(length)
    for hertz, decay, share in modes:
        tuned = hertz * rng.uniform(0.995, 1.005)
        strength = share * np.exp(-((tuned * softness) ** 2))
        body += strength * np.sin(2 * np.pi * tuned * time) * np.exp(-6.9 * time / decay)
    click = rng.standard_normal(length) * np.exp(-time / (softness + 2e-4))
    return (body * (1 - np.exp(-time / 2e-4)) + 0.12 * click).astype(np.float32)


def _bubble(hertz: float, rng: np.random.Generator) -> Samples:
    """A bubble that rises: a short tone whose pitch climbs as the water above it thins."""
    time = np.arange(audio.samples_in(0.09)) / SAMPLE_RATE
    dying = 0.13 * hertz + 0.0072 * hertz**1.5
    climb = hertz * (1 + rng.uniform(0.0, 0.12) * dying * time)
    tone = np.sin(2 * np.pi * np.cumsum(climb) / SAMPLE_RATE) * np.exp(-dying * time / 4)
    return (tone * (1 - np.exp(-time / 5e-4))).astype(np.float32)


def _silence(seconds: float) -> Samples:
    return np.zeros(audio.samples_in(seconds), np.float32)


def _add(heard: Samples, at: float, more: Samples) -> None:
    first = audio.samples_in(at)
    more = more[: len(heard) - first]
    heard[first : first + len(more)] += more


def _in_room(heard: Samples, rng: np.random.Generator, *, rt60: float, wet_db: float) -> Samples:
    both = np.repeat(heard[:, None], 2, axis=1)
    return add_reverb(both, rt60=rt60, wet_db=wet_db, rng=rng)
