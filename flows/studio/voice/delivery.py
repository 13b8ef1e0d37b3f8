"""How a line is said: a parenthetical as changes to the voice, and effects as changes to its sound."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from flows.studio.media.audio import gain, seconds
from flows.studio.timeline.model import SAMPLE_RATE
from flows.studio.voice.catalog import VoiceSettings

Samples = NDArray[np.float32]


CROWD = (0.90, 0.94, 0.97, 1.035, 1.07, 1.12)  # how much smaller each of the others is


@dataclass(frozen=True)
class Delivery:
    """What a parenthetical does to a line."""

    speed: float = 1.0
    semitones: float = 0.0
    intonation: float = 1.0
    breath: float = 0.0
    level_db: float = 0.0
    bright_db: float = 0.0  # above 1.5 kHz: a raised voice is bright, a low one dull
    effect: str | None = None
    pause_seconds: float = 0.0  # of silence before the line

    def then(self, other: Delivery) -> Delivery:
        """Both: `shouting slowly`."""
        return Delivery(
            speed=self.speed * other.speed,
            semitones=self.semitones + other.semitones,
            intonation=self.intonation * other.intonation,
            breath=max(self.breath, other.breath),
            level_db=self.level_db + other.level_db,
            bright_db=self.bright_db + other.bright_db,
            effect=other.effect or self.effect,
            pause_seconds=max(self.pause_seconds, other.pause_seconds),
        )


# The stems of words, and what a voice does about them.
_DIRECTIONS = {
    "whisper, under (?:his|her|their|its) breath, hushed": Delivery(speed=0.95, breath=1.0, level_db=-5),
    "shout, yell, scream, bellow, holler, roar, loud": Delivery(
        speed=1.04, semitones=3.5, intonation=1.25, level_db=2.5, bright_db=5
    ),
    "slow, drawn out, drawl, patient": Delivery(speed=0.78),
    "fast, quick, hurr, rush, rapid, panic, frantic": Delivery(speed=1.22, semitones=0.8),
    "soft, quiet, gentl, tender, low, mutter, mumbl, murmur, aside, to (?:him|her|it|them)sel": Delivery(
        level_db=-3, bright_db=-3, breath=0.15
    ),
    "deadpan, flat, dry, wry, bored, monoton, tired": Delivery(speed=0.95, intonation=0.5),
    "excite, thrill, delight, happ, cheer, proud, sing": Delivery(speed=1.06, semitones=1.5, intonation=1.3),
    "nervous, anxious, scared, afraid, terrif": Delivery(speed=1.1, semitones=1.2, breath=0.15),
    "sad, sigh, weary, hurt, cry, sob": Delivery(
        speed=0.88, semitones=-1, intonation=0.75, breath=0.2, level_db=-1.5
    ),
    "angr, furious, fum, snap, bark": Delivery(
        speed=1.05, semitones=1, intonation=1.2, level_db=1.5, bright_db=3
    ),
    "(?:on|into|over|through) (?:the )?(?:tele)?phone, filtered, on (?:the )?radio": Delivery(effect="phone"),
    "in chorus, in unison, all together": Delivery(effect="crowd"),
    "pause, beat, after a silence": Delivery(pause_seconds=0.7),
}
_DELIVERIES = tuple(
    (re.compile(rf"\b(?:{words.replace(', ', '|')})", re.I), how) for words, how in _DIRECTIONS.items()
)


def delivery(parenthetical: str | None) -> Delivery:
    """All that a parenthetical asks for and a voice can do; other words change nothing."""
    asked = [found for words, found in _DELIVERIES if words.search(parenthetical or "")]
    return reduce(Delivery.then, asked, Delivery())


def directed(voice: VoiceSettings, how: Delivery) -> VoiceSettings:
    """The voice as it says this one line."""
    timbre = replace(
        voice.timbre,
        pitch_hz=voice.timbre.pitch_hz * 2 ** (how.semitones / 12),
        intonation=voice.timbre.intonation * how.intonation,
        breath=max(voice.timbre.breath, how.breath),
    )
    effect = how.effect if how.effect and voice.effect == "none" else voice.effect
    return replace(voice, timbre=timbre, speed=voice.speed * how.speed, effect=effect)


def shelved(samples: Samples, bright_db: float) -> Samples:
    """Everything above 1.5 kHz louder or softer by that much."""
    from scipy.signal import butter, sosfilt

    if not bright_db:
        return samples
    high = sosfilt(butter(1, 1500, "highpass", fs=SAMPLE_RATE, output="sos"), samples)
    return (samples + (gain(bright_db) - 1) * high).astype(np.float32)


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
    late = seconds(0.0065)
    tube = ringing.copy()
    tube[late:] += 0.3 * ringing[:-late] if len(ringing) > late else 0
    return tube.astype(np.float32)


def _crowd(samples: Samples, rng: np.random.Generator) -> Samples:
    """The same line out of many mouths: one in front, others larger and smaller, never quite with it."""
    together = np.zeros(len(samples) + seconds(0.25), np.float32)
    together[: len(samples)] = samples
    for rate in CROWD:
        places = np.arange(0, len(samples) - 1, rate)
        other = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        # who speaks faster begins later, so that they meet in the middle
        late = (len(samples) - len(other)) // 2 + seconds(rng.uniform(-0.02, 0.03))
        at, other = max(late, 0), other[max(-late, 0) :]
        other = other[: len(together) - at]
        together[at : at + len(other)] += other * gain(rng.uniform(-11, -7))
    return reverberant(together, rt60=0.5, wet_db=-14.0, rng=rng)


def reverberant(samples: Samples, *, rt60: float, wet_db: float, rng: np.random.Generator) -> Samples:
    """In a room: decaying noise as its echo, darker as it dies; (n,) or (n, channels), longer by the echo."""
    from scipy.signal import butter, fftconvolve, sosfilt

    length = seconds(rt60 * 0.9)
    decay = 10 ** (-3 * np.arange(length) / (rt60 * SAMPLE_RATE))
    channels = samples.shape[1:] or ()
    echo = rng.standard_normal((length, *channels)) * decay.reshape(-1, *(1 for _ in channels))
    echo = sosfilt(butter(1, 3500, fs=SAMPLE_RATE, output="sos"), echo, axis=0)
    echo[: seconds(0.012)] = 0
    echo /= np.sqrt(np.square(echo).sum(axis=0))
    wet = fftconvolve(samples, echo, axes=0) * gain(wet_db)
    wet[: len(samples)] += samples
    return wet.astype(np.float32)
