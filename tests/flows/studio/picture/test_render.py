"""The cut writes exactly the timeline's frames, in the show's colours, and only what changed."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.media.clips import clip_hash, write_clip
from flows.studio.picture import render, sidecars
from flows.studio.picture.fit import fit_frames
from flows.studio.picture.render import (
    RenderOptions,
    join_segments,
    render_segment,
    segment_recipe,
    verify_film,
)
from flows.studio.timeline.framing import clip_frame_numbers
from flows.studio.timeline.model import Caption, EffectCue, PictureCut, Span, Timeline

WIDTH, HEIGHT = 320, 180


def drawn(seed, num_frames=6):
    """A small picture in which a bright square walks to the right."""
    frames = np.full((num_frames, 45, 80, 3), (60 + 20 * seed, 120, 160), np.uint8)
    for i, frame in enumerate(frames):
        frame[12:24, 8 + 8 * i : 20 + 8 * i] = (235, 200, 60)
    return frames


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for seed in (0, 1):
        write_clip(drawn(seed), 8, folder / f"{seed}.mp4")
    return [folder / "0.mp4", folder / "1.mp4"]


def film(clips, *, lengths=(25, 24), captions=(), gag=False, title=13):
    """A scene of two cuts, a title, and a scene of one."""
    a, b = lengths
    first = PictureCut("s01", "s01.1", 0, a, clips[0], clip_frame_numbers(6, a, "boomerang"))
    second = PictureCut("s01", "s01.2", a, a + b, clips[1], clip_frame_numbers(6, b, "boomerang"))
    if gag:
        second = replace(second, clip=None, frames=(), card="gag")
    now = a + b
    card = PictureCut("title", "title", now, now + title, None, card="title")
    last = PictureCut(
        "s02", "s02.1", now + title, now + title + 7, clips[1], clip_frame_numbers(6, 7, "loop")
    )
    spans = (
        Span("s01", 0, now, "scene"),
        Span("title", now, now + title, "title"),
        Span("s02", now + title, now + title + 7, "scene"),
    )
    cues = tuple(Caption(*cue) for cue in captions)
    return Timeline(WIDTH, HEIGHT, spans, (first, second, card, last), (), (), (), cues, title="A Show\nOne")


def decoded(path, width=WIDTH, height=HEIGHT):
    stream = ffmpeg.run(
        ["-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        doing="decoding",
    )
    return np.frombuffer(stream, np.uint8).reshape(-1, height, width, 3)


def children():
    """The command lines of processes that this one has started and not yet collected, by their numbers."""
    tasks = Path("/proc/self/task")
    found = [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    return {child: command_of(child) for child in found}


def started_since(others):
    """The children but for those that earlier tests have left: a server stays to the end of the process."""
    return {child: command for child, command in children().items() if child not in others}


def command_of(process):
    """The command line of a process, empty once it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def test_a_segment_has_every_frame_of_its_cuts_held_for_three_and_never_blended(clips, tmp_path):
    timeline = film(clips)
    render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4")
    frames = decoded(tmp_path / "a.mp4")
    assert len(frames) == 49
    large = [fit_frames(drawn(seed), width=WIDTH, height=HEIGHT).astype(int) for seed in (0, 1)]
    for n, frame in enumerate(frames):
        picture = timeline.pictures[0] if n < 25 else timeline.pictures[1]
        wanted = large[picture is timeline.pictures[1]][picture.frames[n - picture.start]]
        assert np.abs(frame.astype(int) - wanted).mean() < 4, n


