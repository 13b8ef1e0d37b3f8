"""Russian, where the extra is there."""

from __future__ import annotations

import pytest

from flows.studio.voice import espeak, kokoro
from flows.studio.voice.phonemes import can_read_russian, read_line

pytestmark = pytest.mark.skipif(
    not espeak.available(), reason="espeak-ng is not here: pip install cold-open[ru]"
)


@pytest.mark.parametrize(
    "line",
    [
        "Я продал рыбу человеку. Она должна моргать?",
        "Щука, ещё, жёлтый, объявление, дождь, цирк, Wi-Fi!",
        "В 2023 году это стоило 150 рублей…",
    ],
)
def test_every_sound_is_one_that_kokoro_knows(line):
    for sentence in espeak.phonemize(line):
        assert set(sentence) <= set(kokoro.PHONEME_IDS), sentence
        assert sentence[-1] in ".?!…"


def test_sentences_and_clauses_stay_what_they_are():
    first, second = espeak.phonemize("Да, конечно. А рыба?")
    assert "," in first
    assert second.endswith("?")


def test_a_number_is_read_as_words():
    (sentence,) = espeak.phonemize("150")
    assert len(sentence) > 8


def test_a_line_is_read_only_for_a_voice_that_can_say_it():
    line = "Я продал рыбу."
    assert not read_line(line, russian=True).is_murmur
    assert read_line(line).is_murmur
    assert not can_read_russian("I sold the рыба.")
    assert read_line("…", russian=True).is_murmur
