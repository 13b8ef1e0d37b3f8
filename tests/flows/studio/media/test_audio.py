"""Sounds that people bring: more channels than two, opposite phase, odd rates, broken numbers, odd files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.media import audio, ffmpeg
from flows.studio.media.audio import Samples
from flows.studio.sound import foley, music
from flows.studio.voice import speak

HALF = 0.5**0.5


def _tone(seconds: float = 0.3, rate: int = 48_000) -> np.ndarray:
    return 0.25 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def _in_one_channel(path: Path, layout: str, channel: str) -> Path:
    """A file of that layout with a tone in one of its channels."""
    graph = f"sine=f=440:d=0.3:r=48000,pan={layout}|{channel}=c0"
    coder = {".wav": ["-c:a", "pcm_f32le"], ".flac": ["-c:a", "flac"]}.get(path.suffix, [])
    ffmpeg.run(["-y", "-f", "lavfi", "-i", graph, *coder, str(path)], doing="writing")
    return path


def _level(samples: Samples) -> list[float]:
    """How loud each channel is, against the tone (`sine` has an eighth of full scale)."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    return [round(float(x), 2) for x in np.sqrt(np.square(middle).mean(axis=0)) / (0.125 * HALF)]


@pytest.mark.parametrize(
    ("layout", "channel", "wanted"),
    [
        ("5.1", "FL", (1, 0)),
        ("5.1", "FR", (0, 1)),
        ("5.1", "FC", (HALF, HALF)),
        ("5.1", "LFE", (0, 0)),  # as BS.775 leaves it to the loudspeaker
        ("5.1", "BL", (HALF, 0)),
        ("5.1(side)", "SR", (0, HALF)),
        ("3.0", "FC", (HALF, HALF)),
        ("quad", "BR", (0, HALF)),
        ("6.1", "BC", (0.5, 0.5)),
        ("7.1", "FC", (HALF, HALF)),
        ("7.1", "SL", (HALF, 0)),
        ("7.1", "BR", (0, HALF)),
        ("stereo", "FL", (1, 0)),
    ],
)
def test_every_channel_is_heard_where_bs775_puts_it(
    tmp_path: Path, layout: str, channel: str, wanted: tuple[float, float]
) -> None:
    file = _in_one_channel(tmp_path / "a.wav", layout, channel)
    samples = np.concatenate(list(audio.decode_sound(file)))
    assert samples.shape[1] == 2
    assert _level(samples) == pytest.approx(list(wanted), abs=0.02)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.ac3", "a.ogg", "a.mka", "a.opus"])
def test_the_voice_in_the_centre_is_heard_everywhere(tmp_path: Path, name: str) -> None:
    file = _in_one_channel(tmp_path / name, "5.1", "FC")
    assert np.abs(audio.read_effect(file)).max() > 0.04
    assert np.abs(foley.read_own_effect(file)).max() > 0.04
    assert np.abs(music.film_soundtrack(file, num_samples=9_600)).max() > 0.02
    assert np.abs(speak.read_recording(file).samples).max() > 0.04
    assert audio.sound_hash(file).endswith("-folded")


def test_a_wav_without_a_layout_has_the_usual_one(tmp_path: Path) -> None:
    """A WAV of eight or six channels whose header does not say which is which."""
    for count in (4, 6, 8):
        channels = np.zeros((4_800, count))
        channels[:, 2] = _tone(0.1)
        soundfile.write(tmp_path / "a.wav", channels, 48_000)
        assert np.abs(audio.read_effect(tmp_path / "a.wav")).max() == pytest.approx(0.25 * HALF, abs=0.01)


@pytest.mark.parametrize("count", [9, 11, 13])
def test_channels_of_no_known_layout_are_heard(tmp_path: Path, count: int) -> None:
    for channel in range(count):
        channels = np.zeros((4_800, count))
        channels[:, channel] = _tone(0.1)
        soundfile.write(tmp_path / "a.wav", channels, 48_000)
        assert np.abs(audio.read_effect(tmp_path / "a.wav")).max() > 0.01


def test_a_wav_as_a_server_streams_it_is_heard(tmp_path: Path) -> None:
    """Its header was written before anybody knew how long it would be."""
    soundfile.write(tmp_path / "a.wav", _tone(), 48_000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    at = content.find(b"data") + 4
    for size in (b"\xff\xff\xff\xff", bytes(4)):
        content[at : at + 4] = content[4:8] = size
        (tmp_path / "a.wav").write_bytes(content)
        assert len(audio.read_mono(tmp_path / "a.wav")) == pytest.approx(14_400, abs=10)


def test_one_and_two_channels_are_as_they_were(tmp_path: Path) -> None:
    tone = _tone().astype(np.float32)
    soundfile.write(tmp_path / "one.wav", tone, 48_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.read_effect(tmp_path / "one.wav"), np.stack([tone, tone], axis=1))
    both = np.stack([tone, 0.5 * tone], axis=1)
    soundfile.write(tmp_path / "two.wav", both, 48_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.read_effect(tmp_path / "two.wav"), both)
    np.testing.assert_array_equal(audio.read_mono(tmp_path / "two.wav"), both.mean(axis=1))
    for name in ("one.wav", "two.wav"):
        assert "-" not in audio.sound_hash(tmp_path / name)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_opposite_phase_is_heard(tmp_path: Path, share: float) -> None:
    tone = _tone().astype(np.float32)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -share * tone], axis=1), 48_000)
    line = audio.read_mono(tmp_path / "a.wav")
    assert np.abs(line).max() == pytest.approx(0.25 * (1 + share) / 2, abs=0.01)
    assert len(speak.read_recording(tmp_path / "a.wav").samples) > 9_600


