"""Voices: everybody has one, it stays the same, and what it says can be understood as written."""

from __future__ import annotations

import dataclasses
import itertools
import json
import socket

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import hibari
from flows.studio.voice.casting import apart, cast_voices, register_of
from flows.studio.voice.catalog import VOICES
from flows.studio.voice.phonemes import murmur_remedy, read_line
from flows.studio.voice.speak import read_recording, speak
from scripts_llm.screenplay.premise import Character, Voice

LINE = "I have a fish in my pocket and nobody knows."


def settings(name):
    return VOICES[name].settings


def pitch_of(samples):
    """Median pitch in Hz of the voiced windows; None where there is none."""
    size, found, loud = 2400, [], 0
    for at in range(0, len(samples) - size, size // 2):
        window = samples[at : at + size] * np.hanning(size)
        if np.sqrt(np.mean(window**2)) < 0.02:
            continue
        loud += 1
        power = np.abs(np.fft.rfft(window, 2 * size)) ** 2
        likeness = np.fft.irfft(power)[:size]
        likeness /= likeness[0]
        low, high = SAMPLE_RATE // 420, SAMPLE_RATE // 65
        at_best = low + int(np.argmax(likeness[low:high]))
        if likeness[at_best] > 0.5:
            found.append(SAMPLE_RATE / at_best)
    return float(np.median(found)) if len(found) > 0.4 * loud else None


def stretch_between(usual, shifted):
    """By how much the long-term spectrum of one must be stretched to lie on the other's."""
    hertz = np.geomspace(300, 6000, 300)

    def spectrum(samples, at):
        windows = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::256] * np.hanning(1024)
        mean = np.log(np.mean(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=0) + 1e-9)
        return np.interp(at, np.fft.rfftfreq(1024, 1 / SAMPLE_RATE), mean)

    ratios = np.linspace(0.8, 1.5, 71)
    likeness = [np.corrcoef(spectrum(usual, hertz / r), spectrum(shifted, hertz))[0, 1] for r in ratios]
    return ratios[int(np.argmax(likeness))]


def share_above(samples, hertz):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return power[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) > hertz].sum() / power.sum()


# ---------------------------------------------------------------------------------------- the cast


def test_every_two_voices_of_the_book_are_two_semitones_or_eight_percent_in_size_apart():
    assert len(VOICES) >= 8
    for one, other in itertools.combinations(VOICES, 2):
        assert apart(settings(one), settings(other)), (one, other)


@pytest.mark.parametrize(
    ("look", "register"),
    [
        ("skinny man, 30, blue apron, messy hair", "man"),
        ("large orange cat, black hat, cigar", "cat"),
        ("old man with a dog", "old man"),
        ("woman, 71, pearls", "old woman"),
        ("a boy with a balloon", "child"),
        ("girl, 8", "child"),
        ("young woman, red coat", "woman"),
        ("silver robot with a moustache", "robot"),
        ("small green alien", "alien"),
        ("white ghost of a tax lawyer", "ghost"),
        ("purple monster", "monster"),
        ("chrome toaster", "toaster"),
        ("blue fish, always wet", "fish"),
    ],
)
def test_the_register_is_read_from_the_look(look, register):
    assert register_of("x", Character(look=look)) == register
    assert VOICES[cast_voices({"x": Character(look=look)})["x"].name].register == register


def test_the_role_speaks_where_the_look_is_silent_and_every_key_gets_a_voice():
    assert register_of("ann", Character(look="green hat", role="the grandmother")) == "old woman"
    assert register_of("robot", Character()) == "robot"
    assert register_of("zyx", Character()) in ("man", "woman")


def test_a_large_cat_is_deeper_than_a_small_one():
    voices = cast_voices({"don": Character(look="large orange cat"), "kit": Character(look="tiny grey cat")})
    assert voices["don"].timbre.pitch_hz < voices["kit"].timbre.pitch_hz / 2


def test_the_order_of_the_cast_changes_nobodys_voice():
    company = {key: Character(look="a man in a hat") for key in ("ann", "bob", "cid", "dov")}
    turned = dict(reversed(company.items()))
    assert cast_voices(company) == cast_voices(turned)
    assert list(cast_voices(turned)) == list(turned)


def test_a_guest_changes_nobodys_voice():
    company = {key: Character(look="a man in a hat") for key in ("joe", "max")}
    alone = cast_voices(company)
    for guest in ("abe", "zoe", "kim"):
        with_guest = cast_voices(company, guests={guest: Character(look="a man in a hat")})
        assert {key: with_guest[key] for key in company} == alone
        assert guest in with_guest


def test_twenty_of_a_kind_all_sound_different():
    voices = cast_voices({f"man_{i}": Character(look="man in a blue apron") for i in range(20)})
    for one, other in itertools.combinations(voices.values(), 2):
        assert apart(one, other)


