"""The stems of the mix, dialogue, laughs, music and effects, each a function from a stretch to its samples.

A stem is asked for one stretch after the other and keeps only what it needs again, so an episode of any
length costs the same memory.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media import audio as audio_files
from flows.studio.media.audio import Samples
from flows.studio.media.limiter import ducking_gain, gain_at_samples
from flows.studio.rates import SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.sound import foley, music, user_audio
from flows.studio.sound.laughs import PEOPLE_LUFS, make_laugh
from flows.studio.timeline.model import LaughCue, LineCue, MusicCue, SoundCue, Timeline
from flows.studio.voice.speak import LINE_LUFS
from scripts_llm.screenplay.premise import Audio, LaughTrack, Mood

Stem = Callable[[int, int], Samples]  # from sample, to sample -> (n, 2)

STEMS = ("dialogue", "laughs", "music", "effects")

# Loudness under the dialogue, in LU.
LAUGH_UNDER = {"low": 9.5, "medium": 8.0, "high": 6.5}
SMALL_LAUGH_UNDER = 0.5  # a chuckle lies a little lower still
BED_UNDER = 11.0  # where nobody speaks; `audio.duck_db` takes more away under a line
EFFECT_UNDER = 6.0
MUSIC_UNDER = {"title": 1.0, "credits": 2.0, "sting": 4.0}

DUCK_ATTACK, DUCK_RELEASE, DUCK_BRIDGE = 0.15, 0.4, 1.0  # seconds
BED_RISE, BED_FALL = 0.4, 0.9
_BLOCK = 10 * SAMPLE_RATE


@dataclass(frozen=True)
class _Placed:
    """A sound with its place; it is made when it is needed."""

    start: int
    end: int
    make: Callable[[], Samples]


def make_stems(timeline: Timeline, audio: Audio, *, seed: int) -> dict[str, Stem]:
    """The stems of a timeline by name. `audio.music` is None, a path that exists, or "none"."""
    return {
        "dialogue": _sequence([_line(cue) for cue in timeline.lines]),
        "laughs": _sequence(_laughs(timeline.laughs, audio)),
        "music": _music(timeline, audio, seed=seed),
        "effects": _sequence([_effect(cue) for cue in timeline.sounds]),
    }


def write_stems(timeline: Timeline, audio: Audio, folder: Path, *, seed: int) -> dict[str, Path]:
    """Writes each stem as a WAV file of the film's length, before mastering, for an editor."""
    num_samples = timeline.num_frames * SAMPLES_PER_FRAME
    paths = {}
    for name, stem in make_stems(timeline, audio, seed=seed).items():
        paths[name] = folder / f"{name}.wav"
        with audio_files.atomic_wav(paths[name], channels=2) as wav:
            for start in range(0, num_samples, _BLOCK):
                wav.write(stem(start, min(start + _BLOCK, num_samples)))
    return paths


def _sequence(placed: list[_Placed]) -> Stem:
    """The sounds at their places."""
    ordered = sorted(placed, key=lambda one: one.start)
    made = functools.lru_cache(maxsize=4)(
        lambda index: ordered[index].make()
    )  # one may cross into the next stretch

    def stretch(start: int, stop: int) -> Samples:
        heard = np.zeros((stop - start, 2), np.float32)
        for index, one in enumerate(ordered):
            if one.start < stop and one.end > start:
                samples = made(index)[max(0, start - one.start) : stop - one.start]
                at = max(0, one.start - start)
                heard[at : at + len(samples)] += samples
        return heard

    return stretch


def _line(cue: LineCue) -> _Placed:
    start, end = cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME

    def make() -> Samples:
        samples = audio_files.read_voice(cue.wav)
        if len(samples) > end - start + SAMPLES_PER_FRAME:
            raise StudioError(
                f"{cue.wav}: {len(samples) / SAMPLE_RATE:.2f} s of speech where the timeline has "
                f"{(end - start) / SAMPLE_RATE:.2f} s for {cue.who}'s {cue.text!r}; "
                "assemble the timeline again"
            )
        both = np.float32(np.sqrt(0.5))  # on two loudspeakers as loud as on one
        return np.repeat(audio_files.with_fades(samples)[:, None] * both, 2, axis=1)

    return _Placed(start, end + SAMPLES_PER_FRAME, make)


def _laughs(cues: Sequence[LaughCue], audio: Audio) -> list[_Placed]:
    """The audience at each cue; who says the same line twice is not laughed at twice in the same way."""
    if audio.laugh_track == "off":
        return []
    placed, before = [], Counter[tuple[str, int]]()
    for cue in cues:
        times = before[cue.size, cue.seed]
        placed.append(_laugh(replace(cue, seed=cue.seed + times), audio))
        before[cue.size, cue.seed] += 1
    return placed


