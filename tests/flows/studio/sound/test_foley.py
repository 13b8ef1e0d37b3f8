"""Sound effects: short, level, without clicks, and each with the marks of what it is."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLE_RATE
from flows.studio.sound import foley
from scripts_llm.screenplay.script import SoundName


def spectrum(samples):
    mono = samples.mean(axis=1)
    return np.fft.rfftfreq(len(mono), 1 / SAMPLE_RATE), np.abs(np.fft.rfft(mono)) ** 2


def onsets(samples, *, least=0.35):
    """Where the loudness of 5 ms jumps up, in seconds."""
    size = SAMPLE_RATE // 200
    mono = samples.mean(axis=1)
    loud = np.sqrt(np.square(mono[: len(mono) // size * size]).reshape(-1, size).mean(axis=1))
    rise = np.diff(loud, prepend=0) / loud.max()
    peaks = [n for n in range(1, len(rise) - 1) if rise[n] > least and rise[n] >= rise[n - 1 : n + 2].max()]
    return np.array(peaks) / 200


def test_the_names_are_those_that_a_script_may_use():
    assert set(foley.EFFECTS) == set(get_args(SoundName))
    assert len(foley.EFFECTS) <= 6


@pytest.mark.parametrize("name", list(foley.EFFECTS))
def test_an_effect_is_short_level_in_stereo_and_without_clicks(name):
    samples = foley.make_effect(name)
    assert samples.ndim == 2
    assert 0.3 < len(samples) / SAMPLE_RATE < 3
    assert loudness_of(samples) == pytest.approx(-20, abs=0.5)
    assert np.abs(samples).max() < 0.96
    assert np.abs(samples[[0, -1]]).max() < 2e-3
    np.testing.assert_array_equal(samples, foley.make_effect(name))


def test_a_bleep_is_a_kilohertz():
    hertz, power = spectrum(foley.make_effect("bleep"))
    assert hertz[np.argmax(power)] == pytest.approx(1000, abs=5)


def test_a_knock_is_three_knocks_on_something_low():
    samples = foley.make_effect("knock")
    assert len(onsets(samples)) == 3
    hertz, power = spectrum(samples)
    assert power[hertz < 800].sum() > 0.7 * power.sum()


def test_a_phone_rings_twice_twenty_times_a_second():
    samples = foley.make_effect("phone")
    strikes = onsets(samples, least=0.1)
    gaps = np.diff(strikes)
    assert (gaps > 0.2).sum() == 1, "two rings with a pause"
    assert np.median(gaps) == pytest.approx(1 / 21, abs=0.01)


def test_a_bell_rings_out_and_a_door_does_not():
    def seconds_until_a_tenth(samples):
        loud = np.abs(samples).max(axis=1)
        return np.flatnonzero(loud > 0.1 * loud.max())[-1] / SAMPLE_RATE

    assert seconds_until_a_tenth(foley.make_effect("bell")) > 0.3
    assert seconds_until_a_tenth(foley.make_effect("door")) < 0.4


def test_a_splash_is_broad_and_dies_away():
    samples = foley.make_effect("splash")
    hertz, power = spectrum(samples)
    band = power[(hertz > 600) & (hertz < 4000)]
    assert np.exp(np.log(band + 1e-12).mean()) / band.mean() > 0.2, "a noise and no tone"
    half = len(samples) // 2
    assert np.square(samples[:half]).sum() > 20 * np.square(samples[half:]).sum()


def test_another_name_is_refused_with_the_list():
    with pytest.raises(StudioError, match="door, knock, phone, splash, bell, bleep or a file, got 'boom'"):
        foley.make_effect("boom")


@pytest.mark.parametrize("name", foley.EFFECTS)
def test_the_length_of_an_effect_is_known_before_it_is_made(name):
    assert foley.effect_samples(name) == len(foley.make_effect(name))
    assert foley.EFFECT_SAMPLES.keys() == foley.EFFECTS.keys()
