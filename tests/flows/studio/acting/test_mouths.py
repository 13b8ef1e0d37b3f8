"""Mouths: by the phonemes of a voice where they are known, else by how loud it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.studio.acting import mouths
from flows.studio.acting.mouths import STEP, Phone, keep_ranges, make_phones, read_mouths
from flows.studio.media.audio import levels_db, samples_in
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import hibari
from flows.studio.voice.lines import plan_lines, premise_voices, speak_line, stored_mouths
from flows.studio.voice.settings import Timbre
from flows.studio.voice.speak import speak
from scripts_llm.screenplay.premise import Character, Premise
from scripts_llm.screenplay.script import Line, Scene, Script

PREMISE = Premise(show="Fish", logline="?", characters={"joe": Character()})
LINES = (
    "Everyone blinks, my papa. Is it supposed to blink?",
    "Please put the cat back into the box before my mother comes.",
)


def tone(*levels: float) -> np.ndarray:
    """An eighth of a second of a tone for each level."""
    each = np.sin(np.arange(STEP) * 0.05).astype(np.float32)
    return np.concatenate([level * each for level in levels]).astype(np.float32)


def test_a_stress_mark_begins_a_vowel_and_a_space_ends_a_word():
    phones = make_phones([("", 0.1), ("m", 0.05), ("ˈ", 0.05), ("ɑ", 0.1), (" ", 0.02), (",", 0.2)], 1000)
    assert phones == (Phone("m", 100, 150), Phone("ɑ", 150, 320))
    assert [phone.is_vowel for phone in phones] == [False, True]


def test_phones_move_with_what_is_kept_of_the_sound():
    phones = (Phone("m", 0, 100), Phone("ɑ", 100, 300), Phone("p", 500, 600))
    assert keep_ranges(phones, [(50, 200), (450, 700)]) == (
        Phone("m", 0, 50),
        Phone("ɑ", 50, 150),
        Phone("p", 200, 300),
    )


def test_vowels_open_lips_that_meet_close_and_silence_is_shut():
    phones = [
        Phone("ɑ", 0, STEP),
        Phone("m", STEP, 2 * STEP),
        Phone("i", 2 * STEP, 3 * STEP),
        Phone("s", 3 * STEP, 4 * STEP),
        Phone("ɛ", 5 * STEP, 6 * STEP),
    ]
    sound = tone(1, 1, 1, 1, 0, 1, 1)
    assert read_mouths(sound, phones) == "3011020"
    assert read_mouths(tone(1, 0, 0, 1, 0, 1, 0), phones) == "3001020"  # what is not heard is not seen


def test_a_vowel_is_seen_however_short_it_is():
    phones = [Phone("p", 0, STEP // 2), Phone("ɑ", STEP // 2, STEP // 2 + 1200), Phone("p", 5000, 6000)]
    assert read_mouths(tone(1), phones)[0] == "3"


def test_without_phones_the_loudness_says_it():
    assert read_mouths(tone(1, 0.3, 0.1, 0.01, 0, 1)) == "321003"
    assert read_mouths(np.zeros(STEP + 1, np.float32)) == "00"
    assert read_mouths(np.zeros(0, np.float32)) == ""


@pytest.mark.parametrize("formants", [0.85, 1.0, 1.2])
def test_hibaris_phonemes_are_heard_where_they_are_said_to_be(formants: float):
    """Where lips meet it is far quieter than in vowels."""
    timbre = Timbre(formants=formants)
    vowels, lips = [], []
    for sentence in (sentence for line in LINES for sentence in hibari.phonemize(line)):
        timed = hibari.phoneme_seconds(sentence, timbre, speed=1.0)
        sound = hibari.say([sentence], timbre, speed=1.0, rng=np.random.default_rng(0))
        assert sum(seconds for _, seconds in timed) == pytest.approx(len(sound) / SAMPLE_RATE, abs=0.05)
        level, size = levels_db(sound), samples_in(0.01)
        for phone in make_phones(timed, SAMPLE_RATE):
            heard = float(level[phone.start // size : max(phone.end // size, phone.start // size + 1)].mean())
            vowels += [heard] if phone.is_vowel else []
            lips += [heard] if phone.sign in "pb" else []
    assert np.mean(vowels) - np.mean(lips) > 10


def test_a_line_keeps_its_phones_through_pauses_and_trimming():
    speech = speak("Mama.   Papa... Oh no!", premise_voices(PREMISE)["joe"])
    assert "".join(phone.sign for phone in speech.phones)[:8] == "mɑməpɑpə"
    assert all(a.end <= b.start for a, b in zip(speech.phones, speech.phones[1:], strict=False))
    assert speech.phones[-1].end <= len(speech.samples)
    seen = read_mouths(speech.samples, speech.phones)
    assert len(seen) == -(-len(speech.samples) // STEP)
    assert set(seen) > {"0", "3"}
    for phone in speech.phones:
        around = seen[max(0, phone.start // STEP - 1) : phone.end // STEP + 2]
        assert not phone.is_vowel or set(around) != {"0"}


def test_a_stored_voice_without_mouths_has_those_of_its_loudness(tmp_path: Path):
    scene = Scene(id="s01", slugline="INT. BAR - DAY", dialogue=(Line(who="joe", line="Mama, no!"),))
    (line,) = plan_lines(Script(title="One", scenes=(scene,)), PREMISE)
    voice = speak_line(line, premise_voices(PREMISE)["joe"], tmp_path)
    assert stored_mouths(voice) == voice.notes["mouths"]
    old = type(voice)(voice.path, voice.recipe, {k: v for k, v in voice.notes.items() if k != "mouths"})
    assert len(stored_mouths(old)) == len(stored_mouths(voice))
    assert set(stored_mouths(old)) <= set("0123")


def test_another_network_than_the_pinned_one_gives_no_times(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hibari, "DURATIONS", "/nothing")
    hibari._durations.cache_clear()
    try:
        assert hibari.phoneme_seconds("mˈɑmə.", Timbre(), speed=1.0) == ()
    finally:
        hibari._durations.cache_clear()
    assert mouths.make_phones([], SAMPLE_RATE) == ()
