"""The meters agree with the standards and with other meters."""

from __future__ import annotations

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.limiter import HOP, ducking_gain, gain_at_samples, limiter_gain, merge_intervals
from flows.studio.media.loudness import (
    CONTEXT,
    LoudnessMeter,
    loudness_curve,
    loudness_of,
    measure_file,
    true_peaks,
)
from flows.studio.rates import SAMPLE_RATE


def tone(hertz, *, seconds, dbfs, phase=0.0):
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    one = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * time + phase)
    return np.repeat(one[:, None], 2, axis=1).astype(np.float32)


def test_a_tone_of_ebu_tech_3341_reads_as_it_should():
    assert loudness_of(tone(1000, seconds=5, dbfs=-23)) == pytest.approx(-23, abs=0.05)
    gated = np.concatenate([tone(1000, seconds=s, dbfs=d) for s, d in ((3, -36), (20, -23), (3, -36))])
    assert loudness_of(gated) == pytest.approx(-23, abs=0.1)


def test_pieces_of_any_length_are_measured_as_the_whole():
    samples = tone(300, seconds=3, dbfs=-12) * np.linspace(0.2, 1, 3 * SAMPLE_RATE)[:, None].astype(
        np.float32
    )
    meter = LoudnessMeter()
    for piece in np.split(samples, [7, 5000, 5001, 60_000, 100_123]):
        meter.add(piece)
    assert meter.loudness_lufs() == pytest.approx(loudness_of(samples), abs=0.01)


def test_a_file_is_measured_as_its_samples_are(tmp_path):
    rise = np.linspace(0.2, 1, 3 * SAMPLE_RATE)[:, None].astype(np.float32)
    for name, raw in {
        "rising": tone(300, seconds=3, dbfs=-12) * rise,
        "between": tone(SAMPLE_RATE / 4, seconds=3, dbfs=-6, phase=np.pi / 4) * rise,
        "noise": np.random.default_rng(1).standard_normal((SAMPLE_RATE, 2)).astype(np.float32) * 0.1,
    }.items():
        samples = audio.with_fades(raw)  # over a hard edge, each meter's filter swings in its own way
        audio.write_wav(tmp_path / f"{name}.wav", samples)
        loudness, peak = measure_file(tmp_path / f"{name}.wav")
        assert loudness == pytest.approx(loudness_of(samples), abs=0.1)
        padded = np.pad(samples, ((CONTEXT, CONTEXT), (0, 0)))
        peaks = true_peaks(padded, hop=HOP, context=CONTEXT)
        assert peak == pytest.approx(20 * np.log10(peaks.max()), abs=0.2)
    audio.write_wav(tmp_path / "silence.wav", np.zeros((SAMPLE_RATE, 2), np.float32))
    assert measure_file(tmp_path / "silence.wav") == (-70, -120)


def test_the_curve_has_a_value_a_second_from_the_first_one_on(tmp_path):
    steps = [tone(1000, seconds=s, dbfs=d) for s, d in ((4, -23), (4, -33), (1.5, -120))]
    audio.write_wav(tmp_path / "a.wav", np.concatenate(steps))
    curve = loudness_curve(tmp_path / "a.wav")
    assert len(curve) == 9
    assert curve[:4] == pytest.approx((-23, -23, -23, -23), abs=0.1)
    assert curve[6:8] == pytest.approx((-33, -33), abs=0.1)


def test_it_agrees_with_pyloudnorm():
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples = np.random.default_rng(1).standard_normal((4 * SAMPLE_RATE, 2)).astype(np.float32) * 0.05
    samples[SAMPLE_RATE:] *= 0.3
    assert loudness_of(samples) == pytest.approx(
        pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples), abs=0.1
    )


def test_a_sound_under_four_tenths_of_a_second_has_a_loudness_and_silence_has_none():
    assert loudness_of(tone(1000, seconds=0.2, dbfs=-23)) == pytest.approx(-23, abs=0.5)
    assert loudness_of(np.zeros(SAMPLE_RATE, np.float32)) == -70


def test_a_peak_between_the_samples_is_found():
    between = tone(SAMPLE_RATE / 4, seconds=0.5, dbfs=0, phase=np.pi / 4)
    assert np.abs(between).max() == pytest.approx(0.707, abs=0.001)
    peaks = true_peaks(between, hop=HOP)
    assert peaks[100:-100].max() == pytest.approx(1, abs=0.02)


def test_an_encoded_file_measures_like_ffmpegs_own_meter(tmp_path):
    path, encoded = tmp_path / "a b'.wav", tmp_path / "a.m4a"
    audio.write_wav(path, tone(997, seconds=4, dbfs=-9))
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", "-i", path, "-c:a", "aac", "-b:a", "192k", encoded], check=True)
    loudness, peak = measure_file(encoded)
    assert loudness == pytest.approx(-9, abs=0.2)
    assert peak == pytest.approx(-9, abs=0.5)


def test_a_file_without_sound_is_named(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(StudioError, match=r"note\.txt: wanted a file with sound"):
        measure_file(tmp_path / "note.txt")


def test_the_limiter_lets_nothing_pass_and_leaves_the_rest_alone():
    samples = tone(440, seconds=2, dbfs=-20)
    samples[SAMPLE_RATE : SAMPLE_RATE + 2000] *= 12
    curve = limiter_gain(true_peaks(samples, hop=HOP), gain=2.0, ceiling=0.5)
    limited = samples * 2 * gain_at_samples(curve, 0, len(samples))
    assert true_peaks(limited, hop=HOP).max() <= 0.505
    assert curve[:900].min() == 1.0
    assert curve[-100:].min() > 0.999
    assert np.abs(np.diff(curve)).max() < 0.2, "it moves in steps"


def test_a_duck_is_down_before_the_first_word_and_stays_down_over_a_short_pause():
    second = SAMPLE_RATE
    curve = ducking_gain(
        [(2 * second, 3 * second), (round(3.8 * second), 5 * second)],
        num_samples=8 * second, duck_db=12, attack=0.15, release=0.4, bridge=1.0,
    )  # fmt: skip
    down = 10 ** (-12 / 20)
    assert curve[:1849] == pytest.approx(1.0)
    assert curve[2000:5000] == pytest.approx(down)
    assert curve[5401:] == pytest.approx(1.0)
    assert merge_intervals([(0, second), (3 * second, 4 * second)], bridge=1.0) == [
        (0, second),
        (3 * second, 4 * second),
    ]
