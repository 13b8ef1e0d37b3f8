"""Lines spoken: every character in a voice of its own, level with the others, ready for the mix.

    voices = voice.cast(premise.characters)
    spoken = voice.speak("Is it supposed to blink?", voices["joe"], parenthetical="whispering")

One recorded speaker (hibari-tts, in the package, offline) becomes the whole cast: `vocoder` moves its pitch
and its size, `delivery` does what the parenthetical asks, `reading` turns the words into sounds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.studio import sound
from flows.studio.delivery import affected, delivery, directed, shelved
from flows.studio.reading import read
from flows.studio.timeline import SAMPLE_RATE
from flows.studio.vocoder import say
from flows.studio.voice_book import VOICES, NamedVoice, VoiceSettings, cast, named_voice

__all__ = ["LINE_LUFS", "VOICES", "NamedVoice", "Spoken", "VoiceSettings", "cast", "named_voice", "speak"]

LINE_LUFS = -18.0  # every line before the mix; a parenthetical moves it
SENTENCE_GAP = 0.22  # seconds between the sentences of a line
LONGEST_PAUSE = 0.5  # seconds inside a line


@dataclass(frozen=True)
class Spoken:
    """A line's sound: 48 kHz mono, silence trimmed, its edges faded."""

    samples: NDArray[np.float32]
    murmured: bool  # made-up syllables: no voice knows the line's script

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def speak(text: str, voice: VoiceSettings, *, parenthetical: str | None = None) -> Spoken:
    """A line in that voice. The same text, voice and parenthetical give the same samples."""
    how = delivery(parenthetical)
    voice = directed(voice, how)
    reading = read(text)
    rng = np.random.default_rng(_seed(text, voice))
    gap = np.zeros(sound.seconds(SENTENCE_GAP / voice.speed), np.float32)
    pieces: list[NDArray[np.float32]] = []
    for sentence in reading.sentences:
        said = sound.trimmed(say([sentence], voice.timbre, speed=voice.speed, rng=rng))
        pieces += [gap, sound.with_edges(said)] if pieces else [sound.with_edges(said)]
    line = np.concatenate(pieces)
    line = sound.without_long_pauses(line, longest=LONGEST_PAUSE)
    line = affected(shelved(line, how.bright_db), voice.effect, rng=rng)
    line = sound.with_edges(sound.trimmed(line))
    line = _leveled(line, LINE_LUFS + how.level_db)
    return Spoken(line, reading.murmured)


def _leveled(line: NDArray[np.float32], loudness_lufs: float) -> NDArray[np.float32]:
    """At that loudness, its few highest peaks bent so that a 24-bit file holds them."""
    for _ in range(2):  # bending takes a little loudness away; the second turn gives it back
        line = sound.tamed(sound.at_loudness(line, loudness_lufs))
    return line


def _seed(text: str, voice: VoiceSettings) -> list[int]:
    said = json.dumps([text, dataclasses.asdict(voice)], sort_keys=True)
    return list(hashlib.sha256(said.encode("utf-8", "replace")).digest())