def test_the_premises_voice_is_honoured_with_its_speed_pitch_and_effect():
    asked = Voice(name="rosa", speed=1.2, pitch=-12, effect="phone")
    voices = cast_voices({"joe": Character(look="man", voice="Grum"), "ann": Character(voice=asked)})
    assert voices["joe"] == settings("grum")
    assert voices["ann"].name == "rosa"
    assert voices["ann"].timbre.pitch_hz == pytest.approx(settings("rosa").timbre.pitch_hz / 2)
    assert voices["ann"].speed == pytest.approx(1.2)
    assert voices["ann"].effect == "phone"


def test_a_voice_with_an_effect_of_its_own_keeps_it_unless_the_premise_says_none():
    kept = cast_voices({"b": Character(voice=Voice(name="bolt"))})["b"]
    taken_away = cast_voices({"b": Character(voice=Voice(name="bolt", effect="none"))})["b"]
    assert (kept.effect, taken_away.effect) == ("robot", "none")


def test_an_unknown_voice_is_refused_with_the_nearest_name_and_all_of_them():
    with pytest.raises(StudioError) as caught:
        cast_voices({"joe": Character(voice="frnak")})
    message = str(caught.value)
    assert "characters.joe.voice" in message
    assert "did you mean frank?" in message
    assert all(name in message for name in VOICES)


def test_a_voice_is_plain_data():
    assert json.loads(json.dumps(dataclasses.asdict(settings("gus"))))["timbre"]["pitch_hz"] == 84


# ---------------------------------------------------------------------------------------- the sound


@pytest.mark.parametrize("name", ["frank", "daisy", "gus", "pip", "bolt", "boo", "grum"])
def test_a_line_is_level_with_the_others_trimmed_and_without_clicks(name):
    spoken = speak(LINE, settings(name))
    samples = spoken.samples
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert loudness_of(samples) == pytest.approx(-18, abs=0.3)
    assert np.abs(samples).max() < 1
    assert 1.5 < spoken.seconds < 4.5
    assert max(abs(samples[0]), abs(samples[-1])) < 1e-3
    heard = np.flatnonzero(audio.levels_db(samples) > -40)
    assert heard[0] <= 6, "silence before the first word"
    assert not spoken.is_murmur


@pytest.mark.parametrize("name", ["frank", "vera", "daisy", "pip"])
def test_a_voice_has_the_pitch_that_it_says(name):
    wanted = settings(name).timbre.pitch_hz
    assert pitch_of(speak(LINE, settings(name)).samples) == pytest.approx(wanted, rel=0.15)


def test_a_smaller_throat_moves_the_formants_and_not_the_pitch():
    small = dataclasses.replace(
        settings("rosa"), timbre=dataclasses.replace(settings("rosa").timbre, formants=1.2)
    )
    usual, shifted = speak(LINE, settings("rosa")).samples, speak(LINE, small).samples
    assert pitch_of(shifted) == pytest.approx(pitch_of(usual), rel=0.08)
    assert stretch_between(usual, shifted) == pytest.approx(1.2, abs=0.06)
    assert len(shifted) == pytest.approx(len(usual), rel=0.12)


def test_the_same_line_and_voice_give_the_same_samples_and_other_words_do_not():
    once, again = (speak("Everything blinks, Joe.", settings("tom")) for _ in range(2))
    np.testing.assert_array_equal(once.samples, again.samples)
    other = speak("Everything blinks, Don.", settings("tom"))
    assert len(other.samples) != len(once.samples) or np.any(other.samples != once.samples)


def test_one_word_and_sixty_words_are_both_spoken():
    assert 0.2 < speak("No.", settings("frank")).seconds < 1.0
    long = speak("I went to the shop to buy a fish and " * 6 + "came home with a cat.", settings("frank"))
    assert 12 < long.seconds < 30


def test_no_pause_inside_a_line_is_longer_than_eight_tenths():
    samples = speak("Well... I sold it. To a man! He was wet — very wet.", settings("gus")).samples
    quiet = np.concatenate([[False], audio.levels_db(samples) < -40, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(int))).reshape(-1, 2)
    assert (edges[:, 1] - edges[:, 0]).max() * 0.01 < 0.8


def test_a_whisper_has_no_pitch_and_is_softer():
    plain, whispered = (speak(LINE, settings("frank"), parenthetical=how) for how in (None, "whispering"))
    assert pitch_of(plain.samples) is not None
    assert pitch_of(whispered.samples * 2) is None
    assert loudness_of(whispered.samples) < loudness_of(plain.samples) - 3


def test_a_shout_is_louder_higher_and_brighter():
    plain, shouted = (speak(LINE, settings("frank"), parenthetical=how) for how in (None, "shouting"))
    assert loudness_of(shouted.samples) > loudness_of(plain.samples) + 1.5
    assert pitch_of(shouted.samples) > 1.1 * pitch_of(plain.samples)
    assert share_above(shouted.samples, 1500) > share_above(plain.samples, 1500)


