"""Renders the people of the laugh track: templates/sound/laughs, one Ogg Vorbis file for each kind.

    python docs/laughs.py              # writes laugh.ogg, chuckle.ogg, aww.ogg, ooh.ogg and people.json

One person after the other, mono at 48 kHz, with a tenth of a second of silence between; people.json holds
their lengths in samples. hibari's network gives the spectra of a voice that says "ha", and each person gets
those with a pitch, a size, a rhythm and a breath of its own: about five syllables a second, high and falling,
each syllable half air (Bachorowski et al. 2001, "The acoustic features of human laughter"). The seeds are
fixed; hibari-tts is needed here and nowhere in the laugh track.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from flows.studio.media import audio
from flows.studio.media.audio import Samples
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from flows.studio.sound.laughs import GAP, PEOPLE_LUFS, STORED_GAIN
from flows.studio.voice.hibari import HOP, MODEL_RATE, Spectra, predict_spectra, synthesize
from flows.studio.voice.settings import Timbre

FOLDER = Path(__file__).parent.parent / "templates" / "sound" / "laughs"
COMPRESSION = 0.4  # of Vorbis, 0 to 1: about 72 kbit/s
SEED = 1951  # the first year of a laugh machine
LOUDER_AIR = np.float32(1.7)  # nepers: a laughing person pushes harder than a reading one
BLOCK = 4096  # libsndfile's Vorbis encoder crashes on long blocks


def main() -> None:
    """Renders all kinds and says how large they are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lengths = {}
    for kind in KINDS:
        people = render_people(kind)
        lengths[kind] = [len(person) for person in people]
        write_people(FOLDER / f"{kind}.ogg", people)
        size, seconds = (FOLDER / f"{kind}.ogg").stat().st_size, sum(lengths[kind]) / SAMPLE_RATE
        sys.stdout.write(f"{kind}: {len(people)} people, {seconds:.1f} s, {size} bytes\n")
    (FOLDER / "people.json").write_text(json.dumps(lengths) + "\n", encoding="utf-8")


def write_people(path: Path, people: tuple[Samples, ...]) -> None:
    """The people one after the other in a Vorbis file."""
    silence = np.zeros(GAP, np.float32)
    samples = np.concatenate([part for person in people for part in (person * STORED_GAIN, silence)])
    with soundfile.SoundFile(
        path, "w", SAMPLE_RATE, 1, "VORBIS", format="OGG", compression_level=COMPRESSION
    ) as file:
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])


def render_people(kind: str) -> tuple[Samples, ...]:
    """The people of one kind of laugh, each (n,) at 48 kHz and -20 LUFS."""
    rng = np.random.default_rng([SEED, *kind.encode()])
    count, render = KINDS[kind]
    return tuple(at_loudness(render(rng), PEOPLE_LUFS) for _ in range(count))


def draw_throat(rng: np.random.Generator) -> tuple[float, Timbre]:
    """A man's or a woman's laughing pitch in Hz, and their timbre."""
    if rng.uniform() < 0.5:
        return rng.uniform(150, 300), Timbre(formants=rng.uniform(0.80, 0.92), breath=rng.uniform(0.15, 0.5))
    return rng.uniform(260, 460), Timbre(formants=rng.uniform(0.96, 1.12), breath=rng.uniform(0.15, 0.5))


@functools.cache
def syllable_spectra(vowel: str) -> tuple[Spectra, Spectra]:
    """The air and the tone of "ha" with this vowel: 5 columns before the vowel, and 10 in its middle."""
    spectra = predict_spectra(f"hˈ{vowel}, hˈ{vowel}, hˈ{vowel}.", speed=0.8)
    begin = int(np.flatnonzero(spectra.f0 > 100)[0])
    air = spectra.columns(np.arange(begin - 5, begin))
    return replace(air, unvoiced=air.unvoiced + LOUDER_AIR), spectra.columns(np.arange(begin + 8, begin + 18))


