"""Any server with OpenAI's `/v1/audio/speech`: a voice that is named `VOICE@URL` or `MODEL/VOICE@URL`."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media.audio import Samples, decode_sound

MODEL = "tts-1"  # OpenAI's own name; servers with one model take it for theirs
SPEEDS = (0.25, 4.0)
_NAME = re.compile(r"(?:(?P<model>[^@\s]+)/)?(?P<voice>[^@/\s]+)@(?P<url>(?:https?://\S+)?)")


@dataclass(frozen=True)
class Address:
    """A voice of a server. Without a URL it is OPENAI_BASE_URL's, else OpenAI's own."""

    voice: str
    model: str
    url: str | None


def address(name: str) -> Address | None:
    """The parts of a voice's name that names a server; None for any other name."""
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return None
    return Address(found["voice"], found["model"] or MODEL, found["url"] or None)


def say(text: str, name: str, *, speed: float, env: Mapping[str, str] | None = None) -> Samples:
    """The text in that voice: 48 kHz mono, as loud as it comes.

    Raises:
        StudioError: the server does not answer, refuses, or sends no sound.
    """
    where = address(name)
    assert where is not None
    answer = _asked(text, where, float(np.clip(speed, *SPEEDS)), os.environ if env is None else env)
    with tempfile.TemporaryDirectory(prefix="cold-open-speech-") as work:
        path = Path(work, "speech")
        path.write_bytes(answer)
        try:
            pieces = [piece.mean(axis=1) for piece in decode_sound(path)]
        except StudioError:
            raise StudioError(
                f"{name}: wanted the sound of {text[:40]!r}, got {len(answer)} bytes that are no sound "
                f"({answer[:60]!r})"
            ) from None
    return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)


def _asked(text: str, where: Address, speed: float, env: Mapping[str, str]) -> bytes:
    from scripts_llm.errors import ScriptError
    from scripts_llm.llm.client import LLMError, open_client
    from scripts_llm.llm.settings import resolve_settings
    from scripts_llm.screenplay.premise import Writer

    try:
        settings = resolve_settings(Writer(model=where.model, base_url=where.url), env, None)
        assert settings is not None
        with open_client(settings) as client:
            spoken = client.audio.speech.create(
                model=where.model, voice=where.voice, input=text, response_format="wav", speed=speed
            )
            return spoken.read()
    except (LLMError, ScriptError) as error:
        raise StudioError(f"voice {where.voice}@: {error}") from error
