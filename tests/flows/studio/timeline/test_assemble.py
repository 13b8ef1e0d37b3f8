"""The assembly keeps a comedy's timing, whatever the script."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio.errors import StudioError
from flows.studio.rates import FPS
from flows.studio.timeline import assemble
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import Timeline
from flows.studio.timeline.pacing import SceneMaterial, SpokenLine
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot

CAST = ("joe", "don", "ann")
LAUGHS = ("small", "big", "aww", "ooh", "applause", "none", None)
FITS = ("loop", "boomerang", "hold", "slow", "trim", None)


def shot(name, size="medium", who=None, *, fit=None, filmed=True):
    return Footage(
        name, Shot(size=size, prompt=name, who=who, fit=fit), Path(f"{name}.mp4") if filmed else None, 16
    )


def take(scene, *shots, seconds=1.5):
    spoken = tuple(
        SpokenLine(Path("v.wav"), int(seconds * 48000)) if isinstance(element, Line) else None
        for element in scene.dialogue
    )
    return SceneMaterial(scene, shots, spoken)


def scene(name, *dialogue, setting="kitchen", **more):
    return Scene(id=name, slugline="INT. KITCHEN - DAY", setting=setting, dialogue=dialogue, **more)


def line(who, text="Is it supposed to blink?", laugh=None, **more):
    return Line(who=who, line=text, laugh=laugh, **more)


def cut_together(*takes, **more) -> Timeline:
    more = {"width": 1280, "height": 720, "title": "A Show", "credits": ("Written by nobody",), **more}
    return assemble.assemble(takes, assemble.FilmFormat(**more))


words = st.text("abcdefgh ,.!", min_size=1, max_size=150).filter(str.strip)


@st.composite
def takes(draw, beats=True):
    made = []
    for number in range(draw(st.integers(1, 5))):
        elements = []
        for _ in range(draw(st.integers(0, 5))):
            laugh = draw(st.sampled_from(LAUGHS))
            if beats and draw(st.integers(0, 4)) == 0:
                elements.append(Beat(beat=draw(st.floats(0.1, 3)), laugh=laugh))
            else:
                pause = draw(st.sampled_from((None, None, 0.0, 1.2))) if beats else None
                elements.append(line(draw(st.sampled_from(CAST)), draw(words), laugh, pause_before=pause))
        shots = tuple(
            shot(
                f"s{number}.{k}",
                draw(st.sampled_from(("establishing", "medium", "close-up"))),
                draw(st.sampled_from((None, *CAST))),
                fit=draw(st.sampled_from(FITS)),
                filmed=draw(st.integers(0, 5)) > 0,
            )
            for k in range(draw(st.integers(0, 4)))
        )
        setting = draw(st.sampled_from(("kitchen", "street")))
        part = draw(st.sampled_from(("cold_open", "act_1", None)))
        made.append((scene(f"s{number}", *elements, setting=setting, part=part), shots))
    seconds = draw(st.floats(0.05, 6))
    return [take(one, *shots, seconds=seconds) for one, shots in made]


@settings(max_examples=80, deadline=None)
@given(takes(), st.integers(0, 9))
def test_spans_and_pictures_cover_every_frame_once(filmed, seed):
    timeline = cut_together(*filmed, seed=seed)
    for track in (timeline.spans, timeline.pictures):
        assert track[0].start == 0
        assert track[-1].end == timeline.num_frames
        assert all(a.end == b.start and a.start < a.end for a, b in pairwise(track))
    edges = {span.start for span in timeline.spans}
    starts = {picture.start for picture in timeline.pictures}
    assert edges <= starts  # no picture reaches over the end of a span
    assert timeline.num_frames == sum(span.end - span.start for span in timeline.spans)


@settings(max_examples=80, deadline=None)
@given(takes())
def test_a_clip_names_one_of_its_frames_for_every_frame_and_a_card_names_none(filmed):
    for picture in cut_together(*filmed).pictures:
        assert (picture.clip is None) == (picture.card is not None)
        assert len(picture.frames) == (0 if picture.clip is None else picture.end - picture.start)
        assert all(0 <= index < 16 for index in picture.frames)


@settings(max_examples=80, deadline=None)
@given(takes())
def test_lines_come_in_order_and_nobody_laughs_over_them(filmed):
    timeline = cut_together(*filmed)
    written = [element.line for one in filmed for element in one.scene.dialogue if isinstance(element, Line)]
    assert [cue.text for cue in timeline.lines] == written
    assert all(a.end <= b.start for a, b in pairwise(timeline.lines))
    for laugh in timeline.laughs:
        assert 0.8 * FPS <= laugh.end - laugh.start <= 3 * FPS
        assert all(cue.end <= laugh.start or cue.start >= laugh.end for cue in timeline.lines)
    assert all(a.end <= b.start for a, b in pairwise(timeline.laughs))


@settings(max_examples=80, deadline=None)
@given(takes(beats=False))
def test_of_two_lines_only_one_is_laughed_at_and_no_pause_is_long(filmed):
    timeline = cut_together(*filmed)
    laughed = [any(laugh.start == cue.end for laugh in timeline.laughs) for cue in timeline.lines]
    assert not any(a and b for a, b in pairwise(laughed))
    if any(not one.scene.dialogue for one in filmed):
        return  # a scene without a line is silent because it is written so
    heard = sorted((cue.start, cue.end) for cue in (*timeline.lines, *timeline.laughs))
    heard += [(span.start, span.end) for span in timeline.spans if span.kind != "scene"]
    heard.sort()
    until = 0
    for start, end in heard:
        assert start - until <= 0.8 * FPS
        until = max(until, end)


@settings(max_examples=60, deadline=None)
@given(takes())
def test_captions_are_in_order_inside_the_span_of_their_line(filmed):
    timeline = cut_together(*filmed)
    assert all(a.end <= b.start for a, b in pairwise(timeline.captions))
    for caption in timeline.captions:
        assert any(span.start <= caption.start < caption.end <= span.end for span in timeline.spans)
    assert " ".join(" ".join(c.text for c in timeline.captions).split()) == " ".join(
        word for cue in timeline.lines for word in cue.text.split()
    )


@settings(max_examples=60, deadline=None)
@given(takes())
def test_the_film_opens_cold(filmed):
    timeline = cut_together(*filmed)
    kinds = [span.kind for span in timeline.spans]
    assert kinds[0] == "scene"
    assert kinds.count("title") == 1
    if any(isinstance(element, Line) for element in filmed[0].scene.dialogue):
        assert timeline.lines[0].start <= 2 * FPS


def test_who_speaks_is_in_the_picture():
    shots = (shot("both"), shot("joe", "close-up", "joe"), shot("don", "close-up", "don"))
    timeline = cut_together(take(scene("s1", line("joe"), line("don"), line("joe")), *shots))
    for cue in timeline.lines:
        middle = (cue.start + cue.end) // 2
        seen = next(p.shot for p in timeline.pictures if p.start <= middle < p.end)
        assert seen in (cue.who, "both")


def test_a_new_place_is_shown_before_its_first_speaker_and_an_old_one_is_not():
    shots = (shot("place", "establishing"), shot("joe", "medium", "joe"))
    old = scene("s2", line("joe"))
    new = scene("s3", line("joe"), setting="street")
    timeline = cut_together(
        take(scene("s1", line("joe")), *shots), take(old, *shots), take(new, *shots), title=""
    )
    firsts = {}
    for picture in timeline.pictures:
        firsts.setdefault(picture.scene, picture)
    assert [firsts[name].shot for name in ("s1", "s2", "s3")] == ["place", "joe", "place"]
    assert 0.75 * FPS <= firsts["s3"].end - firsts["s3"].start <= 1.6 * FPS


def test_a_third_framing_of_the_same_size_is_avoided_where_another_shot_shows_the_speaker():
    shots = (shot("joe", "close-up", "joe"), shot("don", "close-up", "don"), shot("both", "medium"))
    dialogue = [line(who) for who in ("joe", "don") * 4]
    timeline = cut_together(take(scene("s1", *dialogue), *shots))
    sizes = ["medium" if p.shot == "both" else "close-up" for p in timeline.pictures if p.clip]
    assert len(sizes) >= 6
    assert all(len({*sizes[i : i + 3]}) > 1 for i in range(len(sizes) - 2))


def test_a_big_laugh_shows_another_face():
    shots = (shot("joe", "medium", "joe"), shot("don", "close-up", "don"))
    timeline = cut_together(take(scene("s1", line("don"), line("joe", laugh="applause")), *shots), credits=())
    laugh = timeline.laughs[0]
    during = [p.shot for p in timeline.pictures if p.start < laugh.end and p.end > laugh.start + 8]
    assert during[0] == "don"


def test_the_next_speaker_waits_for_the_laugh_and_a_scene_does_not():
    laughed = scene("s1", line("joe", laugh="big"), line("don"), line("ann", laugh="big"))
    timeline = cut_together(take(laughed, shot("a")), take(scene("s2", line("joe")), shot("b")), title="")
    first, last = timeline.laughs
    assert 0 <= timeline.lines[1].start - first.end <= 2
    scene_end = timeline.spans[0].end
    assert last.start + 0.7 * (last.end - last.start) <= scene_end < last.end <= timeline.lines[3].start


def test_the_bigger_laugh_and_the_scenes_last_one_are_kept():
    def kept(*laughs):
        dialogue = [line(who, laugh=laugh) for who, laugh in zip(CAST, laughs, strict=True)]
        return [laugh.size for laugh in cut_together(take(scene("s1", *dialogue), shot("a"))).laughs]

    assert kept("small", "big", "small") == ["small", "small"]
    assert kept("applause", "small", None) == ["applause"]
    assert kept(None, "small", "small") == ["small"]


def test_the_audience_is_heard_within_twelve_seconds_if_it_is_heard_at_all():
    filmed = take(scene("s1", *[line("joe")] * 12, line("don", laugh="big")), shot("a"))
    assert cut_together(filmed).laughs[0].start <= 12 * FPS
    silent = take(scene("s1", *[line("joe")] * 12), shot("a"))
    assert cut_together(silent).laughs == ()
    assert cut_together(filmed, laugh_track=False).laughs == ()


def test_written_pauses_last_as_long_as_they_are_written():
    filmed = take(
        scene("s1", line("joe"), Beat(beat=2.0), line("don"), line("ann", pause_before=1.0)), shot("a")
    )
    a, b, c = cut_together(filmed).lines
    assert (b.start - a.end, c.start - b.end) == (48, 24)


def test_the_title_follows_the_cold_open_and_the_credits_end_the_film():
    filmed = [take(scene(f"s{n}", line("joe"), part=part), shot("a"))
              for n, part in enumerate(("cold_open", "cold_open", "act_1"))]  # fmt: skip
    timeline = cut_together(*filmed)
    assert [span.id for span in timeline.spans] == ["s0", "s1", "title", "s2", "credits"]
    lengths = {span.id: span.end - span.start for span in timeline.spans}
    assert lengths["title"] <= 3 * FPS
    assert lengths["credits"] <= 4 * FPS
    assert [(cue.kind, cue.start) for cue in timeline.music if cue.kind in ("title", "credits")] == [
        ("title", timeline.spans[2].start),
        ("credits", timeline.spans[4].start),
    ]


def test_inserting_a_scene_leaves_the_others_pictures_as_they_were():
    shots = (shot("joe", "medium", "joe"), shot("don", "close-up", "don"))
    filmed = [
        take(scene(f"s{n}", line("joe", f"Number {n}."), line("don", laugh="big")), *shots) for n in range(3)
    ]
    new = take(scene("new", line("don", "Somebody was here."), line("joe")), *shots)

    def told(timeline, name):
        span = next(span for span in timeline.spans if span.id == name)
        inside = [p for p in timeline.pictures if p.scene == name]
        return [(p.shot, p.start - span.start, p.end - span.start, p.frames) for p in inside]

    before, after = cut_together(*filmed), cut_together(filmed[0], new, *filmed[1:])
    assert told(before, "s2") == told(after, "s2")


def test_a_script_of_skipped_scenes_is_the_scripts_fault():
    with pytest.raises(StudioError, match="skipped") as fault:
        cut_together(take(scene("s1", line("joe"), skip=True), shot("a")))
    assert fault.value.code == 2


def test_a_missing_voice_is_named():
    with pytest.raises(StudioError, match=r"s1: wanted a voice for the line 'Hello\.'"):
        cut_together(SceneMaterial(scene("s1", line("joe", "Hello.")), (shot("a"),), (None,)))
