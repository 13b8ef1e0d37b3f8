"""The audience's laughs, awws, oohs and applause: crowds put together from recorded people, by seed.

The people are data, templates/sound/laughs (rendered by docs/laughs.py). A crowd chooses some, plays each at
a pace, a loudness and a place of its own, and adds the room. Claps are synthesised: bursts of noise in a
hollow hand. The same size, length and seed give the same samples.
"""

from __future__ import annotations

import functools
import io
import json
from dataclasses import dataclass
from importlib import resources

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.audio import Samples
from flows.studio.media.filters import add_reverb
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE

SHORTEST, LONGEST = 0.8, 3.0  # seconds
PEOPLE_LUFS = -20.0  # of each person and of each crowd; the mix sets the level
GAP = SAMPLE_RATE // 10  # samples of silence between two people in a file
STORED_GAIN = np.float32(0.5)  # of the samples in a file, so that no peak is clipped


@dataclass(frozen=True)
class _Crowd:
    """A kind of audience."""

    people: int
    lateness: float  # the mean of seconds after which a person joins in
    rise: float  # as shares of the length
    fall: float
    kind: str | None = None  # of the recorded people; None: clapping hands


_CROWDS = {
    "small": _Crowd(people=14, lateness=0.10, rise=0.12, fall=0.60, kind="chuckle"),
    "big": _Crowd(people=36, lateness=0.16, rise=0.14, fall=0.50, kind="laugh"),
    "aww": _Crowd(people=22, lateness=0.12, rise=0.30, fall=0.50, kind="aww"),
    "ooh": _Crowd(people=22, lateness=0.10, rise=0.30, fall=0.45, kind="ooh"),
    "applause": _Crowd(people=60, lateness=0.20, rise=0.20, fall=0.45),
}


def make_laugh(size: str, *, seconds: float, seed: int) -> Samples:
    """A crowd's laugh of 0.8 to 3 seconds, echo included: (n, 2) at 48 kHz and -20 LUFS.

    `size` is small, big, aww, ooh or applause.

    Raises:
        StudioError: there is no laugh of this size.
    """
    if size not in _CROWDS:
        raise StudioError(f"laugh: wanted one of {', '.join(_CROWDS)}, got {size!r}")
    length = audio.samples_in(float(np.clip(seconds, SHORTEST, LONGEST)))
    crowd = _CROWDS[size]
    rng = np.random.default_rng([seed % 2**63, *size.encode()])
    together = np.zeros((length, 2), np.float32)
    for person in range(crowd.people):
        late = audio.samples_in(min(rng.exponential(crowd.lateness), 0.25 * seconds))
        _seat(together, _person(crowd, person, length - late, rng), late, rng)
    together = together * _swell(length, crowd)[:, None]
    heard = add_reverb(together, rt60=0.45, wet_db=-12.0, rng=rng)[:length]
    heard = _behind_the_cameras(heard)
    heard = at_loudness(heard, PEOPLE_LUFS)
    return audio.with_fades(audio.soft_clip(heard, knee=0.5), rise=0.03, fall=0.25 * seconds)


@functools.cache
def recorded_people(kind: str) -> tuple[Samples, ...]:
    """The people of one kind (laugh, chuckle, aww or ooh), each (n,) at 48 kHz and -20 LUFS; read-only."""
    import soundfile

    folder = resources.files("templates") / "sound" / "laughs"
    lengths = json.loads((folder / "people.json").read_text(encoding="utf-8"))[kind]
    samples, _ = soundfile.read(io.BytesIO((folder / f"{kind}.ogg").read_bytes()), dtype="float32")
    samples /= STORED_GAIN
    samples.setflags(write=False)
    starts = np.cumsum([0, *(length + GAP for length in lengths)])
    return tuple(samples[start : start + length] for start, length in zip(starts, lengths, strict=False))


def _person(crowd: _Crowd, number: int, length: int, rng: np.random.Generator) -> Samples:
    """One of the crowd for at most `length` samples; nobody is heard twice in the same way."""
    if crowd.kind is None:
        return _clapping(length, rng)
    people = recorded_people(crowd.kind)
    index = int(rng.integers(len(people))) if number >= len(people) else (number * 7 + 3) % len(people)
    return _at_pace(people[index], rng.uniform(0.94, 1.06))[:length] * np.float32(rng.lognormal(-0.7, 0.55))


def _seat(together: Samples, person: Samples, late: int, rng: np.random.Generator) -> None:
    """Adds a person to the crowd, `late` samples in: at a random angle, softer and duller with distance."""
    place, distance = rng.uniform(-0.85, 0.85), rng.uniform(0.0, 1.0)
    person = audio.with_fades(person, rise=0.02, fall=0.12)
    dull = max(1, round(distance * 4))
    if dull > 1:
        person = np.convolve(person, np.full(dull, 1 / dull, np.float32), mode="same")
    angle = np.pi / 4 * (1 + place)
    stereo = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(1 - 0.5 * distance)
    together[late : late + len(person)] += person[:, None] * stereo


def _swell(length: int, crowd: _Crowd) -> Samples:
    """The crowd's loudness over the time, (length,): a soft beginning, a full middle, a slow end."""
    swell = np.ones(length, np.float32)
    rise, fall = round(crowd.rise * length), round(crowd.fall * length)
    swell[:rise] = audio.ramp(rise)
    swell[length - fall :] *= audio.ramp(fall)[::-1] ** np.float32(1.3)
    return swell


def _behind_the_cameras(samples: Samples) -> Samples:
    """As microphones far away hear it: no rumble, little sizzle."""
    from scipy.signal import butter, sosfilt

    low_cut = butter(2, 140, "highpass", fs=SAMPLE_RATE, output="sos")
    high_cut = butter(1, 4500, fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(np.vstack([low_cut, high_cut]), samples, axis=0), np.float32)


def _at_pace(samples: Samples, pace: float) -> Samples:
    """The samples played faster or slower by the factor `pace`."""
    positions = np.arange(0, len(samples) - 1, pace)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def _clapping(length: int, rng: np.random.Generator) -> Samples:
    """A pair of clapping hands: three or four claps a second, all with the resonance of the same hollow."""
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
