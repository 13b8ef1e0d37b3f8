"""Lines spoken: every character in a voice of its own, level with the others, ready for the mix.

    voices = voice.cast(premise.characters)
    spoken = voice.speak("Is it supposed to blink?", voices["joe"], parenthetical="whispering")

One recorded speaker (hibari-tts, in the package, offline) becomes the whole cast: `vocoder` moves its pitch
and its size, `delivery` does what the parenthetical asks, `reading` turns the words into sounds. Kokoro's
speakers and a server's give sound only; `speech.throat` moves that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.audio import Samples, decode_sound
from flows.studio.media.filters import affected, shelved
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import formants, hibari, kokoro, speech_api
from flows.studio.voice.catalog import VoiceSettings, speaker_pitch
from flows.studio.voice.delivery import apply_delivery, read_parenthetical
from flows.studio.voice.phonemes import Reading, read, sounds_like

LINE_LUFS = -18.0  # every line before the mix; a parenthetical moves it
SENTENCE_GAP = 0.22  # seconds between the sentences of a line
LONGEST_PAUSE = 0.5  # seconds inside a line
RECORDED_FLOOR_DB = -38.0  # under a recording's loudest: its room


@dataclass(frozen=True)
class Spoken:
    """A line's sound: 48 kHz mono, silence trimmed, its edges faded."""

    samples: Samples
    murmured: bool  # made-up syllables: no voice knows the line's script

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def speak(text: str, voice: VoiceSettings, *, parenthetical: str | None = None) -> Spoken:
    """A line in that voice. The same text, voice and parenthetical give the same samples.

    Raises:
        StudioError: Kokoro was not pulled; a server does not answer.
    """
    how = read_parenthetical(parenthetical)
    voice = apply_delivery(voice, how)
    rng = np.random.default_rng(_seed(text, voice))
    line, murmured = _said(text, voice, rng)
    line = audio.shorten_pauses(line, longest=LONGEST_PAUSE)
    line = affected(shelved(line, how.bright_db), voice.effect, rng=rng)
    line = audio.with_fades(audio.trim_silence(line))
    return Spoken(_leveled(line, LINE_LUFS + how.level_db), murmured)


def recorded(path: Path, *, where: str = "file") -> Spoken:
    """A line that a person recorded, in any format that ffmpeg reads, as loud as the others.

    Raises:
        StudioError: there is no such file, or no sound in it.
    """
    if not path.is_file():
        raise StudioError(f"{where}: no such recording: {path}; give its path beside the script", code=2)
    pieces = [piece.mean(axis=1) for piece in decode_sound(path)]
    line = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
    line = audio.trim_silence(line, floor_db=RECORDED_FLOOR_DB)
    if len(line) < SAMPLE_RATE // 20:
        raise StudioError(f"{where}: wanted a spoken line in {path}, got silence; try another file", code=2)
    return Spoken(_leveled(audio.with_fades(line), LINE_LUFS), murmured=False)


def _said(text: str, voice: VoiceSettings, rng: np.random.Generator) -> tuple[Samples, bool]:
    """The line as its speaker gives it, in the character's throat, and whether it is a murmur."""
    if voice.speaker == "server":
        return _told_by_server(text, voice, rng)
    reading = read(text, russian=voice.speaker == "kokoro")

    def by_hibari(sentence: str) -> Samples:
        return hibari.say([sentence], voice.timbre, speed=voice.speed, rng=rng)

    def by_kokoro(sentence: str) -> Samples:
        pitch = voice.timbre.pitch_hz / speaker_pitch(voice)
        said = kokoro.say(sentence, voice.name, speed=voice.speed / pitch)
        return _in_throat(said, voice, pitch, rng)

    say = by_kokoro if voice.speaker == "kokoro" else by_hibari
    return _sentences(reading, say, gap=SENTENCE_GAP / voice.speed), reading.murmured


def _sentences(reading: Reading, say: Callable[[str], Samples], *, gap: float) -> Samples:
    """One after the other, with a breath between them."""
    silence = np.zeros(audio.samples_in(gap), np.float32)
    pieces: list[Samples] = []
    for sentence in reading.sentences:
        said = audio.with_fades(audio.trim_silence(say(sentence)))
        pieces += [silence, said] if pieces else [said]
    return np.concatenate(pieces)


def _told_by_server(text: str, voice: VoiceSettings, rng: np.random.Generator) -> tuple[Samples, bool]:
    """Servers know many scripts; what has no letter in it is hummed."""
    murmured = not any(sign.isalnum() for sign in text)
    pitch = voice.timbre.pitch_hz / speaker_pitch(voice)
    said = speech_api.say(sounds_like(text) if murmured else text, voice.name, speed=voice.speed / pitch)
    return _in_throat(audio.trim_silence(said), voice, pitch, rng), murmured


def _in_throat(said: Samples, voice: VoiceSettings, pitch: float, rng: np.random.Generator) -> Samples:
    moved = formants.retuned(said, pitch=pitch, size=voice.timbre.formants)
    return formants.breathed(moved, voice.timbre.breath, rng=rng)


def _leveled(line: Samples, loudness_lufs: float) -> Samples:
    """At that loudness, its few highest peaks bent so that a 24-bit file holds them."""
    for _ in range(2):  # bending takes a little loudness away; the second turn gives it back
        line = audio.soft_clip(at_loudness(line, loudness_lufs))
    return line


def _seed(text: str, voice: VoiceSettings) -> list[int]:
    said = json.dumps([text, voice.recipe], sort_keys=True)
    return list(hashlib.sha256(said.encode("utf-8", "replace")).digest())
