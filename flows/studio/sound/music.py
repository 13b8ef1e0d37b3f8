"""Music: a theme for title and credits, a bed that loops without a seam, and a sting at an act's end.

The tracks are those of `immich-memories-music` 0.1.0 (MIT; made with ACE-Step, nothing sampled), unchanged in
templates/sound/music, or the user's own file. Stings are plucked strings made here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np

from flows.studio.media import audio
from flows.studio.media.audio import Samples, decode_sound
from flows.studio.media.filters import add_reverb
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from scripts_llm.screenplay.premise import Mood

MUSIC_LUFS = -20.0  # as handed over; the mix sets the level
RING_SECONDS = 0.8  # what a theme's last beat leaves in the room
_BLEND_SECONDS = 1.5  # a loop's end into its beginning, where no tempo is known


@dataclass(frozen=True)
class Track:
    """A piece of music: its file, and tempo and keynote (semitones above C) where they are known."""

    path: Path
    bpm: float | None = None
    tonic: int = 0

    @property
    def beat(self) -> float | None:
        """Samples of a beat."""
        return 60 / self.bpm * SAMPLE_RATE if self.bpm else None


# A mood's tracks: name, beats a minute, keynote.
_TRACKS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "calm": (("acoustic_1", 68, 0), ("acoustic_s411", 68, 0), ("acoustic_s522", 68, 0)),
    "tender": (("acoustic_1", 90, 7), ("acoustic_2", 90, 7), ("acoustic_s411", 90, 7)),
    "happy": (
        ("acoustic_1", 110, 4), ("acoustic_2", 110, 4), ("acoustic_s411", 110, 4),
        ("electronic_1", 123, 9), ("electronic_2", 123, 9), ("electronic_s411", 123, 5),
    ),
    "nostalgic": (
        ("acoustic_1", 78, 5), ("acoustic_s411", 78, 5), ("acoustic_s522", 78, 5),
        ("electronic_2", 84, 10), ("electronic_s411", 84, 7), ("electronic_s522", 84, 7),
    ),
    "energetic": (
        ("acoustic_1", 132, 2), ("acoustic_2", 132, 2), ("acoustic_s522", 132, 2),
        ("electronic_2", 150, 7), ("electronic_s411", 150, 4),
    ),
}  # fmt: skip
# Where nobody says which: cheerful ones for the titles, unhurried ones to lie under talk.
_USUAL = {"theme": ("happy",), "bed": ("calm", "tender")}


def choose_track(kind: Literal["theme", "bed"], *, seed: int, mood: Mood | None = None) -> Track:
    """Chooses a track by the seed, out of the mood's or of the usual ones."""
    tracks = [(each, *piece) for each in ((mood,) if mood else _USUAL[kind]) for piece in _TRACKS[each]]
    chosen, name, bpm, tonic = tracks[int(np.random.default_rng(seed % 2**63).integers(len(tracks)))]
    folder = Path(str(resources.files("templates") / "sound" / "music"))
    return Track(folder / chosen / f"{chosen}_{name}.opus", bpm, tonic)


