"""Kokoro's voices, where they have been pulled; what holds without them holds everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media.loudness import loudness_of
from flows.studio.voice import catalog, espeak, kokoro
from flows.studio.voice.casting import apart, cast_voices, register_of
from flows.studio.voice.catalog import KOKORO_VOICES, default_speaker, find_voice
from flows.studio.voice.speak import speak
from scripts_llm.screenplay.premise import Character

CAST = {
    "joe": Character(look="skinny man, 30, blue apron"),
    "don": Character(look="large orange cat, black hat"),
    "ann": Character(look="tall woman, green coat"),
    "bob": Character(look="fat man, butcher"),
    "eve": Character(look="woman, 30, red hair"),
    "ida": Character(look="old woman with a stick"),
}
pulled = pytest.mark.skipif(kokoro.folder() is None, reason="not here: prefect run pull kokoro")


def test_all_of_kokoros_voices_are_listed():
    assert len(KOKORO_VOICES) == 54
    assert sum(1 for name in KOKORO_VOICES if name[0] in "ab") == 28


def test_a_voice_that_was_not_pulled_is_named_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(StudioError, match=r"am_puck is one of Kokoro's voices.*prefect run pull kokoro"):
        find_voice("am_puck", where="characters.joe.voice")
    with pytest.raises(StudioError, match="prefect run pull kokoro"):
        kokoro.say("həlˈO.", "am_puck", speed=1)


def test_people_are_kokoros_and_cats_stay_the_books():
    voices = cast_voices(CAST, speaker="kokoro")
    assert {who for who, voice in voices.items() if voice.speaker == "kokoro"} == set(CAST) - {"don"}
    assert voices == cast_voices(dict(reversed(CAST.items())), speaker="kokoro")
    names = list(voices.values())
    assert all(apart(a, b) for n, a in enumerate(names) for b in names[:n])
    for who in ("joe", "bob", "ann", "eve"):
        assert KOKORO_VOICES[voices[who].name].register == register_of(who, CAST[who])


def test_in_russian_kokoro_plays_the_cat_too():
    voices = cast_voices(CAST, speaker="kokoro", language="ru")
    assert {voice.speaker for voice in voices.values()} == {"kokoro"}
    assert all(apart(voices["don"], voice) for who, voice in voices.items() if who != "don")


@pytest.mark.parametrize(("asked", "speaker"), [("embedded", "embedded"), ("kokoro", "kokoro")])
def test_the_environment_says_who_speaks(monkeypatch, asked, speaker):
    monkeypatch.setenv("COLDOPEN_VOICES", asked)
    assert default_speaker() == speaker


def test_without_a_word_the_best_there_is_speaks(monkeypatch):
    monkeypatch.delenv("COLDOPEN_VOICES")
    monkeypatch.setattr(catalog.kokoro, "folder", lambda: None)
    assert default_speaker() == "embedded"
    assert default_speaker("kokoro") == "kokoro", "an episode keeps the voices that it was begun with"
    monkeypatch.setenv("COLDOPEN_VOICES", "embedded")
    assert default_speaker("kokoro") == "embedded", "unless somebody says otherwise"
    monkeypatch.setenv("COLDOPEN_VOICES", "loud")
    with pytest.raises(StudioError, match="wanted embedded or kokoro, got 'loud'"):
        default_speaker()


@pulled
@pytest.mark.slow
def test_a_pulled_voice_speaks_a_level_line_and_a_whisper():
    line = "Is it supposed to blink?"
    plain = speak(line, KOKORO_VOICES["am_puck"].settings)
    assert 0.8 < plain.seconds < 3
    assert loudness_of(plain.samples) == pytest.approx(-18, abs=0.5)
    np.testing.assert_array_equal(plain.samples, speak(line, KOKORO_VOICES["am_puck"].settings).samples)
    whisper = speak(line, KOKORO_VOICES["am_puck"].settings, parenthetical="whispering")
    assert loudness_of(whisper.samples) == pytest.approx(-23, abs=0.7)


@pulled
@pytest.mark.slow
@pytest.mark.skipif(not espeak.available(), reason="espeak-ng is not here: pip install cold-open[ru]")
def test_a_pulled_voice_speaks_russian():
    spoken = speak("Я продал рыбу человеку.", KOKORO_VOICES["pm_alex"].settings)
    assert not spoken.is_murmur
    assert spoken.seconds > 0.9
