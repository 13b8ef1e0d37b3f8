"""The audience: people, not noise, and never a click."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLE_RATE
from flows.studio.sound.laughs import make_laugh, recorded_people

SIZES = ("small", "big", "aww", "ooh", "applause")


def envelope(samples, window=0.02):
    """RMS a hundred times a second."""
    size = round(window * SAMPLE_RATE)
    mono = samples.mean(axis=1) if samples.ndim == 2 else samples
    smooth = np.convolve(np.square(mono, dtype=np.float64), np.full(size, 1 / size), mode="same")
    return np.sqrt(np.maximum(smooth, 0))[:: SAMPLE_RATE // 100]


@pytest.mark.parametrize("size", SIZES)
def test_it_is_as_long_as_asked_in_stereo_and_begins_and_ends_softly(size):
    samples = make_laugh(size, seconds=1.8, seed=5)
    assert samples.shape == (round(1.8 * SAMPLE_RATE), 2)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() < 0.96
    loud = envelope(samples)
    assert loud[:5].max() < 0.25 * loud.max(), "it comes in too hard"
    assert loud[-8:].max() < 0.02 * loud.max(), "it is cut off"
    assert np.abs(samples[[0, -1]]).max() < 1e-4
    likeness = np.corrcoef(samples.T)[0, 1]
    assert 0.05 < likeness < 0.95, "people sit side by side, in one room"


@pytest.mark.parametrize(("asked", "given"), [(0.1, 0.8), (30, 3.0)])
def test_no_laugh_is_shorter_than_a_breath_or_longer_than_the_joke(asked, given):
    assert len(make_laugh("small", seconds=asked, seed=1)) == round(given * SAMPLE_RATE)


def test_the_same_seed_laughs_alike_and_another_differently():
    once, again, other = (make_laugh("big", seconds=1.5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert abs(np.corrcoef(once[:, 0], other[:, 0])[0, 1]) < 0.3


@pytest.mark.parametrize("size", ["small", "big"])
def test_a_laugh_has_the_colour_of_voices(size):
    mono = make_laugh(size, seconds=2.0, seed=3).mean(axis=1)
    power = np.abs(np.fft.rfft(mono)) ** 2
    hertz = np.fft.rfftfreq(len(mono), 1 / SAMPLE_RATE)
    assert power[(hertz > 150) & (hertz < 2500)].sum() > 0.8 * power.sum()
    assert power[hertz > 5000].sum() < 0.02 * power.sum()
    assert power[hertz < 100].sum() < 0.02 * power.sum()


def test_each_of_the_people_laughs_four_to_six_syllables_a_second():
    rates = []
    for person in recorded_people("laugh"):
        loud = envelope(person, window=0.03)
        loud = loud - np.convolve(loud, np.hanning(45) / np.hanning(45).sum(), mode="same")
        power = np.abs(np.fft.rfft(loud * np.hanning(len(loud)), 2048))
        hertz = np.fft.rfftfreq(2048, 0.01)
        usual = (hertz > 2) & (hertz < 12)
        rates.append(hertz[usual][np.argmax(power[usual])])
    assert 4.0 <= np.median(rates) <= 6.0
    assert np.mean([(3.5 < rate < 6.5) for rate in rates]) > 0.85
    assert np.std(rates) > 0.1, "they do not laugh in step"


@pytest.mark.parametrize(("kind", "count"), [("laugh", 28), ("chuckle", 16), ("aww", 16), ("ooh", 16)])
def test_the_people_are_data_of_equal_loudness_and_all_different(kind, count):
    people = recorded_people(kind)
    assert len(people) == count
    assert [loudness_of(person) for person in people] == pytest.approx([-20] * count, abs=0.2)
    assert all(0.4 < len(person) / SAMPLE_RATE < 3.2 for person in people)
    shortest = min(map(len, people))
    likeness = np.corrcoef(np.stack([person[:shortest] for person in people]))
    assert np.abs(likeness - np.eye(count)).max() < 0.5


def test_laughing_needs_no_speaker():
    check = (
        "import sys; sys.modules['hibari'] = None; sys.modules['onnxruntime'] = None\n"
        "from flows.studio.sound.laughs import make_laugh\n"
        "assert make_laugh('big', seconds=1.0, seed=1).any()"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_applause_is_many_hands_without_a_pitch():
    mono = make_laugh("applause", seconds=2.5, seed=1).mean(axis=1)
    power = np.abs(np.fft.rfft(mono)) ** 2
    flatness = np.exp(np.log(power[2000:6000] + 1e-12).mean()) / power[2000:6000].mean()
    assert flatness > 0.1
    middle = envelope(mono)[60:150]
    assert middle.min() > 0.1 * middle.max(), "there are holes in it"


def test_an_unknown_size_is_refused_with_the_list():
    with pytest.raises(StudioError, match="small, big, aww, ooh, applause, got 'huge'"):
        make_laugh("huge", seconds=1, seed=1)
