"""Poses and the words of their directions say the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from t2v.toon.direction import (
    DIRECTION_WORDS,
    MEANINGS,
    PARTS,
    Direction,
    describe_direction,
    make_pose,
    make_possible,
    parse_direction,
    read_direction,
)
from t2v.toon.drawing.poses import PERIOD, Pose, mirrored, pose_at
from t2v.toon.drawing.scene import draw_with_figures
from t2v.toon.world import ACTIONS, NEW_ACTIONS, Figure, Staging

OFFICE = Staging("office", "day", "medium", "still", (Figure("cat", "orange"),), 3)


def random_directions(count: int) -> list[Direction]:
    rng = np.random.default_rng(3)
    return [
        make_possible(Direction(**{part: str(rng.choice(values)) for part, values in PARTS.items()}))
        for _ in range(count)
    ]


def drawn(pose: Pose) -> NDArray[np.int16]:
    frames, _ = draw_with_figures(OFFICE, num_frames=1, height=128, width=128, poses=[[pose]])
    return frames[0].astype(np.int16)


def differing_share(a: NDArray[np.int16], b: NDArray[np.int16]) -> float:
    return float((np.abs(a - b).max(axis=-1) > 24).mean())


def test_words_to_a_pose_and_back_are_the_same_words() -> None:
    for direction in random_directions(2000):
        words = describe_direction(direction)
        assert parse_direction(words) == direction
        assert describe_direction(read_direction(make_pose(parse_direction(words)))) == words


@pytest.mark.parametrize("word", DIRECTION_WORDS)
def test_every_word_alone_is_said_again_of_the_pose_that_it_asks_for(word: str) -> None:
    asked = parse_direction([word])
    seen = read_direction(make_pose(asked))
    for part, value in MEANINGS[word].items():
        assert getattr(seen, part) == value


@pytest.mark.parametrize("part", PARTS)
def test_every_value_of_a_part_is_drawn_otherwise_than_the_others(part: str) -> None:
    usual = {"hold": "usual", "mark": "none"}
    for one, other in itertools.combinations(PARTS[part], 2):
        if part == "hold" or "gone" in (one, other):
            continue  # this cat holds nothing, and who is gone is not there
        first, second = (
            drawn(make_pose(make_possible(Direction(**(usual | {part: value}))))) for value in (one, other)
        )
        assert differing_share(first, second) > 0.0008, (one, other)


def test_what_is_left_out_is_free_and_arms_that_do_the_same_are_one_word() -> None:
    direction = Direction(mouth="open", left_arm="up", right_arm="up", mood="angry")
    assert describe_direction(direction) == ("mouth-open", "looks-ahead", "arms-up", "feels-angry")
    assert describe_direction(direction, ["mouth"]) == ("mouth-open",)
    assert describe_direction(direction, ["left_arm"]) == ("left-arm-up",)
    assert describe_direction(Direction(step="gone", mouth="open")) == ("place-gone",)


def test_a_word_that_says_no_direction_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="got 'arms-akimbo'"):
        parse_direction(["mouth-open", "arms-akimbo"])


@pytest.mark.parametrize("action", [*ACTIONS, *NEW_ACTIONS])
def test_the_mirrored_pose_is_directed_the_other_way(action: str) -> None:
    other = {"left": "right", "right": "left", "edge-left": "edge-right", "edge-right": "edge-left"}
    for frame in range(PERIOD):
        pose = pose_at(action, frame, facing=1)
        assert pose_at(action, frame, facing=-1) == mirrored(pose)
        one, two = read_direction(pose), read_direction(mirrored(pose))
        assert (two.left_arm, two.right_arm) == (one.right_arm, one.left_arm)
        for part in ("gaze", "lean", "step", "hold"):
            said = getattr(one, part)
            assert getattr(two, part) == other.get(said, said)


@pytest.mark.parametrize(
    ("action", "frame", "words"),
    [
        ("pointing", 12, "mouth-shut looks-right left-arm-hip right-arm-point"),
        ("shrugging", 8, "mouth-shut looks-up arms-shrug"),
        ("sitting", 3, "mouth-shut looks-ahead arms-front body-seated"),
        ("leaving", 9, "mouth-shut looks-ahead arms-down place-edge-left legs-apart back-seen"),
        ("falling over", 12, "mouth-ajar looks-ahead arms-out eyes-dizzy body-lying leans-right legs-apart"),
        (
            "double take",
            12,
            "mouth-wide looks-right arms-up feels-surprised eyes-wide leans-left mark-start",
        ),
    ],
)
def test_what_the_new_actions_show(action: str, frame: int, words: str) -> None:
    assert describe_direction(read_direction(pose_at(action, frame, facing=1))) == tuple(words.split())
