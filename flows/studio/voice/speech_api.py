"""Voices of any server with OpenAI's `/v1/audio/speech`, named `VOICE@URL` or `MODEL/VOICE@URL`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media.audio import Samples, read_mono
from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import LLMError, open_client
from scripts_llm.llm.settings import resolve_settings
from scripts_llm.screenplay.premise import Writer

MODEL = "tts-1"  # OpenAI's own name; servers with one model accept it
SPEEDS = (0.25, 4.0)
_NAME = re.compile(r"(?:(?P<model>[^@\s]+)/)?(?P<voice>[^@/\s]+)@(?P<url>(?:https?://\S+)?)")


@dataclass(frozen=True)
class ServerVoice:
    """A voice of a server; without a URL the server is OPENAI_BASE_URL's, else OpenAI's own."""

    voice: str
    model: str
    url: str | None


def parse_name(name: str) -> ServerVoice | None:
    """The parts of a voice's name; None if it names no server."""
    match = _NAME.fullmatch(name.strip())
    if match is None:
        return None
    return ServerVoice(match["voice"], match["model"] or MODEL, match["url"] or None)


def say(text: str, name: str, *, speed: float, env: Mapping[str, str] | None = None) -> Samples:
    """The text in the voice of that name: mono at 48 kHz, at no particular level.

    Raises:
        StudioError: the server does not answer, refuses, or sends no sound.
    """
    voice = parse_name(name)
    assert voice is not None
    answer = _request(text, voice, float(np.clip(speed, *SPEEDS)), os.environ if env is None else env)
    with tempfile.TemporaryDirectory(prefix="cold-open-speech-") as work:
        path = Path(work, "speech")
        path.write_bytes(answer)
        try:
            return read_mono(path)
        except StudioError:
            raise StudioError(
                f"{name}: wanted the sound of {text[:40]!r}, got {len(answer)} bytes that are no sound "
                f"({answer[:60]!r})"
            ) from None


def _request(text: str, voice: ServerVoice, speed: float, env: Mapping[str, str]) -> bytes:
    """The server's answer, a WAV file."""
    try:
        settings = resolve_settings(Writer(model=voice.model, base_url=voice.url), env, None)
        assert settings is not None
        with open_client(settings) as client:
            speech = client.audio.speech.create(
                model=voice.model, voice=voice.voice, input=text, response_format="wav", speed=speed
            )
            return speech.read()
    except (LLMError, ScriptError) as error:
        raise StudioError(f"voice {voice.voice}@: {error}") from error
