"""A server's voices, asked over a real connection."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import speech_api
from flows.studio.voice.catalog import find_voice
from flows.studio.voice.speak import speak
from scripts_llm.screenplay.premise import Character, Voice


def tone(seconds: float = 0.9, hertz: float = 180, rate: int = 24_000) -> bytes:
    """A buzz in a WAV file."""
    time = np.arange(round(seconds * rate)) / rate
    wav = io.BytesIO()
    soundfile.write(wav, 0.3 * np.sign(np.sin(2 * np.pi * hertz * time)), rate, format="WAV")
    return wav.getvalue()


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[dict[str, Any]]] = []
    keys: ClassVar[list[str | None]] = []
    answer: ClassVar[tuple[int, bytes]] = (200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append({"path": self.path, **json.loads(body)})
        self.keys.append(self.headers["Authorization"])
        status, answer = type(self).answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server that answers with a tone."""
    _Handler.asked, _Handler.keys, _Handler.answer = [], [], (200, tone())
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}/v1"
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "voice", "model", "url"),
    [
        ("alloy@http://localhost:8880/v1", "alloy", "tts-1", "http://localhost:8880/v1"),
        ("hexgrad/Kokoro-82M/af_heart@http://h/v1", "af_heart", "hexgrad/Kokoro-82M", "http://h/v1"),
        ("nova@", "nova", "tts-1", None),
    ],
)
def test_a_name_with_an_at_sign_names_a_server(name, voice, model, url):
    assert speech_api.parse_name(name) == speech_api.ServerVoice(voice, model, url)


@pytest.mark.parametrize("name", ["frank", "am_puck", "joe@example", "a b@http://h"])
def test_other_names_do_not(name):
    assert speech_api.parse_name(name) is None


def test_a_line_is_asked_for_and_comes_level_with_the_others(url):
    voice = find_voice(f"kokoro/af_sky@{url}", where="characters.joe.voice")
    line = "Is it supposed to blink?"
    spoken = speak(line, voice)
    assert _Handler.asked == [
        {"path": "/v1/audio/speech", "model": "kokoro", "voice": "af_sky", "input": line,
         "response_format": "wav", "speed": 1.0}
    ]  # fmt: skip
    assert spoken.seconds == pytest.approx(0.9, abs=0.1)
    assert loudness_of(spoken.samples) == pytest.approx(-18, abs=0.5)
    assert not spoken.is_murmur


def test_pitch_speed_and_parentheticals_hold_for_a_servers_voice(url):
    from flows.studio.voice.casting import cast_voices

    character = Character(voice=Voice(name=f"alloy@{url}", speed=1.2, pitch=3, effect="phone"))
    voice = cast_voices({"joe": character})["joe"]
    assert (voice.speaker, voice.effect) == ("server", "phone")
    speak("Slowly now.", voice, parenthetical="slowly")
    assert _Handler.asked[0]["speed"] == pytest.approx(1.2 * 0.78 / 2 ** (3 / 12), rel=0.01)


def test_emoji_are_hummed_and_said_to_be(url):
    spoken = speak("🐟🐟", find_voice(f"alloy@{url}", where="x"))
    assert spoken.is_murmur
    assert _Handler.asked[0]["input"].startswith("Hmmm.")


def test_the_key_goes_to_the_servers_that_it_may_go_to(url):
    speech_api.say("Hello.", f"alloy@{url}", speed=1, env={"OPENAI_API_KEY": "secret"})
    speech_api.say("Hello.", "alloy@", speed=1, env={"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": url})
    assert _Handler.keys == ["Bearer secret"] * 2
    with pytest.raises(StudioError, match="wanted a key"):
        speech_api.say("Hello.", "alloy@", speed=1, env={})


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((404, b'{"error": {"message": "no such voice"}}'), r"voice alloy@: .*404 .*no such voice"),
        ((200, b"<html>not a sound</html>"), "wanted the sound of 'Hello.', got 24 bytes that are no sound"),
    ],
)
def test_a_refusal_and_a_page_are_told_in_one_line(url, answer, told):
    _Handler.answer = answer
    with pytest.raises(StudioError, match=told) as error:
        speech_api.say("Hello.", f"alloy@{url}", speed=1, env={})
    assert "\n" not in str(error.value)


def test_the_rate_of_the_answer_does_not_matter(url):
    _Handler.answer = (200, tone(rate=16_000))
    samples = speech_api.say("Hello.", f"alloy@{url}", speed=1, env={})
    assert len(samples) == pytest.approx(0.9 * SAMPLE_RATE, rel=0.02)
