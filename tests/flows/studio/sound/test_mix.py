"""The mix: everything in its place, at its level, and the whole at the episode's loudness."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.media import audio
from flows.studio.media.ffmpeg import AAC_OPTIONS
from flows.studio.media.loudness import loudness_of, measure_file
from flows.studio.rates import SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.sound import foley, mix
from flows.studio.sound.stems import make_stems, write_stems
from flows.studio.timeline.model import LaughCue, LineCue, MusicCue, SoundCue, Span, Timeline
from flows.studio.voice.catalog import VOICES
from flows.studio.voice.speak import speak
from scripts_llm.screenplay.premise import Audio, LaughTrack

SAID = (
    ("joe", "frank", "Is it supposed to blink?"),
    ("don", "tom", "Everything blinks, Joe."),
    ("joe", "frank", "I sold it to a man who says it winked at him."),
    ("ann", "rosa", "No."),
)


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """Four lines, two laughs, a title, a bed, a sting and credits in about seventeen seconds."""
    folder = tmp_path_factory.mktemp("voices")
    lines, laughs, at = [], [], 12
    for number, (who, voice, text) in enumerate(SAID):
        spoken, wav = speak(text, VOICES[voice].settings), folder / f"{number}.wav"
        audio.write_wav(wav, spoken.samples)
        end = at - (-len(spoken.samples) // SAMPLES_PER_FRAME)
        lines.append(LineCue("s01", who, text, at, end, wav))
        at = end + 6
        if number in (1, 3):
            laughs.append(LaughCue(at - 4, at + 36, "big" if number == 3 else "small", seed=number))
            at += 50
        if number == 1:
            title = (at, at + 60)
            at += 72
    end = at + 30
    music = (
        MusicCue("bed", 0, title[0], 5), MusicCue("title", *title, 1), MusicCue("bed", title[1], at, 5),
        MusicCue("sting", at, end, 3), MusicCue("credits", end, end + 72, 1),
    )  # fmt: skip
    spans = (
        Span("s01", 0, title[0], "scene"), Span("title", *title, "title"),
        Span("s02", title[1], end, "scene"), Span("credits", end, end + 72, "credits"),
    )  # fmt: skip
    return Timeline(1280, 720, spans, (), tuple(lines), tuple(laughs), music, ())


@pytest.fixture(scope="module")
def whole(episode: Timeline) -> dict[str, np.ndarray]:
    """Every stem from beginning to end."""
    length = episode.num_frames * SAMPLES_PER_FRAME
    return {name: stem(0, length) for name, stem in make_stems(episode, Audio(), seed=1).items()}


def part(samples, cue):
    return samples[cue.start * SAMPLES_PER_FRAME : cue.end * SAMPLES_PER_FRAME]


@pytest.fixture(scope="module")
def mastered(episode: Timeline, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, mix.MixReport]:
    """The episode's sound for the web, in a folder of its own with a difficult name."""
    out = tmp_path_factory.mktemp("a master, [it's] ж") / "m.wav"
    return out, mix.master(episode, Audio(), out, seed=1)


def test_the_master_has_the_exact_length_and_what_the_report_says(episode, mastered):
    out, report = mastered
    assert soundfile.info(out).frames == episode.num_frames * SAMPLES_PER_FRAME == report.num_samples
    assert (soundfile.info(out).channels, soundfile.info(out).subtype) == (2, "PCM_24")
    assert measure_file(out)[0] == pytest.approx(report.loudness_lufs, abs=0.1)
    assert report.loudness_lufs == pytest.approx(-14, abs=0.5)
    assert [path.name for path in out.parent.iterdir()] == ["m.wav"]


def test_the_loudness_and_the_peak_hold_after_the_films_encode(episode, mastered, tmp_path):
    track = tmp_path / "m.m4a"
    report = mix.master(episode, Audio(), tmp_path / "m.wav", seed=1, encoded=track)
    assert report == mastered[1]
    loudness, peak = measure_file(track)
    assert loudness == pytest.approx(-14, abs=0.5)
    assert peak <= -1
    assert (loudness, peak) == pytest.approx((report.loudness_lufs, report.true_peak_dbtp), abs=0.01)
    film = tmp_path / "film.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{mastered[0]}", *AAC_OPTIONS]
    subprocess.run([*command, film], check=True)
    assert measure_file(film) == pytest.approx((loudness, peak), abs=0.01)


def test_another_loudness_is_reached_too(episode, tmp_path):
    mix.master(episode, Audio(loudness="ebu"), tmp_path / "m.wav", seed=1)
    assert measure_file(tmp_path / "m.wav")[0] == pytest.approx(-23, abs=0.5)
    assert mix.TARGETS_LUFS["podcast"] == -16


