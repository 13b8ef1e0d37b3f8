"""Music: loops without a seam, themes that end, stings that fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLE_RATE
from flows.studio.sound import music


@pytest.fixture
def own_music(tmp_path: Path) -> music.Track:
    """A user's file: four seconds of a chord at another sample rate, one channel."""
    import soundfile

    time = np.arange(4 * 44_100) / 44_100
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6)) * 0.1
    path = tmp_path / "it's [our] tune, ж.wav"
    soundfile.write(path, chord.astype(np.float32), 44_100)
    return music.Track(path)


def test_every_track_is_in_the_package_under_a_free_licence():
    licence = music.choose_track("bed", seed=0).path.parents[1] / "LICENSE.txt"
    assert "MIT licence" in licence.read_text(encoding="utf-8")
    for kind in ("theme", "bed"):
        found = {music.choose_track(kind, seed=seed).path for seed in range(60)}
        assert len(found) == 6
        assert all(path.is_file() for path in found)


def test_a_bed_comes_round_without_a_click():
    piece = music.choose_track("bed", seed=1)
    once = music.bed(piece, start=0, num_samples=60 * SAMPLE_RATE)
    length = len(music._loop(piece))
    assert 20 * SAMPLE_RATE < length < 33 * SAMPLE_RATE
    steps = np.abs(np.diff(once, axis=0)).max(axis=1)
    assert steps[length - 20 : length + 20].max() <= np.delete(steps, slice(length - 20, length + 20)).max()
    np.testing.assert_array_equal(once[length : length + 500], once[:500])
    np.testing.assert_array_equal(music.bed(piece, start=length + 7, num_samples=50), once[7:57])


def test_a_loop_is_whole_bars():
    piece = music.choose_track("bed", seed=1)
    assert len(music._loop(piece)) % round(piece.beat * 4) == 0


@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_a_theme_fills_its_place_and_ends_in_silence(seconds):
    num_samples = round(seconds * SAMPLE_RATE)
    theme = music.theme(music.choose_track("theme", seed=4), num_samples=num_samples)
    assert theme.shape == (num_samples, 2)
    assert loudness_of(theme) == pytest.approx(music.MUSIC_LUFS, abs=1.5)
    assert np.abs(theme[-480:]).max() < 0.01 * np.abs(theme).max()
    assert np.abs(theme[: SAMPLE_RATE // 2]).max() > 0.2 * np.abs(theme).max(), "it begins at once"


def test_stings_differ_by_seed_and_are_in_tune():
    low, other = (music.sting(num_samples=SAMPLE_RATE, seed=seed) for seed in (1, 2))
    assert low.shape == (SAMPLE_RATE, 2)
    assert np.any(low != other)
    assert np.abs(low[-100:]).max() < 0.003
    string = music._plucked(440.0, 2 * SAMPLE_RATE, np.random.default_rng(1))
    power = np.abs(np.fft.rfft(string, 8 * SAMPLE_RATE))
    assert np.argmax(power[: 600 * 8]) / 8 == pytest.approx(440, rel=0.004)


def test_the_users_own_file_is_music_of_any_rate_and_name(own_music):
    samples = audio.read_music(own_music.path)
    assert samples.shape[1] == 2
    assert len(samples) == pytest.approx(4 * SAMPLE_RATE, abs=50)
    bed = music.bed(own_music, start=0, num_samples=10 * SAMPLE_RATE)
    steps = np.abs(np.diff(bed, axis=0))
    assert steps.max() < 4 * np.median(steps[steps > 0]), "the chord's loop clicks"
    assert len(music.theme(own_music, num_samples=SAMPLE_RATE)) == SAMPLE_RATE


def test_a_missing_file_and_one_that_is_no_sound_are_named(tmp_path):
    with pytest.raises(StudioError, match=r"nowhere\.mp3: no such music file"):
        audio.read_music(tmp_path / "nowhere.mp3")
    letter = tmp_path / "letter.mp3"
    letter.write_text("Dear Joe, this is not music.")
    with pytest.raises(StudioError, match=r"letter\.mp3: wanted a file with sound"):
        audio.read_music(letter)
