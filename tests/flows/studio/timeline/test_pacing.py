"""Comic timing is what the script says: holds, interruptions, smash cuts, fades, how a clip fits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from flows.studio.rates import FPS
from flows.studio.timeline.assemble import DISSOLVE, FADE, FilmFormat, assemble
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import Word
from flows.studio.timeline.pacing import SceneMaterial, SceneSound, SpokenLine
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot


def shot(name, who=None, *, fit=None, num_frames=16):
    return Footage(name, Shot(size="medium", prompt=name, who=who, fit=fit), Path(f"{name}.mp4"), num_frames)


def line(who, text="Is it supposed to blink?", **more):
    return Line(who=who, line=text, **more)


def take(*dialogue, name="s1", shots=(), seconds=1.5, sounds=(), words=(), **more):
    scene = Scene(id=name, slugline="INT. KITCHEN - DAY", dialogue=dialogue, **more)
    voice = SpokenLine(Path("v.wav"), int(seconds * 48000), words=words)
    spoken = tuple(voice if isinstance(element, Line) else None for element in dialogue)
    return SceneMaterial(scene, shots or (shot(f"{name}.1"),), spoken, sounds)


def cut_together(*takes, **more):
    return assemble(takes, FilmFormat(width=1280, height=720, **more))


def seen(timeline, start, end):
    """The clip's frames that are seen from one frame to another."""
    return [
        (cut.shot, cut.frames[now - cut.start])
        for now in range(start, end)
        for cut in timeline.pictures
        if cut.start <= now < cut.end
    ]


def test_an_interruption_starts_before_the_line_is_over():
    timeline = cut_together(take(line("joe", laugh="big"), line("don", overlap=0.5), line("joe")))
    first, second, third = timeline.lines
    assert second.start == first.end - 12
    assert third.start >= second.end
    assert all(laugh.start >= second.end for laugh in timeline.laughs)  # nobody laughs over the interruption


def test_an_interruption_never_talks_over_two_nor_over_a_whole_line():
    lines = cut_together(take(line("joe"), line("don", overlap=3), line("joe", overlap=3), seconds=1.0)).lines
    assert [cue.start - lines[0].start for cue in lines] == [0, 6, 24]
    after_a_beat = cut_together(take(line("joe"), Beat(beat=1), line("don", overlap=1))).lines
    assert after_a_beat[1].start >= after_a_beat[0].end + FPS


def test_a_hold_stands_still_on_who_spoke():
    shots = (shot("joe", "joe"), shot("don", "don"))
    timeline = cut_together(take(line("joe", hold=1, laugh="big"), line("don"), shots=shots))
    first, second = timeline.lines
    assert second.start >= first.end + FPS
    held = seen(timeline, first.end - 1, first.end + FPS - 2)
    assert len(set(held)) == 1
    assert held[0][0] == "joe"
    assert len(set(seen(timeline, second.start, second.end))) > 3


@pytest.mark.parametrize(
    ("transition", "after"), [("cut", 8), ("smash_cut", 1), ("fade", FADE), ("dissolve", 8)]
)
def test_a_scene_ends_as_the_next_one_begins(transition, after):
    timeline = cut_together(take(line("joe")), take(line("joe"), name="s2", transition=transition))
    border = timeline.spans[0].end
    assert border == timeline.lines[0].end + after
    kinds = {(join.kind, join.start, join.end) for join in timeline.transitions}
    assert kinds == {
        "fade": {("fade_out", border - FADE, border), ("fade_in", border, border + FADE)},
        "dissolve": {("dissolve", border, border + DISSOLVE)},
    }.get(transition, set())
    assert [cue.kind for cue in timeline.music].count("sting") == (transition != "smash_cut")


def test_a_smash_cut_leaves_the_laugh_to_the_next_scene():
    timeline = cut_together(
        take(line("joe", laugh="big")), take(line("joe"), name="s2", transition="smash_cut")
    )
    (laugh,) = timeline.laughs
    assert timeline.spans[0].end == laugh.start + 1
    assert timeline.lines[1].start >= laugh.end


