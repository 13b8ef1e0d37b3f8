"""Shots are held, looped and chosen frame by frame."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.studio.timeline.framing import Footage, Moment, clip_frame_numbers, lay_pictures, with_thing
from scripts_llm.screenplay.script import Shot


@given(
    st.integers(1, 24), st.integers(1, 200), st.sampled_from(["loop", "boomerang", "hold"]), st.integers(0, 5)
)
def test_every_drawing_is_held_for_three_frames(num_frames, length, fit, turn):
    runs = [len(list(run)) for _, run in groupby(clip_frame_numbers(num_frames, length, fit, turn=turn))]
    assert sum(runs) == length
    assert all(run % 3 == 0 for run in runs[:-1])


def test_a_boomerang_goes_back_without_showing_an_end_twice():
    assert clip_frame_numbers(4, 30, "boomerang")[::3] == (0, 1, 2, 3, 2, 1, 0, 1, 2, 3)


def test_a_loop_begins_anew():
    assert clip_frame_numbers(3, 21, "loop")[::3] == (0, 1, 2, 0, 1, 2, 0)


@pytest.mark.parametrize("fit", ["hold", "trim"])
def test_a_held_clip_stays_on_its_last_frame(fit):
    assert clip_frame_numbers(3, 21, fit)[::3] == (0, 1, 2, 2, 2, 2, 2)


def test_a_slow_clip_fills_its_cut_and_never_runs_faster_than_it_was_filmed():
    assert clip_frame_numbers(3, 18, "slow") == (0,) * 6 + (1,) * 6 + (2,) * 6
    assert clip_frame_numbers(16, 6, "slow") == (0, 0, 0, 1, 1, 1)


def test_the_second_turn_of_a_shot_begins_elsewhere():
    assert clip_frame_numbers(16, 48, "boomerang", turn=1) != clip_frame_numbers(16, 48, "boomerang")


def test_a_scene_without_shots_is_a_card():
    (picture,) = lay_pictures("s1", (), [Moment(0, 10, who="joe"), Moment(10, 30)])
    assert (picture.card, picture.start, picture.end) == ("gag", 0, 30)


def test_a_failed_shot_is_a_card_only_where_its_speaker_is_not_seen_otherwise():
    failed = Footage("s1.1", Shot(size="close-up", prompt="x", who="joe"), None, 16)
    both = Footage("s1.2", Shot(size="medium", prompt="x"), Path("b.mp4"), 16)
    don = Footage("s1.3", Shot(size="close-up", prompt="x", who="don"), Path("d.mp4"), 16)
    assert lay_pictures("s1", (failed, both), [Moment(0, 30, who="joe")])[0].shot == "s1.2"
    assert lay_pictures("s1", (failed, don), [Moment(0, 30, who="joe")])[0].card == "gag"


def test_a_thing_is_seen_while_it_is_talked_about_and_only_then():
    joe = Footage("s1.1", Shot(size="medium", prompt="x", who="joe"), Path("j.mp4"), 16)
    fish = Footage("s1.2", Shot(size="close-up", prompt="fish", of="fish"), Path("f.mp4"), 16)
    moments = with_thing(Moment(0, 60, who="joe"), "fish")
    assert [(m.start, m.end, m.thing) for m in moments] == [(0, 20, ""), (20, 40, "fish"), (40, 60, "")]
    cuts = lay_pictures("s1", (joe, fish), [*moments, Moment(60, 90, who="don")])
    assert [(cut.shot, cut.start, cut.end) for cut in cuts] == [
        ("s1.1", 0, 20),
        ("s1.2", 20, 40),
        ("s1.1", 40, 90),
    ]
    assert with_thing(Moment(0, 35, who="joe"), "fish") == (Moment(0, 35, who="joe"),)
    assert with_thing(Moment(0, 60, who="joe"), "") == (Moment(0, 60, who="joe"),)


def test_a_long_line_is_seen_from_two_sides_if_there_are_two():
    close = Footage("close", Shot(size="close-up", prompt="x", who="joe"), Path("a.mp4"), 16)
    medium = Footage("medium", Shot(size="medium", prompt="x", who="joe"), Path("b.mp4"), 16)
    moments = [Moment(0, 120, who="joe")]
    assert [p.shot for p in lay_pictures("s1", (close, medium), moments)] == ["close", "medium"]
    assert [p.shot for p in lay_pictures("s1", (close,), moments)] == ["close"]
