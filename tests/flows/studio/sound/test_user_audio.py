"""A person's own music and laughs: found where they said, known by content, heard where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.media.loudness import loudness_of
from flows.studio.rates import SAMPLES_PER_FRAME
from flows.studio.sound import user_audio
from flows.studio.sound.stems import make_stems
from flows.studio.timeline.model import LaughCue, Span, Timeline
from scripts_llm.screenplay.premise import Audio, LaughTrack


@pytest.fixture
def show(tmp_path):
    """A folder with a theme and two laughs, one of them with silence before it."""
    (tmp_path / "laughs").mkdir()
    noise = 0.05 * np.random.default_rng(0).standard_normal((48_000, 2))
    soundfile.write(tmp_path / "theme.wav", noise, 24_000)
    soundfile.write(tmp_path / "laughs" / "big-1.wav", np.concatenate([0 * noise[:24_000], noise]), 48_000)
    soundfile.write(tmp_path / "laughs" / "small.wav", noise[:9_600, 0], 48_000)
    return tmp_path


OWN = Audio(music="theme.wav", laugh_track=LaughTrack(pack="laughs"))


def test_files_are_looked_for_beside_the_script_and_the_premise(show, tmp_path):
    found = user_audio.locate_audio(OWN, [tmp_path / "elsewhere", show])
    assert found.music == str(show / "theme.wav")
    assert isinstance(found.laugh_track, LaughTrack)
    assert found.laugh_track.pack == str(show / "laughs")
    assert user_audio.locate_audio(Audio(music="none"), []) == Audio(music="none")


def test_what_is_missing_is_named_with_its_key(show):
    with pytest.raises(StudioError, match=r"audio\.music: wanted the file no\.mp3"):
        user_audio.locate_audio(Audio(music="no.mp3"), [show])
    (show / "empty").mkdir()
    with pytest.raises(StudioError, match=r"audio\.laugh_track\.pack: wanted a folder .* got none at empty"):
        user_audio.locate_audio(Audio(laugh_track=LaughTrack(pack="empty")), [show])


def test_the_recipe_knows_files_by_content_and_not_by_place(show, tmp_path_factory):
    before = user_audio.audio_recipe(user_audio.locate_audio(OWN, [show]))
    moved = tmp_path_factory.mktemp("moved") / "show"
    show.rename(moved)
    assert user_audio.audio_recipe(user_audio.locate_audio(OWN, [moved])) == before
    soundfile.write(moved / "laughs" / "big-2.wav", np.full(9_600, 0.1), 48_000)
    assert user_audio.audio_recipe(user_audio.locate_audio(OWN, [moved])) != before


def test_what_is_folded_is_said_in_the_recipe(show):
    before = user_audio.audio_recipe(user_audio.locate_audio(OWN, [show]))
    assert "folded" not in before["music"]
    channels = np.zeros((48_000, 6))
    channels[:, 2] = 0.1 * np.sin(np.arange(48_000) / 20)
    soundfile.write(show / "theme.wav", channels, 48_000)
    soundfile.write(show / "laughs" / "big-1.wav", channels, 48_000)
    found = user_audio.locate_audio(OWN, [show])
    assert user_audio.audio_recipe(found)["music"].endswith("-folded")
    heard = user_audio.read_laugh(show / "laughs", "big", num_samples=40_000, seed=3)
    assert heard is not None
    assert np.abs(heard).max() > 0.02


def test_music_without_sound_is_told_before_anything_is_filmed(show):
    (show / "theme.wav").write_text("hello", "utf-8")
    with pytest.raises(StudioError, match=r"audio\.music: wanted music, got a file without sound") as told:
        user_audio.locate_audio(OWN, [show])
    assert told.value.code == 2


def test_an_audio_without_files_has_the_recipe_that_it_always_had():
    assert user_audio.audio_recipe(Audio()) == {
        "music": None, "duck_db": 12, "loudness": "web", "laugh_track": "on"
    }  # fmt: skip


def test_a_laugh_of_ones_own_begins_at_once_level_and_fades(show):
    heard = user_audio.read_laugh(show / "laughs", "big", num_samples=40_000, seed=3)
    assert heard is not None
    assert heard.shape == (40_000, 2)
    assert np.abs(heard[600:1_200]).max() > 0.02, "the silence before it is gone"
    assert np.abs(heard[-50:]).max() < 0.01
    assert loudness_of(heard) == pytest.approx(-20, abs=2.5)
    assert user_audio.read_laugh(show / "laughs", "aww", num_samples=40_000, seed=3) is None


def test_the_mix_laughs_with_them_and_makes_what_they_lack(show):
    cues = (LaughCue(0, 24, "big", 1), LaughCue(30, 60, "aww", 1))
    timeline = Timeline(64, 64, (Span("s01", 0, 72, "scene"),), (), (), cues, (), ())
    heard = make_stems(timeline, user_audio.locate_audio(OWN, [show]), seed=1)["laughs"](
        0, 72 * SAMPLES_PER_FRAME
    )
    made = make_stems(timeline, Audio(), seed=1)["laughs"](0, 72 * SAMPLES_PER_FRAME)
    big, aww = (slice(cue.start * SAMPLES_PER_FRAME, cue.end * SAMPLES_PER_FRAME) for cue in cues)
    assert not np.allclose(heard[big], made[big])
    np.testing.assert_array_equal(heard[aww], made[aww])