def test_the_same_seed_gives_the_same_master(episode, mastered, tmp_path):
    mix.master(episode, Audio(), tmp_path / "again.wav", seed=1)
    assert (tmp_path / "again.wav").read_bytes() == mastered[0].read_bytes()


def test_a_line_begins_at_its_frame_to_the_sample(episode, whole):
    for cue in episode.lines:
        voice = audio.read_voice(cue.wav)
        placed = whole["dialogue"][cue.start * SAMPLES_PER_FRAME :][: len(voice)]
        inside = slice(600, len(voice) - 600)  # between the edges
        np.testing.assert_allclose(placed[inside, 0], voice[inside] * np.sqrt(0.5), atol=1e-6)
        np.testing.assert_array_equal(placed[:, 0], placed[:, 1])


def test_laughs_lie_six_to_ten_lu_under_the_dialogue(episode, whole):
    dialogue = loudness_of(whole["dialogue"])
    for cue in episode.laughs:
        assert 6 <= dialogue - loudness_of(part(whole["laughs"], cue)) <= 10


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_so_they_do_at_every_level(episode, level):
    stem = make_stems(episode, Audio(laugh_track=LaughTrack(level=level)), seed=1)["laughs"]
    cue = episode.laughs[1]
    heard = loudness_of(stem(cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME))
    assert 6 <= -18 - heard <= 10


@pytest.mark.parametrize("duck_db", [0, 12])
def test_the_bed_under_a_line_lies_at_least_eight_lu_lower(episode, duck_db):
    length = episode.num_frames * SAMPLES_PER_FRAME
    music = make_stems(episode, Audio(duck_db=duck_db), seed=1)["music"](0, length)
    for cue in episode.lines:
        under = part(music, cue)
        assert np.any(under)
        assert -18 - loudness_of(under) >= 8


def test_the_bed_goes_down_by_what_the_premise_says(episode):
    length = episode.num_frames * SAMPLES_PER_FRAME
    plain, ducked = (make_stems(episode, Audio(duck_db=db), seed=1)["music"](0, length) for db in (0, 12))
    middle = part(ducked, episode.lines[0])[4000:-4000] / np.float32(10 ** (-12 / 20))
    np.testing.assert_allclose(middle, part(plain, episode.lines[0])[4000:-4000], atol=1e-5)


def test_stems_asked_for_in_pieces_are_the_same_as_in_one(episode, whole):
    pieces = make_stems(episode, Audio(), seed=1)
    edges = [0, 30_001, 200_000, 200_001, 431_000, episode.num_frames * SAMPLES_PER_FRAME]
    for name, stem in pieces.items():
        joined = np.concatenate([stem(a, b) for a, b in itertools.pairwise(edges)])
        np.testing.assert_allclose(joined, whole[name], atol=1e-6)


def test_nothing_clicks(episode, whole):
    for name, cues in (("dialogue", episode.lines), ("laughs", episode.laughs), ("music", episode.music)):
        steps = np.abs(np.diff(whole[name], axis=0)).max(axis=1)
        places = [at * SAMPLES_PER_FRAME for cue in cues for at in (cue.start, cue.end)]
        joins = max(steps[max(0, at - 10) : at + 10].max(initial=0) for at in places)
        assert joins <= 0.25 * steps.max(), name


def test_without_a_laugh_track_nobody_laughs(episode):
    stem = make_stems(episode, Audio(laugh_track="off"), seed=1)["laughs"]
    assert not stem(0, episode.num_frames * SAMPLES_PER_FRAME).any()


def test_the_same_cue_twice_is_not_the_same_laugh_twice(episode):
    first = episode.laughs[0]
    again = dataclasses.replace(first, start=first.start + 60, end=first.end + 60)
    heard = make_stems(dataclasses.replace(episode, laughs=(first, again)), Audio(), seed=1)["laughs"]
    one, other = (
        heard(cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME)[:, 0] for cue in (first, again)
    )
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.3


def test_a_laugh_over_a_line_is_refused_and_leaves_nothing_behind(episode, tmp_path):
    line = episode.lines[2]
    over = dataclasses.replace(episode, laughs=(LaughCue(line.end - 1, line.end + 30, "big", 1),))
    with pytest.raises(StudioError, match=r"the big laugh at .* lies over joe's line 'I sold it"):
        mix.master(over, Audio(), tmp_path / "m.wav", seed=1)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_and_an_overlong_line_are_named_and_leave_nothing_behind(episode, tmp_path):
    line = episode.lines[0]
    missing = dataclasses.replace(line, wav=tmp_path / "gone.wav")
    with pytest.raises(StudioError, match=r"gone\.wav: wanted a spoken line"):
        mix.master(dataclasses.replace(episode, lines=(missing,)), Audio(), tmp_path / "m.wav", seed=1)
    squeezed = dataclasses.replace(line, end=line.start + 3)
    with pytest.raises(StudioError, match="assemble the timeline again"):
        mix.master(dataclasses.replace(episode, lines=(squeezed,)), Audio(), tmp_path / "m.wav", seed=1)
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_music_is_played_and_none_is_silence(episode, tmp_path):
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    own = tmp_path / "own.wav"
    soundfile.write(own, 0.3 * np.sin(2 * np.pi * 1234 * time), SAMPLE_RATE)
    length = episode.num_frames * SAMPLES_PER_FRAME
    heard = make_stems(episode, Audio(music=str(own)), seed=1)["music"](0, length)
    power = np.abs(np.fft.rfft(part(heard, episode.music[1])[:, 0]))
    loudest = np.argmax(power) * SAMPLE_RATE / len(part(heard, episode.music[1]))
    assert loudest == pytest.approx(1234, rel=0.01)
    assert not make_stems(episode, Audio(music="none"), seed=1)["music"](0, length).any()


