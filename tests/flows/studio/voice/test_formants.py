"""Other throats: what is only samples is moved as well as what comes out of a vocoder."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import formants
from flows.studio.voice.catalog import VOICES
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
    moved = formants.retuned(spoken, pitch=pitch, size=size)
    assert pitch_of(moved) == pytest.approx(pitch * pitch_of(spoken), rel=0.05)
    assert stretch_between(spoken, moved) == pytest.approx(size, abs=0.04)
    assert len(moved) == pytest.approx(len(spoken) / pitch, rel=0.001), "the speaker makes up for the pace"
    assert np.abs(moved).max() < 2


def test_nothing_asked_changes_nothing(spoken):
    assert formants.retuned(spoken) is spoken
    assert formants.breathed(spoken, 0.0, rng=np.random.default_rng(0)) is spoken


def test_a_whisper_keeps_the_words_colour_and_loses_the_tone(spoken):
    whisper = formants.whispered(spoken, rng=np.random.default_rng(0))
    assert len(whisper) == len(spoken)
    assert pitch_of(whisper) is None
    assert np.sqrt(np.mean(whisper**2)) == pytest.approx(np.sqrt(np.mean(spoken**2)), rel=0.01)
    hertz = np.geomspace(700, 6000, 200)
    assert np.corrcoef(colour(spoken, hertz), colour(whisper, hertz))[0, 1] > 0.8
    assert pitch_of(formants.breathed(spoken, 0.3, rng=np.random.default_rng(0))) == pytest.approx(
        pitch_of(spoken), rel=0.05
    )


def test_a_sound_shorter_than_a_window_and_silence_are_moved_too():
    for samples in (np.zeros(300, np.float32), np.full(10, 0.1, np.float32)):
        moved = formants.retuned(samples, pitch=1.1, size=0.9)
        assert np.isfinite(moved).all()
        assert np.isfinite(formants.whispered(samples, rng=np.random.default_rng(1))).all()
