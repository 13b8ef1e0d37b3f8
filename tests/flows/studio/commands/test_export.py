"""An editor opens the timeline: the same cuts, the same length, every stem in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.studio.commands import export
from flows.studio.rates import SAMPLES_PER_FRAME
from flows.studio.release import otio
from flows.studio.timeline.model import (
    Caption,
    EffectCue,
    LaughCue,
    LineCue,
    MusicCue,
    PictureCut,
    SoundCue,
    Span,
    Timeline,
    Transition,
)
from scripts_llm.screenplay.premise import Audio

FRAMES = 72


def timeline_of(folder):
    voice = folder / "voice.wav"
    soundfile.write(voice, 0.1 * np.sin(np.arange(48_000) * 0.05).astype(np.float32), 48_000)
    return Timeline(
        1280,
        720,
        (Span("s01", 0, 48, "scene"), Span("credits", 48, FRAMES, "credits")),
        (
            PictureCut("s01", "s01.1", 0, 30, folder / "clips/s01.1-aa.mp4", (0,) * 30),
            PictureCut("s01", "s01.2", 30, 48, folder / "clips/s01.2-bb.mp4", (0,) * 18),
            PictureCut("credits", "credits", 48, FRAMES, None, card="credits"),
        ),
        (LineCue("s01", "joe", "Is it?", 2, 26, voice, num_samples=48_000),),
        (LaughCue(26, 50, "small", 7),),
        (MusicCue("bed", 0, 48, 3),),
        (Caption(2, 30, "Is\nit?", "joe"),),
        title="A Show\nOne",
        sounds=(SoundCue("s01", "door", 40, 44, 8_000),),
        effects=(EffectCue("s01", "zoom", 0, 48, 1.1),),
        transitions=(Transition("fade_in", 0, 12),),
    )


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("an episode's folder")
    timeline = timeline_of(folder)
    (folder / "stems").mkdir()
    stems = export.write_stems(timeline, Audio(), folder / "stems", seed=1)
    segments = {span.id: folder / f"segments/{span.id}-aa.mp4" for span in timeline.spans}
    otio.write_otio(timeline, folder / "episode.otio", segments=segments, stems=stems)
    return folder


def test_opentimelineio_opens_it_with_every_cut(handed):
    library = pytest.importorskip("opentimelineio")
    opened = library.adapters.read_from_file(str(handed / "episode.otio"))
    assert opened.name == "A Show: One"
    assert opened.duration() == library.opentime.RationalTime(FRAMES, 24)
    (film,) = opened.video_tracks()
    assert [clip.name for clip in film] == ["s01.1", "s01.2", "credits"]
    places = [film.range_of_child(clip) for clip in film]
    assert [(p.start_time.value, p.duration.value) for p in places] == [(0, 30), (30, 18), (48, 24)]
    assert [clip.source_range.start_time.value for clip in film] == [0, 30, 0]
    assert all(clip.available_range().duration.rate == 24 for clip in film)
    assert film[0].media_reference.target_url == "segments/s01-aa.mp4"
    told = {(m.name, m.comment, m.marked_range.start_time.value, m.color) for m in film.markers}
    assert told == {("Is / it?", "joe", 2, "CYAN"), ("zoom", "s01", 0, "PINK"), ("fade_in", "", 0, "PINK")}


def test_every_stem_is_a_track_as_long_as_the_film(handed):
    library = pytest.importorskip("opentimelineio")
    opened = library.adapters.read_from_file(str(handed / "episode.otio"))
    tracks = opened.audio_tracks()
    assert [track.name for track in tracks] == ["Dialogue", "Music", "Effects", "Laughs"]
    for track in tracks:
        (clip,) = track
        wav = Path(handed, library.url_utils.filepath_from_url(clip.media_reference.target_url))
        found = soundfile.info(wav)
        assert (found.frames, found.samplerate, found.channels) == (FRAMES * SAMPLES_PER_FRAME, 48_000, 2)
        assert clip.duration().value == found.frames
    assert [(m.name, m.marked_range.start_time.value) for m in tracks[0].markers] == [("Is it?", 2)]
    assert [m.name for track in tracks[1:] for m in track.markers] == ["bed", "door", "small"]


def test_a_stem_has_its_own_sound_and_no_other(handed):
    heard = {name: soundfile.read(handed / f"stems/{name}.wav")[0] for name in export.STEMS}
    line = slice(2 * SAMPLES_PER_FRAME, 26 * SAMPLES_PER_FRAME)
    laugh = slice(27 * SAMPLES_PER_FRAME, 48 * SAMPLES_PER_FRAME)
    assert np.abs(heard["dialogue"][line]).max() > 0.05
    assert np.abs(heard["dialogue"][laugh]).max() == 0
    assert np.abs(heard["laughs"][laugh]).max() > 0.01
    assert np.abs(heard["laughs"][line]).max() == 0
    assert np.abs(heard["music"]).max() > 0.01
