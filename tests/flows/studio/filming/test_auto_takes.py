"""Takes that are judged: what counts as wrong, which take is kept, and what is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import t2v.judge
from flows.studio.filming import auto_takes
from flows.studio.filming.shots import PlannedShot, Seeds, other_take
from flows.studio.workspace import artifacts
from scripts_llm.screenplay.script import Scene, Shot
from t2v.judge import SeenFigure, Verdict
from t2v.toon.direction import Direction
from t2v.toon.prompts.understand import understand

PROMPT = "medium shot, orange cat talking on the left and blue man standing on the right, in the bar, day"


def seen(kind: str, colour: str, place: str, sure: float = 0.9) -> SeenFigure:
    return SeenFigure(kind, colour, "talking", place, sure)


def acting(kind: str, colour: str, place: str, arms: str) -> SeenFigure:
    """Somebody whose two arms are seen so in each of six frames."""
    told = [Direction(left_arm=arm, right_arm=arm) for arm in arms.split()]
    return replace(seen(kind, colour, place), directions=tuple(told))


def verdict(*figures: SeenFigure) -> Verdict:
    return Verdict("bar", "day", "medium", figures)


def planned(prompt: str = PROMPT) -> PlannedShot:
    scene, shot = Scene(id="s01", slugline="INT. BAR - DAY"), Shot(size="medium", prompt=prompt)
    seeds = Seeds(7, scene, shot, prompt, 0)
    return PlannedShot("s01.1", scene, shot, prompt, prompt, seeds.of(1), {"kind": "clip"}, seeds=seeds)


@dataclass
class Film:
    frames: np.ndarray


RIGHT = verdict(seen("cat", "orange", "left"), seen("man", "blue", "right"))
RED = verdict(seen("cat", "red", "left"), seen("man", "blue", "right"))
WORSE = verdict(seen("dog", "red", "left"))


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (RIGHT, ()),
        (RED, ("wanted orange cat, it is red cat",)),
        (WORSE, ("wanted orange cat, it is red dog", "wanted blue man, nobody is there")),
        (verdict(seen("cat", "red", "left", 0.3), seen("man", "blue", "right")), ()),
        (verdict(seen("man", "blue", "left"), seen("cat", "orange", "right")),
         ("wanted orange cat, it is blue man", "wanted blue man, it is orange cat")),
    ],
)  # fmt: skip
def test_a_fault_is_another_kind_or_colour_where_somebody_was_asked_for(
    shown: Verdict, found: tuple[str, ...]
) -> None:
    assert auto_takes.faults(understand(PROMPT).figures, shown) == found


def test_one_who_is_alone_may_stand_anywhere_and_a_colour_that_was_not_said_is_not_wrong() -> None:
    asked = understand("medium shot, cat talking, in the bar, day").figures
    assert auto_takes.faults(asked, verdict(seen("cat", "pink", "right"))) == ()


@pytest.mark.parametrize(
    ("arms", "found"),
    [
        ("up up up down down out", ()),
        ("up up out down down out", ("orange cat: arms are as directed in 2 of 6 frames",)),
    ],
)
def test_arms_that_are_as_directed_in_less_than_half_of_the_frames_are_a_fault(
    arms: str, found: tuple[str, ...]
) -> None:
    figures = understand(PROMPT).figures
    told = [(Direction(left_arm="up", right_arm="up"), Direction())] * 6
    man = acting("man", "blue", "right", "down down down down down down")
    shown = verdict(acting("cat", "orange", "left", arms), man)
    assert auto_takes.acting_faults(figures, shown, told) == found
    assert auto_takes.acting_faults(figures, shown, ()) == ()


def test_arms_of_somebody_else_or_of_who_is_gone_are_no_fault_of_acting() -> None:
    figures = understand("red cat leaving, in the bar", directed=True).figures
    told = [(Direction(left_arm="up", right_arm="up"),)] * 2 + [(Direction(step="gone"),)] * 4
    gone = acting("cat", "red", "centre", "up up down down down down")
    assert auto_takes.acting_faults(figures, verdict(gone), told) == ()
    other = acting("dog", "red", "centre", "down down down down down down")
    assert auto_takes.acting_faults(figures, verdict(other), told) == ()
    assert auto_takes.faults(figures, verdict(other)) == ("wanted red cat, it is red dog",)


def test_who_is_seen_counts_before_what_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    still = "down down down down down down"
    answers = iter(
        verdict(acting(kind, "red", "centre", arms))
        for kind, arms in (("dog", still), ("cat", still), ("dog", still))
    )
    monkeypatch.setattr(t2v.judge, "judge", lambda frames: next(answers))
    film = Film(np.zeros((16, 2, 2, 3), np.uint8))
    directions = (("arms-up",),) * 16
    noted = auto_takes.best_take("red cat waving, in the bar", 1, lambda seed: film, directions)[1]  # type: ignore[arg-type, return-value]
    assert noted["judged"]["kept"] == 2
    assert noted["judged"]["takes"][1]["faults"] == ["red cat: arms are as directed in 0 of 6 frames"]


@pytest.mark.parametrize(
    ("shown", "num_takes", "kept"),
    [([RIGHT], 1, 1), ([RED, RIGHT], 2, 2), ([WORSE, RED, WORSE], 3, 2), ([RED, RED, RED], 3, 1)],
)
def test_takes_follow_until_one_is_right_and_the_one_with_the_fewest_faults_is_kept(
    monkeypatch: pytest.MonkeyPatch, shown: list[Verdict], num_takes: int, kept: int
) -> None:
    answers = iter(shown)
    monkeypatch.setattr(t2v.judge, "judge", lambda frames: next(answers))
    seeds: list[int] = []

    def take(seed: int) -> Film:
        seeds.append(seed)
        return Film(np.full((2, 2, 2, 3), len(seeds), np.uint8))

    shot = replace(planned(), seed=3)
    film, noted = auto_takes.best_take(shot.prompt, shot.seed, take)  # type: ignore[arg-type]
    assert seeds == [3, *(artifacts.seed_from(3, "again", number) for number in range(1, num_takes))]
    assert film.frames[0, 0, 0, 0] == kept == noted["judged"]["kept"]
    assert noted["seed"] == seeds[kept - 1]


def test_two_takes_of_a_shot_have_no_seed_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t2v.judge, "judge", lambda frames: WORSE)
    seeds: list[int] = []

    def take(seed: int) -> Film:
        seeds.append(seed)
        return Film(np.zeros((2, 2, 2, 3), np.uint8))

    for number in (1, 2, 3):
        shot = other_take(planned(), number)
        auto_takes.best_take(shot.prompt, shot.seed, take)  # type: ignore[arg-type]
    assert len(set(seeds)) == 9


def test_a_weight_in_a_prompt_is_no_number_of_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t2v.judge, "judge", lambda frames: verdict(seen("cat", "orange", "centre")))
    film = Film(np.zeros((2, 2, 2, 3), np.uint8))
    prompt = "(orange:1.3) cat talking, in the bar"
    noted = auto_takes.best_take(prompt, 1, lambda seed: film)[1]  # type: ignore[arg-type, return-value]
    assert noted["judged"]["takes"][0]["faults"] == []


def test_what_was_decided_is_told_in_one_line_and_a_first_take_that_is_right_is_not_told() -> None:
    right = {"seed": 3, "faults": []}
    wrong = {"seed": 2, "faults": ["wanted orange cat, it is red cat"]}
    assert (
        auto_takes.describe_takes({})
        == auto_takes.describe_takes({"judged": {"kept": 1, "takes": [right]}})
        == ""
    )
    assert auto_takes.describe_takes({"judged": {"kept": 2, "takes": [wrong, right]}}) == (
        "filmed 2 times (wanted orange cat, it is red cat), take 2 is kept and is right"
    )
    assert auto_takes.describe_takes({"judged": {"kept": 1, "takes": [wrong, wrong, wrong]}}).endswith(
        "take 1 is kept and still: wanted orange cat, it is red cat"
    )