def render_laugh(rng: np.random.Generator, *, syllables: int) -> Samples:
    """A bout of laughter: "ha ha ha", which slows down, falls and runs out of breath."""
    pitch, throat = draw_throat(rng)
    air, tone = syllable_spectra(str(rng.choice(["ɑ", "ʌ", "ə", "ɑ", "æ"])))
    rate = rng.uniform(4.6, 5.6) / throat.formants  # columns are played faster by `formants`
    pieces, pitches, loudness = [], [], []
    for count in range(syllables):
        columns = MODEL_RATE / HOP / rate * (1 + 0.25 * count / syllables) * rng.uniform(0.94, 1.06)
        breath = round(columns * rng.uniform(0.42, 0.55))
        voice = max(4, round(columns) - breath)
        pieces += [stretch_columns(air, breath, rng), stretch_columns(tone, voice, rng)]
        height = pitch * (1.15 - 0.35 * count / syllables) * rng.uniform(0.95, 1.05)
        pitches += [np.zeros(breath), height * np.linspace(1.08, 0.88, voice)]
        strength = (1.0 - 0.65 * count / syllables) * rng.uniform(0.8, 1.0)
        loudness += [
            np.linspace(0.5, 1.0, breath) * strength,
            strength * np.sin(np.linspace(0.5, 2.9, voice)),
        ]
    spectra = join_spectra(pieces)
    samples = synthesize(spectra, throat, rng=rng, f0=np.concatenate(pitches).astype(np.float32))
    envelope = np.concatenate(loudness)
    shape = np.interp(np.linspace(0, len(envelope) - 1, len(samples)), np.arange(len(envelope)), envelope)
    return (samples * shape).astype(np.float32)


def render_croon(rng: np.random.Generator, vowel: str, *, steps: tuple[float, ...]) -> Samples:
    """A long vowel whose pitch passes through `steps` (factors of the person's pitch)."""
    pitch, throat = draw_throat(rng)
    _, tone = syllable_spectra(vowel.removeprefix("ˈ"))
    columns = round(rng.uniform(1.1, 1.7) * MODEL_RATE / HOP * throat.formants)
    melody = np.interp(np.linspace(0, len(steps) - 1, columns), np.arange(len(steps)), steps)
    f0 = (0.8 * pitch * melody * (1 + 0.012 * rng.standard_normal(columns).cumsum() / 6)).astype(np.float32)
    samples = synthesize(stretch_columns(tone, columns, rng), throat, rng=rng, f0=f0)
    return audio.with_fades(samples, rise=0.25, fall=0.45)


def stretch_columns(spectra: Spectra, columns: int, rng: np.random.Generator) -> Spectra:
    """The same spectra in `columns` columns, jittered so that no two syllables are equal."""
    count = len(spectra.f0)
    index = np.linspace(0, count - 1, max(columns, 1)) + rng.uniform(-0.5, 0.5, max(columns, 1))
    return spectra.columns(np.clip(np.rint(index), 0, count - 1).astype(np.intp))


def join_spectra(pieces: list[Spectra]) -> Spectra:
    """One spectrum after the other, along the columns."""
    names = Spectra.__dataclass_fields__
    return Spectra(*(np.concatenate([getattr(piece, name) for piece in pieces], axis=-1) for name in names))


KINDS: dict[str, tuple[int, Callable[[np.random.Generator], Samples]]] = {
    "laugh": (28, lambda rng: render_laugh(rng, syllables=int(rng.integers(6, 14)))),
    "chuckle": (16, lambda rng: render_laugh(rng, syllables=int(rng.integers(3, 7)))),
    "aww": (16, lambda rng: render_croon(rng, "ˈɔ", steps=(1.0, 1.12, 0.92, 0.72))),
    "ooh": (16, lambda rng: render_croon(rng, "ˈu", steps=(0.9, 1.25, 1.15, 0.95))),
}


if __name__ == "__main__":
    main()
