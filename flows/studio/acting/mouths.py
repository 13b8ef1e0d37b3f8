"""Mouths: how far a speaker's mouth is open, eight times a second, for a camera that can act.

The phonemes of a line say it where the speaker knows how long each of them is, as hibari does; else how loud
the line is. A text of digits has a mouth for every eighth of a second of a voice: 0 is shut, 1 ajar, 2 open,
3 wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from flows.studio.media.audio import Samples, levels_db, samples_in
from flows.studio.rates import CLIP_HOLD, SAMPLES_PER_FRAME

STEP = CLIP_HOLD * SAMPLES_PER_FRAME  # samples that a mouth lasts: a frame of a clip
SHUT, AJAR, OPEN, WIDE = range(4)
LEVELS_DB = (-30.0, -16.0, -7.0)  # below the loudest 10 ms: shut, ajar, open, wide
SILENT_DB = -36.0  # nobody speaks, whatever the phones say

_VOWELS = {
    **dict.fromkeys("ɑæaɒIW", WIDE),
    **dict.fromkeys("ʌɐɛɔOAYQɜeo", OPEN),
    **dict.fromkeys("əɪiuʊᵻɚ", AJAR),
}
_LIPS_MEET = frozenset("pbm")
_CONSONANTS = frozenset("tdkɡɾʔnŋlɹrjwhfvszʃʒθðʧʤT")
_PART_OF_THE_NEXT = frozenset("ˈˌ")


@dataclass(frozen=True)
class Phone:
    """A phoneme of a line, and from and to which sample it is heard."""

    sign: str
    start: int
    end: int

    @property
    def is_vowel(self) -> bool:
        return self.sign in _VOWELS


def make_phones(timed: Iterable[tuple[str, float]], rate: int) -> tuple[Phone, ...]:
    """The phones of signs and their seconds, one after the other; silences are left out.

    A stress mark is the beginning of what follows it, a space the end of what comes before.
    """
    phones: list[Phone] = []
    at, begun = 0.0, 0.0
    for sign, seconds in timed:
        at += seconds
        if sign in _PART_OF_THE_NEXT:
            continue
        start, end = round(begun * rate), round(at * rate)
        begun = at
        if sign in (" ", "ː") and phones and phones[-1].end == start:
            phones[-1] = Phone(phones[-1].sign, phones[-1].start, end)
        elif sign in _VOWELS or sign in _LIPS_MEET or sign in _CONSONANTS:
            phones.append(Phone(sign, start, end))
    return tuple(phones)


def keep_ranges(phones: Sequence[Phone], ranges: Iterable[tuple[int, int]]) -> tuple[Phone, ...]:
    """The phones of a sound of which only these ranges of samples are kept, joined in order."""
    kept: list[Phone] = []
    before = 0
    for first, last in ranges:
        for phone in phones:
            start, end = max(phone.start, first), min(phone.end, last)
            if start < end:
                kept.append(Phone(phone.sign, before + start - first, before + end - first))
        before += last - first
    return tuple(kept)


def read_mouths(samples: Samples, phones: Sequence[Phone] = ()) -> str:
    """The mouths of a line (n,), by its phones if they are known: a digit for each eighth of a second."""
    count = -(-len(samples) // STEP)
    if not np.any(samples):
        return str(SHUT) * count
    loud = _loudness(samples, count)
    if not phones:
        return "".join(str(int(np.searchsorted(LEVELS_DB, level))) for level in loud)
    mouths = _of_phones(phones, count)
    return "".join(
        str(mouth if level > SILENT_DB else SHUT) for mouth, level in zip(mouths, loud, strict=True)
    )


def _of_phones(phones: Sequence[Phone], count: int) -> list[int]:
    """The longest vowel of each step, lips that meet, or a consonant; silence is shut.

    A vowel is seen at the least in the step that has its middle.
    """
    vowel = np.zeros((count, 4))  # samples of each opening; those of a vowel whose middle it is count more
    meet, sounding = np.zeros(count), np.zeros(count)
    for phone in phones:
        middle = min((phone.start + phone.end) // 2 // STEP, count - 1)
        for step in range(phone.start // STEP, min(-(-phone.end // STEP), count)):
            heard = min(phone.end, (step + 1) * STEP) - max(phone.start, step * STEP)
            sounding[step] += heard
            if phone.is_vowel:
                vowel[step, _VOWELS[phone.sign]] += heard + STEP * (step == middle)
            elif phone.sign in _LIPS_MEET:
                meet[step] += heard
    mouths = []
    for step in range(count):
        longest = int(np.argmax(vowel[step]))
        if vowel[step, longest] >= STEP / 4 and vowel[step].sum() >= meet[step]:
            mouths.append(longest)
        else:
            mouths.append(SHUT if meet[step] >= STEP / 4 or sounding[step] < STEP / 2 else AJAR)
    return mouths


def _loudness(samples: Samples, count: int) -> list[float]:
    """How loud each step is in its louder parts, in decibels below the loudest 10 ms of the line."""
    levels, size = levels_db(samples), samples_in(0.01)
    steps = [levels[i * STEP // size : (i + 1) * STEP // size] for i in range(count)]
    return [float(np.percentile(step, 70)) if len(step) else -np.inf for step in steps]