def test_an_episode_without_a_sound_is_silent_and_whole(tmp_path: Path):
    silent = Timeline(1280, 720, (Span("s01", 0, 30, "scene"),), (), (), (), (), ())
    report = mix.master(silent, Audio(), tmp_path / "m.wav", seed=1)
    assert report.loudness_lufs == -70
    assert soundfile.info(tmp_path / "m.wav").frames == 60_000


def test_an_empty_timeline_is_refused(tmp_path):
    with pytest.raises(StudioError, match="at least one frame"):
        mix.master(Timeline(1280, 720, (), (), (), (), (), ()), Audio(), tmp_path / "m.wav", seed=1)


def test_a_disk_that_is_full_is_said_so_and_nothing_is_left(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise soundfile.LibsndfileError(2)

    (tmp_path / "old.wav").write_bytes(b"what was there before")
    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(StudioError, match=r"old\.wav: cannot write the sound .* is the disk full"):
        audio.write_wav(tmp_path / "old.wav", np.zeros(100, np.float32))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"what was there before"]


# ------------------------------------------------------------------------------------------ effects


def with_sounds(episode: Timeline, *cues: SoundCue) -> Timeline:
    return dataclasses.replace(episode, sounds=cues)


def test_an_effect_begins_at_its_frame_and_lies_under_the_dialogue(episode, whole):
    knock = foley.make_effect("knock")
    cue = SoundCue("s01", "knock", 100, 130, len(knock))
    heard = make_stems(with_sounds(episode, cue), Audio(), seed=1)["effects"](0, 200 * SAMPLES_PER_FRAME)
    assert not heard[: 100 * SAMPLES_PER_FRAME].any()
    placed = heard[100 * SAMPLES_PER_FRAME :][: len(knock)]
    assert np.corrcoef(placed[:, 0], knock[:, 0])[0, 1] > 0.999
    assert loudness_of(placed) == pytest.approx(-24, abs=0.5)


def test_an_effect_of_ones_own_is_as_loud_as_those_made_here(episode, tmp_path):
    path = tmp_path / "slam.wav"
    burst = np.random.default_rng(0).standard_normal(8_000) * np.exp(-np.arange(8_000) / 1_000) * 0.02
    soundfile.write(path, burst, 16_000)
    own = foley.read_own_effect(path)
    assert own.shape == (24_000, 2)
    assert loudness_of(own) == pytest.approx(loudness_of(foley.make_effect("door")), abs=1)
    cue = SoundCue("s01", "slam.wav-12345678", 10, 22, len(own), path)
    heard = make_stems(with_sounds(episode, cue), Audio(), seed=1)["effects"]
    assert heard(10 * SAMPLES_PER_FRAME, 22 * SAMPLES_PER_FRAME).any()


def test_the_stems_are_files_of_the_films_length_and_add_up_to_the_mix(episode, whole, tmp_path):
    cue = SoundCue("s01", "bell", 5, 50, len(foley.make_effect("bell")))
    paths = write_stems(with_sounds(episode, cue), Audio(), tmp_path, seed=1)
    assert set(paths) == {"dialogue", "laughs", "music", "effects"}
    for name, path in paths.items():
        samples, rate = soundfile.read(path, dtype="float32")
        assert (len(samples), rate) == (episode.num_frames * SAMPLES_PER_FRAME, SAMPLE_RATE)
        if name != "effects":
            np.testing.assert_allclose(samples, whole[name], atol=1e-5)
        else:
            assert samples.any()


@pytest.mark.parametrize("mood", ["nostalgic", "energetic"])
def test_a_mood_changes_theme_and_bed(episode, whole, mood):
    length = episode.num_frames * SAMPLES_PER_FRAME
    heard = make_stems(episode, Audio(mood=mood), seed=1)["music"](0, length)
    assert np.abs(np.corrcoef(heard[:, 0], whole["music"][:, 0])[0, 1]) < 0.5
    assert heard.any()
