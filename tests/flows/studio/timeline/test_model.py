"""A timeline is text that can be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
    Word,
    diff,
)

TAIL = (PictureCut("s01", "s01.1", 30, 34, Path("/a/s01.1-3f.mp4"), (2, 2, 1, 1)),)
TIMELINE = Timeline(
    1280,
    720,
    (Span("s01", 0, 30, "scene"), Span("s02", 30, 50, "scene")),
    (
        PictureCut("s01", "s01.1", 0, 30, Path("/a/s01.1-3f.mp4"), (0, 0, 0, 1, 1, 1) * 5),
        PictureCut("s02", "s02.1", 30, 50, None, card="gag"),
    ),
    (
        LineCue(
            "s01", "joe", "Is it?", 2, 20, Path("/a/x.wav"), num_samples=35_000, words=(Word("Is", 2, 9),)
        ),
    ),
    (LaughCue(20, 45, "big", 7),),
    (MusicCue("bed", 0, 50, 9),),
    (Caption(2, 30, "Is it?\nNo.", "joe", speakers=("joe", "don")),),
    title="A Show",
    sounds=(SoundCue("s02", "door", 31, 40, 17_000),),
    effects=(EffectCue("s01", "zoom", 0, 30, 1.15),),
    transitions=(Transition("dissolve", 30, 34, TAIL),),
)

TOLD = """\
timeline 1280x720 24 fps 48000 Hz 50 frames
      0      30 span       s01 scene
      0      30 effect     s01 zoom amount=1.15
      0      30 picture    s01 s01.1 s01.1-3f.mp4 frames=0x3,1x3,0x3,1x3,0x3,1x3,0x3,1x3,0x3,1x3
      0      50 music      bed seed=9
      2      20 line       s01 joe 'Is it?' x.wav num_samples=35000 words=2-9
      2      30 caption    'Is it?\\nNo.' joe line speakers=joe,don
     20      45 laugh      big seed=7
     30      50 span       s02 scene
     30      34 transition dissolve tail=s01.1@30-34[2x2,1x2]
     30      50 picture    s02 s02.1 gag
     31      40 sound      s02 door num_samples=17000
"""


def test_it_prints_every_cue_by_where_it_starts():
    assert str(TIMELINE) == TOLD


def test_equal_ones_have_no_changes_and_others_name_the_rows():
    assert diff(TIMELINE, replace(TIMELINE)) == ()
    later = replace(TIMELINE, laughs=(LaughCue(21, 45, "big", 7),))
    assert later != TIMELINE
    assert diff(TIMELINE, later) == (
        "-      20      45 laugh      big seed=7",
        "+      21      45 laugh      big seed=7",
    )


def test_a_line_is_counted_in_samples():
    (line,) = TIMELINE.lines
    assert (line.start_sample, line.end_sample) == (4_000, 39_000)
    assert replace(line, num_samples=0).end_sample == 40_000
    assert TIMELINE.sounds[0].start_sample == 62_000
