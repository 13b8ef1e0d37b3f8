"""What shots show of their scene's lines, and acted clips that are cut in step with the voices."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.studio.acting.cues import Part, lay_cues
from flows.studio.rates import CLIP_HOLD, SAMPLES_PER_FRAME
from flows.studio.timeline.assemble import FilmFormat, assemble
from flows.studio.timeline.framing import Footage
from flows.studio.timeline.model import Timeline
from flows.studio.timeline.pacing import SceneMaterial, SpokenLine
from flows.studio.timeline.performances import seen_parts
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot

FORMAT = FilmFormat(64, 36, captions=False)
TWO = Shot(size="medium", prompt="both", who="joe")
FACE = Shot(size="close-up", prompt="the Don", who="don")
DIALOGUE = (
    Line(who="joe", line="Is it supposed to blink?", parenthetical="angrily"),
    Beat(beat=0.8),
    Line(who="don", line="Everyone blinks, my papa told me.", laugh="big"),
    Line(who="joe", line="Not a fish!"),
)
MOUTHS = ("111022111110", "", "21111111003331211223222021330", "3321110")


def cut(*, clips: bool, mouths: tuple[str, ...] = MOUTHS, dialogue=DIALOGUE) -> tuple[Timeline, Scene]:
    scene = Scene(id="s01", slugline="INT. BAR - DAY", shots=(TWO, FACE), dialogue=dialogue)
    spoken = tuple(
        SpokenLine(Path("x.wav"), max(len(each), 8) * CLIP_HOLD * SAMPLES_PER_FRAME, mouths=each)
        if isinstance(element, Line)
        else None
        for element, each in zip(dialogue, mouths, strict=True)
    )
    footage = [Footage(f"s01.{n}", shot, Path(f"{n}"), 16) for n, shot in enumerate((TWO, FACE), 1)]
    if clips:
        parts = seen_parts(*rehearsed(mouths, dialogue))
        footage = [
            Footage(each.id, each.shot, each.clip, 16, lay_cues(parts.get(each.id, ()), 16))
            for each in footage
        ]
    return assemble([SceneMaterial(scene, tuple(footage), spoken)], FORMAT), scene


def rehearsed(mouths: tuple[str, ...], dialogue) -> tuple[Timeline, list[Scene]]:
    timeline, scene = cut(clips=False, mouths=mouths, dialogue=dialogue)
    return timeline, [scene]


def test_a_scene_in_which_nobody_speaks_has_no_parts():
    assert set(seen_parts(*rehearsed((), ())).values()) == {()}


def test_a_shot_has_the_lines_laughs_and_beats_that_it_shows():
    parts = seen_parts(*rehearsed(MOUTHS, DIALOGUE))
    assert parts["s01.1"][0] == Part("line", "joe", MOUTHS[0], mood="angry")
    assert Part("beat", "joe") in parts["s01.1"]
    face = [part for part in parts["s01.2"] if part.on == "line"]
    assert face[0].who == "don"
    assert face[0].mouths
    assert face[0].mouths in MOUTHS[2]
    assert any(part.on == "laugh" and part.laugh == "big" for of in parts.values() for part in of)
    assert [part.is_last for part in parts["s01.1"] if part.who == "joe" and part.on == "line"] == [
        False,
        True,
    ]


def test_laughs_that_the_script_does_not_ask_for_are_not_acted():
    plain = tuple(
        line.model_copy(update={"laugh": None}) if isinstance(line, Line) else line for line in DIALOGUE
    )
    parts = seen_parts(*rehearsed(MOUTHS, plain))
    assert not any(part.on == "laugh" for of in parts.values() for part in of)


def test_a_line_without_a_voice_is_a_part_without_mouths():
    parts = seen_parts(*rehearsed(("", "", *MOUTHS[2:]), DIALOGUE))
    assert parts["s01.1"][0] == Part("line", "joe", "", mood="angry")


def test_the_mouths_of_the_cut_are_those_of_the_voices():
    timeline, _ = cut(clips=True)
    parts = seen_parts(*rehearsed(MOUTHS, DIALOGUE))
    clips = {shot: lay_cues(of, 16) for shot, of in parts.items()}
    off, frames = 0, 0
    for picture in timeline.pictures:
        assert len(picture.frames) == picture.end - picture.start
        for at, frame in enumerate(picture.frames, start=picture.start):
            line = next((one for one in timeline.lines if one.start <= at < one.end), None)
            shown = clips[picture.shot][frame]
            if line is None:
                assert shown.mouth == 0
                continue
            if shown.mouth:
                assert shown.who == line.who  # never the other's
            wanted = int(f"{line.mouths}0"[(at - line.start) // CLIP_HOLD])
            seen = any(cue.who == line.who and cue.on == "line" for cue in clips[picture.shot])
            off += seen and abs(shown.mouth - wanted) > 1
            frames += 1
    assert frames > 100
    assert off / frames < 0.1


def test_a_shot_that_is_not_shown_again_is_acted_the_same_whatever_comes_after():
    longer = (*MOUTHS[:3], "33211103321110")
    before, after = (seen_parts(*rehearsed(each, DIALOGUE)) for each in (MOUTHS, longer))
    assert before["s01.2"] == after["s01.2"]
    assert before["s01.1"] != after["s01.1"]


def test_old_clips_and_voices_without_mouths_are_cut_as_before():
    silent = ("", "", "", "")
    assert str(cut(clips=False, mouths=silent)[0]) == str(cut(clips=True, mouths=silent)[0])
    acted, plain = cut(clips=False)[0], cut(clips=False, mouths=silent)[0]
    for timeline in (plain, acted):
        assert timeline.pictures[0].frames[:30] == tuple(i // 3 for i in range(30))


@pytest.mark.parametrize(
    ("first", "second"),
    [({"hold": 1.0}, {}), ({}, {"pause_before": 1.0}), ({}, {"parenthetical": "after a pause"})],
)
def test_a_pause_that_is_written_is_a_beat(first: dict[str, float], second: dict[str, float | str]):
    dialogue = (Line(who="joe", line="No.", **first), Line(who="joe", line="Yes.", **second))
    parts = seen_parts(*rehearsed(("3330", "1110"), dialogue))
    assert [part.on for part in parts["s01.1"]] == ["line", "beat", "line"]
    plain = (Line(who="joe", line="No."), Line(who="joe", line="Yes."))
    parts = seen_parts(*rehearsed(("3330", "1110"), plain))
    assert [part.on for part in parts["s01.1"]] == ["line", "line"]