def test_clips_that_are_played_forwards_are_read_at_most_two_at_a_time(tmp_path):
    """Of a gigabyte of one's own film one frame is in memory; a clip that comes again begins anew."""
    colours = [(200, 40, 40), (40, 160, 40), (40, 40, 200)]
    for name, colour in enumerate(colours):
        write_clip(np.full((40, 45, 80, 3), colour, np.uint8), 24, tmp_path / f"{name}.mp4")
    cuts = [
        PictureCut(
            "s01", f"s01.{n}", n * 6, n * 6 + 6, tmp_path / f"{clip}.mp4", tuple(range(6)), source="file"
        )
        for n, clip in enumerate((0, 1, 2, 0))
    ]
    span, most, others = Span("s01", 0, 24, "scene"), [], children().keys()
    timeline = Timeline(WIDTH, HEIGHT, (span,), tuple(cuts), (), (), (), (), title="A Show")
    render_segment(
        timeline, span, tmp_path / "a.mp4", progress=lambda *_: most.append(len(started_since(others)))
    )
    seen = decoded(tmp_path / "a.mp4")[:, HEIGHT // 2, WIDTH // 2].astype(int)
    wanted = [colours[clip] for clip in (0, 1, 2, 0) for _ in range(6)]
    assert np.abs(seen - wanted).max() <= 4
    assert max(most) <= 3, "two that are read, and the one that writes"
    assert started_since(others) == {}


def test_clips_of_other_film_models_are_enlarged_by_lanczos_and_known_as_such(clips, tmp_path):
    timeline = film(clips)
    span = timeline.spans[0]
    other = replace(timeline, pictures=tuple(replace(cut, source="model") for cut in timeline.pictures))
    assert "source" not in json.dumps(segment_recipe(timeline, span))
    assert segment_recipe(other, span) != segment_recipe(timeline, span)
    render_segment(other, span, tmp_path / "a.mp4")
    wanted = fit_frames(drawn(0)[:1], width=WIDTH, height=HEIGHT, is_drawn=False)[0].astype(int)
    network = fit_frames(drawn(0)[:1], width=WIDTH, height=HEIGHT)[0].astype(int)
    seen = decoded(tmp_path / "a.mp4")[0].astype(int)
    assert np.abs(seen - wanted).mean() < np.abs(seen - network).mean()


def test_a_watermark_is_hidden_where_a_film_model_filmed_and_known_when_asked(clips, tmp_path):
    timeline = film(clips)
    scene, title, _ = timeline.spans
    plain = segment_recipe(timeline, scene)
    assert "watermark" not in plain
    assert segment_recipe(timeline, scene, options=RenderOptions(watermark="crop")) == {
        **plain,
        "watermark": ["crop"],
    }
    bug = RenderOptions(watermark="bug", show="A Show")
    assert segment_recipe(timeline, scene, options=bug) == {**plain, "watermark": ["bug", "A Show"]}
    assert segment_recipe(timeline, title, options=bug) == segment_recipe(timeline, title)
    own = replace(timeline, pictures=tuple(replace(cut, source="file") for cut in timeline.pictures))
    assert segment_recipe(own, scene, options=bug) == segment_recipe(own, scene)
    render_segment(timeline, scene, tmp_path / "a.mp4", options=bug)
    render_segment(timeline, scene, tmp_path / "b.mp4")
    render_segment(own, scene, tmp_path / "c.mp4", options=bug)
    seen, without, of_ones_own = (decoded(tmp_path / f"{name}.mp4")[30].astype(int) for name in "abc")
    assert np.abs(seen - without)[124:140, 100:220].mean() > 30
    assert np.abs(seen - without)[:90].mean() < 3
    assert np.abs(of_ones_own - without)[124:140, 100:220].mean() < 6, "the enlarging, and no badge"


def test_clips_of_other_film_models_are_smoothed_when_asked_and_toons_never(tmp_path):
    place = np.arange(80)[None, :]
    frames = np.empty((6, 45, 80, 3), np.uint8)
    for i, frame in enumerate(frames):
        frame[:] = (128 + 90 * np.sin((place - 3 * i) / 9))[..., None]
    write_clip(frames, 8, tmp_path / "clip.mp4")
    toon = PictureCut("s01", "s01.1", 0, 30, tmp_path / "clip.mp4", clip_frame_numbers(6, 30, "boomerang"))
    spans = (Span("s01", 0, 30, "scene"),)

    def timeline(source):
        return Timeline(WIDTH, HEIGHT, spans, (replace(toon, source=source),), (), (), (), ())

    smooth = RenderOptions(smooth=True)
    steps = {}
    for name, source, look in (("a", "model", smooth), ("b", "model", RenderOptions()), ("c", None, smooth)):
        render_segment(timeline(source), spans[0], tmp_path / f"{name}.mp4", options=look)
        seen = decoded(tmp_path / f"{name}.mp4").astype(int)
        assert len(seen) == 30
        steps[name] = np.abs(np.diff(seen[:15], axis=0)).mean(axis=(1, 2, 3))
    assert steps["a"].min() > 2  # every frame moves on
    assert np.sort(steps["b"])[: 2 * 15 // 3 - 1].max() < 1  # two of three stand still
    assert np.sort(steps["c"])[: 2 * 15 // 3 - 1].max() < 1
    recipes = [
        segment_recipe(timeline(s), spans[0], options=look)
        for s in ("model", None)
        for look in (RenderOptions(), smooth)
    ]
    assert recipes[1] == {**recipes[0], "smooth": True}
    assert recipes[2] == recipes[3]


def test_captions_are_burned_in_their_own_frames_and_colours_alone(clips, tmp_path):
    timeline = film(clips, captions=[(7, 13, "Blink?", "joe"), (20, 49, "Yes, {it} \\does.", "don")])
    look = RenderOptions(colours={"joe": "#ffffff", "don": "#40ff40"})
    render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4", options=look)
    render_segment(timeline, timeline.spans[0], tmp_path / "b.mp4", options=RenderOptions(burned=False))
    differs = np.abs(decoded(tmp_path / "a.mp4").astype(int) - decoded(tmp_path / "b.mp4"))[:, 120:].max(
        axis=3
    )
    written = (differs > 90).sum(axis=(1, 2)) > 40
    assert np.flatnonzero(written).tolist() == [*range(7, 13), *range(20, 49)]
    frames = decoded(tmp_path / "a.mp4").astype(int)[:, 120:]
    assert frames[9].min(axis=2).max() > 235  # white is white
    green = frames[30][..., 1] - frames[30][..., ::2].max(axis=2)
    assert green.max() > 100


def test_a_card_stands_where_a_shot_failed(clips, tmp_path):
    timeline = film(clips, gag=True)
    render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4")
    frames = decoded(tmp_path / "a.mp4")
    assert len(frames) == 49
    assert np.abs(frames[30].astype(int) - render.draw_card(timeline, timeline.pictures[1])).mean() < 6


def episode(timeline, folder, *, seconds=None):
    segments = []
    for span in timeline.spans:
        segments.append(folder / f"seg-{span.id}.mp4")
        render_segment(timeline, span, segments[-1])
    samples = int(seconds * 48000) if seconds else timeline.num_frames * 2000
    tone = 0.2 * np.sin(np.arange(samples) * 0.05)
    soundfile.write(folder / "master.wav", np.stack([tone, tone], axis=1), 48000)
    join_segments(segments, folder / "master.wav", folder / "episode.mp4", metadata={"title": "A Show"})
    return folder / "episode.mp4"


def test_an_episode_is_joined_without_losing_a_frame_under_any_path(clips, tmp_path, monkeypatch):
    odd = tmp_path / "it's, [a] 'Кот': 100% \\ of;it"
    (odd / "tmp").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(odd / "tmp"))
    timeline = film(clips, captions=[(3, 20, "Blink?", "joe")])
    path = episode(timeline, odd)
    found = verify_film(path, timeline)
    assert (found.num_frames, found.num_samples) == (timeline.num_frames, timeline.num_frames * 2000)
    assert len(decoded(path)) == timeline.num_frames
    assert [kept.name for kept in (odd / "tmp").iterdir()] == []
    assert not list(odd.glob("*.part"))
    head = path.read_bytes()[:4096]
    assert b"moov" in head  # the index comes first, a browser can begin to play
    notes = ffmpeg.run(["-i", str(path), "-f", "ffmetadata", "-"], doing="notes").decode()
    assert "comment=AI-generated" in notes
    assert "title=A Show" in notes


def test_sound_that_is_encoded_already_is_copied_to_the_sample(clips, tmp_path):
    timeline = film(clips)
    made = episode(timeline, tmp_path)
    track = tmp_path / "master.m4a"
    ffmpeg.run(["-i", str(tmp_path / "master.wav"), *ffmpeg.AAC_OPTIONS, str(track)], doing="the encode")
    join_segments(
        [tmp_path / f"seg-{span.id}.mp4" for span in timeline.spans], track, tmp_path / "copied.mp4"
    )
    assert verify_film(tmp_path / "copied.mp4", timeline).num_samples == timeline.num_frames * 2000

    def heard(path):
        return ffmpeg.run(["-i", str(path), "-map", "0:a", "-f", "f32le", "-"], doing="listening")

    assert heard(tmp_path / "copied.mp4") == heard(made)


def test_captions_can_be_a_track_that_a_player_switches_on(clips, tmp_path):
    timeline = film(clips, captions=[(3, 20, "Blink?", "joe"), (25, 40, "It did.", "don")])
    sidecars.write_srt(timeline, tmp_path / "a.srt")
    segments = [tmp_path / f"{span.id}.mp4" for span in timeline.spans]
    for span, path in zip(timeline.spans, segments, strict=True):
        render_segment(timeline, span, path, options=RenderOptions(burned=False))
    wav = tmp_path / "a.wav"
    soundfile.write(wav, np.zeros((timeline.num_frames * 2000, 2)), 48000)
    join_segments(segments, wav, tmp_path / "a.mp4", soft=(tmp_path / "a.srt", "eng"))
    verify_film(tmp_path / "a.mp4", timeline)
    told = ffmpeg.run(["-i", str(tmp_path / "a.mp4"), "-map", "0:s:0", "-f", "srt", "-"], doing="reading")
    cues = [cue.split("\n") for cue in told.decode().strip().split("\n\n")]
    assert [cue[2] for cue in cues] == ["Blink?", "It did."]
    assert cues[0][1] == "00:00:00,125 --> 00:00:00,833"
    notes = ffmpeg.run(
        ["-i", str(tmp_path / "a.mp4"), "-map", "0:s", "-c", "copy", "-f", "ffmetadata", "-"], doing="notes"
    )
    assert b"language=eng" in notes


def test_a_scene_with_effects_is_encoded_with_them_and_its_own_frames_alone(clips, tmp_path):
    cues = (EffectCue("s01", "black_and_white", 0, 49, None), EffectCue("s01", "fade_in", 0, 6, None))
    timeline = replace(film(clips, captions=[(20, 40, "Blink?", "joe")]), effects=cues)
    render_segment(
        timeline, timeline.spans[0], tmp_path / "a.mp4", options=RenderOptions(colours={"joe": "#40ff40"})
    )
    frames = decoded(tmp_path / "a.mp4").astype(int)
    assert len(frames) == 49
    assert frames[0, :100].max() < 25
    colour = np.abs(frames[30] - frames[30].mean(axis=2, keepdims=True)).max(axis=2)
    assert colour[:100].max() < 12
    assert colour[120:].max() > 60  # captions are no part of the scene's picture


def test_sound_and_picture_that_end_apart_are_told(clips, tmp_path):
    timeline = film(clips)
    path = episode(timeline, tmp_path, seconds=2.0)
    with pytest.raises(
        StudioError, match=r"wanted sound that ends within a frame of the picture; got 69 frames"
    ):
        verify_film(path, timeline)
    longer = replace(timeline, spans=(*timeline.spans, Span("credits", 69, 80, "credits")))
    with pytest.raises(StudioError, match="wanted 80 frames; sound"):
        verify_film(path, longer)


def test_a_segment_that_breaks_off_leaves_no_file_and_no_process(clips, tmp_path):
    timeline, others = film(clips), children().keys()
    lost = replace(timeline.pictures[1], clip=tmp_path / "no.mp4")
    broken = replace(timeline, pictures=(timeline.pictures[0], lost, *timeline.pictures[2:]))
    with pytest.raises(StudioError, match=r"no\.mp4: wanted a clip"):
        render_segment(broken, broken.spans[0], tmp_path / "a.mp4")

    def interrupt(done, _):
        if done > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4", progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert started_since(others) == {}


def test_progress_counts_to_the_end(clips, tmp_path):
    timeline = film(clips)
    told = []
    render_segment(timeline, timeline.spans[2], tmp_path / "a.mp4", progress=lambda *now: told.append(now))
    assert told[-1] == (7, 7)
    assert sorted(set(told)) == [(n, 7) for n in range(1, 8)]


def test_a_folder_that_cannot_be_written_is_told_in_one_line(clips, tmp_path):
    (tmp_path / "file").write_text("")
    timeline = film(clips)
    with pytest.raises(StudioError, match=r"^[^\n]*a file lies where a folder belongs[^\n]*$"):
        render_segment(timeline, timeline.spans[2], tmp_path / "file" / "a.mp4")


def test_a_gap_in_the_picture_is_told(clips, tmp_path):
    timeline = replace(film(clips), pictures=film(clips).pictures[1:])
    with pytest.raises(StudioError, match="s01: the timeline has no picture"):
        render_segment(timeline, timeline.spans[0], tmp_path / "a.mp4")


def test_a_segments_recipe_does_not_hang_on_where_it_stands(clips):
    early, late = film(clips, lengths=(25, 24)), film(clips, lengths=(31, 40))
    assert segment_recipe(early, early.spans[2]) == segment_recipe(late, late.spans[2])
    assert segment_recipe(early, early.spans[0]) != segment_recipe(late, late.spans[0])


def test_a_segments_recipe_changes_with_all_that_is_seen(clips, tmp_path):
    cue = (3, 20, "Blink?", "joe")
    timeline = film(clips, captions=[cue])
    span = timeline.spans[0]
    plain = segment_recipe(timeline, span)
    assert json.loads(json.dumps(plain)) == plain
    write_clip(drawn(4), 8, tmp_path / "new.mp4")
    others = [
        segment_recipe(film(clips, captions=[(3, 20, "Wink?", "joe")]), span),
        segment_recipe(film(clips, captions=[(3, 21, "Blink?", "joe")]), span),
        segment_recipe(film([tmp_path / "new.mp4", clips[1]], captions=[cue]), span),
        segment_recipe(film(clips, captions=[cue], gag=True), span),
        segment_recipe(replace(timeline, width=160), span),
        segment_recipe(timeline, span, options=RenderOptions(style="box")),
        segment_recipe(timeline, span, options=RenderOptions(burned=False)),
        segment_recipe(timeline, span, options=RenderOptions(colours={"joe": "#ff0000"})),
    ]
    told = [json.dumps(recipe) for recipe in (plain, *others)]
    assert len(set(told)) == len(told)
    assert (
        segment_recipe(timeline, span, options=RenderOptions(colours={"don": "#ff0000"})) == plain
    )  # who is silent here


def test_speakers_without_a_colour_of_their_own_get_one_by_their_place_in_the_cast(clips):
    cues = [(3, 20, "Blink?", "joe"), (20, 40, "No.", "don")]
    timeline = replace(film(clips, captions=cues), names={"don": "The Don", "joe": "Joe"})
    colours = segment_recipe(timeline, timeline.spans[0])["colours"]
    alone = replace(timeline, captions=timeline.captions[:1])
    assert colours["joe"] != colours["don"]
    assert segment_recipe(alone, alone.spans[0])["colours"] == {"joe": colours["joe"]}


def test_a_clips_hash_is_that_of_its_bytes_even_after_a_retake(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    before = clip_hash(path)
    path.write_bytes(b"other")
    assert clip_hash(path) != before
    with pytest.raises(StudioError, match="gone"):
        clip_hash(tmp_path / "gone.mp4")