def test_slowly_takes_longer_and_an_unknown_parenthetical_changes_nothing():
    plain = speak(LINE, settings("rosa"))
    assert speak(LINE, settings("rosa"), parenthetical="very slowly").seconds > 1.15 * plain.seconds
    same = speak(LINE, settings("rosa"), parenthetical="holding a cup")
    np.testing.assert_array_equal(same.samples, plain.samples)


def test_a_phone_is_narrow():
    through = speak(LINE, settings("rosa"), parenthetical="on the phone").samples
    assert share_above(through, 5000) < 0.01 < share_above(speak(LINE, settings("rosa")).samples, 5000)


def test_speaking_needs_no_network(monkeypatch):
    def refuse(*_args):
        raise AssertionError("somebody called out")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    hibari._load.cache_clear()
    assert speak("Hello.", settings("rosa")).seconds > 0.2


# ------------------------------------------------------------------------------------ what is read


def without_stress(line):
    return "".join("".join(read_line(line).sentences).translate(str.maketrans("", "", "ˈˌ")).split())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $5.50.", "It costs five dollars and fifty cents."),
        ("Since 1987, Dr. Smith.", "Since nineteen eighty seven, Doctor Smith."),
        ("50% of 1,250!", "Fifty percent of one thousand two hundred fifty!"),
        ("I said NO.", "I said no!"),
        ("WHERE IS MY FISH", "where is my fish"),
        ("Nooooo! Sooo goood.", "No! So good."),
        ("*Fish* 🐟 _vs._ Joe", "Fish versus Joe"),
        ("What?!?!", "What?"),
        ("See joe@fish.com", "See joe at fish dot com"),
    ],
)
def test_figures_and_a_writers_habits_are_read_as_words(written, said):
    assert without_stress(written).strip(".!?") == without_stress(said).strip(".!?")


def test_initials_are_spelled_and_noises_are_made():
    assert "ɛfb" in without_stress("Call the FBI NOW")
    assert without_stress("Shhh!") == "ʃː!"
    assert "ɛsA" not in without_stress("Shh")


@pytest.mark.parametrize(
    "line", ["Привет, как дела?", "你好，世界！", "🐟🐟🐟", "...", "مرحبا كيف حالك؟", "Привет, Joe!"]
)
def test_a_line_without_a_voice_for_its_script_is_murmured_in_the_characters_own(line):
    spoken = speak(line, settings("frank"))
    assert spoken.is_murmur
    assert 0.2 < spoken.seconds < 4
    assert loudness_of(spoken.samples) == pytest.approx(-18, abs=0.5)


def test_a_murmur_lasts_as_long_as_its_line_and_keeps_its_sentences():
    short, long = read_line("Да."), read_line("Я продал рыбу человеку. Он сказал, что она ему подмигнула!")
    assert long.is_murmur
    assert len(long.sentences) == 2
    assert len("".join(long.sentences)) > 6 * len("".join(short.sentences))
    assert long.sentences[1].endswith("!")


# --------------------------------------------------------------------------------- crowds and recordings


def test_a_crowd_says_it_together_and_not_as_one():
    plain, crowd = speak(LINE, settings("frank")), speak(LINE, settings("frank"), parenthetical="in chorus")
    assert crowd.seconds == pytest.approx(plain.seconds, abs=0.4)
    assert loudness_of(crowd.samples) == pytest.approx(-18, abs=0.5)
    size = min(len(plain.samples), len(crowd.samples))
    assert 0.2 < np.corrcoef(plain.samples[:size], crowd.samples[:size])[0, 1] < 0.97


@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_a_recording_of_ones_own_is_trimmed_and_level_with_the_voices(tmp_path, suffix):
    import soundfile

    voice = speak(LINE, settings("vera")).samples[::2] * 0.03
    room = np.random.default_rng(0).standard_normal(24_000).astype(np.float32) * 1e-5
    path = tmp_path / f"take four.{suffix}"
    soundfile.write(path, np.repeat(np.concatenate([room, voice, room])[:, None], 2, axis=1), 24_000)
    line = read_recording(path)
    assert line.seconds == pytest.approx(len(voice) / 24_000, abs=0.25), "the room around it is gone"
    assert loudness_of(line.samples) == pytest.approx(-18, abs=0.5)
    assert np.abs(line.samples[[0, -1]]).max() < 1e-3
    assert not line.is_murmur


def test_a_recording_that_is_missing_silent_or_no_sound_is_named(tmp_path):
    silent, text = tmp_path / "silent.wav", tmp_path / "text.wav"
    audio.write_wav(silent, np.zeros(48_000, np.float32))
    text.write_text("not a sound", encoding="utf-8")
    for path, told in (
        (tmp_path / "no.wav", "no such recording"),
        (silent, "got silence"),
        (text, "text.wav"),
    ):
        with pytest.raises(StudioError, match=told):
            read_recording(path, where="s02: file")


def test_murmured_russian_is_told_with_what_would_speak_it():
    assert murmur_remedy(["Я продал рыбу.", "🐟"]).startswith("; Kokoro speaks Russian: ")
    assert murmur_remedy(["🐟", "魚"]) == ""