def test_what_dissolves_moves_on_without_changing_the_scene_before():
    plain = cut_together(take(line("joe")), take(line("joe"), name="s2"))
    timeline = cut_together(take(line("joe")), take(line("joe"), name="s2", transition="dissolve"))
    assert timeline.pictures == plain.pictures
    (join,) = timeline.transitions
    (tail,) = join.tail
    last = timeline.pictures[0]
    assert (tail.start, tail.end, tail.clip) == (join.start, join.end, last.clip)
    assert len(tail.frames) == DISSOLVE
    assert len({*tail.frames}) > 3
    assert abs(tail.frames[0] - last.frames[-1]) <= 1


def test_a_silent_scene_lasts_as_long_as_its_clips():
    assert cut_together(take(shots=(shot("a", num_frames=20),))).num_frames == 60
    two = cut_together(take(shots=(shot("a"), shot("b", num_frames=8))))
    assert two.num_frames == 48 + 24


@pytest.mark.parametrize(
    ("fit", "last"), [("hold", 15), ("slow", 13), ("loop", 7), ("boomerang", 7), ("trim", 15)]
)
def test_the_shows_fit_counts_where_a_shot_has_none(fit, last):
    timeline = cut_together(take(line("joe"), seconds=3, duration=3), fit=fit)
    (picture,) = timeline.pictures
    frames = picture.frames[:72]
    assert frames[-1] == last
    assert frames[:3] == (0, 0, 0)
    assert all(abs(a - b) <= 1 for a, b in pairwise(frames) if fit != "loop")
    own = cut_together(take(line("joe"), seconds=3, shots=(shot("a", fit="hold"),)), fit=fit)
    assert own.pictures[0].frames[71] == 15


def test_a_trimmed_shot_gives_way_to_the_next_when_its_clip_is_over():
    shots = (shot("a", "joe", fit="trim"), shot("b", "don"))
    first, second = cut_together(take(line("joe"), seconds=3.4, shots=shots)).pictures
    assert (first.shot, first.end - first.start) == ("a", 48)
    assert second.shot == "b"
    assert first.frames[-1] == 15


def test_effects_and_sounds_have_their_places():
    sounds = (SceneSound("door", 24_000), SceneSound("bell", 48_000, "end"), SceneSound("splash", 2_001, 1.0))
    first = take(line("joe"))
    scene = take(line("joe"), name="s2", effects=[{"zoom": 1.2}, "fade_in", {"fade_out": 1}], sounds=sounds)
    timeline = cut_together(first, scene)
    span = timeline.spans[1]
    assert [(cue.name, cue.start, cue.end, cue.amount) for cue in timeline.effects] == [
        ("zoom", span.start, span.end, 1.2),
        ("fade_in", span.start, span.start + 12, None),
        ("fade_out", span.end - 24, span.end, 1),
    ]
    assert [(cue.name, cue.start, cue.end) for cue in timeline.sounds] == [
        ("door", span.start, span.start + 12),
        ("bell", span.end - 24, span.end),
        ("splash", span.start + 24, span.start + 26),
    ]


def test_a_voice_that_knows_its_words_tells_the_captions():
    timeline = cut_together(take(line("joe", "Is it?"), words=((0, 24_000), (48_000, 72_000))))
    (cue,) = timeline.lines
    assert cue.words == (Word("Is", cue.start, cue.start + 12), Word("it?", cue.start + 24, cue.start + 36))
    assert timeline.captions[0].words == cue.words
    unclear = cut_together(take(line("joe", "Is it so?"), words=((0, 24_000),)))
    assert unclear.lines[0].words == ()


def test_a_pause_in_a_parenthetical_is_a_silence_and_a_written_number_beats_it():
    first, second, third = cut_together(
        take(
            line("joe"),
            line("don", parenthetical="after a pause"),
            line("joe", parenthetical="pause", pause_before=0.25),
        )
    ).lines
    assert second.start - first.end == round(0.7 * FPS)
    assert third.start - second.end == 6
