"""The sound effects of a script: found, counted, refused where they are none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.sound import foley
from flows.studio.sound.scene_sounds import scene_sounds
from scripts_llm.screenplay.script import Scene, Script, SoundEffect


def script(*effects: SoundEffect) -> Script:
    scenes = (
        Scene(id="s01", slugline="INT. KITCHEN - DAY", sfx=effects),
        Scene(id="s02", slugline="EXT. SEA"),
    )
    return Script(title="Noise", scenes=scenes)


def test_a_named_sound_and_a_file_have_their_lengths(tmp_path):
    soundfile.write(tmp_path / "slam.wav", np.full(1_600, 0.1), 16_000)
    sounds = scene_sounds(
        script(SoundEffect(name="door", at="end"), SoundEffect(file="slam.wav", at=1.5)), places=[tmp_path]
    )
    assert list(sounds) == ["s01"]
    door, slam = sounds["s01"]
    assert (door.name, door.at, door.num_samples) == ("door", "end", len(foley.make_effect("door")))
    assert slam.name.startswith("slam.wav-")
    assert (slam.at, slam.num_samples, slam.file) == (1.5, 4_800, tmp_path / "slam.wav")


def test_another_content_under_the_same_name_is_another_sound(tmp_path):
    names = []
    for level in (0.1, 0.2):
        soundfile.write(tmp_path / "slam.wav", np.full(1_600, level), 16_000)
        (sound,) = scene_sounds(script(SoundEffect(file="slam.wav")), places=[tmp_path])["s01"]
        names.append(sound.name)
    assert names[0] != names[1]


def test_a_sound_of_many_channels_is_another_one_since_it_is_folded(tmp_path):
    channels = np.zeros((1_600, 6))
    channels[:, 2] = 0.1
    soundfile.write(tmp_path / "slam.wav", channels, 48_000)
    (sound,) = scene_sounds(script(SoundEffect(file="slam.wav")), places=[tmp_path])["s01"]
    assert sound.name.startswith("slam.wav-")
    assert sound.name.endswith("-folded")


def test_a_missing_and_a_silent_file_are_named(tmp_path):
    with pytest.raises(StudioError, match=r"s01: sfx: wanted the file no\.wav"):
        scene_sounds(script(SoundEffect(file="no.wav")), places=[tmp_path])
    soundfile.write(tmp_path / "silent.wav", np.zeros(1_600), 16_000)
    with pytest.raises(StudioError, match=r"silent\.wav: wanted a sound effect, got silence"):
        scene_sounds(script(SoundEffect(file="silent.wav")), places=[tmp_path])


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "door", "file": "a.wav"}, {"file": "a.exe"}, {"name": "boom"}]
)
def test_a_sound_is_one_name_or_one_sound_file(wrong):
    with pytest.raises(ValueError, match="SoundEffect"):
        SoundEffect(**wrong)
