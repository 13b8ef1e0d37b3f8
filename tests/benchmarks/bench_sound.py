"""Measures the sound: word error rates of the voices and of a mix, levels, and CPU seconds.

    make bench-sound    # or: python tests/benchmarks/bench_sound.py [speed] [laughs] [voices] [moved] [mix]

The recogniser is Whisper base on faster-whisper (`pip install cold-open[bench]`, `coldopen pull whisper`);
without it the word error rates are skipped, and it is said why.
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.studio.media import audio, ffmpeg
from flows.studio.media.filters import apply_effect
from flows.studio.media.loudness import at_loudness, loudness_of, measure_file
from flows.studio.rates import SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.sound import laughs as laugh_track
from flows.studio.sound import mix
from flows.studio.sound.stems import make_stems
from flows.studio.timeline.model import LaughCue, LineCue, MusicCue, Span, Timeline
from flows.studio.voice import espeak, formants, hibari, kokoro
from flows.studio.voice.catalog import KOKORO_VOICES, VOICES
from flows.studio.voice.phonemes import read_line
from flows.studio.voice.settings import EMBEDDED_HZ, Timbre, VoiceSettings
from flows.studio.voice.speak import LINE_LUFS, SENTENCE_GAP, speak
from flows.studio.workspace import downloads
from scripts_llm.screenplay.premise import Audio

Samples = NDArray[np.float32]

# Sixty words with numbers, a question and the usual props.
TEXTS = (
    "I sold the fish to a man who says it winked at him.",
    "Is it supposed to blink?",
    "Nobody told me about the hat until Tuesday morning.",
    "There are three people in this kitchen and only one of them is on fire.",
    "My landlord says the ceiling is not his problem, it is the weather.",
    "Put the lobster down and step away from the piano.",
)
RUSSIAN = "Я продал рыбу человеку, который говорит, что она ему подмигнула. Никто не сказал мне про шляпу."
CAST = ("frank", "rosa", "tom", "vera", "nico", "daisy", "gus", "otto")

ACTORS = ("am_puck", "am_michael", "bm_george", "af_heart", "bf_emma", "af_bella")  # of Kokoro's

WORST_VOICE, WORST_DRY, WORST_MIX = 0.10, 0.08, 0.15
SLOWEST_SPEECH = 10.0  # times real time
MOST_MIX_SECONDS = 8.0  # CPU seconds for five minutes


# ------------------------------------------------------------------------------------- recogniser


Recogniser = Callable[..., str]


def recogniser() -> Recogniser | str:
    """A function from samples (n,) at 48 kHz to text; or, in words, why there is none."""
    folder = downloads.downloaded_folder("whisper")
    if folder is None:
        return "the recogniser is not here: coldopen pull whisper"
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        return "faster-whisper is not here: pip install cold-open[bench]"
    import soxr

    whisper = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def recognise(samples: Samples, *, language: str = "en") -> str:
        heard, _ = whisper.transcribe(
            soxr.resample(samples, SAMPLE_RATE, 16_000).astype(np.float32),
            language=language,
            beam_size=5,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text for segment in heard)

    return recognise


_NUMBERS = {"3": "three", "1": "one", "20": "twenty"}


def words(text: str) -> list[str]:
    return [_NUMBERS.get(word, word) for word in re.findall(r"[\w']+", text.lower())]


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The number of words to insert, delete or replace (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def error_rate(said: str, heard: str, split: Callable[[str], Sequence[str]] = words) -> float:
    return errors(split(said), split(heard)) / len(split(said))


# ------------------------------------------------------------------------------------------ voices


def bench_voices(recognise: Recogniser) -> bool:
    """The word error rate of every voice, dry."""
    text, rates = " ".join(TEXTS), {}
    books = {**VOICES, **{name: KOKORO_VOICES[name] for name in ACTORS if kokoro.folder()}}
    for name, entry in books.items():
        heard = recognise(speak(text, entry.settings).samples)
        rates[name] = error_rate(text, heard)
        wrong = f"   heard: {heard.strip()}" if rates[name] > WORST_VOICE else ""
        write_line(f"  {name:12} {entry.settings.timbre.pitch_hz:5.0f} Hz  WER {rates[name]:6.1%}{wrong}")
    own = [rates[name] for name in VOICES]
    good = sum(rate <= WORST_VOICE for rate in own)
    ok = good >= 8 and float(np.mean(own)) <= WORST_DRY
    summary = f"{good} of {len(own)} voices at most {WORST_VOICE:.0%}, mean {np.mean(own):.1%}"
    write_line(f"  embedded: {summary}  {mark(ok)}")
    if kokoro.folder() and espeak.available():
        bench_russian(recognise)
    return ok


def bench_moved(recognise: Recogniser) -> bool:
    """Word error rates of two ways to a timbre: in hibari's spectra, and by formants.move afterwards.

    The second cannot change intonation, growl and tremor, so its rates are those of an easier task.
    """
    if not hibari.can_speak():
        write_line(f"  skipped: {hibari.missing()}")
        return True
    text = " ".join(TEXTS)
    rates: dict[str, list[float]] = {"spectra": [], "finished speech": []}
    for name, voice in VOICES.items():
        ways = {
            "spectra": speak(text, voice.settings).samples,
            "finished speech": moved(text, voice.settings),
        }
        for way, samples in ways.items():
            rates[way].append(error_rate(text, recognise(samples)))
        row = ", ".join(f"{way} {rates[way][-1]:6.1%}" for way in ways)
        write_line(f"  {name:12} {voice.settings.timbre.pitch_hz:5.0f} Hz  {row}")
    for way, found in rates.items():
        good = sum(rate <= WORST_VOICE for rate in found)
        write_line(f"  {way}: mean {np.mean(found):.1%}, {good} of {len(found)} at most {WORST_VOICE:.0%}")
    return True


def moved(text: str, voice: VoiceSettings) -> Samples:
    """hibari's own voice saying the text, moved to a voice's pitch and size as Kokoro's is."""
    rng = np.random.default_rng(1)
    pitch = voice.timbre.pitch_hz / EMBEDDED_HZ
    silence = np.zeros(audio.samples_in(SENTENCE_GAP), np.float32)
    pieces = []
    for sentence in read_line(text).sentences:
        speech = hibari.say([sentence], Timbre(), speed=voice.speed / pitch, rng=rng)
        speech = formants.move(audio.trim_silence(speech), pitch=pitch, size=voice.timbre.formants)
        pieces += [formants.add_breath(speech, voice.timbre.breath, rng=rng), silence]
    line = apply_effect(np.concatenate(pieces), voice.effect, rng=rng)
    return audio.soft_clip(at_loudness(line, LINE_LUFS))


