"""A line's sound: every character in a voice of its own, level with the others, ready for the mix.

    voices = cast_voices(premise.characters)
    speech = speak("Is it supposed to blink?", voices["joe"], parenthetical="whispering")

`phonemes` reads the text; `hibari` or `kokoro` says the phonemes, `speech_api` the text; `formants` moves
finished speech to the character's timbre, and murmurs where nobody can speak; `delivery` does what the
parenthetical asks for. Sound is float32, (n,), mono at 48 kHz.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.studio.acting.mouths import Phone, keep_ranges, make_phones
from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.audio import Samples
from flows.studio.media.filters import apply_effect, boost_treble
from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import formants, hibari, kokoro, speech_api
from flows.studio.voice.catalog import speaker_pitch
from flows.studio.voice.delivery import apply_delivery, read_parenthetical
from flows.studio.voice.phonemes import Phonemes, humming, read_line
from flows.studio.voice.settings import VoiceSettings

LINE_LUFS = -18.0  # of every line before the mix; a parenthetical may change it
SENTENCE_GAP = 0.22  # seconds between the sentences of a line
LONGEST_PAUSE = 0.5  # seconds inside a line
RECORDED_FLOOR_DB = -38.0  # below the loudest 10 ms of a recording is the noise of its room


@dataclass(frozen=True)
class Speech:
    """A line's samples, without silence around them, faded at the edges; `is_murmur`: made-up syllables.

    `phones` are its phonemes with their places, where the speaker knows them.
    """

    samples: Samples
    is_murmur: bool
    phones: tuple[Phone, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def speak(text: str, voice: VoiceSettings, *, parenthetical: str | None = None) -> Speech:
    """A line in that voice. The same text, voice and parenthetical give the same samples.

    Raises:
        StudioError: Kokoro was not pulled; a server does not answer.
    """
    delivery = read_parenthetical(parenthetical)
    voice = apply_delivery(voice, delivery)
    rng = np.random.default_rng(_seed(text, voice))
    line, phones, is_murmur = _synthesize(text, voice, rng)
    phones = keep_ranges(phones, audio.ranges_without_long_pauses(line, longest=LONGEST_PAUSE))
    line = audio.shorten_pauses(line, longest=LONGEST_PAUSE)
    line = apply_effect(boost_treble(line, delivery.bright_db), voice.effect, rng=rng)
    phones = keep_ranges(phones, [audio.heard_range(line)])
    line = audio.with_fades(audio.trim_silence(line))
    return Speech(_at_level(line, LINE_LUFS + delivery.level_db), is_murmur, phones)


def read_recording(path: Path, *, where: str = "file") -> Speech:
    """A line that a person recorded, in any format that ffmpeg reads, at the level of the others.

    A recording whose two channels are in opposite phase is heard all the same (`audio.fold_to_mono`).

    Raises:
        StudioError: there is no such file, or no sound in it.
    """
    if not path.is_file():
        raise StudioError(f"{where}: no such recording: {path}; give its path beside the script", code=2)
    line = audio.trim_silence(audio.read_mono(path), floor_db=RECORDED_FLOOR_DB)
    if len(line) < SAMPLE_RATE // 20:
        raise StudioError(f"{where}: wanted a spoken line in {path}, got silence; try another file", code=2)
    return Speech(_at_level(audio.with_fades(line), LINE_LUFS), is_murmur=False)


def _synthesize(
    text: str, voice: VoiceSettings, rng: np.random.Generator
) -> tuple[Samples, tuple[Phone, ...], bool]:
    """The line as its speaker says it, in the character's timbre; its phones; whether it is a murmur."""
    if voice.speaker == "server":
        speech, is_murmur = _by_server(text, voice, rng)
        return speech, (), is_murmur
    phonemes = read_line(text, russian=voice.speaker == "kokoro")

    def by_hibari(sentence: str) -> Samples:
        return hibari.say([sentence], voice.timbre, speed=voice.speed, rng=rng)

    def by_formants(sentence: str) -> Samples:
        return formants.murmur(sentence, voice.timbre, speed=voice.speed, rng=rng)

    def by_kokoro(sentence: str) -> Samples:
        pitch = voice.timbre.pitch_hz / speaker_pitch(voice)
        speech = kokoro.say(sentence, voice.name, speed=voice.speed / pitch)
        return _move(speech, voice, pitch, rng)

    def phones_of_hibari(sentence: str) -> tuple[Phone, ...]:
        return make_phones(hibari.phoneme_seconds(sentence, voice.timbre, speed=voice.speed), SAMPLE_RATE)

    gap = SENTENCE_GAP / voice.speed
    if voice.speaker == "kokoro":
        return *_join_sentences(phonemes, by_kokoro, gap=gap), phonemes.is_murmur
    if not hibari.can_speak():
        return *_join_sentences(phonemes, by_formants, gap=gap), phonemes.is_murmur
    return *_join_sentences(phonemes, by_hibari, gap=gap, find_phones=phones_of_hibari), phonemes.is_murmur


def _no_phones(sentence: str) -> tuple[Phone, ...]:
    return ()


def _join_sentences(
    phonemes: Phonemes,
    say: Callable[[str], Samples],
    *,
    gap: float,
    find_phones: Callable[[str], tuple[Phone, ...]] = _no_phones,
) -> tuple[Samples, tuple[Phone, ...]]:
    """The sentences one after the other, `gap` seconds apart, and their phones."""
    silence = np.zeros(audio.samples_in(gap), np.float32)
    pieces: list[Samples] = []
    phones: list[Phone] = []
    for sentence in phonemes.sentences:
        spoken = say(sentence)
        pieces += [silence] if pieces else []
        before = sum(map(len, pieces))
        heard = keep_ranges(find_phones(sentence), [audio.heard_range(spoken)])
        phones += [Phone(phone.sign, before + phone.start, before + phone.end) for phone in heard]
        pieces.append(audio.with_fades(audio.trim_silence(spoken)))
    return np.concatenate(pieces), tuple(phones)


def _by_server(text: str, voice: VoiceSettings, rng: np.random.Generator) -> tuple[Samples, bool]:
    """The line as a server says it, which knows many scripts; a text without a letter is hummed."""
    is_murmur = not any(sign.isalnum() for sign in text)
    pitch = voice.timbre.pitch_hz / speaker_pitch(voice)
    speech = speech_api.say(humming(text) if is_murmur else text, voice.name, speed=voice.speed / pitch)
    return _move(audio.trim_silence(speech), voice, pitch, rng), is_murmur


def _move(speech: Samples, voice: VoiceSettings, pitch: float, rng: np.random.Generator) -> Samples:
    """Finished speech in the voice's timbre; `pitch` is the factor from the speaker's own."""
    moved = formants.move(speech, pitch=pitch, size=voice.timbre.formants)
    return formants.add_breath(moved, voice.timbre.breath, rng=rng)


def _at_level(line: Samples, loudness_lufs: float) -> Samples:
    """The line at that loudness, its few highest peaks bent so that a 24-bit file holds them."""
    for _ in range(2):  # bending takes a little loudness away; the second turn gives it back
        line = audio.soft_clip(at_loudness(line, loudness_lufs))
    return line


def _seed(text: str, voice: VoiceSettings) -> list[int]:
    """The seed of a line's noise, from its text and its voice."""
    spoken = json.dumps([text, voice.recipe], sort_keys=True)
    return list(hashlib.sha256(spoken.encode("utf-8", "replace")).digest())
