"""`prefect run voices`: which voices there are, and what they sound like."""

from __future__ import annotations

from pathlib import Path

from flows.studio.media import audio
from flows.studio.production.console import Screen
from flows.studio.voice import catalog, kokoro, speak
from flows.studio.voice.casting import cast_voices
from flows.studio.voice.catalog import KOKORO_VOICES, VOICES, NamedVoice, VoiceSettings
from scripts_llm.screenplay.premise import Character

SAMPLE = "Nobody told me about the hat. Is it supposed to blink?"
CAST_FOLDER = Path("voices")


def list_voices() -> list[str]:
    """One line for every name that `voice:` may have."""
    where = "" if kokoro.folder() else "  (prefect run pull kokoro)"
    return [
        "In the package:",
        *(_row(name, "English", entry) for name, entry in VOICES.items()),
        f"Kokoro's, every one in English and, with cold-open[ru], in Russian{where}:",
        *(_row(name, _language(entry), entry) for name, entry in KOKORO_VOICES.items()),
        "Any server with /v1/audio/speech: VOICE@URL or MODEL/VOICE@URL, as in alloy@http://localhost:8880/v1",
        'Hear one: coldopen voices --try frank --say "It winked at me." --out frank.wav',
    ]


def try_voice(name: str, screen: Screen, *, text: str | None = None, path: Path | None = None) -> Path:
    """A WAV file of that voice.

    Raises:
        StudioError: there is no such voice, or it does not answer.
    """
    settings = catalog.find_voice(name, where="--try")
    path = path or Path(f"{name.split('@')[0].replace('/', '-')}.wav")
    return _written(text or SAMPLE, settings, path, screen)


def speak_cast(premise: Path, screen: Screen, *, folder: Path | None = None) -> list[Path]:
    """A WAV file of each of the premise's characters, in the voice that a new episode would give them."""
    from scripts_llm.files.read import read_premise

    show = read_premise(premise)
    folder = folder or CAST_FOLDER
    voices = cast_voices(show.characters, speaker=catalog.default_speaker(), language=show.language)
    paths = []
    for who, settings in voices.items():
        path = folder / f"{who}.wav"
        paths.append(_written(_line(who, show.characters[who]), settings, path, screen))
    return paths


def _line(who: str, character: Character) -> str:
    name = character.name or who.replace("_", " ").title()
    return character.catchphrase or f"I am {name}. {SAMPLE}"


def _written(text: str, settings: VoiceSettings, path: Path, screen: Screen) -> Path:
    screen.progress(f"speaking as {settings.name}")
    spoken = speak.speak(text, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write_wav(path, spoken.samples)
    murmur = ", murmured: no voice here speaks that script" if spoken.murmured else ""
    screen.say(f"{path}: {settings.name}, {_pitch(settings)}, {spoken.seconds:.1f} s{murmur}")
    return path


def _row(name: str, language: str, entry: NamedVoice) -> str:
    return f"  {name:14} {language:18} {_pitch(entry.settings):>7}  {entry.description}"


def _pitch(settings: VoiceSettings) -> str:
    return "" if settings.speaker == "server" else f"{settings.timbre.pitch_hz:.0f} Hz"


def _language(entry: NamedVoice) -> str:
    return entry.description.rpartition(", ")[2]
