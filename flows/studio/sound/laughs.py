"""The audience: laughs, an aww, an ooh and applause, from seeds, never the same twice.

A laugh is many people, and a person is a throat: hibari's network gives the spectra of a voice saying "ha",
and each person of the audience gets those with a pitch, a size, a rhythm and a breath of its own (about five
syllables a second, high and falling, each syllable half air: Bachorowski et al. 2001, "The acoustic features
of human laughter"). Claps are bursts of noise in a hollow hand. Everybody sits somewhere, and the room
answers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.audio import Samples
from flows.studio.media.filters import reverberant
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.hibari import HOP, MODEL_RATE, Spectra, Timbre, predict
from flows.studio.voice.hibari import sound as voiced_sound

SHORTEST, LONGEST = 0.8, 3.0  # seconds
PEOPLE_LUFS = -20.0  # as handed over; the mix sets the level
_LOUDER_AIR = np.float32(1.7)  # nepers: who laughs pushes harder than who reads
_BANK_SEED = 1951  # the first year of a laugh machine


@dataclass(frozen=True)
class _Crowd:
    """How many, how soon they join in, and how the whole swells and dies (shares of the length)."""

    people: int
    lateness: float  # seconds, mean
    rise: float
    fall: float


_CROWDS = {
    "small": _Crowd(people=14, lateness=0.10, rise=0.12, fall=0.60),
    "big": _Crowd(people=36, lateness=0.16, rise=0.14, fall=0.50),
    "aww": _Crowd(people=22, lateness=0.12, rise=0.30, fall=0.50),
    "ooh": _Crowd(people=22, lateness=0.10, rise=0.30, fall=0.45),
    "applause": _Crowd(people=60, lateness=0.20, rise=0.20, fall=0.45),
}


def make_laugh(size: str, *, seconds: float, seed: int) -> Samples:
    """The audience for so long (0.8 to 3 s, echo included), (n, 2) at 48 kHz.

    `size` is small, big, aww, ooh or applause.

    Raises:
        StudioError: there is no such laugh.
    """
    if size not in _CROWDS:
        raise StudioError(f"laugh: wanted one of {', '.join(_CROWDS)}, got {size!r}")
    length = audio.samples_in(float(np.clip(seconds, SHORTEST, LONGEST)))
    crowd = _CROWDS[size]
    rng = np.random.default_rng([seed % 2**63, *size.encode()])
    together = np.zeros((length, 2), np.float32)
    for person in range(crowd.people):
        late = audio.samples_in(min(rng.exponential(crowd.lateness), 0.25 * seconds))
        _seat(together, _person(size, person, length - late, rng), late, rng)
    together = together * _swell(length, crowd)[:, None]
    heard = reverberant(together, rt60=0.45, wet_db=-12.0, rng=rng)[:length]
    heard = _behind_the_cameras(heard)
    heard = at_loudness(heard, PEOPLE_LUFS)
    return audio.with_fades(audio.soft_clip(heard, knee=0.5), rise=0.03, fall=0.25 * seconds)


def _person(size: str, person: int, length: int, rng: np.random.Generator) -> Samples:
    """One of them, for at most so many samples; nobody is used twice in the same way."""
    if size == "applause":
        return _clapping(length, rng)
    bank = _bank({"small": "chuckle", "big": "laugh"}.get(size, size))
    voice = bank[int(rng.integers(len(bank))) if person >= len(bank) else (person * 7 + 3) % len(bank)]
    return _at_pace(voice, rng.uniform(0.94, 1.06))[:length] * np.float32(rng.lognormal(-0.7, 0.55))


def _seat(together: Samples, person: Samples, late: int, rng: np.random.Generator) -> None:
    """Adds a person: somewhere between left and right, the far ones softer and duller."""
    place, distance = rng.uniform(-0.85, 0.85), rng.uniform(0.0, 1.0)
    person = audio.with_fades(person, rise=0.02, fall=0.12)
    dull = max(1, round(distance * 4))
    if dull > 1:
        person = np.convolve(person, np.full(dull, 1 / dull, np.float32), mode="same")
    angle = np.pi / 4 * (1 + place)
    stereo = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(1 - 0.5 * distance)
    together[late : late + len(person)] += person[:, None] * stereo


def _swell(length: int, crowd: _Crowd) -> Samples:
    """A soft beginning, a full middle, and an end that nobody decided on."""
    swell = np.ones(length, np.float32)
    rise, fall = round(crowd.rise * length), round(crowd.fall * length)
    swell[:rise] = audio.ramp(rise)
    swell[length - fall :] *= audio.ramp(fall)[::-1] ** np.float32(1.3)
    return swell


def _behind_the_cameras(samples: Samples) -> Samples:
    """The audience's microphones hang far away: no rumble, little sizzle."""
    from scipy.signal import butter, sosfilt

    low_cut = butter(2, 140, "highpass", fs=SAMPLE_RATE, output="sos")
    high_cut = butter(1, 4500, fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(np.vstack([low_cut, high_cut]), samples, axis=0), np.float32)


def _at_pace(samples: Samples, pace: float) -> Samples:
    """Played faster or slower."""
    places = np.arange(0, len(samples) - 1, pace)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


# ---------------------------------------------------------------------------------------- the people


@functools.cache
def _bank(kind: str) -> tuple[Samples, ...]:
    """The people of the audience, made once a process: about a second of work for each kind."""
    rng = np.random.default_rng([_BANK_SEED, *kind.encode()])
    makers: dict[str, tuple[int, Callable[[np.random.Generator], Samples]]] = {
        "laugh": (28, lambda rng: _laughing(rng, syllables=int(rng.integers(6, 14)))),
        "chuckle": (16, lambda rng: _laughing(rng, syllables=int(rng.integers(3, 7)))),
        "aww": (16, lambda rng: _crooning(rng, "ˈɔ", steps=(1.0, 1.12, 0.92, 0.72))),
        "ooh": (16, lambda rng: _crooning(rng, "ˈu", steps=(0.9, 1.25, 1.15, 0.95))),
    }
    count, make = makers[kind]
    return tuple(at_loudness(make(rng), -20.0) for _ in range(count))