def bench_russian(recognise: Recogniser) -> None:
    for name in ("pm_alex", "em_alex", "jm_kumo", "ef_dora", "pf_dora", "if_sara", "af_heart"):
        heard = recognise(speak(RUSSIAN, KOKORO_VOICES[name].settings).samples, language="ru")
        rate = error_rate(letters(RUSSIAN), letters(heard), list)
        write_line(f"  {name:12} Russian, character error rate {rate:6.1%}")


def letters(text: str) -> str:
    return "".join(sign for sign in text.lower().replace("ё", "е") if sign.isalpha())


# --------------------------------------------------------------------------------------------- mix


@dataclass(frozen=True)
class Episode:
    """A timeline and the text of its lines."""

    timeline: Timeline
    text: str


def episode(folder: Path, *, minutes: float, voices: Sequence[str] = CAST) -> Episode:
    """Talk, a laugh after every second line, a bed under everything, a title, stings and credits."""
    spoken = {}
    for number, line in enumerate(TEXTS):
        for name in voices:
            wav = folder / f"{name}-{number}.wav"
            samples = speak(line, VOICES[name].settings).samples
            audio.write_wav(wav, samples)
            spoken[name, number] = wav, len(samples)
    lines: list[LineCue] = []
    laughs: list[LaughCue] = []
    music = [MusicCue("title", 0, 64, 1)]
    at, count, scene = 64 + 12, 0, 64
    while at < minutes * 60 * 24 - 100:
        number, name = count % len(TEXTS), voices[count * 3 % len(voices)]
        wav, length = spoken[name, number]
        end = at - (-length // SAMPLES_PER_FRAME)
        lines.append(LineCue("s01", name, TEXTS[number], at, end, wav))
        at = end + 4
        if count % 2:
            size = ("small", "big", "small", "aww", "small", "applause", "small", "ooh")[count // 2 % 8]
            laughs.append(LaughCue(end, end + 40, size, seed=count))
            at = end + 44
        count += 1
        if count % 10 == 0:
            music += [MusicCue("bed", scene, at, count), MusicCue("sting", at, at + 30, count)]
            scene = at = at + 30
    music.append(MusicCue("bed", scene, at, count))
    end = at + 88
    music.append(MusicCue("credits", at, end, 1))
    spans = (Span("title", 0, 64, "title"), Span("s01", 64, at, "scene"), Span("credits", at, end, "credits"))
    ordered = tuple(sorted(music, key=lambda cue: cue.start))
    timeline = Timeline(512, 512, spans, (), tuple(lines), tuple(laughs), ordered, ())
    return Episode(timeline, " ".join(line.text for line in lines))


def bench_mix(recognise: Recogniser | str) -> bool:
    """Levels after the encode, and the word error rate of the mix."""
    with tempfile.TemporaryDirectory() as work:
        made = episode(Path(work), minutes=1.5)
        wav, film = Path(work, "mix.wav"), Path(work, "mix.mp4")
        mix.master(made.timeline, Audio(), wav, seed=1)
        ok = bench_levels(made.timeline, wav, film)
        if isinstance(recognise, str):
            return ok
        samples = np.concatenate([piece.mean(axis=1) for piece in audio.decode_sound(film)])
        rate = error_rate(made.text, recognise(samples))
        understood = rate <= WORST_MIX
        write_line(
            f"  word error rate of the encoded mix, under laughs and music {rate:6.1%}  {mark(understood)}"
        )
        return ok and understood


def encode(wav: Path, out: Path) -> None:
    """Encodes a WAV file as the film's sound is encoded."""
    ffmpeg.run(["-y", "-i", str(wav), *ffmpeg.AAC_OPTIONS, str(out)], doing="the encode")


def bench_levels(timeline: Timeline, wav: Path, film: Path) -> bool:
    encode(wav, film)
    loudness, peak = measure_file(film)
    ok = abs(loudness + 14) <= 0.5 and peak <= -1
    write_line(f"  after the AAC encode: {loudness:.2f} LUFS, {peak:.2f} dBTP  {mark(ok)}")
    parts = make_stems(timeline, Audio(), seed=1)
    nearest = 99.0
    for line in timeline.lines:
        stretch = line.start * SAMPLES_PER_FRAME, line.end * SAMPLES_PER_FRAME
        said, bed = (loudness_of(parts[name](*stretch)) for name in ("dialogue", "music"))
        nearest = min(nearest, said - bed)
    write_line(f"  the bed under a line lies at least {nearest:.1f} LU lower  {mark(nearest >= 8)}")
    return ok and nearest >= 8


# ------------------------------------------------------------------------------------------- speed


def cpu_seconds() -> float:
    """Of this process and its children, so far."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, who))


def bench_speed() -> bool:
    """CPU seconds of a mix of five minutes, and how many seconds of speech come out of one."""
    speak("Warm up.", VOICES["frank"].settings)
    begun, heard = cpu_seconds(), 0.0
    for name in CAST:
        heard += sum(speak(line, VOICES[name].settings).seconds for line in TEXTS)
    speech = heard / (cpu_seconds() - begun)
    write_line(f"  speech: {speech:.1f} times real time on one core  {mark(speech >= SLOWEST_SPEECH)}")
    with tempfile.TemporaryDirectory() as work:
        made = episode(Path(work), minutes=5)
        begun = cpu_seconds()
        report = mix.master(made.timeline, Audio(), Path(work, "mix.wav"), seed=1)
        used = cpu_seconds() - begun
        begun = cpu_seconds()
        encode(Path(work, "mix.wav"), Path(work, "mix.m4a"))
        encoding = cpu_seconds() - begun
    minutes = report.num_samples / SAMPLE_RATE / 60
    ok = used - encoding <= MOST_MIX_SECONDS * minutes / 5
    write_line(
        f"  mix of {minutes:.2f} minutes: {used - encoding:.2f} CPU seconds, "
        f"and {encoding:.2f} for the film's one AAC encode  {mark(ok)}"
    )
    return ok and speech >= SLOWEST_SPEECH


# ------------------------------------------------------------------------------------------ laughs


def bench_laughs() -> bool:
    """The rhythm and the spectrum of laughs, beside what is known of people."""
    ok = True
    for size in ("small", "big"):
        rates, centres = [], []
        for seed in range(8):
            mono = laugh_track.make_laugh(size, seconds=2.4, seed=seed).mean(axis=1)
            rates.append(modulation_peak(mono))
            centres.append(centroid(mono))
        right = 4 <= float(np.median(rates)) <= 6
        ok &= right
        summary = (
            f"modulation {np.median(rates):.1f} Hz ({min(rates):.1f} to {max(rates):.1f}; people 4 to 6)"
        )
        write_line(f"  {size:6} {summary}, spectral centroid {np.mean(centres):.0f} Hz  {mark(right)}")
    return ok


def modulation_peak(mono: Samples) -> float:
    """The strongest frequency of a laugh's loudness, between 2 and 12 Hz."""
    size = SAMPLE_RATE // 100
    level = np.sqrt(np.square(mono[: len(mono) // size * size]).reshape(-1, size).mean(axis=1))
    level = level - np.convolve(level, np.hanning(60) / np.hanning(60).sum(), mode="same")
    power = np.abs(np.fft.rfft(level * np.hanning(len(level)), 4096))
    hertz = np.fft.rfftfreq(4096, 0.01)
    usual = (hertz > 2) & (hertz < 12)
    return float(hertz[usual][np.argmax(power[usual])])


def centroid(mono: Samples) -> float:
    power = np.abs(np.fft.rfft(mono)) ** 2
    return float((np.fft.rfftfreq(len(mono), 1 / SAMPLE_RATE) * power).sum() / power.sum())


# ---------------------------------------------------------------------------------------- the table


def mark(ok: bool) -> str:
    return "ok" if ok else "NOT MET"


def write_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(asked: Sequence[str]) -> int:
    """Runs the parts that are asked for, or all; 1 if something is not met."""
    recognise: Any = recogniser() if {"voices", "moved", "mix"} & set(asked) or not asked else ""
    parts: dict[str, Callable[[], bool]] = {
        "speed": bench_speed,
        "laughs": bench_laughs,
        "voices": lambda: bench_voices(recognise),
        "moved": lambda: bench_moved(recognise),
        "mix": lambda: bench_mix(recognise),
    }
    met = True
    for name, part in parts.items():
        if asked and name not in asked:
            continue
        write_line(f"{name}:")
        if name in ("voices", "moved") and isinstance(recognise, str):
            write_line(f"  skipped: {recognise}")
            continue
        met &= part()
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