def theme(piece: Track, *, num_samples: int) -> Samples:
    """The beginning of a track, stopped on a beat and left to ring; (n, 2), it ends in silence."""
    samples = _begun(piece)
    stop = num_samples - audio.samples_in(min(RING_SECONDS, num_samples / SAMPLE_RATE / 3))
    if piece.beat and stop > piece.beat:
        stop = round(stop // piece.beat * piece.beat)
    played = audio.with_fades(samples[: min(stop, len(samples))], rise=0.005, fall=0.06)
    ringing = add_reverb(played, rt60=1.2, wet_db=-10.0, rng=np.random.default_rng(7))
    heard = np.zeros((num_samples, 2), np.float32)
    heard[: len(ringing)] = ringing[:num_samples]
    return audio.with_fades(at_loudness(heard, MUSIC_LUFS), rise=0.005, fall=0.35)


def film_soundtrack(film: Path, *, num_samples: int) -> Samples:
    """The sound of a person's film in step with its picture, (n, 2); silence after its end."""
    heard = np.zeros((num_samples, 2), np.float32)
    done = 0
    for piece in decode_sound(film):
        part = piece[: num_samples - done]
        heard[done : done + len(part)] = part
        done += len(part)
        if done == num_samples:
            break
    return audio.with_fades(audio.soft_clip(at_loudness(heard, MUSIC_LUFS)), fall=0.1)


def bed(piece: Track, *, start: int, num_samples: int) -> Samples:
    """A stretch of the endlessly repeated track, (n, 2), from its `start`-th sample on."""
    loop = _loop(piece)
    stretch = np.empty((num_samples, 2), np.float32)
    done = 0
    while done < num_samples:
        at = (start + done) % len(loop)
        count = min(num_samples - done, len(loop) - at)
        stretch[done : done + count] = loop[at : at + count]
        done += count
    return stretch


@functools.lru_cache(maxsize=4)
def _loop(piece: Track) -> Samples:
    """Whole bars of a track, its beginning blended with its continuation, so that it can follow itself."""
    samples = _begun(piece)
    bar = round(piece.beat * 4) if piece.beat else 0
    blend = round(piece.beat) if piece.beat else min(audio.samples_in(_BLEND_SECONDS), len(samples) // 4)
    length = (len(samples) - blend) // bar * bar if bar else len(samples) - blend
    loop = samples[:length].copy()
    rise = np.sin(np.linspace(0, np.pi / 2, blend, dtype=np.float32))[:, None]
    loop[:blend] = loop[:blend] * rise + samples[length : length + blend] * rise[::-1]
    return at_loudness(loop, MUSIC_LUFS)


@functools.lru_cache(maxsize=4)
def _begun(piece: Track) -> Samples:
    """The track's samples from where it is first heard."""
    samples = audio.read_music(piece.path)
    heard = np.flatnonzero(audio.levels_db(audio.fold_to_mono(samples)) > -35)
    return samples[int(heard[0]) * audio.samples_in(0.01) :] if len(heard) else samples


# -------------------------------------------------------------------------------------------- stings

# Steps above the keynote and when they are plucked, in beats: short figures that end where they should.
_FIGURES = (
    ((-12, 0.0), (7, 0.0), (9, 0.5), (12, 1.0), (16, 1.0)),
    ((-12, 0.0), (12, 0.5), (11, 0.75), (9, 1.0), (7, 1.5), (0, 2.0), (4, 2.0)),
    ((0, 0.0), (4, 0.33), (7, 0.66), (12, 1.0), (-12, 1.0)),
    ((-5, 0.0), (-3, 0.5), (0, 1.0), (4, 1.0), (7, 1.0), (-12, 1.0)),
)


def sting(*, num_samples: int, seed: int, tonic: int = 0) -> Samples:
    """A few plucked strings in that key, which ring out before the end; (n, 2)."""
    rng = np.random.default_rng(seed % 2**63)
    figure = _FIGURES[int(rng.integers(len(_FIGURES)))]
    last = max(when for _, when in figure)
    beat = min(0.34, 0.55 * num_samples / SAMPLE_RATE / max(last, 1.0))
    heard = np.zeros((num_samples, 2), np.float32)
    for steps, when in figure:
        at = audio.samples_in(when * beat + rng.uniform(0, 0.012))
        string = _plucked(261.63 * 2 ** ((tonic - 12 * (tonic > 6) + steps) / 12), num_samples - at, rng)
        right = np.float32(0.5 + 0.02 * np.clip(steps, -12, 12))
        heard[at:] += string[:, None] * np.sqrt(np.array([1 - right, right], np.float32))
    heard = add_reverb(heard, rt60=0.7, wet_db=-13.0, rng=rng)[:num_samples]
    fall = min(0.6, 0.4 * num_samples / SAMPLE_RATE)
    return audio.with_fades(at_loudness(heard, MUSIC_LUFS), rise=0.003, fall=fall)


def _plucked(hertz: float, length: int, rng: np.random.Generator) -> Samples:
    """A string (Karplus and Strong 1983): a burst of noise that goes round and loses its highs."""
    from scipy.signal import lfilter

    period = SAMPLE_RATE / hertz - 1
    whole, part = int(period), period % 1
    loss = 10 ** (-3 / (hertz * 1.4))  # 60 dB in 1.4 s
    burst = np.zeros(length)
    count = min(length, whole + 2)
    soft = np.hanning(9) / np.hanning(9).sum()  # a thumb, not a plectrum
    burst[:count] = np.convolve(rng.uniform(-1, 1, count), soft, mode="same")[:count]
    burst[:count] -= burst[:count].mean()
    taps = np.convolve([0.15, 0.7, 0.15], [1 - part, part]) * loss
    feedback = np.concatenate([[1.0], np.zeros(whole - 1), -taps])
    return np.asarray(lfilter([1.0], feedback, burst), np.float32)