def _throat(rng: np.random.Generator) -> tuple[float, Timbre]:
    """A man or a woman: the laughing pitch in Hz, and the size."""
    if rng.uniform() < 0.5:
        return rng.uniform(150, 300), Timbre(formants=rng.uniform(0.80, 0.92), breath=rng.uniform(0.15, 0.5))
    return rng.uniform(260, 460), Timbre(formants=rng.uniform(0.96, 1.12), breath=rng.uniform(0.15, 0.5))


@functools.cache
def _syllable(vowel: str) -> tuple[Spectra, Spectra]:
    """The air and the tone of "ha": the columns before the vowel, and those in its middle."""
    spectra = predict(f"hˈ{vowel}, hˈ{vowel}, hˈ{vowel}.", speed=0.8)
    begin = int(np.flatnonzero(spectra.f0 > 100)[0])
    air = spectra.columns(np.arange(begin - 5, begin))
    return replace(air, unvoiced=air.unvoiced + _LOUDER_AIR), spectra.columns(
        np.arange(begin + 8, begin + 18)
    )


def _laughing(rng: np.random.Generator, *, syllables: int) -> Samples:
    """A bout: "ha ha ha", slowing, falling, running out of breath."""
    pitch, throat = _throat(rng)
    air, tone = _syllable(str(rng.choice(["ɑ", "ʌ", "ə", "ɑ", "æ"])))
    rate = rng.uniform(4.6, 5.6) / throat.formants  # columns are played faster by `formants`
    pieces, pitches, loudness = [], [], []
    for count in range(syllables):
        columns = MODEL_RATE / HOP / rate * (1 + 0.25 * count / syllables) * rng.uniform(0.94, 1.06)
        breath = round(columns * rng.uniform(0.42, 0.55))
        voice = max(4, round(columns) - breath)
        pieces += [_stretched(air, breath, rng), _stretched(tone, voice, rng)]
        height = pitch * (1.15 - 0.35 * count / syllables) * rng.uniform(0.95, 1.05)
        pitches += [np.zeros(breath), height * np.linspace(1.08, 0.88, voice)]
        strength = (1.0 - 0.65 * count / syllables) * rng.uniform(0.8, 1.0)
        loudness += [
            np.linspace(0.5, 1.0, breath) * strength,
            strength * np.sin(np.linspace(0.5, 2.9, voice)),
        ]
    spectra = _joined(pieces)
    samples = voiced_sound(spectra, throat, rng=rng, f0=np.concatenate(pitches).astype(np.float32))
    envelope = np.concatenate(loudness)
    shape = np.interp(np.linspace(0, len(envelope) - 1, len(samples)), np.arange(len(envelope)), envelope)
    return (samples * shape).astype(np.float32)


def _crooning(rng: np.random.Generator, vowel: str, *, steps: tuple[float, ...]) -> Samples:
    """A long vowel whose pitch goes through the steps."""
    pitch, throat = _throat(rng)
    _, tone = _syllable(vowel.removeprefix("ˈ"))
    columns = round(rng.uniform(1.1, 1.7) * MODEL_RATE / HOP * throat.formants)
    melody = np.interp(np.linspace(0, len(steps) - 1, columns), np.arange(len(steps)), steps)
    f0 = (0.8 * pitch * melody * (1 + 0.012 * rng.standard_normal(columns).cumsum() / 6)).astype(np.float32)
    samples = voiced_sound(_stretched(tone, columns, rng), throat, rng=rng, f0=f0)
    return audio.with_fades(samples, rise=0.25, fall=0.45)


def _stretched(spectra: Spectra, columns: int, rng: np.random.Generator) -> Spectra:
    """Those moments in so many columns, shaken a little so that no two are equal."""
    count = len(spectra.f0)
    index = np.linspace(0, count - 1, max(columns, 1)) + rng.uniform(-0.5, 0.5, max(columns, 1))
    return spectra.columns(np.clip(np.rint(index), 0, count - 1).astype(np.intp))


def _joined(pieces: list[Spectra]) -> Spectra:
    names = Spectra.__dataclass_fields__
    return Spectra(*(np.concatenate([getattr(piece, name) for piece in pieces], axis=-1) for name in names))


def _clapping(length: int, rng: np.random.Generator) -> Samples:
    """A pair of hands: three or four claps a second, each the same hollow of the same hands."""
    from scipy.signal import lfilter

    hands = np.zeros(length, np.float32)
    hollow, period = rng.uniform(700, 2100), 1 / rng.uniform(3.0, 4.6)
    turn, radius = 2 * np.pi * hollow / SAMPLE_RATE, 0.985
    size = audio.samples_in(0.03)
    when = rng.uniform(0, period)
    while (at := audio.samples_in(when)) < length - size:
        burst = rng.standard_normal(size) * np.exp(
            -np.arange(size) / audio.samples_in(rng.uniform(0.0015, 0.004))
        )
        clap = lfilter([1.0, 0, -1.0], [1, -2 * radius * np.cos(turn), radius**2], burst)
        clap[: audio.samples_in(0.0005)] *= audio.ramp(audio.samples_in(0.0005))
        hands[at : at + size] += (clap * rng.uniform(0.5, 1.0)).astype(np.float32)
        when += period * rng.uniform(0.9, 1.1)
    return hands * np.float32(0.02)
