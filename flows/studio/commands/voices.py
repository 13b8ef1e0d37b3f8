"""`prefect run voices`: lists the voices, and writes samples of them."""

from __future__ import annotations

from pathlib import Path

from flows.studio.media import audio
from flows.studio.production.console import Console
from flows.studio.voice import catalog, hibari, kokoro
from flows.studio.voice.casting import cast_voices
from flows.studio.voice.catalog import KOKORO_VOICES, VOICES, NamedVoice
from flows.studio.voice.phonemes import murmur_remedy
from flows.studio.voice.settings import VoiceSettings
from flows.studio.voice.speak import speak
from scripts_llm.files.read import read_premise
from scripts_llm.screenplay.premise import Character

SAMPLE = "Nobody told me about the hat. Is it supposed to blink?"
CAST_FOLDER = Path("voices")


def list_voices() -> list[str]:
    """One line for every name that `voice:` may have."""
    where = "" if kokoro.folder() else "  (prefect run pull kokoro)"
    reason = hibari.missing()
    murmured = f" (murmured, as {reason}: pip install '{hibari.REQUIREMENT}')" if reason else ""
    return [
        f"In the package{murmured}:",
        *(_row(name, "English", voice) for name, voice in VOICES.items()),
        f"Kokoro's, every one in English and, with cold-open[ru], in Russian{where}:",
        *(_row(name, _language(voice), voice) for name, voice in KOKORO_VOICES.items()),
        "Any server with /v1/audio/speech: VOICE@URL or MODEL/VOICE@URL, as in alloy@http://localhost:8880/v1",
        'Hear one: coldopen voices --try frank --say "It winked at me." --out frank.wav',
    ]


def try_voice(name: str, screen: Console, *, text: str | None = None, path: Path | None = None) -> Path:
    """Writes a WAV file of the voice of that name; `path` is NAME.wav without one. Returns the path.

    Raises:
        StudioError: no voice has this name, or its server does not answer.
    """
    settings = catalog.find_voice(name, where="--try")
    path = path or Path(f"{name.split('@')[0].replace('/', '-')}.wav")
    return _write_sample(text or SAMPLE, settings, path, screen)


def speak_cast(premise: Path, screen: Console, *, folder: Path | None = None) -> list[Path]:
    """Writes a WAV file for each of the premise's characters, in the voice that a new episode gives them."""
    show = read_premise(premise)
    folder = folder or CAST_FOLDER
    voices = cast_voices(show.characters, speaker=catalog.default_speaker(), language=show.language)
    paths = []
    for who, settings in voices.items():
        path = folder / f"{who}.wav"
        paths.append(_write_sample(_sample_text(who, show.characters[who]), settings, path, screen))
    return paths


def _sample_text(who: str, character: Character) -> str:
    name = character.name or who.replace("_", " ").title()
    return character.catchphrase or f"I am {name}. {SAMPLE}"


def _write_sample(text: str, settings: VoiceSettings, path: Path, screen: Console) -> Path:
    screen.progress(f"speaking as {settings.name}")
    speech = speak(text, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write_wav(path, speech.samples)
    murmur = f", murmured: nobody here speaks this{murmur_remedy([text])}" if speech.is_murmur else ""
    screen.say(f"{path}: {settings.name}, {_pitch(settings)}, {speech.seconds:.1f} s{murmur}")
    return path


def _row(name: str, language: str, voice: NamedVoice) -> str:
    return f"  {name:14} {language:18} {_pitch(voice.settings):>7}  {voice.description}"


def _pitch(settings: VoiceSettings) -> str:
    return "" if settings.speaker == "server" else f"{settings.timbre.pitch_hz:.0f} Hz"


def _language(voice: NamedVoice) -> str:
    return voice.description.rpartition(", ")[2]
