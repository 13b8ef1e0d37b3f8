"""Effects and transitions change the picture of their own scene, and of no other frame."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from flows.studio.picture import effects
from flows.studio.picture.render import segment_recipe
from flows.studio.timeline.model import EffectCue, PictureCut, Span, Timeline, Transition

SPAN = Span("s02", 100, 124, "scene")
PLAIN = Timeline(64, 36, (SPAN,), (PictureCut("s02", "a", 100, 124, None, card="gag"),), (), (), (), ())


def drawn(number):
    """A dark frame with a bright square left of the middle, and a line that counts."""
    frame = np.full((36, 64, 3), (40, 80, 120), np.uint8)
    frame[12:24, 16:28] = (230, 60, 20)
    frame[0, :, :] = number
    return frame


def old(cut, since):
    return np.full((36, 64, 3), 200, np.uint8)


def applied(*cues, joins=()):
    timeline = replace(PLAIN, effects=cues, transitions=joins)
    reel = effects.apply_effects(drawn, timeline, SPAN, picture=old)
    return [reel(number) for number in range(24)]


def effect(name, amount=None, start=100, end=124):
    return EffectCue("s02", name, start, end, amount)


def test_a_scene_without_any_is_left_alone():
    assert effects.apply_effects(drawn, PLAIN, SPAN, picture=old) is drawn
    elsewhere = replace(PLAIN, effects=(effect("negative", start=50, end=60),))
    assert effects.apply_effects(drawn, elsewhere, SPAN, picture=old) is drawn


def test_frames_are_counted_exactly():
    assert [frame[0, 0, 0] for frame in applied(effect("mirror"))] == list(range(24))


def test_black_and_white_has_no_colour_and_a_negative_the_other_one():
    grey = applied(effect("black_and_white"))[5]
    assert int(grey.max(axis=2).astype(int).max() - grey.min(axis=2).max()) <= 1
    assert (applied(effect("negative"))[5] == 255 - drawn(5)).all()
    assert (applied(effect("mirror"))[5] == drawn(5)[:, ::-1]).all()


def test_a_zoom_goes_in_and_a_small_one_goes_out():
    def size(frame):
        return int((frame[..., 0] > 180).sum())

    inward = [size(frame) for frame in applied(effect("zoom", 1.5))]
    assert inward[0] == size(drawn(0))
    assert inward[-1] > 1.9 * inward[0]
    outward = [size(frame) for frame in applied(effect("zoom", 0.7))]
    assert outward[0] > 1.7 * outward[-1]


def test_a_shaken_picture_moves_and_shows_no_edge():
    frames = applied(effect("shake", 3))
    columns = [float(np.nonzero(frame[18, :, 0] > 150)[0].mean()) for frame in frames]
    assert max(columns) - min(columns) > 1
    assert len(set(columns)) >= 5
    assert all((frame[-1] == (40, 80, 120)).all() for frame in frames)
    assert all((a == b).all() for a, b in zip(frames, applied(effect("shake", 3)), strict=True))


def test_fades_begin_and_end_in_black():
    cues = (effect("fade_in", end=112), effect("fade_out", start=112))
    level = [frame[30].mean() for frame in applied(*cues)]
    assert level[0] == 0
    assert level[11] > 70
    assert level[23] < 10
    joins = (Transition("fade_in", 100, 112), Transition("fade_out", 112, 124))
    assert [frame[30].mean() for frame in applied(joins=joins)] == level


def test_effects_follow_each_other_in_any_order():
    level = [frame[30].mean() for frame in applied(effect("fade_in", end=112), effect("zoom", 1.2))]
    assert level[0] == 0
    assert level[11] > 70
    greys = applied(effect("fade_in", end=112), effect("shake"), effect("black_and_white"))
    assert all((frame[..., 0] == frame[..., 2]).all() for frame in greys)


def test_a_dissolve_goes_from_what_was_to_what_is():
    tail = (PictureCut("s01", "x", 100, 112, None, card="gag"),)
    level = [frame[30, 60, 0] for frame in applied(joins=(Transition("dissolve", 100, 112, tail),))]
    assert 180 < level[0] < 200
    assert all(a > b for a, b in pairwise(level[:12]))
    assert level[12:] == [40] * 12


def test_a_segments_recipe_knows_what_is_done_to_it_and_not_where(tmp_path):
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"film")
    tail = (PictureCut("s01", "x", 100, 112, clip, tuple(range(12))),)
    plain = segment_recipe(PLAIN, SPAN)
    zoomed = segment_recipe(replace(PLAIN, effects=(effect("zoom", 1.2),)), SPAN)
    joined = segment_recipe(replace(PLAIN, transitions=(Transition("dissolve", 100, 112, tail),)), SPAN)
    assert "effects" not in plain
    assert zoomed["effects"] == [["zoom", 0, 24, 1.2]]
    assert joined["transitions"][0][:3] == ["dissolve", 0, 12]
    assert Path(clip).name not in str(joined)
    assert {**zoomed, "effects": None} == {**plain, "effects": None}


@pytest.mark.parametrize("name", ["zoom", "shake"])
def test_an_effect_keeps_the_size(name):
    assert {frame.shape for frame in applied(effect(name))} == {(36, 64, 3)}