def _laugh(cue: LaughCue, audio: Audio) -> _Placed:
    start, end = cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME
    level = audio.laugh_track.level if isinstance(audio.laugh_track, LaughTrack) else "medium"
    under = LAUGH_UNDER[level] + (SMALL_LAUGH_UNDER if cue.size == "small" else 0)

    pack = audio.laugh_track.pack if isinstance(audio.laugh_track, LaughTrack) else None

    def make() -> Samples:
        samples = None
        if pack:
            samples = user_audio.read_laugh(Path(pack), cue.size, num_samples=end - start, seed=cue.seed)
        if samples is None:
            samples = make_laugh(cue.size, seconds=(end - start) / SAMPLE_RATE, seed=cue.seed)[: end - start]
        return audio_files.with_fades(samples, fall=0.1) * audio_files.db_to_gain(
            LINE_LUFS - under - PEOPLE_LUFS
        )

    return _Placed(start, end, make)


def _effect(cue: SoundCue) -> _Placed:
    start = cue.start_sample

    def make() -> Samples:
        samples = foley.read_own_effect(cue.file) if cue.file else foley.make_effect(cue.name)
        return samples * audio_files.db_to_gain(LINE_LUFS - EFFECT_UNDER - foley.FOLEY_LUFS)

    return _Placed(start, start + cue.num_samples, make)


# --------------------------------------------------------------------------------------------- music


def _music(timeline: Timeline, audio: Audio, *, seed: int) -> Stem:
    is_silent = audio.music in user_audio.NO_MUSIC
    own = music.Track(Path(audio.music)) if audio.music and not is_silent else None
    cues = [cue for cue in timeline.music if cue.film is not None or not is_silent]
    beds = [cue for cue in cues if cue.kind == "bed"]
    pieces = [_piece(cue, own, audio.mood, seed=seed, beds=beds) for cue in cues if cue.kind != "bed"]
    return _sum(_sequence(pieces), _beds(beds, timeline, own, audio))


def _sum(one: Stem, other: Stem) -> Stem:
    return lambda start, stop: one(start, stop) + other(start, stop)


def _piece(
    cue: MusicCue, own: music.Track | None, mood: Mood | None, *, seed: int, beds: list[MusicCue]
) -> _Placed:
    """The theme of title and credits, or the sound of a title's own film; or a sting in the bed's key."""
    start, end = cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME
    level = audio_files.db_to_gain(LINE_LUFS - MUSIC_UNDER[cue.kind] - music.MUSIC_LUFS)

    def make() -> Samples:
        if cue.film is not None:
            return music.film_soundtrack(cue.film, num_samples=end - start) * level
        if cue.kind == "sting":
            near = sorted(beds, key=lambda bed: abs(bed.start - cue.start))[:1]
            tonic = music.choose_track("bed", seed=near[0].seed, mood=mood).tonic if near and not own else 0
            return music.sting(num_samples=end - start, seed=cue.seed, tonic=tonic) * level
        piece = own or music.choose_track("theme", seed=seed, mood=mood)
        return music.theme(piece, num_samples=end - start) * level

    return _Placed(start, end, make)


def _beds(beds: list[MusicCue], timeline: Timeline, own: music.Track | None, audio: Audio) -> Stem:
    """The beds, making way for lines and laughs."""
    heard = [(cue.start, cue.end) for cue in timeline.lines]
    heard += [(cue.start, cue.end) for cue in timeline.laughs]
    heard += [(cue.start, cue.end) for cue in timeline.music if cue.kind == "sting"]
    curve = ducking_gain(
        [(start * SAMPLES_PER_FRAME, end * SAMPLES_PER_FRAME) for start, end in heard],
        num_samples=timeline.num_frames * SAMPLES_PER_FRAME,
        duck_db=audio.duck_db,
        attack=DUCK_ATTACK,
        release=DUCK_RELEASE,
        bridge=DUCK_BRIDGE,
    )
    level = audio_files.db_to_gain(LINE_LUFS - BED_UNDER - music.MUSIC_LUFS)

    def stretch(start: int, stop: int) -> Samples:
        block = np.zeros((stop - start, 2), np.float32)
        for cue in beds:
            first, last = cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME
            begin, end = max(first, start), min(last, stop)
            if begin < end:
                piece = own or music.choose_track("bed", seed=cue.seed, mood=audio.mood)
                samples = music.bed(piece, start=begin - first, num_samples=end - begin)
                block[begin - start : end - start] += _faded(samples, begin, first, last)
        return block * (gain_at_samples(curve, start, stop) * level)

    return stretch


def _faded(samples: Samples, begin: int, first: int, last: int) -> Samples:
    """A stretch from `begin` on of a bed from `first` to `last`, with the bed's own rise and fall."""
    rise = round(min(BED_RISE * SAMPLE_RATE, (last - first) / 3))
    fall = round(min(BED_FALL * SAMPLE_RATE, (last - first) / 3))
    end = begin + len(samples)
    if begin < first + rise:
        places = np.arange(begin - first, min(first + rise, end) - first)
        samples[: len(places)] *= _raised(places / rise)
    if end > last - fall:
        places = last - np.arange(max(last - fall, begin), end)
        samples[len(samples) - len(places) :] *= _raised(places / fall)
    return samples


def _raised(share: NDArray[np.float64]) -> Samples:
    """A raised cosine's value at each share of its way, (n, 1)."""
    return (0.5 - 0.5 * np.cos(np.pi * share)).astype(np.float32)[:, None]
