"""What the frames of a clip show, and which of them are cut in for a line."""

from __future__ import annotations

from collections.abc import Sequence

from flows.studio.acting.cues import Cue, Part, choose_frames, lay_cues, speaks


def said(who: str, mouths: str) -> list[Cue]:
    return [Cue("line", who, int(mouth)) for mouth in mouths]


def mouths(clip: Sequence[Cue], frames: Sequence[int]) -> str:
    return "".join(str(clip[frame].mouth) for frame in frames)


def test_a_short_line_is_in_the_clip_as_it_is_and_ends_with_shut_mouths():
    clip = lay_cues([Part("line", "joe", "2301", mood="angry")], 16)
    assert [cue.mouth for cue in clip] == [2, 3, 0, 1, *[0] * 12]
    assert [cue.on for cue in clip] == ["line"] * 4 + [None] * 12
    assert clip[0].mood == "angry"
    assert speaks(clip)


def test_a_long_line_is_cut_short_and_the_last_frames_are_shut():
    clip = lay_cues([Part("line", "joe", "3" * 40)], 16)
    assert [cue.mouth for cue in clip] == [3] * 14 + [0, 0]


def test_everybody_who_speaks_is_in_the_clip_and_a_laugh_and_a_beat():
    parts = [
        Part("line", "joe", "3" * 30),
        Part("line", "don", "2" * 30),
        Part("beat", "don"),
        Part("line", "joe", "1" * 30),
        Part("laugh", "joe", laugh="big"),
    ]
    clip = lay_cues(parts, 16)
    assert len(clip) == 16
    assert {(cue.on, cue.who) for cue in clip} == {
        ("line", "joe"),
        ("line", "don"),
        ("beat", "don"),
        ("laugh", "joe"),
        (None, ""),
    }


def test_one_frame_is_enough_of_a_clip():
    assert len(lay_cues([Part("line", "joe", "33"), Part("laugh", "joe")], 1)) == 1
    assert lay_cues([], 4) == (Cue(),) * 4


def test_a_line_that_the_clip_was_made_for_is_cut_in_frame_by_frame():
    clip = lay_cues([Part("line", "joe", "23011032")], 16)
    assert choose_frames(said("joe", "23011032"), clip) == tuple(range(8))


def test_after_the_clip_is_over_its_frames_go_on_with_the_right_mouths():
    line = "23011032" * 3 + "3010"
    clip = lay_cues([Part("line", "joe", line)], 16)
    frames = choose_frames([*said("joe", line), *[Cue()] * 4], clip)
    shown = mouths(clip, frames)
    assert frames[:11] == tuple(range(11))
    assert shown[-4:] == "0000"
    wrong = sum(abs(int(a) - int(b)) > 1 for a, b in zip(shown, line, strict=False))
    assert wrong == 0
    assert len(set(frames[14:])) > 4  # it does not freeze


def test_who_listens_has_a_shut_mouth():
    clip = lay_cues([Part("line", "joe", "3" * 6), Part("line", "don", "2" * 6)], 16)
    for who in ("joe", "don"):
        for frame in choose_frames(said(who, "3232"), clip):
            assert clip[frame].who == who
    assert mouths(clip, choose_frames(said("amy", "3333"), clip)) == "0000"  # nobody here


def test_a_laugh_is_cut_to_the_frames_that_laugh():
    clip = lay_cues([Part("line", "joe", "3210"), Part("laugh", "joe", laugh="big")], 16)
    frames = choose_frames([*said("joe", "3210"), *[Cue("laugh", "joe", laugh="big")] * 9], clip)
    assert all(clip[frame].on == "laugh" for frame in frames[4:])
    assert choose_frames([], clip) == ()


def test_where_it_jumps_it_jumps_to_a_like_pose():
    clip = said("joe", "02312301")
    left, right = frozenset({"0 leans-left", "0 left-arm-up"}), frozenset({"0 leans-right", "0 right-arm-up"})
    poses = [right if frame in (2, 7) else left for frame in range(8)]
    wanted = said("joe", "023123013")
    assert choose_frames(wanted, clip)[-2:] == (7, 5)  # the nearest
    assert choose_frames(wanted, clip, poses)[-2:] == (7, 2)