@pytest.mark.parametrize("side", [0.0, 0.5, 1.0])
def test_ordinary_stereo_is_not_in_opposite_phase(side: float) -> None:
    rng = np.random.default_rng(1)
    middle, apart = rng.standard_normal((2, 4_800)) * [[1], [side]]
    left_only = np.stack([middle, 0 * middle], axis=1).astype(np.float32)
    assert not audio.is_in_opposite_phase(np.stack([middle + apart, middle - apart], 1).astype(np.float32))
    assert not audio.is_in_opposite_phase(left_only)
    assert not audio.is_in_opposite_phase(np.zeros((100, 2), np.float32))


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 192_000])
def test_every_rate_is_heard_at_its_pitch(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(0.5, rate), rate)
    line = audio.read_mono(tmp_path / "a.wav")
    assert len(line) == pytest.approx(24_000, abs=100)
    middle = line[6_000:18_000] * np.hanning(12_000)
    assert int(np.abs(np.fft.rfft(middle)).argmax()) == pytest.approx(110, abs=1)


def test_numbers_that_are_none_are_silence(tmp_path: Path) -> None:
    tone = _tone().astype(np.float32)
    tone[500], tone[600], tone[700], tone[800] = np.nan, np.inf, -np.inf, 1e30
    soundfile.write(tmp_path / "a.wav", tone, 48_000, subtype="FLOAT")
    effect = foley.read_own_effect(tmp_path / "a.wav")
    assert np.isfinite(effect).all()
    assert np.isfinite(speak.read_recording(tmp_path / "a.wav").samples).all()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.wav", b"", "got an empty file"),
        ("text.wav", b"hello, this is a text " * 40, "ffmpeg reads none there; try a wav or an mp3"),
        ("list.mp3", b"#EXTM3U\n#EXTINF:1,\nother.wav\n#EXT-X-ENDLIST\n", "ffmpeg reads none there"),
    ],
)
def test_a_file_without_sound_is_told_in_a_line(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    soundfile.write(tmp_path / "other.wav", _tone(), 48_000)
    for read in (audio.read_effect, audio.read_music, speak.read_recording):
        with pytest.raises(StudioError, match=told) as refused:
            read(tmp_path / name)
        assert refused.value.code == 2
        assert "\n" not in str(refused.value)


def test_a_film_without_sound_and_a_sound_without_samples_are_told(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    ffmpeg.run(["-y", "-f", "lavfi", "-i", "color=red:s=32x32:d=0.2", str(film)], doing="writing")
    with pytest.raises(StudioError, match="wanted a file with sound, found none in it"):
        audio.read_effect(film)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 48_000)
    with pytest.raises(StudioError, match="wanted a sound effect, got silence"):
        audio.read_effect(tmp_path / "none.wav")
    with pytest.raises(StudioError, match=r"wanted a spoken line in .*, got silence"):
        speak.read_recording(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", ["-c:a", "pcm_u8"]),
        ("a.wav", ["-c:a", "adpcm_ms"]),
        ("a.wav", ["-c:a", "pcm_mulaw", "-ar", "8000"]),
        ("a.wav", ["-c:a", "pcm_f64le"]),
        ("a.wav", ["-rf64", "always"]),
        ("a.m4a", ["-c:a", "alac"]),
        ("a.caf", []),
        ("a.au", []),
        ("a.wma", []),
        ("a.wv", []),
        ("a.3gp", ["-c:a", "aac"]),
    ],
)
def test_every_coding_is_heard(tmp_path: Path, name: str, options: list[str]) -> None:
    ffmpeg.run(["-y", "-f", "lavfi", "-i", "sine=d=0.5", *options, str(tmp_path / name)], doing="writing")
    assert len(audio.read_effect(tmp_path / name)) == pytest.approx(24_000, abs=2_000)


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.flac", "a.m4a", "a.wav"])
def test_a_sound_that_broke_off_is_heard_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    whole = tmp_path / f"whole-{name}"
    more = ["-movflags", "+faststart"] if name == "a.m4a" else []
    ffmpeg.run(["-y", "-f", "lavfi", "-i", "sine=d=2", *more, str(whole)], doing="writing")
    file = tmp_path / name
    file.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    assert 0.8 * 48_000 < len(audio.read_mono(file)) < 2 * 48_000


@pytest.mark.parametrize(
    "name", ["a.m4a", "a.flac", "a.ogg", "a.aiff", "a.opus", "a.webm", "a.mkv", "a.mov", "a"]
)
def test_a_sound_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    kind = ["-f", "wav"] if name == "a" else []
    ffmpeg.run(["-y", "-f", "lavfi", "-i", "sine=d=0.3", *kind, str(file)], doing="writing")
    assert len(audio.read_effect(file)) == pytest.approx(14_400, abs=2_000)
    renamed = file.rename(tmp_path / "renamed.wav")
    assert len(speak.read_recording(renamed).samples) > 9_600
