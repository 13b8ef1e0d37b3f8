"""Directions in plain words, and the direction of every frame."""

from __future__ import annotations

import pytest

from flows.studio.acting.cues import Cue, Part, lay_cues
from flows.studio.acting.directing import Role, direct, poses_of
from flows.studio.acting.stage_directions import find_action, mood_of, read_stage_direction
from flows.studio.errors import StudioError
from t2v.toon.direction import MEANINGS, parse_direction

JOE, DON = Role("joe", "left", "talking", 1), Role("don", "right", "standing", -1)


@pytest.mark.parametrize(
    ("text", "action", "parts"),
    [
        ("joe: arms out", None, {"left_arm": "out", "right_arm": "out"}),
        ("joe: falls over", "falling over", {}),
        ("joe: fall over", "falling over", {}),
        ("joe: mouth-wide and leans left", None, {"mouth": "wide", "lean": "left"}),
        ("joe: sits, angry", "sitting", {"mood": "angry"}),
        ("joe: steps to the right", None, {"step": "right"}),
        ("joe: looks at the camera", None, {}),
        ("joe: walks in", "entering", {}),
    ],
)
def test_plain_words_are_actions_and_parts_of_a_pose(text: str, action: str | None, parts: dict[str, str]):
    said = read_stage_direction(text, where="s01.1 direct 0")["joe"]
    assert said.action == action
    if text.endswith("camera"):
        assert said.looks_at == "camera" or said.parts == {"gaze": "ahead"}
    else:
        assert said.parts == parts


def test_every_word_of_a_direction_is_understood():
    for word, meaning in MEANINGS.items():
        assert read_stage_direction(word, where="x")[""].parts == meaning
        assert read_stage_direction(word.replace("-", " "), where="x")[""].parts == meaning


def test_several_people_are_told_apart():
    said = read_stage_direction("joe: arms up; don: looks at joe", where="x")
    assert set(said) == {"joe", "don"}
    assert said["don"].looks_at == "joe"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("joe: falls ovr", "got 'falls ovr' in 'joe: falls ovr', did you mean 'falls over'?"),
        ("joe: xyzzy", "try one of: arms out"),
        ("joe:", "wanted a direction like 'arms out', got 'joe:'"),
        (";", "wanted a direction like"),
    ],
)
def test_words_that_mean_nothing_are_told(text: str, message: str):
    with pytest.raises(StudioError, match=r"^s01\.1 direct 8: wanted a direction") as error:
        read_stage_direction(text, where="s01.1 direct 8")
    assert message in str(error.value)
    assert error.value.code == 2


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Toast dances on the table", "dancing"),
        ("Joe stands, then falls over", "falling over"),
        ("the Don comes in", "entering"),
        ("Joe carries a box", "carrying"),
        ("a huge fish and a hope", None),
        ("Joe is standing", "standing"),
    ],
)
def test_an_action_is_found_in_a_sentence(text: str, action: str | None):
    assert find_action(text) == action


def test_a_parenthetical_is_a_mood():
    assert [
        mood_of(each) for each in ("angrily", "sobbing", "proudly", "scared", "stunned", "dry", None)
    ] == [
        "angry",
        "sad",
        "glad",
        "afraid",
        "surprised",
        "",
        "",
    ]


def directed(role: Role, frame: int, cues: tuple[Cue, ...], *others: Role, by_hand: dict | None = None):
    roles = (role, *others)
    return parse_direction(direct(roles, cues, by_hand=by_hand)[frame][0].split())


def test_lips_are_the_speakers_and_the_listener_looks_and_is_silent():
    cues = lay_cues([Part("line", "joe", "2301", mood="angry")], 16)
    for frame, mouth in enumerate(("open", "wide", "shut", "ajar", "shut")):
        assert directed(JOE, frame, cues, DON).mouth == mouth
        listener = directed(DON, frame, cues, JOE)
        assert listener.mouth == "shut"
        assert frame == 4 or listener.gaze == "left"
    speaker = directed(JOE, 1, cues, DON)
    assert (speaker.gaze, speaker.mood) == ("right", "angry")
    assert directed(JOE, 10, cues, DON).mood == "angry"  # it stays on his face


