"""Formants: recorded speech is moved to another timbre, and murmurs are made of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.media.loudness import at_loudness
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import formants
from flows.studio.voice.catalog import VOICES
from flows.studio.voice.settings import Timbre
from flows.studio.voice.speak import speak


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    return speak("I have a fish in my pocket and nobody knows.", VOICES["frank"].settings).samples


def pitch_of(samples):
    """Median pitch in Hz of the windows that have one; None if few do."""
    size, found, loud = 2400, [], 0
    for at in range(0, len(samples) - size, size // 2):
        window = samples[at : at + size] * np.hanning(size)
        if np.sqrt(np.mean(window**2)) < 0.02:
            continue
        loud += 1
        likeness = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)[:size]
        low, high = SAMPLE_RATE // 420, SAMPLE_RATE // 65
        best = low + int(np.argmax(likeness[low:high]))
        if likeness[best] > 0.5 * likeness[0]:
            found.append(SAMPLE_RATE / best)
    return float(np.median(found)) if len(found) > 0.4 * loud else None


def colour(samples, hertz):
    """The long-term spectrum in nepers at those frequencies, without the harmonics."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::256] * np.hanning(1024)
    mean = np.log(np.mean(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=0) + 1e-9)
    return np.interp(hertz, np.fft.rfftfreq(1024, 1 / SAMPLE_RATE), mean)


def stretch_between(usual, moved):
    """By how much the one's spectrum must be stretched to lie on the other's."""
    hertz = np.geomspace(300, 6000, 300)
    ratios = np.linspace(0.75, 1.4, 66)
    likeness = [np.corrcoef(colour(usual, hertz / r), colour(moved, hertz))[0, 1] for r in ratios]
    return ratios[int(np.argmax(likeness))]


@pytest.mark.parametrize(("pitch", "size"), [(1.22, 1.0), (0.85, 1.0), (1.0, 1.15), (1.25, 0.9)])
def test_pitch_and_size_move_apart_from_each_other(spoken, pitch, size):
    moved = formants.move(spoken, pitch=pitch, size=size)
    assert pitch_of(moved) == pytest.approx(pitch * pitch_of(spoken), rel=0.05)
    assert stretch_between(spoken, moved) == pytest.approx(size, abs=0.04)
    assert len(moved) == pytest.approx(len(spoken) / pitch, rel=0.001), "the speaker makes up for the pace"
    assert np.abs(moved).max() < 2


def test_nothing_asked_changes_nothing(spoken):
    assert formants.move(spoken) is spoken
    assert formants.add_breath(spoken, 0.0, rng=np.random.default_rng(0)) is spoken


def test_a_whisper_keeps_the_words_colour_and_loses_the_tone(spoken):
    whisper = formants.whisper(spoken, rng=np.random.default_rng(0))
    assert len(whisper) == len(spoken)
    assert pitch_of(whisper) is None
    assert np.sqrt(np.mean(whisper**2)) == pytest.approx(np.sqrt(np.mean(spoken**2)), rel=0.01)
    hertz = np.geomspace(700, 6000, 200)
    assert np.corrcoef(colour(spoken, hertz), colour(whisper, hertz))[0, 1] > 0.8
    assert pitch_of(formants.add_breath(spoken, 0.3, rng=np.random.default_rng(0))) == pytest.approx(
        pitch_of(spoken), rel=0.05
    )


def test_a_sound_shorter_than_a_window_and_silence_are_moved_too():
    for samples in (np.zeros(300, np.float32), np.full(10, 0.1, np.float32)):
        moved = formants.move(samples, pitch=1.1, size=0.9)
        assert np.isfinite(moved).all()
        assert np.isfinite(formants.whisper(samples, rng=np.random.default_rng(1))).all()


# -------------------------------------------------------------------------------------------- murmurs

SYLLABLES = "bˈʌɡi nˈuləmA, hˈɑ fˈOjɛ dˈəwi."


def murmured(timbre: Timbre, phonemes: str = SYLLABLES, **how) -> np.ndarray:
    samples = formants.murmur(phonemes, timbre, rng=np.random.default_rng(1), **how)
    return at_loudness(samples, -18)


@pytest.mark.parametrize("name", ["frank", "gus", "rosa", "pip", "zed", "grum"])
def test_a_murmur_has_its_characters_pitch(name):
    timbre = VOICES[name].settings.timbre
    plain = Timbre(timbre.pitch_hz, timbre.formants)
    assert pitch_of(murmured(plain)) == pytest.approx(timbre.pitch_hz, rel=0.15)


def test_a_murmur_has_its_characters_size():
    usual, small = (murmured(Timbre(80, size)) for size in (1.0, 1.2))
    assert stretch_between(usual, small) == pytest.approx(1.2, abs=0.06)


def test_a_murmur_is_as_loud_below_and_above_as_speech():
    samples = murmured(Timbre(118, 0.86))
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    assert power[hertz < 1500].sum() > 0.8 * power.sum()
    assert power[(hertz > 1500) & (hertz < 5000)].sum() > 0.005 * power.sum()
    assert power[hertz < 60].sum() < 0.01 * power.sum()
    assert np.abs(samples).max() < 2


def test_more_syllables_and_a_slower_voice_take_longer():
    timbre = Timbre(118, 0.86)
    assert len(murmured(timbre, "bˈʌ.")) < 0.4 * len(murmured(timbre))
    assert len(murmured(timbre, speed=0.5)) == pytest.approx(2 * len(murmured(timbre)), rel=0.03)


def test_a_murmur_is_the_same_for_the_same_seed_and_a_question_rises():
    timbre = Timbre(205, 1.0)
    np.testing.assert_array_equal(murmured(timbre), murmured(timbre))
    end = slice(-SAMPLE_RATE // 4, None)
    told, asked = (murmured(timbre, f"bˈʌɡi nˈulɑ{mark}")[end] for mark in ".?")
    assert pitch_of(asked) > 1.1 * pitch_of(told)


@pytest.mark.parametrize("phonemes", ["", "…", "?!", "ʃː!"])
def test_what_has_no_syllable_is_hummed(phonemes):
    assert 0.2 < len(murmured(Timbre(118), phonemes)) / SAMPLE_RATE < 0.8


def test_breath_growl_and_tremor_are_heard_in_a_murmur():
    assert pitch_of(murmured(Timbre(205, breath=1.0))) is None
    plain, growling, trembling = (
        murmured(timbre) for timbre in (Timbre(205), Timbre(205, growl=0.4), Timbre(205, tremor=0.7))
    )
    half = np.fft.rfftfreq(len(plain), 1 / SAMPLE_RATE)
    half = (half > 85) & (half < 125)
    low = [np.square(np.abs(np.fft.rfft(samples)))[half].sum() for samples in (plain, growling)]
    assert low[1] > 3 * low[0]
    assert not np.array_equal(plain, trembling)