def test_who_is_alone_looks_to_the_side_of_the_other():
    cues = lay_cues([Part("line", "joe", "2301")], 8)
    assert directed(Role("joe", "centre", "talking", 1), 0, cues).gaze == "right"
    assert directed(Role("joe", "centre", "talking", -1), 0, cues).gaze == "left"


def test_what_one_does_goes_on_while_one_speaks():
    cues = lay_cues([Part("line", "joe", "3" * 8)], 16)
    dancing = [directed(Role("joe", "left", "dancing", 1), frame, cues) for frame in range(16)]
    assert {each.lean for each in dancing} == {"none", "left", "right"}
    assert [each.mouth for each in dancing] == ["wide"] * 8 + ["shut"] * 8


def test_a_clip_without_a_word_plays_its_action_with_its_own_mouth():
    cues = lay_cues([], 16)
    assert directed(Role("joe", "centre", "laughing", 1), 3, cues).mouth == "laughing"
    assert directed(Role("joe", "centre", "jumping", 1), 4, cues).mouth == "open"
    assert directed(JOE, 3, cues).mouth == "shut"  # talking, and nobody hears it


def test_a_big_laugh_is_taken_in_and_laughed_at_by_the_other_alone():
    cues = lay_cues([Part("laugh", "joe", laugh="big")], 16)
    assert directed(DON, 0, cues, JOE).mood == "surprised"
    assert directed(DON, 4, cues, JOE).mouth == "laughing"
    button = directed(JOE, 4, cues, DON)
    assert (button.mouth, button.gaze, button.mood) == ("shut", "ahead", "glad")
    aww = lay_cues([Part("laugh", "joe", laugh="aww")], 16)
    assert directed(DON, 4, aww, JOE).mood == "sad"


def test_a_beat_is_looked_out():
    cues = lay_cues([Part("beat", "joe")], 16)
    assert [directed(JOE, frame, cues, DON).eyes for frame in range(3)] == ["open", "shut", "open"]
    assert directed(JOE, 0, cues, DON).gaze == "right"
    assert directed(DON, 0, cues, JOE).gaze == "ahead"


def test_who_leaves_says_the_line_first():
    cues = lay_cues([Part("line", "don", "3" * 4)], 16)
    role = Role("don", "right", "leaving", -1)
    assert all(directed(role, frame, cues).back == "hidden" for frame in range(4))
    assert directed(role, 5, cues).back == "seen"


def test_by_hand_goes_over_everything_from_its_frame_on():
    by_hand = {
        4: read_stage_direction("joe: arms up, mouth wide", where="x"),
        8: read_stage_direction("joe: falls over; don: looks at joe", where="x"),
    }
    cues = lay_cues([Part("line", "don", "1111")], 16)
    assert directed(JOE, 3, cues, DON, by_hand=by_hand).left_arm == "down"
    changed = directed(JOE, 4, cues, DON, by_hand=by_hand)
    assert (changed.left_arm, changed.mouth) == ("up", "wide")
    assert directed(JOE, 15, cues, DON, by_hand=by_hand).body == "lying"
    assert directed(DON, 9, cues, JOE, by_hand=by_hand).gaze == "left"


def test_nobody_has_no_directions():
    assert direct((), lay_cues([], 16)) == ()


def test_a_pose_is_what_is_done_without_the_face():
    directions = (("mouth-open looks-left arms-up", "mouth-shut arms-down feels-sad"), ("arms-up", "arms-up"))
    assert poses_of(directions) == (
        frozenset({"0 arms-up", "1 arms-down"}),
        frozenset({"0 arms-up", "1 arms-up"}),
    )
